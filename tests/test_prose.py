"""Pages use plain English: none of the words that earlier texts used in odd ways, which docs/style.md lists."""

import re
from pathlib import Path

import pytest

import initbench

REPOSITORY = Path(initbench.__file__).parents[1]
PAGES = ["README.md", "CONTRIBUTING.md"]
PAGES += [f"docs/{name}.md" for name in ("README", "contract", "pretrained", "reading-tables", "style")]
PAGES += [str(file.relative_to(REPOSITORY)) for file in (REPOSITORY / "changelog.d").glob("001[5-9]-*.md")]
REFUSED = re.compile(
    r"\b(mend(s|ed)?|commonest|amid|holds? against|held against|put to the test|told|tells? (of|how|which|what)"
    r"|who can no longer|(is|are) no matter of)\b",
    re.IGNORECASE,
)


def refused(text):
    """The odd words in a text, without the tables in which docs/style.md shows what not to write."""
    prose = re.sub(r"\| not \| but \|\n(\|.*\n)+", "", text)
    return [found.group() for found in REFUSED.finditer(re.sub(r"\s+", " ", prose))]


@pytest.mark.parametrize("page", PAGES)
def test_pages_use_none_of_the_odd_words(page):
    assert refused((REPOSITORY / page).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "text",
    ["It tells how.", "the commonest\nclass", "held\nagainst", "Mended.", "without who can no longer win", "Told"],
)
def test_an_odd_word_is_found(text):
    assert len(refused(text)) == 1


def test_other_words_and_the_table_of_the_guide_pass():
    assert refused("He recommended the amended constant; a cell holds numbers.") == []
    assert refused("| not | but |\n| --- | --- |\n| Tell which | Report |\n\n") == []

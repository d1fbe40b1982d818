"""The page itself: template, style, scripts and the policy that keeps it off the network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from initbench.present.figures.style import series_styles
from initbench.present.labels import settings, swept, title
from initbench.present.report.chapters import Appendix, Chapter
from initbench.present.report.curves import FIRST_SHOWN, Swatch, curve_data, swatches
from initbench.present.report.grids import BAR_WIDTH, Grid, accuracy_grid, evidence_grid, failure_grid, plain_grid
from initbench.present.report.pictures import Picture, picture_of, pictures

# All chapters of a page share these equally.
PICTURE_BYTES = 2_500_000  # before base64
CURVE_NUMBERS = 400_000  # beyond them, fewer metrics are shown
PAIRS = 3000  # beyond them, those of the best initializer
FEW_SENTENCES = 4  # a longer verdict is folded
# The colours of the figures that would be lost on a dark ground, and what they become there.
ON_DARK = {"0072B2": "#4BA3DB", "000000": "#F2F2F2", "7A1F4B": "#D070A0"}
CAPTIONS = {
    "tuning": "What was chosen for each initializer",
    "ranking": "Ranks over settings",
    "decisions": "Decisions of the sequential run",
    "predictors": "What predicts success",
}


class ChapterView(NamedTuple):
    """What the template shows of one chapter."""

    id: str
    chapter: Chapter
    facts: list[tuple[str, str]]
    accuracy: Grid
    evidence: Grid
    failures: Grid
    tables: dict[str, Grid]
    curves: dict[str, Any]
    styles: dict[str, Swatch]
    pictures: dict[str, list[Picture]]
    left_out: list[str]
    rates: str
    provenance: list[tuple[str, str]]


def render_report(
    chapters: Sequence[Chapter], title: str, appendices: Sequence[Appendix] = (), marks: Sequence[str] = ()
) -> str:
    """One HTML page that needs nothing but itself.

    Parameters
    ----------
    chapters : sequence of Chapter
        What is known of each experiment; nothing is computed here but where things stand on the page.
    title : str
        Heads the page where there are several.
    appendices : sequence of Appendix
    marks : sequence of str
        What the page is to say of where it came from, in its head.

    Returns
    -------
    str
        HTML with style, scripts, pictures and data inside. Its Content-Security-Policy admits these scripts by their
        hashes and nothing from the network; every text of a user's is escaped.
    """
    environment = Environment(
        loader=PackageLoader("initbench.present.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False, "ensure_ascii": False}
    parts = [_part(f"e{i}", chapter, len(chapters)) for i, chapter in enumerate(chapters)]
    colors = {look.color for part in parts for look in part.styles.values()}
    style = "\n".join([_asset("vendor/uplot/uPlot.min.css"), _asset("report.css"), _color_rules(colors)])
    libraries = [_asset("vendor/uplot/uPlot.iife.min.js"), _asset("vendor/sortable/sortable.min.js")]
    scripts = [*libraries, _asset("report.js")]
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src {_hash(style)}; script-src {' '.join(map(_hash, scripts))}"
    )
    return environment.get_template("report.html.jinja").render(
        title=title,
        policy=policy,
        marks=marks,
        style=Markup(style),
        scripts=[Markup(script) for script in scripts],
        parts=parts,
        appendices=[_appendix(one) for one in appendices],
        few_sentences=FEW_SENTENCES,
        first_shown=FIRST_SHOWN,
        bar_width=BAR_WIDTH,
    )


def _part(part: str, chapter: Chapter, sharers: int) -> ChapterView:
    accuracy, runs, factors = chapter.accuracy, chapter.runs, chapter.factors
    styles = swatches(series_styles(accuracy["initializer"]), part)
    chances = _chances(chapter)
    everywhere = sorted({chance for some in chances.values() for chance in some})
    leaders = list(dict.fromkeys(accuracy["initializer"]))[:1]
    shown, left_out = pictures(chapter, PICTURE_BYTES // sharers)
    return ChapterView(
        part,
        chapter,
        _facts(chapter),
        accuracy_grid(accuracy, factors, everywhere),
        evidence_grid(chapter.evidence, factors, leaders, PAIRS // sharers),
        failure_grid(runs, factors),
        {name: plain_grid(CAPTIONS[name], table, factors) for name, table in chapter.tables.items() if len(table)},
        curve_data(chapter.bands, accuracy, chances, factors, styles, CURVE_NUMBERS // sharers),
        styles,
        shown,
        left_out,
        _rates(accuracy),
        [(title(key), _words(value)) for key, value in chapter.manifest.items()],
    )


def _appendix(one: Appendix) -> tuple[Appendix, Grid, list[Picture]]:
    shown = [picture_of(name, figure, one.finding) for name, figure in one.figures.items()]
    return one, plain_grid(one.caption, one.table, ()), shown


def _facts(chapter: Chapter) -> list[tuple[str, str]]:
    """The size of an experiment, for its head."""
    accuracy, counts = chapter.accuracy, chapter.counts
    keys = swept(accuracy, chapter.factors)
    facts = [
        ("initializers", str(accuracy["initializer"].nunique())),
        ("settings", str(settings(accuracy, keys).nunique())),
        ("seeds", str(chapter.runs["seed"].nunique())),
        ("networks", f"{counts['done']} of {counts['planned']}"),
    ]
    return facts + [(name, str(counts[name])) for name in ("diverged", "failed", "missing") if counts[name]]


def _chances(chapter: Chapter) -> dict[str, list[float]]:
    """Setting in words -> the accuracies of always answering the majority class."""
    majority = chapter.baselines.drop_duplicates("cell").set_index("cell")["test_majority"]
    label = settings(chapter.runs, swept(chapter.accuracy, chapter.factors))
    chance = chapter.runs["cell"].map(majority)
    return {str(setting): sorted(set(some.dropna())) for setting, some in chance.groupby(label)}


def _rates(accuracy: pd.DataFrame) -> str:
    """How far the learning rate was the same to all: ``one``, ``swept`` or, with one initializer, empty."""
    if accuracy["initializer"].nunique() < 2:
        return ""
    return "swept" if accuracy["learning_rate"].nunique() > 1 else "one"


def _words(value: Any) -> str:
    """A value of the manifest in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(item)}" for key, item in value.items())
    if isinstance(value, list):
        is_nested = any(isinstance(item, Mapping) for item in value)
        return ("; " if is_nested else " ").join(map(_words, value))
    return "none" if value is None else str(value)


def _color_rules(colors: Collection[str]) -> str:
    """A class a colour; ``currentColor`` and the script read it."""
    rules = [f".c{color}{{color:#{color}}}" for color in sorted(colors)]
    dark = [f":root:not(.printing) .c{color}{{color:{ON_DARK[color]}}}" for color in sorted(ON_DARK.keys() & colors)]
    return "\n".join([*rules, f"@media screen and (prefers-color-scheme:dark){{{''.join(dark)}}}"])


def _asset(name: str) -> str:
    return files("initbench.present.report").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """How a Content-Security-Policy names an inline text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

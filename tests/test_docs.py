"""The documents say what the code does."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

import initbench
from initbench.cli import main
from initbench.config import read_experiment

REPOSITORY = Path(initbench.__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def generator():
    spec = importlib.util.spec_from_file_location("generate", REPOSITORY / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["commands.md", "config.md", "initializers.md"])
def test_generated_pages_are_up_to_date(name):
    text = (REPOSITORY / "docs" / name).read_text(encoding="utf-8")
    assert text == generator().PAGES[name](), "run: python docs/generate.py"


def block(language, sign):
    (found,) = [text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if sign in text]
    return found


def test_the_first_config_of_the_readme_is_fine(tmp_path):
    path = tmp_path / "first.yaml"
    path.write_text(block("yaml", "depth: [2, 10]"), encoding="utf-8")
    assert read_experiment(path).size == 30


def test_the_initializer_of_the_readme_runs_as_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "triangular.py").write_text(block("python", "triangular"), encoding="utf-8")
    _, *arguments = shlex.split(block("console", "--plugin").removeprefix("$ "))
    small = [
        "-s",
        "dataset=digits",
        "-s",
        "depth=1",
        "-s",
        "width=4",
        "-s",
        "epochs=1",
        "--seeds",
        "1",
        "-q",
        "-j",
        "1",
    ]
    result = CliRunner().invoke(main, [*arguments, *small])
    assert result.exit_code == 0, result.output
    assert set(initbench.load("results/mine").runs["initializer"]) == {"he_normal", "triangular", "triangular(gain=1)"}


def test_the_table_of_the_readme_is_the_committed_result():
    table = (REPOSITORY / "results" / "relu_deep" / "accuracy.md").read_text(encoding="utf-8").strip()
    assert table.split("\n\n", 1)[1] in README


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/data.md", "docs/config.md"])
def test_links_lead_somewhere(page):
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert ((REPOSITORY / page).parent / target).exists(), target

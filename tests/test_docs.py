"""The documents say what the code does."""

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import initbench
from initbench.cli import main
from initbench.config import read_experiment
from initbench.config.reader import MOST_CELLS

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


def block(language, sign, text=README):
    (found,) = [block for block in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL) if sign in block]
    return found


def test_the_first_config_of_the_readme_is_fine(tmp_path):
    path = tmp_path / "first.yaml"
    path.write_text(block("yaml", "depth: [2, 10]"), encoding="utf-8")
    assert read_experiment(path).size == 30


def test_the_initializer_of_the_readme_runs_as_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "triangular.py").write_text(block("python", "triangular"), encoding="utf-8")
    _, *arguments = shlex.split(block("console", "run relu_deep --plugin").removeprefix("$ "))
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


@pytest.mark.parametrize(("wrong", "said"), [("6", "keeps every law"), ("3", "breaks 1 law")])
def test_check_says_of_the_initializer_of_the_readme_what_the_readme_says(wrong, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = block("python", "triangular").replace("limit = (6", f"limit = ({wrong}")
    (tmp_path / "triangular.py").write_text(code, encoding="utf-8")
    command, output = block("console", said).split("\n", 1)
    done = subprocess.run([sys.executable, "-m", *shlex.split(command)[1:]], capture_output=True, text=True)
    assert done.stdout == output, done.stderr
    assert done.returncode == (0 if wrong == "6" else 2)


def test_each_part_on_the_page_of_own_parts_keeps_the_laws(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = block("python", "mine.py", (REPOSITORY / "docs" / "parts.md").read_text(encoding="utf-8"))
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    names = re.findall(r'^@\w+\("(\w+)"', code, re.MULTILINE)
    command = [sys.executable, "-m", "initbench", "check", *names, "--plugin", "mine.py"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.splitlines() == [f"{name}: keeps every law of its kind" for name in names], done.stderr
    assert len(names) == 5


def test_the_python_of_the_readme_gives_what_it_says():
    weights = initbench.initializer("he_normal")((784, 128), np.random.default_rng(0))
    assert weights.shape == (784, 128)
    pair = initbench.initializer("torch_linear")((784, 128), np.random.default_rng(0))
    assert [array.shape for array in pair] == [(784, 128), (128,)]


STYLE = (REPOSITORY / "docs" / "style.md").read_text(encoding="utf-8")


def test_the_initializer_of_the_style_guide_keeps_the_laws(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(block("python", "relu_backward", STYLE), encoding="utf-8")
    result = CliRunner().invoke(main, ["check", "relu_backward", "--plugin", "mine.py"])
    assert result.exit_code == 0, result.output


def test_the_errors_of_the_style_guide_are_those_of_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = [
        "dataset: digits",
        "depth: 3",
        "width: 16",
        "seeds: 2",
        "initializer: [orthogonal, he_norml]",
        "epochs: 0",
    ]
    Path("depth.yaml").write_text("\n".join(config), encoding="utf-8")
    command, said = block("console", "depth.yaml:5", STYLE).split("\n", 1)
    result = CliRunner().invoke(main, shlex.split(command)[2:])
    assert (result.exit_code, result.stderr) == (2, said)


def test_tables_have_one_mark_for_what_a_library_lacks():
    page = generator().initializers_page()
    assert "| none |" not in page
    assert ".; " not in page
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert len(rows) > 90
    assert not [row for row in rows if "|  |" in row]


def test_the_table_of_the_readme_is_the_committed_result():
    table = (REPOSITORY / "docs" / "example" / "relu_deep" / "accuracy.md").read_text(encoding="utf-8").strip()
    assert table.split("\n\n", 1)[1] in README


def test_the_page_on_scaling_names_the_most_cells_of_a_config():
    page = (REPOSITORY / "docs" / "scaling.md").read_text(encoding="utf-8")
    assert f"A config of more than {MOST_CELLS:,} cells is refused" in page


PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    *(str(page.relative_to(REPOSITORY)) for page in (REPOSITORY / "docs").rglob("*.md")),
]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert ((REPOSITORY / page).parent / target).exists(), target

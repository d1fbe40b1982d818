"""The documents say what the code does."""

import importlib.util
import re
import shlex
import shutil
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


def blocks(language, text=README):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def block(language, sign, text=README):
    (found,) = [block for block in blocks(language, text) if sign in block]
    return found


def commands(text=README):
    """The commands that a page shows, without their comments."""
    lines = "".join(blocks("console", text)).splitlines()
    return [shlex.split(line.removeprefix("$ "), comments=True) for line in lines if line.startswith("$ ")]


@pytest.fixture
def tour(tmp_path, monkeypatch):
    """A folder with the files that a reader of README has."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(REPOSITORY / "configs", "configs")
    Path("my_run.yaml").write_text(block("yaml", "depth: [2, 10]"), encoding="utf-8")
    Path("triangular.py").write_text(block("python", "triangular.py"), encoding="utf-8")


@pytest.mark.usefixtures("sketches")
def test_the_commands_of_the_readme_run_in_their_order(tour):
    assert read_experiment(Path("my_run.yaml")).size == 30
    quick = ["-s", "width=4", "-s", "epochs=1", "-s", "train_rows=50", "--seeds", "2", "-j", "1", "-q"]
    seen = []
    for program, *arguments in commands():
        if program == "python":
            subprocess.run([sys.executable, *arguments], check=True)
        elif program == "initbench":
            result = CliRunner().invoke(main, [*arguments, *(quick if arguments[0] == "run" else [])])
            assert result.exit_code == 0, result.output
            seen.append(arguments[0])
    assert {"run", "plot", "compare", "report", "check", "data"} <= set(seen)
    assert set(initbench.load("results/mine").runs["initializer"]) == {"he_normal", "triangular"}
    assert set(initbench.load("results/wine").runs["dataset"]) == {"csv(wine.csv, target=target)"}


def test_a_command_of_the_readme_that_is_wrong_is_found():
    wrong = "```console\n$ initbench run relu_deep --sedes 8  # a comment\n```\n"
    (command,) = commands(wrong)
    assert command == ["initbench", "run", "relu_deep", "--sedes", "8"]
    assert CliRunner().invoke(main, command[1:]).exit_code == 2


def test_the_other_commands_of_the_readme_are_targets_of_make_and_the_activation():
    assert [command for command in commands() if command[0] not in ("initbench", "python")] == [
        ["make", "run"],
        ["make", "test"],
        ["source", ".venv/bin/activate"],
    ]


def test_the_python_of_the_readme_runs(tour):
    code = block("python", "initbench.run").replace(
        '"my_run.yaml", ', '"my_run.yaml", changes=["epochs=1", "seeds=2"], '
    )
    Path("script.py").write_text(f"{code}    assert weights.shape == (784, 128)\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "glorot_uniform" in done.stdout


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150


PARTS = (REPOSITORY / "docs" / "parts.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("factor", "said"), [("6", "triangular: passes"), ("3", "triangular: fails")])
def test_check_says_of_the_initializer_of_the_readme_what_the_page_of_own_parts_says(factor, said, tour):
    code = Path("triangular.py").read_text(encoding="utf-8")
    assert "a = (6 * gain / shape[0])" in code
    Path("triangular.py").write_text(code.replace("a = (6 * gain / shape", f"a = ({factor} * gain / shape"))
    command, output = block("console", said, PARTS).split("\n", 1)
    result = CliRunner().invoke(main, shlex.split(command)[2:])
    assert result.stdout == output
    assert result.exit_code == (0 if factor == "6" else 2)


def test_each_part_on_the_page_of_own_parts_keeps_the_laws(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = block("python", "mine.py", PARTS)
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    names = re.findall(r'^@\w+\("(\w+)"', code, re.MULTILINE)
    command = [sys.executable, "-m", "initbench", "check", *names, "--plugin", "mine.py"]
    done = subprocess.run(command, capture_output=True, text=True)
    verdicts = [line for line in done.stdout.splitlines() if line[0] != " "]
    assert verdicts == [f"{name}: passes every check of its kind" for name in names], done.stderr
    assert len(names) == 5


def test_an_initializer_gives_weights_or_weights_and_biases():
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


def test_the_page_on_runs_of_your_own_shows_what_its_commands_print(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (REPOSITORY / "docs" / "compare-anything.md").read_text(encoding="utf-8")
    Path("runs.csv").write_text(block("csv", "optimizer", page), encoding="utf-8")
    shown = {}
    for words in commands(page):
        result = CliRunner().invoke(main, words[1:])
        assert result.exit_code == 0, result.output
        shown[" ".join(words)] = result.stdout
    first, sentences, table = shown.values()
    assert block("text", "leads with", page) == first
    assert "adam is better than sgd" in sentences
    names: dict[str, object] = {}
    exec(block("python", "initbench.compare", page), names)
    assert len(names["table"]) == len(table.splitlines()) - 1 == 3


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


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(page, text):
    """The links of a page to files or headings that do not exist."""
    dead = []
    for target, _, anchor in (link.partition("#") for link in re.findall(r"\]\((?!http)([^) ]+)", text)):
        file = (REPOSITORY / page).parent / target if target else REPOSITORY / page
        if not file.exists() or (anchor and anchor not in anchors(file.read_text(encoding="utf-8"))):
            dead.append(f"{target}#{anchor}")
    return dead


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    assert dead_links(page, (REPOSITORY / page).read_text(encoding="utf-8")) == []


def test_links_that_lead_nowhere_are_found():
    text = (
        "[a](docs/nowhere.md) [b](docs/config.md#nowhere) [c](#nowhere) [d](docs/config.md#config) [e](#honest-limits)"
    )
    assert dead_links("README.md", text) == ["docs/nowhere.md#", "docs/config.md#nowhere", "#nowhere"]


def test_the_index_of_the_documentation_links_every_page():
    index = (REPOSITORY / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (REPOSITORY / "docs").glob("*.md")} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()


def test_the_page_on_data_has_the_baselines_that_its_script_prints():
    spec = importlib.util.spec_from_file_location("baselines", REPOSITORY / "docs" / "data" / "churn_baselines.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = (REPOSITORY / "docs" / "data.md").read_text(encoding="utf-8").splitlines()
    assert set(script.rows(['always "stayed"', "logistic regression"])) < set(page)
    assert all(any(line.startswith(f"| {name} |") for line in page) for name in script.MODELS)


def test_the_page_on_claims_counts_the_quick_ones():
    page = (REPOSITORY / "docs" / "claims.md").read_text(encoding="utf-8")
    quick = [file for file in (REPOSITORY / "claims").glob("*.yaml") if "suite: quick" in file.read_text("utf-8")]
    assert f"The {len(quick)} quick claims, 10 times with other seeds: " in page
    assert f" of {10 * len(quick)} verdicts" in page


def test_the_readme_counts_the_claims_as_their_page_does():
    counts = r"198 claims: (\d+ supported, \d+ refuted, \d+ inconclusive)"
    (counted,) = re.findall(counts, (REPOSITORY / "docs" / "claims.md").read_text(encoding="utf-8"))
    assert f"about initializers: {counted}" in README

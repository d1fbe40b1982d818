"""docs/contract.md agrees with the code, and its promises are kept as a user's script sees them: from outside."""

import csv
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import click
import pytest
from click.testing import CliRunner

import initbench
from initbench.cli import main
from initbench.config.keys import KEYS
from initbench.registry import find

REPOSITORY = Path(initbench.__file__).parents[1]
PAGE = (REPOSITORY / "docs" / "contract.md").read_text(encoding="utf-8")
GRID = """
dataset: digits
depth: 2
width: 16
activation: relu
initializer: [he_normal, zeros, {normal: {std: 0.01}}]
learning_rate: [0.1, 0.01]
epochs: 3
seeds: 4
"""
CELLS = 3 * 2 * 4
FORMATS = ["text", "markdown", "csv", "latex", "json"]
PLUGIN = """
from initbench.registry import initializer

@initializer("fails")
def fails(shape, rng):
    if shape[0] == 64:
        raise RuntimeError("no weights today")
    return rng.normal(size=shape)

@initializer("interrupts")
def interrupts(shape, rng):
    raise KeyboardInterrupt
"""


# The page


def table(head, page=PAGE):
    """The rows of the page's table whose first column has that head, each a list of its cells."""
    (_, text) = page.split(f"\n| {head} |")
    return [re.split(r" \| ?", line.strip("|").strip()) for line in text.split("\n\n")[0].splitlines()[2:]]


def names(text):
    return re.findall(r"`([^`]+)`", text)


def factors(page=PAGE):
    return names(page.split("**factors**:")[1].split("and any other")[0])


def columns(file, page=PAGE):
    """The columns that the page promises for a file, its factors spelled out."""
    (promised,) = [text for name, text in table("table", page) if name == f"`{file}`"]
    if "the factors without" in promised:
        settings = [name for name in factors(page) if name != "initializer"]
        return [*settings, *names(promised.split("`initializer`,")[1])]
    before, after = promised.split("factors,")
    return [*names(before), *factors(page), *names(after)]


def command_of(row):
    """The Click command that a row of the table of commands names."""
    command, words = main, names(row[0])[0].split()[1:]
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    return command


def missing_options(row):
    """The options that a row of the table of commands names, and its command lacks."""
    options = {name for option in command_of(row).params for name in option.opts}
    return set(re.findall(r"(?<=`)--?[a-z-]+", row[1])) - options


@pytest.mark.parametrize("row", table("command"), ids=lambda row: names(row[0])[0])
def test_each_command_of_the_page_has_the_options_that_it_names(row):
    assert missing_options(row) == set()
    assert "--debug" in {name for option in command_of(row).params for name in option.opts}


def test_an_option_that_the_code_lacks_is_found():
    (row,) = [row for row in table("command") if names(row[0])[0].startswith("initbench plot")]
    assert missing_options([row[0], row[1] + " `--colour`"]) == {"--colour"}


@pytest.mark.parametrize("row", [row for row in table("command") if "`--format` is" in row[1]], ids=lambda row: row[0])
def test_each_command_of_the_page_takes_the_formats_that_it_names(row):
    (choice,) = [option.type for option in command_of(row).params if "--format" in option.opts]
    assert list(choice.choices) == names(row[1].split("`--format` is")[1])


def test_each_key_of_the_page_is_one_of_the_code_with_its_default():
    for key, _, default in table("key"):
        (name,) = names(key)
        assert KEYS[name].sweeps == ("•" in key), name
        assert KEYS[name].default == names(default)[0] if names(default) else KEYS[name].default in ("null", "''"), name


def test_the_options_of_csv_on_the_page_are_those_of_the_reader():
    options = list(inspect.signature(find("dataset", "csv").function).parameters)
    assert [names(option)[0] for option, _ in table("option of `csv`")] == options[options.index("file") + 1 :]


def test_each_target_of_the_page_is_one_of_the_makefile():
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = {word for line in re.findall(r"^(\w[\w -]*):(?!=)", makefile, re.MULTILINE) for word in line.split()}
    promised = [name.removeprefix("make ") for name in names(PAGE.split("## A fresh clone")[1])]
    assert {name for name in promised if not name.startswith("initbench ")} - targets == set()


# The promises, from outside


def in_process(*arguments, code=0, **environment):
    """What the command answers to a script: it has no input, ends with ``code`` and shows no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "initbench", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


def initbench_(*arguments, code=0):
    """The same without a process of its own, whose imports take longer than most commands."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done


def rows(file):
    with open(file, newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def head(file):
    return Path(file).read_text(encoding="utf-8").splitlines()[0].split(",")


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """The results of the grid, looked at from the folder in which they were made."""
    folder = tmp_path_factory.mktemp("grid")
    (folder / "grid.yaml").write_text(GRID, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        in_process("run", "grid.yaml", "-j", "2")
        yield Path("results/grid")


@pytest.fixture
def small(here, bias):
    """Results of few cells, which keep what goes on in layers, have a target and name a bias or two."""
    keys = ["target=0.05", f"bias={bias}", "record=[curves, layers]"]
    keys += ["initializer=[zeros, he_normal]", "learning_rate=0.1", "epochs=1", "depth=0", "seeds=2"]
    initbench_("run", "grid.yaml", *(word for key in keys for word in ("-s", key)), "-j", "1", "-q")
    return Path("results/grid")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder, with the grid's config and a plugin in it."""
    monkeypatch.chdir(tmp_path)
    Path("grid.yaml").write_text(GRID, encoding="utf-8")
    Path("plugin.py").write_text(PLUGIN, encoding="utf-8")


@pytest.mark.parametrize("file", ["runs.csv", "curves.csv", "accuracy.csv", "comparison.csv"])
def test_each_table_has_the_columns_of_the_page(grid, file):
    assert head(grid / file) == columns(file)


def test_a_column_that_the_page_misspells_is_found(grid):
    wrong = PAGE.replace("`best_epoch`", "`best_epochs`")
    assert wrong != PAGE
    assert head(grid / "runs.csv") != columns("runs.csv", wrong)


@pytest.mark.parametrize("bias", ["[zeros, {constant: {value: 0.1}}]"])
def test_a_swept_key_is_a_factor_in_every_table_and_a_target_adds_its_columns(small):
    (extra,) = [names(text.split(", after")[0]) for name, text in table("table") if "with `target`" in name]
    for file in ("runs.csv", "curves.csv", "layers.csv", "accuracy.csv", "comparison.csv"):
        promised = columns(file)
        promised.insert(promised.index("batch_size") + 1, "bias")
        assert head(small / file) == promised + (extra if file == "accuracy.csv" else [])
    assert {row["bias"] for row in rows(small / "runs.csv")} == {"zeros", "constant(value=0.1)"}


@pytest.mark.parametrize("bias", ["zeros"])
def test_the_files_of_a_run_are_those_of_the_page(small):
    initbench_("plot", "results/")
    initbench_("report", small)
    for cell, _ in table("file"):
        assert [name for name in names(cell) if not (small / name).exists()] == []
    assert len(list((small / "figures").glob("*.png"))) >= 3
    html = (small / "report.html").read_text(encoding="utf-8")
    assert "he_normal" in html
    assert 'src="http' not in html
    cells = json.loads((small / "manifest.json").read_text(encoding="utf-8"))["cells"]
    assert [cells[name] for name in ("planned", "done", "diverged", "failed")] == [4, 4, 0, 0]


def test_a_run_has_a_row_for_each_cell_and_epoch(grid):
    runs, curves = rows(grid / "runs.csv"), rows(grid / "curves.csv")
    assert len({row["cell"] for row in runs}) == len(runs) == CELLS
    assert len(curves) == CELLS * 4
    assert {row["epoch"] for row in curves} == {"0", "1", "2", "3"}
    assert {row["initializer"] for row in runs} == {"he_normal", "zeros", "normal(std=0.01)"}
    assert {row["status"] for row in runs} == {"ok"}
    assert len(rows(grid / "comparison.csv")) == 2 * 3


def test_the_accuracy_table_is_ranked(grid):
    table_rows = rows(grid / "accuracy.csv")
    scores = [float(row["test_accuracy_mean"]) for row in table_rows]
    assert scores == sorted(scores, reverse=True)
    assert [int(row["rank"]) for row in table_rows] == [1 + sum(other > score for other in scores) for score in scores]


def test_the_same_command_again_changes_no_number(grid):
    before = (grid / "runs.csv").read_bytes()
    initbench_("run", "grid.yaml")
    assert (grid / "runs.csv").read_bytes() == before


def test_the_resolved_config_gives_the_same_cells_and_numbers(grid):
    initbench_("run", grid / "config.yaml", "-o", "again", "-q", "-j", "1")
    again, first = (
        {row["cell"]: row["test_loss"] for row in rows(root / "runs.csv")} for root in (Path("again/grid"), grid)
    )
    assert again == first


@pytest.mark.parametrize("command", ["table", "compare"])
def test_tables_are_printed_in_each_format(grid, command):
    for name in FORMATS:
        result = CliRunner().invoke(main, [command, str(grid), "--format", name])
        assert result.exit_code == 0, result.output
        assert "he_normal" in result.stdout.replace("\\_", "_"), name


def test_status_counts_and_the_options_of_run_sweep(grid):
    assert str(CELLS) in initbench_("status", grid).stdout
    planned = initbench_("run", "grid.yaml", "--dry-run", "-o", "dry").stdout
    assert str(CELLS) in planned
    assert not Path("dry").exists()
    changes = ["-s", "depth=[1,2]", "-s", "epochs=1", "--seeds", "2"]
    initbench_("run", "grid.yaml", *changes, "-o", "swept", "-q", "-j", "1")
    assert len(rows("swept/grid/runs.csv")) == 3 * 2 * 2 * 2


def test_a_diverged_cell_is_a_result_and_leaves_its_neighbours_alone(here):
    far = GRID.replace("relu", "linear").replace("0.01]", "1.0e6]").replace("std: 0.01", "std: 30")
    Path("far.yaml").write_text(far, encoding="utf-8")
    initbench_("run", "far.yaml", "-q", "-j", "1")
    runs = rows("results/far/runs.csv")
    diverged = [row for row in runs if float(row["learning_rate"]) > 1 and row["initializer"] != "zeros"]
    assert {row["status"] for row in diverged} == {"diverged"}
    assert all(row["diverged_epoch"] for row in diverged)
    near = [row for row in runs if float(row["learning_rate"]) < 1 and row["initializer"] == "he_normal"]
    assert {row["status"] for row in near} == {"ok"}
    assert not {value for row in runs for value in row.values() if value.lower() in ("nan", "inf", "-inf")}


def test_every_fault_of_a_config_is_located_and_nothing_is_written(here):
    faults = """\
        dataset: digts
        depth: -3
        activation: rellu
        initializer: [he_normal, he_norml, {normal: {sd: 0.1}}]
        epoch: 5
        learning_rate: fast
    """
    Path("bad.yaml").write_text(dedent(faults), encoding="utf-8")
    for command in ("run", "check"):
        said = initbench_(command, "bad.yaml", code=2).stderr
        lines = [int(line.split(":")[1]) for line in said.splitlines() if re.match(r"bad\.yaml:\d+:\d+: ", line)]
        assert lines == [1, 2, 3, 4, 4, 5, 6]
        assert {name for name in ("digits", "relu", "he_normal", "std", "epochs") if name not in said} == set()
    assert not Path("results").exists()


@pytest.mark.parametrize(
    "text", ["dataset: !!python/object/apply:os.system ['echo hi']", "name: ../../x", "depth: 2\ndepth: 3", "- 1"]
)
def test_a_hostile_or_ambiguous_config_is_refused(here, text):
    Path("bad.yaml").write_text(text, encoding="utf-8")
    assert "bad.yaml:" in initbench_("run", "bad.yaml", code=2).stderr


FAILS = ["run", "grid.yaml", "--seeds", "1", "--plugin", "plugin.py", "-j", "1", "-q", "-s"]
ENDS = {
    0: [["check", "grid.yaml"], ["-h"], ["plot", "--help"], ["--version"], ["new"], ["schema"], ["data", "list"]],
    1: [["table", "nowhere"]],
    2: [["nonsense"], ["run"], ["run", "no_such.yaml"], ["check", "grid.yaml", "-s", "depth=-1"]],
    3: [[*FAILS, "initializer=[fails, zeros]"]],
    130: [[*FAILS, "initializer=interrupts"]],
}


def test_the_exit_codes_of_the_page_are_these():
    assert [int(code) for code, _ in table("exit code")] == list(ENDS)


@pytest.mark.parametrize(("code", "commands"), ENDS.items())
def test_each_exit_code_is_that_of_the_page(here, code, commands):
    first, *others = commands
    in_process(*first, code=code)
    for command in others:
        initbench_(*command, code=code)


@pytest.mark.parametrize("kind", ["initializers", "activations", "optimizers", "datasets"])
def test_lists_are_json_and_without_colour(here, kind):
    assert len(json.loads(initbench_("list", kind, "--format", "json").stdout)) >= 3
    plain = in_process("list", kind, NO_COLOR="1")
    assert "\x1b[" not in plain.stdout + plain.stderr


def test_networks_are_looked_at_before_training(here):
    initbench_("probe", "grid.yaml", "--seeds", "1")
    assert Path("results/grid/probe.csv").exists()
    initbench_("theory", "tanh", "--sigma-w2", "1.7", "--sigma-b2", "0.1")


def test_the_python_of_the_page_runs(here):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    Path("configs").mkdir()
    Path("configs/relu_deep.yaml").write_text(GRID, encoding="utf-8")
    promises = "\n".join(f"assert len(results.{name})" for name in ("runs", "curves", "accuracy", "comparison"))
    Path("script.py").write_text(
        f"{code}assert list(table)[0] == 'depth'\nassert weights.shape == (784, 128)\n{promises}\n", encoding="utf-8"
    )
    subprocess.run([sys.executable, "script.py"], check=True)

"""Parts that worker processes do not have are refused before training; failed cells end in a warning."""

import shlex
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner

import initbench
from initbench.cli import main
from initbench.errors import FailedCells, UsageError
from initbench.registry import activation, initializer, load_plugin, lookup

CONFIG = """\
name: mine
dataset: {line: {rows: 60}}
depth: 1
width: 4
initializer: [mine, zeros]
epochs: 1
seeds: 2
"""
CODE = """\
@initializer("mine")
def mine(shape, rng):
    'Draws.'
    return rng.normal(size=shape)
"""


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(CONFIG)


def register_in_a_function():
    @initializer("mine")
    def mine(shape, rng):
        """Draws."""
        return rng.normal(size=shape)


def register_in_a_notebook():
    exec(compile(CODE, "/tmp/ipykernel_1/123.py", "exec"), {"initializer": initializer, "__name__": "__main__"})


def register_an_activation():
    register_in_a_function()
    relu = lookup("activation", "relu").function

    @activation("mine")
    def mine():
        """As ReLU."""
        return relu()


@pytest.mark.parametrize(
    ("register", "changes", "kind"),
    [
        (register_in_a_function, [], "initializer"),
        (register_in_a_notebook, [], "initializer"),
        (register_in_a_function, ["initializer={first: zeros, hidden: mine, last: mine}"], "initializer"),
        (register_an_activation, ["activation=mine", "initializer=[zeros, he_normal]"], "activation"),
    ],
)
def test_a_part_that_workers_cannot_import_is_refused_before_training(register, changes, kind):
    register()
    with pytest.raises(UsageError, match=rf"the {kind} 'mine' is registered in .*, line \d+, .*--plugin my_parts.py"):
        initbench.run("mine.yaml", jobs=2, changes=changes)
    assert not Path("results").exists()
    assert set(initbench.run("mine.yaml", jobs=1, changes=changes).runs["status"]) == {"ok"}


def register_in(file):
    """Register ``mine`` as a module does that a script or notebook imports."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"from initbench.registry import initializer\n{CODE}", encoding="utf-8")
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), {"__name__": file.stem})


@pytest.mark.parametrize("name", ["my_parts.py", "my parts/bad.py"])
def test_a_part_of_an_imported_module_is_refused_with_the_name_of_its_file(tmp_path, name):
    file = tmp_path / name
    register_in(file)
    with pytest.raises(UsageError, match="is registered in") as error:
        initbench.run("mine.yaml", jobs=2)
    assert f"load that file with --plugin {shlex.quote(str(file))}, in Python with" in str(error.value)
    assert f"load_plugin({str(file)!r})" in str(error.value)
    assert "of its own" not in str(error.value)


def test_a_part_in_a_plugin_is_trained_by_workers(tmp_path):
    file = tmp_path / "my parts/bad.py"
    register_in(file)
    load_plugin(str(file))
    assert set(initbench.run("mine.yaml", jobs=2).runs["status"]) == {"ok"}


def test_a_part_in_a_script_that_workers_import_is_trained_by_them():
    Path("my_parts.py").write_text(f"from initbench.registry import initializer\n{CODE}")
    script = "import initbench, my_parts\nif __name__ == '__main__':\n    initbench.run('mine.yaml', jobs=2)\n"
    Path("script.py").write_text(script)
    subprocess.run([sys.executable, "script.py"], check=True, timeout=300)
    assert set(initbench.load("results/mine").runs["status"]) == {"ok"}


def test_a_cell_of_a_notebook_may_be_edited_and_run_again():
    names = {"initializer": initializer, "__name__": "__main__"}
    for number, code in enumerate([CODE, CODE.replace("normal(", "uniform(")]):
        exec(compile(code, f"/tmp/ipykernel_1/{number}.py", "exec"), names)
    assert lookup("initializer", "mine").function is names["mine"]
    with pytest.raises(UsageError, match="is there already"):
        exec(compile(CODE.replace("def mine", "def other"), "/tmp/ipykernel_1/3.py", "exec"), names)


FAILING = """\
from initbench.registry import initializer

@initializer("mine")
def mine(shape, rng):
    'Fails at seeds 5 and 6.'
    if rng.bit_generator.seed_seq.entropy in (5, 6):
        raise ValueError("not today")
    return rng.normal(size=shape)
"""


@pytest.mark.parametrize(
    ("seeds", "sentence"),
    [
        ([5, 6], "no two initializers have a seed in common to compare."),
        ([4, 5, 6], "one seed in common shows nothing: take more."),
    ],
)
@pytest.mark.usefixtures("sketches")
def test_failed_cells_end_in_a_warning_with_the_first_reason(seeds, sentence):
    Path("failing.py").write_text(FAILING)
    load_plugin("failing.py")
    told = "2 cells failed: ValueError: not today (all reasons: initbench status results/mine)"
    with pytest.warns(FailedCells) as caught:
        found = initbench.run("mine.yaml", changes=[f"seeds={seeds}"])
    assert [(str(one.message), one.filename) for one in caught] == [(told, __file__)]
    assert found.conclude(found.evidence)[0].partition("; ")[2] == sentence
    for command in ("table", "compare", "report", "plot"):
        assert f"initbench: {told}\n" in CliRunner().invoke(main, [command, "results/mine"]).stderr
    arguments = ["run", "mine.yaml", "-j", "1", "-q", "--plugin", "failing.py", "-s", f"seeds={seeds}"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stderr) == (3, f"initbench: {told}\n")

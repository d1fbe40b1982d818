"""Streams, encodings, Matplotlib settings, folders and scripts as users have them: the same results, or one line."""

import hashlib
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib
import pytest
from click.testing import CliRunner
from eager import COMMAND

from initbench import load, run
from initbench.cli import main
from initbench.errors import UsageError
from initbench.parts.datasets.places import data_folders
from initbench.process import Stream, usable_cores
from initbench.results.files import write_figures
from initbench.training.runner import RunOptions

SMALL = """\
dataset: digits
train_rows: 100
depth: 1
width: 4
epochs: 1
seeds: 2
initializer: [he_normal, zeros]
"""
CLAIM = """\
claim: The one initializer ends above the other.
source: me
group: table
network: {dataset: digits, train_rows: 100, depth: 1, width: 4, epochs: 1}
arms:
  he: {initializer: he_normal}
  zeros: {initializer: zeros}
seeds: 2
metric: test_accuracy
expect: {higher: he, than: zeros, by: 0.05}
"""
HERE = {name: value for name, value in os.environ.items() if name not in ("MPLBACKEND", "MATPLOTLIBRC")}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run with its figures."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
    (folder / "claim.yaml").write_text(CLAIM, encoding="utf-8")
    write_figures(run(folder / "small.yaml", results=folder / "results"))
    return folder


@pytest.fixture
def here(finished, tmp_path, monkeypatch):
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shell(command, folder, **environment):
    """Run ``initbench`` by a shell, with its redirections."""
    script = f'initbench() {{ "{sys.executable}" -m initbench "$@"; }}\n{command}'
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=HERE | environment,
        capture_output=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )


COMMANDS = [
    ("--help",),
    ("run", "small.yaml", "-j", "1", "-o", "again"),
    ("run", "small.yaml", "-j", "1", "--dry-run"),
    ("table", "results/small"),
    ("compare", "results/small"),
    ("plan", "results/small"),
    ("status", "results"),
    ("report", "results/small"),
    ("probe", "small.yaml", "-j", "1", "-o", "probed"),
    ("theory", "relu"),
    ("explain", "he_normal"),
    ("explain", "orthogonal"),
    ("list", "initializers"),
    ("cite", "small.yaml"),
    ("claims", "list"),
    ("claims", "schema"),
    ("schema",),
    ("check", "small.yaml"),
    ("check", "nothing.yaml"),
]


@pytest.mark.usefixtures("sketches")
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_writes_to_a_stream_of_any_encoding(here, monkeypatch, command, encoding):
    taken = io.BytesIO()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, Stream(io.TextIOWrapper(taken, encoding)))
    with pytest.raises(SystemExit) as end:
        main(command)
    assert end.value.code == (2 if "nothing.yaml" in command else 0)
    assert taken.getvalue().decode(encoding)
    for file in here.glob("again/small/*.csv"):
        file.read_text(encoding="utf-8")


def test_a_run_says_all_that_an_encoding_can_and_its_files_are_utf_8(here):
    done = shell("initbench run small.yaml -o again -j 1", here, PYTHONUTF8="0", PYTHONIOENCODING="cp1252")
    assert done.returncode == 0, done.stderr
    assert "digits · depth 1" in done.stdout.decode("cp1252")
    for name in ("accuracy.csv", "accuracy.md", "curves.csv"):
        assert (here / "again/small" / name).read_bytes() == (here / "results/small" / name).read_bytes()


@pytest.mark.long
@pytest.mark.parametrize(
    ("streams", "code", "said"),
    [
        ("2>&-", 0, ""),
        (">&-", 0, "training 4 cells"),
        (">/dev/full", 1, "initbench: standard output cannot be written: No space left on device\n"),
        ("2>/dev/full", 0, ""),
        ("2>&1 | true; exit ${PIPESTATUS[0]}", 0, ""),
    ],
)
def test_no_stream_costs_a_result(here, streams, code, said):
    done = shell(f"initbench run small.yaml -o again -j 1 {streams}", here)
    assert done.returncode == code, done.stderr
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert (here / "again/small/accuracy.csv").read_bytes() == (here / "results/small/accuracy.csv").read_bytes()


def test_workers_live_without_streams(here):
    command = shlex.join([*COMMAND, "run", "small.yaml", "-o", "again", "-j", "2"])
    assert shell(f"{command} <&- >&- 2>&-", here).returncode == 0
    assert len(load("again/small").runs) == 4


def test_a_table_that_cannot_be_written_is_no_success_and_one_that_nobody_reads_is_no_failure(here):
    done = shell("initbench table results/small >/dev/full", here)
    assert (done.returncode, done.stderr.decode().count("\n")) == (1, 1)
    done = shell("initbench theory relu | true; exit ${PIPESTATUS[0]}", here)
    assert (done.returncode, done.stderr) == (0, b"")


def pictures(folder):
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.glob("*.png"))}


HOSTILE = """\
text.usetex: True
savefig.bbox: tight
savefig.transparent: True
axes.facecolor: red
path.sketch: 1, 100, 2
font.size: 30
axes.prop_cycle: broken
backend: nonsense
no_such_key: 3
no line of settings
"""


@pytest.mark.long
@pytest.mark.parametrize(
    ("rc", "environment"),
    [
        (HOSTILE.encode(), {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "MATPLOTLIBRC": "elsewhere.rc"}),
        (b"\xff\xfe\x00binary", {"MPLBACKEND": "nonsense", "HOME": "/proc/none", "MPLCONFIGDIR": "/proc/none"}),
    ],
    ids=["hostile", "binary"],
)
def test_a_command_draws_the_same_whatever_the_settings_of_matplotlib(here, rc, environment):
    drawn = pictures(here / "results/small/figures")
    shutil.rmtree(here / "results/small/figures")
    (here / "elsewhere.rc").write_text(HOSTILE)
    (here / "matplotlibrc").write_bytes(rc)
    done = shell("initbench plot results/small", here, **environment)
    assert done.returncode == 0
    assert {line for line in done.stderr.splitlines() if not line.startswith(b"drawing the figures")} == set()
    assert pictures(here / "results/small/figures") == drawn


def test_a_notebook_keeps_its_own_settings_and_our_figures_know_nothing_of_them(here):
    drawn = pictures(here / "results/small/figures")
    own = {
        "savefig.bbox": "tight",
        "savefig.transparent": True,
        "axes.facecolor": "red",
        "path.sketch": (1, 100, 2),
        "font.size": 30,
        "figure.autolayout": True,
        "image.cmap": "gray",
        "svg.fonttype": "path",
    }
    with matplotlib.rc_context(own):
        before = {key: repr(value) for key, value in dict.items(matplotlib.rcParams)}
        write_figures(load("results/small"))
        assert {key: repr(value) for key, value in dict.items(matplotlib.rcParams)} == before
    assert pictures(here / "results/small/figures") == drawn


IMPORT = """\
import os, sys, importlib
importlib.import_module(sys.argv[1])
import matplotlib
assert os.environ["MPLBACKEND"] == sys.argv[2]
print(dict.__getitem__(matplotlib.rcParams, "backend"), matplotlib.rcParams["font.size"])
"""


@pytest.mark.parametrize(
    ("module", "backend", "left"),
    [("initbench.present.figures.phase", "svg", "svg 31.0"), ("initbench.present.report", "nonsense", "31.0")],
)
def test_importing_our_figures_in_a_script_changes_nothing_of_the_users_and_no_backend_stops_it(
    tmp_path, module, backend, left
):
    (tmp_path / "matplotlibrc").write_text("font.size: 31\n")
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, module, backend],
        cwd=tmp_path,
        env=HERE | {"MPLBACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.stdout.rstrip().endswith(left), done.stderr


def test_the_default_number_of_jobs_is_that_of_the_usable_cores(here, monkeypatch):
    asked = []
    monkeypatch.setenv("PYTHON_CPU_COUNT", "7")
    assert usable_cores() == 7

    def note(*arguments, **named):
        asked.extend(value.jobs for value in (*arguments, *named.values()) if isinstance(value, RunOptions))
        raise KeyboardInterrupt

    monkeypatch.setattr("initbench.api.train", note)
    monkeypatch.setattr("initbench.probing.run.probe_experiment", note)
    monkeypatch.setattr("initbench.claims.run.run_claims", note)
    for command in (("run", "small.yaml"), ("probe", "small.yaml"), ("claims", "run", "claim.yaml")):
        CliRunner().invoke(main, command)
    assert asked == [7, 7, 7]
    monkeypatch.undo()
    assert json.loads((here / "results/small/manifest.json").read_text())["cores"] == usable_cores()


SCRIPT = """\
import initbench
print(initbench.run("small.yaml", results="again", jobs=2).runs["status"].tolist())
"""
OWN_PART = """\
from initbench.registry import initializer

@initializer("mine")
def mine(shape, rng):
    '''Of a script.'''
    return rng.normal(size=shape)

import initbench
results = initbench.run("small.yaml", results="again", jobs=2, changes=["initializer=[mine, zeros]"])
print(results.runs["status"].tolist())
"""


@pytest.mark.parametrize("arguments", [("-",), ("own.py",)], ids=lambda a: a[0])
def test_a_script_trains_in_workers_wherever_it_stands_and_needs_no_guard(here, arguments):
    (here / "own.py").write_text(OWN_PART)
    done = subprocess.run(
        [sys.executable, *arguments], cwd=here, input=SCRIPT, capture_output=True, text=True, timeout=120
    )
    assert (done.stdout, done.stderr) == (f"{['ok'] * 4}\n", "")


def interrupt(*arguments, **options):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("command", "place"),
    [
        (("probe", "small.yaml"), "initbench.probing.run.look_at_starts"),
        (("plot", "results"), "initbench.results.files.write_figures"),
        (("phase", "tanh"), "initbench.catalogue.phase_diagram.diagram"),
        (("report", "results"), "initbench.claims.report.report_below"),
        (("check", "small.yaml"), "initbench.config.read_experiment"),
        (("run", "small.yaml", "-j", "1"), "initbench.training.shared.SharedData.facts_of"),
        (("claims", "run", "claim.yaml", "-j", "1"), "initbench.training.shared.SharedData.facts_of"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_an_interrupt_before_training_promises_nothing(here, monkeypatch, command, place):
    monkeypatch.setattr(place, interrupt)
    done = CliRunner().invoke(main, command)
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (130, "initbench: interrupted")


@pytest.mark.parametrize(
    ("command", "again"),
    [
        (("run", "small.yaml", "-o", "again", "-j", "1"), "the same command"),
        (("run", "small.yaml", "-o", "again", "-j", "1", "--fresh"), "the same command without --fresh"),
        (("claims", "run", "claim.yaml", "-j", "1"), "the same command"),
        (("claims", "run", "claim.yaml", "-j", "1", "--fresh"), "the same command without --fresh"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_interrupt_while_training_says_what_is_kept(here, monkeypatch, command, again):
    monkeypatch.setattr("initbench.training.workers.run_stack", interrupt)
    done = CliRunner().invoke(main, command)
    told = f"initbench: interrupted; what has finished is kept, and {again} resumes"
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (130, told)


@pytest.mark.parametrize("command", [("run", "small.yaml", "-j", "1", "-o", "again"), ("probe", "small.yaml")])
def test_without_a_folder_for_temporary_files_there_is_one_line(here, monkeypatch, command):
    def none():
        raise FileNotFoundError(2, "No usable temporary directory found in ['/tmp']")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 1
    assert done.stderr.startswith("initbench: no folder for temporary files: No usable temporary directory found")
    assert done.stderr.count("\n") == 1


@pytest.mark.long
@pytest.mark.parametrize("begin", ["unset HOME XDG_CACHE_HOME;", "export HOME=/proc/none XDG_CACHE_HOME=/proc/none;"])
def test_no_home_is_needed(here, begin):
    done = shell(f"{begin} initbench run small.yaml -q -o again -j 1", here, TMPDIR="/proc/none")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert not Path(here, "~").exists()


def test_an_unknown_home_is_no_folder_named_tilde(here, monkeypatch):
    monkeypatch.setattr("initbench.parts.datasets.places.user_cache_path", lambda name: Path("~/.cache") / name)
    assert data_folders(None) == (here,)
    monkeypatch.setenv("INITBENCH_DATA", "~nobody-of-that-name/data")
    with pytest.raises(UsageError, match="INITBENCH_DATA is ~nobody-of-that-name/data, and there is no such folder"):
        data_folders(None)


def test_a_run_needs_no_current_folder(here, monkeypatch):
    (here / "gone").mkdir()
    monkeypatch.chdir(here / "gone")
    (here / "gone").rmdir()
    done = CliRunner().invoke(main, ["run", str(here / "small.yaml"), "-o", str(here / "again"), "-j", "2"])
    assert done.exit_code == 0, done.output
    assert "worker processes cannot start" in done.stderr
    assert CliRunner().invoke(main, ["plot", str(here / "again")]).exit_code == 0


QUIET = [
    ("run", "small.yaml", "-j", "1", "-o", "again"),
    ("run", "small.yaml", "-j", "1", "-o", "results"),
    ("probe", "small.yaml", "-j", "1"),
    ("claims", "run", "claim.yaml", "-j", "1"),
]


@pytest.mark.usefixtures("sketches")
def test_quiet_commands_print_nothing(here):
    for command in QUIET:
        done = CliRunner().invoke(main, [*command, "-q"])
        assert (done.exit_code, done.output) == (0, ""), command


def test_each_command_with_the_option_is_among_the_quiet_ones():
    groups = {(name,): command for name, command in main.commands.items()}
    groups |= {(g, n): c for g in ("claims", "data") for n, c in main.commands[g].commands.items()}
    quiet = {name for name, command in groups.items() if any("--quiet" in p.opts for p in command.params)}
    assert quiet == {command[: 2 if command[0] == "claims" else 1] for command in QUIET}

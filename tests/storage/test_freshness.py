"""Whatever stands beside the tables shows what they show, or is reported as out of date."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

import initbench
from initbench.cli import main
from initbench.present.figures import save_figure
from initbench.storage.freshness import figures_in, out_of_date
from initbench.storage.store import Store
from initbench.training.runner import Progress

CONFIG = """\
dataset: {line: {rows: 60}}
depth: 1
width: 4
initializer: [he_normal, zeros]
epochs: 1
seeds: 3
"""
FOLDER = Path("results/my run")
COMMANDS = {
    "run my.yaml -j 1": (),
    "run my.yaml -j 1 --seeds 2": (),
    "run my.yaml -j 1 -s depth=2": (),
    "plot results": ("figures/speed.png",),
    f"plot '{FOLDER}' --format svg": ("figures/speed.svg",),
    f"report '{FOLDER}'": ("report.html",),
    "report results": ("../report.html",),
    "probe my.yaml -q": ("probe.csv", "probe.json", "figures/probe-verdicts.png"),
    "probe my.yaml -q -s depth=2": ("probe.csv", "probe.json", "figures/probe-verdicts.png"),
}


@pytest.fixture(scope="module")
def first_results(tmp_path_factory):
    """What ``initbench run my.yaml`` makes."""
    folder = tmp_path_factory.mktemp("first")
    (folder / "my.yaml").write_text(f"name: my run\n{CONFIG}")
    return initbench.run(folder / "my.yaml", results=folder / "results").folder


@pytest.fixture
def ran(first_results, quick):
    """The first run is over."""
    shutil.copytree(first_results, FOLDER)


@pytest.fixture(autouse=True)
def quick(tmp_path, monkeypatch):
    """One small figure in place of all."""

    def drawn(*_):
        figure = Figure(figsize=(1, 1))
        figure.suptitle("A figure")
        return {"speed": figure}

    monkeypatch.setattr("initbench.results.files.figures_of", drawn)
    monkeypatch.setattr(
        "initbench.present.figures.probe.probe_figures", lambda *_: {"probe-verdicts": drawn()["speed"]}
    )
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text(f"name: my run\n{CONFIG}")


def invoke(command, code=0):
    result = CliRunner().invoke(main, shlex.split(command))
    assert result.exit_code == code, result.output
    return result


def reported(lines):
    """The files that lines report as out of date, and the commands that make them anew."""
    stale = [line.partition("out of date: ")[2] for line in lines.splitlines() if "out of date: " in line]
    files = [name for line in stale for name in line.partition(", made from other")[0].split(", ")]
    return {Path(name) for name in files}, [line.partition("to update: initbench ")[2] for line in stale]


def cells():
    return initbench.load(FOLDER).runs[["cell", "status"]].to_numpy().tolist()


def check(commands):
    """Run commands one after the other, and compare each time what is reported with what was made when."""
    made = {}
    invoke("run my.yaml -j 1")
    planned = ""
    for command in commands:
        changes = command.partition("-s ")[2]
        invoke(command)
        if command.startswith("run"):
            planned = changes if "--seeds" not in command else "--seeds 2"
        shown = cells()
        for name in COMMANDS[command]:
            made[(FOLDER / name).resolve()] = changes if command.startswith("probe") else shown
        wanted = {file for file, then in made.items() if then != (planned if file.name.startswith("probe") else shown)}
        files, _ = reported(invoke("status results").stdout)
        assert {file.resolve() for file in files} == wanted, (command, commands)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(list(COMMANDS)), min_size=3, max_size=7))
def test_what_is_on_disk_is_of_the_present_plan_or_reported(tmp_path_factory, commands):
    folder = tmp_path_factory.mktemp("sequence")
    (folder / "my.yaml").write_text(f"name: my run\n{CONFIG}")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        check(commands)


def test_every_kind_of_file_is_found():
    check([*COMMANDS, "run my.yaml -j 1", "report results", "run my.yaml -j 1 --seeds 2"])


@pytest.mark.parametrize(
    "name", ["initbench.storage.store.Store.fingerprint", "initbench.storage.freshness._probe_mark"]
)
def test_the_check_catches_a_mark_that_is_always_the_same(monkeypatch, name):
    monkeypatch.setattr(name, lambda _: "initbench-probes:0123456789abcdef")
    with pytest.raises(AssertionError):
        check(["plot results", "probe my.yaml -q", "run my.yaml -j 1 -s depth=2"])


def test_what_is_reported_is_gone_once_its_commands_were_run():
    for command in (*COMMANDS, "run my.yaml -j 1 --seeds 2"):
        invoke(command)
    files, commands = reported(invoke("status results").stdout)
    assert len(files) == 7
    for command in commands:
        invoke(command)
    assert reported(invoke("status results").stdout) == (set(), [])


@pytest.mark.usefixtures("ran")
@pytest.mark.parametrize("command", ["table", "compare", "report", "plot --format svg", "status"])
def test_commands_that_come_across_it_report_it(command):
    for earlier in ("plot results", "run my.yaml -j 1 --seeds 2"):
        invoke(earlier)
    result = invoke(f"{command} '{FOLDER}'")
    text = result.stdout if command == "status" else result.stderr
    assert reported(text) == ({FOLDER / "figures/speed.png"}, [f"plot '{FOLDER}'"])


def test_a_run_says_where_its_tables_are_and_how_to_draw_them():
    result = invoke("run my.yaml -j 1")
    assert "plan changed" not in result.output
    first = result.stdout.splitlines()
    assert first[-2].startswith(f"results: {FOLDER}/ (")
    assert first[-1] == f"figures: initbench plot '{FOLDER}'"
    invoke("plot results")
    result = invoke("run my.yaml -j 1")
    assert "plan changed" not in result.output
    assert result.stdout.splitlines()[-1].startswith("results: ")
    assert reported(invoke("run my.yaml -j 1 --seeds 2").stdout.splitlines()[-1])[1] == [f"plot '{FOLDER}'"]


@pytest.mark.usefixtures("ran")
@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--seeds 2", "seeds 2 (was 3). Tables show the 4 cells of this plan; 2 cells of earlier plans are kept"),
        ("-s depth=2", "depth 2 (was 1). Tables show the 6 cells of this plan; 6 cells of earlier plans are kept"),
        ("-s 'depth=[1, 2]'", "depth [1, 2] (was 1). Tables show the 12 cells of this plan\n"),
        ("-s 'initializer=[zeros, he_uniform]'", "initializer [zeros, he_uniform] (was [he_normal, zeros])."),
        ("-s 'initializer=[{he_normal: {gain: 1}}, zeros]'", "gain: 1.0}}, zeros] (was [{he_normal: {a: 0.0, gain: 2"),
        ("-s target=0.9 --seeds 2:4", "seeds [2, 3] (was 3), target 0.9 (was none)."),
        ("--until-decided --max-seeds 3", "a race to at most 3 seeds (was no race)."),
    ],
)
def test_a_run_of_another_plan_says_what_differs(option, words):
    said = invoke(f"run my.yaml -j 1 {option}").stderr
    assert f"{FOLDER}: plan changed: " in said
    assert words in said
    assert invoke("run my.yaml -j 1 -q").output == ""


def test_other_data_under_the_same_name_are_another_plan():
    Path("my.csv").write_text("a,b,y\n" + "".join(f"{i % 7},{i % 5},{i % 2}\n" for i in range(80)))
    Path("csv.yaml").write_text(CONFIG.replace("{line: {rows: 60}}", "{csv: my.csv, target: y}"))
    invoke("run csv.yaml -j 1")
    Path("my.csv").write_text("a,b,y\n" + "".join(f"{i % 7},{i % 3},{i % 2}\n" for i in range(80)))
    assert "plan changed: other data, or other code of a part" in invoke("run csv.yaml -j 1").stderr


class Stopping(Progress):
    """Interrupts when a stack is done."""

    def finish(self, cells, records):
        raise KeyboardInterrupt


def test_figures_of_an_incomplete_run_are_out_of_date_when_it_is_complete():
    with pytest.raises(KeyboardInterrupt):
        initbench.run("my.yaml", changes=["width=[4, 5]"], progress=Stopping())
    invoke("plot results")
    assert out_of_date(FOLDER) == []
    initbench.run("my.yaml", changes=["width=[4, 5]"])
    assert [stale.files for stale in out_of_date(FOLDER)] == [[FOLDER / "figures/speed.png"]]


@pytest.mark.usefixtures("ran")
def test_files_of_a_user_stay_and_are_none_of_ours():
    mine = [FOLDER / "figures" / name for name in ("mine.png", "probe-mine.png", "notes.txt")] + [FOLDER / "mine.csv"]
    mine[0].parent.mkdir()
    figure = Figure(figsize=(1, 1))
    for file in mine:
        figure.savefig(file) if file.suffix == ".png" else file.write_text("mine")
    invoke("run my.yaml -j 1 -s depth=2")
    invoke("plot results")
    invoke("probe my.yaml -q")
    assert all(file.exists() for file in mine)
    assert reported(invoke("status results").stdout)[1] == [f"probe '{FOLDER}/config.yaml' -o results"]


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_a_figure_of_each_form_carries_its_mark_and_the_same_bytes(form):
    Path("x/figures").mkdir(parents=True)
    mark, file = "initbench-shows:0123456789abcdef", Path(f"x/figures/a.{form}")
    save_figure(Figure(), file, mark)
    before = file.read_bytes()
    save_figure(Figure(), file, mark)
    assert file.read_bytes() == before
    assert figures_in(Path("x")) == {file: {mark}}


def test_a_probe_of_another_plan_says_so_and_predictors_leave_it_out():
    recording = "-s 'record=[curves, layers]' -s 'width=[4, 5]'"
    invoke(f"run my.yaml -j 1 {recording}")
    without = initbench.load(FOLDER).predictors
    for other in ("-s depth=2", "--seeds 8"):
        words = invoke(f"probe my.yaml {recording} {other}").stderr
        assert f"{FOLDER} has the results of another plan" in words
        assert ("depth 2 (was 1)" if "depth" in other else "seeds 8 (was 3)") in words
        assert initbench.load(FOLDER).predictors.equals(without)
    invoke("plot results")
    assert "another plan" not in invoke(f"probe my.yaml {recording}").stderr
    assert not initbench.load(FOLDER).predictors.equals(without)
    assert reported(invoke("status results").stdout)[1] == [f"plot '{FOLDER}'"]  # they are drawn too


@pytest.mark.parametrize(
    "options", ["", "--until-decided --max-seeds 4", "-s 'learning_rate={tune: [0.1, 1], seeds: 2}'"]
)
def test_a_probe_of_the_config_beside_the_tables_is_of_their_plan(options):
    invoke(f"run my.yaml -j 1 {options}")
    invoke("plot results")
    invoke("report results")
    assert "another plan" not in invoke(f"probe '{FOLDER}/config.yaml' -o results").stderr
    assert reported(invoke("status results").stdout)[0] == set()


@pytest.mark.usefixtures("ran")
def test_a_store_from_before_marks_is_read():
    with Store(FOLDER) as store:
        store._connection.execute("DELETE FROM about WHERE key = 'probe'")
    invoke("probe my.yaml -q")
    assert "out of date" not in invoke("status results").stdout
    written = json.loads((FOLDER / "probe.json").read_text())
    (FOLDER / "probe.json").write_text(json.dumps({name: written[name] for name in ("settings", "networks")}))
    assert reported(invoke("status results").stdout)[0] == {FOLDER / "probe.csv", FOLDER / "probe.json"}

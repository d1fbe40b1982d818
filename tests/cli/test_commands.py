"""The commands, as a user types them."""

import ast
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import initbench
from initbench import registry
from initbench.claims.read import CLAIM
from initbench.cli import main
from initbench.config import bundled
from initbench.errors import UsageError
from initbench.storage.store import Store

SMALL = """\
dataset: digits
depth: 1
width: 8
initializer: [he_normal, zeros]
learning_rate: [0.1, 0.01]
epochs: 2
seeds: 2
train_rows: 200
"""
FILES = {"small.yaml": SMALL}


def all_commands(group=main, words=()):
    """The words of each command and the command, those of groups included."""
    for name, command in group.commands.items():
        yield (*words, name), command
        if isinstance(command, click.Group):
            yield from all_commands(command, (*words, name))


def resolve(arguments):
    """Parse what stands behind ``initbench`` on a command line; nothing is run."""
    command, words = main, []
    while isinstance(command, click.Group):
        word, *arguments = arguments
        command, words = command.commands[word], [*words, word]
        if isinstance(command, click.Group) and not arguments:
            break
    command.make_context(" ".join(words), list(arguments))


def examples(text):
    """The command lines among the examples of a help text, without what is said of them."""
    lines = re.findall(r"^ +initbench (.*)$", text.partition("Example")[2], re.MULTILINE)
    return [re.split(r"   +| > ", line)[0] for line in lines]


def test_help_shows_examples_and_every_command_has_some(invoke):
    for flag in ("-h", "--help"):
        assert "Examples:" in invoke(flag).stdout
    for words, _ in all_commands():
        text = invoke(*words, "-h").stdout
        assert any(line.startswith(" ".join(words)) for line in examples(text)), words


def test_examples_of_help_texts_can_be_typed(invoke):
    for words, _ in [((), main), *all_commands()]:
        for line in examples(invoke(*words, "-h").stdout):
            resolve(shlex.split(line))


@pytest.mark.parametrize("line", ["run relu_deep --sets a=1", "probe relu_deep -j 0", "explain"])
def test_the_check_catches_an_example_that_cannot_be_typed(line):
    with pytest.raises(click.UsageError):
        resolve(shlex.split(line))


@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_summaries_of_commands_are_whole_sentences_at_any_width(invoke, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    for words, command in [((), main), *all_commands()]:
        if isinstance(command, click.Group):
            listed = " ".join(invoke(*words, "-h").stdout.partition("Commands:")[2].split())
            assert "..." not in listed
            for name, inner in command.commands.items():
                summary = inner.help.split("\n")[0]
                assert summary.endswith("."), name
                assert summary.replace(" ", "").replace("-", "") in listed.replace(" ", "").replace("-", ""), name


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom click.testing import CliRunner\nfrom initbench.cli import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        "print([m for m in ('matplotlib', 'pandas', 'sklearn', 'numpy', 'scipy') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_version(invoke):
    assert invoke("--version").stdout == f"initbench {initbench.__version__}\n"


def test_a_wrong_command_or_option_is_wrong_usage_and_the_nearest_is_named(invoke):
    assert "nearest name: status" in invoke("statu", code=2).stderr
    invoke("run", code=2)
    invoke("run", "small.yaml", "-j", "0", code=2)
    invoke("table", "results", "--format", "word", code=2)


def test_run_writes_the_files_and_says_where_they_lie(invoke):
    result = invoke("run", "small.yaml", "-j", "1")
    folder = Path("results/small")
    written = {path.name for path in folder.iterdir()}
    assert written == {
        "config.yaml",
        "manifest.json",
        "runs.sqlite",
        "runs.sqlite-lock",
        "runs.csv",
        "curves.csv",
        "accuracy.csv",
        "accuracy.md",
        "comparison.csv",
        "ranks.csv",
    }
    assert "he_normal" in result.stdout
    assert f"results: {folder}/" in result.stdout
    assert "8/8 cells" in result.stderr
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["cells"] == {"planned": 8, "done": 8, "diverged": 0, "failed": 0, "missing": 0}
    assert manifest["packages"]["numpy"]
    assert re.fullmatch(r"[0-9a-f]{64}", manifest["data"]["digits"])
    assert "nothing to train" in invoke("run", "small.yaml", "-j", "1").stderr


def test_a_run_with_nothing_to_train_keeps_the_times_of_the_manifest(invoke, monkeypatch):
    file = Path("results/small/manifest.json")
    few = ("run", "small.yaml", "-q", "-j", "1", "-s", "learning_rate=0.1")
    invoke(*few)
    first = json.loads(file.read_text())
    monkeypatch.setattr("time.time", lambda: 4e9)
    invoke(*few)
    again = json.loads(file.read_text())
    times = ("start", "end", "wall_seconds")
    assert [again[key] for key in times] == [first[key] for key in times]
    assert (first["cells_trained_now"], again["cells_trained_now"]) == (4, 0)
    invoke(*few, "--seeds", "3")
    assert json.loads(file.read_text())["start"].startswith("2096-")
    file.write_text("damaged")
    invoke(*few, "--seeds", "3")
    assert json.loads(file.read_text())["start"].startswith("2096-")


@pytest.mark.parametrize("config", [{"depth": 3}, None, ["smoke"], 3])
def test_a_config_in_python_is_a_path_or_a_name(config):
    with pytest.raises(
        UsageError, match=r"^run takes a path or the name of a bundled config, such as 'relu_deep': got"
    ):
        initbench.run(config)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("he_nromal", "no config or part 'he_nromal'; nearest part: he_normal; "),
        ("orthgonal", "no config or part 'orthgonal'; nearest part: orthogonal; "),
        ("relu_dep", "no config 'relu_dep'; nearest bundled config: relu_deep\n"),
        ("xyzzy", "no config 'xyzzy'; to list the bundled ones"),
    ],
)
def test_check_names_the_nearest_config_or_part(invoke, name, said):
    assert invoke("check", name, code=2).stderr.startswith(said)


def test_where_no_cell_has_finished_no_figures_are_offered(invoke):
    Path("bad.py").write_text(
        "from initbench.registry import initializer\n\n"
        "@initializer('bad')\ndef bad(shape, rng):\n    'Fails at seeds 5 and 6.'\n"
        "    if rng.bit_generator.seed_seq.entropy in (5, 6):\n        raise ValueError('on purpose')\n"
        "    return rng.normal(size=shape)\n"
    )
    options = ("-j", "1", "--plugin", "bad.py", "-s", "learning_rate=0.1", "--seeds", "5:7")
    failed = invoke("run", "small.yaml", *options, "-s", "initializer=bad", code=3).stdout
    assert "results: results/small/" in failed
    assert "initbench plot" not in failed
    assert "initbench plot" in invoke("run", "small.yaml", *options, "-s", "initializer=[bad, zeros]", code=3).stdout


def test_quiet_says_nothing(invoke):
    result = invoke("run", "small.yaml", "-q", "-j", "1")
    assert (result.stdout, result.stderr) == ("", "")


def test_dry_run_prints_the_plan_and_writes_nothing(invoke):
    text = invoke("run", "small.yaml", "--dry-run", "-j", "1").stdout
    assert "small: 8 cells (settings × seeds: 4 × 2)" in text
    assert text.splitlines()[1] == "totals: 8 cells, 1 stacks, 8 networks, 16 epochs"
    assert re.match(r"time: roughly \d+ s with 1 job, estimated from", text.splitlines()[2])
    assert "stacks: 1 × 8 networks" in text
    assert len(re.findall(r"^  [0-9a-f]{16}  ", text, re.MULTILINE)) == 8
    assert not Path("results").exists()


@pytest.mark.parametrize(
    ("dataset", "known"),
    [("mnist", "60,000 + 10,000 rows, 784 features, 10 classes"), ("[digits, mnist]", "60,000 + 10,000 rows")],
)
def test_dry_run_needs_no_network(invoke, monkeypatch, dataset, known):
    def refuse(*arguments, **options):
        raise AssertionError("the network was used")

    monkeypatch.setattr("initbench.parts.datasets.mnist.find_mnist", lambda folders: None)
    monkeypatch.setattr("socket.socket", refuse)
    text = invoke("run", "small.yaml", "-s", f"dataset={dataset}", "--dry-run", "-j", "1").stdout
    assert f"data: mnist is not downloaded yet; it has {known}" in text
    assert not Path("results").exists()


def test_dry_run_says_why_a_part_cannot_be_timed(invoke):
    Path("mine.py").write_text(
        "from initbench.contracts import Activation\nfrom initbench.registry import activation\n\n\n"
        "@activation('torn')\ndef torn():\n    'Fails.'\n"
        "    return Activation(lambda z, out: 1 / 0, lambda z, value, out: z)\n"
    )
    text = invoke("run", "small.yaml", "-s", "activation=torn", "--plugin", "mine.py", "--dry-run").stdout
    assert "time: unknown; timing a few steps failed: ZeroDivisionError: " in text
    assert "totals: 8 cells" in text


def test_dry_run_of_a_tuned_key_counts_both_stages(invoke):
    text = invoke("run", "small.yaml", "-s", "learning_rate={tune: [0.1, 0.01]}", "--dry-run", "-j", "1").stdout
    assert text.startswith("small: 8 cells to tune learning_rate, then 8 ")
    assert "\ntotals: 8 cells, " in text


def test_set_and_seeds_change_the_config(invoke):
    invoke("run", "small.yaml", "-s", "initializer=zeros", "--seeds", "3", "-q", "-j", "1", "-o", "other")
    assert len(initbench.load("other/small").runs) == 6


def test_a_wrong_config_is_told_by_run_and_check_alike_and_writes_nothing(invoke):
    Path("bad.yaml").write_text("depth: -1\nactivation: rellu\n")
    told = [invoke(command, "bad.yaml", code=2).stderr for command in ("run", "check")]
    assert told[0] == told[1]
    assert [line[:13] for line in told[0].splitlines() if line.startswith("bad.yaml")] == [
        "bad.yaml:1:8:",
        "bad.yaml:2:13",
    ]
    assert "small.yaml: fine; 8 cells" in invoke("check", "small.yaml", "bad.yaml", code=2).stdout
    assert invoke("run", "small.yaml", "-s", "depth=-1", code=2).stderr.startswith("-s depth=-1: depth is -1")
    assert not Path("results").exists()


def test_table_in_every_format(invoke):
    invoke("run", "small.yaml", "-q", "-j", "1")
    for form, sign in {
        "text": "rank",
        "markdown": "| he_normal",
        "csv": "rank,",
        "latex": r"\toprule",
        "json": "[{",
    }.items():
        text = invoke("table", "results/small", "--format", form).stdout
        assert sign in text.replace("\n", "").replace(" ", "").replace("|he", "| he"), form
    assert len(json.loads(invoke("table", "results/small", "--format", "json").stdout)) == 4


SEPARABLE = """\
dataset: {csv: separable.csv, target: y}
hidden: [16]
learning_rate: 1
epochs: 30
seeds: 2
initializer: [he_normal, zeros]
"""


def test_a_perfect_classifier_on_twelve_test_rows_has_trained(invoke):
    rows = "".join(f"{i},{int(i > 25)}\n" for i in range(1, 61))
    Path("separable.csv").write_text(f"a,y\n{rows}", encoding="utf-8")
    Path("separable.yaml").write_text(SEPARABLE, encoding="utf-8")
    told = invoke("run", "separable.yaml", "-j", "1").stdout
    first, second = json.loads(invoke("table", "results/separable", "--format", "json").stdout)
    assert (first["initializer"], first["test_accuracy_mean"], first["trained"]) == ("he_normal", 1.0, 2)
    assert (second["initializer"], second["trained"]) == ("zeros", 0)
    assert "he_normal leads" in told
    told = invoke("run", "separable.yaml", "-j", "1", "-s", "learning_rate=0.001", "--seeds", "2").stdout
    assert "not shown to beat chance on 12 test rows" in told
    assert "no better than chance" not in told


@pytest.mark.usefixtures("sketches")
def test_plot_writes_figures_of_every_experiment_below_a_path(invoke):
    invoke("run", "small.yaml", "-q", "-j", "1")
    invoke("run", "small.yaml", "-q", "-j", "1", "-s", "name=second", "-s", "learning_rate=0.1")
    files = invoke("plot", "results").stdout.split()
    assert len(files) >= 6
    assert all(Path(file).read_bytes().startswith(b"\x89PNG") for file in files)
    assert invoke("plot", "results/small", "--format", "svg").stdout.split()[0].endswith(".svg")


def test_status_counts(invoke):
    invoke("run", "small.yaml", "-q", "-j", "1")
    assert "8 planned, 8 done, 0 diverged, 0 failed, 0 missing" in invoke("status", "results/small").stdout


@pytest.mark.parametrize("command", ["table", "plot", "status"])
def test_a_path_without_results_is_one_line(invoke, command):
    result = invoke(command, "nowhere", code=1)
    assert result.stderr.count("\n") == 1
    assert "to make some: initbench run CONFIG" in result.stderr


@pytest.mark.parametrize("command", ["table", "compare", "plot", "status", "report", "export", "plan"])
@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("results/smal", "nearest: results/small"),
        ("smal", "nearest: results/small"),
        ("result/small", "nearest: results/small"),
        ("results/quite_another", "there are: results/small, results/tanh"),
        ("results/small/runs.csv", "name its folder: results/small"),
    ],
)
def test_a_mistyped_path_of_results_is_answered_with_those_nearby(invoke, command, path, hint):
    for name in ("small", "tanh"):
        Store(Path("results") / name, create=True).close()
    Path("results/small/runs.csv").write_text("", encoding="utf-8")
    result = invoke(command, path, code=1)
    assert hint in result.stderr
    assert result.stderr.count("\n") == 1


def test_list_shows_each_part_in_a_line(invoke):
    for kind in ("initializers", "activations", "optimizers", "datasets"):
        lines = [line for line in invoke("list", kind).stdout.splitlines() if not line.endswith(":")]
        rows = json.loads(invoke("list", kind, "--format", "json").stdout)
        assert sorted(line.split()[0] for line in lines) == [row["name"] for row in rows]
        assert all(row["summary"] for row in rows)
    invoke("list", "initialisers", code=2)


def test_list_knows_configs_claims_and_biases(invoke):
    text = invoke("list", "configs").stdout
    assert "relu_deep            Nine initializers on a ReLU network of 20 hidden layers\n" in text
    for kind, names in {"configs": bundled(), "claims": bundled(CLAIM), "biases": registry.names("bias")}.items():
        rows = json.loads(invoke("list", kind, "--format", "json").stdout)
        assert [row["name"] for row in rows] == sorted(names)
        assert all(row["summary"] for row in rows)


@pytest.mark.parametrize("kind", ["initializers", "activations", "optimizers", "datasets", "biases", "configs"])
def test_lists_are_plain_text(invoke, kind):
    assert "`" not in invoke("list", kind).stdout


@pytest.mark.parametrize("command", ["run", "check", "probe", "cite"])
def test_a_command_without_a_config_shows_files_here_then_bundled_configs(invoke, command):
    lines = invoke(command, code=2).stderr.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Error: missing argument CONFIG"))
    names = [line.split()[0] for line in lines[start + 1 :]]
    assert names[0] == "small.yaml"
    assert "relu_deep" in names


def test_new_writes_a_config_that_is_fine_and_never_over_another(invoke):
    assert invoke("new").stdout.startswith("# ")
    invoke("new", "mine")
    assert "mine.yaml: fine" in invoke("check", "mine.yaml").stdout
    assert "is there already" in invoke("new", "mine", code=2).stderr


def test_a_plugin_adds_an_initializer(invoke):
    Path("mine.py").write_text(
        "from initbench.registry import initializer\n\n"
        "@initializer('all_ones')\ndef all_ones(shape, rng):\n    'Ones.'\n"
        "    import numpy\n    return numpy.ones(shape)\n"
    )
    invoke("run", "small.yaml", "-q", "-j", "1", "-s", "initializer=all_ones", "--plugin", "mine.py")
    assert set(initbench.load("results/small").runs["initializer"]) == {"all_ones"}
    assert "all_ones  Ones." in re.sub(" +", "  ", invoke("list", "initializers", "--plugin", "mine.py").stdout)
    Path("broken.py").write_text("1 / 0\n")
    assert "broken.py: ZeroDivisionError" in invoke("list", "initializers", "--plugin", "broken.py", code=2).stderr
    assert "no such file" in invoke("list", "initializers", "--plugin", "none.py", code=2).stderr


def test_an_unforeseen_error_is_one_line_and_debug_shows_it_all(invoke, monkeypatch):
    def broken(*arguments, **options):
        raise ZeroDivisionError("planted\nin two lines")

    monkeypatch.setattr("initbench.results.tables.open_results", broken)
    assert invoke("table", "results", code=1).stderr == (
        "initbench: ZeroDivisionError: planted in two lines (for a traceback: --debug)\n"
    )
    monkeypatch.setattr(sys, "argv", ["initbench", "--debug"])
    with pytest.raises(ZeroDivisionError):
        CliRunner().invoke(main, ["table", "results", "--debug"], catch_exceptions=False)


def test_interruption_is_exit_130(invoke, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("initbench.results.tables.open_results", interrupted)
    assert "interrupted" in invoke("table", "results", code=130).stderr


def test_two_configs_of_one_name_or_a_faulty_one_stop_all_before_anything_runs(invoke):
    Path("sub").mkdir()
    Path("sub/small.yaml").write_text(SMALL)
    assert "is named 'small' too" in invoke("run", "small.yaml", "sub/small.yaml", code=2).stderr
    Path("Small.yaml").write_text(SMALL)
    assert "is named 'Small' too" in invoke("run", "small.yaml", "Small.yaml", code=2).stderr
    Path("bad.yaml").write_text("depth: -1\n")
    Path("worse.yaml").write_text("width: -1\n")
    told = invoke("run", "small.yaml", "bad.yaml", "worse.yaml", "missing.yaml", code=2).stderr
    assert "bad.yaml:1:8" in told
    assert "worse.yaml:1:8" in told
    assert "no config 'missing.yaml'" in told
    assert "train_rows is 99999" in invoke("run", "small.yaml", "-s", "train_rows=99999", code=2).stderr
    assert not Path("results").exists()


@pytest.mark.usefixtures("sketches")
def test_plot_goes_on_past_an_experiment_without_results(invoke):
    invoke("run", "small.yaml", "-q", "-j", "1")
    Store(Path("results/empty"), create=True).close()
    result = invoke("plot", "results")
    assert len(result.stdout.split()) >= 3
    assert "no cell has finished yet" in result.stderr


@pytest.mark.usefixtures("sketches")
def test_cells_that_are_equal_under_two_labels_are_trained_once(invoke):
    text = invoke("run", "small.yaml", "-j", "1", "-s", "depth=[0,1]", "-s", "width=[4,8]")
    assert "24/24 cells" in text.stderr
    assert len(initbench.load("results/small").runs) == 32
    invoke("plot", "results/small")


@pytest.mark.parametrize(
    "command",
    [
        ("run", "small.yaml", "--dry-run"),
        ("probe", "small.yaml"),
        ("claims", "run", "a_zero_network_is_a_single_neuron"),
    ],
)
@pytest.mark.parametrize("seeds", ["0", "010", "9:5", "many"])
def test_seeds_at_fault_are_those_of_the_option_as_it_was_typed(invoke, command, seeds):
    shown = invoke(*command, "--seeds", seeds, code=2).stderr
    assert shown.startswith(f"--seeds {seeds}: seeds is {seeds} and must be ")
    assert "-s seeds" not in shown


def test_seeds_take_a_range_wherever_they_are_given(invoke):
    planned = [
        invoke("run", "small.yaml", "--dry-run", "-j", "1", *seeds).stdout
        for seeds in (("--seeds", "100:102"), ("-s", "seeds=100:102"), ("-s", "seeds=[100, 101]"))
    ]
    assert planned[0] == planned[1] == planned[2]
    assert planned[0] != invoke("run", "small.yaml", "--dry-run", "-j", "1").stdout


@pytest.mark.parametrize("text", ["", "\n\n", "# depth: 3\n", "{}\n"])
def test_an_empty_config_is_said_to_be_empty_and_not_fine(invoke, tmp_path, text):
    (tmp_path / "empty.yaml").write_text(text)
    checked = invoke("check", "empty.yaml")
    assert checked.stdout.startswith("empty.yaml: empty; ")
    assert checked.stderr == "empty.yaml: the file is empty; every key is at its default\n"
    shown = invoke("run", "empty.yaml", "--dry-run", "-j", "1", "-s", "depth=2").stderr
    assert "empty.yaml: the file is empty; every key that -s does not set is at its default" in shown
    assert invoke("check", "small.yaml").stderr == ""


@pytest.mark.usefixtures("sketches")
def test_commands_in_hints_can_be_typed_as_they_stand(invoke):
    Path("my small.yaml").write_text(SMALL.replace("small", "my small"))
    shown = invoke("run", "my small.yaml", "-j", "1", "-o", "my results").stdout
    (line,) = (line for line in shown.splitlines() if "initbench plot" in line)
    assert invoke(*shlex.split(line.partition("initbench ")[2])).stdout
    assert "initbench run 'my new.yaml'" in invoke("new", "my new").stdout
    assert "initbench run 'my new.yaml'" in Path("my new.yaml").read_text()
    store = Store(Path("my results", "my small"))
    assert store._again == "initbench run 'my results/my small/config.yaml' -o 'my results'"


def test_nothing_that_is_printed_names_a_page_that_an_installed_package_lacks(invoke):
    package = Path(initbench.__file__).parent
    printed = {str(words): command.get_help(click.Context(command)) for words, command in all_commands()}
    printed |= {
        entry.name: entry.summary + entry.about.note for kind in registry.FOLDERS for entry in registry.entries(kind)
    }
    printed |= {str(file): file.read_text() for file in [*package.rglob("*.jinja"), *bundled(CLAIM).values()]}
    for file in package.rglob("*.py"):
        tree = ast.parse(file.read_text())
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        docstrings = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
        texts = {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        printed[str(file)] = " ".join(texts - docstrings)
    assert len(printed) > 300
    assert [where for where, text in printed.items() if "docs/" in text] == []


@pytest.mark.parametrize("name", ["con", "NUL", "aux.tar", "com1.yaml", "lpt\u00b2", "a?", ".hidden"])
def test_new_writes_no_config_whose_name_some_system_cannot_have(invoke, name):
    assert "is no name for a config" in invoke("new", name, code=2).stderr
    assert [file.name for file in Path().iterdir()] == ["small.yaml"]

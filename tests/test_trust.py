"""What a stranger's file cannot do: run code, be unpickled, speak to a terminal, a spreadsheet, LaTeX or a browser."""

from __future__ import annotations

import ast
import io
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib import request
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import initbench
from initbench.cli import main
from initbench.config.sources import weights_by_seed
from initbench.errors import MissingDataError, ParameterError, StoreError, printable
from initbench.parts.datasets.facts import FACTS
from initbench.parts.datasets.mnist import _https_only
from initbench.present.figures.naming import file_names
from initbench.present.tables import render_table
from initbench.registry import find
from initbench.results.tables import load

PACKAGE = Path(initbench.__file__).parent
OUTSIDE = {
    ("cluster.py", "pickle.loads"),  # what the client of a Dask cluster sends to its own workers, never a file
    ("plugins.py", "exec_module"),  # --plugin, a file that the user names to be run
}
RUNS_CODE = {"eval", "exec", "compile", "__import__", "system", "popen", "exec_module", "unsafe_load", "full_load"}
UNPICKLES = {
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "joblib.load",
    "pd.read_pickle",
    "dill.load",
    "shelve.open",
}


def dangerous_calls(source):
    """Calls in Python code that run code or unpickle, as text."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        last = called.rpartition(".")[2]
        keywords = {keyword.arg: keyword.value for keyword in node.keywords}
        pickles = keywords.get("allow_pickle")
        if called in UNPICKLES or (last in RUNS_CODE and called != "re.compile"):
            found.append(called if called in UNPICKLES else last)
        if called in ("np.load", "np.save", "np.savez") and not (
            isinstance(pickles, ast.Constant) and not pickles.value
        ):
            found.append(called)
        if called == "yaml.load" or (called.startswith("yaml.") and last in ("Loader", "UnsafeLoader", "FullLoader")):
            found.append(called)
        if isinstance(pickles, ast.Constant) and pickles.value:
            found.append(called)
    return found


def test_no_room_runs_what_a_file_holds():
    calls = {
        (path.name, call)
        for path in PACKAGE.rglob("*.py")
        for call in dangerous_calls(path.read_text(encoding="utf-8"))
    }
    assert calls == OUTSIDE


@pytest.mark.parametrize(
    "planted",
    [
        "np.load(file)",
        "np.load(file, allow_pickle=True)",
        "numpy.load(file, allow_pickle=True)",
        "joblib.load(file)",
        "pickle.load(file)",
        "yaml.load(text, Loader)",
        "yaml.UnsafeLoader(text)",
        "yaml.unsafe_load(text)",
        "eval(text)",
        "os.system(text)",
    ],
)
def test_the_law_catches_a_room_that_would(planted):
    assert dangerous_calls(planted)


def test_a_pickle_or_a_tag_in_a_file_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    class Attack:
        def __reduce__(self):
            return (Path("owned").touch, ())

    attack = np.array([Attack()], dtype=object)
    np.savez("data.npz", x_train=attack, y_train=attack, x_test=attack, y_test=attack)
    np.savez("weights.npz", weights_0=attack, biases_0=attack)
    values = [
        "dataset={npz: data.npz}",
        "initializer={pretrained: {file: weights.npz}}",
        "description=!!python/object/apply:os.system ['touch owned']",
        "name=!!python/object/new:pathlib.Path [owned]",
    ]
    for value in values:
        result = CliRunner().invoke(main, ["check", "smoke", "-s", value])
        assert result.exit_code == 2, result.output
    assert not Path("owned").exists()
    with np.load("data.npz", allow_pickle=True) as archive:
        _ = archive["x_train"]
    assert Path("owned").exists()  # the attack works where it is let in


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../../x",
            "..",
            ".",
            "/etc/x",
            "a/b",
            "a\\b",
            "~/x",
            "",
            " x",
            "x.",
            ".hidden",
            "a\nb",
            "nul\0",
            "c:x",
            "\ud800",
        ),
        *("a" * 151, "$HOME", "`id`", "a;b", "<b>", '"x"', "-rf", "*", "\u202ea"),
    ],
)
def test_a_name_cannot_leave_the_results_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    written = json.dumps(name)
    Path("case.yaml").write_text(f"name: {written}\ndataset: {{line: {{rows: 40}}}}\ndepth: 1\nwidth: 4\nepochs: 1\n")
    result = CliRunner().invoke(main, ["run", "case.yaml", "-j", "1"])
    assert result.exit_code == 2, result.output
    assert "case.yaml:1:7: " in result.output
    assert [path.name for path in tmp_path.rglob("*")] == ["case.yaml"]


def test_the_cell_of_a_strangers_runs_csv_is_no_path(tmp_path):
    (tmp_path / "runs.csv").write_text("cell,seed,status,initializer\n../../weights,0,ok,he_normal\n")
    with pytest.raises(ParameterError, match=r"cell '../../weights' of seed '0' is none of initbench's"):
        weights_by_seed(tmp_path, (0,))
    (tmp_path / "runs.csv").write_text("cell,seed,status,initializer\nabc,x,ok\n")
    with pytest.raises(ParameterError, match="cell 'abc' of seed 'x' is none of"):
        weights_by_seed(tmp_path, (0,))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"networks": 1}', '{"networks": [[1]]}', "[" * 100_000, "\xff"])
def test_a_strangers_probe_json_is_told(content, tmp_path):
    initbench.run("smoke", results=tmp_path, changes=["epochs=1", "record=[curves, layers]"])
    (tmp_path / "smoke" / "probe.json").write_text(content, encoding="latin-1")
    with pytest.raises(StoreError, match=r"probe\.json: not as initbench probe writes it"):
        _ = load(tmp_path / "smoke").predictors


# What users write, where it is shown

HARD = [
    "=HYPERLINK(1)",
    "+1",
    "-1+cmd",
    "@SUM(A1)",
    "\t=1",
    "a|b",
    "<script>alert(1)</script>",
    "![x](http://x/y.png)",
    "[x](javascript:alert(1))",
    "[x][y]",
    "**b** _i_ `c` ~~s~~ $m$ &lt;",
    r"\input{/etc/passwd} % & # $ { } ~ ^ _",
    "[2pt]",
    "*",
    "two\n\nlines",
]


@pytest.mark.parametrize("text", HARD)
def test_csv_holds_no_formula_and_reads_back(text):
    table = pd.DataFrame({"name": [text], "n": [1.5]})
    back = pd.read_csv(io.StringIO(render_table(table, "csv")))["name"][0]
    assert back.removeprefix("'") == text
    assert not back.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("text", HARD)
def test_latex_has_no_command_but_those_that_stand_for_characters(text):
    body = render_table(pd.DataFrame({"name": [text]}), "latex").split("\\midrule\n")[1].split("\\bottomrule")[0]
    assert body.count("\n") == 1
    left = body.removesuffix(" \\\\\n")
    for known in (r"\textbackslash{}", r"\textasciitilde{}", r"\textasciicircum{}", r"\textless{}", r"\textgreater{}"):
        left = left.replace(known, "")
    assert not set(re.sub(r"\\[_%&#${}]", "", left)) & set("\\%&#$~^_")
    assert not left.startswith(("[", "*"))


@pytest.mark.parametrize("text", HARD)
def test_markdown_shows_text_as_it_is(text):
    row = render_table(pd.DataFrame({"name": [text]}), "markdown").splitlines()[2]
    assert row.startswith("| ")
    assert row.endswith(" |")
    cell = row[2:-2]
    bare = re.sub(r"\\.", "", cell)  # without what is escaped
    assert not set(bare) & set("\\|<>*`&$~")
    assert "](" not in bare
    assert "][" not in bare
    assert not re.search(r"(?<!\w)_|_(?!\w)", bare)
    assert re.sub(r"\\(.)", r"\1", cell) == re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("text", [*HARD, "../../x", "a/b", "con\x00", "\x1b[2J", "é" * 200])
def test_names_of_figures_are_plain_files(text):
    (name,) = file_names([f"curves-dataset={text}"])
    assert re.fullmatch(r"[\w.=-]+", name)
    assert len(name.encode()) < 200
    assert name.startswith("curves")


def test_a_terminal_is_told_no_control_character():
    assert printable("a\x1b]0;x\x07\x9b2J\ud800\r") == r"a\x1b]0;x\x07\x9b2J\ud800\r"
    assert printable("é\tb\n\u3042 \u00a0") == "é\tb\n\u3042 \u00a0"


def test_an_experiment_of_hard_names_is_written_in_every_form(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("plugin.py").write_text(
        "from initbench.registry import initializer\n"
        "@initializer('=1+1|<b>$x^{_')\n"
        "def hard(shape, rng):\n    'Hard.'\n    return rng.normal(size=shape)\n"
    )
    rows = "".join(f"{i},{i % 7},{'=k' if i % 2 else '<i>'}\n" for i in range(60))
    Path("a $x^{ =b|c.csv").write_text(f'<b>|,@a,"=y$_{{"\n{rows}')
    config = {
        "description": "=1+1 <script> | $x^{",
        "dataset": ["digits", {"csv": "a $x^{ =b|c.csv", "target": "=y$_{"}],
        "initializer": ["=1+1|<b>$x^{_", "he_normal"],
        "depth": 1,
        "width": 4,
        "epochs": 1,
        "seeds": 2,
        "train_rows": 40,
    }
    Path("case.yaml").write_text(json.dumps(config))
    command = ["run", "case.yaml", "-j", "1", "--plugin", "plugin.py"]
    assert CliRunner().invoke(main, command).exit_code == 0
    for form in ("text", "markdown", "csv", "latex", "json"):
        for name in ("table", "compare"):
            result = CliRunner().invoke(main, [name, "results/case", "--format", form])
            assert result.exit_code == 0, result.output
    assert CliRunner().invoke(main, ["plot", "results/case", "--format", "svg"]).exit_code == 0
    assert CliRunner().invoke(main, ["report", "results/case"]).exit_code == 0
    page = Path("results/case/report.html").read_text(encoding="utf-8")
    assert "<script> |" not in page
    assert "1|<b>" not in page
    for table in Path("results/case").glob("*.csv"):
        for field in pd.read_csv(table, dtype=str, keep_default_na=False).to_numpy().ravel():
            assert not field.startswith(("=", "+", "@")), (table, field)


# Downloads


class Redirect(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(302 if self.path == "/start" else 200)
        self.send_header("Location", "/end")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    server = HTTPServer(("127.0.0.1", 0), Redirect)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_what_is_not_https_is_not_fetched(server, tmp_path, monkeypatch):
    def fetch(*arguments, **options):
        return request.urlopen(f"{server}/end")  # as a description or a redirect may have it

    before = getattr(request, "_opener", None)
    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    with pytest.raises(MissingDataError, match="unknown url type: http"):
        find("dataset", "mnist").function((tmp_path,))
    assert not list(tmp_path.iterdir())
    assert getattr(request, "_opener", None) is before
    with request.urlopen(f"{server}/start") as answer:  # anybody else's opener goes there, and follows
        assert answer.url == f"{server}/end"


def test_a_redirect_from_https_to_http_is_refused(server):
    handlers = {type(handler).__name__: handler for handler in _https_only().handlers}
    asked = request.Request("https://api.openml.org/data")
    target = handlers["HTTPRedirectHandler"].redirect_request(asked, io.BytesIO(), 302, "", {}, f"{server}/end")
    assert target.full_url == f"{server}/end"  # the redirect is understood ...
    with pytest.raises(URLError, match="unknown url type: http"):
        _https_only().open(target)  # ... and what it names is not opened
    for scheme in ("ftp://x/y", "file:///etc/passwd", "data:,x"):
        with pytest.raises(URLError, match="unknown url type"):
            _https_only().open(scheme)


def test_a_download_that_cannot_be_kept_leaves_nothing_behind(tmp_path, monkeypatch):
    pixels, labels = np.zeros((70_000, 4)), np.arange(70_000) % 10
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda *a, **k: (pixels, labels))
    monkeypatch.setattr("initbench.parts.datasets.mnist.checksum", lambda data: FACTS["mnist"].checksum)

    def full_disk(file, **arrays):
        Path(file).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("numpy.savez_compressed", full_disk)
    with pytest.raises(MissingDataError, match="No space left on device"):
        find("dataset", "mnist").function((tmp_path,))
    assert not list(tmp_path.iterdir())

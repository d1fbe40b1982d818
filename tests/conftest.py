"""What every test starts from, and commands as a user types them."""

import gc
import os
from functools import cache
from typing import NamedTuple

# Each worker of pytest has a processor of its own. With a thread for each processor in every worker, OpenBLAS's threads
# wait for one another: the laws of orthogonal initializers took 6.5 s where they take 1 s.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from click.testing import CliRunner
from counting import Counting
from matplotlib.figure import Figure

from initbench import registry, run
from initbench.cli import main
from initbench.plan import Cell
from initbench.results.tables import Results
from initbench.storage.store import Store


def pytest_collection_finish():
    """Sets aside all that was imported and collected: searching it for garbage took a fifth of the tests' time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def forgetful_registry():
    """Takes parts and plugins that a test registers out of the registry again."""
    with registry.isolated():
        yield


@pytest.fixture(autouse=True)
def no_power_cuts(monkeypatch):
    """Lets the system write a store to disk when it likes: a transaction that waits for it takes up to 20 ms."""
    prepare = Store._prepare

    def prepare_without_waits(store):
        prepare(store)
        store._rows("PRAGMA synchronous = OFF")

    monkeypatch.setattr(Store, "_prepare", prepare_without_waits)


os.environ.pop("COLUMNS", None)  # pytest-xdist sets 80, and lines are as wide as without a terminal


@pytest.fixture(autouse=True)
def silent_progress(monkeypatch):
    """Keeps commands that take long on a busy machine from saying so, where a test counts lines."""
    monkeypatch.setattr("initbench.cli.progress.SECONDS_OF_SILENCE", 3600.0)


@pytest.fixture(autouse=True)
def eager_workers(monkeypatch):
    """Trains in worker processes wherever several jobs are asked for, also where one process would be faster."""
    monkeypatch.setattr("initbench.training.runner.START_SECONDS", -1.0)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Commands that tests start keep their copies of data sets apart from the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def no_copies(monkeypatch):
    """Keeps no copies of data sets that the process of a test reads, so that one test leaves nothing to another."""
    monkeypatch.setattr("initbench.parts.datasets.cache.SLOW_SECONDS", 3600.0)


class Trained(NamedTuple):
    """Results, and the cells that were trained for them."""

    results: Results
    cells: list[Cell]


@pytest.fixture(scope="module")
def trained(request, tmp_path_factory):
    """Trains the ``CONFIG`` of the module with some changes, once for all tests that only look at the results."""
    name = getattr(request.module, "NAME", "some")

    @cache
    def train(*changes, **options):
        folder, progress = tmp_path_factory.mktemp("trained"), Counting()
        (folder / f"{name}.yaml").write_text(request.module.CONFIG, encoding="utf-8")
        results = run(folder / f"{name}.yaml", results=folder, changes=changes, progress=progress, **options)
        return Trained(results, progress.cells)

    return train


@pytest.fixture
def sketches(monkeypatch):
    """Figures are made, but saved as small blank ones: for tests of the files and the words of a command.

    Laying out and painting the real ones takes most of the time of ``plot``, ``probe`` and ``report``.
    """

    def save_blank(figure, target, dots_an_inch, metadata):
        Figure(figsize=(1, 1)).savefig(target, dpi=dots_an_inch, metadata=metadata)

    monkeypatch.setattr("initbench.present.figures._save", save_blank)


@pytest.fixture
def invoke(request, tmp_path, monkeypatch):
    """Runs a command beside the ``FILES`` of the test's module, all of whose commands begin with its ``COMMAND``."""
    monkeypatch.chdir(tmp_path)
    for name, text in getattr(request.module, "FILES", {}).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    begin = getattr(request.module, "COMMAND", ())

    def run_command(*arguments, code=0):
        result = CliRunner().invoke(main, [*begin, *map(str, arguments)])
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    return run_command

"""The cells that the store lacks -> stacks -> worker processes -> store."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import wait as wait_for_process
from pathlib import Path
from typing import Any

from initbench.config import Experiment, Part
from initbench.data import checksum, save_shared
from initbench.errors import InitbenchError
from initbench.plan import Cell, DataFacts, Stack, make_plan, make_stacks
from initbench.registry import find, load_plugin, loaded_plugins
from initbench.stacks import failure, run_stack
from initbench.store import Record, Store, write_text


class Progress:
    """What a run tells while it goes on; this one says nothing.

    ``start`` is told the number of cells to train and of epochs in all of them, ``advance`` how many of these epochs
    are over, ``finish`` the records of a stack that is done, with its cells.
    """

    def start(self, cells: int, epochs: int) -> None:
        """Training begins."""

    def advance(self, epochs: int) -> None:
        """So many epochs are over."""

    def finish(self, cells: Sequence[Cell], records: Sequence[Record]) -> None:
        """A stack is done and stored."""

    def stop(self) -> None:
        """Training is over, or was interrupted."""


@dataclass
class Outcome:
    """What ``run_experiment`` did.

    Attributes
    ----------
    folder : Path
    counts : dict of str to int
        ``planned, done, diverged, failed, missing`` after the run.
    trained : int
        Cells trained now; the others were there already.
    checksums : dict of str to str
        SHA-256 of the content of each data set.
    started, ended : float
        Seconds since 1970.
    """

    folder: Path
    counts: dict[str, int] = field(default_factory=dict)
    trained: int = 0
    checksums: dict[str, str] = field(default_factory=dict)
    started: float = 0.0
    ended: float = 0.0


def load_data(experiment: Experiment, folders: tuple[Path, ...], shared: Path) -> dict[Part, DataFacts]:
    """Load each data set of an experiment once and put it where workers can map it, in ``shared``.

    Raises
    ------
    DataError, MissingDataError
        As the data sets raise them.
    """
    facts = {}
    for part in experiment.choices["dataset"]:
        dataset = find("dataset", part.name).function(folders, **dict(part.parameters))
        digest = checksum(dataset)
        if not (shared / digest).exists():
            save_shared(dataset, shared / digest)
        rows, columns = dataset.x_train.shape
        facts[part] = DataFacts(digest, rows, len(dataset.x_test), columns, len(dataset.classes))
    return facts


def preview(experiment: Experiment, jobs: int, folders: tuple[Path, ...]) -> tuple[tuple[Cell, ...], list[Stack]]:
    """The cells that an experiment asks for and the stacks that they would be trained in; nothing is written."""
    with tempfile.TemporaryDirectory(prefix="initbench-") as shared:
        plan = make_plan(experiment, load_data(experiment, folders, Path(shared)))
    return plan, make_stacks(plan, jobs)


def run_experiment(
    experiment: Experiment,
    outcome: Outcome,
    *,
    jobs: int = 1,
    folders: tuple[Path, ...] = (),
    fresh: bool = False,
    fail_fast: bool = False,
    progress: Progress | None = None,
) -> None:
    """Train every cell that is not in the store yet.

    Parameters
    ----------
    experiment : Experiment
    outcome : Outcome
        Names the folder, ``results/<name>``, which is made if it is missing; told what was done, also when interrupted.
    jobs : int, default 1
        Worker processes; with 1, training happens in this process.
    folders : tuple of Path
        Where data sets are looked for.
    fresh : bool, default False
        Whether to forget what the store holds.
    fail_fast : bool, default False
        Whether to stop at the first cell that fails.
    progress : Progress, optional

    Raises
    ------
    InitbenchError
        When data or store cannot be used. KeyboardInterrupt passes through; what has finished is kept.
    """
    folder, outcome.started = outcome.folder, time.time()
    progress = progress or Progress()
    with tempfile.TemporaryDirectory(prefix="initbench-") as shared:
        facts = load_data(experiment, folders, Path(shared))
        outcome.checksums = {str(part): fact.checksum for part, fact in facts.items()}
        plan = make_plan(experiment, facts)
        with Store(folder, create=True) as store:
            if fresh:
                store.clear()
            store.set_plan(plan, experiment.target)
            write_text(folder / "config.yaml", experiment.to_yaml())
            finished = store.finished()
            keeps_weights = "weights" in experiment.record
            if keeps_weights:
                finished = {cell for cell in finished if store.weights_file(cell).exists()}
            missing = [cell for cell in plan if cell.key not in finished]
            stacks = make_stacks(missing, jobs)
            outcome.trained = sum(len(stack.cells) for stack in stacks)
            progress.start(outcome.trained, sum(len(s.cells) * s.cells[0].epochs for s in stacks))
            try:
                for stack, records in train_stacks(stacks, Path(shared), jobs, progress, keeps_weights):
                    store.add(records)
                    progress.finish(stack.cells, records)
                    if fail_fast and any(record.status == "failed" for record in records):
                        break
            finally:
                progress.stop()
                outcome.counts, outcome.ended = store.counts(), time.time()


def train_stacks(
    stacks: Sequence[Stack], shared: Path, jobs: int, progress: Progress, keeps_weights: bool = False
) -> Iterator[tuple[Stack, list[Record]]]:
    """Train stacks and yield each as it finishes; in this process for one job, else in ``jobs`` workers.

    When a worker is killed, what was left is trained one stack after the other, and the one that kills again fails.
    """
    if jobs == 1 or len(stacks) < 2:
        yield from _train_here(stacks, shared, progress, keeps_weights)
        return
    left = list(stacks)
    try:
        for stack, records in _train_in_workers(stacks, shared, jobs, progress, keeps_weights):
            left.remove(stack)
            yield stack, records
    except BrokenProcessPool:
        for stack in left:
            try:
                yield from _train_in_workers([stack], shared, 1, progress, keeps_weights)
            except BrokenProcessPool:
                reason = "the worker process was killed twice, perhaps for want of memory"
                yield stack, [failure(cell, reason) for cell in stack.cells]


def _train_in_workers(
    stacks: Sequence[Stack], shared: Path, jobs: int, progress: Progress, keeps_weights: bool = False
) -> Iterator[tuple[Stack, list[Record]]]:
    context = multiprocessing.get_context("spawn")  # the same on Linux, macOS and Windows
    counter, has_started = context.Value("q", 0), context.Event()
    others = set(multiprocessing.active_children())
    with _single_threaded_children():
        setup = (counter, has_started, loaded_plugins())
        pool = ProcessPoolExecutor(min(jobs, len(stacks)), context, initializer=_start_worker, initargs=setup)
        try:
            waiting: dict[Future[list[Record]], Stack] = {
                pool.submit(_work, s, shared, keeps_weights): s for s in stacks
            }
            while waiting:
                done, _ = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                progress.advance(counter.value)
                for future in done:
                    if isinstance(future.exception(), BrokenProcessPool) and not has_started.is_set():
                        raise InitbenchError("the worker processes cannot start; the reason stands above, or try -j 1")
                    yield waiting.pop(future), future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
            raise
        pool.shutdown()


def _train_here(
    stacks: Sequence[Stack], shared: Path, progress: Progress, keeps_weights: bool
) -> Iterator[tuple[Stack, list[Record]]]:
    from threadpoolctl import threadpool_limits

    over = 0

    def on_epoch(networks: int) -> None:
        nonlocal over
        over += networks
        progress.advance(over)

    for stack in stacks:
        with threadpool_limits(1):
            records = run_stack(stack, shared, on_epoch, keeps_weights)
        yield stack, records


@contextmanager
def _single_threaded_children() -> Iterator[None]:
    """Let processes started now use one thread for linear algebra each."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


_counter: Any = None


def _start_worker(counter: Any, has_started: Any, plugins: tuple[str, ...]) -> None:
    global _counter
    _counter = counter
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for plugin in plugins:
        load_plugin(plugin)
    has_started.set()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_process([parent.sentinel])
        os._exit(1)


def _work(stack: Stack, shared: Path, keeps_weights: bool) -> list[Record]:
    from threadpoolctl import threadpool_limits

    def on_epoch(networks: int) -> None:
        with _counter.get_lock():
            _counter.value += networks

    with threadpool_limits(1):
        return run_stack(stack, shared, on_epoch, keeps_weights)

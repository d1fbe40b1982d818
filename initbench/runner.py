"""The cells that the store lacks -> stacks -> worker processes -> store."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import wait as wait_for_process
from pathlib import Path
from typing import Any

import numpy as np

from initbench.config import Experiment, Part
from initbench.contracts import Array
from initbench.data import Split, checksum, open_shared, save_shared, split
from initbench.engine.losses import one_hot
from initbench.engine.network import Design, Parameters
from initbench.engine.train import Data, Recipe, Rows, train
from initbench.errors import InitbenchError
from initbench.plan import Cell, DataFacts, Stack, make_plan, make_stacks
from initbench.registry import find, load_plugin, loaded_plugins
from initbench.start import draw_start, trained_numbers
from initbench.store import Record, Store, write_text
from initbench.streams import stream


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
                yield stack, [_failure(cell, reason) for cell in stack.cells]


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


def run_stack(
    stack: Stack, shared: Path, on_epoch: Callable[[int], None] = lambda networks: None, keeps_weights: bool = False
) -> list[Record]:
    """Train the cells of a stack; when something fails, one cell after the other, so that only its cause is ``failed``.

    Parameters
    ----------
    stack : Stack
    shared : Path
        Where ``load_data`` put the data sets.
    on_epoch : callable ``(networks) -> None``
        Told how many networks have finished an epoch.
    keeps_weights : bool, default False
        Whether records hold the trained weights.

    Returns
    -------
    list of Record
        In the order of the stack's cells.
    """
    try:
        return _train_stack(stack, shared, on_epoch, keeps_weights)
    except Exception as error:
        if len(stack.cells) == 1:
            message = str(error) if isinstance(error, InitbenchError) else f"{type(error).__name__}: {error}"
            return [_failure(stack.cells[0], message.strip())]
    return [record for cell in stack.cells for record in run_stack(Stack((cell,)), shared, on_epoch, keeps_weights)]


def _failure(cell: Cell, reason: str) -> Record:
    return Record(cell.key, "failed", None, None, 0.0, error=" ".join(reason.split()))


def _train_stack(stack: Stack, shared: Path, on_epoch: Callable[[int], None], keeps_weights: bool) -> list[Record]:
    began = time.perf_counter()
    first, m = stack.cells[0], len(stack.cells)
    dtype = np.dtype(first.dtype)
    dataset = open_shared(shared / first.data.checksum)
    splits = [
        split(dataset, stream(seed, "split"), scaling=first.scaling, train_rows=first.train_rows, dtype=dtype)
        for seed in stack.seeds
    ]
    data = _stack_data(splits, first.data.classes, dtype)
    design = Design(
        sizes=first.sizes,
        activation=find("activation", first.activation.name).function(**dict(first.activation.parameters)),
        normalization=first.normalization,
        residual=first.residual,
    )
    parameters = Parameters(design, m, dtype)
    own_seconds = []
    for i, cell in enumerate(stack.cells):
        started = time.perf_counter()
        place = stack.seeds.index(cell.seed)
        draw_start(cell, design, parameters, i, data.train.x[place], data.train.targets[place])
        own_seconds.append(time.perf_counter() - started)
    recipe = Recipe(
        optimizer=find("optimizer", first.optimizer.name).function(**dict(first.optimizer.parameters)),
        learning_rate=np.array([cell.learning_rate for cell in stack.cells]),
        batch_size=first.batch_size,
        epochs=first.epochs,
        weight_decay=np.array([c.weight_decay for c in stack.cells]) if first.weight_decay > 0 else None,
        clip_norm=np.array([c.clip_norm for c in stack.cells]) if first.clip_norm is not None else None,
    )
    streams = [stream(seed, "batches") for seed in stack.seeds]
    rows = len(splits[0].x_train)

    trace = train(
        design,
        recipe,
        parameters,
        data,
        orders=lambda: np.stack([rng.permutation(rows) for rng in streams]),
        on_epoch=lambda epoch: on_epoch(m if epoch else 0),
    )
    shared_seconds = (time.perf_counter() - began - sum(own_seconds)) / m
    majorities = {seed: _majorities(part) for seed, part in zip(stack.seeds, splits, strict=True)}
    return [
        Record(
            cell.key,
            "ok" if trace.diverged[i] < 0 else "diverged",
            trace.curves[i],
            None if trace.diverged[i] < 0 else int(trace.diverged[i]),
            shared_seconds + own_seconds[i],
            *majorities[cell.seed],
            len(dataset.y_test),
            weights=_weights(parameters, i) if keeps_weights else None,
        )
        for i, cell in enumerate(stack.cells)
    ]


def _weights(parameters: Parameters, place: int) -> dict[str, Array]:
    """All that one network trains, by name."""
    layers = enumerate(trained_numbers(parameters, place))
    return {f"{kind}_{layer}": array.copy() for layer, numbers in layers for kind, array in numbers.items()}


def _stack_data(splits: Sequence[Split], classes: int, dtype: np.dtype[Any]) -> Data:
    def rows(x: str, y: str) -> Rows:
        targets = [one_hot(getattr(part, y), classes, dtype) for part in splits]
        return Rows(_stacked([getattr(part, x) for part in splits]), _stacked(targets))

    return Data(rows("x_train", "y_train"), rows("x_valid", "y_valid"), rows("x_test", "y_test"))


def _stacked(arrays: list[Array]) -> Array:
    return arrays[0][None] if len(arrays) == 1 else np.stack(arrays)  # no copy of a large data set


def _majorities(part: Split) -> tuple[float, float]:
    """Accuracy on test and validation rows of always answering the commonest class of the training rows."""
    commonest = np.bincount(part.y_train).argmax()
    return float(np.mean(part.y_test == commonest)), float(np.mean(part.y_valid == commonest))

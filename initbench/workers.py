"""Where stacks are trained: in this process, in worker processes, or on a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for_process
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from initbench.contracts import Dataset
from initbench.data import open_shared
from initbench.errors import InitbenchError, UsageError
from initbench.plan import ARITHMETIC, Stack
from initbench.registry import load_plugin, loaded_plugins
from initbench.stacks import failure, run_stack
from initbench.store import Record

Finished = Iterator[tuple[Stack, list[Record]]]
Advance = Callable[[int], None]
MOST_KILLS = 3  # workers that a stack may cost
KILLED = f"{MOST_KILLS} worker processes that trained it were killed, perhaps for want of memory"


def train_here(stacks: Sequence[Stack], shared: Path, advance: Advance, keeps_weights: bool) -> Finished:
    """Train in this process; ``advance`` is told how many epochs of networks are over."""
    over = 0

    def on_epoch(networks: int) -> None:
        nonlocal over
        over += networks
        advance(over)

    for stack in stacks:
        with threadpool_limits(1):
            records = run_stack(stack, open_shared(shared / stack.checksum), on_epoch, keeps_weights)
        yield stack, records


def train_in_processes(
    stacks: Sequence[Stack], shared: Path, jobs: int, advance: Advance, keeps_weights: bool
) -> Finished:
    """Train in ``jobs`` processes of this machine, which map the data sets in ``shared``.

    When a process is killed, what was being trained is set aside, and tried again alone when all others are done.
    """
    context = multiprocessing.get_context("spawn")  # the same on Linux, macOS and Windows
    counter, has_started = context.Value("q", 0), context.Event()
    setup = (counter, has_started, loaded_plugins())

    def new_pool(workers: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=setup)

    def tell() -> None:
        advance(counter.value)

    left, aside = deque(stacks), deque[Stack]()
    while left:
        workers = min(jobs, len(left))
        yield from _train_until_broken(left, aside, new_pool(workers), workers, shared, tell, keeps_weights)
        if aside and not has_started.is_set():
            raise InitbenchError("the worker processes cannot start; the reason stands above, or try -j 1")
    for stack in aside:
        for _ in range(MOST_KILLS - 1):
            again, broken = deque([stack]), deque[Stack]()
            yield from _train_until_broken(again, broken, new_pool(1), 1, shared, tell, keeps_weights)
            if not broken:
                break
        else:
            yield stack, [failure(cell, KILLED) for cell in stack.cells]


def _train_until_broken(
    left: deque[Stack],
    aside: deque[Stack],
    pool: ProcessPoolExecutor,
    workers: int,
    shared: Path,
    tell: Callable[[], None],
    keeps_weights: bool,
) -> Finished:
    """Train what is ``left`` until that is empty or a process is killed; then what was begun is put ``aside``."""
    others = set(multiprocessing.active_children())
    with _single_threaded_children():
        waiting: dict[Future[list[Record]], Stack] = {}
        try:
            while left or waiting:
                while left and len(waiting) <= workers:  # one more than there are workers, so that none waits
                    future = pool.submit(_work, left[0], shared, keeps_weights)
                    waiting[future] = left.popleft()
                done, _ = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                tell()
                for future in done:
                    records = future.result()
                    yield waiting.pop(future), records
            pool.shutdown()
        except BrokenProcessPool:
            aside.extend(waiting.values())
            pool.shutdown()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
            raise


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
    def on_epoch(networks: int) -> None:
        with _counter.get_lock():
            _counter.value += networks

    with threadpool_limits(1):
        return run_stack(stack, open_shared(shared / stack.checksum), on_epoch, keeps_weights)


class Cluster:
    """The workers of a Dask cluster.

    Parameters
    ----------
    address : str
        Of its scheduler, such as ``tcp://10.0.0.1:8786``.

    Attributes
    ----------
    threads : int
        How many stacks its workers train at a time.

    Raises
    ------
    UsageError
        When ``distributed`` is not installed, or nothing answers at the address.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise UsageError("--scheduler needs Dask: pip install 'initbench[dask]'") from None
        if not address.strip() or " " in address.strip():
            raise UsageError(f"--scheduler '{address}' is no address; write for example tcp://10.0.0.1:8786")
        try:
            self._client = Client(address, timeout=10, set_as_default=False)
        except Exception as error:  # of whatever kind its transport raises
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise UsageError(f"--scheduler {address}: no Dask scheduler answers there: {reason}") from None
        self.threads = max(1, sum(self._client.nthreads().values()))

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def train(self, stacks: Sequence[Stack], shared: Path, advance: Advance, keeps_weights: bool) -> Finished:
        """Train on the cluster. A data set goes to a worker once; the stack of a worker that dies is dealt again."""
        from distributed import KilledWorker

        over = 0
        self._client.run_on_scheduler(_allow_kills)
        executor = self._client.get_executor()
        data = {
            checksum: self._client.submit(
                _keep, *_in_memory(open_shared(shared / checksum)), key=f"initbench-{checksum}"
            )
            for checksum in dict.fromkeys(stack.checksum for stack in stacks)
        }
        waiting = {
            executor.submit(
                _work_remotely, stack, data[stack.checksum], keeps_weights, loaded_plugins(), ARITHMETIC
            ): stack
            for stack in stacks
        }
        try:
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    stack = waiting.pop(future)
                    try:
                        records = future.result()
                    except KilledWorker:
                        records = [failure(cell, KILLED) for cell in stack.cells]
                    except InitbenchError:
                        raise
                    except CancelledError:
                        raise InitbenchError("the scheduler is gone; what has finished is kept") from None
                    except Exception as error:
                        message = f"a worker of the cluster cannot train: {type(error).__name__}: {error}"
                        raise InitbenchError(f"{message}; install the same initbench on every machine") from None
                    over += len(stack.cells) * stack.cells[0].epochs
                    advance(over)
                    yield stack, records
        finally:
            executor.shutdown(wait=False)


def _allow_kills(dask_scheduler: Any) -> None:
    dask_scheduler.allowed_failures = MOST_KILLS - 1  # a task fails when it has cost more


def _in_memory(dataset: Dataset) -> list[Any]:
    """The values of a data set, its arrays read from disk, since maps of files mean nothing on another machine."""
    return [np.array(value) if isinstance(value, np.ndarray) else value for value in dataset]


def _keep(*values: Any) -> Dataset:
    """What a cluster keeps of a data set: it can be had again from the scheduler when a worker dies."""
    return Dataset(*values)


def _work_remotely(
    stack: Stack, dataset: Dataset, keeps_weights: bool, plugins: tuple[str, ...], arithmetic: int
) -> list[Record]:
    if arithmetic != ARITHMETIC:
        raise InitbenchError("a worker of the cluster has another version of initbench; install the same everywhere")
    threadpool_limits(1)  # for good, since a worker may train several stacks in threads
    for plugin in plugins:
        load_plugin(plugin)
    return run_stack(stack, dataset, keeps_weights=keeps_weights)

"""Where stacks are trained on this machine: in this process, or in worker processes."""

from __future__ import annotations

import inspect
import multiprocessing
import os
import shlex
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for_process
from pathlib import Path
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from initbench.errors import UsageError
from initbench.parts.datasets.saved import open_dataset
from initbench.plan import Stack
from initbench.process import hidden_script
from initbench.registry import Entry, Identity, has_parts_of_script, lacking, load_plugin, loaded_plugins
from initbench.storage.store import Record
from initbench.training.stack import Keep, failure, run_stack

if TYPE_CHECKING:
    from initbench.training.cluster import Cluster

Finished = Generator[tuple[Stack, list[Record]], None, None]
FinishedOrKilled = Generator[tuple[Stack, list[Record]], None, list[Stack]]  # returns the stacks that lost their worker
Advance = Callable[[int], None]
MOST_FALSE_STARTS = 2  # sets of workers that may be killed before any of them has begun
MOST_KILLS = 3  # workers that a stack may cost before its cells are tried alone
KILLED = "its worker process was killed even with nothing else to train, perhaps for want of memory"


def require_parts(entries: Iterable[Entry], cluster: Cluster | None = None) -> None:
    """Make sure that other processes of this machine, or the workers of a cluster, have the same parts as this one.

    Raises
    ------
    UsageError
        When they lack one.
    """
    by_identity = {(entry.kind, entry.name, entry.fingerprint): entry for entry in entries if entry.is_of_script}
    if not by_identity:
        return
    wanted = tuple(by_identity)
    for identity in cluster.lacking(wanted) if cluster else _lacking_in_a_process(wanted):
        entry = by_identity[identity]
        function = inspect.unwrap(entry.function)
        code = function.__code__
        is_in_module = function.__module__ != "__main__" and Path(code.co_filename).is_file()
        is_in_module &= "<locals>" not in function.__qualname__  # else the file may register nothing as it is loaded
        file = code.co_filename if is_in_module else "my_parts.py"
        remedy = "load that file" if is_in_module else f"put it in a file of its own, {file} for example, and load that"
        raise UsageError(
            f"the {entry.kind} '{entry.name}' is registered in {code.co_filename}, line {code.co_firstlineno}, and"
            f" {'workers of the cluster' if cluster else 'worker processes'} do not get it from there; {remedy} with"
            f" --plugin {shlex.quote(file)}, in Python with initbench.registry.load_plugin({file!r})"
            f"{'' if cluster else '; or train with -j 1 (jobs=1)'}"
        )


def _lacking_in_a_process(wanted: tuple[Identity, ...]) -> list[Identity]:
    """Which of these parts a process lacks that is started as those which train are; none where no process starts."""
    if multiprocessing.current_process().daemon:
        return []
    try:
        with _quiet_children(), ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            with _undisturbed(), hidden_script(is_needed=True):
                answer = pool.submit(lacking, wanted, loaded_plugins())
            return answer.result()
    except (ImportError, OSError, BrokenProcessPool):
        return []


def count_epochs(stacks: Iterable[Stack]) -> int:
    """How many epochs of networks there are to train."""
    return sum(len(stack.cells) * stack.cells[0].epochs for stack in stacks)


def train_here(stacks: Sequence[Stack], shared: Path, advance: Advance, keep: Keep) -> Finished:
    """Train in this process; ``advance`` is told how many epochs of networks are over."""
    over = 0

    def on_epoch(networks: int) -> None:
        nonlocal over
        over += networks
        advance(over)

    for stack in stacks:
        with threadpool_limits(1):
            records = run_stack(stack, open_dataset(shared / stack.checksum), on_epoch, keep)
        yield stack, records


def train_in_processes(
    stacks: Sequence[Stack], shared: Path, jobs: int, advance: Advance, say: Callable[[str], None], keep: Keep
) -> Finished:
    """Train in ``jobs`` processes of this machine, which map the data sets in ``shared``.

    When a process is killed, each stack that was being trained is tried again alone; after ``MOST_KILLS`` each cell of
    a stack has a process of its own, so that only one that kills it is ``failed``. Where no process starts at all,
    ``say`` reports that and training continues in this one.
    """
    context = multiprocessing.get_context("spawn")  # the same on Linux, macOS and Windows
    over, left, false_starts = 0, deque(stacks), 0
    can_start = not multiprocessing.current_process().daemon  # Python lets no daemon start processes
    try:
        os.getcwd()  # where processes start
        with _quiet_children(), _undisturbed():
            context.Event()  # the first one starts the process that keeps count of semaphores
    except (ImportError, OSError):  # no such folder any more, or a system without semaphores
        can_start = False

    def train_until_killed(left: deque[Stack], workers: int) -> FinishedOrKilled:
        nonlocal over, false_starts
        has_started, counter, before = context.Event(), context.Value("q", 0), count_epochs(left)
        setup = (counter, has_started, loaded_plugins())
        pool = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=setup)
        killed = yield from _deal(left, pool, workers, shared, lambda: advance(over + counter.value), keep)
        over += before - count_epochs([*left, *killed])  # what killed processes have counted is trained anew
        if has_started.is_set():
            false_starts = 0
            return killed
        false_starts += 1
        left.extendleft(reversed(killed))  # nobody has begun with them
        return []

    def train_alone(stack: Stack, trials: int) -> Finished:
        nonlocal over
        for _ in range(trials):
            alone = deque([stack])
            killed = yield from train_until_killed(alone, 1)
            if not (killed or alone):
                return
        if len(stack.cells) > 1:
            for cell in stack.cells:
                yield from train_alone(Stack((cell,)), 1)
        else:
            over += count_epochs([stack])
            advance(over)
            yield stack, [failure(stack.cells[0], KILLED)]

    while left and can_start:
        for stack in (yield from train_until_killed(left, min(jobs, len(left)))):
            yield from train_alone(stack, MOST_KILLS - 1)
        can_start = false_starts < MOST_FALSE_STARTS
    if left:
        say("worker processes cannot start; training continues in this process")
        yield from train_here(left, shared, lambda epochs: advance(over + epochs), keep)


def _deal(
    left: deque[Stack],
    pool: ProcessPoolExecutor,
    workers: int,
    shared: Path,
    tell: Callable[[], None],
    keep: Keep,
) -> FinishedOrKilled:
    """Train what is ``left`` until that is empty or a process is killed; return what was begun then."""
    others = set(multiprocessing.active_children())
    with _quiet_children():
        waiting: dict[Future[list[Record]], Stack] = {}
        try:
            while left or waiting:
                while left and len(waiting) <= workers:  # one more than there are workers, so that none waits
                    with _undisturbed(), hidden_script(is_needed=has_parts_of_script()):
                        future = pool.submit(_work, left[0], shared, keep)
                    waiting[future] = left.popleft()
                done, _ = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
                tell()
                for future in done:
                    records = future.result()
                    yield waiting.pop(future), records
            pool.shutdown()
        except BrokenProcessPool:
            pool.shutdown()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
            raise
    return list(waiting.values())


@contextmanager
def _quiet_children() -> Iterator[None]:
    """Let processes started now use one thread for linear algebra each, and import nothing from the current folder."""
    libraries = [f"{name}_NUM_THREADS" for name in ("OMP", "OPENBLAS", "MKL", "BLIS")] + ["VECLIB_MAXIMUM_THREADS"]
    values = dict.fromkeys([*libraries, "PYTHONSAFEPATH"], "1")  # the last is heard by Python 3.11 and later
    # Of a process that a second Ctrl-C ends at once, another one removes the semaphores; that is nothing to warn of.
    values["PYTHONWARNINGS"] = f"{os.environ.get('PYTHONWARNINGS', '')},ignore:resource_tracker:UserWarning"
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Start processes that hear neither Ctrl-C nor that the terminal closes: the parent does, and ends them.

    It hears it once they are started. A process that was begun but not told what to do, since a signal came in
    between, would end in a traceback.
    """
    came, before = list[int](), dict[signal.Signals, Any]()
    hangup = getattr(signal, "SIGHUP", signal.SIGTERM)  # a terminal that is closed; not on Windows
    for number in (signal.SIGINT, signal.SIGTERM, hangup):
        is_heard = signal.getsignal(number) not in (None, signal.SIG_IGN)
        if is_heard and threading.current_thread() is threading.main_thread():  # Python runs handlers there alone
            before[number] = signal.signal(number, lambda number, _: came.append(number))
    has_masks = hasattr(signal, "pthread_sigmask")  # not on Windows
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, hangup} - {signal.SIGTERM}) if has_masks else set()
    try:
        yield
    finally:
        if has_masks:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


_counter: Any = None


def _start_worker(counter: Any, has_started: Any, plugins: tuple[str, ...]) -> None:
    global _counter
    _counter = counter
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as `_undisturbed`, where there are no masks
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for plugin in plugins:
        load_plugin(plugin)
    has_started.set()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_process([parent.sentinel])
        os._exit(1)


def _work(stack: Stack, shared: Path, keep: Keep) -> list[Record]:
    def on_epoch(networks: int) -> None:
        with _counter.get_lock():
            _counter.value += networks

    with threadpool_limits(1):
        return run_stack(stack, open_dataset(shared / stack.checksum), on_epoch, keep)

"""Stacks that are trained by the workers of a Dask cluster."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from initbench.contracts import Dataset
from initbench.errors import InitbenchError, UsageError
from initbench.parts.datasets.saved import open_dataset
from initbench.plan import ARITHMETIC, Stack
from initbench.registry import Identity, lacking, loaded_plugins
from initbench.storage.store import Record
from initbench.training.stack import Keep, failure, run_stack
from initbench.training.workers import KILLED, MOST_KILLS, Advance, Finished, FinishedOrKilled, count_epochs

SECONDS_TO_ANSWER = 10.0  # that a scheduler has
SECONDS_BETWEEN_LOOKS = 0.5  # at a cluster where nothing comes back


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
            self._client = Client(address, timeout=SECONDS_TO_ANSWER, set_as_default=False)
        except Exception as error:  # of whatever kind its transport raises
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise UsageError(f"--scheduler {address}: no Dask scheduler answers there: {reason}") from None
        self._address = address
        self._wanted: tuple[Identity, ...] = ()
        self.threads = max(1, sum(self._client.nthreads().values()))

    def __enter__(self) -> Cluster:
        self._allowed_failures = self._allow_failures(MOST_KILLS - 1)
        names = ("distributed", "distributed.client", "tornado.application")  # Dask gives each a level of its own
        loggers = [logging.getLogger(name) for name in names]
        self._levels = [(logger, logger.level) for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)  # when the scheduler dies, we say it in our own words
        return self

    def __exit__(self, *_: object) -> None:
        if self._client.status == "running":  # else the scheduler is gone
            with suppress(OSError):
                self._allow_failures(self._allowed_failures)
        self._client.close()
        for logger, level in self._levels:
            logger.setLevel(level)

    def _allow_failures(self, number: int) -> int:
        """Let a task fail when it has cost more workers than this; return the number that held before."""

        def exchange(dask_scheduler: Any) -> int:
            before: int = dask_scheduler.allowed_failures
            dask_scheduler.allowed_failures = number
            return before

        before: int = self._client.run_on_scheduler(exchange)
        return before

    def lacking(self, wanted: tuple[Identity, ...]) -> list[Identity]:
        """Which of these parts a worker lacks; one that comes later, or lacks initbench, says so when it trains."""
        self._wanted = wanted
        answers = self._client.run(_portable_lacking(), wanted, loaded_plugins(), on_error="ignore")
        return next(filter(None, answers.values()), [])

    def train(
        self, stacks: Sequence[Stack], shared: Path, advance: Advance, say: Callable[[str], None], keep: Keep
    ) -> Finished:
        """Train on the cluster; ``say`` is told when there is nobody to train.

        A data set goes to a worker once. The stack of a worker that dies is dealt again; one that has cost
        ``MOST_KILLS`` is set aside, and when all others are done, its cells are sent out one at a time: Dask suspects
        all that a dead worker was to train, and only a cell that kills one when there is nothing else is ``failed``.
        """
        over = 0
        for stack, records in self._train(stacks, shared, say, keep):
            over += count_epochs([stack])
            advance(over)
            yield stack, records

    def _train(self, stacks: Sequence[Stack], shared: Path, say: Callable[[str], None], keep: Keep) -> Finished:
        executor, work = self._client.get_executor(pure=False), _portable_work()
        data = {  # a lambda, which travels by value; Dask computes again what a dead worker held
            checksum: self._client.submit(
                lambda *values: values, *_in_memory(open_dataset(shared / checksum)), key=f"initbench-{checksum}"
            )
            for checksum in dict.fromkeys(stack.checksum for stack in stacks)
        }

        def deal(stacks: Iterable[Stack]) -> FinishedOrKilled:
            futures = {}
            for stack in stacks:
                packed = pickle.dumps((stack, keep, loaded_plugins(), self._wanted))
                futures[executor.submit(work, packed, data[stack.checksum])] = stack
            return self._wait(futures, say)

        try:
            killed = yield from deal(stacks)
            if killed:
                self._allow_failures(0)
            for alone in [Stack((cell,)) for stack in killed for cell in stack.cells]:
                if (yield from deal([alone])):
                    yield alone, [failure(alone.cells[0], KILLED)]
        except (CancelledError, OSError):
            raise InitbenchError("the scheduler is gone; what has finished is kept") from None
        finally:
            executor.shutdown(wait=False)

    def _wait(self, waiting: dict[Future[list[Record]], Stack], say: Callable[[str], None]) -> FinishedOrKilled:
        from distributed import KilledWorker

        killed, has_workers = [], True
        while waiting:
            done, _ = wait(waiting, timeout=SECONDS_BETWEEN_LOOKS, return_when=FIRST_COMPLETED)
            if not done:
                had_workers, has_workers = has_workers, bool(self._client.nthreads())
                if had_workers and not has_workers:
                    say(f"waiting for workers of {self._address}")
            for future in done:
                stack = waiting.pop(future)
                try:
                    records = future.result()
                except KilledWorker:
                    killed.append(stack)
                except (CancelledError, OSError):
                    raise
                except Exception as error:
                    raise InitbenchError(str(error)) from None
                else:
                    yield stack, records
        return killed


def _in_memory(dataset: Dataset) -> list[Any]:
    """The values of a data set, its arrays read from disk, since maps of files mean nothing on another machine."""
    return [np.array(value) if isinstance(value, np.ndarray) else value for value in dataset]


def _portable_work() -> Callable[[bytes, tuple[Any, ...]], Any]:
    """What runs on a cluster's worker: a nested function, since Dask sends the code of such a one along.

    A worker that lacks initbench can thus say so; one that is sent the name of a function that it cannot import drops
    its connection, and the run would wait for it. It is asked with every stack, since a worker may join at any time.
    """
    arithmetic = ARITHMETIC

    def work(packed: bytes, values: tuple[Any, ...]) -> Any:
        from distributed import get_worker

        try:
            from initbench import plan

            if arithmetic != plan.ARITHMETIC:
                raise ImportError("another version of initbench is installed")
            from initbench.training import cluster

            return cluster._work_remotely(packed, values)
        except Exception as error:
            worker = f"worker {get_worker().address} cannot train: {type(error).__name__}: {error}"
            raise RuntimeError(f"{worker}; install the same initbench there, and the same plugins") from None

    return work


def _portable_lacking() -> Callable[[tuple[Identity, ...], tuple[str, ...]], list[Identity]]:
    """`lacking` for a cluster's worker, as `_portable_work`."""

    def ask(wanted: tuple[Identity, ...], plugins: tuple[str, ...]) -> list[Identity]:
        from initbench.registry import lacking

        return lacking(wanted, plugins)

    return ask


def _work_remotely(packed: bytes, values: tuple[Any, ...]) -> list[Record]:
    stack, keep, plugins, wanted = pickle.loads(packed)
    threadpool_limits(1)  # for good, since a worker may train several stacks in threads
    for kind, name, _ in lacking(wanted, plugins):
        raise UsageError(f"it lacks the {kind} '{name}'")
    return run_stack(stack, Dataset(*values), keep=keep)

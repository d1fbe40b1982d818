"""How long training will take: a few steps of each kind of stack, timed on this machine, times their number."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import ceil, prod
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

from initbench.contracts import Array
from initbench.engine.losses import one_hot
from initbench.engine.network import with_ones
from initbench.engine.train import Data, Rows, train
from initbench.plan import Stack, network_bytes, network_of
from initbench.training.stack import recipe_of

ENOUGH_SECONDS = 0.05  # of one timed epoch; a shorter one is repeated with more rows
TRIAL_SECONDS = 2.0  # for all stacks together; those that are left are compared with the timed ones
MOST_WORK, MOST_BYTES = 1e9, 5e8  # of a trial; a larger stack is not tried
SECONDS_OF_WORK = 1.2e-10  # on a core of 2026, from 1.0e-10 of relu_deep to 1.7e-10 of 30 small networks on a table
WORK_OF_A_LAYER = 3e5  # multiplications that take as long as the calls for one layer in one step
FIRST_STEPS, MORE_STEPS = 2, 4


def training_seconds(stacks: Sequence[Stack], jobs: int, time_epoch: Callable[[Stack], float]) -> float:
    """Estimate the time that training takes, without start-up, data and tables.

    Parameters
    ----------
    stacks : sequence of Stack
        The heaviest first, as `initbench.plan.make_stacks` gives them.
    jobs : int
        Workers; each takes the next stack when it has finished one.
    time_epoch : callable ``(stack) -> float``
        Seconds of one epoch of a stack; `timed_epoch`.

    Returns
    -------
    float
        Seconds. Training that ends early, since all networks of a stack diverge, takes less.
    """
    began = time.perf_counter()
    known: dict[tuple[object, ...], float] = {}
    for stack in stacks:
        kind = _kind(stack)
        if kind not in known and _can_be_tried(stack) and (not known or time.perf_counter() - began < TRIAL_SECONDS):
            known[kind] = stack.cells[0].epochs * time_epoch(stack)
    ratios = [known[_kind(stack)] / work(stack) for stack in stacks if _kind(stack) in known]
    rate = median(ratios) if ratios else SECONDS_OF_WORK
    ends = [0.0] * jobs
    for stack in stacks:
        seconds = known.get(_kind(stack), rate * work(stack))
        heapq.heapreplace(ends, ends[0] + seconds)  # the worker that is free first
    return max(ends)


def seconds_without_trial(stacks: Iterable[Stack]) -> float:
    """What one process takes for stacks, roughly and at once: right to a factor of 2 on machines of 2020 to 2026."""
    return SECONDS_OF_WORK * sum(map(work, stacks))


def work(stack: Stack) -> float:
    """The work of training a stack, in multiplications of a weight with an input of a row."""
    cell = stack.cells[0]
    rows = cell.train_rows or cell.data.train_rows
    return cell.epochs * ceil(rows / cell.batch_size) * _step_work(stack)


def _step_work(stack: Stack) -> float:
    cell = stack.cells[0]
    layers = network_of(cell).layers
    rows = min(cell.batch_size, cell.data.train_rows)
    return float(len(stack.cells) * sum(prod(slot.shape) for slot in layers) * rows + WORK_OF_A_LAYER * len(layers))


def _can_be_tried(stack: Stack) -> bool:
    cell = stack.cells[0]
    rows = min(FIRST_STEPS * cell.batch_size, cell.data.train_rows) * (1 + cell.data.test_rows / cell.data.train_rows)
    data = 16 * len(stack.seeds) * rows * (cell.data.features + 1)
    is_quick = FIRST_STEPS * _step_work(stack) <= MOST_WORK
    return is_quick and len(stack.cells) * network_bytes(cell) + data <= MOST_BYTES


def timed_epoch(stack: Stack) -> float:
    """Train a stack on made-up rows with steps of size 0 for long enough to time it; seconds of one whole epoch."""
    cell = stack.cells[0]
    valid = ceil(cell.data.train_rows / 10)
    rows = cell.train_rows or cell.data.train_rows - valid
    counts = np.array([rows, valid, cell.data.test_rows])
    steps, whole = FIRST_STEPS, ceil(rows / cell.batch_size)
    while True:
        share = min(1.0, steps / whole)
        seconds = _time(stack, np.ceil(share * counts).astype(int).tolist())
        if seconds >= ENOUGH_SECONDS or share == 1:
            return seconds / share
        steps *= MORE_STEPS


def _time(stack: Stack, counts: list[int]) -> float:
    """Seconds of an epoch of a stack on so many rows for training, validation and test; the faster of two."""
    cell, m, s = stack.cells[0], len(stack.cells), len(stack.seeds)
    dtype, chance = np.dtype(cell.dtype), np.random.default_rng(0)
    network, moments = network_of(cell), list[float]()
    parameters = network.parameters(m, dtype)
    for weights in parameters.weights:
        weights[:] = chance.standard_normal(weights.shape) / weights.shape[1] ** 0.5

    def made_up(n: int) -> Rows:
        x = with_ones(chance.standard_normal((s, n, cell.data.features)).astype(dtype))
        return Rows(x, np.stack([one_hot(chance.integers(cell.data.classes, size=n), cell.data.classes, dtype)] * s))

    def orders() -> Array:
        return np.tile(np.arange(counts[0]), (s, 1))

    with threadpool_limits(1):
        train(
            network,
            recipe_of(stack)._replace(learning_rate=np.zeros(m), epochs=2),
            parameters,
            Data(*map(made_up, counts)),
            orders,
            lambda *_: moments.append(time.perf_counter()),
        )
    return min(end - begin for begin, end in pairwise(moments))


def _kind(stack: Stack) -> tuple[object, ...]:
    """What the time of a stack depends on."""
    cell = stack.cells[0]
    step = (cell.clip_norm is None, cell.weight_decay > 0, cell.batch_size, cell.epochs, cell.clock)
    network = (cell.architecture, cell.hidden, cell.activation, cell.normalization, cell.residual, cell.dropout)
    kind = (*network, cell.optimizer, step)
    return (*kind, cell.dataset, cell.train_rows, cell.dtype, len(stack.cells), len(stack.seeds))

"""One stack of cells: names -> functions and arrays -> engine -> records."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from initbench.contracts import Array, Dataset
from initbench.engine.diagnostics import LayerLog
from initbench.engine.losses import cross_entropy, one_hot
from initbench.engine.network import with_ones
from initbench.engine.parameters import Parameters
from initbench.engine.train import Data, Recipe, Rows, Trace, train
from initbench.errors import InitbenchError
from initbench.plan import Cell, Stack, network_of
from initbench.randomness import stream
from initbench.registry import find
from initbench.storage.store import LayerRecord, Record
from initbench.training.splits import Split, split
from initbench.training.untrained import draw_start, trained_numbers

OnEpoch = Callable[[int], None]


class Keep(NamedTuple):
    """What records hold beside curves.

    Attributes
    ----------
    weights : bool
        All numbers that the network trains, in the end.
    layers : bool
        What goes on in its layers.
    binned_seed : int
        The seed of which that includes histograms.
    """

    weights: bool = False
    layers: bool = False
    binned_seed: int = 0


CURVES_ALONE = Keep()


class StackRows(NamedTuple):
    """What a stack trains and is measured on, and how often the majority class is right.

    Attributes
    ----------
    data : Data
    majorities : dict of int to (float, float)
        For each seed, the accuracy on test and validation rows of always answering the training rows' majority class.
    """

    data: Data
    majorities: dict[int, tuple[float, float]]


def run_stack(
    stack: Stack, dataset: Dataset, on_epoch: OnEpoch = lambda networks: None, keep: Keep = CURVES_ALONE
) -> list[Record]:
    """Train the cells of a stack; when something fails, one cell after the other, so that only its cause is ``failed``.

    Parameters
    ----------
    stack : Stack
    dataset : Dataset
        That its cells name.
    on_epoch : callable ``(networks) -> None``
        Told how many networks have finished an epoch: below 0 when they begin again, and the epochs that a cell lacks
        when it fails, so that the sum is that of all epochs in the end.
    keep : Keep, default nothing
        What records hold beside curves.

    Returns
    -------
    list of Record
        In the order of the stack's cells.
    """
    told = 0

    def tell(networks: int) -> None:
        nonlocal told
        told += networks
        on_epoch(networks)

    try:
        return _train_stack(stack, dataset, tell, keep)
    except Exception as error:
        if len(stack.cells) == 1:
            on_epoch(stack.cells[0].epochs - told)
            message = str(error) if isinstance(error, InitbenchError) else f"{type(error).__name__}: {error}"
            return [failure(stack.cells[0], message.strip())]
    on_epoch(-told)
    return [record for cell in stack.cells for record in run_stack(Stack((cell,)), dataset, on_epoch, keep)]


def failure(cell: Cell, reason: str) -> Record:
    """What is stored of a cell that could not be trained."""
    return Record(cell.key, "failed", None, None, 0.0, error=" ".join(reason.split()))


def _train_stack(stack: Stack, dataset: Dataset, on_epoch: OnEpoch, keep: Keep) -> list[Record]:
    began = time.perf_counter()
    rows = load_rows(stack, dataset)
    parameters, trace, own_seconds, log = train_rows(stack, rows.data, on_epoch, keep)
    shared_seconds = (time.perf_counter() - began - sum(own_seconds)) / len(stack.cells)
    return [
        Record(
            cell.key,
            "ok" if trace.diverged[i] < 0 else "diverged",
            trace.curves[i],
            None if trace.diverged[i] < 0 else int(trace.diverged[i]),
            shared_seconds + own_seconds[i],
            *rows.majorities[cell.seed],
            rows.data.test.x.shape[1],
            weights=_weights(parameters, i) if keep.weights else None,
            layers=_layers(log, i) if log else None,
            further={name: getattr(trace, name)[i].item() for name in cell.further},
        )
        for i, cell in enumerate(stack.cells)
    ]


def load_rows(stack: Stack, dataset: Dataset) -> StackRows:
    """Split and scale the rows of each seed of a stack."""
    first, dtype = stack.cells[0], np.dtype(stack.cells[0].dtype)
    found: list[list[Rows]] = []
    majorities = {}
    for seed in stack.seeds:
        parts = split(dataset, stream(seed, "split"), scaling=first.scaling, train_rows=first.train_rows, dtype=dtype)
        majorities[seed] = _majorities(parts)
        arrays = zip(parts[::2], parts[1::2], strict=True)
        found.append([Rows(with_ones(x), one_hot(y, first.data.classes, dtype)) for x, y in arrays])
    data = Data(*(Rows(*map(_stacked, zip(*rows, strict=True))) for rows in zip(*found, strict=True)))
    return StackRows(data, majorities)


def recipe_of(stack: Stack) -> Recipe:
    """How the networks of a stack are trained."""
    first = stack.cells[0]
    return Recipe(
        loss=cross_entropy(first.outputs),
        optimizer=find("optimizer", first.optimizer.name).function(**dict(first.optimizer.parameters)),
        schedule=find("schedule", first.schedule.name).function(**dict(first.schedule.parameters)),
        learning_rate=np.array([cell.learning_rate for cell in stack.cells]),
        batch_size=first.batch_size,
        epochs=first.epochs,
        weight_decay=np.array([c.weight_decay for c in stack.cells]) if first.weight_decay > 0 else None,
        clip_norm=np.array([c.clip_norm for c in stack.cells]) if first.clip_norm is not None else None,
        clock=first.clock,
        target=1.0 if first.target is None else first.target,
    )


def train_rows(
    stack: Stack, data: Data, on_epoch: OnEpoch = lambda networks: None, keep: Keep = CURVES_ALONE
) -> tuple[Parameters, Trace, list[float], LayerLog | None]:
    """Draw the networks of a stack and train them.

    Returns
    -------
    parameters : Parameters
    trace : Trace
    own_seconds : list of float
        What drawing took, cell by cell.
    log : LayerLog, optional
    """
    first, m = stack.cells[0], len(stack.cells)
    network, recipe = network_of(first), recipe_of(stack)
    parameters = network.parameters(m, np.dtype(first.dtype))
    own_seconds = []
    for i, cell in enumerate(stack.cells):
        started = time.perf_counter()
        place = stack.seeds.index(cell.seed)
        draw_start(cell, network, parameters, i, data.train.x[place, :, :-1], data.train.targets[place])
        own_seconds.append(time.perf_counter() - started)
    log = None
    if keep.layers:
        binned = tuple(i for i, cell in enumerate(stack.cells) if cell.seed == keep.binned_seed)
        log = LayerLog(network, recipe, parameters, data.train, binned)
    epochs_left = first.epochs

    def note(epoch: int, states: list[Array], count: int) -> None:
        nonlocal epochs_left
        if log:
            log.note(epoch, states, count)
        if epoch:
            epochs_left -= 1
            on_epoch(m)

    streams = [stream(seed, "batches") for seed in stack.seeds]
    trace = train(
        network,
        recipe,
        parameters,
        data,
        orders=lambda: np.stack([rng.permutation(data.train.x.shape[1]) for rng in streams]),
        on_epoch=note,
        masks=[stream(seed, "dropout") for seed in stack.seeds],
    )
    on_epoch(m * epochs_left)  # those that were not trained since all networks have diverged
    if log:
        log.forget(trace.diverged)
    return parameters, trace, own_seconds, log


def _stacked(arrays: tuple[Array, ...]) -> Array:
    return arrays[0][None] if len(arrays) == 1 else np.stack(arrays)  # no copy of a large data set


def _weights(parameters: Parameters, place: int) -> dict[str, Array]:
    """All that one network trains, by name."""
    layers = enumerate(trained_numbers(parameters, place))
    return {f"{kind}_{layer}": array.copy() for layer, numbers in layers for kind, array in numbers.items()}


def _layers(log: LayerLog, place: int) -> LayerRecord:
    """What was told of one network's layers."""
    if place not in log.binned:
        return LayerRecord(log.values[place])
    index = log.binned.index(place)
    return LayerRecord(log.values[place], log.limits[index], log.counts[index])


def _majorities(part: Split) -> tuple[float, float]:
    """Accuracy on test and validation rows of always answering the majority class of the training rows."""
    majority = np.bincount(part.y_train).argmax()
    return float(np.mean(part.y_test == majority)), float(np.mean(part.y_valid == majority))

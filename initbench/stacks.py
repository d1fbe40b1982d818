"""One stack of cells: names -> functions and arrays -> engine -> records."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from initbench.contracts import Array, Dataset
from initbench.data import Split, split
from initbench.engine.losses import one_hot
from initbench.engine.network import Design, Parameters, with_ones
from initbench.engine.train import Data, Recipe, Rows, Trace, train
from initbench.errors import InitbenchError
from initbench.plan import Cell, Stack
from initbench.registry import find
from initbench.start import draw_start, trained_numbers
from initbench.store import Record
from initbench.streams import stream

OnEpoch = Callable[[int], None]


class StackRows(NamedTuple):
    """What a stack trains and is measured on, and how often the commonest class is right.

    Attributes
    ----------
    data : Data
    majorities : dict of int to (float, float)
        For each seed, the accuracy on test and validation rows of always answering the commonest training class.
    """

    data: Data
    majorities: dict[int, tuple[float, float]]


def run_stack(
    stack: Stack, dataset: Dataset, on_epoch: OnEpoch = lambda networks: None, keeps_weights: bool = False
) -> list[Record]:
    """Train the cells of a stack; when something fails, one cell after the other, so that only its cause is ``failed``.

    Parameters
    ----------
    stack : Stack
    dataset : Dataset
        That its cells name.
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
        return _train_stack(stack, dataset, on_epoch, keeps_weights)
    except Exception as error:
        if len(stack.cells) == 1:
            message = str(error) if isinstance(error, InitbenchError) else f"{type(error).__name__}: {error}"
            return [failure(stack.cells[0], message.strip())]
    return [record for cell in stack.cells for record in run_stack(Stack((cell,)), dataset, on_epoch, keeps_weights)]


def failure(cell: Cell, reason: str) -> Record:
    """What is stored of a cell that could not be trained."""
    return Record(cell.key, "failed", None, None, 0.0, error=" ".join(reason.split()))


def _train_stack(stack: Stack, dataset: Dataset, on_epoch: OnEpoch, keeps_weights: bool) -> list[Record]:
    began = time.perf_counter()
    rows = load_rows(stack, dataset)
    parameters, trace, own_seconds = train_rows(stack, rows.data, on_epoch)
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
            weights=_weights(parameters, i) if keeps_weights else None,
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


def train_rows(
    stack: Stack, data: Data, on_epoch: OnEpoch = lambda networks: None
) -> tuple[Parameters, Trace, list[float]]:
    """Draw the networks of a stack and train them.

    Returns
    -------
    parameters : Parameters
    trace : Trace
    own_seconds : list of float
        What drawing took, cell by cell.
    """
    first, m = stack.cells[0], len(stack.cells)
    design = Design(
        sizes=first.sizes,
        activation=find("activation", first.activation.name).function(**dict(first.activation.parameters)),
        normalization=first.normalization,
        residual=first.residual,
    )
    parameters = Parameters(design, m, np.dtype(first.dtype))
    own_seconds = []
    for i, cell in enumerate(stack.cells):
        started = time.perf_counter()
        place = stack.seeds.index(cell.seed)
        draw_start(cell, design, parameters, i, data.train.x[place, :, :-1], data.train.targets[place])
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
    trace = train(
        design,
        recipe,
        parameters,
        data,
        orders=lambda: np.stack([rng.permutation(data.train.x.shape[1]) for rng in streams]),
        on_epoch=lambda epoch: on_epoch(m if epoch else 0),
    )
    return parameters, trace, own_seconds


def _stacked(arrays: tuple[Array, ...]) -> Array:
    return arrays[0][None] if len(arrays) == 1 else np.stack(arrays)  # no copy of a large data set


def _weights(parameters: Parameters, place: int) -> dict[str, Array]:
    """All that one network trains, by name."""
    layers = enumerate(trained_numbers(parameters, place))
    return {f"{kind}_{layer}": array.copy() for layer, numbers in layers for kind, array in numbers.items()}


def _majorities(part: Split) -> tuple[float, float]:
    """Accuracy on test and validation rows of always answering the commonest class of the training rows."""
    commonest = np.bincount(part.y_train).argmax()
    return float(np.mean(part.y_test == commonest)), float(np.mean(part.y_valid == commonest))

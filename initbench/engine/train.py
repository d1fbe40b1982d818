"""The training loop of a stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from initbench.contracts import METRICS, Array, Generator, Optimizer, Schedule
from initbench.engine.auc import roc_auc
from initbench.engine.losses import LogisticCrossEntropy, Loss, class_first
from initbench.engine.network import BlockNetwork
from initbench.engine.parameters import Parameters, spaced_rows
from initbench.engine.workspace import Statistics, Workspace

# Of weights, gradients and states that the optimizer works on at a time, so that all passes of a step but the first
# find them in a core's cache. Of the time that passes over all weights take, a step of a network of 1.2 million weights
# takes 0.75 (sgd), 0.61 (momentum) and 0.67 (adam); with 1 MiB it is the same, and with 0.25 MiB 0.8 or more.
PIECE_BYTES = 2**19


class Rows(NamedTuple):
    """The rows of one part of the data, for each group of networks.

    Attributes
    ----------
    x : ndarray, shape (s, n, d + 1)
        The last column is ones, which the biases are multiplied by.
    targets : ndarray, shape (s, n, k)
        One-hot, or the class itself, 0 or 1, for two classes (k = 1).
    """

    x: Array
    targets: Array


class Data(NamedTuple):
    """What a stack trains and is measured on."""

    train: Rows
    valid: Rows
    test: Rows


class Recipe(NamedTuple):
    """How a stack is trained; arrays have an entry a network.

    Attributes
    ----------
    loss : Loss
    optimizer : Optimizer
    learning_rate : ndarray, shape (m,)
    batch_size, epochs : int
        The last batch of an epoch may be smaller.
    weight_decay : ndarray, shape (m,), optional
        L2 coefficient of the weights (not of biases): its gradient is coefficient times weight.
    clip_norm : ndarray, shape (m,), optional
        Largest norm of a network's whole gradient.
    clock : int, optional
        Steps between two looks whether a network has reached ``target``, of which the first is before training.
    target : float
        An accuracy on the validation rows (fraction).
    schedule : Schedule, optional
        What each step's learning rate is multiplied by; 1 without.
    """

    loss: Loss
    optimizer: Optimizer
    learning_rate: Array
    batch_size: int
    epochs: int
    weight_decay: Array | None = None
    clip_norm: Array | None = None
    clock: int | None = None
    target: float = 1.0
    schedule: Schedule | None = None


class Trace(NamedTuple):
    """What training showed.

    Attributes
    ----------
    curves : ndarray of float64, shape (m, epochs + 1, 6)
        ``METRICS`` before training and after each epoch; nan from the epoch of divergence on.
    diverged : ndarray of int, shape (m,)
        The epoch at which loss or weights were no longer finite, or -1.
    steps_to_target : ndarray of int, shape (m,)
        The first look of the clock at which the target was reached, as a number of steps; -1 for none.
    test_auc : ndarray of float64, shape (m,)
        Area under the ROC curve of the test rows, with the weights after the last epoch; 0.5 of a diverged network, as
        of one that always answers the same, and nan with more than two classes.
    """

    curves: Array
    diverged: Array
    steps_to_target: Array
    test_auc: Array


def train(
    network: BlockNetwork,
    recipe: Recipe,
    parameters: Parameters,
    data: Data,
    orders: Callable[[], Array],
    on_epoch: Callable[[int, list[Array], int], None] = lambda epoch, states, count: None,
    masks: Sequence[Generator] = (),
) -> Trace:
    """Train a stack of networks in place and measure it before training and after each epoch.

    Parameters
    ----------
    network : BlockNetwork
    recipe : Recipe
    parameters : Parameters
        Of ``m`` networks, where training starts; changed in place.
    data : Data
        ``s`` groups of rows; ``s`` divides ``m``, and the networks of a group lie side by side.
    orders : callable ``() -> ndarray of int, shape (s, n)``
        The order of the training rows in the next epoch, for each group.
    on_epoch : callable ``(epoch, states, count) -> None``
        Called when an epoch has been measured, 0 first, with the optimizer's states and how many steps were taken.
    masks : sequence of numpy.random.Generator
        What dropout draws its masks from, one a group.

    Returns
    -------
    Trace
    """
    m, dtype = len(parameters.flat), parameters.flat.dtype
    data = Data(*(Rows(rows.x, class_first(rows.targets)) for rows in data))
    gradients = network.parameters(m, dtype)
    states = [spaced_rows(m, parameters.flat.shape[1], dtype) for _ in range(recipe.optimizer.states)]
    curves = np.full((m, recipe.epochs + 1, len(METRICS)), np.nan)
    diverged, steps_to_target = np.full(m, -1), np.full(m, -1)
    spaces: dict[int, Workspace] = {}
    count, steps = 0, recipe.epochs * -(-data.train.x.shape[1] // recipe.batch_size)

    def look() -> None:
        """Note which networks have reached the target at this step, where the clock says so and one still may."""
        waiting = (steps_to_target < 0) & (diverged < 0)
        if recipe.clock is None or count % recipe.clock or not waiting.any():
            return
        measured = measure(network, recipe.loss, parameters, data, [data.valid])
        finite = np.isfinite(measured).all(axis=1) & np.isfinite(parameters.flat).all(axis=1)
        steps_to_target[waiting & finite & (measured[:, 1] >= recipe.target)] = count

    with np.errstate(all="ignore"):  # overflow is a finding: the network is marked as diverged below
        look()
        for epoch in range(recipe.epochs + 1):
            if epoch > 0:
                for x, targets in batches(data.train, orders(), recipe.batch_size):
                    count += 1
                    n = x.shape[1]
                    if n not in spaces:
                        spaces[n] = network.workspace(m, n, dtype, keeps=True, masks=masks)
                    delta = recipe.loss.slope(network.forward(parameters, x, spaces[n]), targets)
                    network.backward(parameters, delta, spaces[n], gradients)
                    update(recipe, parameters, gradients, states, count, steps)
                    look()
            measured = measure(network, recipe.loss, parameters, data)
            finite = np.isfinite(measured).all(axis=1) & np.isfinite(parameters.flat).all(axis=1)
            diverged[~finite & (diverged < 0)] = epoch
            lost = diverged >= 0
            curves[~lost, epoch] = measured[~lost]
            for array in (parameters.flat, *states):
                array[lost] = 0  # arithmetic on infinities is slow, and its results are not looked at
            on_epoch(epoch, states, count)
            if lost.all():
                break
        return Trace(curves, diverged, steps_to_target, measure_auc(network, recipe.loss, parameters, data))


def batches(rows: Rows, order: Array, batch_size: int) -> Iterator[tuple[Array, Array]]:
    """Yield ``x``, shape (s, b, d + 1), and ``targets`` of each batch; the buffers are overwritten by the next one."""
    s, n, d = rows.x.shape
    flat_x, flat_targets = rows.x.reshape(s * n, d), rows.targets.transpose(2, 0, 1).reshape(-1, s * n)
    order = order + n * np.arange(s)[:, None]
    x = np.empty((s, min(batch_size, n), d), rows.x.dtype)
    targets = np.empty((len(flat_targets), *x.shape[:2]), rows.targets.dtype)
    for begin in range(0, n, batch_size):
        index = order[:, begin : begin + batch_size]
        if index.shape[1] < x.shape[1]:
            x, targets = x[:, : index.shape[1]].copy(), targets[..., : index.shape[1]].copy()
        # mode="clip" spares NumPy a copy of the output; no index is out of bounds. Gathering takes 8 µs of 254 a step.
        flat_x.take(index, axis=0, out=x, mode="clip")
        flat_targets.take(index, axis=1, out=targets, mode="clip")
        yield x, targets.transpose(1, 2, 0)


def update(
    recipe: Recipe, parameters: Parameters, gradients: Parameters, states: list[Array], count: int, steps: int
) -> None:
    """Take step ``count`` of ``steps``, from 1 on: clipping, weight decay, optimizer. ``gradients`` is overwritten."""
    dtype = parameters.flat.dtype
    factor = 1.0 if recipe.schedule is None else recipe.schedule(count, steps)
    learning_rate = (recipe.learning_rate[:, None] * factor).astype(dtype)
    if recipe.clip_norm is not None:
        squares = np.square(gradients.flat, dtype=np.float64)  # float32 would overflow where clipping is needed most
        norms = np.sqrt(squares.sum(axis=1))
        gradients.flat *= np.minimum(1, recipe.clip_norm / np.maximum(norms, 1e-300))[:, None].astype(dtype)
    if recipe.weight_decay is not None:
        decay = recipe.weight_decay[:, None, None].astype(dtype)
        for weights, slopes in zip(parameters.decaying, gradients.decaying, strict=True):
            if recipe.optimizer.decoupled_decay:
                weights *= 1 - learning_rate[:, :, None] * decay
            else:
                slopes += decay * weights
    optimizer, arrays = recipe.optimizer, (parameters.flat, gradients.flat, *states)
    m, p = parameters.flat.shape
    # As many networks at a time as fit the cache, or of a large one as many weights.
    room = PIECE_BYTES // (dtype.itemsize * len(arrays)) if optimizer.by_weight else m * p
    networks, columns = max(1, room // p), min(p, room)
    for top in range(0, m, networks):
        for begin in range(0, p, columns):
            weights, slopes, *kept = (array[top : top + networks, begin : begin + columns] for array in arrays)
            optimizer.step(weights, slopes, kept, learning_rate[top : top + networks], count)


def measure(network: BlockNetwork, loss: Loss, parameters: Parameters, data: Data, parts: Sequence[Rows] = ()) -> Array:
    """Loss and score on all rows of each part, shape (m, 6), in the order of ``METRICS``, or of some parts alone.

    Batch normalization uses statistics of the training rows, made with the weights as they stand.
    """
    statistics = population_statistics(network, parameters, data.train)
    m = len(parameters.flat)
    spaces: dict[int, Workspace] = {}
    columns = []
    for rows in parts or data:
        values, scores = np.zeros(m), np.zeros(m)
        for outputs, targets in _evaluated(network, parameters, rows, statistics, spaces):
            row_values, row_scores = loss.values_and_scores(outputs, targets)
            values += row_values.sum(axis=1)
            scores += row_scores.sum(axis=1)
        columns += [values / rows.x.shape[1], scores / rows.x.shape[1]]
    return np.stack(columns, axis=1)


def measure_auc(network: BlockNetwork, loss: Loss, parameters: Parameters, data: Data) -> Array:
    """Area under the ROC curve on all test rows, shape (m,), as `measure` has them; nan with more than two classes."""
    m = len(parameters.flat)
    if not isinstance(loss, LogisticCrossEntropy):
        return np.full(m, np.nan)
    statistics = population_statistics(network, parameters, data.train)
    scores = [logits[:, :, 0].copy() for logits, _ in _evaluated(network, parameters, data.test, statistics, spaces={})]
    return roc_auc(np.concatenate(scores, axis=1), data.test.targets[:, :, 0] > 0.5)


def _evaluated(
    network: BlockNetwork,
    parameters: Parameters,
    rows: Rows,
    statistics: Statistics,
    spaces: dict[int, Workspace],
) -> Iterator[tuple[Array, Array]]:
    """Yield the outputs for some rows at a time, which the next ones overwrite, and their targets."""
    m, dtype = len(parameters.flat), parameters.flat.dtype
    for x, targets in _chunks(rows, evaluation_rows(network)):
        n = x.shape[1]
        if n not in spaces:
            spaces[n] = network.workspace(m, n, dtype, keeps=False, statistics=statistics)
        yield network.forward(parameters, x, spaces[n]), targets


def evaluation_rows(network: BlockNetwork) -> int:
    """How many rows to measure at a time: so few that they stay in cache, and enough for a large matrix to pay.

    128 rows instead of 512 took `digits` from 53 to 32 ms; 256 instead of 128 won and lost as much.
    They follow from the network alone, since the rows of a product may bear on its last bit.
    """
    return min(max(2 * network.widest, 128), 512)


def _chunks(rows: Rows, size: int) -> Iterator[tuple[Array, Array]]:
    for begin in range(0, rows.x.shape[1], size):
        part = slice(begin, begin + size)
        yield rows.x[:, part], rows.targets[:, part]


def population_statistics(network: BlockNetwork, parameters: Parameters, rows: Rows) -> Statistics:
    """Mean and variance of each normalized unit's input over all rows, for batch normalization after training.

    Returns
    -------
    list of pairs of ndarray of shape (m, 1, h)
        One pair a block that normalizes over rows: the averages over chunks of rows of mean and of unbiased variance.

    References
    ----------
    Ioffe & Szegedy (2015), "Batch Normalization", algorithm 2, arXiv:1502.03167.
    """
    m, dtype, total = len(parameters.flat), parameters.flat.dtype, rows.x.shape[1]
    if not network.gathers:
        return []
    sums: list[tuple[Array, Array]] = []
    spaces: dict[int, Workspace] = {}
    for x, _ in _chunks(rows, evaluation_rows(network)):
        n = x.shape[1]
        if n not in spaces:
            spaces[n] = network.workspace(m, n, dtype, keeps=False)
        network.forward(parameters, x, spaces[n])
        found = spaces[n].normalizations
        sums = sums or [(np.zeros_like(norm.mean), np.zeros_like(norm.variance)) for norm in found]
        for norm, (mean, variance) in zip(found, sums, strict=True):
            mean += norm.mean * (n / total)
            variance += norm.variance * (n / total * n / max(n - 1, 1))
    return sums

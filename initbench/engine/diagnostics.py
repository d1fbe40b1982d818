"""Statistics of the layers of a stack: signals forward and back, weights, steps, units that are alike.

docs/layers.md has the definitions. Rows are a batch whose mean loss is differentiated, so gradients shrink with its
size, as they do in training.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from initbench.contracts import LAYER_METRICS, Activation, Array
from initbench.engine.block import walk_placed
from initbench.engine.blocks.activation import Activate
from initbench.engine.losses import Loss
from initbench.engine.network import BlockNetwork
from initbench.engine.parameters import Parameters
from initbench.engine.signals import Observer, Signals
from initbench.engine.train import Recipe, Rows, update

FEWEST_ROWS, MOST_ROWS = 128, 512  # that layers are looked at with after each epoch: between them, a tenth of all
SATURATED = 0.05  # of the activation's steepest slope; below it an input counts as saturated
NEARLY_DEAD = 0.01  # of the rows; a unit with a slope on fewer is nearly dead
ALIKE = 1e-4  # of a layer's largest weight; units that differ by less everywhere are one
ROUNDED_UP = 2  # products of float32 are rounded, but by far less
FAINT = 1e-30  # a variance below it, or above its inverse, is near the end of what float32 holds
BINS = 41

Described = list[dict[str, Array]]


def observe(
    observer: Observer,
    network: BlockNetwork,
    loss: Loss,
    parameters: Parameters,
    rows: Rows,
    gradients: Parameters,
    see: Callable[[Signals], None] = lambda signals: None,
) -> Described:
    """Go forward and back once, and describe the signal in each layer.

    Parameters
    ----------
    observer : Observer
        For so many networks and rows.
    network : BlockNetwork
    loss : Loss
    parameters : Parameters
        Of ``m`` networks.
    rows : Rows
        Of ``s`` groups.
    gradients : Parameters
        Overwritten by the derivatives of the mean loss over the rows.
    see : callable ``(signals) -> None``
        Shown the signals of each layer, the last one first.

    Returns
    -------
    list of dict of str to ndarray of float64, shape (m,)
        For each layer, the last one too: mean and deviation of its activations, mean square and deviation of its
        preactivations and of the loss's derivatives by them; the share of its activations whose slope is below 0.05 of
        the steepest (``saturated``), of its units that have slope 0 on every row (``dead``) or on more than 99 % of
        them (``nearly_dead``). The last layer has no activation: its logits stand for both, and nan for the shares.
    """
    steepest = max((_steepest(activation) for activation in activations(network)), default=1.0)
    found: Described = [{} for _ in network.layers]
    m, dtype = len(parameters.flat), parameters.flat.dtype

    def describe(signals: Signals) -> None:
        see(signals)
        here = found[signals.layer]
        is_last = signals.layer == len(found) - 1
        here["activation_mean"], here["activation_std"], _ = _moments_of(signals.values, is_last=is_last)
        _, here["preactivation_std"], here["preactivation_square"] = _moments_of(
            signals.preactivations, is_last=is_last
        )
        _, here["gradient_std"], here["gradient_square"] = _moments_of(signals.deltas, is_last=is_last)
        if is_last:
            here |= dict.fromkeys(("saturated", "dead", "nearly_dead"), np.full(m, np.nan))
        elif signals.slopes is None:
            here["saturated"] = here["dead"] = here["nearly_dead"] = np.zeros(m)
        else:
            here |= _shares(signals.slopes, steepest, np.ones((1, signals.slopes.shape[1]), dtype))

    observer.send(parameters, rows.x, lambda outputs: loss.slope(outputs, rows.targets), gradients, describe)
    return found


def _moments_of(array: Array, *, is_last: bool) -> tuple[Array, Array, Array]:
    """Mean, deviation and mean square of each network's numbers, float64, shape (m,), of a signal of a layer."""
    # Beside a column of zeros, in which order sums are taken does not depend on the block that gave the array.
    shown = np.ascontiguousarray(array if is_last else _beside_zeros(array))
    return _moments(shown, array[0].size, np.empty_like(shown))


def _beside_zeros(array: Array) -> Array:
    wider = np.zeros((*array.shape[:-1], array.shape[-1] + 1), array.dtype)
    wider[..., :-1] = array
    return wider


def activations(network: BlockNetwork) -> list[Activation]:
    """The distinct activations of a network."""
    blocks = [each.block for each in walk_placed(network.placed)]
    return list(dict.fromkeys(block.activation for block in blocks if isinstance(block, Activate)))


def _steepest(activation: Activation) -> float:
    """The largest absolute slope of an activation."""
    z = np.linspace(-12, 12, 4801)
    parameter = () if activation.start is None else (np.float64(activation.start),)
    value = activation.value(z, *parameter, out=np.empty_like(z))
    return float(np.abs(activation.slope(z, value, *parameter, out=np.empty_like(z))).max())


def _moments(array: Array, count: int, scratch: Array) -> tuple[Array, Array, Array]:
    """Mean, deviation and mean square of each network's values; of ``array``, shape (m, n, h + 1), the rest are 0.

    As products of vectors, which are the same to the last bit for a network alone and in a stack. Where float32 might
    not hold the squares, they are taken in float64.
    """
    flat = array.reshape(len(array), 1, -1)
    centred = scratch.reshape(flat.shape)
    sums = np.matmul(flat, np.ones((flat.shape[2], 1), flat.dtype)) / count
    np.subtract(flat, sums, out=centred)
    if array[0].size > count:
        scratch[..., -1] = 0
    squares = np.matmul(centred, centred.swapaxes(1, 2)) / count
    mean, variance = (np.asarray(x, np.float64).ravel() for x in (sums, squares))
    if array.dtype != np.float64:
        for network in np.flatnonzero(~((variance > FAINT) & (variance < 1 / FAINT))):
            if not array[network].any():  # as with weights of 0; float32 holds that
                continue
            exact = array[network : network + 1].astype(np.float64)
            mean[network], deviation, _ = (x.item() for x in _moments(exact, count, np.empty_like(exact)))
            variance[network] = deviation**2
    return mean, np.sqrt(variance), variance + mean**2


def _shares(slope: Array, steepest: float, ones: Array) -> dict[str, Array]:
    """Shares of values that are saturated and of units that are dead, from slopes, shape (m, n, h)."""
    n = ones.shape[1]

    def unit_counts(mask: Array) -> Array:
        counts: Array = np.matmul(ones, mask.astype(ones.dtype))[:, 0]
        return counts.astype(np.float64)

    if slope.dtype == bool:
        flat = saturated = n - unit_counts(slope)
    else:
        flat, saturated = unit_counts(slope == 0), unit_counts(np.abs(slope) < SATURATED * steepest)
    return {
        "saturated": saturated.mean(axis=1) / n,
        "dead": (flat == n).mean(axis=1),
        "nearly_dead": (flat > (1 - NEARLY_DEAD) * n).mean(axis=1),
    }


def norms(array: Array) -> Array:
    """The Euclidean norm of each network's matrix, from shape (m, fan_in, fan_out) to float64, shape (m,)."""
    flat = array.reshape(len(array), 1, -1).astype(np.float64)
    squares: Array = np.matmul(flat, flat.swapaxes(1, 2)).ravel()
    return np.sqrt(squares)


def spreads(weights: Array) -> Array:
    """The standard deviation of each network's weights, float64, shape (m,); 0 where they are all the same."""
    flat = weights.reshape(len(weights), -1, 1).astype(np.float64)
    flat -= flat[:, :1]
    return _moments(flat, flat.shape[1], np.empty_like(flat))[1]


def distinct_units(weights: Array, biases: Array | None = None) -> Array:
    """How many units of a layer differ in their incoming weights and bias.

    Units count as one whose weights differ by less than 1e-4 of the layer's largest weight, and their biases by less
    than 1e-4 of its largest bias.

    Parameters
    ----------
    weights : ndarray, shape (m, fan_in, fan_out)
    biases : ndarray, shape (m, 1, fan_out), optional

    Returns
    -------
    ndarray of float64, shape (m,)
        1 to fan_out: whole numbers.

    Examples
    --------
    >>> distinct_units(np.array([[[1.0, 2.0, 1.0]]]))
    array([2.])
    """
    biases = np.zeros_like(weights[:, :1]) if biases is None else biases
    fan_in = weights.shape[1]
    # Alike units have neighbouring places when units are sorted by their product with any one vector, here of numbers
    # up to 1. Only neighbours whose products are as near as those of alike units need a closer look.
    direction = np.cos(np.arange(1, fan_in + 2)).astype(weights.dtype)
    products = np.matmul(direction[:-1], weights) + direction[-1] * biases[:, 0]
    order = np.argsort(products, axis=-1, kind="stable")
    gaps = np.diff(np.take_along_axis(products, order, axis=-1), axis=-1)
    weight, bias = (ALIKE * np.abs(part).max(axis=(1, 2)) for part in (weights, biases))
    are_other = gaps > ROUNDED_UP * ((fan_in + 1) * weight + bias)[:, None]
    networks, places = np.nonzero(~are_other)
    one, next_one = order[networks, places], order[networks, places + 1]
    steps, shifts = (np.abs(a[networks, :, one] - a[networks, :, next_one]) for a in (weights, biases))
    are_other[networks, places] = (steps.max(axis=1) > weight[networks]) | (shifts[:, 0] > bias[networks])
    others: Array = are_other.sum(axis=1)
    return 1.0 + others


class Histogram(NamedTuple):
    """How activations and gradients of a layer are spread, in 41 bins of equal width on both sides of 0.

    Attributes
    ----------
    limits : ndarray of float64, shape (2,)
        Of activations, and of gradients: bins go from minus to plus this, which 99.9 % of the absolute values do not
        exceed; those that do are counted in the outermost bins.
    counts : ndarray of int64, shape (2, 41)
    """

    limits: Array
    counts: Array


def histogram(values: Array, delta: Array) -> Histogram:
    """Bin one network's activations and gradients, both of shape (n, h)."""
    limits, counts = np.zeros(2), np.zeros((2, BINS), np.int64)
    for place, array in enumerate((values, delta)):
        flat = np.nan_to_num(array.ravel(), posinf=0.0, neginf=0.0)
        sizes = np.abs(flat)
        kth = int(0.999 * (len(sizes) - 1) + 0.999999)
        limits[place] = np.partition(sizes, kth)[kth]
        bins = (flat / (limits[place] or 1.0) * (BINS / 2) + BINS / 2).clip(0, BINS - 1).astype(np.intp)
        counts[place] = np.bincount(bins, minlength=BINS)
    return Histogram(limits, counts)


class LayerLog:
    """What is recorded of the layers of a stack while it trains; `note` goes to `train` as what is called each epoch.

    Parameters
    ----------
    network : BlockNetwork
    recipe : Recipe
    parameters : Parameters
        Where training starts.
    rows : Rows
        The training rows, in random order; the first tenth of each group is looked at, at least 128 and at most 512.
    binned : tuple of int
        The networks whose histograms are kept.

    Attributes
    ----------
    binned : tuple of int
    values : ndarray of float64, shape (m, epochs + 1, layers, 11)
        ``LAYER_METRICS``; nan where there is none, and from the epoch of divergence on.
    limits : ndarray of float64, shape (len(binned), 2, layers, 2)
    counts : ndarray of int32, shape (len(binned), 2, layers, 2, 41)
        See `Histogram`; before training and after the last epoch, all 0 where the network has diverged.
    """

    def __init__(
        self, network: BlockNetwork, recipe: Recipe, parameters: Parameters, rows: Rows, binned: tuple[int, ...] = ()
    ) -> None:
        self._network, self._recipe, self._parameters, self.binned = network, recipe, parameters, binned
        n = min(max(rows.x.shape[1] // 10, FEWEST_ROWS), MOST_ROWS)
        self._rows = Rows(rows.x[:, :n], rows.targets[:, :n])
        m, dtype, layers = len(parameters.flat), parameters.flat.dtype, len(network.layers)
        self._steps = recipe.epochs * -(-rows.x.shape[1] // recipe.batch_size)
        self._start = [weights.copy() for weights in parameters.weights]
        self._observer = Observer(network, m, self._rows.x.shape[1], dtype)
        self._gradients, self._moved = network.parameters(m, dtype), network.parameters(m, dtype)
        shape = (recipe.epochs + 1, layers)
        self.values = np.full((m, *shape, len(LAYER_METRICS)), np.nan)
        self.limits = np.zeros((len(binned), 2, layers, 2))
        self.counts = np.zeros((len(binned), 2, layers, 2, BINS), np.int32)

    def note(self, epoch: int, states: list[Array], count: int) -> None:
        """Describe the layers after an epoch, and the step that the optimizer would take next."""
        parameters, gradients, recipe = self._parameters, self._gradients, self._recipe
        ends = {0: 0, recipe.epochs: 1}

        def bin_up(signals: Signals) -> None:
            for place, network in enumerate(self.binned if epoch in ends else ()):
                found = histogram(signals.values[network], signals.deltas[network])
                where = place, ends[epoch], signals.layer
                self.limits[where], self.counts[where] = found

        described = observe(self._observer, self._network, recipe.loss, parameters, self._rows, gradients, bin_up)
        slopes = [norms(weights) for weights in gradients.weights]
        np.copyto(self._moved.flat, parameters.flat)
        update(recipe, self._moved, gradients, [state.copy() for state in states], count + 1, self._steps)
        for layer, here in enumerate(described):
            weights = parameters.weights[layer]
            size = norms(weights)
            here |= {
                "weight_std": spreads(weights),
                "weight_gradient_norm": slopes[layer],
                "update_ratio": norms(self._moved.weights[layer] - weights) / size,
                "distinct_units": distinct_units(weights, parameters.layers[layer].get("biases")),
                "distance": norms(weights - self._start[layer]) / norms(self._start[layer]),
            }
            for metric, name in enumerate(LAYER_METRICS):
                self.values[:, epoch, layer, metric] = here[name]

    def forget(self, diverged: Array) -> None:
        """Leave out what is recorded of networks from the epochs on at which they diverged, -1 for never."""
        for values, epoch in zip(self.values, diverged, strict=True):
            if epoch >= 0:
                values[epoch:] = np.nan
        for counts, network in zip(self.counts, self.binned, strict=True):
            if diverged[network] >= 0:
                counts[min(diverged[network], 1) :] = 0
        self.values[~np.isfinite(self.values)] = np.nan

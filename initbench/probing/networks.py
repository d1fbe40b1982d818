"""A stack of networks before training: names -> arrays -> one batch forward and back -> numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from initbench.contracts import Activation, Array
from initbench.engine.diagnostics import SATURATED, Described, activations, distinct_units, norms, observe, spreads
from initbench.engine.losses import cross_entropy
from initbench.engine.network import BlockNetwork
from initbench.engine.parameters import Parameters
from initbench.engine.signals import Observer, Signals
from initbench.engine.train import Rows
from initbench.plan import Cell, network_of
from initbench.probing.jacobians import is_between_dense, jacobian_spectra, singular_values, spectrum_numbers
from initbench.theory import evaluate
from initbench.training.untrained import draw_start

WIDEST = 512  # units of a layer whose singular values are computed
PAIRS = 128  # of rows whose correlation is followed
ROUNDING = 1e-12  # of the largest number; a smaller difference is none
TINY = np.finfo(np.float64).tiny
SHARES = ("saturated", "dead", "nearly_dead", "distinct_units")  # and counts, which are none of what is not finite


class Look(NamedTuple):
    """What was seen of ``m`` networks.

    Attributes
    ----------
    layers : dict of str to ndarray, shape (m, layers)
        A number a layer, the last one gives the logits.
    networks : dict of str to ndarray, shape (m,)
    spectra : ndarray of float64, shape (m, r, k)
        Singular values of the Jacobians of the hidden part on the first ``r`` rows; k is 0 where a layer is too wide.
    """

    layers: dict[str, Array]
    networks: dict[str, Array]
    spectra: Array


def look_at(cells: Sequence[Cell], rows: Rows, batch: int, differentiated: int) -> Look:
    """Draw networks of one shape, and look at each.

    Parameters
    ----------
    cells : sequence of Cell
        Equal but for seed, initial weights and biases.
    rows : Rows
        Training rows in random order, of one group; what draws the weights may look at all of them. There may be more
        targets than rows.
    batch : int
        How many of them are sent through the networks.
    differentiated : int
        On how many of these the Jacobian is computed; 0 for none.

    Returns
    -------
    Look
    """
    network = network_of(cells[0])
    parameters = network.parameters(len(cells), np.dtype(np.float64))
    for place, cell in enumerate(cells):
        draw_start(cell, network, parameters, place, rows.x[0, :, :-1], rows.targets[0])
    return look_at_drawn(network, parameters, Rows(rows.x[:, :batch], rows.targets[:, :batch]), differentiated)


def look_at_drawn(network: BlockNetwork, parameters: Parameters, rows: Rows, differentiated: int) -> Look:
    """Send rows, of one group, through networks of float64 that are drawn; see `look_at`."""
    m, dtype = len(parameters.flat), np.dtype(np.float64)
    gradients = network.parameters(m, dtype)
    observer = Observer(network, m, rows.x.shape[1], dtype)
    loss, watcher = cross_entropy(network.outputs), _Watcher(parameters, rows)
    with np.errstate(all="ignore"):  # what runs off is a finding, and reported
        described = observe(observer, network, loss, parameters, rows, gradients, watcher.see)
        layers = _layer_numbers(described, watcher, parameters, gradients, rows)
        networks = watcher.networks | _sum_up(layers, watcher.value_squares)
        networks["backward_ratio"][~watcher.passes_back] = np.nan
        spectra = np.empty((m, 0, 0))
        widths = [slot.shape[1] for slot in network.layers[:-1]]
        if differentiated and widths and max(widths) <= WIDEST and is_between_dense(network):
            statistics = [(norm.mean, norm.variance) for norm in observer.work.normalizations]
            spectra = jacobian_spectra(network, parameters, rows.x[0, :differentiated, :-1], statistics)
        numbers = spectrum_numbers(spectra if spectra.size else np.full((m, 1, 1), np.nan))
        networks |= {f"jacobian_{name}": values for name, values in numbers.items()}
        for variance in observer.work.variances:
            networks["is_finite"] &= np.isfinite(variance).all(axis=(1, 2))
        if not any(map(is_flat_on_both_sides, activations(network))):
            networks["saturated"] = np.full(m, np.nan)
    return Look(layers, networks, spectra)


class _Watcher:
    """What is noted while signals of ``m`` networks are shown, the last layer first."""

    def __init__(self, parameters: Parameters, rows: Rows) -> None:
        m = len(parameters.flat)
        self._parameters, self._rows, self._last = parameters, rows, len(parameters.layers) - 1
        self.distinct = [distinct_units(layer["weights"], layer.get("biases")) for layer in parameters.layers]
        self.correlations: dict[int, Array] = {}
        self.value_squares: dict[int, Array] = {}  # of derivatives by what a hidden layer gives
        self.passes_back = np.ones(m, bool)
        self.networks = {"born_dead": np.zeros(m, bool), "stays_alike": np.zeros(m, bool)}
        # Weights of 0 make outputs constant too, but units that biases part will draw them apart.
        self._parts_itself = np.zeros(m, bool)
        for weights, differ in zip(parameters.weights[:-1], self.distinct, strict=False):
            self._parts_itself |= ~weights.any(axis=(1, 2)) & (differ > 1)

    def see(self, signals: Signals) -> None:
        """Note what a layer shows."""
        layer, values = signals.layer, signals.values
        self.correlations[layer] = mean_cosine(signals.preactivations)
        if layer == self._last:
            self._see_last(signals)
        elif signals.value_square is not None:
            self.value_squares[layer] = signals.value_square
        if layer == self._last - 1:
            self.networks["born_dead"] = is_constant(values) & ~self._parts_itself
        # Units that are alike in all that they are given and give stay so; in weights alone they may yet part.
        if layer < self._last and values.shape[-1] > 1 and (self.distinct[layer] == 1).any():
            follows = distinct_units(self._parameters.weights[layer + 1].swapaxes(1, 2))
            self.networks["stays_alike"] |= (self.distinct[layer] == 1) & (follows == 1) & is_alike(values)

    def _see_last(self, signals: Signals) -> None:
        loss, deltas = cross_entropy(signals.values.shape[-1]), signals.deltas
        losses, _ = loss.values_and_scores(signals.values.copy("K"), self._rows.targets)
        self.networks["loss"] = losses.mean(axis=1)
        if self._last > 0:  # the terms of equal weights cancel, since those of a row of delta do
            turned = self._parameters.weights[-1].swapaxes(1, 2)
            terms = (np.abs(deltas) @ np.abs(turned)).max(axis=(1, 2))
            self.passes_back = ~(np.abs(deltas @ turned).max(axis=(1, 2)) <= ROUNDING * terms)


def _layer_numbers(
    described: Described, watcher: _Watcher, parameters: Parameters, gradients: Parameters, rows: Rows
) -> dict[str, Array]:
    """All numbers of layers by name, shape (m, layers)."""
    m = len(parameters.flat)
    for layer, here in enumerate(described):
        here |= {"correlation": watcher.correlations[layer], "distinct_units": watcher.distinct[layer].astype(int)}
        here["input_likeness"] = np.broadcast_to(likeness(rows.x[..., :-1]), m)
        here |= _describe_weights(parameters.layers[layer], gradients.layers[layer])
        is_finite = np.isfinite(here["preactivation_square"]) & np.isfinite(here["weight_norm"])
        if not is_finite.all():
            here |= {name: np.where(is_finite, here[name], np.nan) for name in SHARES}
    return {name: np.stack([here[name] for here in described], axis=1) for name in described[0]}


@np.errstate(invalid="ignore")  # 0 / 0 is nan
def mean_cosine(z: Array, power: int = 1) -> Array:
    """The mean cosine of rows, shape (m, n, h), with their neighbours, over 128 pairs but those of which one is 0.

    Or, with ``power`` 2, the mean of its square.
    """
    z = z[:, : min(len(z[0]) // 2, PAIRS) * 2]
    largest = np.abs(z).max(axis=(1, 2), keepdims=True, initial=TINY)
    unit = z / largest  # squares of small numbers would be 0
    pairs = unit.reshape(len(unit), -1, 2, unit.shape[2])
    squares = (pairs * pairs).sum(axis=-1)
    cosines = (pairs[:, :, 0] * pairs[:, :, 1]).sum(axis=-1) / np.sqrt(squares[..., 0] * squares[..., 1])
    there = squares.all(axis=-1)
    total: Array = np.where(there, cosines**power, 0.0).sum(axis=-1) / there.sum(axis=-1)
    return total


def likeness(x: Array) -> Array:
    """The root mean square of the cosines of all pairs of rows, shape (m, n, d), each row with itself among them."""
    n = x.shape[1]
    found: Array = np.sqrt((1 + (n - 1) * mean_cosine(x, power=2)) / n)
    return found


def is_constant(values: Array) -> Array:
    """Whether outputs, shape (m, n, h), are the same on every row of several, so that what follows is constant too."""
    spread = (values.max(axis=1) - values.min(axis=1)).max(axis=-1)
    return np.asarray((spread <= ROUNDING * np.abs(values).max(axis=(1, 2))) & (values.shape[1] > 1))


def is_flat_on_both_sides(activation: Activation) -> bool:
    """Whether the activation saturates, as tanh and unlike ReLU, half of whose units are inactive by nature."""
    _, slopes = evaluate(activation, np.linspace(-40, 40, 16001))
    steep = np.abs(slopes) >= SATURATED * np.abs(slopes).max()
    return not (steep[0] or steep[-1])


def is_alike(values: Array) -> Array:
    """Whether all units, of outputs of shape (m, n, h), give the same on every row."""
    spread = (values.max(axis=-1) - values.min(axis=-1)).max(axis=1)
    return np.asarray(spread <= ROUNDING * np.abs(values).max(axis=(1, 2)))


def _describe_weights(layer: dict[str, Array], gradients: dict[str, Array]) -> dict[str, Array]:
    weights = layer["weights"]
    biases = layer.get("biases", np.zeros_like(weights[:, :1]))
    fan_in, fan_out = weights.shape[1:]
    size, slope = norms(weights), norms(gradients["weights"])
    ends = np.full((len(weights), 2), np.nan)
    if min(fan_in, fan_out) <= WIDEST:
        ends = singular_values(weights)[:, [0, -1]]
    return {
        "weight_std": spreads(weights),
        "weight_norm": size,
        "weight_gradient_norm": slope,
        "weight_gradient_square": slope**2 / (fan_in * fan_out),
        "singular_max": ends[:, 0],
        "singular_min": ends[:, 1],
        "singular_mean_square": size**2 / min(fan_in, fan_out),
        "weight_mean": _means(weights),
        "weight_square": size**2 / (fan_in * fan_out),
        "bias_mean": _means(biases),
        "bias_square": _means(biases**2),
        "is_independent": is_independent(weights, biases[:, 0]),
    }


def is_independent(weights: Array, biases: Array) -> Array:
    """Whether weights, shape (m, fan_in, fan_out), and biases, shape (m, fan_out), may be drawn one by one.

    They are not where some are 0, where units are alike or mirror images of one another, or where biases are all the
    same number and not 0.
    """
    sizes = np.sort(np.matmul(np.cos(np.arange(1, weights.shape[1] + 1)), np.abs(weights)), axis=-1)
    mirrored = (np.diff(sizes) <= ROUNDING * np.abs(sizes).max(axis=-1, keepdims=True)).any(axis=-1)
    same = (biases == biases[:, :1]).all(axis=1) & (biases[:, 0] != 0) & (biases.shape[1] > 1)
    return np.asarray(weights.all(axis=(1, 2)) & ~mirrored & ~same)


def _means(array: Array) -> Array:
    """Of each network's numbers, shape (m, ...)."""
    means: Array = np.ascontiguousarray(array).reshape(len(array), -1).mean(axis=1)
    return means


def _sum_up(layers: dict[str, Array], value_squares: dict[int, Array]) -> dict[str, Array]:
    """Numbers of whole networks from those of their layers, shape (m, layers).

    With residual connections also from the mean squares of the derivatives by what each hidden layer gives.
    """
    squares = [layers["preactivation_square"], layers["gradient_square"], layers["weight_gradient_square"]]
    if value_squares:  # a preactivation is then that of a branch, which may begin at 0
        squares[0] = layers["activation_mean"] ** 2 + layers["activation_std"] ** 2
        squares[1] = np.stack([value_squares[i] for i in range(len(value_squares))] + [squares[1][:, -1]], axis=1)
    forward, back, gradient = map(np.sqrt, squares)
    hidden = slice(0, max(1, forward.shape[1] - 1))  # the last layer is none, but of a network without any
    logs = np.log(squares[0][:, hidden])
    places = np.arange(logs.shape[1]) - (logs.shape[1] - 1) / 2
    return {
        "gradient_ratio": gradient[:, 0] / gradient[:, -1],
        "forward_ratio": forward[:, hidden][:, -1] / forward[:, 0],
        "backward_ratio": back[:, 0] / back[:, hidden][:, -1],
        "signal_slope": (logs * places).sum(axis=1) / (places**2).sum(),  # 0 / 0 with one hidden layer
        "saturated": layers["saturated"][:, hidden].max(axis=1),
        "dead": layers["dead"][:, hidden].max(axis=1),
        "distinct_units": layers["distinct_units"][:, hidden].min(axis=1),
        "is_finite": np.isfinite(squares).all(axis=(0, 2)),
    }

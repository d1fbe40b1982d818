"""A stack of networks before training: names -> arrays -> one batch forward and back -> numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from initbench.contracts import Array
from initbench.engine.diagnostics import SATURATED, described_activation, distinct_units, norms, observe, spreads
from initbench.engine.losses import losses_and_hits
from initbench.engine.network import Design, Parameters, Workspace
from initbench.engine.train import Rows
from initbench.plan import Cell
from initbench.probing.jacobians import jacobian_spectra, singular_values, spectrum_numbers
from initbench.registry import find
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
    first, m, dtype = cells[0], len(cells), np.dtype(np.float64)
    activation = find("activation", first.activation.name).function(**dict(first.activation.parameters))
    design = Design(first.sizes, described_activation(activation), first.normalization, first.residual)
    parameters, gradients = Parameters(design, m, dtype), Parameters(design, m, dtype)
    for place, cell in enumerate(cells):
        draw_start(cell, design, parameters, place, rows.x[0, :, :-1], rows.targets[0])
    rows = Rows(rows.x[:, :batch], rows.targets[:, :batch])
    work = Workspace(design, m, rows.x.shape[1], dtype, keeps=True)
    distinct = [distinct_units(matrix) for matrix in parameters.matrices]
    correlations: dict[int, Array] = {}
    networks, last = {"born_dead": np.zeros(m, bool), "stays_alike": np.zeros(m, bool)}, len(design.shapes) - 1
    passes_back = np.ones(m, bool)
    by_output: dict[int, Array] = {}  # derivatives by what a hidden layer gives
    output_squares: dict[int, Array] = {}
    # Weights of 0 make outputs constant too, but units that biases part will draw them apart.
    parts_itself = np.zeros(m, bool)
    for weights, differ in zip(parameters.weights[:-1], distinct, strict=False):
        parts_itself |= ~weights.any(axis=(1, 2)) & (differ > 1)

    def see(layer: int, values: Array, delta: Array) -> None:
        correlations[layer] = mean_cosine(values if layer == last else work.z[layer][..., :-1])
        if layer == last:
            losses, _ = losses_and_hits(values.copy("K"), rows.targets)
            networks["loss"] = losses.mean(axis=1)
        if layer == last - 1:
            networks["born_dead"] = is_constant(values) & ~parts_itself
        # Units that are alike in all that they are given and give stay so; in weights alone they may yet part.
        if layer < last and values.shape[2] > 1 and (distinct[layer] == 1).any():
            outgoing = parameters.weights[layer + 1].swapaxes(1, 2)
            follows = distinct_units(np.pad(outgoing, ((0, 0), (0, 1), (0, 0))))  # biases of 0 as its last row
            networks["stays_alike"] |= (distinct[layer] == 1) & (follows == 1) & is_alike(values)
        turned = parameters.weights[layer].swapaxes(1, 2)
        if layer == last > 0:  # the terms of equal weights cancel, since those of a row of delta do
            terms = (np.abs(delta) @ np.abs(turned)).max(axis=(1, 2))
            passes_back[:] = ~(np.abs(delta @ turned).max(axis=(1, 2)) <= ROUNDING * terms)
        if layer > 0 and design.residual != "none":
            passed = delta @ turned + by_output.pop(layer - 1, 0.0)
            output_squares[layer - 1] = (passed**2).mean(axis=(1, 2))
            skip = design.skip_from(layer - 1)
            if skip is not None:
                by_output[skip] = passed

    with np.errstate(all="ignore"):  # what runs off is a finding, and told
        described = observe(design, parameters, rows, work, gradients, see)
        for layer, here in enumerate(described):
            here |= {"correlation": correlations[layer], "distinct_units": distinct[layer].astype(int)}
            here["input_likeness"] = np.broadcast_to(likeness(rows.x[..., :-1]), m)
            here |= _describe_weights(parameters, gradients, layer)
            is_finite = np.isfinite(here["preactivation_square"]) & np.isfinite(here["weight_norm"])
            if not is_finite.all():
                here |= {name: np.where(is_finite, here[name], np.nan) for name in SHARES}
        layers = {name: np.stack([here[name] for here in described], axis=1) for name in described[0]}
        spectra = np.empty((m, 0, 0))
        if differentiated and max(design.sizes[1:-1], default=WIDEST + 1) <= WIDEST:
            statistics = [(norm.mean, norm.variance) for norm in work.norms]
            spectra = jacobian_spectra(design, parameters, rows.x[0, :differentiated, :-1], statistics)
        numbers = spectrum_numbers(spectra if spectra.size else np.full((m, 1, 1), np.nan))
        networks |= _sum_up(layers, output_squares) | {f"jacobian_{name}": values for name, values in numbers.items()}
        networks["backward_ratio"][~passes_back] = np.nan
        for norm in work.norms:  # an infinite variance makes zeros of what it divides
            networks["is_finite"] &= np.isfinite(norm.variance).all(axis=(1, 2))
        if not is_flat_on_both_sides(design):
            networks["saturated"] = np.full(m, np.nan)
    return Look(layers, networks, spectra)


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


def is_flat_on_both_sides(design: Design) -> bool:
    """Whether the activation saturates, as tanh and unlike ReLU, half of whose units are inactive by nature."""
    _, slopes = evaluate(design.activation, np.linspace(-40, 40, 16001))
    steep = np.abs(slopes) >= SATURATED * np.abs(slopes).max()
    return not (steep[0] or steep[-1])


def is_alike(values: Array) -> Array:
    """Whether all units, of outputs of shape (m, n, h), give the same on every row."""
    spread = (values.max(axis=-1) - values.min(axis=-1)).max(axis=1)
    return np.asarray(spread <= ROUNDING * np.abs(values).max(axis=(1, 2)))


def _describe_weights(parameters: Parameters, gradients: Parameters, layer: int) -> dict[str, Array]:
    weights, biases = parameters.weights[layer], parameters.biases[layer]
    fan_in, fan_out = weights.shape[1:]
    size, slope = norms(weights), norms(gradients.weights[layer])
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
        "is_independent": is_independent(parameters.matrices[layer]),
    }


def is_independent(matrix: Array) -> Array:
    """Whether weights, shape (m, fan_in + 1, fan_out) with biases as the last row, may be drawn one by one.

    They are not where some are 0, where units are alike or mirror images of one another, or where biases are all the
    same number and not 0.
    """
    weights, biases = matrix[:, :-1], matrix[:, -1]
    sizes = np.sort(np.matmul(np.cos(np.arange(1, matrix.shape[1])), np.abs(weights)), axis=-1)
    mirrored = (np.diff(sizes) <= ROUNDING * np.abs(sizes).max(axis=-1, keepdims=True)).any(axis=-1)
    same = (biases == biases[:, :1]).all(axis=1) & (biases[:, 0] != 0) & (biases.shape[1] > 1)
    return np.asarray(weights.all(axis=(1, 2)) & ~mirrored & ~same)


def _means(array: Array) -> Array:
    """Of each network's numbers, shape (m, ...)."""
    means: Array = np.ascontiguousarray(array).reshape(len(array), -1).mean(axis=1)
    return means


def _sum_up(layers: dict[str, Array], output_squares: dict[int, Array]) -> dict[str, Array]:
    """Numbers of whole networks from those of their layers, shape (m, layers).

    With residual connections also from the mean squares of the derivatives by what each hidden layer gives.
    """
    squares = [layers["preactivation_square"], layers["gradient_square"], layers["weight_gradient_square"]]
    if output_squares:  # a preactivation is then that of a branch, which may begin at 0
        squares[0] = layers["activation_mean"] ** 2 + layers["activation_std"] ** 2
        squares[1] = np.stack([output_squares[i] for i in range(len(output_squares))] + [squares[1][:, -1]], axis=1)
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

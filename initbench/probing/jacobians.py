"""How a small change of the input reaches the last hidden layer: the singular values of that map's Jacobian."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from initbench.contracts import Array
from initbench.engine.network import Design, Parameters, Workspace, backward, forward, with_ones
from initbench.engine.normalization import EPSILON

ZERO = 1e-12  # of the largest singular value; a smaller one is rounding


def jacobian_spectra(
    design: Design, parameters: Parameters, x: Array, statistics: Sequence[tuple[Array, Array]] = ()
) -> Array:
    """The singular values of the derivative of the last hidden layer's output by the input.

    Each unit of that layer is taken for the output of a network in turn, and differentiated by backpropagation.

    Parameters
    ----------
    design : Design
    parameters : Parameters
        Of ``m`` networks.
    x : ndarray, shape (r, d)
        Where to differentiate.
    statistics : sequence of pairs of ndarray, each of shape (m, 1, h)
        Mean and variance that batch normalization divides by, a pair a hidden layer; they are held fixed.

    Returns
    -------
    ndarray of float64, shape (m, r, min(d, h))
        The largest first; nan where a derivative is not finite.

    References
    ----------
    Saxe, McClelland & Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", arXiv:1312.6120. Pennington, Schoenholz & Ganguli (2017), "Resurrecting the sigmoid in deep learning
    through dynamical isometry", arXiv:1711.04735.
    """
    m, h = len(parameters.flat), design.sizes[-2]
    design, parameters = _hidden_part(design, parameters, statistics)
    work, gradients = Workspace(design, m, h, np.dtype(np.float64), keeps=True), Parameters(design, m, np.dtype(float))
    first = parameters.weights[0]
    if design.sizes[0] > design.sizes[1]:
        first = np.linalg.qr(first)[1]  # a rotation of the inputs, which changes no singular value
    found = []

    def see(layer: int, delta: Array) -> None:
        if layer == 0:
            found.append(singular_values(delta @ first.swapaxes(1, 2)))

    for row in x:
        rows = with_ones(np.tile(row, (h, 1)))[None]
        forward(design, parameters, rows, work)
        backward(design, parameters, rows, np.tile(np.eye(h), (m, 1, 1)), work, gradients, see)
    return np.stack(found, axis=1)


def _hidden_part(
    design: Design, parameters: Parameters, statistics: Sequence[tuple[Array, Array]]
) -> tuple[Design, Parameters]:
    """The networks without their last layer: what it is given comes out. Batch normalization is in the weights."""
    hidden = design.sizes[:-1]
    part = design._replace(sizes=(*hidden, hidden[-1]))
    if design.normalization == "batch":
        part = part._replace(normalization="none")
    copy = Parameters(part, len(parameters.flat), np.dtype(np.float64))
    for layer, matrix in enumerate(copy.matrices[:-1]):
        matrix[:] = parameters.matrices[layer]
        if design.normalization == "batch":
            mean, variance = statistics[layer]
            factor = parameters.gains[layer] / np.sqrt(variance + EPSILON)
            copy.biases[layer][:] = (copy.biases[layer] - mean) * factor + parameters.offsets[layer]
            copy.weights[layer][:] *= factor
    for mine, others in (
        (copy.gains, parameters.gains),
        (copy.offsets, parameters.offsets),
        (copy.slopes, parameters.slopes),
        (copy.scales.values(), parameters.scales.values()),
    ):
        for array, other in zip(mine, others, strict=False):
            array[:] = other
    copy.weights[-1][:] = np.eye(hidden[-1])
    return part, copy


def singular_values(matrices: Array) -> Array:
    """Of matrices, shape (m, a, b), the largest first, shape (m, min(a, b)); nan where a matrix is not finite."""
    finite = np.asarray(np.isfinite(matrices).all(axis=(1, 2)))
    values: Array = np.linalg.svd(np.where(finite[:, None, None], matrices, 0.0), compute_uv=False)
    values[~finite] = np.nan
    return values


@np.errstate(all="ignore")  # what is not there is nan, and what is too large inf
def spectrum_numbers(values: Array) -> dict[str, Array]:
    """What the spectra of each network's Jacobians amount to, a mean over the rows.

    Parameters
    ----------
    values : ndarray, shape (m, r, k)
        Singular values, the largest first.

    Returns
    -------
    dict of str to ndarray of float64, shape (m,)
        ``mean_square``; ``relative_variance`` of the squares, the mean of their squares over the square of their mean
        less 1; ``max``; ``min``, the least that is no rounding; ``condition``, the ratio of these. nan where a Jacobian
        is 0, but of ``mean_square`` and ``max``.
    """
    largest = values[..., 0]
    unit = values / largest[..., None]  # squares of squares would overflow soon
    mean = (unit**2).mean(axis=-1)
    least = np.where(unit > ZERO, values, np.inf).min(axis=-1) + 0.0 * unit[..., 0]  # nan where all are 0
    found = {
        "mean_square": np.where(largest == 0, 0.0, mean * largest**2),
        "relative_variance": (unit**4).mean(axis=-1) / mean**2 - 1,
        "max": largest,
        "min": least,
        "condition": largest / least,
    }
    return {name: numbers.mean(axis=-1) for name, numbers in found.items()}

"""How a small change of the input reaches the last hidden layer: the singular values of that map's Jacobian."""

from __future__ import annotations

import numpy as np

from initbench.contracts import Array
from initbench.engine.blocks.dense import Dense
from initbench.engine.network import BlockNetwork, with_ones
from initbench.engine.parameters import Parameters
from initbench.engine.signals import Observer, Signals
from initbench.engine.workspace import Statistics

ZERO = 1e-12  # of the largest singular value; a smaller one is rounding


def jacobian_spectra(network: BlockNetwork, parameters: Parameters, x: Array, statistics: Statistics = ()) -> Array:
    """The singular values of the derivative of the last hidden layer's output by the input.

    Each unit of that layer is taken for the output of a network in turn, and differentiated by backpropagation.

    Parameters
    ----------
    network : BlockNetwork
        One for which `is_between_dense` is true.
    parameters : Parameters
        Of ``m`` networks.
    x : ndarray, shape (r, d)
        Where to differentiate.
    statistics : sequence of pairs of ndarray, each of shape (m, 1, h)
        Mean and variance that batch normalization divides by, a pair a block; they are held fixed.

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
    hidden, dtype = BlockNetwork(network.blocks[:-1], network.rows), np.dtype(np.float64)
    m, h = len(parameters.flat), hidden.outputs
    own, gradients = hidden.parameters(m, dtype), hidden.parameters(m, dtype)
    for ours, theirs in zip(own.layers, parameters.layers, strict=False):
        for name, numbers in ours.items():
            numbers[:] = theirs[name]
    observer = Observer(hidden, m, h, dtype, statistics)
    first = own.weights[0]
    if first.shape[1] > first.shape[2]:
        first = np.linalg.qr(first)[1]  # a rotation of the inputs, which changes no singular value
    found = []

    def see(signals: Signals) -> None:
        if signals.layer == 0:
            found.append(singular_values(signals.deltas @ first.swapaxes(1, 2)))

    for row in x:
        rows = with_ones(np.tile(row, (h, 1)))[None]
        observer.send(own, rows, lambda outputs: np.tile(np.eye(h), (m, 1, 1)), gradients, see)
    return np.stack(found, axis=1)


def is_between_dense(network: BlockNetwork) -> bool:
    """Whether all that a network does lies between its first and its last block, both of them dense."""
    return isinstance(network.blocks[0], Dense) and isinstance(network.blocks[-1], Dense)


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

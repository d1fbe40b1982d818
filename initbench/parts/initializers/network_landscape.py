"""A network's loss as a function of one vector, and its curvature by differences of gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from initbench.contracts import Array, Network

STEP = (
    1e-7  # of a difference, in lengths of the point: below most distances to a kink, and to about 4 digits when nested
)


class Landscape:
    """The loss over all weights and biases, which are one vector of length ``p``: weights by layer, then biases.

    Attributes
    ----------
    tensors : list of ndarray
        The network's own arrays.
    point : ndarray, shape (p,)
        Where the network was when the landscape was made.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.tensors = [*network.weights, *network.biases]
        self.sizes = np.array([tensor.size for tensor in self.tensors])
        self.point: Array = np.concatenate([tensor.ravel() for tensor in self.tensors])

    def move(self, point: Array) -> None:
        """Put the network at a point."""
        for tensor, part in zip(self.tensors, np.split(point, np.cumsum(self.sizes)[:-1]), strict=True):
            tensor[:] = part.reshape(tensor.shape)

    def slope(self, point: Array, x: Array, targets: Array) -> tuple[float, Array]:
        """Mean loss of rows, and its gradient, shape (p,); leaves the network at ``point``."""
        self.move(point)
        loss, weights, biases = self.network.gradients(x, targets)
        return loss, np.concatenate([slope.ravel() for slope in (*weights, *biases)])

    def sums(self, values: Array) -> Array:
        """The sum of ``values``, shape (p,), over each tensor."""
        total: Array = np.add.reduceat(values, np.cumsum(self.sizes) - self.sizes)
        return total

    def spread(self, numbers: Array) -> Array:
        """One number a tensor, repeated over it: shape (p,)."""
        values: Array = np.repeat(numbers, self.sizes)
        return values


def along(function: Callable[[Array], Array], point: Array, direction: Array) -> Array:
    """The derivative of a function along a direction, by a central difference; 0 along a direction of no length."""
    length = np.linalg.norm(direction)
    if not 0 < length < np.inf:
        return np.zeros_like(point)
    step = STEP * np.linalg.norm(point) / length
    derivative: Array = (function(point + step * direction) - function(point - step * direction)) / (2 * step)
    return derivative

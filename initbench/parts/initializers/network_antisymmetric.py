"""A network and its mirror image, whose outputs cancel."""

from __future__ import annotations

from typing import Literal

import numpy as np

from initbench.contracts import Network
from initbench.errors import ShapeError
from initbench.registry import find, network_initializer


@network_initializer(
    "antisymmetric",
    family="sparse and structured",
    formula="first [A, A], hidden [[A, 0], [0, A]], last [V; -V]: f(x) = 0",
    aliases=("asi", "antisymmetrical", "doubling", "doubling_trick"),
    cites=("zhang2019asi", "chizat2019"),
    properties={"all logits are 0": lambda network, base: network.preactivation(len(network.weights) - 1)},
)
def antisymmetric(
    network: Network, *, base: Literal["he_normal", "glorot_normal", "lecun_normal", "orthogonal"] = "he_normal"
) -> None:
    """Start from logits that are all 0, whatever the input, and yet from weights of full size.

    Every hidden layer is two copies of one of half its width, and the last layer takes their difference. Training
    parts the copies, since their gradients have opposite signs.

    Parameters
    ----------
    network : Network
        Filled in place. Hidden biases are those that the config draws, the second half a copy of the first; those of
        the last layer are 0. Without a hidden layer, all is 0.
    base : ``"he_normal"``, ``"glorot_normal"``, ``"lecun_normal"`` or ``"orthogonal"``, default ``"he_normal"``
        How the weights of the half network are drawn.

    Raises
    ------
    ShapeError
        When a hidden layer has an odd number of units.

    Notes
    -----
    The logits are 0 up to the rounding of a sum, about 1e-16 of its terms.

    References
    ----------
    Zhang, Xu, Luo & Ma (2019), "A type of generalization error induced by initialization in deep neural networks",
    arXiv:1905.07777.
    Chizat, Oyallon & Bach (2019), "On Lazy Training in Differentiable Programming", arXiv:1812.07956.
    """
    draw, last = find("initializer", base).function, len(network.weights) - 1
    for layer, (weights, biases) in enumerate(zip(network.weights, network.biases, strict=True)):
        fan_in, fan_out = weights.shape
        if layer < last and fan_out % 2:
            raise ShapeError(
                f"hidden layer {layer + 1} has {fan_out} units and must have an even number: halves mirror"
            )
        rows = fan_in // 2 if layer else fan_in
        columns = fan_out // 2 if layer < last else fan_out
        block = draw((rows, columns), network.rng(layer))
        if layer == last:
            weights[:] = np.vstack([block, -block]) if layer else 0.0
            biases[:] = 0.0
        else:
            weights[:] = np.kron(np.eye(2), block) if layer else np.hstack([block, block])
            biases[columns:] = biases[:columns]

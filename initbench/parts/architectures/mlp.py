"""Multilayer perceptrons."""

from __future__ import annotations

from typing import Literal

from initbench.contracts import Activation, RowShape
from initbench.engine.block import Block
from initbench.engine.blocks.activation import Activate
from initbench.engine.blocks.dense import Dense
from initbench.engine.blocks.dropout import Dropout
from initbench.engine.blocks.normalization import Normalization
from initbench.engine.blocks.residual import Residual
from initbench.registry import architecture


@architecture(
    "mlp",
    family="dense",
    formula="dense, normalization, activation, dropout; as often as there are hidden layers; dense",
    aliases=("multilayer_perceptron", "dense", "feedforward"),
)
def mlp(
    rows: RowShape,
    outputs: int,
    *,
    hidden: tuple[int, ...],
    activation: Activation,
    normalization: Literal["none", "batch", "layer"] = "none",
    residual: Literal["none", "plain", "scaled", "rezero", "fixup"] = "none",
    dropout: float = 0.0,
) -> list[Block]:
    """A multilayer perceptron, which reads rows of any shape flat.

    Parameters
    ----------
    rows : tuple of int
        The shape of a row.
    outputs : int
        Classes, or 1 for two classes.
    hidden : tuple of int
        Units of each hidden layer.
    activation : Activation
        Of the hidden layers.
    normalization : ``"none"``, ``"batch"`` or ``"layer"``
        Between the weights and the activation of each hidden layer.
    residual : ``"none"``, ``"plain"``, ``"scaled"``, ``"rezero"`` or ``"fixup"``
        Whether a hidden layer whose input has its own width adds that input to its output, and times what the output
        is taken: 1, one over the square root of the number of such layers, or a trained number that starts at 0.
        With ``"fixup"`` the branch is two layers, the second without activation, times a trained number that starts
        at 1.
    dropout : float
        Share of hidden units dropped in training.

    Returns
    -------
    list of Block

    References
    ----------
    Rumelhart, Hinton & Williams (1986), "Learning representations by back-propagating errors", Nature 323.
    """

    def layer(index: int, *, is_linear: bool = False) -> list[Block]:
        found: list[Block] = [Dense(hidden[index])]
        found += [Normalization(normalization)] if normalization != "none" else []
        found += [] if is_linear else [Activate(activation)]
        return found + ([Dropout(dropout)] if dropout else [])

    length = 2 if residual == "fixup" else 1
    candidates = range(length, len(hidden), length) if residual != "none" else ()
    ends = [end for end in candidates if hidden[end] == hidden[end - length]]
    factor = len(ends) ** -0.5 if residual == "scaled" and ends else 1.0
    start = {"rezero": 0.0, "fixup": 1.0}.get(residual)
    blocks: list[Block] = []
    index = 0
    while index < len(hidden):
        end = index + length - 1
        if end in ends:
            branch = [*(block for i in range(index, end) for block in layer(i)), *layer(end, is_linear=length == 2)]
            blocks.append(Residual((tuple(branch),), factor, start))
            index = end + 1
        else:
            blocks += layer(index)
            index += 1
    return [*blocks, Dense(outputs)]

"""A stack of multilayer perceptrons of one shape: where its numbers lie, forward, backward.

Every array has a leading axis ``m``, a slice a network, and every product is one ``np.matmul`` over the stack. A slice
is computed as if it were alone, so a network's numbers do not depend on its neighbours. The rows come as ``x``, shape
``(s, n, d + 1)``: the ``m`` networks are ``s`` groups of equal height, and those of a group see the same rows.

What a layer is given has a further column of ones, and its biases are the last row of its matrix: one product makes
``x @ weights + bias``, and one the gradients of both.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from initbench.contracts import Activation, Array
from initbench.engine.normalization import Norm

SMALL_PRODUCT = 10**6  # up to here OpenBLAS's products by a transposed matrix are slow, and a transposed copy pays
SPACING = 16  # numbers; NumPy takes up to twice as long over rows that begin elsewhere than at a multiple of it


class Design(NamedTuple):
    """What the networks of a stack have in common.

    Attributes
    ----------
    sizes : tuple of int
        Inputs, units of each hidden layer, outputs (1 for two classes).
    activation : Activation
        Of the hidden layers.
    normalization : ``"none"``, ``"batch"`` or ``"layer"``
        Between the linear map and the activation of each hidden layer.
    residual : ``"none"``, ``"plain"``, ``"scaled"``, ``"rezero"`` or ``"fixup"``
        Whether a hidden layer whose input has its own width adds that input to its output, and times what the output
        is taken: 1, one over the square root of the number of such layers, or a trained number that starts at 0.
        With ``"fixup"`` the branch is two layers, the second without activation, times a trained number that starts
        at 1.
    """

    sizes: tuple[int, ...]
    activation: Activation
    normalization: Literal["none", "batch", "layer"] = "none"
    residual: Literal["none", "plain", "scaled", "rezero", "fixup"] = "none"

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The ``(fan_in, fan_out)`` of each weight matrix, in order."""
        return list(pairwise(self.sizes))

    def skip_from(self, layer: int) -> int | None:
        """The hidden layer whose output hidden layer ``layer`` adds to its own, both counted from 0; None for none."""
        length = 2 if self.residual == "fixup" else 1
        source = layer - length
        ends_branch = self.residual != "none" and source >= 0 and layer % length == 0
        return source if ends_branch and self.sizes[source + 1] == self.sizes[layer + 1] else None

    def is_linear(self, layer: int) -> bool:
        """Whether a hidden layer has no activation."""
        return self.residual == "fixup" and self.skip_from(layer) is not None

    @property
    def branch_ends(self) -> list[int]:
        """The hidden layers that add an earlier one to their own output."""
        return [layer for layer in range(len(self.sizes) - 2) if self.skip_from(layer) is not None]

    @property
    def keeps_ones(self) -> bool:
        """Whether a hidden layer turns the ones beside its input into the ones beside its output."""
        one = np.ones((1, 1, 1))
        trains = self.activation.start is not None
        return self.residual == "none" and not trains and bool(self.activation.value(one, out=one.copy()) == 1)

    @property
    def parameter_count(self) -> int:
        """How many numbers a network trains."""
        hidden = sum(self.sizes[1:-1])
        norms = 2 * hidden if self.normalization != "none" else 0
        slopes = len(self.sizes) - 2 if self.activation.start is not None else 0
        scales = len(self.branch_ends) if self.residual in ("rezero", "fixup") else 0
        return sum((fan_in + 1) * fan_out for fan_in, fan_out in self.shapes) + norms + slopes + scales


def spaced_rows(m: int, p: int, dtype: np.dtype) -> Array:
    """Zeros, shape (m, p), whose rows begin at multiples of `SPACING`."""
    rows: Array = np.zeros((m, -(-p // SPACING) * SPACING), dtype)
    return rows[:, :p]


class Parameters:
    """All trained numbers of a stack in one array, and views that give each its shape.

    Attributes
    ----------
    flat : ndarray, shape (m, p)
        The matrix of each layer, then gains and offsets of normalization, then parameters of activations and branches.
    matrices : list of ndarray, shape (m, fan_in + 1, fan_out)
        The weights of a layer and, in the last row, its biases.
    weights : list of ndarray, shape (m, fan_in, fan_out)
    biases : list of ndarray, shape (m, 1, fan_out)
    gains, offsets : list of ndarray, shape (m, 1, h)
        Empty without normalization.
    slopes : list of ndarray, shape (m, 1, 1)
        Empty where the activation trains nothing.
    scales : dict of int to ndarray, shape (m, 1, 1)
        What the outputs of branches are multiplied by, by hidden layer, where that is trained.
    """

    def __init__(self, design: Design, m: int, dtype: np.dtype) -> None:
        self.flat = spaced_rows(m, design.parameter_count, dtype)
        self._used = 0
        hidden = design.sizes[1:-1]
        self.matrices = [self._take(fan_in + 1, fan_out) for fan_in, fan_out in design.shapes]
        self.weights = [matrix[:, :-1] for matrix in self.matrices]
        self.biases = [matrix[:, -1:] for matrix in self.matrices]
        normed = hidden if design.normalization != "none" else ()
        self.gains = [self._take(1, h) for h in normed]
        self.offsets = [self._take(1, h) for h in normed]
        self.slopes = [self._take(1, 1) for _ in hidden] if design.activation.start is not None else []
        is_scaled = design.residual in ("rezero", "fixup")
        self.scales = {layer: self._take(1, 1) for layer in design.branch_ends} if is_scaled else {}
        for scale in self.scales.values():
            scale[:] = design.residual == "fixup"
        for gain in self.gains:
            gain[:] = 1
        for slope in self.slopes:
            slope[:] = design.activation.start

    def _take(self, rows: int, columns: int) -> Array:
        begin, self._used = self._used, self._used + rows * columns
        return self.flat[:, begin : self._used].reshape(-1, rows, columns)


class Workspace:
    """The buffers that a stack needs for ``n`` rows.

    Those of hidden layers have the column of ones that the next layer is given, so that activations go over contiguous
    memory; ``logits`` has the classes first in memory, so that reductions over them go over long rows.

    Parameters
    ----------
    design : Design
    m, n : int
        Networks in the stack, rows.
    dtype : numpy.dtype
    keeps : bool
        Whether each layer has its own buffers, which backward needs; without, three take turns.
    """

    def __init__(self, design: Design, m: int, n: int, dtype: np.dtype, *, keeps: bool) -> None:
        widths, widest = [h + 1 for h in design.sizes[1:-1]], max(design.sizes[1:]) + 1

        def buffers(count: int) -> list[Array]:
            if keeps:
                return [np.ones((m, n, h), dtype) for h in widths]
            pool = [np.ones(m * n * widest, dtype) for _ in range(count)]
            return [pool[i % count][: m * n * h].reshape(m, n, h) for i, h in enumerate(widths)]

        self.keeps_ones = design.keeps_ones and (keeps or len(set(widths)) == 1)
        overwrites = design.activation.by_value and design.residual == "none"
        self.z = buffers(3 if overwrites else 1)
        self.values = self.z if overwrites else buffers(3)
        self.outputs = list(self.values)
        for layer, buffer in enumerate(buffers(3) if design.branch_ends else []):
            self.outputs[layer] = buffer if layer in design.branch_ends else self.values[layer]
        # A spare number a class keeps NumPy from taking one row of one network for a matrix in another order, whose
        # product may differ in the last bit from that of the same row in a stack.
        by_class = np.empty((design.sizes[-1], m * n + 1), dtype)[:, :-1]
        self.logits: Array = by_class.reshape(-1, m, n).transpose(1, 2, 0)
        self.norms: list[Norm] = []
        if design.normalization != "none":
            self.norms = [Norm(design.normalization, z[..., :-1], keeps=keeps) for z in self.z]
        if keeps:
            scratch = [np.zeros(m * n * widest, dtype) for _ in range(3)]
            self.deltas = [scratch[i % 2][: m * n * h].reshape(m, n, h) for i, h in enumerate(widths)]
            self.scratch = [scratch[2][: m * n * h].reshape(m, n, h) for h in widths]
            self.turned = {
                layer: np.empty((m, fan_out, fan_in), dtype)
                for layer, (fan_in, fan_out) in enumerate(design.shapes)
                if layer > 0 and n * fan_in * fan_out <= SMALL_PRODUCT
            }


def with_ones(x: Array) -> Array:
    """``x``, shape (..., d), with a further column of ones, shape (..., d + 1)."""
    wider = np.ones((*x.shape[:-1], x.shape[-1] + 1), x.dtype)
    wider[..., :-1] = x
    return wider


def _grouped(array: Array, groups: int) -> Array:
    """View ``(m, ...)`` as ``(s, m / s, ...)``."""
    return array.reshape(groups, -1, *array.shape[1:])


def _parameter(slopes: list[Array], layer: int) -> tuple[Array, ...]:
    return (slopes[layer],) if slopes else ()


def _scale(design: Design, parameters: Parameters, layer: int) -> Array | float:
    """What the output of a branch is multiplied by."""
    if layer in parameters.scales:
        return parameters.scales[layer]
    return len(design.branch_ends) ** -0.5 if design.residual == "scaled" else 1.0


def forward(
    design: Design,
    parameters: Parameters,
    x: Array,
    work: Workspace,
    statistics: list[tuple[Array, Array]] | None = None,
) -> Array:
    """Compute the logits of a stack.

    Parameters
    ----------
    design : Design
    parameters : Parameters
    x : ndarray, shape (s, n, d + 1)
        The rows of each group of networks, and a column of ones; ``s`` divides ``m``.
    work : Workspace
        For ``n`` rows; keeps what ``backward`` needs.
    statistics : list of pairs of ndarray, each of shape (m, 1, h), optional
        Mean and variance for batch normalization to use in place of the rows' own, a pair a hidden layer.

    Returns
    -------
    ndarray, shape (m, n, k)
        ``work.logits``, overwritten by the next call.
    """
    below = x[:, None]
    for layer, matrix in enumerate(parameters.matrices):
        last = layer == len(parameters.matrices) - 1
        z = work.logits if last else work.z[layer][..., :-1]
        if layer == 0:
            np.matmul(below, _grouped(matrix, len(x)), out=_grouped(z, len(x)))
        else:
            np.matmul(below, matrix, out=z)
        if last:
            break
        if work.norms:
            fixed = statistics[layer] if statistics else None
            work.norms[layer].forward(z, parameters.gains[layer], parameters.offsets[layer], fixed)
        if design.is_linear(layer):
            np.copyto(work.values[layer], work.z[layer])
        else:
            design.activation.value(work.z[layer], *_parameter(parameters.slopes, layer), out=work.values[layer])
        below = work.outputs[layer]
        skip = design.skip_from(layer)
        if skip is not None:
            np.multiply(work.values[layer], _scale(design, parameters, layer), out=below)
            below += work.outputs[skip]
        if not work.keeps_ones:
            below[..., -1] = 1
    return work.logits


def backward(
    design: Design,
    parameters: Parameters,
    x: Array,
    delta: Array,
    work: Workspace,
    gradients: Parameters,
    see: Callable[[int, Array], None] = lambda layer, delta: None,
) -> None:
    """Fill ``gradients`` by backpropagation through what the last ``forward`` left in ``work``.

    Parameters
    ----------
    design : Design
    parameters : Parameters
    x : ndarray, shape (s, n, d + 1)
        The rows that ``forward`` saw.
    delta : ndarray, shape (m, n, k)
        Derivative of the loss by the logits.
    work : Workspace
    gradients : Parameters
        Overwritten.
    see : callable ``(layer, delta) -> None``
        Shown the derivative by what each layer's matrix gives, shape (m, n, fan_out), the last layer's first.

    References
    ----------
    Rumelhart, Hinton & Williams (1986), "Learning representations by back-propagating errors", Nature 323.
    """
    activation = design.activation
    pending: dict[int, Array] = {}  # derivatives by outputs that later layers have added to theirs
    for layer in reversed(range(len(parameters.matrices))):
        see(layer, delta)
        if layer == 0:
            rows = x[:, None].swapaxes(-1, -2)
            np.matmul(rows, _grouped(delta, len(x)), out=_grouped(gradients.matrices[0], len(x)))
            return
        under = layer - 1
        np.matmul(work.outputs[under].swapaxes(-1, -2), delta, out=gradients.matrices[layer])
        full = work.deltas[under]
        passed = full[..., :-1]
        _pass_down(delta, parameters.weights[layer].swapaxes(-1, -2), work.turned.get(layer), passed)
        z, value, scratch = work.z[under], work.values[under], work.scratch[under]
        if under in pending:
            passed += pending.pop(under)
        skip = design.skip_from(under)
        if skip is not None:
            pending[skip] = passed.copy()
            if under in parameters.scales:
                np.multiply(full, value, out=scratch)
                gradients.scales[under][:] = scratch[..., :-1].sum(axis=(1, 2), keepdims=True)
            full *= _scale(design, parameters, under)
        if design.is_linear(under):
            if gradients.slopes:
                gradients.slopes[under][:] = 0
        else:
            if activation.parameter_slope is not None:
                activation.parameter_slope(z, out=scratch)
                scratch *= full
                gradients.slopes[under][:] = scratch[..., :-1].sum(axis=(1, 2), keepdims=True)
            full *= activation.slope(z, value, *_parameter(parameters.slopes, under), out=scratch)
        if work.norms:
            norm, gain = work.norms[under], parameters.gains[under]
            norm.backward(passed, gain, scratch[..., :-1], gradients.gains[under], gradients.offsets[under])
        delta = passed


def _pass_down(delta: Array, turned: Array, buffer: Array | None, out: Array) -> None:
    """Multiply ``delta``, shape (m, n, fan_out), by the transposed weights, shape (m, fan_out, fan_in)."""
    if delta.shape[2] == 1:
        np.einsum("mni,mio->mno", delta, turned, out=out)  # an inner side of one is no work for a matrix product
        return
    if buffer is not None:
        np.copyto(buffer, turned)
        turned = buffer
    np.matmul(delta, turned, out=out)

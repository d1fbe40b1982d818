"""Biases of the last layer that start a classifier at the classes' shares."""

from __future__ import annotations

import numpy as np

from initbench.contracts import Array, Generator, Layer, Shape
from initbench.errors import ShapeError
from initbench.parts.initializers.draws import checked
from initbench.registry import bias


def _guess_error(biases: Array, layer: Layer) -> Array:
    """How far what the biases alone make the network guess is from the classes' shares, if each class has rows."""
    if layer.targets is None:
        return np.zeros(1)
    odds = np.exp(biases)
    guess = odds / (odds + 1.0) if len(odds) == 1 else odds / odds.sum()
    return np.asarray(guess - layer.targets.mean(axis=0))


@bias(
    "output_prior",
    family="data-driven",
    formula="last layer: b_k = log p_k, or log(p / (1 − p)) with one logit, p the classes' shares; 0 elsewhere",
    aliases=("log_prior", "class_prior"),
    cites=("karpathy2019",),
    elsewhere=(
        ("Keras", "by hand: Constant(log(pos / neg))"),
        ("PyTorch", "by hand"),
        ("JAX", "by hand"),
    ),
    note="In use for rare classes: without it the first epochs go into learning how rare they are.",
    properties={
        "in the last layer, the first guess is the share of each class": _guess_error,
        "elsewhere, every bias is 0": lambda biases, layer: biases if layer.targets is None else 0.0,
    },
)
def output_prior(shape: Shape, rng: Generator, *, layer: Layer) -> Array:
    """The last layer starts at the classes' shares of the training rows, so training need not learn them first.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the layer's weights.
    rng : numpy.random.Generator
        Not used.
    layer : Layer
        Tells the classes of all training rows to the last layer.

    Returns
    -------
    ndarray of float64, shape (fan_out,)
        Log shares, or the log odds of class 1 with one logit; a class without rows counts as half a row. Zeros where
        the layer knows no classes.

    Raises
    ------
    ShapeError
        When the layer has not one output a class, or the shape is not two whole numbers of at least 0.

    References
    ----------
    Karpathy (2019), "A Recipe for Training Neural Networks".

    Examples
    --------
    >>> rows = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> np.exp(output_prior((5, 2), np.random.default_rng(0), layer=Layer(targets=rows))).tolist()
    [0.75, 0.25]
    """
    _, fan_out = checked(shape)
    if layer.targets is None or not len(layer.targets):
        return np.zeros(fan_out)
    rows, columns = layer.targets.shape
    if columns != fan_out:
        raise ShapeError(f"shape is {shape!r} and must have an output for each of the {columns} columns of the classes")
    counts = np.maximum(layer.targets.sum(axis=0), 0.5)
    if columns > 1:
        return np.asarray(np.log(counts / rows))
    return np.asarray(np.log(counts / np.maximum(rows - counts, 0.5)))

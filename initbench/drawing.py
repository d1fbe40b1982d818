"""Initializers as plain functions, for use outside of experiments."""

from __future__ import annotations

from typing import Any

from initbench.contracts import Array, Generator, Initializer, Layer, Shape
from initbench.errors import UsageError
from initbench.registry import find


def initializer(name: str, *, activation: str = "relu", **parameters: Any) -> Initializer:
    """A registered initializer, as a function of shape and generator.

    Parameters
    ----------
    name : str
        As ``initbench list initializers`` shows it, or an alias.
    activation : str, default "relu"
        For initializers whose scale follows from it.
    **parameters
        Its parameters; the others keep their defaults.

    Returns
    -------
    callable ``(shape, rng) -> ndarray of float64, shape (fan_in, fan_out)``
        One that sets the biases too gives a pair, weights and biases of shape (fan_out,).

    Raises
    ------
    UsageError
        When there is no such initializer or parameter, or it needs a whole network and data.
    ParameterError
        When a parameter has a value that it cannot have.

    Examples
    --------
    >>> import numpy as np
    >>> initializer("he_normal")((784, 128), np.random.default_rng(0)).shape
    (784, 128)
    """
    entry = find("initializer", name)
    if entry.scope == "network":
        raise UsageError(f"'{entry.name}' looks at a whole network and its data; use it in a config: initbench run")
    values = entry.check(parameters)
    if entry.wants_layer:
        values["layer"] = Layer(activation=find("activation", activation).function())

    def draw(shape: Shape, rng: Generator, **more: Any) -> Array:
        drawn: Array = entry.function(shape, rng, **{**values, **entry.check(more)})
        return drawn

    return draw

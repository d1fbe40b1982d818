"""Initializers as plain functions, for use outside of experiments."""

from __future__ import annotations

from typing import Any

from initbench.contracts import Array, Generator, Initializer, Shape
from initbench.registry import find


def initializer(name: str, **parameters: Any) -> Initializer:
    """A registered initializer, as a function of shape and generator.

    Parameters
    ----------
    name : str
        As ``initbench list initializers`` shows it.
    **parameters
        Its parameters; the others keep their defaults.

    Returns
    -------
    callable ``(shape, rng) -> ndarray of float64, shape (fan_in, fan_out)``

    Raises
    ------
    UsageError
        When there is no such initializer, or no such parameter.
    ParameterError
        When a parameter has a value that it cannot have.

    Examples
    --------
    >>> import numpy as np
    >>> initializer("he_normal")((784, 128), np.random.default_rng(0)).shape
    (784, 128)
    """
    entry = find("initializer", name)
    values = entry.check(parameters)

    def draw(shape: Shape, rng: Generator, **more: Any) -> Array:
        return entry.function(shape, rng, **{**values, **entry.check(more)})  # type: ignore[no-any-return]

    return draw

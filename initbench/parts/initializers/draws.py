"""What the initializers share: fans, and draws that at one seed are all made of the same random numbers.

Every random initializer maps the same uniform numbers, one a weight, through the inverse distribution function of its
own law. So at one seed all of them rank their weights alike, and a comparison of two is paired: what differs is the
law, not the luck.
"""

from __future__ import annotations

import math
import operator
from typing import Literal

import numpy as np

from initbench.contracts import Array, Generator, Shape
from initbench.errors import ParameterError, ShapeError

Distribution = Literal["normal", "truncated_normal", "uniform"]
TRUNCATED_STD = 0.87962566103423978  # of N(0, 1) between -2 and 2


def checked(shape: Shape) -> Shape:
    """The shape as two whole numbers, either of which may be 0.

    Raises
    ------
    ShapeError
        When it is not two whole numbers, or one is below 0.

    Examples
    --------
    >>> checked((784, 128))
    (784, 128)
    """
    try:
        fan_in, fan_out = map(operator.index, shape)
    except (TypeError, ValueError):
        raise ShapeError(f"shape is {shape!r} and must be two whole numbers: (fan_in, fan_out)") from None
    if min(fan_in, fan_out) < 0:
        raise ShapeError(f"shape is {shape!r} and a fan must be at least 0")
    return fan_in, fan_out


def fans(shape: Shape) -> tuple[int, int]:
    """The numbers of inputs and outputs to divide by: at least 1, so that an empty layer has a scale too.

    Raises
    ------
    ShapeError
        When ``shape`` is not two whole numbers, or one is below 0.

    Examples
    --------
    >>> fans((0, 3))
    (1, 3)
    """
    fan_in, fan_out = checked(shape)
    return max(1, fan_in), max(1, fan_out)


def unit_draws(shape: Shape, rng: Generator) -> Array:
    """The draws behind every law: independent and uniform in the open interval (0, 1), float64, ``shape``."""
    return np.maximum(rng.random(checked(shape)), 2.0**-54)  # random() may give 0, where a normal would be -inf


def draw_uniform(shape: Shape, rng: Generator, *, variance: float) -> Array:
    """Independent draws from U(-a, a), a = sqrt(3 variance): float64, ``shape``."""
    limit = math.sqrt(3.0 * variance)  # U(-a, a) has variance a**2 / 3
    return limit * (2.0 * unit_draws(shape, rng) - 1.0)


def draw_normal(shape: Shape, rng: Generator, *, variance: float = 1.0) -> Array:
    """Independent draws from N(0, variance), not truncated: float64, ``shape``."""
    from scipy.special import ndtri  # here, since it takes longer to import than NumPy

    return math.sqrt(variance) * ndtri(unit_draws(shape, rng))


def draw_truncated(shape: Shape, rng: Generator, low: float = -2.0, high: float = 2.0) -> Array:
    """Independent draws from N(0, 1) given that they lie in [low, high]: float64, ``shape``.

    Raises
    ------
    ParameterError
        When less than a millionth of N(0, 1) lies there, too little to draw from with all digits.
    """
    from scipy.special import ndtr, ndtri

    below, inside = ndtr(low), ndtr(high) - ndtr(low)
    if inside < 1e-6:
        raise ParameterError(
            f"less than a millionth of the normal distribution lies between its deviations {low:g} and {high:g}, the "
            "bounds that low and high give; set them closer to the mean"
        )
    shares = np.minimum(below + inside * unit_draws(shape, rng), 1.0 - 2.0**-53)  # at 1 a normal would be inf
    return np.clip(ndtri(shares), low, high)  # rounding may pass the end by 1e-15


def draw_scaled(shape: Shape, rng: Generator, *, variance: float, distribution: Distribution) -> Array:
    """Independent draws of mean 0 and the given variance, also after truncation: float64, ``shape``."""
    if distribution == "uniform":
        return draw_uniform(shape, rng, variance=variance)
    if distribution == "normal":
        return draw_normal(shape, rng, variance=variance)
    return math.sqrt(variance) / TRUNCATED_STD * draw_truncated(shape, rng)

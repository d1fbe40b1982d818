"""What initializers and biases state of their draws: distributions of one weight, and errors of whole layers.

``initbench check NAME`` and the tests compare draws with them. So they use SciPy's distributions, and nothing that the
initializers draw with: a mistake in ``draws.py`` is none here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from math import erf, exp, inf, pi
from types import SimpleNamespace
from typing import Any

import numpy as np

from initbench.contracts import Array, Layer
from initbench.parts.initializers.draws import Distribution


class Stated:
    """A distribution of SciPy's, which is made when more is asked of it than is known without it.

    Importing ``scipy.stats`` takes 0.7 s, and ``initbench explain`` needs mean, deviation and bounds alone. Tests
    compare these with SciPy's.

    Parameters
    ----------
    name : str
        SciPy's.
    mean, std, low, high : float
    make : function () -> frozen distribution
    """

    def __init__(self, name: str, mean: float, std: float, low: float, high: float, make: Callable[[], Any]) -> None:
        self.dist = SimpleNamespace(name=name)
        self._mean, self._std, self._bounds, self._make = mean, std, (low, high), make

    def mean(self) -> float:
        """Its mean."""
        return self._mean

    def std(self) -> float:
        """Its standard deviation."""
        return self._std

    def support(self) -> tuple[float, float]:
        """Its least and its greatest number."""
        return self._bounds

    @cached_property
    def scipy(self) -> Any:
        """SciPy's."""
        return self._make()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.scipy, name)


def normal(variance: float, mean: float = 0.0) -> Any:
    """N(mean, variance); the number ``mean`` where the variance is 0."""

    def make() -> Any:
        from scipy import stats

        return stats.norm(mean, variance**0.5)

    return Stated("norm", mean, variance**0.5, -inf, inf, make) if variance else mean


def between(low: float, high: float) -> Any:
    """U(low, high)."""

    def make() -> Any:
        from scipy import stats

        return stats.uniform(low, high - low)

    return Stated("uniform", (low + high) / 2, (high - low) / 12**0.5, low, high, make)


def uniform(limit: float) -> Any:
    """U(-limit, limit)."""
    return between(-limit, limit)


def cut(std: float, low: float = -2.0, high: float = 2.0, mean: float = 0.0) -> Any:
    """N(mean, std**2) between two bounds, which count deviations from the mean; ``std`` is that before the cut."""

    def make() -> Any:
        from scipy import stats

        return stats.truncnorm(low, high, mean, std)

    inside = (erf(high / 2**0.5) - erf(low / 2**0.5)) / 2
    at_low, at_high = (exp(-(end**2) / 2) / (2 * pi) ** 0.5 / inside for end in (low, high))
    shift = at_low - at_high
    variance = 1 + low * at_low - high * at_high - shift**2
    ends = mean + std * low, mean + std * high
    return Stated("truncnorm", mean + std * shift, std * variance**0.5, *ends, make)


def truncated(variance: float) -> Any:
    """A Gaussian cut at two of its deviations, with this variance after the cut."""
    return cut(variance**0.5 / cut(1.0).std())


def scaled(variance: float, distribution: Distribution) -> Any:
    """Of mean 0, this variance, and the shape that the word says."""
    if distribution == "uniform":
        return uniform((3.0 * variance) ** 0.5)
    return {"normal": normal, "truncated_normal": truncated}[distribution](variance)


def beta(a: float, b: float, low: float = 0.0, high: float = 1.0) -> Any:
    """Beta(a, b), stretched from 0 and 1 to ``low`` and ``high``."""

    def make() -> Any:
        from scipy import stats

        return stats.beta(a, b, loc=low, scale=high - low)

    std = (a * b / (a + b + 1)) ** 0.5 / (a + b)
    return Stated("beta", low + (high - low) * a / (a + b), (high - low) * std, low, high, make)


def coordinate(dimension: int, radius: float) -> Any:
    """One coordinate of a point drawn evenly from a sphere around 0."""
    half = max((dimension - 1) / 2, 1e-9)  # on a line the point is one of two
    return beta(half, half, -radius, radius)


def root_of_uniform(low: float, high: float, scale: float) -> Any:
    """The square root of U(low, high), times ``scale``."""

    def make() -> Any:
        from scipy import stats

        class RootOfUniform(stats.rv_continuous):
            """Its density grows with the number."""

            def _pdf(self, x: Any, *args: Any) -> Any:
                return 2.0 * x / (high - low)

            def _cdf(self, x: Any, *args: Any) -> Any:
                return (x**2 - low) / (high - low)

            def _ppf(self, q: Any, *args: Any) -> Any:
                return np.sqrt(low + q * (high - low))

        return RootOfUniform(a=low**0.5, b=high**0.5, name="root of uniform")(scale=scale)

    mean = 2 / 3 * (high**1.5 - low**1.5) / (high - low)
    std = ((low + high) / 2 - mean**2) ** 0.5
    return Stated("root of uniform", scale * mean, scale * std, scale * low**0.5, scale * high**0.5, make)


def mixture(share: float, first: Any, second: Any) -> Any:
    """A share of the numbers follows the first distribution, the rest the second; the second may be the number 0."""
    parts = [(share, first), (1.0 - share, second)]
    drawn = [law for _, law in parts if law]
    low, high = min(law.support()[0] for law in drawn), max(law.support()[1] for law in drawn)
    center = sum(weight * law.mean() for weight, law in parts if law)
    square = sum(weight * (law.std() ** 2 + law.mean() ** 2) for weight, law in parts if law)
    return Stated("mixture", center, (square - center**2) ** 0.5, low, high, lambda: _mixture(parts, low, high))


def _mixture(parts: list[tuple[float, Any]], low: float, high: float) -> Any:
    from scipy import stats

    class Mixture(stats.rv_continuous):
        """Its distribution function jumps where one part is a number."""

        def _cdf(self, x: Any, *args: Any) -> Any:
            return np.asarray(sum(weight * (law.cdf(x) if law else x >= 0.0) for weight, law in parts))

        def _stats(self, *args: Any, **kwds: Any) -> Any:
            raw = [sum(weight * law.moment(k) for weight, law in parts if law) for k in (1, 2, 3, 4)]
            mean, square, cube, fourth = map(float, raw)
            variance = square - mean**2
            skew = (cube - 3 * mean * square + 2 * mean**3) / variance**1.5
            kurtosis = (fourth - 4 * mean * cube + 6 * mean**2 * square - 3 * mean**4) / variance**2 - 3
            return mean, variance, skew, kurtosis

    return Mixture(a=low, b=high, name="mixture")()


def isometry_error(weights: Array, gain: float) -> Array:
    """How far the shorter side's vectors are from orthogonal and from the length ``gain``."""
    tall = weights if weights.shape[0] >= weights.shape[1] else weights.T
    return np.asarray(tall.T @ tall - gain**2 * np.eye(tall.shape[1]))


def hadamard_error(weights: Array) -> Array:
    """Distance from the identity, or where the layer widens from the corner of Sylvester's matrix, scaled."""
    fan_in, fan_out = weights.shape
    if fan_out <= fan_in:
        return weights - np.eye(fan_in, fan_out)
    h = np.ones((1, 1))
    while len(h) < fan_out:
        h = np.block([[h, h], [h, -h]])
    return np.asarray(weights - h[:fan_in, :fan_out] / len(h) ** 0.5)


def mirror_error(weights: Array, layer: Layer) -> Array:
    """How far the halves of a hidden layer are from being each other's negatives: of units and, after them, inputs."""
    rows, columns = weights.shape[0] // 2, weights.shape[1] // 2
    below = weights[:rows] + weights[rows:] if layer.index > 0 else np.zeros(1)
    beside = weights[:, :columns] + weights[:, columns:] if not layer.is_last else np.zeros(1)
    return np.concatenate([below.ravel(), beside.ravel()])


def mirrored_block(weights: Array, layer: Layer) -> Array:
    """The block of which a mirrored layer is made."""
    rows, columns = weights.shape
    return weights[: rows // 2 if layer.index > 0 else rows, : columns if layer.is_last else columns // 2]

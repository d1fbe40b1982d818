"""What initializers and biases state of their draws: distributions of one weight, and errors of whole layers.

``initbench check NAME`` and the tests compare draws with them. So they use SciPy's distributions, and nothing that the
initializers draw with: a mistake in ``draws.py`` is none here. SciPy's are imported where they are made, as that takes
longer than importing NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from initbench.contracts import Array, Layer
from initbench.parts.initializers.draws import Distribution


def normal(variance: float, mean: float = 0.0) -> Any:
    """N(mean, variance); the number ``mean`` where the variance is 0."""
    from scipy import stats

    return stats.norm(mean, variance**0.5) if variance else mean


def between(low: float, high: float) -> Any:
    """U(low, high)."""
    from scipy import stats

    return stats.uniform(low, high - low)


def uniform(limit: float) -> Any:
    """U(-limit, limit)."""
    return between(-limit, limit)


def cut(std: float, low: float = -2.0, high: float = 2.0, mean: float = 0.0) -> Any:
    """N(mean, std**2) between two bounds, which count deviations from the mean; ``std`` is that before the cut."""
    from scipy import stats

    return stats.truncnorm(low, high, mean, std)


def truncated(variance: float) -> Any:
    """A Gaussian cut at two of its deviations, with this variance after the cut."""
    return cut((variance / cut(1.0).var()) ** 0.5)


def scaled(variance: float, distribution: Distribution) -> Any:
    """Of mean 0, this variance, and the shape that the word says."""
    if distribution == "uniform":
        return uniform((3.0 * variance) ** 0.5)
    return {"normal": normal, "truncated_normal": truncated}[distribution](variance)


def beta(a: float, b: float) -> Any:
    """Beta(a, b), between 0 and 1."""
    from scipy import stats

    return stats.beta(a, b)


def coordinate(dimension: int, radius: float) -> Any:
    """One coordinate of a point drawn evenly from a sphere around 0."""
    from scipy import stats

    half = max((dimension - 1) / 2, 1e-9)  # on a line the point is one of two
    return stats.beta(half, half, loc=-radius, scale=2.0 * radius)


def root_of_uniform(low: float, high: float, scale: float) -> Any:
    """The square root of U(low, high), times ``scale``."""
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


def mixture(share: float, first: Any, second: Any) -> Any:
    """A share of the numbers follows the first distribution, the rest the second; the second may be the number 0."""
    from scipy import stats

    parts = [(share, first), (1.0 - share, second)]
    ends = [law.support() for _, law in parts if law]

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

    return Mixture(a=min(low for low, _ in ends), b=max(high for _, high in ends), name="mixture")()


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

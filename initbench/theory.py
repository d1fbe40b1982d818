"""What an activation does to Gaussian inputs in a network of infinite width: moments, gains, critical points.

Expectations are taken over z ~ N(0, q) by Gauss-Legendre quadrature, split where activations have kinks.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from initbench.contracts import Activation, Array
from initbench.errors import ParameterError

Rule = Literal["torch", "forward", "backward", "critical"]
REACH = 12.0  # standard deviations; beyond lies less than 1e-32 of a Gaussian
NODES = 200  # a piece
KINKS = (-1.0, 0.0, 1.0)


def evaluate(activation: Activation, z: Array) -> tuple[Array, Array]:
    """phi(z) and phi'(z), both float64 and of the shape of ``z``; a trained activation is taken where it starts."""
    z = np.asarray(z, dtype=np.float64)
    parameter = () if activation.start is None else (np.float64(activation.start),)
    value = activation.value(z, *parameter, out=np.empty_like(z))
    slope = activation.slope(z, value, *parameter, out=np.empty_like(z))
    return value, np.asarray(slope, dtype=np.float64)


@lru_cache(maxsize=4096)
def _nodes(q: float) -> tuple[Array, Array]:
    """Points z and weights for expectations over N(0, q)."""
    deviation = np.sqrt(q)
    edges = sorted({-REACH, REACH, *(kink / deviation for kink in KINKS if abs(kink) < REACH * deviation)})
    x, w = np.polynomial.legendre.leggauss(NODES)
    points, weights = [], []
    for low, high in pairwise(edges):
        points.append((high + low) / 2 + (high - low) / 2 * x)
        weights.append((high - low) / 2 * w)
    unit = np.concatenate(points)
    density = np.exp(-(unit**2) / 2) / np.sqrt(2 * np.pi)
    return deviation * unit, np.concatenate(weights) * density


class Moments(NamedTuple):
    """Expectations over z ~ N(0, q): of phi², of phi'², and of z phi phi' / q."""

    value: float
    slope: float
    mixed: float


def moments(activation: Activation, q: float) -> Moments:
    """Compute the moments of an activation.

    Parameters
    ----------
    activation : Activation
    q : float
        Variance of the preactivation, above 0 (dimensionless).

    Returns
    -------
    Moments

    Examples
    --------
    >>> from initbench.registry import find
    >>> round(moments(find("activation", "relu").function(), 2.0).value, 12)
    1.0
    """
    z, weights = _nodes(float(q))
    value, slope = evaluate(activation, z)
    return Moments(
        float(weights @ value**2), float(weights @ slope**2), float(weights @ (z * value * slope)) / float(q)
    )


class Critical(NamedTuple):
    """A point on the edge of chaos.

    Attributes
    ----------
    sigma_w : float
        Standard deviation of the weights times the square root of the fan-in.
    q : float
        Variance of the preactivation there; 0 where the fixed point is at 0, nan where any variance is one.
    slope : float
        V'(q) of the length map; above 1 the fixed point is unstable.
    """

    sigma_w: float
    q: float
    slope: float


def critical_point(activation: Activation, sigma_b: float = 0.0) -> Critical | None:
    """The weight scale at which neither signal nor gradient fades or grows: chi = 1 at a fixed point of the length map.

    Parameters
    ----------
    activation : Activation
    sigma_b : float, default 0.0
        Standard deviation of the biases (dimensionless).

    Returns
    -------
    Critical or None
        None where there is no such point.

    References
    ----------
    Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli (2016), "Exponential expressivity in deep neural networks through
    transient chaos", arXiv:1606.05340: V(q) = sigma_w² E[phi²] + sigma_b² and chi = sigma_w² E[phi'²]. With chi = 1 the
    fixed point solves q - E[phi²] / E[phi'²] = sigma_b².
    """
    grid = np.geomspace(1e-6, 1e3, 400)
    gaps = np.array([_gap(activation, q) - sigma_b**2 for q in grid])
    scale = np.maximum(grid, sigma_b**2)
    if sigma_b == 0 and np.all(np.abs(gaps) < 1e-9 * scale):  # homogeneous: every variance is a fixed point
        return Critical(float(1 / np.sqrt(moments(activation, 1.0).slope)), float("nan"), 1.0)
    crossings = np.flatnonzero((gaps[:-1] < 0) != (gaps[1:] < 0))
    origin, at_zero = evaluate(activation, np.zeros(1))
    if sigma_b == 0 and origin[0] == 0 and at_zero[0] != 0 and not _grows_from_zero(activation):
        return Critical(float(1 / abs(at_zero[0])), 0.0, 1.0)
    if not len(crossings):
        return None
    from scipy.optimize import brentq

    low, high = grid[crossings[0]], grid[crossings[0] + 1]
    q = float(brentq(lambda q: _gap(activation, q) - sigma_b**2, low, high, xtol=1e-14, rtol=1e-13))
    found = moments(activation, q)
    return Critical(float(1 / np.sqrt(found.slope)), q, found.mixed / found.slope)


def _gap(activation: Activation, q: float) -> float:
    found = moments(activation, q)
    return float(q - found.value / found.slope)


def _grows_from_zero(activation: Activation) -> bool:
    """Whether, with the slope at 0 made up for, a small signal grows, so that the fixed point at 0 is unstable."""
    slope = evaluate(activation, np.zeros(1))[1][0]
    return moments(activation, 1e-4).value > 1e-4 * float(slope) ** 2 * (1 + 1e-9)


def gain(activation: Activation, rule: Rule) -> float:
    """The factor of the weights' standard deviation that a rule gives for an activation.

    Parameters
    ----------
    activation : Activation
    rule : ``"torch"``, ``"forward"``, ``"backward"`` or ``"critical"``
        ``calculate_gain`` of PyTorch; 1/sqrt(E[phi²]), which holds E[z²] at 1; 1/sqrt(E[phi'²]), which does so for
        gradients; or the critical point without biases.

    Returns
    -------
    float
        Dimensionless; std = gain / sqrt(fan).

    Raises
    ------
    ParameterError
        When the rule has no answer for the activation.
    """
    if rule == "torch":
        if activation.torch_gain is None:
            raise ParameterError("the rule 'torch' has no gain for this activation; use forward, backward or a number")
        return activation.torch_gain
    if rule == "critical":
        found = critical_point(activation)
        if found is None:
            raise ParameterError("this activation has no critical point; use forward, backward or a number as gain")
        return found.sigma_w
    at_one = moments(activation, 1.0)
    return float(1 / np.sqrt(at_one.value if rule == "forward" else at_one.slope))

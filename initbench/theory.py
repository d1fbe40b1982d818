"""What an activation does to Gaussian inputs in a network of infinite width: moments, gains, phases, critical points.

Weights are drawn with variance sigma_w² / fan_in, biases with variance sigma_b². From one layer to the next, the
variance q of the preactivations becomes V(q) = sigma_w² E[phi²] + sigma_b², the length map. The square of a small
difference between two inputs grows by the factor chi = sigma_w² E[phi'²], as does that of a gradient on its way back.
Expectations are over z ~ N(0, q), by Gauss-Legendre quadrature, split where activations have kinks or bend.

References
----------
Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli (2016), "Exponential expressivity in deep neural networks through
transient chaos", arXiv:1606.05340.
Schoenholz, Gilmer, Ganguli & Sohl-Dickstein (2017), "Deep Information Propagation", arXiv:1611.01232.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from initbench.contracts import Activation, Array
from initbench.errors import ParameterError

Phase = Literal["ordered", "critical", "chaotic"]
Rule = Literal["torch", "forward", "backward", "geometric", "critical"]
REACH = 12.0  # standard deviations; beyond lies less than 1e-32 of a Gaussian
NODES = 200  # a piece
SPLITS = (0.0, 1.0, 8.0, 40.0)  # and their negatives: kinks lie at 0 and ±1, and from ±40 on nothing bends
NEAR_ZERO, NEAR_INFINITY = 1e-20, 1e20  # variances that stand for the limits
SETTLED = 1e-12  # relative; a variance that a layer changes by less is a fixed point
CRITICAL_WIDTH = 0.003  # phases are told apart up to so much of chi


def evaluate(activation: Activation, z: Array) -> tuple[Array, Array]:
    """phi(z) and phi'(z), both float64 and of the shape of ``z``; a trained activation is taken where it starts."""
    z = np.asarray(z, dtype=np.float64)
    parameter = () if activation.start is None else (np.float64(activation.start),)
    value = activation.value(z, *parameter, out=np.empty_like(z))
    slope = activation.slope(z, value, *parameter, out=np.empty_like(z))
    return value, np.asarray(slope, dtype=np.float64)


@lru_cache
def _legendre(count: int) -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(count)
    return x, w


@lru_cache(maxsize=1024)
def _nodes(q: float, splits: tuple[float, ...]) -> tuple[Array, Array]:
    """Points z and weights for expectations over N(0, q)."""
    deviation = np.sqrt(q)
    inside = [split / deviation for split in splits if split < REACH * deviation]
    edges = sorted({-REACH, REACH, *inside, *(-split for split in inside)})
    x, w = _legendre(NODES)
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
    z, weights = _nodes(float(q), SPLITS)
    value, slope = evaluate(activation, z)
    return Moments(
        float(weights @ value**2), float(weights @ slope**2), float(weights @ (z * value * slope)) / float(q)
    )


def chi(activation: Activation, sigma_w: float, q: float) -> float:
    """The factor of a layer on the square of a small difference between inputs, and of a gradient on its way back.

    Parameters
    ----------
    activation : Activation
    sigma_w : float
        Standard deviation of the weights times the square root of the fan-in.
    q : float
        Variance of the preactivation; 0 and inf stand for the limits.

    Returns
    -------
    float
        Dimensionless.
    """
    return sigma_w**2 * _moments_within(activation, q).slope


def fixed_point(activation: Activation, sigma_w: float, sigma_b: float = 0.0) -> float:
    """The variance of the preactivations that a deep network ends up with when it starts at 1.

    As V grows with q, repeating it moves q in one direction, to the first fixed point on the way. So that is searched
    for, which also finds it where repeating would take forever.

    Parameters
    ----------
    activation : Activation
    sigma_w, sigma_b : float
        Standard deviation of the weights times the square root of the fan-in, and of the biases.

    Returns
    -------
    float
        0 where the signal fades, inf where it grows without end, 1 where any variance is a fixed point.

    Examples
    --------
    >>> from initbench.registry import find
    >>> round(fixed_point(find("activation", "tanh").function(), 5 / 3), 2)
    1.18
    """

    def excess(q: float) -> float:
        return sigma_w**2 * moments(activation, q).value + sigma_b**2 - q

    grows = excess(1.0) > 0
    if abs(excess(1.0)) < SETTLED:
        return 1.0
    path = np.geomspace(1.0, NEAR_INFINITY if grows else NEAR_ZERO, 120)
    for before, after in pairwise(path.tolist()):
        if (excess(after) > 0) != grows and abs(excess(after)) > SETTLED * after:
            return _root(excess, before, after)
    return float("inf") if grows else 0.0


class Verdict(NamedTuple):
    """What becomes of signals and gradients in a deep network of infinite width.

    Attributes
    ----------
    phase : ``"ordered"``, ``"critical"`` or ``"chaotic"``
        chi below 1, within 0.003 of it, or above.
    chi : float
        At ``q``; gradients grow by its square root a layer.
    q : float
        Where the variance of the preactivations ends up: see `fixed_point`.
    growth : float
        V(q) / q there, the factor of that variance a layer: 1 at a fixed point other than 0 and inf.
    slope : float
        V'(q) there; above 1 the fixed point is unstable, and the least change of scale makes the signal fade or grow.
    """

    phase: Phase
    chi: float
    q: float
    growth: float
    slope: float


def verdict(activation: Activation, sigma_w: float, sigma_b: float = 0.0) -> Verdict:
    """Tell whether a network is ordered, critical or chaotic.

    Parameters
    ----------
    activation : Activation
    sigma_w, sigma_b : float
        Standard deviation of the weights times the square root of the fan-in, and of the biases.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> from initbench.registry import find
    >>> verdict(find("activation", "relu").function(), sigma_w=2**0.5).phase
    'critical'
    """
    q = fixed_point(activation, sigma_w, sigma_b)
    found = _moments_within(activation, q)
    stretch = chi(activation, sigma_w, q)
    phase: Phase = "ordered" if stretch < 1 else "chaotic"
    if abs(stretch - 1) < CRITICAL_WIDTH:
        phase = "critical"
    growth = (sigma_w**2 * found.value + sigma_b**2) / _within(q)
    return Verdict(phase, stretch, q, growth, sigma_w**2 * found.mixed)


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
        None where there is no such point, or only one at q = 0 from which any signal grows (gelu, silu and mish without
        biases). With biases those have a point, unstable as its ``slope`` tells.

    Notes
    -----
    With chi = 1 the fixed point solves q - E[phi²] / E[phi'²] = sigma_b².
    """

    def gap(q: float) -> float:
        found = moments(activation, q)
        return q - found.value / found.slope - sigma_b**2

    at_zero = moments(activation, NEAR_ZERO)
    if sigma_b == 0:
        ratios = np.array([moments(activation, q).value / q for q in (NEAR_ZERO, 1e-4, 1.0, 1e4)])
        if np.ptp(ratios) < 1e-9 * ratios[0]:
            return Critical(float(1 / np.sqrt(at_zero.slope)), float("nan"), 1.0)
        if abs(ratios[0] - at_zero.slope) < 1e-5 * at_zero.slope:  # phi(0) = 0, so that q = 0 is a fixed point
            grows = ratios[1] > ratios[0] * (1 + 1e-9)
            return None if grows else Critical(float(1 / np.sqrt(at_zero.slope)), 0.0, 1.0)
    for low, high in pairwise(np.geomspace(1e-6, 1e3, 200).tolist()):
        if (gap(low) < 0) != (gap(high) < 0):
            q = _root(gap, low, high)
            found = moments(activation, q)
            return Critical(float(1 / np.sqrt(found.slope)), q, found.mixed / found.slope)
    return None


def _within(q: float) -> float:
    """``q``, or what stands for it if it is 0 or inf."""
    return min(max(q, NEAR_ZERO), NEAR_INFINITY)


def _moments_within(activation: Activation, q: float) -> Moments:
    return moments(activation, _within(q))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(function, low, high, xtol=1e-30, rtol=1e-13))


def gain(activation: Activation, rule: Rule) -> float:
    """The factor of the weights' standard deviation that a rule gives for an activation.

    Parameters
    ----------
    activation : Activation
    rule : ``"torch"``, ``"forward"``, ``"backward"``, ``"geometric"`` or ``"critical"``
        ``calculate_gain`` of PyTorch; 1/sqrt(E[phi²]), which holds E[z²] at 1; 1/sqrt(E[phi'²]), which does so for
        gradients; the geometric mean of these two; or the critical point without biases.

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
            raise ParameterError(
                "this activation has no stable critical point; use forward, backward or a number as gain"
            )
        return found.sigma_w
    if rule == "geometric":
        return math.sqrt(gain(activation, "forward") * gain(activation, "backward"))
    at_one = moments(activation, 1.0)
    return float(1 / np.sqrt(at_one.value if rule == "forward" else at_one.slope))

"""What an activation does to Gaussian inputs in a network of infinite width: moments, gains, phases, critical points.

Weights are drawn with variance sigma_w² / fan_in, biases with variance sigma_b². From one layer to the next, the
variance q of the preactivations becomes V(q) = sigma_w² E[phi²] + sigma_b², the length map. The square of a small
difference between two inputs grows by the factor chi = sigma_w² E[phi'²], as does that of a gradient on its way back.
The correlation c of two inputs becomes C(c), which is (sigma_w² E[phi(u1) phi(u2)] + sigma_b²) / V(q) for u1 and u2 of
variance q and covariance q c. Expectations are over Gaussians, by Gauss-Legendre quadrature, split where activations
have kinks or bend.

References
----------
Poole, Lahiri, Raghu, Sohl-Dickstein & Ganguli (2016), "Exponential expressivity in deep neural networks through
transient chaos", arXiv:1606.05340.
Schoenholz, Gilmer, Ganguli & Sohl-Dickstein (2017), "Deep Information Propagation", arXiv:1611.01232.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
LARGEST = 1e200  # a variance beyond is taken for infinite
JOINT_REACH, JOINT_NODES = 8.0, 32  # of integrals over two Gaussians; beyond lies 1e-15 of them
KINKS = np.array([-1.0, 0.0, 1.0])
BENDS = np.array([-6.0, -2.0, 0.0, 2.0, 6.0])  # deviations from a kink at which what is left of it is split
TINY = 1e-100
SETTLED = 1e-12  # relative; a variance that a layer changes by less is a fixed point
ROUNDING = 1e-9  # a factor a layer as near to 1 is 1
SMALLEST = 6  # units for which the spread over draws is known
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


def is_homogeneous(activation: Activation) -> bool:
    """Whether E[phi²] grows in proportion to q, as it does for a line with a kink at 0: ReLU and its relatives."""
    return bool(np.ptp(_levels(activation)) < ROUNDING)


def _levels(activation: Activation) -> Array:
    """E[phi²] / q from the smallest variances to large ones, the first of them made 1."""
    levels: Array = np.array([moments(activation, q).value / q for q in (NEAR_ZERO, 1e-4, 1.0, 1e4)])
    levels /= levels[0]
    return levels


def depth_scale(factor: float) -> float:
    """How many layers make 1/e of what each of them multiplies by ``factor``: -1 / ln|factor|; inf from 1 on."""
    if factor == 0:
        return 0.0
    return math.inf if abs(factor) > 1 - ROUNDING else -1 / math.log(abs(factor))


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
    before = 1.0
    for after in path.tolist():
        if (excess(after) > 0) == grows:
            before = after
        elif abs(excess(after)) > SETTLED * after:
            return _root(excess, before, after)
    return float("inf") if grows else 0.0


class Regime(NamedTuple):
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
    keeps_any : bool
        Whether every variance is a fixed point; ``q`` is then 1.
    """

    phase: Phase
    chi: float
    q: float
    growth: float
    slope: float
    keeps_any: bool = False

    @property
    def xi_q(self) -> float:
        """In how many layers a deviation from ``q`` shrinks to 1/e; inf where it does not."""
        return depth_scale(self.slope)

    @property
    def xi_grad(self) -> float:
        """In how many layers the variance of gradients shrinks to 1/e or grows to e."""
        return depth_scale(min(self.chi, 1 / self.chi if self.chi else 0.0))


def regime(activation: Activation, sigma_w: float, sigma_b: float = 0.0) -> Regime:
    """Tell whether a network is ordered, critical or chaotic.

    Parameters
    ----------
    activation : Activation
    sigma_w, sigma_b : float
        Standard deviation of the weights times the square root of the fan-in, and of the biases.

    Returns
    -------
    Regime

    Examples
    --------
    >>> from initbench.registry import find
    >>> regime(find("activation", "relu").function(), sigma_w=2**0.5).phase
    'critical'
    """
    q = fixed_point(activation, sigma_w, sigma_b)
    found = _moments_within(activation, q)
    stretch = chi(activation, sigma_w, q)
    phase: Phase = "ordered" if stretch < 1 else "chaotic"
    if abs(stretch - 1) < CRITICAL_WIDTH:
        phase = "critical"
    growth = (sigma_w**2 * found.value + sigma_b**2) / _within(q)
    keeps_any = sigma_b == 0 and abs(growth - 1) < ROUNDING and is_homogeneous(activation)
    return Regime(phase, stretch, q, growth, sigma_w**2 * found.mixed, keeps_any)


def tipping_points(activation: Activation, sigma_w: float, sigma_b: float = 0.0) -> list[float]:
    """The unstable fixed points of the length map: below one of them signals shrink, and above it they grow.

    Parameters
    ----------
    activation : Activation
    sigma_w, sigma_b : float
        Standard deviation of the weights times the square root of the fan-in, and of the biases.

    Returns
    -------
    list of float
        Variances, in ascending order; empty for activations other than gelu, silu, mish and their like.

    Examples
    --------
    >>> from initbench.registry import find
    >>> gelu = find("activation", "gelu").function()
    >>> [round(q, 6) for q in tipping_points(gelu, gain(gelu, "forward"))]
    [1.0]
    """

    def excess(q: float) -> float:
        return (sigma_w**2 * moments(activation, q).value + sigma_b**2) / q - 1

    path = [(q, found) for q in np.geomspace(1e-6, 1e6, 200).tolist() if abs(found := excess(q)) > ROUNDING]
    return [_root(excess, low, high) for (low, below), (high, above) in pairwise(path) if below < 0 < above]


class Critical(NamedTuple):
    """A point on the edge of chaos.

    Attributes
    ----------
    sigma_w : float
        Standard deviation of the weights times the square root of the fan-in.
    q : float
        Variance of the preactivation there; 0 where the fixed point is at 0, nan where any variance is one, inf where
        there is none because biases add to the variance of every layer.
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
        biases). With biases those have a point, unstable as its ``slope`` tells. ReLU and its relatives have chi = 1 at
        the same scale with any biases, though with q = inf.

    Notes
    -----
    With chi = 1 the fixed point solves q - E[phi²] / E[phi'²] = sigma_b².
    """

    def gap(q: float) -> float:
        found = moments(activation, q)
        return q - found.value / found.slope - sigma_b**2

    at_zero = moments(activation, NEAR_ZERO)
    if is_homogeneous(activation):  # chi does not depend on q
        return Critical(float(1 / np.sqrt(at_zero.slope)), math.inf if sigma_b else math.nan, 1.0)
    is_fixed = abs(at_zero.value / NEAR_ZERO - at_zero.slope) < 1e-5 * at_zero.slope  # q = 0, as phi(0) = 0
    if sigma_b == 0 and is_fixed:
        grows = _levels(activation)[1] > 1 + ROUNDING
        return None if grows else Critical(float(1 / np.sqrt(at_zero.slope)), 0.0, 1.0)
    for low, high in pairwise(np.geomspace(1e-6, 1e3, 200).tolist()):
        if (gap(low) < 0) != (gap(high) < 0):
            q = _root(gap, low, high)
            found = moments(activation, q)
            return Critical(float(1 / np.sqrt(found.slope)), q, found.mixed / found.slope)
    return None


class Correlation(NamedTuple):
    """What a layer makes of the correlation of two inputs: C(c), and its slope C'(c)."""

    value: float
    slope: float


def correlation(activation: Activation, sigma_w: float, sigma_b: float, q: float, c: float) -> Correlation:
    """The correlation map, C(c) = (sigma_w² E[phi(u1) phi(u2)] + sigma_b²) / V(q).

    Parameters
    ----------
    activation : Activation
    sigma_w, sigma_b : float
        Standard deviation of the weights times the square root of the fan-in, and of the biases.
    q : float
        Variance of the preactivations u1 and u2 of the two inputs; 0 and inf stand for the limits.
    c : float
        Their correlation, -1 to 1.

    Returns
    -------
    Correlation
        Of the next layer's preactivations, and its slope, sigma_w² E[phi'(u1) phi'(u2)] q / V(q). At a fixed point q of
        the length map that is the C(c) and chi_1 of the papers, and at c = 1 chi. nan where V(q) is 0.

    Notes
    -----
    For ReLU without biases, C(c) = (sqrt(1 - c²) + c (pi - arccos c)) / pi, whatever q and sigma_w are: eq. (6) of Cho
    & Saul (2009), "Kernel Methods for Deep Learning".

    Examples
    --------
    >>> from initbench.registry import find
    >>> round(correlation(find("activation", "relu").function(), 1.0, 0.0, q=5.0, c=0.0).value * math.pi, 6)
    1.0
    """
    q = _within(q)
    after = sigma_w**2 * moments(activation, q).value + sigma_b**2
    if after == 0 or math.isnan(c):
        return Correlation(math.nan, math.nan)
    value, slope = _joint_moments(activation, q, c)
    return Correlation((sigma_w**2 * value + sigma_b**2) / after, sigma_w**2 * slope * q / after)


def _joint_moments(activation: Activation, q: float, c: float) -> tuple[float, float]:
    """E[phi(u1) phi(u2)] and E[phi'(u1) phi'(u2)]; relative errors are below 1e-7.

    The inner integral, over u2 given u1, is split at the kinks. What it leaves is smooth in u1, but bends within a few
    deviations of u2 around kinks / c, so that the outer integral is split there too.
    """
    deviation, spread = math.sqrt(q), math.sqrt(max((1 - c) * (1 + c), TINY))  # of u; of u2 given u1, in units of u's
    splits = np.array(sorted({-split for split in SPLITS} | set(SPLITS))) / deviation
    bends = np.add.outer(KINKS / deviation, spread * BENDS).ravel() / (c or TINY)
    edges = np.unique(np.clip([-JOINT_REACH, *splits, *bends, JOINT_REACH], -JOINT_REACH, JOINT_REACH))
    u1, outer = _pieces(edges)
    with np.errstate(over="ignore"):  # what is infinite is clipped
        given = (splits - c * u1[:, None]) / spread
    ends = np.full((len(u1), 1), JOINT_REACH)
    z, inner = _pieces(np.clip(np.hstack([-ends, given, ends]), -JOINT_REACH, JOINT_REACH))
    u2 = c * u1[:, None] + spread * z
    value1, slope1 = evaluate(activation, deviation * u1)
    value2, slope2 = evaluate(activation, deviation * u2)
    return float(outer * value1 @ (inner * value2).sum(axis=1)), float(outer * slope1 @ (inner * slope2).sum(axis=1))


def _pieces(edges: Array) -> tuple[Array, Array]:
    """Points and weights of a standard Gaussian, shape (..., k), between edges, shape (..., m), along the last axis."""
    used = (np.diff(edges) > 0).reshape(-1, edges.shape[-1] - 1).any(axis=0)
    low, high = edges[..., :-1][..., used, None], edges[..., 1:][..., used, None]
    x, w = _legendre(JOINT_NODES)
    points = (low + high) / 2 + (high - low) / 2 * x
    weights = (high - low) / 2 * w * np.exp(-(points**2) / 2) / math.sqrt(2 * math.pi)
    return points.reshape(*edges.shape[:-1], -1), weights.reshape(*edges.shape[:-1], -1)


def stable_correlation(activation: Activation, sigma_w: float, sigma_b: float, q: float) -> Correlation:
    """The correlation c* that any two inputs end up with in a deep network, and the slope chi_1 of C there.

    Parameters
    ----------
    activation : Activation
    sigma_w, sigma_b : float
        Standard deviation of the weights times the square root of the fan-in, and of the biases.
    q : float
        Variance of the preactivations, as `fixed_point` gives it; 0 and inf stand for the limits.

    Returns
    -------
    Correlation
        ``value`` is nan where C(c) = c, so that pairs keep correlations of their own; both are nan where V(q) is 0.

    Notes
    -----
    By Mehler's formula, C is a power series of c without negative coefficients: it is convex from 0 to 1, and C(0) is
    not below 0. So there is one stable fixed point: 1 if the slope there is at most 1, else the one that Newton's
    method reaches from 0, always from below.

    Where C(c) = c but for the biases, 1 - c shrinks by q / V(q) a layer. If q grows by a factor, these end above 0 when
    multiplied; if not, as on the critical line of `linear`, where q grows by sigma_b² a layer, they end at 0.
    """
    found, at_one = (correlation(activation, sigma_w, sigma_b, q, c) for c in (0.0, 1.0))
    if math.isnan(at_one.value):
        return at_one
    if at_one.slope <= 1 + ROUNDING:
        growth = (sigma_w**2 * moments(activation, _within(q)).value + sigma_b**2) / _within(q)
        stays = found.slope > 1 - ROUNDING and (sigma_b == 0 or growth > 1 + ROUNDING)
        return Correlation(math.nan if stays else 1.0, at_one.slope)
    c = 0.0
    while found.value - c > SETTLED:
        c += (found.value - c) / (1 - found.slope)
        found = correlation(activation, sigma_w, sigma_b, q, c)
    return Correlation(c, found.slope)


@np.errstate(over="ignore", invalid="ignore")  # what grows without end is inf, and 0 times that is nan
def predicted_lengths(activation: Activation, sigma_w2: Array, sigma_b2: Array, q1: float) -> Array:
    """The variance of the preactivations of each layer, repeating the length map.

    Parameters
    ----------
    activation : Activation
        Between the layers.
    sigma_w2, sigma_b2 : ndarray, shape (l,)
        Of each layer: fan_in times the variance of its weights, and the variance of its biases.
    q1 : float
        Variance of the first layer's preactivations: sigma_w2[0] times the mean square of the inputs, plus sigma_b2[0].

    Returns
    -------
    ndarray of float64, shape (l,)
        ``q1``, then sigma_w2 E[phi²] + sigma_b2 with E over z ~ N(0, q of the layer before): eq. (3) of Poole et al.
        (2016). 0 and inf are possible.

    Examples
    --------
    >>> from initbench.registry import find
    >>> predicted_lengths(find("activation", "relu").function(), np.full(4, 1.0), np.zeros(4), 1.0)
    array([1.   , 0.5  , 0.25 , 0.125])
    """
    q = np.full(len(sigma_w2), float(q1))
    for layer in range(1, len(q)):
        q[layer] = sigma_w2[layer] * _squares(activation, q[layer - 1]).value + sigma_b2[layer]
    return q


@np.errstate(over="ignore", invalid="ignore")
def predicted_gradients(activation: Activation, sigma_w2: Array, q: Array, widths: Sequence[int]) -> Array:
    """The mean square of a loss's derivatives by the preactivations of each layer, relative to that of the last layer.

    Parameters
    ----------
    activation : Activation
        Between the layers.
    sigma_w2 : ndarray, shape (l,)
        Of each layer: fan_in times the variance of its weights.
    q : ndarray, shape (l,)
        Variance of each layer's preactivations, measured or from `predicted_lengths`.
    widths : sequence of int, l + 1 of them
        Inputs, then the units of each layer.

    Returns
    -------
    ndarray of float64, shape (l,)
        The last is 1. E[delta²] of layer l is n Var(W) E[phi'²] times that of layer l + 1, with the n units and weights
        W of layer l + 1, and E over z ~ N(0, q of layer l): Schoenholz et al. (2017), section 4. Between layers of
        equal width the factor is chi at that q.

    Examples
    --------
    >>> from initbench.registry import find
    >>> linear = find("activation", "linear").function()
    >>> predicted_gradients(linear, np.full(3, 1.0), np.ones(3), (8, 8, 4, 2))
    array([0.25, 0.5 , 1.  ])
    """
    squares = np.ones(len(q))
    for layer in reversed(range(len(q) - 1)):
        variance = sigma_w2[layer + 1] / widths[layer + 1]  # of the weights of the layer above
        factor = widths[layer + 2] * variance * _squares(activation, q[layer]).slope
        squares[layer] = factor * squares[layer + 1]
    return squares


def predicted_correlations(activation: Activation, sigma_w2: Array, sigma_b2: Array, q: Array, c1: float) -> Array:
    """The correlation of the preactivations of two inputs in each layer, repeating the correlation map.

    Parameters
    ----------
    activation : Activation
        Between the layers.
    sigma_w2, sigma_b2 : ndarray, shape (l,)
        Of each layer: fan_in times the variance of its weights, and the variance of its biases.
    q : ndarray, shape (l,)
        Variance of each layer's preactivations, for both inputs; measured or from `predicted_lengths`.
    c1 : float
        Their correlation in the first layer, -1 to 1.

    Returns
    -------
    ndarray of float64, shape (l,)
        ``c1``, then C of the layer before it: eq. (5) of Poole et al. (2016). nan from where nothing arrives.

    Examples
    --------
    >>> from initbench.registry import find
    >>> relu = find("activation", "relu").function()
    >>> predicted_correlations(relu, np.full(3, 2.0), np.zeros(3), np.ones(3), 0.0).round(3)
    array([0.   , 0.318, 0.494])
    """
    c = np.full(len(q), float(c1))
    for layer in range(1, len(c)):
        sigma_w, sigma_b = math.sqrt(sigma_w2[layer]), math.sqrt(sigma_b2[layer])
        c[layer] = correlation(activation, sigma_w, sigma_b, q[layer - 1], c[layer - 1]).value
    return c


def predicted_spreads(activation: Activation, widths: Sequence[int], c0: float) -> Array:
    """How far the mean square of preactivations spreads over draws in layers of finite width.

    Parameters
    ----------
    activation : Activation
        Between the layers: linear, ReLU or a relative of theirs; of others nothing is known.
    widths : sequence of int, l of them
        Units of each layer.
    c0 : float
        Root mean square over all pairs of rows of the cosine of their inputs, 0 to 1; 1 for a single row.

    Returns
    -------
    ndarray of float64, shape (l,)
        Standard deviation of the logarithm of the mean square over rows and units (dimensionless), for independent
        weights of mean 0 and no biases.

    Notes
    -----
    Given the layer below, units are independent. So a layer of n units adds kappa / n to the variance, with kappa the
    relative covariance of phi(u1)² and phi(u2)²: 2 for one row and linear units, 5 for ReLU, as in Hanin & Rolnick
    (2018), "How to start training", arXiv:1803.01719. For small n the logarithm's variance is nearly
    kappa / (n + 1 - kappa), n at least 6: Sussillo & Abbott (2015), "Random Walk Initialization", arXiv:1412.6558, who
    have it for ReLU. Rows that differ average some of it away, and grow alike with depth.

    Examples
    --------
    >>> from initbench.registry import find
    >>> relu = find("activation", "relu").function()
    >>> predicted_spreads(relu, [100] * 3, 1.0).round(3)
    array([0.142, 0.269, 0.353])
    """
    if not is_homogeneous(activation):
        return np.full(len(widths), math.nan)
    slope = abs(evaluate(activation, np.array([-1.0]))[0][0] / evaluate(activation, np.ones(1))[0][0])
    spreads, variance, c = np.empty(len(widths)), 0.0, c0
    for layer, units in enumerate(widths):
        spreads[layer] = math.sqrt(variance + _of_width(2 * c**2, units))
        variance += _of_width(_covariance_of_squares(slope, c), units)
        square = correlation(activation, 1.0, 0.0, 1.0, c).value ** 2
        c = math.sqrt(min(1.0, square + (1 - square) * (1 + 2 * square) / units))  # correlations vary by chance
    return spreads


def _of_width(kappa: float, units: int) -> float:
    return kappa / (max(units, SMALLEST) + 1 - kappa)


def _covariance_of_squares(slope: float, c: float) -> float:
    """Cov(phi(u1)², phi(u2)²) / E[phi²]² for lines of slope 1 above 0 and ``slope`` below, at the correlation c.

    From the arc-cosine kernel of order 2: eq. (6) of Cho & Saul (2009).
    """

    def kernel(c: float) -> float:
        angle = math.acos(c)
        return (3 * math.sin(angle) * c + (math.pi - angle) * (1 + 2 * c**2)) / (2 * math.pi)

    square = (1 + slope**4) * kernel(c) + 2 * slope**2 * kernel(-c)
    return 4 * square / (1 + slope**2) ** 2 - 1


def _squares(activation: Activation, q: float) -> Moments:
    """The moments, also where q is 0 or infinite."""
    if q == 0:
        value, slope = evaluate(activation, np.zeros(1))
        return Moments(float(value[0] ** 2), float(slope[0] ** 2), math.nan)
    return moments(activation, q) if q < LARGEST else _moments_within(activation, q)._replace(value=math.inf)


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

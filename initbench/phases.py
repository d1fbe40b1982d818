"""Where a network of infinite width stands: its numbers in words, and its place on the phase diagram."""

from __future__ import annotations

import math
import textwrap
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from initbench.contracts import Activation, Array, Range
from initbench.errors import InitbenchError, ParameterError
from initbench.explaining import draw_layer
from initbench.registry import Entry, entries, find
from initbench.theory import (
    NEAR_INFINITY,
    NEAR_ZERO,
    ROUNDING,
    SETTLED,
    Correlation,
    Critical,
    Verdict,
    correlation,
    critical_point,
    depth_scale,
    evaluate,
    is_homogeneous,
    moments,
    stable_correlation,
    tipping_points,
    verdict,
)

LIMITS = {"sigma_w2": Range(0, 1e6, open_low=True), "sigma_b2": Range(0, 1e6)}
SHOWN_Q, SHOWN_C = (0.25, 1.0, 4.0), (-1.0, 0.0, 0.5, 0.9)
WIDTH, INDENT = 100, 21  # of the text, in letters
SCALES = 6  # signals reach about so many xi_c deep: Schoenholz et al. (2017), section 5
DECIMALS = 7  # of a correlation, which quadrature is sure of
ANY = "any"

LAYER = 256  # inputs and units of the square layer that initializers are drawn for
REACH, TOP = 4.0, 0.6  # sigma_w² and sigma_b² at the far edges of the diagram
ACROSS, UP = 241, 121  # its points
SAME = 2e-3  # relative; marks whose sigma_w² differ by less share a place
LINE_Q = np.geomspace(1e-6, 1e6, 601)  # of the critical line; beyond, it stands still or is but rounding


class Outlook(NamedTuple):
    """What becomes of signals, their correlations and gradients, and where the critical point would be.

    Attributes
    ----------
    name : str
        Of the activation.
    activation : Activation
    sigma_w2, sigma_b2 : float
        fan_in times the variance of the weights, and the variance of the biases (dimensionless).
    verdict : Verdict
    limit : Correlation
        c* and chi_1, from `stable_correlation`.
    critical : Critical or None
        From `critical_point`, at this sigma_b2.
    tipping : list of float
        From `tipping_points`.
    """

    name: str
    activation: Activation
    sigma_w2: float
    sigma_b2: float
    verdict: Verdict
    limit: Correlation
    critical: Critical | None
    tipping: list[float]

    def length(self, q: float) -> float:
        """V(q)."""
        return self.sigma_w2 * moments(self.activation, q).value + self.sigma_b2

    def alikeness(self, c: float) -> float:
        """C(c) at q*."""
        found = correlation(self.activation, self.sigma_w2**0.5, self.sigma_b2**0.5, self.verdict.q, c)
        return round(found.value, DECIMALS)


def outlook(name: str, sigma_w2: float | None = None, sigma_b2: float = 0.0) -> Outlook:
    """Ask the theory about an activation.

    Parameters
    ----------
    name : str
        Of the activation, or an alias.
    sigma_w2 : float, optional
        fan_in times the variance of the weights; without it that of the critical point, or 1 if that is unstable or
        there is none.
    sigma_b2 : float, default 0.0
        Variance of the biases.

    Returns
    -------
    Outlook

    Raises
    ------
    UsageError
        When there is no such activation.
    ParameterError
        When a variance is none.
    """
    entry = find("activation", name)
    for word, value in (("sigma_w2", sigma_w2), ("sigma_b2", sigma_b2)):
        if value is not None and not LIMITS[word].holds(value):
            raise ParameterError(f"{word} is {value:g} and must be {LIMITS[word]}")
    phi: Activation = entry.function()
    critical = critical_point(phi, sigma_b2**0.5)
    if sigma_w2 is None:
        sigma_w2 = critical.sigma_w**2 if critical and critical.slope <= 1 + ROUNDING else 1.0
    sigma_w, sigma_b = sigma_w2**0.5, sigma_b2**0.5
    found = verdict(phi, sigma_w, sigma_b)
    limit = stable_correlation(phi, sigma_w, sigma_b, found.q)
    tipping = tipping_points(phi, sigma_w, sigma_b)
    return Outlook(entry.name, phi, sigma_w2, sigma_b2, found, limit, critical, tipping)


def outlook_text(found: Outlook) -> str:
    """An outlook as lines of symbol, number and meaning."""
    heading = f"{found.name}, sigma_w² = {found.sigma_w2:.4g}, sigma_b² = {found.sigma_b2:.4g}: {found.verdict.phase}"
    lines = [heading, ""]
    for symbol, value, meaning in [*_numbers(found), *_maps(found), ("critical", "", _critical_words(found))]:
        first, *rest = textwrap.wrap(meaning, WIDTH - INDENT)
        lines.append(f"{symbol:<9} {value:<10} {first}" if value else f"{symbol:<9} {first}")
        lines += [" " * (INDENT if value else 10) + line for line in rest]
    for text in warnings_of(found):
        lines += textwrap.wrap(text, WIDTH, initial_indent=f"{'beware':<9} ", subsequent_indent=" " * 10)
    return "\n".join(lines)


def outlook_record(found: Outlook) -> dict[str, Any]:
    """An outlook for a program to read: what is infinite or arbitrary is None, and named under that word."""
    state, limit, critical = found.verdict, found.limit, found.critical
    numbers = {
        "q": math.nan if state.keeps_any else state.q,
        "growth": state.growth,
        "length_slope": state.slope,
        "chi": state.chi,
        "c": limit.value,
        "correlation_slope": limit.slope,
        "xi_q": state.xi_q,
        "xi_c": depth_scale(limit.slope),
        "xi_grad": state.xi_grad,
    }
    return {
        "activation": found.name,
        "sigma_w2": found.sigma_w2,
        "sigma_b2": found.sigma_b2,
        "phase": state.phase,
        **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
        "infinite": [name for name, value in numbers.items() if math.isinf(value)],
        "any": [name for name, value in numbers.items() if math.isnan(value)],
        "critical": critical
        and {
            "sigma_w2": critical.sigma_w**2,
            "q": critical.q if math.isfinite(critical.q) else None,
            "length_slope": critical.slope,
        },
        "unstable_q": found.tipping,
        "length_map": [[q, found.length(q)] for q in SHOWN_Q],
        "correlation_map": [[c, found.alikeness(c)] for c in SHOWN_C],
        "warnings": warnings_of(found),
    }


def _numbers(found: Outlook) -> list[tuple[str, str, str]]:
    """Symbol, number and meaning of each."""
    state, limit = found.verdict, found.limit
    xi_c = depth_scale(limit.slope)
    fate = "shrinks to 1/e: they vanish" if state.chi < 1 else "grows by e: they explode"
    loss = "cannot tell inputs apart" if limit.value == 1 else "no longer knows which inputs were alike"
    depth = f"a network deeper than about {SCALES} xi_c = {SCALES * xi_c:.3g} layers {loss}"
    keeps = "correlations are kept" if math.isnan(limit.value) else "inputs become alike, but not exponentially fast"
    return [
        ("q*", *_length_words(found)),
        ("V′(q*)", f"{state.slope:.4g}", "a layer multiplies a deviation from q* by this"),
        _scale("xi_q", state.xi_q, "a deviation from q* shrinks to 1/e", "no deviation from q* fades exponentially"),
        ("chi", f"{state.chi:.4g}", "a layer multiplies the variance of gradients by this on their way back"),
        _scale("xi_grad", state.xi_grad, f"the variance of gradients {fate}", "gradients neither vanish nor explode"),
        ("c*", *_limit_words(limit.value)),
        ("chi_1(c*)", f"{limit.slope:.4g}", "a layer multiplies a deviation from c* by this"),
        _scale("xi_c", xi_c, f"a deviation from c* shrinks to 1/e: {depth}", keeps),
    ]


def _scale(symbol: str, layers: float, meaning: str, without: str) -> tuple[str, str, str]:
    if math.isinf(layers):
        return symbol, "infinite", without
    return symbol, f"{layers:.4g}", f"layers in which {meaning}"


def _length_words(found: Outlook) -> tuple[str, str]:
    state = found.verdict
    is_slow = abs(state.growth - 1) < ROUNDING
    rate = "more slowly than exponentially" if is_slow else f"a layer multiplies their variance by {state.growth:.4g}"
    if state.keeps_any:
        return ANY, "signals keep whatever variance they have: every q is a fixed point of V"
    if state.q == 0:
        return "0", f"signals fade: {rate}"
    if math.isinf(state.q):
        return "infinite", f"signals grow without end: {rate}"
    start = "if it starts at 1" if found.tipping else "whatever that of the inputs is"
    return f"{state.q:.4g}", f"the variance that preactivations settle at, {start}"


def _limit_words(c: float) -> tuple[str, str]:
    if math.isnan(c):
        return ANY, "each pair of inputs keeps a correlation of its own: every c is a fixed point"
    if c == 1:
        return "1", "signals of any two inputs become alike"
    return f"{c:.4g}", "signals of any two inputs, alike or not, end up with this correlation"


def _maps(found: Outlook) -> list[tuple[str, str, str]]:
    lengths = ", ".join(f"{q:g} → {found.length(q):.4g}" for q in SHOWN_Q)
    pairs = ", ".join(f"{c:g} → {found.alikeness(c):.4g}" for c in SHOWN_C)
    at = "every q" if found.sigma_b2 == 0 and is_homogeneous(found.activation) else "q*"
    return [
        ("V(q)", "", f"{lengths}: what a layer makes of the variance"),
        ("C(c)", "", f"{pairs}: what it makes of a correlation, at {at}"),
    ]


def _critical_words(found: Outlook) -> str:
    if found.critical is None:
        return f"none at sigma_b² = {found.sigma_b2:.4g}"
    q = found.critical.q
    variance = ANY if math.isnan(q) else "infinite" if math.isinf(q) else f"{q:.4g}"
    place = f"q* = {variance}, V′(q*) = {found.critical.slope:.4g}"
    return f"at sigma_b² = {found.sigma_b2:.4g}, chi = 1 for sigma_w² = {found.critical.sigma_w**2:.4g} ({place})"


def warnings_of(found: Outlook) -> list[str]:
    """What is treacherous about an outlook: critical points that are lacking or unstable, fixed points that are."""
    told = []
    if found.critical is None and found.sigma_b2 == 0 and evaluate(found.activation, np.zeros(1))[0] == 0:
        told.append(
            f"{found.name} has no stable critical point without biases: chi is 1 only at q = 0, and from there any "
            "signal grows"
        )
    elif found.critical is None:
        told.append(f"no fixed point of V has chi = 1 at this sigma_b², so {found.name} has no critical point here")
    elif math.isinf(found.critical.q):
        told.append(
            "on the critical line signals grow without end, but more slowly than exponentially: with biases no fixed "
            f"point of V has chi = 1 for {found.name}"
        )
    elif found.critical.slope > 1 + ROUNDING:
        told.append("the critical point is unstable, V′(q*) > 1: the least change of scale makes signals fade or grow")
    told += [
        f"q = {q:.4g} is an unstable fixed point: signals that start below it shrink, those above grow; "
        "q* is where a variance of 1 leads"
        for q in found.tipping
    ]
    return told


class Diagram(NamedTuple):
    """A phase diagram, and where the initializers lie on it.

    Attributes
    ----------
    name : str
        Of the activation.
    sigma_w2, sigma_b2 : ndarray, shapes (a,) and (b,)
        Of columns and rows.
    chi, q : ndarray, shape (b, a)
        chi, and the variance q* that a signal of variance 1 leads to; 0 and inf are possible.
    critical : DataFrame
        Points of the critical line, in order: ``sigma_w2, sigma_b2, is_stable``.
    marks : DataFrame
        A row a place, by sigma_w2: ``sigma_w2, sigma_b2, names``, the last a list of the initializers there.
    unmarked : dict of str to list of str
        Reason, and the initializers that have no place.
    layer : int
        Inputs and units of the hidden layer that they were drawn for.
    """

    name: str
    sigma_w2: Array
    sigma_b2: Array
    chi: Array
    q: Array
    critical: pd.DataFrame
    marks: pd.DataFrame
    unmarked: dict[str, list[str]]
    layer: int = LAYER


def diagram(name: str) -> Diagram:
    """The phase diagram of an activation.

    Parameters
    ----------
    name : str
        Of the activation, or an alias.

    Returns
    -------
    Diagram
        From 0 to sigma_w² = 4 and sigma_b² = 0.6, or farther, to twice the critical point.

    Raises
    ------
    UsageError
        When there is no such activation.
    """
    entry = find("activation", name)
    phi: Activation = entry.function()
    point = critical_point(phi)
    reach = REACH if point is None or point.sigma_w**2 < REACH else 2 * point.sigma_w**2
    sigma_w2, sigma_b2 = np.linspace(0, reach, ACROSS), np.linspace(0, TOP * reach / REACH, UP)
    chi, q = _chi_map(phi, sigma_w2, sigma_b2)
    marks, unmarked = _places(entry.name)
    return Diagram(entry.name, sigma_w2, sigma_b2, chi, q, _critical_line(phi, sigma_b2), marks, unmarked)


def _chi_map(activation: Activation, sigma_w2: Array, sigma_b2: Array) -> tuple[Array, Array]:
    """Values of chi and q*, shape (b, a): what `fixed_point` finds, between the rows of a table of moments."""
    variances = np.unique([*np.geomspace(NEAR_ZERO, NEAR_INFINITY, 201), *LINE_Q, 1.0])
    values, slopes, _ = np.transpose([moments(activation, q) for q in variances.tolist()])
    start, logs = int(np.searchsorted(variances, 1.0)), np.log(variances)
    q = np.empty((len(sigma_b2), len(sigma_w2)))
    for place in np.ndindex(q.shape):
        excess = (sigma_w2[place[1]] * values + sigma_b2[place[0]]) / variances - 1
        grows = excess[start] > SETTLED
        outward = slice(start, None) if grows else slice(start, None, -1)
        path, at = excess[outward], logs[outward]
        turned = np.flatnonzero(path <= 0 if grows else path >= -SETTLED)
        if len(turned) == 0:
            q[place] = math.inf if grows else 0.0
        elif turned[0] == 0:
            q[place] = 1.0
        else:
            last = turned[0] - 1
            q[place] = math.exp(at[last] + (at[last + 1] - at[last]) * path[last] / (path[last] - path[last + 1]))
    chi = sigma_w2 * np.interp(np.log(np.clip(q, NEAR_ZERO, NEAR_INFINITY)), logs, slopes)
    return chi, q


def _critical_line(activation: Activation, sigma_b2: Array) -> pd.DataFrame:
    """Points with chi = 1, in order: ``sigma_w2, sigma_b2, is_stable``; see `critical_point`."""
    values, slopes, mixed = np.transpose([moments(activation, q) for q in LINE_Q.tolist()])
    line = np.column_stack([1 / slopes, LINE_Q - values / slopes, mixed / slopes <= 1 + ROUNDING])
    line = line[line[:, 1] > -ROUNDING * LINE_Q]
    if is_homogeneous(activation):  # the line is straight
        line = np.array([[1 / slopes[0], biases, True] for biases in sigma_b2[[0, -1]]])
    return pd.DataFrame(line, columns=["sigma_w2", "sigma_b2", "is_stable"]).astype({"is_stable": bool})


def _places(activation: str) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Where the registered initializers lie, those at one place together, and why some have none."""
    points, unmarked = [], dict[str, list[str]]()
    for entry in entries("initializer"):
        found = _place(entry, activation)
        if isinstance(found, str):
            unmarked.setdefault(found, []).append(entry.name)
        else:
            points.append((*found, entry.name))
    rows: list[tuple[float, float, list[str]]] = []
    for sigma_w2, sigma_b2, name in sorted(points):
        place = (sigma_w2, sigma_b2)
        together = [names for *other, names in rows if np.allclose(other, place, rtol=SAME, atol=SAME / 2)]
        if together:
            together[0].append(name)
        else:
            rows.append((*place, [name]))
    for *_, names in rows:
        names.sort()
    return pd.DataFrame(rows, columns=["sigma_w2", "sigma_b2", "names"]), unmarked


def _place(entry: Entry, activation: str) -> tuple[float, float] | str:
    """sigma_w² and sigma_b² of an initializer in a hidden layer of ``LAYER`` × ``LAYER``, or why there are none."""
    if entry.scope == "network":
        return "they look at the whole network"
    try:
        weights, biases, _ = draw_layer(entry, LAYER, LAYER, activation)
    except (InitbenchError, TypeError, ValueError, ArithmeticError, AttributeError):
        return f"they cannot be drawn behind {activation}"
    if np.ptp(weights) == 0 or abs(weights.mean()) > 5 * weights.std() / weights.size**0.5:
        return "they are not random with mean zero"
    return LAYER * float(np.mean(weights**2)), float(np.mean(biases**2))

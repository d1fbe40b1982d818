"""Where a network of infinite width stands: its numbers in words, and its place on the phase diagram."""

from __future__ import annotations

import math
import textwrap
from typing import Any, NamedTuple

import numpy as np

from initbench.contracts import Activation, Range
from initbench.errors import ParameterError
from initbench.registry import find
from initbench.theory.mean_field import (
    ROUNDING,
    Correlation,
    Critical,
    Regime,
    correlation,
    critical_point,
    depth_scale,
    evaluate,
    is_homogeneous,
    moments,
    regime,
    stable_correlation,
    tipping_points,
)

LIMITS = {"sigma_w2": Range(0, 1e6, open_low=True), "sigma_b2": Range(0, 1e6)}
SHOWN_Q, SHOWN_C = (0.25, 1.0, 4.0), (-1.0, 0.0, 0.5, 0.9)
WIDTH, INDENT = 100, 21  # of the text, in letters
SCALES = 6  # signals reach about so many xi_c deep: Schoenholz et al. (2017), section 5
DECIMALS = 7  # of a correlation, which quadrature is sure of
ANY = "any"


class Outlook(NamedTuple):
    """What becomes of signals, their correlations and gradients, and where the critical point would be.

    Attributes
    ----------
    name : str
        Of the activation.
    activation : Activation
    sigma_w2, sigma_b2 : float
        fan_in times the variance of the weights, and the variance of the biases (dimensionless).
    regime : Regime
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
    regime: Regime
    limit: Correlation
    critical: Critical | None
    tipping: list[float]

    def length(self, q: float) -> float:
        """V(q)."""
        return self.sigma_w2 * moments(self.activation, q).value + self.sigma_b2

    def alikeness(self, c: float) -> float:
        """C(c) at q*."""
        found = correlation(self.activation, self.sigma_w2**0.5, self.sigma_b2**0.5, self.regime.q, c)
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
    found = regime(phi, sigma_w, sigma_b)
    limit = stable_correlation(phi, sigma_w, sigma_b, found.q)
    tipping = tipping_points(phi, sigma_w, sigma_b)
    return Outlook(entry.name, phi, sigma_w2, sigma_b2, found, limit, critical, tipping)


def outlook_text(found: Outlook) -> str:
    """An outlook as lines of symbol, number and meaning."""
    heading = f"{found.name}, sigma_w² = {found.sigma_w2:.4g}, sigma_b² = {found.sigma_b2:.4g}: {found.regime.phase}"
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
    state, limit, critical = found.regime, found.limit, found.critical
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
    state, limit = found.regime, found.limit
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
    state = found.regime
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

"""What is wrong with a start, in a word, with the number behind it and what to try instead."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from initbench.analysis.intervals import wilson_interval

LEVEL = {  # ratios of root mean squares: what each tells of, and the factor up or down that a healthy network may show
    "forward_ratio": ("signal", 1e2),
    "backward_ratio": ("gradient", 1e2),
    "gradient_ratio": ("weight gradient", 1e3),
}
LOSS = 30.0  # times ln k; beyond it logits are too large, whatever a layer does to the one before
ALIKE = 0.5  # of the draws; from there on what they show holds for the setting
BORN_DEAD = 0.05  # of the draws
DEAD = 0.9  # of the units of the worst hidden layer
SATURATED = 0.5  # of the activations of the worst hidden layer
HOLDS = {  # the signal level, of the initializers without parameters
    **dict.fromkeys(("relu", "leaky_relu", "prelu", "elu", "gelu", "silu", "mish"), "he_normal"),
    **dict.fromkeys(("tanh", "hard_tanh", "softsign", "linear"), "glorot_normal"),
    **dict.fromkeys(("selu", "lecun_tanh"), "lecun_normal"),
    "sigmoid": "kumar",
}
FOR_ALL = "lsuv"  # holds the signal level of any activation
DEEPEST = {"sigmoid": 6}  # hidden layers that any initializer holds on all data tried
MEDIANS = (
    *("forward_ratio", "backward_ratio", "gradient_ratio", "signal_slope", "loss", "loss_uniform"),
    *("jacobian_mean_square", "jacobian_relative_variance", "jacobian_max", "jacobian_min", "jacobian_condition"),
)


Parts = Mapping[str, Mapping[str, tuple[str, Mapping[str, Any]]]]  # key -> how a table shows a part -> name, parameters
NO_PARTS: Parts = {}  # each part is shown by its name


class Verdict(NamedTuple):
    """A word on a setting, the number behind it in words, and what to try instead; that is empty where all is well."""

    verdict: str
    reason: str
    advice: str


def verdict_table(networks: pd.DataFrame, factors: Sequence[str], parts: Parts = NO_PARTS) -> pd.DataFrame:
    """Judge each setting by its draws.

    Parameters
    ----------
    networks : DataFrame
        A row a draw: the factors, ``forward_ratio, backward_ratio, gradient_ratio, signal_slope, loss, loss_uniform,
        saturated, dead, born_dead, distinct_units, stays_alike, is_finite`` and numbers of the Jacobian; see
        ``docs/probe.md``.
    factors : sequence of str
        The columns that make a setting; ``depth, activation, initializer`` are among them.
    parts : mapping, optional
        For the columns that hold parts, the name and the parameters of each; what is not in it is a name.

    Returns
    -------
    DataFrame
        A row a setting, in the order of the draws: the factors, ``draws, verdict, reason, advice``, medians over the
        draws of ratios, losses and numbers of the Jacobian, means of ``saturated`` and ``dead``, the least
        ``distinct_units``, and how many draws are ``not_finite`` and ``born_dead``, the latter as a share too, with the
        ends ``born_dead_low`` and ``born_dead_high`` of its 95 % interval.
    """
    rows = []
    for values, draws in networks.groupby(list(factors), sort=False, dropna=False):
        setting: dict[str, Any] = dict(zip(factors, values, strict=True))
        dead, count = int(draws["born_dead"].sum()), len(draws)
        low, high = wilson_interval(dead, count)
        row = setting | {"draws": count} | judge(setting, draws, parts)._asdict()
        row |= {name: draws[name].median() for name in MEDIANS}
        row |= {name: draws[name].mean() for name in ("saturated", "dead")}
        row |= {"distinct_units": draws["distinct_units"].min(), "not_finite": int((~draws["is_finite"]).sum())}
        row |= {"born_dead": dead, "born_dead_share": dead / count, "born_dead_low": low, "born_dead_high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def judge(setting: dict[str, Any], draws: pd.DataFrame, parts: Parts = NO_PARTS) -> Verdict:
    """The verdict on one setting; where several words fit, the one that is the cause of the others.

    Parameters
    ----------
    setting : dict of str to value
        With ``depth``, ``activation`` and ``initializer``.
    draws, parts
        As `verdict_table` takes them.

    Returns
    -------
    Verdict
    """
    bias, parameters = _part(setting, "bias", parts)
    setting = setting | {key: _part(setting, key, parts)[0] for key in ("activation", "initializer")}
    found = _judge(setting, draws)
    if found.advice and setting["initializer"] == "zeros":
        return found._replace(advice=f"{_better(setting)} draws each of them")
    if found.verdict in ("dead", "saturated") and bias == "constant" and parameters["value"] != 0:
        return found._replace(advice="; ".join(dict.fromkeys(["zero biases", *found.advice.split("; ")])))
    return found


def _part(setting: Mapping[str, Any], key: str, parts: Parts) -> tuple[str, Mapping[str, Any]]:
    """Name and parameters of the part that a setting has at a key."""
    shown = str(setting.get(key, ""))
    return parts.get(key, {}).get(shown, (shown, {}))


def _judge(setting: dict[str, Any], draws: pd.DataFrame) -> Verdict:
    count, better, holds = len(draws), _better(setting), _holds(setting)
    broken = int((~draws["is_finite"]).sum())
    if broken:
        return Verdict("exploding", f"not finite in {broken} of {count} draws", holds)
    if draws["stays_alike"].mean() >= ALIKE:
        return Verdict("symmetric", "all units of a hidden layer stay alike", f"{better} draws each of them")
    # An output may also be constant to rounding because differences have vanished; then units are not dead.
    dead = int((draws["born_dead"] & (draws["dead"] == 1)).sum())
    if dead >= BORN_DEAD * count:
        low, high = (100 * end for end in wilson_interval(dead, count))
        share = f"{100 * dead / count:.3g} % [{low:.3g}, {high:.3g}]"
        told = f"all inputs answered alike in {dead} of {count} draws: {share}"
        return Verdict("dead", told, "wider layers, leaky_relu or rai")
    if draws["dead"].mean() >= DEAD:
        told = f"dead units in a hidden layer: {100 * draws['dead'].mean():.0f} %"
        return Verdict("dead", told, "zero biases; leaky_relu or rai")
    if draws["saturated"].mean() >= SATURATED:
        told = f"saturated activations in a hidden layer: {100 * draws['saturated'].mean():.0f} %"
        return Verdict("saturated", told, holds if _is_deep(setting) else f"smaller weights: {better}")
    if draws["born_dead"].mean() >= ALIKE:
        return Verdict("vanishing", "all inputs end up alike", holds)
    return _by_ratio(setting, draws, holds)


def _by_ratio(setting: dict[str, Any], draws: pd.DataFrame, holds: str) -> Verdict:
    """Vanishing, exploding or healthy, by the ratio that is furthest beyond what is allowed to it."""
    passes_back = draws[draws["backward_ratio"].notna()]  # a last layer of zeros does not, until it has learned
    with np.errstate(divide="ignore"):
        logs = {name: float(np.log10(passes_back[name]).median()) for name in ("backward_ratio", "gradient_ratio")}
        logs["forward_ratio"] = float(np.log10(draws["forward_ratio"]).median())
    logs = {name: log for name, log in logs.items() if not math.isnan(log)}
    worst = max(logs, key=lambda name: abs(logs[name]) / math.log10(LEVEL[name][1]), default="forward_ratio")
    what, factor = LEVEL[worst]
    log = logs.get(worst, 0.0)
    if log >= 0 and setting.get("residual") == "plain":  # each branch adds to the signal
        holds = "scaled residual connections hold it"
    if abs(log) <= math.log10(factor):
        times, uniform = (draws["loss"] / draws["loss_uniform"]).median(), draws["loss_uniform"].iloc[0]
        if times > LOSS:
            told = f"loss at the start is {times:.3g} × ln {math.exp(uniform):.0f}"
            return Verdict("exploding", told, holds)
        both = [
            f"{LEVEL[name][0]} {_times(logs[name])}" for name in ("forward_ratio", "backward_ratio") if name in logs
        ]
        return Verdict("healthy", ", ".join(both), "")
    word, change = ("exploding", "grows") if log > 0 else ("vanishing", "shrinks")
    if not math.isfinite(log):
        return Verdict(word, f"{what} grows from 0" if log > 0 else f"no {what} is left", holds)
    if worst == "gradient_ratio":
        return Verdict(word, f"{what} of the first layer {_times(log)} the last one's", holds)
    fold = 10 ** abs(log / (setting["depth"] - 1))
    return Verdict(word, f"{what} {change} {fold:.3g}-fold a layer, {_times(log)} in all", holds)


def _times(log: float) -> str:
    """A factor by its decimal logarithm."""
    return f"× {float(f'{10**log:.2g}'):g}" if abs(log) < 300 else f"× 1e{log:+.0f}"


def _better(setting: dict[str, Any]) -> str:
    """An initializer that holds the signal level, other than the one that is there."""
    activation, initializer = setting["activation"], setting["initializer"]
    holds = HOLDS.get(activation, FOR_ALL)
    return holds if holds != initializer else FOR_ALL if initializer != FOR_ALL else "glorot_normal"


def _holds(setting: dict[str, Any]) -> str:
    """Who holds the signal level there, or what does where no initializer can."""
    activation, initializer = setting["activation"], setting["initializer"]
    is_there = initializer == HOLDS.get(activation, FOR_ALL) and (activation in DEEPEST or initializer == FOR_ALL)
    if not _is_deep(setting) and not is_there:
        return f"{_better(setting)} holds it"
    ways = ["tanh"] if _is_deep(setting) else []
    ways += ["batch normalization"] if setting.get("normalization") != "batch" else []
    return f"{ways[0]} or {ways[1]} hold it" if ways[1:] else f"{(*ways, 'less depth')[0]} holds it"


def _is_deep(setting: dict[str, Any]) -> bool:
    """Whether there are more layers than any initializer can hold."""
    return bool(setting["depth"] > DEEPEST.get(setting["activation"], math.inf))

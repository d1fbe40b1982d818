"""A claim as YAML -> Claim, or every fault of the file at once with its line and column."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from initbench.config.experiment import YOUNGER, Experiment, Part
from initbench.config.files import FileKind
from initbench.config.keys import COUNT_OF_SEEDS, KEYS, Context, as_flag, as_number, choice, number, text, whole
from initbench.config.located import Value, locate
from initbench.config.reader import REPLACES, enter, make_experiment, read_text
from initbench.contracts import METRICS, PROBED_LAYERS, PROBED_NETWORKS, Range
from initbench.errors import ConfigError, Fault, nearest

GROUPS = ("moments", "symmetry", "scale", "depth", "criticality", "table", "normalization")
CLAIM = FileKind("claim", "claims/bundled", "claims", "claim", "for one to start from: initbench claims show NAME")
SUITES = ("quick", "full")
SHARES = ("trains", "fails", "diverges", "reaches", "born_dead", "stays_alike", "is_finite")
FRACTIONS = (
    *(*SHARES, "train_accuracy", "valid_accuracy", "test_accuracy", "best_valid_accuracy", "test_auc"),
    *("saturated", "dead", "nearly_dead"),
)
TRAINED = (
    *(*METRICS, "best_valid_accuracy", "test_auc", "trains", "fails", "diverges"),
    *("reaches", "steps_to_target", "distinct_units"),
)
THEORY = {"preactivation_square": "predicted_preactivation_square", "correlation": "predicted_correlation"}
THEORY |= {"gradient_square": "predicted_gradient_square"}
OURS = ("name", "description", "seeds", "record")  # keys of a config that a claim sets itself
KEYS_OF_A_CLAIM = (
    "claim",
    "source",
    "group",
    "suite",
    "instead",
    "note",
    "network",
    "arms",
    "seeds",
    "metric",
    "expect",
)
REQUIRED = ("claim", "source", "group", "arms", "seeds", "metric", "expect")
RULES = {  # what stands beside each rule; the last is the bound
    "higher": ("than", "by"),
    "lower": ("than", "by"),
    "equal": ("within",),
    "share": ("at_least", "at_most"),
    "matches": ("value", "mean", "within"),
    "sooner": ("than", "by"),
}
MEANS = ("arithmetic", "geometric")  # of ratios
SOONER = 0.1  # above one half, of the seeds: what matters where a claim does not say

Read = TypeVar("Read")


class Metric(NamedTuple):
    """What is measured, one number a network, or one a seed where it is a slope.

    Attributes
    ----------
    name : str
    layer : int or None
        Of a probe, counted from 1; None for the last hidden layer.
    epoch : int or None
        Of training; None for the last one.
    over : str or None
        The key along which the slope of the metric is taken, in logarithms of both.
    is_exponential : bool
        Whether the slope is over the key itself and not over its logarithm.
    """

    name: str
    layer: int | None = None
    epoch: int | None = None
    over: str | None = None
    is_exponential: bool = False

    @property
    def is_probed(self) -> bool:
        """Whether it is seen before training."""
        return self.layer is not None or self.name not in TRAINED

    @property
    def is_of_layer(self) -> bool:
        """Whether it is one of a layer."""
        return self.is_probed and (self.layer is not None or self.name not in PROBED_NETWORKS)

    def __str__(self) -> str:
        places = [f"layer {self.layer}"] if self.layer else []
        places += [f"epoch {self.epoch}"] if self.epoch is not None else []
        shown = " at ".join([self.name, *places])
        return f"slope of {shown} over {self.over}" if self.over else shown


class Expectation(NamedTuple):
    """What a claim expects of its metric.

    Attributes
    ----------
    rule : str
        One of ``RULES``; a share is ``at_least`` or ``at_most``, ``matches`` on a geometric mean is ``geometric``.
    arms : tuple of str
        The one that the rule begins with, and the one that it is compared with.
    bound : float
        The smallest difference that matters, the margin of equality, the tolerance (a fraction), or the share.
    value : float or None
        What the metric is to match; None for what theory says, and where nothing is matched.
    """

    rule: str
    arms: tuple[str, ...]
    bound: float
    value: float | None = None


@dataclass(frozen=True)
class Claim:
    """A sentence about initializers, and how it is put to the test.

    Attributes
    ----------
    name : str
        The file's stem.
    sentence, source : str
        What is said, and where.
    group, suite : str
    instead, note : str
        What a textbook should print in its place; what the verdict depends on. May be empty.
    arms : mapping of str to Experiment
    metric : Metric
    expect : Expectation
    count : int
        How many seeds it asks for.
    file : Path
    """

    name: str
    sentence: str
    source: str
    group: str
    suite: str
    instead: str
    note: str
    arms: Mapping[str, Experiment]
    metric: Metric
    expect: Expectation
    count: int
    file: Path

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those of every arm."""
        return next(iter(self.arms.values())).seeds

    @property
    def plan(self) -> str:
        """A hash of all that is to be settled before the first look: sentence, arms with their budget, rule, count."""
        arms = {arm: _settled(experiment) for arm, experiment in self.arms.items()}
        settled = [self.sentence, arms, self.metric, self.expect, self.count]
        return sha256(json.dumps(settled, sort_keys=True).encode()).hexdigest()[:16]

    def at_seeds(self, seeds: tuple[int, ...]) -> Claim:
        """The same claim at other seeds."""
        return replace(self, arms={arm: replace(experiment, seeds=seeds) for arm, experiment in self.arms.items()})


def _settled(value: Any) -> Any:
    """What of an experiment bears on its numbers: of files the content and not the place, of plugins the code."""
    if isinstance(value, Experiment):
        given = {key: values for key, values in value.choices.items() if values != (YOUNGER.get(key, ()),)}
        choices = {key: _settled(values) for key, values in given.items()}
        tuning = [value.tuned, value.tuning_count] if value.tuned else []
        return [choices, value.epochs, value.target, value.clock, *tuning]
    if isinstance(value, tuple):
        return [_settled(inner) for inner in value]
    if not isinstance(value, Part):
        return value
    parameters = dict(value.parameters)
    place = Path(parameters.pop("file", "") or "")
    files = sorted(file for file in [place, *place.glob("*")] if file.is_file()) if place.name else []
    contents = [sha256(file.read_bytes()).hexdigest() for file in files]
    return [value.name, {name: _settled(inner) for name, inner in parameters.items()}, value.fingerprint, contents]


def read_claim(path: Path, folders: tuple[Path, ...] = ()) -> Claim:
    """Read a claim.

    Parameters
    ----------
    path : Path
    folders : tuple of Path
        Where data files are looked for, before the claim's own folder.

    Returns
    -------
    Claim

    Raises
    ------
    ConfigError
        With every fault of the file.
    """
    faults: list[Fault] = []
    whole_file = locate(read_text(path), str(path), faults)
    given = _mapping(whole_file, KEYS_OF_A_CLAIM, "a claim", faults)
    for name in REQUIRED:
        if name not in given:
            faults.append(
                whole_file.fault(
                    f"a claim needs the key '{name}'",
                    "for all keys: initbench claims schema; for a claim to start from: initbench claims show NAME",
                )
            )
    context = Context()

    def take(name: str, read: Callable[[Value], Read], otherwise: Read) -> Read:
        if name not in given or given[name].is_refused:
            return otherwise
        try:
            return read(given[name])
        except ConfigError as error:
            faults.extend(error.faults)
            return otherwise

    def word(name: str) -> str:
        return take(name, lambda value: str(text(name)(value, context)), "")

    def of(name: str, options: Collection[str], otherwise: str) -> str:
        return take(name, lambda value: str(choice(name, *options)(value, context)), otherwise)

    sentence, source, instead, note = (word(name) for name in ("claim", "source", "instead", "note"))
    group, suite = of("group", GROUPS, GROUPS[0]), of("suite", SUITES, "full")
    seeds = take("seeds", lambda value: int(COUNT_OF_SEEDS(value, context)), 1)
    metric = take("metric", _metric, None)
    none: dict[str, Experiment] = {}
    arms = take(
        "arms", lambda value: _arms(value, given.get("network"), given.get("seeds"), path, folders, faults), none
    )
    known = [str(name.data) for name, _ in given["arms"].pairs or ()] if "arms" in given else []
    expect = take("expect", lambda value: _expectation(value, known), None)
    if metric and expect and len(arms) == len(known):
        faults += _contradictions(metric, expect, arms, given)
    if faults or metric is None or expect is None:
        raise ConfigError(list(dict.fromkeys(faults)))
    if metric.name == "distinct_units" and not metric.is_probed:
        arms = {arm: replace(experiment, record=("curves", "layers")) for arm, experiment in arms.items()}
    claim = Claim(path.stem, sentence, source, group, suite, instead, note, arms, metric, expect, seeds, path)
    return claim.at_seeds(tuple(range(seeds)))


def _mapping(value: Value, known: Collection[str], what: str, faults: list[Fault]) -> dict[str, Value]:
    """The values of a mapping by their keys; those that are not known are told."""
    if value.pairs is None:
        raise value.error(f"{what} is a mapping of keys to values, and this is {value}")
    found = {}
    for key, inner in value.pairs:
        if key.data in known:
            found[str(key.data)] = inner
            continue
        close = nearest(str(key), known)
        hint = f"nearest name: {close}" if close else f"all names: {', '.join(known)}"
        faults.append(key.fault(f"unknown key '{key}' of {what}", hint))
    return found


def _arms(
    value: Value,
    network: Value | None,
    seeds: Value | None,
    path: Path,
    folders: tuple[Path, ...],
    faults: list[Fault],
) -> dict[str, Experiment]:
    """The experiment of each arm: its own keys on top of those of ``network``."""
    if not value.pairs:
        raise value.error(
            "arms is a mapping of names to keys of a config", "write arms: {He: {initializer: he_normal}}"
        )
    arms = {}
    for name, own in value.pairs:
        given: dict[str, tuple[Value, Value]] = {}
        wrong: list[Fault] = []
        for layer in filter(None, (network, own)):
            if layer.pairs is None:
                faults.append(layer.fault(f"{layer} holds no keys of a config", "write {initializer: he_normal}"))
                continue
            for key, inner in layer.pairs:
                if key.data in OURS:
                    wrong.append(key.fault(f"'{key}' is no key of a claim's networks", "leave it out"))
                    continue
                if layer is own:
                    for other in REPLACES.get(str(key.data), ()):
                        given.pop(other, None)
                enter(given, key, inner, wrong)
        given["name"] = (name, replace(name, data="claims", written="claims"))
        if seeds is not None:
            given["seeds"] = (seeds, seeds)
        try:
            experiment = make_experiment(given, path, folders, wrong)
        except ConfigError as error:
            faults.extend(error.faults)
            continue
        arms[str(name.data)] = experiment
    return arms


def _metric(value: Value) -> Metric:
    """Read a name, ``{name: {layer: 3}}``, ``{name: {epoch: 5}}`` or ``{slope: name, over: key}``."""
    context = Context()
    if value.pairs is None:
        return Metric(_metric_name(value))
    faults: list[Fault] = []
    keys = [key.data for key, _ in value.pairs]
    if "slope" in keys:
        given = _mapping(value, ("slope", "over", "exponential"), "a slope", faults)
        if "over" not in given:
            faults.append(value.fault("a slope needs the key 'over'", "write {slope: loss, over: depth}"))
        if faults:
            raise ConfigError(faults)
        over = str(choice("over", *(key.name for key in KEYS.values() if key.sweeps))(given["over"], context))
        inner = _metric(given["slope"])
        if inner.over:
            raise given["slope"].error("a slope of a slope is none", "name a metric")
        is_exponential = as_flag(given["exponential"]) if "exponential" in given else False
        if not isinstance(is_exponential, bool):
            raise given["exponential"].error(f"exponential is {given['exponential']} and must be true or false")
        return inner._replace(over=over, is_exponential=is_exponential)
    if len(value.pairs) != 1 or value.pairs[0][1].pairs is None:
        raise value.error(f"{value} is no metric", "write a name, {name: {layer: 3}} or {name: {epoch: 5}}")
    key, places = value.pairs[0]
    given = _mapping(places, ("layer", "epoch"), "a metric", faults)
    if faults:
        raise ConfigError(faults)
    read = {place: whole(place, int(place == "layer"), 10**6, "3")(inner, context) for place, inner in given.items()}
    metric = Metric(_metric_name(key), **read)
    if metric.layer is not None and metric.name not in PROBED_LAYERS:
        raise key.error(f"'{metric.name}' is no metric of a layer", f"those of layers: {', '.join(PROBED_LAYERS)}")
    if metric.epoch is not None and metric.name not in METRICS:
        raise key.error(f"'{metric.name}' has no epoch", f"those of epochs: {', '.join(METRICS)}")
    return metric


def metric_names() -> list[str]:
    """All metrics, those of trained networks first."""
    return list(dict.fromkeys((*TRAINED, *PROBED_NETWORKS, *PROBED_LAYERS)))


def _metric_name(value: Value) -> str:
    return str(choice("metric", *metric_names())(value, Context()))


def _expectation(value: Value, arms: list[str]) -> Expectation:
    """Read one of the rules."""
    rules = [key for key, _ in value.pairs or () if key.data in RULES]
    if len(rules) != 1:
        hint = "write for example {higher: ARM, than: ARM, by: 0.01}; the rules: " + ", ".join(RULES)
        raise value.error(f"{value} holds {len(rules)} rules and must hold one", hint)
    rule, context = str(rules[0].data), Context()
    faults: list[Fault] = []
    given = _mapping(value, (rule, *RULES[rule]), f"the rule '{rule}'", faults)

    def arm(inner: Value) -> str:
        if inner.written not in arms and arms:  # without arms, those were at fault
            faults.append(inner.fault(f"'{inner}' is no arm", f"the arms: {', '.join(arms)}"))
        return inner.written

    def bound(name: str, limits: Range, example: str) -> float:
        try:
            return float(number(name, limits, example)(given[name], context))
        except ConfigError as error:
            faults.extend(error.faults)
            return 0.0

    optional = {"sooner": ("by",), "share": RULES["share"], "matches": ("mean",)}.get(rule, ())
    lacking = [name for name in RULES[rule] if name not in given and name not in optional]
    if rule == "share" and ("at_least" in given) == ("at_most" in given):
        lacking.append("at_least or at_most")
    if lacking:
        raise ConfigError([*faults, value.fault(f"the rule '{rule}' needs {' and '.join(lacking)}")])
    above_zero = Range(low=0, open_low=True)
    matched = None
    if rule == "equal":
        pair = given["equal"].data if isinstance(given["equal"].data, list) else []
        if len(pair) != 2:
            raise given["equal"].error(f"equal is {given['equal']} and must be two arms", "write equal: [A, B]")
        names = tuple(arm(inner) for inner in pair)
    else:
        names = tuple(arm(given[key]) for key in (rule, "than") if key in given)
    if rule == "matches":
        if given["value"].data != "theory":
            matched = as_number(given["value"])
            if not isinstance(matched, (int, float)) or isinstance(matched, bool) or not 0 < matched < float("inf"):
                faults.append(given["value"].fault(f"value is {given['value']} and must be above 0, or theory"))
                matched = 1.0
            matched = float(matched)
        limit = bound("within", above_zero, "0.05")
        if "mean" in given and choice("mean", *MEANS)(given["mean"], context) == "geometric":
            rule = "geometric"
    elif rule == "share":
        rule = "at_least" if "at_least" in given else "at_most"
        limit = bound(rule, Range(low=0, high=1, open_low=True, open_high=True), "0.9")
    elif rule == "sooner":
        limit = bound("by", Range(low=0, high=0.5, open_high=True), "0.1") if "by" in given else SOONER
    else:
        limit = bound(RULES[rule][-1], above_zero, "0.01")
    if len(names) == 2 and names[0] == names[1]:
        faults.append(value.fault(f"the rule compares '{names[0]}' with itself", "name two arms"))
    if faults:
        raise ConfigError(faults)
    return Expectation(rule, names, limit, matched)


def _contradictions(
    metric: Metric, expect: Expectation, arms: Mapping[str, Experiment], given: Mapping[str, Value]
) -> list[Fault]:
    """What each is in itself, and cannot be beside the others."""
    at_metric, at_expect, at_arms = given["metric"], given["expect"], given["arms"]
    faults = []
    for arm, experiment in arms.items():
        if arm not in expect.arms:
            faults.append(at_arms.fault(f"the arm '{arm}' stands in no rule", "leave it out"))
        allowed = (metric.over,) if metric.over else ()
        swept = tuple(key for key in experiment.swept if key not in experiment.tuned)
        if experiment.tuned and metric.is_probed:
            hint = f"give {' and '.join(experiment.tuned)} one value"
            faults.append(at_arms.fault(f"the arm '{arm}' tunes a key, and '{metric}' is seen before training", hint))
        elif swept != allowed:
            told = ", ".join(swept) or "no key"
            hint = f"give {metric.over} a list of values" if metric.over else "give each key one value"
            faults.append(at_arms.fault(f"the arm '{arm}' sweeps {told}", hint))
        elif metric.over and any(not _is_positive(x) for x in experiment.choices[metric.over]):
            faults.append(at_metric.fault(f"a slope over {metric.over} needs numbers above 0 there"))
        depths = [len(h) if h else d for h, d in _layers(experiment)]
        if metric.layer is not None and metric.layer > min(depths) + 1:
            faults.append(at_metric.fault(f"layer is {metric.layer}, and the arm '{arm}' has {min(depths) + 1} layers"))
        if metric.epoch is not None and metric.epoch > experiment.epochs:
            faults.append(at_metric.fault(f"epoch is {metric.epoch}, and the arm '{arm}' has {experiment.epochs}"))
        if metric.name in ("reaches", "steps_to_target") and experiment.target is None:
            faults.append(at_metric.fault(f"'{metric.name}' needs a target", "add target: 0.5 to network"))
    if metric.name in FRACTIONS and not metric.over:
        faults += _beyond_fractions(metric, expect.rule, at_expect)
    is_share = metric.name in SHARES and not metric.over
    if expect.rule in ("at_least", "at_most") and not is_share:
        faults.append(at_metric.fault(f"a share is one of networks, and '{metric}' is not 0 or 1", "; ".join(SHARES)))
    if (expect.rule == "sooner") != (metric.name == "steps_to_target" and not metric.over):
        faults.append(at_expect.fault("'sooner' and steps_to_target belong together: a time may never come"))
    if expect.rule in ("matches", "geometric") and expect.value is None:
        hint = "theory says something of: " + ", ".join(THEORY)
        if metric.name not in THEORY or metric.over:
            faults.append(at_expect.fault(f"theory says nothing of '{metric}'", hint))
        for depth in (len(h) if h else d for arm in arms.values() for h, d in _layers(arm)):
            start = depth if metric.name == "gradient_square" else 1
            if (metric.layer or depth) == start:
                faults.append(at_metric.fault(f"theory starts from what is measured at layer {start}", "name another"))
    return faults


def _beyond_fractions(metric: Metric, rule: str, at_expect: Value) -> list[Fault]:
    """Bounds of a fraction that can only be meant as points or percent: 5 in place of 0.05."""
    faults = []
    for key, value in at_expect.pairs or ():
        if key.data not in ("by", "within", "value"):
            continue
        bound = as_number(value)
        most_open = key.data == "by" or rule == "equal"  # a ratio may be off by a factor of 2
        if isinstance(bound, (int, float)) and (bound > 1 or (bound == 1 and most_open)):
            said = f"{key} is {value}, and {metric} is a fraction: that would be {100 * bound:g} points"
            meant = bound / 100 if 1 < bound < 100 else 0.05
            faults.append(value.fault(said, f"for {100 * meant:g} points write {key}: {meant:g}"))
    return faults


def _layers(experiment: Experiment) -> list[tuple[tuple[int, ...] | None, int]]:
    if "hidden" in experiment.choices:
        return [(hidden, 0) for hidden in experiment.choices["hidden"]]
    return [(None, depth) for depth in experiment.choices["depth"]]


def _is_positive(value: Any) -> bool:
    return isinstance(value, (int, float)) and value > 0

"""The laws that every part keeps: each check says in words what it looked at, what it found, and whether that is right.

The tests run them on every registered part, and ``initbench check NAME`` on any one, also a user's.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from initbench.catalogue.network_laws import LAWS, architecture_faults
from initbench.config.experiment import MLP, Part
from initbench.contracts import Activation, Array, Layer, Optimizer, Shape
from initbench.errors import ParameterError, ShapeError
from initbench.networks import build_network
from initbench.registry import Entry, Parameter, find
from initbench.training.untrained import Start

SHAPES = ((1, 1), (1, 7), (7, 1), (40, 6), (6, 40), (24, 24))
LARGE = (600, 400)  # where weights are compared with a stated distribution
WIDE = (30, 8000)  # where biases are, of which a layer has few
VARIED = (200, 150)  # where both are at other parameters and in other layers
SMALL = (12, 10)  # where both are in many layers, since a rule may hang on the fans
SMALL_NUMBERS = 12_000  # that are drawn there
TWICE = (24, 60)  # of two layers that must not share draws
SEEDS = (0, 1, 2)
STANDARD_ERRORS = 5.0
SMALLEST_P = 1e-6
FINE = 20_000  # values at which distribution functions are compared
EXACT = 1e-9
NETWORKS = (((6, 12, 12, 12, 3), "tanh"), ((6, 12, 12, 12, 1), "relu"))
ROWS = 64
ALIKE = 0.9  # correlation of two layers' weights from which on they are the same draws, scaled
SAME_UNIT = 1e-9  # below 1, the cosine of two units from which on they are the same draws, scaled
FEW = 24  # so few values among many weights look drawn by no chance
SLOPE_ERROR = 1e-6
BOWL_STEPS = 3000
BOTTOM = 1e-2
BRANCH = {"branches": 4, "branch_length": 2}
PLACES = ("hidden layer", "first layer", "last layer", "start of a branch", "end of a branch")
ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh")
SAME_BYTES = "the generator it is given is the only source of chance"
OWN_ARRAY = "each layer gets an array of its own"
OWN_DRAWS = "layers of equal shape never share draws"
OWN_UNITS = "units of a layer never share draws"
EVERY_SHAPE = "draws a layer of every shape, or raises ShapeError"
SMALLER = "the same in small layers"
ELSEWHERE = "the same at other parameters and in other layers"
NO_DISTRIBUTION = """not tried: mean, std, support and shape of what it draws, as it states no distribution; to do so:
  @initializer('NAME', distribution=lambda fan_in, fan_out: scipy.stats.norm(0, fan_in**-0.5))
  with its parameters, if it has any, as further arguments of the same names"""


class Finding(NamedTuple):
    """One law, what was found, and whether the law holds."""

    law: str
    found: str
    holds: bool

    def __str__(self) -> str:
        return f"{self.law}: {self.found}" if self.found else self.law


Findings = Iterator[Finding]


def check_laws(entry: Entry) -> list[Finding]:
    """Check a part against the laws of its kind.

    Parameters
    ----------
    entry : Entry
        Of any kind but a data set, ours or a user's.

    Returns
    -------
    list of Finding
        One a law, in the order of the checks: the first place where it is broken, or the last where it was tried.

    Examples
    --------
    >>> print(check_laws(find("bias", "constant"))[-3])
    every bias is 0.01: all 24000 are
    """
    laws: dict[str, Callable[[Entry], Findings]] = {
        "initializer": _network_findings if entry.scope == "network" else _layer_findings,
        "bias": _layer_findings,
        "activation": _activation_findings,
        "optimizer": _optimizer_findings,
        "schedule": _schedule_findings,
        "architecture": _architecture_findings,
    }
    if not entry.summary:
        wish = "has a docstring, whose first line initbench list shows"
        return [Finding(wish, f"'{entry.name}' has none", False)]
    findings: dict[str, Finding] = {}
    try:
        with np.errstate(all="ignore"):
            for finding in laws[entry.kind](entry):
                if finding.law not in findings or findings[finding.law].holds:
                    findings[finding.law] = finding
    except Exception as error:
        if not any(str(error) in finding.found for finding in findings.values()):
            findings[""] = Finding("works at its defaults", f"{type(error).__name__}: {error}", False)
    return list(findings.values())


def broken_laws(entry: Entry) -> list[str]:
    """The laws that a part breaks, "law: what was found first", a sentence a law; empty when all hold.

    Examples
    --------
    >>> broken_laws(find("initializer", "he_normal"))
    []
    """
    return [str(finding) for finding in check_laws(entry) if not finding.holds]


def why_unchecked(entry: Entry) -> str:
    """Why a part cannot be checked against laws; empty where it can."""
    required = [parameter.name for parameter in entry.parameters.values() if parameter.is_required]
    lacking = [name for name in required if name not in entry.about.trial]
    if entry.kind == "dataset":
        return "no law covers what is in a data set; its files against their checksum: initbench data verify"
    if not lacking:
        return ""
    wish = f"a value to try it with goes into its decorator, trial={{'{lacking[0]}': VALUE}}"
    return f"parts are tried from their defaults, and its parameter '{lacking[0]}' has none; {wish}"


def remarks(entry: Entry) -> list[str]:
    """What is worth knowing of an initializer that breaks no law: what could not be tried, and what may be no fault."""
    if entry.scope == "network":
        return list(_network_remarks(entry))
    states_nothing = entry.about.distribution is None and not entry.about.properties
    return [NO_DISTRIBUTION] if entry.kind == "initializer" and states_nothing and layer_draws_differ(entry) else []


def known_layer(entry: Entry, activation: str = "relu") -> dict[str, Layer]:
    """The keyword ``layer`` of a part that asks for it, a hidden layer; nothing for others."""
    return {"layer": Layer(1, 3, find("activation", activation).function())} if entry.wants_layer else {}


def stated_distribution(entry: Entry, shape: Shape, activation: str = "relu") -> Any:
    """What a part states for one weight (or bias) at its defaults: a frozen `scipy.stats` distribution or a number.

    None for a part that states no distribution there.
    """
    stated = Trial(entry, activation=activation).distributions(shape)
    return stated[0] if stated else None


@dataclass(frozen=True)
class Trial:
    """A part with values for some parameters; an initializer or bias in a place of a network.

    Attributes
    ----------
    entry : Entry
    changed : mapping of str to value
        Parameters that are not at their defaults.
    place : str
        One of ``PLACES``.
    activation : str
        Of the hidden layers.
    """

    entry: Entry
    changed: Mapping[str, Any] = field(default_factory=dict)
    place: str = "hidden layer"
    activation: str = "relu"

    def __str__(self) -> str:
        parameters = [
            f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in self.changed.items()
        ]
        return ", ".join(parameters) or f"{self.place} behind {self.activation}"

    @property
    def values(self) -> dict[str, Any]:
        """The parameters by name."""
        return {**_defaults(self.entry), **self.changed}

    def given(self, shape: Shape) -> dict[str, Any]:
        """The parameters by name, and the layer where the part asks for it."""
        return self.values | {"layer": self._layer(shape)} if self.entry.wants_layer else self.values

    def _layer(self, shape: Shape) -> Layer:
        phi = find("activation", self.activation).function()
        if self.place == "first layer":
            return Layer(0, 3, phi, inputs=np.random.default_rng(0).standard_normal((ROWS, shape[0])))
        if self.place == "last layer":
            classes = np.arange(2 * max(shape[1], 2) + 1)[:, None] % max(shape[1], 2)  # class 0 has one row more
            return Layer(2, 3, phi, targets=(classes == np.arange(shape[1])).astype(float))
        branch: dict[str, Any] = {
            "start of a branch": BRANCH | {"branch_place": 1},
            "end of a branch": BRANCH | {"branch_place": 2},
        }.get(self.place, {})
        return Layer(1, 3, phi, **branch)

    def draw(self, shape: Shape, seed: int) -> tuple[Any, ...]:
        """The weights, the weights and biases, or of a bias the biases."""
        drawn = self.entry.function(shape, np.random.default_rng(seed), **self.given(shape))
        return drawn if isinstance(drawn, tuple) else (drawn,)

    def distributions(self, shape: Shape) -> tuple[Any, ...]:
        """What is stated for a number of each array drawn; empty if nothing is, at least in this place."""
        if self.entry.about.distribution is None:
            return ()
        stated = self.entry.about.distribution(*shape, **self.given(shape))
        return stated if isinstance(stated, tuple) else () if stated is None else (stated,)

    def nouns(self) -> tuple[str, ...]:
        """What the arrays drawn are called."""
        return ("weights", "biases") if self.entry.kind == "initializer" else ("biases",)


def _defaults(entry: Entry) -> dict[str, Any]:
    """The default of each parameter, or what is stated to try one with that has none."""
    return {name: parameter.default for name, parameter in entry.parameters.items()} | dict(entry.about.trial)


def variations(entry: Entry) -> Iterator[Trial]:
    """A part in other layers if it asks for its layer, and with each parameter at other values, one at a time."""
    if entry.wants_layer:
        yield from (Trial(entry, place=place, activation="tanh") for place in PLACES)
        yield from (Trial(entry, activation=name) for name in ACTIVATIONS)
    for parameter in entry.parameters.values():
        yield from (Trial(entry, {parameter.name: value}, activation="tanh") for value in other_values(parameter))


def other_values(parameter: Parameter) -> Iterator[Any]:
    """Values that a parameter takes beside its default: each choice of words, and one number."""
    for wanted in parameter.types:
        if typing.get_origin(wanted) is typing.Literal:
            yield from (word for word in typing.get_args(wanted) if word != parameter.default)
        elif wanted is bool:
            yield not parameter.default
        elif wanted in (int, float):
            is_number = isinstance(parameter.default, (int, float))
            for value in (wanted(1.5 * parameter.default) if is_number else 0.5, 0.5, 2):
                if value != parameter.default and _is_taken(parameter, value):
                    yield value
                    break


def _is_taken(parameter: Parameter, value: Any) -> bool:
    try:
        parameter.check(value)
    except ParameterError:
        return False
    return True


def _layer_findings(entry: Entry) -> Findings:
    """Of an initializer that draws a layer at a time, or of a bias."""
    trial = Trial(entry)
    checks = [_repeated_findings(trial, shape) for shape in SHAPES]
    checks.append(_independence_findings(trial))
    checks.append(_distribution_findings(trial, 0, LARGE if entry.kind == "initializer" else WIDE, SEEDS))
    checks.append(_distribution_findings(trial, 1, WIDE, SEEDS))
    is_sound = True
    for check in checks:
        try:
            for finding in check:
                yield finding
                is_sound &= finding.holds
        except ShapeError:
            continue  # a part may refuse a shape, as long as it says so
    if is_sound:  # else each fault would come twice
        yield from _small_findings(trial)
        yield from _variation_findings(entry, _varied_findings)


def _repeated_findings(trial: Trial, shape: Shape) -> Findings:
    """What a layer is like, and that the seed alone decides it."""
    try:
        drawn = trial.draw(shape, 0)
    except ShapeError:
        raise
    except Exception as error:
        yield Finding(EVERY_SHAPE, f"{type(error).__name__} at {shape}: {error}", False)
        return
    yield from _drawn_findings(trial, drawn, shape)
    if not all(isinstance(array, np.ndarray) for array in drawn):
        return
    again = trial.draw(shape, 0)
    is_same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(drawn, again, strict=True))
    yield Finding(SAME_BYTES, "" if is_same else f"two draws of {shape} from seed 0 differ", is_same)
    is_own = not any(np.shares_memory(a, b) for a in drawn for b in again)
    yield Finding(OWN_ARRAY, "" if is_own else "two draws share their memory, and training changes it", is_own)


def _drawn_findings(trial: Trial, drawn: tuple[Any, ...], shape: Shape) -> Findings:
    """Shapes, types and numbers of what is drawn, and how far it misses what the part states of whole layers."""
    for what, array in zip(trial.nouns(), drawn, strict=False):
        is_array = isinstance(array, np.ndarray)
        found = "None; is there a return?" if array is None else type(array).__name__
        yield Finding(f"returns {what} as an array", "" if is_array else f"got {found}", is_array)
        if not is_array:
            return
        yield from _number_findings(what, array, shape)
    for words, error in trial.entry.about.properties.items():
        yield _property_finding(words, error, drawn, trial.given(shape), f"at {shape[0]} × {shape[1]}")


def _number_findings(what: str, array: Array, shape: Shape) -> Findings:
    """What can be said of one array; the later laws only where the earlier hold."""
    sides, wanted = ("(fan_in, fan_out)", shape) if what == "weights" else ("(fan_out,)", shape[1:])
    holds = array.shape == wanted
    yield Finding(f"{what} have the shape {sides}", "" if holds else f"got {array.shape} for {shape}", holds)
    if holds:
        holds = array.dtype == np.float64
        yield Finding(f"{what} are drawn in float64", "" if holds else f"got {array.dtype}", holds)
    if holds:
        holds = bool(np.isfinite(array).all())
        yield Finding(f"{what} are finite", "" if holds else f"got nan or inf in a layer of {shape}", holds)


def _independence_findings(trial: Trial) -> Findings:
    """Two layers of one shape, and the weights and biases of one layer, are not the same draws."""
    (first, *biases), (second, *_) = trial.draw(TWICE, 0), trial.draw(TWICE, 1)
    if not _has_few_values(first):
        alike = _correlation(first, second)
        found = f"the draws of seeds 0 and 1 have the correlation {alike:.2g}"
        yield Finding(OWN_DRAWS, found, not alike > ALIKE)
    if trial.entry.about.distribution is not None and trial.entry.kind == "initializer" and not _has_few_values(first):
        copies = _count_copies(first)
        found = f"{copies} of {first.shape[1]} have the weights of another, but for their scale" if copies else ""
        yield Finding(OWN_UNITS, found, not copies)
    if biases and not _has_few_values(biases[0]):
        alike = max(_correlation(row, biases[0]) for row in first)
        found = f"the biases and the weights of one input have the correlation {alike:.2g} at most"
        yield Finding("weights and biases never share draws", found, not alike > ALIKE)


def _count_copies(weights: Array) -> int:
    """How many units have the weights of another, times a positive number; mirror images may be meant."""
    lengths = np.linalg.norm(weights, axis=0)
    units = weights / np.where(lengths > 0, lengths, 1)
    return int((units.T @ units - 2 * np.eye(len(lengths)) > 1 - SAME_UNIT).any(axis=0).sum())


def _correlation(first: Array, second: Array) -> float:
    return float(abs(np.corrcoef(np.ravel(first), np.ravel(second))[0, 1]))


def _property_finding(
    words: str, error: Callable[..., Any], drawn: Iterable[Any], given: Mapping[str, Any], place: str
) -> Finding:
    try:
        miss = float(np.abs(error(*drawn, **given)).max(initial=0.0))
    except Exception as fault:
        wish = f"its property '{words}' is a function of what it draws and its parameters"
        return Finding(wish, f"{type(fault).__name__}: {fault}", False)
    return Finding(words, f"off by {miss:.2g} {place}", miss < EXACT)


def _distribution_findings(trial: Trial, of: int, shape: Shape, seeds: Iterable[int]) -> Findings:
    """Compare the array ``of`` of what is drawn with what the part states for it, if anything."""
    try:
        stated = trial.distributions(shape)[of : of + 1]
        if stated and not isinstance(stated[0], (int, float)):
            stated[0].stats("mvk")
            if np.isnan(stated[0].support()).any():
                raise ParameterError("its parameters are none that this distribution can have")
    except Exception as error:
        wish = "its distribution is (fan_in, fan_out, **parameters) -> frozen scipy.stats"
        yield Finding(wish, f"{type(error).__name__}: {error}", False)
        return
    for law in stated:
        layers = [trial.draw(shape, seed) for seed in seeds]
        if of >= len(layers[0]):
            yield Finding(
                "draws the weights and the biases that it states distributions for", "got weights alone", False
            )
            return
        arrays, what = [layer[of] for layer in layers], trial.nouns()[of]
        wrong = [finding for array in arrays for finding in _number_findings(what, array, shape) if not finding.holds]
        yield from wrong
        if wrong:
            return
        drawn = np.concatenate([np.ravel(array) for array in arrays])
        if isinstance(law, (int, float)):
            yield _number_finding(drawn, law, what)
        else:
            yield from _sample_findings(drawn, law, " of the biases" if of else "", shape)


def _small_findings(trial: Trial) -> Findings:
    """Compare draws of many small layers with what the part states for them, if anything, as one law."""
    tried = 0
    try:
        for of in range(len(trial.distributions(SMALL))):
            seeds = range(SMALL_NUMBERS // (prod(SMALL) if trial.nouns()[of] == "weights" else SMALL[1]))
            found = _distribution_findings(trial, of, SMALL, seeds)
            yield from (Finding(SMALLER, str(finding), False) for finding in found if not finding.holds)
            tried = max(tried, len(seeds))
    except ShapeError:
        return  # a part may refuse a shape, as long as it says so
    if tried:
        yield Finding(SMALLER, f"tried {tried} of {SMALL[0]} × {SMALL[1]}", True)


def _number_finding(drawn: Array, number: float, what: str) -> Finding:
    misses = np.count_nonzero(~np.isclose(drawn, number, rtol=EXACT, atol=0.0))
    found = f"all {drawn.size} are" if not misses else f"{misses} of {drawn.size} are not"
    return Finding(f"every {'weight' if what == 'weights' else 'bias'} is {number:g}", found, not misses)


def _sample_findings(drawn: Array, stated: Any, subject: str, shape: Shape) -> Findings:
    """Mean and std of draws within sampling error of what is stated, support exact up to rounding, then shape."""
    low, high = stated.support()
    mean, variance, kurtosis = map(float, stated.stats("mvk"))
    std, found = variance**0.5, np.sqrt(np.mean((drawn - mean) ** 2))
    mean_error, std_error = std / drawn.size**0.5, std * ((kurtosis + 2) / 4 / drawn.size) ** 0.5
    rounding = 1e-9 * std if np.isfinite(std) else 0.0
    place = f"by its distribution at {shape[0]} × {shape[1]}"
    is_mean = not abs(drawn.mean() - mean) > STANDARD_ERRORS * mean_error + rounding
    is_std = not abs(found - std) > STANDARD_ERRORS * std_error + rounding
    is_inside = not (drawn.min() < low - rounding or drawn.max() > high + rounding)
    yield Finding(f"mean{subject} is {mean:.4g} {place}", f"drew {drawn.mean():.4g}", is_mean)
    yield Finding(f"std{subject} is {std:.4g} {place}", f"drew {found:.4g}", is_std)
    extremes = f"drew from {drawn.min():.4g} to {drawn.max():.4g}"
    yield Finding(f"support{subject} is {low:.4g} to {high:.4g} {place}", extremes, is_inside)
    if is_mean and is_std and is_inside:
        yield _shape_finding(drawn, stated, subject, place)


def _shape_finding(drawn: Array, stated: Any, subject: str, place: str) -> Finding:
    """The Kolmogorov-Smirnov test, also where the distribution function jumps."""
    from scipy import special  # here, since it takes longer to import than NumPy

    values, counts = np.unique(drawn, return_counts=True)
    share = np.cumsum(counts) / drawn.size
    step = (
        1 + len(values) // FINE
    )  # Beta's distribution function takes 10 µs a value, and between these it moves little
    chosen = (np.arange(len(values)) % step == 0) | (counts > step)
    values, counts, share = values[chosen], counts[chosen], share[chosen]
    before = np.abs(share - counts / drawn.size - stated.cdf(np.nextafter(values, -np.inf)))  # left of a jump
    gaps = np.maximum(np.abs(share - stated.cdf(values)), before)
    p = float(special.kolmogorov(drawn.size**0.5 * gaps.max()))
    found = (
        f"at {values[gaps.argmax()]:.3g} its distribution function is off by {gaps.max():.2g} "
        f"(Kolmogorov-Smirnov p = {p:.1g})"
    )
    return Finding(f"shape{subject} is that of {stated.dist.name} {place}", found, p >= SMALLEST_P)


def _variation_findings(entry: Entry, check: Callable[[Trial], Iterable[Finding]]) -> Findings:
    """What ``check`` finds at other parameters and in other layers, as one law."""
    tried = []
    for trial in variations(entry):
        try:
            findings = list(check(trial))
        except (ParameterError, ShapeError):
            continue  # a part may refuse a combination, as long as it says so
        except Exception as error:
            yield Finding(ELSEWHERE, f"{trial}: {type(error).__name__}: {error}", False)
            continue
        yield from (Finding(ELSEWHERE, f"{trial}: {finding}", False) for finding in findings if not finding.holds)
        tried.append(str(trial))
    if tried:
        yield Finding(ELSEWHERE, f"tried {'; '.join(tried)}", True)


def _varied_findings(trial: Trial) -> Findings:
    """What can be said of one draw, and of the distribution of its numbers."""
    yield from _drawn_findings(trial, trial.draw(VARIED, 0), VARIED)
    for of in range(len(trial.distributions(VARIED))):
        yield from _distribution_findings(trial, of, VARIED, SEEDS[:1])


def trial_network(sizes: tuple[int, ...], activation: str, rows: int = ROWS, seed: int = 0) -> Start:
    """A network to fill, with zero biases.

    Parameters
    ----------
    sizes : tuple of int
        Inputs, units of each hidden layer, outputs (1 for two classes).
    activation : str
        Of the hidden layers.
    rows : int, default 64
        Training rows, standard normal, of random classes.
    seed : int, default 0
        Of what the network draws; rows and classes are always the same.

    Returns
    -------
    Start
    """
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, sizes[0]))
    classes = rng.integers(max(sizes[-1], 2), size=(rows, 1))
    targets = classes == np.arange(sizes[-1]) if sizes[-1] > 1 else classes
    network = build_network(MLP, sizes[:1], sizes[-1], hidden=sizes[1:-1], activation=Part("activation", activation))
    return Start(seed, Part("bias", "zeros"), network, x, targets)


def _network_findings(entry: Entry) -> Findings:
    for sizes, activation in NETWORKS:
        network, again = trial_network(sizes, activation), trial_network(sizes, activation)
        given, rows = [*network.weights, *network.biases], (network.x.copy(), network.targets.copy())
        name = f"a {'-'.join(map(str, sizes))} {activation} network"
        where = f"of {name}"
        try:
            entry.function(network, **_defaults(entry))
            entry.function(again, **_defaults(entry))
        except ShapeError:
            continue
        except Exception as error:
            wish = "fills every network, or raises ShapeError"
            yield Finding(wish, f"{type(error).__name__}, weights {where}: {error}", False)
            continue
        filled = [*network.weights, *network.biases]
        replaced = [f"{np.shape(a)} for {b.shape}" for a, b in zip(filled, given, strict=True) if a is not b]
        found = f"an array {where} is now another, {replaced[0]}; write weights[:] = ..." if replaced else ""
        yield Finding("fills the arrays it is given", found, not replaced)
        if replaced:
            continue
        is_untouched = all(map(np.array_equal, (network.x, network.targets), rows))
        yield Finding(
            "leaves x and targets as they are", "" if is_untouched else f"it changed those {where}", is_untouched
        )
        is_same = _start_bytes(network) == _start_bytes(again)
        found = "" if is_same else f"two starts {where} from seed 0 differ"
        yield Finding("network.rng(layer) is the only source of chance", found, is_same)
        yield from _filling_findings(network, where)
        for words, missed in entry.about.properties.items():
            yield _property_finding(words, missed, (network,), _defaults(entry), f"in {name}")


def _filling_findings(network: Start, where: str) -> Findings:
    """What can be said of the weights and biases of one network."""
    is_finite = all(np.isfinite(array).all() for array in (*network.weights, *network.biases))
    yield Finding("weights and biases are finite", "" if is_finite else f"got nan or inf in those {where}", is_finite)
    empty = [str(layer + 1) for layer, weights in enumerate(network.weights[:-1]) if not weights.any()]
    found = f"layer {', '.join(empty)} {where} is left at zero" if empty else ""
    yield Finding("fills every hidden layer", found, not empty)
    _, first, second, _ = network.weights
    if not _has_few_values(first):
        is_copy = _correlation(first, second) > ALIKE
        found = f"layers 2 and 3 {where} have the same weights, but for their scale" if is_copy else ""
        yield Finding(OWN_DRAWS, found, not is_copy)


def _network_remarks(entry: Entry) -> Iterator[str]:
    starts = [trial_network(*NETWORKS[0], seed=seed) for seed in (0, 1)]
    try:
        for start in starts:
            entry.function(start, **_defaults(entry))
    except ShapeError as error:
        yield f"not tried on the network that it refuses: {error}"
        return
    if not starts[0].weights[-1].any():
        yield "the last layer is left at zero: fine if meant, the logits then start at its biases"
    if _start_bytes(starts[0]) == _start_bytes(starts[1]):
        yield "seeds 0 and 1 start alike: fine for a scheme without chance; others draw from network.rng(layer)"


def _start_bytes(network: Start) -> list[bytes]:
    return [array.tobytes() for array in (*network.weights, *network.biases)]


def slope_error(activation: Activation, z: Array) -> float:
    """Largest difference between an activation's slope and its central difference, for points ``z`` off its kinks."""
    parameter = () if activation.start is None else (np.float64(activation.start),)

    def value(points: Array) -> Array:
        return activation.value(points, *parameter, out=np.empty_like(points))

    step = 1e-6
    central = (value(z + step) - value(z - step)) / (2 * step)
    slope = activation.slope(z, value(z), *parameter, out=np.empty_like(z))
    return float(np.max(np.abs(slope - central)))


def parameter_slope_error(activation: Activation, z: Array) -> float:
    """Largest difference between a trained activation's slope by its parameter and the central difference."""
    start, step = np.float64(activation.start or 0.0), 1e-6
    ends = [activation.value(z, start + side * step, out=np.empty_like(z)) for side in (-1, 1)]
    slope = activation.parameter_slope(z, np.empty_like(z)) if activation.parameter_slope else np.zeros_like(z)
    return float(np.max(np.abs(slope - (ends[1] - ends[0]) / (2 * step))))


def _activation_findings(entry: Entry) -> Findings:
    yield from _function_findings(Trial(entry))
    yield from _variation_findings(entry, _function_findings)


def _function_findings(trial: Trial) -> Findings:
    """What an activation does to points, in both types, and how far its slopes are off."""
    activation = trial.entry.function(**trial.values)
    is_right = isinstance(activation, Activation)
    yield Finding("returns an Activation", "" if is_right else f"got {type(activation).__name__}", is_right)
    if not is_right:
        return
    z = np.random.default_rng(0).normal(scale=2, size=(3, 5, 7))
    for dtype in (np.float32, np.float64):
        yield from _point_findings(activation, z.astype(dtype))
    error = slope_error(activation, z)
    yield Finding("its slope equals its central difference", f"off by {error:.2g}", error < SLOPE_ERROR)
    if activation.start is not None:
        error = parameter_slope_error(activation, z)
        yield Finding("its parameter_slope equals its central difference", f"off by {error:.2g}", error < SLOPE_ERROR)


def _point_findings(activation: Activation, points: Array) -> Findings:
    """Of values and slopes: shape and type, what they leave alone, and what they look at."""
    typed = () if activation.start is None else (points.dtype.type(activation.start),)
    before, buffer = points.copy(), np.empty_like(points)
    value = activation.value(points, *typed, out=np.empty_like(points))
    is_kept = value.dtype == points.dtype and value.shape == points.shape
    found = f"{points.shape} {points.dtype} became {value.shape} {value.dtype}"
    yield Finding("keeps shape and dtype", "" if is_kept else found, is_kept)
    if not is_kept:
        return
    is_untouched = np.array_equal(points, before)
    yield Finding("leaves z as it is", "" if is_untouched else "it changed its input", is_untouched)
    alone = activation.value(points[1:2, 2:3], *typed, out=np.empty((1, 1, 7), points.dtype))
    is_alone = np.array_equal(alone, value[1:2, 2:3])
    found = "" if is_alone else "the value of a row changes with the rows beside it"
    yield Finding("is elementwise", found, is_alone)
    kept = value.copy()
    slope = activation.slope(points, value, *typed, out=buffer)
    is_kept = slope.dtype in (points.dtype, bool) and slope.shape == points.shape
    found = f"{points.shape} {points.dtype} became {slope.shape} {slope.dtype}"
    yield Finding("its slope keeps shape and dtype, or is a mask", "" if is_kept else found, is_kept)
    is_untouched = np.array_equal(value, kept) and np.array_equal(points, before)
    found = "" if is_untouched else "it changed its input"
    yield Finding("its slope leaves z and phi(z) as they are", found, is_untouched)
    if activation.by_value:
        blind = activation.slope(np.full_like(points, np.nan), value, *typed, out=np.empty_like(points))
        in_place = activation.value(before, *typed, out=before)
        is_blind = np.array_equal(blind, slope) and np.array_equal(in_place, value)
        found = "" if is_blind else "its slope looks at z, or its value cannot be computed in place"
        yield Finding("needs phi(z) alone, as by_value says", found, is_blind)


def _optimizer_findings(entry: Entry) -> Findings:
    yield from _step_findings(Trial(entry))
    yield from _variation_findings(entry, _step_findings)


def _step_findings(trial: Trial) -> Findings:
    """Where an optimizer's steps lead two networks together and one alone."""
    optimizer = trial.entry.function(**trial.values)
    is_right = isinstance(optimizer, Optimizer)
    yield Finding("returns an Optimizer", "" if is_right else f"got {type(optimizer).__name__}", is_right)
    if not is_right:
        return
    for dtype in (np.float32, np.float64):
        target = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]], dtype)
        rates = np.array([[0.01], [0.02]], dtype)
        together, alone = (_descend(optimizer, target[rows], rates[rows]) for rows in (slice(None), slice(0, 1)))
        away = float(np.abs(together - target).max())
        found = f"{'' if away < BOTTOM else 'still '}{away:.2g} away after {BOWL_STEPS} steps"
        yield Finding("reaches the bottom of a bowl", found, away < BOTTOM)
        is_alone = np.array_equal(together[:1], alone, equal_nan=True)
        found = "" if is_alone else "the first network moves otherwise when alone"
        yield Finding("a network's step does not depend on its neighbours", found, is_alone)
        if optimizer.by_weight:
            is_alone = np.array_equal(together[:, 1:], _descend(optimizer, target[:, 1:], rates), equal_nan=True)
            found = "" if is_alone else "the last weights move otherwise without the first"
            yield Finding("each weight moves by its own numbers, as by_weight says", found, is_alone)


def _descend(optimizer: Optimizer, target: Array, rates: Array) -> Array:
    """Where steps down a bowl around ``target`` end, a network a row, at learning rates that fall to 0."""
    weights = np.zeros_like(target)
    states = [np.zeros_like(weights) for _ in range(optimizer.states)]
    for count in range(1, BOWL_STEPS + 1):
        falling = rates * rates.dtype.type(1 - count / BOWL_STEPS)
        optimizer.step(weights, weights - target, states, falling, count)
    return weights


def _schedule_findings(entry: Entry) -> Findings:
    yield from _factor_findings(Trial(entry))
    yield from _variation_findings(entry, _factor_findings)


def _factor_findings(trial: Trial) -> Findings:
    """What a schedule multiplies the learning rate by in trainings of some lengths."""
    schedule = trial.entry.function(**trial.values)
    found = "" if callable(schedule) else f"got {type(schedule).__name__}"
    yield Finding("returns a function (count, steps)", found, callable(schedule))
    for steps in (1, 2, 1000) if callable(schedule) else ():
        factors = [schedule(count, steps) for count in range(1, steps + 1)]
        off = [count for count, factor in enumerate(factors, 1) if not 0 <= factor <= 1]
        found = f"got {factors[off[0] - 1]} at step {off[0]} of {steps}" if off else ""
        yield Finding("factors are from 0 to 1", found, not off)
        is_same = factors == [schedule(count, steps) for count in range(1, steps + 1)]
        yield Finding(
            "a step has one factor", "" if is_same else f"a second time gave others, of {steps} steps", is_same
        )


def _architecture_findings(entry: Entry) -> Findings:
    tried = replace(entry, function=partial(entry.function, **_defaults(entry)))
    broken = [fault.partition(": ") for fault in architecture_faults(tried)]
    yield from (Finding(law, found, False) for law, _, found in broken)
    yield from (Finding(law, "", True) for law in LAWS if not broken)


def _has_few_values(weights: Array) -> bool:
    """Whether the weights of a layer look drawn by no chance."""
    return len(np.unique(weights)) <= FEW


def layer_draws_differ(entry: Entry) -> bool:
    """Whether two layers of equal shape get different weights, as random ones must."""
    trial = Trial(entry)
    return not np.array_equal(trial.draw(TWICE, 0)[0], trial.draw(TWICE, 1)[0])

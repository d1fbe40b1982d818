"""Explanations of parts, citations, and the tables of the documentation."""

from __future__ import annotations

import inspect
import math
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from initbench.config import Experiment, Part
from initbench.config.keys import KEYS
from initbench.conformance import known_layer, stated_distribution, trial_network
from initbench.contracts import Activation, Array, Shape
from initbench.errors import InitbenchError, ParameterError, UsageError, nearest
from initbench.registry import FOLDERS, Entry, Parameter, entries, find, instead, lookup, lookup_any, lookup_end
from initbench.theory import Rule, critical_point, evaluate, gain, verdict

REFERENCES = Path(__file__).parent / "parts" / "references.bib"
WIDTH, TITLE_WIDTH, NARROWEST = 100, 13, 20  # characters of a line, of a title, and at least beside a title
ENOUGH_WEIGHTS, MOST_DRAWS = 400_000, 30_000
EVEN_ERROR = 1e-3  # of chi; even draws give the moments of narrow layers and wide tails better than that
LIBRARIES = ("Keras", "PyTorch", "JAX", "scikit-learn")
NO_SUCH_THING = "–"
ROWS, CLASSES, WIDEST = 256, 10, 256  # of the network that a network-wide initializer is shown on
RULES: dict[Rule, str] = {
    "torch": "calculate_gain of PyTorch",
    "forward": "1/√E[φ²]",
    "backward": "1/√E[φ′²]",
    "geometric": "√(forward × backward)",
}
BIAS_SCALES = (0.0, 0.2)
KINK = 1e-9  # how far to both sides of 0 the slope is looked at


def bibliography() -> dict[str, str]:
    """The BibTeX entries that parts cite, by key."""
    text = REFERENCES.read_text(encoding="utf-8")
    found = re.findall(r"^@\w+\{([^,]+),.*?^\}", text, re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"^@\w+\{.*?^\}", text, re.MULTILINE | re.DOTALL)
    return dict(zip(found, blocks, strict=True))


def parts_of(value: Any) -> Iterator[Part]:
    """The parts in a value of a config, those within others included."""
    if isinstance(value, Part):
        yield value
        for _, inner in value.parameters:
            yield from parts_of(inner)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from parts_of(item)


def citations(experiment: Experiment) -> list[str]:
    """Keys of the works behind the parts of an experiment, each once, in the order of the config."""
    keys: list[str] = []
    for values in experiment.choices.values():
        for part in parts_of(values):
            entry = lookup(part.kind, part.name)
            keys += entry.about.cites if entry else ()
    return list(dict.fromkeys(keys))


def find_any(name: str) -> Entry:
    """The part of this name or alias, of whatever kind, or that a library's dotted name ends in.

    Raises
    ------
    UsageError
        When there is none; the message has the nearest name.
    """
    entry = lookup_any(name) or lookup_end(name)
    if entry is not None:
        return entry
    close = nearest(name, [*(entry.name for kind in FOLDERS for entry in entries(kind)), *KEYS])
    hint = f"nearest name: {close}" if close else "all: initbench list KIND; one of your own needs --plugin FILE.py"
    raise UsageError(f"no part '{name}'; {instead(name) or hint}")


def explain_part(name: str, fan_in: int, fan_out: int, activation: str, width: int = WIDTH) -> str:
    """Explain a part.

    Parameters
    ----------
    name : str
        Its name or an alias, or a library's name with its module.
    fan_in, fan_out : int
        Of the layer that an initializer is shown on.
    activation : str
        Of the hidden layers.
    width : int, default 100
        Characters in a line.

    Returns
    -------
    str
    """
    entry = find_any(name)
    lines = [f"{entry.name}: {entry.kind}, {entry.about.family}"]
    if lookup_any(name) is not entry:
        titles = [word for word, text in (("elsewhere", entry.about.elsewhere), ("beware", entry.about.note)) if text]
        differences = f"; libraries differ: see {' and '.join(titles)}" if titles else ""
        lines.append(f"('{name}' is not a name here, and this is the closest part{differences})")
    elif name != entry.name:
        lines.append(f"('{name}' is another name for it)")
    others = {kind: other.name for kind in FOLDERS if (other := lookup(kind, name)) and other.name != entry.name}
    lines += [f"(as {'an' if kind[0] in 'aio' else 'a'} {kind} it is {other})" for kind, other in others.items()]
    lines += ["", entry.summary, ""]
    for title, text in _sections(entry, activation, fan_in, fan_out):
        first, *rest = text
        lines += [f"{title:<{TITLE_WIDTH}}{first}", *(f"{'':<{TITLE_WIDTH}}{line}" for line in rest)]
    return "\n".join(_wrap(line.replace("`", ""), width) for line in lines)


def _wrap(line: str, width: int) -> str:
    """Break a line that is too long; what follows a title goes on below its own beginning."""
    hangs = line[:TITLE_WIDTH].endswith("  ") or line.startswith(" ")
    start = " " * TITLE_WIDTH if hangs else ""
    whole = max(width, len(start) + NARROWEST)
    return textwrap.fill(line, whole, subsequent_indent=start, break_on_hyphens=False) if len(line) > whole else line


def _sections(entry: Entry, activation: str, fan_in: int, fan_out: int) -> Iterator[tuple[str, Sequence[str]]]:
    """Titles and the lines below each."""
    about = entry.about
    if about.formula:
        yield "formula", [about.formula]
    if entry.parameters:
        yield "parameters", [_parameter_line(parameter) for parameter in entry.parameters.values()]
    source = docstring_section(entry, "References")
    if source:
        yield "source", source
    if about.aliases:
        yield "aliases", [", ".join(about.aliases)]
    if about.elsewhere:
        yield "elsewhere", [f"{library}: {name}" for library, name in about.elsewhere]
    if about.note:
        yield "beware", [about.note]
    if entry.kind == "initializer":
        yield "effect", effect(entry, fan_in, fan_out, activation)
    if entry.kind == "activation":
        yield "gains", gain_lines(entry.function())
        yield "critical", critical_lines(entry.function())


def _parameter_line(parameter: Parameter) -> str:
    default = "must be given" if parameter.is_required else f"default {parameter.default}"
    limits = f", {parameter.range}" if parameter.range and str(parameter.range) != "finite" else ""
    return f"{parameter.name}: {default}{limits}"


def docstring_section(entry: Entry, title: str) -> list[str]:
    """The paragraphs of a section of a part's numpydoc docstring."""
    text = inspect.getdoc(entry.function) or ""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=^\w+\n-+\n|\Z)", text, re.MULTILINE | re.DOTALL)
    if not found:
        return []
    lines = found.group(1).strip().split("\n")
    sentences, current = [], ""
    for line in lines:
        current = f"{current} {line.strip()}".strip()
        if line.rstrip().endswith("."):
            sentences.append(current)
            current = ""
    return [*sentences, current] if current else sentences


def linear_gain(activation: Activation) -> float | None:
    """1 / |phi'(0)|, which holds the variance of small signals; None where phi bends or is flat at 0."""
    left, slope, right = evaluate(activation, np.array([-KINK, 0.0, KINK]))[1]
    return float(1 / abs(slope)) if slope and np.isclose(left, right, rtol=1e-6, atol=0) else None


def gain_lines(activation: Activation) -> list[str]:
    """What each rule multiplies the standard deviation 1/√fan_in by, and its square, the factor of the variance."""
    lines = ["factors of the std 1/√fan_in (in brackets: of the variance); E is over z ~ N(0, 1)"]
    for rule, words in RULES.items():
        try:
            factor = gain(activation, rule)
            lines.append(f"{rule:<10} {factor:.4g} ({factor**2:.4g})  {words}")
        except ParameterError:
            lines.append(f"{rule:<10} none  {words} does not know it")
    linear = linear_gain(activation)
    shown = "none  φ has no slope at 0, or it is 0" if linear is None else f"{linear:.4g} ({linear**2:.4g})  1/|φ′(0)|"
    return [*lines, f"{'linear':<10} {shown}"]


def critical_lines(activation: Activation) -> list[str]:
    """Where the activation's edge of chaos lies without biases and with some, or why there is none."""
    lines = []
    for sigma_b in BIAS_SCALES:
        found = critical_point(activation, sigma_b)
        if found is not None:
            variance = "any" if np.isnan(found.q) else "infinite" if np.isinf(found.q) else f"{found.q:.4g}"
            text = f"sigma_w = {found.sigma_w:.4g} (sigma_w² = {found.sigma_w**2:.4g}), q* = {variance}, "
            text += f"V′(q*) = {found.slope:.4g}" + (", unstable" if found.slope > 1 + 1e-9 else "")
        elif sigma_b == 0 and evaluate(activation, np.zeros(1))[0] == 0:
            text = "none: chi = 1 only at q = 0, and from there any signal grows"
        else:
            text = "none: no fixed point of the length map has chi = 1"
        lines.append(f"sigma_b = {sigma_b:g}: {text}")
    return lines


class EvenDraws:
    """Stands in for the generator of one draw of several, with its method ``random`` alone.

    What a call hands out over all draws together is an even grid, (k + ½) / N, in an order of chance: so moments and
    bounds of what is made of it are nearly those of the distribution.
    """

    def __init__(self, draw: int, draws: int, grids: dict[int, Array]) -> None:
        self.draw, self.draws, self.grids = draw, draws, grids
        self.calls = 0

    def random(self, shape: Shape) -> Array:
        """The draw's own share of the grid of this call."""
        size = math.prod(shape)
        if self.calls not in self.grids:
            order = np.random.default_rng(self.calls).permutation(size * self.draws)
            self.grids[self.calls] = (order + 0.5) / len(order)
        share = self.grids[self.calls][self.draw * size : (self.draw + 1) * size]
        self.calls += 1
        return share.reshape(shape)


def draw_layer(entry: Entry, fan_in: int, fan_out: int, activation: str) -> tuple[Array, Array, bool]:
    """Draws of a hidden layer's weights and biases one below the other, so many that their moments are sure.

    The last of the three says whether they are as even as their grid. A part that asks a generator for more than
    ``random`` gets a real one.
    """
    draws = max(1, min(MOST_DRAWS, ENOUGH_WEIGHTS // (fan_in * fan_out)))
    extra, grids, chance = known_layer(entry, activation), dict[int, Array](), np.random.default_rng(0)
    try:
        drawn = [entry.function((fan_in, fan_out), EvenDraws(i, draws, grids), **extra) for i in range(draws)]
    except (AttributeError, TypeError, ValueError):
        grids.clear()
        drawn = [entry.function((fan_in, fan_out), chance, **extra) for _ in range(draws)]
    pairs = [pair if isinstance(pair, tuple) else (pair, np.zeros(fan_out)) for pair in drawn]
    weights = np.concatenate([weights for weights, _ in pairs])
    sizes = [len(grid) for grid in grids.values()]
    is_even = 0 < len(set(sizes)) == len(sizes)  # a second grid of one size may choose among the first
    return weights, np.concatenate([biases for _, biases in pairs]), is_even


def effect(entry: Entry, fan_in: int, fan_out: int, activation: str) -> list[str]:
    """Describe what an initializer does to a layer, or, if it takes a whole network, to each layer of one."""
    find("activation", activation)
    show = _network_effect if entry.scope == "network" else _layer_effect
    try:
        return show(entry, fan_in, fan_out, activation)
    except (InitbenchError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        return [f"unknown for a hidden layer of {fan_in} × {fan_out} behind {activation}: {error}"]


def _network_effect(entry: Entry, fan_in: int, fan_out: int, activation: str) -> list[str]:
    """Scale of weights and preactivations of each layer, on made-up rows."""
    is_cut = max(fan_in, fan_out) > WIDEST
    fan_in, fan_out = min(fan_in, WIDEST), min(fan_out, WIDEST)
    network = trial_network((fan_in, fan_out, fan_out, CLASSES), activation, ROWS)
    entry.function(network)
    lines = [
        f"measured on a {activation} network of {fan_in} inputs and two hidden layers of {fan_out} units with biases 0,"
        f" on {ROWS} standard normal rows with {CLASSES} random classes:",
    ]
    if is_cut:
        lines.insert(0, f"fans are cut to {WIDEST} to save time")
    for layer, (weights, biases) in enumerate(zip(network.weights, network.biases, strict=True)):
        line = f"layer {layer + 1}, {weights.shape[0]} × {weights.shape[1]}: weights std {weights.std():.4g}, "
        line += f"biases std {biases.std():.4g}, " if biases.any() else ""
        lines.append(f"{line}preactivation std {network.preactivation(layer).std():.4g}")
    return lines


def _layer_effect(entry: Entry, fan_in: int, fan_out: int, activation: str) -> list[str]:
    """Scale, limits, and the mean-field verdict for an activation."""
    weights, biases, is_even = draw_layer(entry, fan_in, fan_out, activation)
    std, rms = float(weights.std()), float(np.sqrt(np.mean(weights**2)))
    mean = _mean(weights)
    lines = [
        f"a hidden layer of {fan_in} × {fan_out} behind {activation}, as drawn:",
        f"mean {mean:.4g}, std {std:.4g}, min {weights.min():.4g}, max {weights.max():.4g} of {weights.size:,}",
        f"gain: rms × √fan_in = {rms * fan_in**0.5:.4g}",
    ]
    stated = stated_distribution(entry, (fan_in, fan_out), activation)
    if stated is not None:
        low, high = stated.support()
        exact = f"mean {stated.mean():.4g}, std {stated.std():.4g}, from {low:.4g} to {high:.4g}"
        lines.insert(1, f"{exact}, by its distribution; drawn:")
    if biases.any():
        lines.append(f"biases: mean {_mean(biases):.4g}, std {biases.std():.4g}")
    if weights.size > 1 and np.ptp(weights) == 0:
        lines.append("all weights are equal, so all units of a layer are the same and stay so in training")
    elif abs(mean) > 5 * std / weights.size**0.5:
        outlier = abs(mean) * (fan_in * fan_out) ** 0.5
        lines.append(
            f"the mean is not zero, which adds a singular value of about {outlier:.3g};"
            " mean-field theory assumes a mean of zero and does not apply"
        )
    elif rms > 0:
        squares = weights**2
        error = EVEN_ERROR if is_even else 5 * float(squares.std() / squares.mean()) / weights.size**0.5
        found = verdict(find("activation", activation).function(), rms * fan_in**0.5, float(biases.std()))
        phase = "ordered" if found.chi < 1 else "chaotic"
        if abs(found.chi - 1) < error * found.chi:
            phase = "critical" if is_even else "critical, within sampling error"
        lines.append(
            f"mean field: {phase}; a layer multiplies the variance of gradients by chi = {found.chi:.4g},"
            f" that of signals by {found.growth:.4g}"
        )
    return lines


def _mean(values: Array) -> float:
    """Their mean, or 0 where it is but rounding."""
    mean = float(values.mean())
    return mean if abs(mean) > 1e-9 * float(np.abs(values).max()) else 0.0


def initializer_table() -> str:
    """The tables of the documentation on initializers: every one of ours, by family."""
    ours = _ours("initializer")
    blocks = []
    for family in sorted({entry.about.family for entry in ours}):
        members = [entry for entry in ours if entry.about.family == family]
        blocks.append(f"## {family[:1].upper()}{family[1:]}\n\n{_part_table(members)}")
    return "\n".join(blocks)


def bias_table() -> str:
    """The table of the documentation on biases."""
    return _part_table(_ours("bias"))


def activation_table() -> str:
    """The table of the documentation on activations, with the factors of the variance that hold signals."""
    return _part_table(
        _ours("activation"),
        {
            "c2": lambda phi: f"{gain(phi, 'forward') ** 2:.4g}",
            "c1": lambda phi: f"{gain(phi, 'backward') ** 2:.4g}",
            "torch²": lambda phi: NO_SUCH_THING if phi.torch_gain is None else f"{phi.torch_gain**2:.4g}",
            "critical sigma_w²": _critical_variance,
        },
    )


def _critical_variance(activation: Activation) -> str:
    found = critical_point(activation)
    return NO_SUCH_THING if found is None else f"{found.sigma_w**2:.4g}"


def _ours(kind: str) -> list[Entry]:
    return [entry for entry in entries(kind) if not entry.fingerprint]


def _part_table(parts: list[Entry], numbers: Mapping[str, Callable[[Any], str]] = MappingProxyType({})) -> str:
    """A row a part: name, formula, ``numbers`` of what its function gives, source, and its name in other libraries."""
    titles = ["name", "formula", *numbers, "source", *LIBRARIES]
    rows = ["| " + " | ".join(titles) + " |", "| --- " * len(titles) + "|"]
    for entry in parts:
        elsewhere = {library: name for library, name in entry.about.elsewhere if name != "none"}
        sources = [text.removesuffix(".") for text in docstring_section(entry, "References")]
        cells = [f"`{entry.name}`", entry.about.formula, *(show(entry.function()) for show in numbers.values())]
        cells += [
            "; ".join(sources) or NO_SUCH_THING,
            *(elsewhere.get(library, NO_SUCH_THING) for library in LIBRARIES),
        ]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    notes = [f"- `{entry.name}`: {entry.about.note}\n" for entry in parts if entry.about.note]
    return "\n".join(rows) + "\n" + ("\nWhere libraries disagree:\n\n" + "".join(notes) if notes else "")

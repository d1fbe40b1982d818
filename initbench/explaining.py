"""What the registry knows of its parts, in words: explanations, citations, the table of the documentation."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from initbench.config import Experiment, Part
from initbench.contracts import Array, Layer
from initbench.errors import InitbenchError, UsageError, nearest
from initbench.registry import FOLDERS, Entry, entries, find, lookup, lookup_any
from initbench.theory import verdict

REFERENCES = Path(__file__).parent / "parts" / "references.bib"
WIDTH = 100
ENOUGH_WEIGHTS, MOST_DRAWS = 400_000, 20_000
LIBRARIES = ("Keras", "PyTorch", "JAX", "scikit-learn")


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
    """The part of this name or alias, of whatever kind.

    Raises
    ------
    UsageError
        When there is none; the message has the nearest name.
    """
    entry = lookup_any(name)
    if entry is not None:
        return entry
    known = [entry.name for kind in FOLDERS for entry in entries(kind)]
    close = nearest(name, known)
    hint = f"nearest name: {close}" if close else "all: initbench list initializers"
    raise UsageError(f"no part '{name}'; {hint}")


def explain_part(name: str, fan_in: int, fan_out: int, activation: str) -> str:
    """Everything there is to tell of a part.

    Parameters
    ----------
    name : str
        Its name or an alias.
    fan_in, fan_out : int
        Of the layer that an initializer is shown on.
    activation : str
        Of the hidden layers.

    Returns
    -------
    str
    """
    entry = find_any(name)
    about = entry.about
    lines = [f"{entry.name}: {entry.kind}, {about.family}"]
    if name != entry.name:
        lines.append(f"('{name}' is another name for it)")
    lines += ["", *textwrap.wrap(entry.summary, WIDTH), ""]
    if about.formula:
        lines.append(f"formula      {about.formula}")
    for i, parameter in enumerate(entry.parameters.values()):
        default = "must be given" if parameter.is_required else f"default {parameter.default}"
        limits = f", {parameter.range}" if parameter.range and str(parameter.range) != "finite" else ""
        lines.append(f"{'parameters' if not i else '':<13}{parameter.name}: {default}{limits}")
    for title, text in _sections(entry, activation, fan_in, fan_out):
        first, *rest = text.split("\n")
        lines.append(f"{title:<13}{first}")
        lines += [f"{'':<13}{line}" for line in rest]
    return "\n".join(lines)


def _sections(entry: Entry, activation: str, fan_in: int, fan_out: int) -> Iterator[tuple[str, str]]:
    about = entry.about
    source = docstring_section(entry, "References")
    if source:
        yield "source", "\n".join(line for text in source for line in textwrap.wrap(text, WIDTH - 13))
    if about.aliases:
        yield "aliases", "\n".join(textwrap.wrap(", ".join(about.aliases), WIDTH - 13))
    if about.elsewhere:
        yield "elsewhere", "\n".join(f"{library}: {name}" for library, name in about.elsewhere)
    if about.note:
        yield "beware", "\n".join(textwrap.wrap(about.note, WIDTH - 13))
    if entry.kind == "initializer":
        yield "receipt", "\n".join(receipt(entry, fan_in, fan_out, activation))


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


def draw_layer(entry: Entry, fan_in: int, fan_out: int, activation: str) -> tuple[Array, Array]:
    """Draws of a hidden layer's weights and biases one below the other, so many that their moments are sure."""
    layer = Layer(1, 3, find("activation", activation).function())
    extra = {"layer": layer} if entry.wants_layer else {}
    rng = np.random.default_rng(0)
    draws = max(1, min(MOST_DRAWS, ENOUGH_WEIGHTS // (fan_in * fan_out)))
    drawn = [entry.function((fan_in, fan_out), rng, **extra) for _ in range(draws)]
    pairs = [pair if isinstance(pair, tuple) else (pair, np.zeros(fan_out)) for pair in drawn]
    return np.concatenate([weights for weights, _ in pairs]), np.concatenate([biases for _, biases in pairs])


def receipt(entry: Entry, fan_in: int, fan_out: int, activation: str) -> list[str]:
    """What an initializer does to a layer: scale, limits, and the mean-field verdict for an activation."""
    if entry.scope == "network":
        return ["it looks at a whole network and a batch of training rows; what it did: train it"]
    find("activation", activation)
    try:
        weights, biases = draw_layer(entry, fan_in, fan_out, activation)
    except (InitbenchError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        return [f"none for a hidden layer of {fan_in} × {fan_out} behind {activation}: {error}"]
    mean, std = float(weights.mean()), float(weights.std())
    second = float(np.sqrt(np.mean(weights**2)))
    lines = [
        f"a hidden layer of {fan_in} × {fan_out} behind {activation}, as drawn:",
        f"mean {mean:.4g}, std {std:.4g}, from {weights.min():.4g} to {weights.max():.4g}",
        f"gain: std × √fan_in = {second * fan_in**0.5:.4g}",
    ]
    if biases.any():
        lines.append(f"biases: mean {biases.mean():.4g}, std {biases.std():.4g}")
    if abs(mean) > 5 * std / weights.size**0.5 and std > 0:
        outlier = abs(mean) * (fan_in * fan_out) ** 0.5
        lines.append(f"the mean is not zero, which makes a singular value of about {outlier:.3g}")
    if weights.size > 1 and np.ptp(weights) == 0:
        lines.append("all weights are equal, so all units of a layer are and stay one unit")
    if second > 0:
        found = verdict(find("activation", activation).function(), second * fan_in**0.5, float(biases.std()))
        lines.append(
            f"mean field: {found.phase}; a layer multiplies the variance of gradients by chi = {found.chi:.4g},"
        )
        lines.append(f"that of signals by {found.growth:.4g}")
    return lines


def initializer_table() -> str:
    """The page of the documentation on initializers: every one, by family."""
    blocks = []
    ours = [entry for entry in entries("initializer") if not entry.fingerprint]
    families = sorted({entry.about.family for entry in ours})
    for family in families:
        rows = ["| name | formula | source | " + " | ".join(LIBRARIES) + " |", "| --- " * (3 + len(LIBRARIES)) + "|"]
        notes = []
        for entry in ours:
            if entry.about.family != family:
                continue
            elsewhere = dict(entry.about.elsewhere)
            source = "; ".join(docstring_section(entry, "References")) or "–"
            cells = [f"`{entry.name}`", entry.about.formula, source]
            cells += [elsewhere.get(library, "–") for library in LIBRARIES]
            rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
            if entry.about.note:
                notes.append(f"- `{entry.name}`: {entry.about.note}")
        blocks.append(f"## {family[:1].upper()}{family[1:]}\n\n" + "\n".join(rows) + "\n")
        if notes:
            blocks.append("Where libraries disagree:\n\n" + "\n".join(notes) + "\n")
    return "\n".join(blocks)

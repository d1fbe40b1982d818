"""Name -> part, or the nearest name."""

from __future__ import annotations

from collections.abc import Iterable

from initbench.conventions import FOLDERS
from initbench.errors import UsageError, command_line, nearest
from initbench.registry.entry import Entry, Identity, plain, registered, spellings
from initbench.registry.plugins import load_kind, load_plugin

WRITE_INSTEAD = {  # what is known as an initializer and is none here, or one with parameters that a name cannot carry
    "rezero": "residual: rezero",
    "skipinit": "residual: rezero",
    "residual_1/sqrt(L)": "residual: scaled, or initializer: residual_scaled",
    "output_prior": "bias: output_prior",
    "xavier_half": "{glorot_normal: {gain: 0.5}}, which is neupy's Xavier",
}


def _ends(name: str) -> list[str]:
    """What is left of ``package.module.name`` without its first words; empty for a name without dots."""
    words = name.split(".")
    return [".".join(words[i:]) for i in range(1, len(words))]


def lacking(wanted: Iterable[Identity], plugins: Iterable[str]) -> list[Identity]:
    """The parts that this process does not have, or not with the same code, once it has run these plugins."""
    for plugin in plugins:
        load_plugin(plugin)
    found = [(part, lookup(*part[:2])) for part in wanted]
    return [part for part, entry in found if entry is None or entry.fingerprint != part[2]]


def names(kind: str) -> list[str]:
    """All registered names of a kind, sorted."""
    load_kind(kind)
    return sorted(registered[kind])


def entries(kind: str) -> list[Entry]:
    """All registered parts of a kind, sorted by name."""
    return [registered[kind][name] for name in names(kind)]


def lookup(kind: str, name: str) -> Entry | None:
    """The part of this name or alias, or None.

    A library's name with its module is none, since libraries differ under one name: see `lookup_end`.

    Examples
    --------
    >>> lookup("initializer", "HeNormal").name
    'he_normal'
    >>> lookup("initializer", "torch.nn.init.kaiming_normal_")
    """
    load_kind(kind)
    spelt = spellings[kind]
    canonical = spelt.get(name) or spelt.get(plain(name))  # as spelt first: ZerO is not zero
    return registered[kind][canonical] if canonical else None


def lookup_any(name: str) -> Entry | None:
    """The part of this name or alias, of whatever kind, or None; a name counts before another kind's alias."""
    found = [entry for kind in FOLDERS if (entry := lookup(kind, name))]
    return min(found, key=lambda entry: plain(entry.name) != plain(name), default=None)


def lookup_end(name: str) -> Entry | None:
    """The part of whatever kind that ``package.module.name`` ends in, or None; what ends like a data set is a file.

    Examples
    --------
    >>> lookup_end("torch.nn.init.kaiming_normal_").name
    'he_normal'
    """
    return next((entry for end in _ends(name) if (entry := lookup_any(end)) and entry.kind != "dataset"), None)


def nearest_name(kind: str, name: str) -> str:
    """The canonical name of the part whose name or alias looks most like ``name``, or an empty string."""
    load_kind(kind)
    close = nearest(plain(name), map(plain, spellings[kind]))
    return spellings[kind][close] if close else ""


def advice(kind: str, name: str) -> str:
    """What to write for an unknown name: the nearest one, or what it is called here; may be empty.

    Examples
    --------
    >>> advice("initializer", "SkipInit")
    'write residual: rezero'
    >>> advice("initializer", "he_norml")
    'nearest name: he_normal'
    >>> advice("initializer", "keras.initializers.HeNormal")
    "nearest name: he_normal    a library's may differ: initbench explain keras.initializers.HeNormal"
    """
    if kind == "initializer" and instead(name):
        return instead(name)
    ends = _ends(name) if kind != "dataset" else []
    of_library = next((entry.name for end in ends if (entry := lookup(kind, end))), "")
    close = of_library or nearest_name(kind, name)
    hint = f"nearest name: {close}" if close else ""
    return f"{hint}    a library's may differ: {command_line('explain', name)}" if of_library else hint


def instead(name: str) -> str:
    """What to write for the name of a method that is no initializer here; empty for any other."""
    return next((f"write {words}" for word, words in WRITE_INSTEAD.items() if plain(word) == plain(name)), "")


def find(kind: str, name: str) -> Entry:
    """The part of this name or alias.

    Raises
    ------
    UsageError
        When there is none; the message has the nearest name.
    """
    if not isinstance(name, str):
        raise UsageError(f"the name of a part of the kind {kind} is a text: got {name!r}")
    entry = lookup(kind, name)
    if entry is not None:
        return entry
    raise UsageError(f"unknown {kind} '{name}'; {advice(kind, name) or 'known: ' + ', '.join(names(kind))}")

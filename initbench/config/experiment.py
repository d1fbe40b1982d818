"""What a config says, once it is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import yaml

SEED_IDS = 2**63  # that there are, from 0 on
TUNING_DISTANCE = 1_000_000  # from a seed to its tuning seeds; beyond any count of seeds
TUNING_COUNT = 1  # tuning seeds of each reporting seed, where the config does not say


@dataclass(frozen=True)
class Part:
    """A registered part with all of its parameters.

    Attributes
    ----------
    kind, name : str
    parameters : tuple of (str, value)
        Every parameter, defaults filled in, sorted by name.
    label : str
        How tables show it: its name, and the parameters that differ from their defaults.
    fingerprint : str
        Hash of the source of a part from outside and of the content of files, else empty.
    sources : tuple of (int, str, str)
        Seed, file and fingerprint with that file, of a part that starts each seed from a file of its own.
    """

    kind: str
    name: str
    parameters: tuple[tuple[str, Any], ...] = ()
    label: str = field(default="", compare=False)
    fingerprint: str = ""
    sources: tuple[tuple[int, str, str], ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return self.label or self.name

    @property
    def plain(self) -> Any:
        """The part as a config would have it: its name, or a mapping with all parameters."""
        values = {
            k: v.plain if isinstance(v, Part) else list(v) if isinstance(v, tuple) else v for k, v in self.parameters
        }
        if self.name == "by_layer":
            return values
        return {self.name: values} if values else self.name

    def at(self, layer: int, count: int, role: str = "hidden") -> Part:
        """The initializer of a layer, counted from 0, of so many: the part itself, or what it names for that layer.

        A recurrent matrix is no first and no last layer: what ``recurrent`` names is for it, or else ``hidden``.
        """
        if self.name != "by_layer":
            return self
        by_role: dict[str, Part] = dict(self.parameters)
        place = "last" if layer == count - 1 else "first" if layer == 0 else "hidden"
        chosen = by_role.get(role, by_role["hidden"]) if role == "recurrent" else by_role[place]
        return chosen.at(layer, count, role)

    def at_seed(self, seed: int) -> Part:
        """The part itself, or with the file of a seed in place of its folder."""
        for source, file, fingerprint in self.sources:
            if source == seed:
                values = tuple(sorted({**dict(self.parameters), "file": file}.items()))
                return replace(self, parameters=values, fingerprint=fingerprint, sources=())
        return self


MLP = Part("architecture", "mlp", label="mlp")
CONSTANT = Part("schedule", "constant", label="constant")
YOUNGER: dict[str, Any] = {"architecture": MLP, "dropout": 0.0, "schedule": CONSTANT}
"""Keys that older results do not name, and the value that all of these have."""


@dataclass(frozen=True)
class Experiment:
    """A config with every default filled in.

    Attributes
    ----------
    name, description : str
    choices : mapping of str to tuple
        For each key that can be swept, in the order of docs/contract.md, the values it takes; one for a key not swept.
        Those of a tuned key are the values that are tried.
    epochs : int
    seeds : tuple of int
    target : float or None
    clock : int or None
        Steps between two looks whether the target is reached.
    record : tuple of str
    tuned : tuple of str
        The keys that report at the values that suit, and not at each value.
    tuning_count : int
        How many tuning seeds each reporting seed has; it tries every value with each of them.
    is_empty : bool
        Whether its file holds no key.
    """

    name: str
    description: str
    choices: Mapping[str, tuple[Any, ...]]
    epochs: int
    seeds: tuple[int, ...]
    target: float | None
    clock: int | None
    record: tuple[str, ...]
    tuned: tuple[str, ...] = ()
    tuning_count: int = TUNING_COUNT
    is_empty: bool = field(default=False, compare=False)

    @property
    def swept(self) -> tuple[str, ...]:
        """The keys with more than one value."""
        return tuple(key for key, values in self.choices.items() if len(values) > 1)

    @property
    def size(self) -> int:
        """How many cells it reports; where keys are tuned, at each initializer's own values and at the common ones."""
        settings = prod(len(values) for key, values in self.choices.items() if key not in self.tuned)
        return settings * len(self.seeds) * (2 if self.tuned else 1)

    @property
    def tuning(self) -> Experiment:
        """The experiment that tries the values of the tuned keys, with tuning seeds, which report nothing."""
        alone = replace(
            self, name="tuning", target=None, clock=None, record=("curves",), tuned=(), tuning_count=TUNING_COUNT
        )
        by_seed = tuning_seeds(self.seeds, self.tuning_count)
        return replace(alone, seeds=tuple(seed for seeds in by_seed.values() for seed in seeds))

    def to_yaml(self) -> str:
        """The resolved config: reading it again gives an equal experiment."""
        plain: dict[str, Any] = {"name": self.name}
        if self.description:
            plain["description"] = self.description
        for key, values in self.choices.items():
            written = [_plain(key, value) for value in values]
            plain[key] = written[0] if len(written) == 1 else written
            if key in self.tuned:
                plain[key] = {"tune": written, "seeds": self.tuning_count}
        plain |= {"epochs": self.epochs, "seeds": list(self.seeds)}
        if self.target is not None:
            plain["target"] = self.target
        if self.clock is not None:
            plain["clock"] = self.clock
        plain["record"] = list(self.record)
        return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)


def tuning_seeds(seeds: Iterable[int], number: int) -> dict[int, tuple[int, ...]]:
    """The tuning seeds of each reporting seed, which depend on no other seed.

    Examples
    --------
    >>> tuning_seeds([0, 7], 2)
    {0: (1000000, 2000000), 7: (1000007, 2000007)}
    """
    steps = range(1, number + 1)
    return {seed: tuple((seed + step * TUNING_DISTANCE) % SEED_IDS for step in steps) for seed in seeds}


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, Part):
        return value.plain
    if key == "train_rows" and value is None:
        return "all"
    return list(value) if isinstance(value, tuple) else value

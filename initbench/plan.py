"""Experiment -> Cells, every choice spelled out; Cells -> Stacks of equal shape."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from itertools import product
from math import ceil, prod
from typing import Any, Literal

from initbench.config import Experiment, Part
from initbench.config.experiment import MLP, YOUNGER
from initbench.config.keys import KEYS
from initbench.contracts import OPTIONAL_METRICS, RowShape
from initbench.engine.blocks.residual import connections
from initbench.engine.network import BlockNetwork
from initbench.engine.parameters import walk_slots
from initbench.errors import UsageError
from initbench.networks import build_network

FACTORS = ("dataset", "depth", "width", "activation", "initializer", "optimizer", "learning_rate", "batch_size")
ARITHMETIC = 2  # raised whenever the engine's numbers change, so that no old result passes for a new one
SWEEPABLE = (*FACTORS, *(key for key in KEYS if KEYS[key].sweeps and key not in (*FACTORS, "hidden")))
CACHE_BYTES = 16 * 2**20  # of a stack's working set
TUNED = "tuned"  # what the column of a tuned key reads where each initializer has its own best value at each seed
COMMON = "common"  # what it reads where all initializers of a seed have the value that suits them best together
DATA_BYTES = 256 * 2**20  # of the rows that a stack keeps, one copy a seed
Setting = tuple[Any, ...]
Choices = Mapping[tuple[Setting, int], Setting]  # by the factors that are not tuned, and the seed: the tuned ones


@dataclass(frozen=True)
class DataFacts:
    """What the plan must know of a data set: checksum of its content, training and test rows, their shape, classes."""

    checksum: str
    train_rows: int
    test_rows: int
    row: RowShape
    classes: int

    @property
    def features(self) -> int:
        """Numbers in a row."""
        return prod(self.row)


@dataclass(frozen=True)
class Cell:
    """One network to train: every choice that can change its numbers.

    Attributes
    ----------
    seed : int
    dataset : Part
    data : DataFacts
    hidden : tuple of int
        Units of each hidden layer.
    train_rows : int or None
        None for all.
    clock, target : int and float, or None
        Steps between two looks whether the target is reached; the target is None where nothing looks for it.
    factors : tuple of (str, value)
        How tables show it; no part of its identity.
    """

    seed: int
    dataset: Part
    data: DataFacts
    architecture: Part
    hidden: tuple[int, ...]
    activation: Part
    initializer: Part
    output_initializer: Part
    bias: Part
    normalization: Literal["none", "batch", "layer"]
    residual: Literal["none", "plain", "scaled", "rezero", "fixup"]
    dropout: float
    optimizer: Part
    learning_rate: float
    schedule: Part
    batch_size: int
    epochs: int
    clip_norm: float | None
    weight_decay: float
    scaling: str
    train_rows: int | None
    dtype: str
    clock: int | None
    target: float | None
    factors: tuple[tuple[str, Any], ...] = field(compare=False)

    @cached_property
    def key(self) -> str:
        """The ``cell`` of the tables: a hash of everything that can change the cell's numbers."""
        identity = {name: _identity(getattr(self, name)) for name in _IDENTITY}
        if self.clock is not None:  # keys of cells without one are older than clocks
            identity |= {"clock": self.clock, "target": self.target}
        for name, usual in YOUNGER.items():  # keys of cells that have the usual value are older than these
            if getattr(self, name) != usual:
                identity[name] = _identity(getattr(self, name))
        if _had_unused_slopes(self):
            identity["unused_slopes"] = 0
        text = json.dumps([ARITHMETIC, self.data.checksum, identity], sort_keys=True)
        return sha256(text.encode()).hexdigest()[:16]

    @property
    def further(self) -> tuple[str, ...]:
        """The columns among ``OPTIONAL_METRICS`` in which it has a number."""
        has = {"test_auc": self.data.classes == 2, "steps_to_target": self.clock is not None}
        return tuple(name for name in OPTIONAL_METRICS if has[name])

    @property
    def outputs(self) -> int:
        """Numbers that come out for a row: one a class, or one for two classes."""
        return 1 if self.data.classes == 2 else self.data.classes


_APART = ("factors", "data", "dataset", "clock", "target", *YOUNGER)
_IDENTITY = [name for name in Cell.__dataclass_fields__ if name not in _APART]


def _identity(value: Any) -> Any:
    if not isinstance(value, Part):
        return value
    numbers = [(name, _identity(inner)) for name, inner in value.parameters if name != "file"]  # its content counts
    return [value.name, numbers, value.fingerprint]


def _had_unused_slopes(cell: Cell) -> bool:
    """Whether older results are of a network that trained a slope for layers without activation.

    It was always 0, but clipping added up the squares of all gradients in pairs, and these were other pairs then.
    """
    if cell.architecture != MLP or cell.residual != "fixup" or cell.clip_norm is None:
        return False
    placed = network_of(cell).placed
    is_trained = any(slot.name == "slopes" for slot in walk_slots(placed))
    return is_trained and any(connection.is_linear for connection in connections(placed))


def make_plan(
    experiment: Experiment, data: Mapping[Part, DataFacts], columns: tuple[str, ...] = ()
) -> tuple[Cell, ...]:
    """Spell out the product of all lists × seeds.

    Parameters
    ----------
    experiment : Experiment
    data : mapping of Part to DataFacts
        For each data set of the experiment.
    columns : tuple of str
        The factors; none for those that the experiment's tables begin with.

    Returns
    -------
    tuple of Cell
        In the order of the config: the last key turns fastest, seeds fastest of all.

    Raises
    ------
    UsageError
        When ``train_rows`` asks for more than a data set has.
    """
    columns = columns or factor_columns(experiment)
    for part, wanted in product(experiment.choices["dataset"], experiment.choices["train_rows"]):
        left = data[part].train_rows - ceil(data[part].train_rows / 10)
        if wanted is not None and wanted > left:
            raise UsageError(f"train_rows is {wanted}, and {part} has {left} training rows beside those for validation")
    cells = []
    for values in product(*experiment.choices.values()):
        choice = dict(zip(experiment.choices, values, strict=True))
        hidden = choice.pop("hidden", None)
        depth, width = choice.pop("depth", 0), choice.pop("width", 0)
        shown = {"depth": depth, "width": width, **choice}
        if hidden is None:
            hidden = (width,) * depth
        else:
            shown |= {"depth": len(hidden), "width": "-".join(map(str, hidden)), "hidden": "-".join(map(str, hidden))}
        if choice["output_initializer"] == "same":
            choice["output_initializer"] = choice["initializer"]
        if shown["train_rows"] is None:
            shown["train_rows"] = "all"
        factors = tuple((c, str(shown[c]) if isinstance(shown[c], Part) else shown[c]) for c in columns)
        for seed in experiment.seeds:
            starts = {key: choice[key].at_seed(seed) for key in ("initializer", "output_initializer")}
            cells.append(
                Cell(
                    seed=seed,
                    hidden=hidden,
                    data=data[choice["dataset"]],
                    epochs=experiment.epochs,
                    clock=experiment.clock,
                    target=None if experiment.clock is None else experiment.target,
                    factors=factors,
                    **choice | starts,
                )
            )
    return tuple(cells)


def choose_tuned(cells: Iterable[Cell], tuned: Collection[str], own: Choices, common: Choices) -> tuple[Cell, ...]:
    """Of the product of all values of the tuned keys, the cells at the values that each seed chose.

    Parameters
    ----------
    cells : iterable of Cell
    tuned : collection of str
    own, common : mapping of (tuple, int) to tuple
        The values of all factors but the tuned keys, and the seed -> the values chosen of these, both in the order of
        the factors.

    Returns
    -------
    tuple of Cell
        Those at the common values, whose tuned factors read ``common``, then those at each initializer's own, which
        read ``tuned``; a cell may be both. They are in the order of the product without the tuned keys.
    """
    places: dict[tuple[Setting, int], int] = {}
    found: dict[str, dict[int, Cell]] = {COMMON: {}, TUNED: {}}
    for cell in cells:
        setting = tuple(value for key, value in cell.factors if key not in tuned)
        tried = tuple(value for key, value in cell.factors if key in tuned)
        place = places.setdefault((setting, cell.seed), len(places))
        for word, chosen in ((COMMON, common), (TUNED, own)):
            if chosen.get((setting, cell.seed)) == tried:
                factors = tuple((key, word if key in tuned else value) for key, value in cell.factors)
                found[word][place] = replace(cell, factors=factors)
    return tuple(some[place] for some in found.values() for place in sorted(some))


def factor_columns(experiment: Experiment) -> tuple[str, ...]:
    """The columns that every table begins with: the fixed ones, then whatever else is swept."""
    named = ["architecture"] if experiment.choices["architecture"] != (MLP,) else []
    return (*FACTORS, *dict.fromkeys(named + [k for k in experiment.swept if k not in FACTORS and k != "hidden"]))


@dataclass(frozen=True)
class Stack:
    """Cells that are trained together: equal in shape, ``s`` seeds with the same number of cells each.

    Attributes
    ----------
    cells : tuple of Cell
        Sorted by seed; the cells of a seed share its rows and batches.
    seeds : tuple of int
        Length ``s``.
    """

    cells: tuple[Cell, ...]

    @property
    def checksum(self) -> str:
        """Of its data set."""
        return self.cells[0].data.checksum

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        """The seed ids, each once, in the order of the cells."""
        return tuple(dict.fromkeys(cell.seed for cell in self.cells))


def _shape(cell: Cell) -> tuple[Any, ...]:
    """What the cells of a stack must have in common: all but seed, initial weights and the size of a step."""
    step = (cell.clip_norm is None, cell.weight_decay > 0, cell.batch_size, cell.epochs, cell.clock, cell.target)
    rows = (cell.dataset, cell.data, cell.scaling, cell.train_rows, cell.dtype)
    network = (cell.architecture, cell.hidden, cell.activation, cell.normalization, cell.residual, cell.dropout)
    return (*network, cell.optimizer, cell.schedule, step, rows)


def network_of(cell: Cell) -> BlockNetwork:
    """The network that a cell names."""
    return build_network(
        cell.architecture,
        cell.data.row,
        cell.outputs,
        hidden=cell.hidden,
        activation=cell.activation,
        normalization=cell.normalization,
        residual=cell.residual,
        dropout=cell.dropout,
    )


def network_bytes(cell: Cell) -> int:
    """Roughly the memory that training touches over and over for one network, in bytes."""
    network = network_of(cell)
    values = cell.batch_size * network.numbers_of_a_row
    return (8 if cell.dtype == "float64" else 4) * (3 * network.parameter_count + values)


def make_stacks(cells: Iterable[Cell], workers: int = 1) -> list[Stack]:
    """Group cells in stacks as tall as fits the cache, and at least one for each worker where there are enough cells.

    Parameters
    ----------
    cells : iterable of Cell
        A cell that comes twice is trained once.
    workers : int, default 1

    Returns
    -------
    list of Stack
        The heaviest first.
    """
    shapes: dict[Any, dict[int, list[Cell]]] = {}
    for cell in {cell.key: cell for cell in cells}.values():
        shapes.setdefault(_shape(cell), {}).setdefault(cell.seed, []).append(cell)
    stacks: list[Stack] = []
    for by_seed in shapes.values():
        even: dict[int, list[list[Cell]]] = {}
        for row in by_seed.values():
            even.setdefault(len(row), []).append(row)
        for rows in even.values():
            stacks += _cut(rows, workers)
    return sorted(stacks, key=_cost, reverse=True)


def _cut(rows: list[list[Cell]], workers: int) -> list[Stack]:
    """Cut a block of seeds × cells of one shape into stacks."""
    first, total = rows[0][0], len(rows) * len(rows[0])
    height = max(1, min(CACHE_BYTES // network_bytes(first), ceil(total / workers)))
    row_bytes = first.data.features * (first.data.train_rows + first.data.test_rows) * 4
    stacks = []
    if len(rows[0]) <= height:
        whole = len(rows) - (len(rows) % workers if len(rows) > workers else 0)
        seeds = max(1, min(height // len(rows[0]), DATA_BYTES // row_bytes))
        parts = ceil(whole / seeds)
        stacks = [Stack(tuple(cell for row in rows[i:whole:parts] for cell in row)) for i in range(parts)]
        rows, height = rows[whole:], ceil(len(rows[0]) / workers)  # seeds that are over are shared out
    parts = ceil(len(rows[0]) / height) if rows else 0
    return stacks + [Stack(tuple(row[i::parts])) for row in rows for i in range(parts)]


def _cost(stack: Stack) -> float:
    cell = stack.cells[0]
    weights = sum(slot.size for slot in network_of(cell).layers)
    return float(len(stack.cells) * cell.epochs * (cell.train_rows or cell.data.train_rows) * weights)

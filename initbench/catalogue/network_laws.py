"""The laws that every architecture keeps, and each block that it is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

import numpy as np

from initbench.config.experiment import Part
from initbench.contracts import Array, RowShape
from initbench.engine.block import Block, Placed, walk_placed
from initbench.engine.blocks.dense import Dense
from initbench.engine.losses import one_hot
from initbench.engine.network import BlockNetwork, with_ones
from initbench.engine.parameters import Own, Parameters, Slot
from initbench.engine.signals import Observer, Signals
from initbench.engine.train import Rows
from initbench.engine.workspace import Site, Workspace
from initbench.errors import ParameterError, ShapeError
from initbench.networks import shape_keys
from initbench.registry import Entry, find
from initbench.training.untrained import Start, trained_numbers

ROW_SHAPES: tuple[RowShape, ...] = ((7,), (8, 7), (8, 7, 2))
HIDDEN = (5, 5)
SETTINGS: tuple[tuple[int, dict[str, Any]], ...] = (  # outputs, and the keys of a config that are set
    (3, {}),
    (1, {}),
    *((3, {"normalization": kind}) for kind in ("batch", "layer")),
    *((3, {"residual": kind}) for kind in ("plain", "rezero")),
    (3, {"dropout": 0.25}),
    (3, {"activation": "gelu"}),  # whose slope takes what it was given, where that of tanh takes what it gave
)
GROUPS, PER_GROUP, COUNT = 2, 2, 5  # of networks; networks in each; rows
STEP = 1e-6
TOLERANCE = 1e-5  # of a derivative, relative to the largest of the stack
ROUNDING = 1e-7  # of the outputs, which a central difference cannot resolve
SOILS = (1.0, 7.0)  # what lies in the spare places beside the rows
F4, F8 = np.dtype(np.float32), np.dtype(np.float64)


LAWS = (
    "builds a network, or raises ShapeError or ParameterError",
    "slots have the shape of their fans",
    "gradients equal central differences",
    "the same rows give the same outputs",
    "a network's numbers do not depend on its neighbours",
    "a row's outputs do not depend on other rows, unless a block gathers statistics",
    "looks at the numbers of its rows alone",
    "its layers can be looked at",
)


class _Broken(Exception):
    """A law that is broken, as "law: what was found"."""


def architecture_faults(entry: Entry) -> Iterator[str]:
    """Check an architecture against the rules for its kind, with its parameters at their defaults.

    Parameters
    ----------
    entry : Entry

    Yields
    ------
    str
        The first law that is broken: "law: what was found".
    """
    refusals = []
    for rows, (outputs, setting) in product(ROW_SHAPES, SETTINGS):
        if not setting.keys() <= set(shape_keys(entry)):
            continue
        try:
            _check_network(_build(entry, rows, outputs, setting), outputs)
        except (ShapeError, ParameterError) as error:
            refusals.append((rows, str(error)))
        except _Broken as error:
            words = [f"rows of {rows}", f"{outputs} outputs", *(f"{key} {value}" for key, value in setting.items())]
            yield f"{error}, with {', '.join(words)}"
            return
    asked = [setting.keys() <= set(shape_keys(entry)) for _, setting in SETTINGS]
    if len(refusals) == len(ROW_SHAPES) * sum(asked):
        yield f"builds a network for rows of some shape: refuses {refusals[0][0]}: {refusals[0][1]}"


def _build(entry: Entry, rows: RowShape, outputs: int, setting: dict[str, Any]) -> BlockNetwork:
    values = {"hidden": HIDDEN, "activation": "tanh", **setting}
    values["activation"] = find("activation", values["activation"]).function()
    try:
        given = {key: values[key] for key in shape_keys(entry) if key in values}
        blocks = list(entry.function(rows, outputs, **given) or ())
        others = [type(block).__name__ for block in blocks if not isinstance(block, Block)]
        network = BlockNetwork(blocks, rows) if blocks and not others else None
    except (ShapeError, ParameterError):
        raise
    except Exception as error:
        law = "builds a network, or raises ShapeError or ParameterError"
        raise _Broken(f"{law}: {type(error).__name__}: {error}") from error
    if network is None:
        raise _Broken(f"returns blocks: got {others[0] if others else 'none'}")
    return network


def _check_network(network: BlockNetwork, outputs: int) -> None:
    """Check the slots, then each block between others, then all together."""
    if network.outputs != outputs:
        raise _Broken(f"gives as many outputs as are asked for: got {network.outputs}")
    if not network.layers:
        raise _Broken("has weights that an initializer draws: no slot has fans")
    for place in walk_placed(network.placed):
        name = type(place.block).__name__
        try:
            _check_slots(place)
            _check_block(place)
        except _Broken as error:
            law, _, found = str(error).partition(": ")
            raise _Broken(f"{law}: in {name}, {found}") from None
        except Exception as error:
            raise _Broken(f"its blocks work: in {name}, {type(error).__name__}: {error}") from error
    numbers = network.parameters(1, F8)
    numbers.flat[:] = 0
    for layer in trained_numbers(numbers, 0):
        for view in layer.values():
            view += 1
    if (numbers.flat != 1).any():
        raise _Broken(f"its layers have all that it trains once: they miss {(numbers.flat != 1).sum()} numbers")
    try:
        _check_numbers(lambda count: network, slice(None))
        _check_watching(network)
    except _Broken:
        raise
    except Exception as error:
        raise _Broken(f"its blocks work together: {type(error).__name__}: {error}") from error


def _check_slots(place: Placed) -> None:
    names = [name for slot in place.slots for name in slot.views(np.zeros((1, slot.size)))]
    if len(set(names)) < len(names):
        raise _Broken(f"the slots of a block have different names: {', '.join(names)}")
    drawn = [slot for slot in place.slots if slot.fans is not None]
    if drawn and place.slots[0] is not drawn[0]:
        raise _Broken(f"the first slot of a block is the one that has fans: {place.slots[0].name} has none")
    for slot in place.slots if drawn else ():
        if slot.fans is None:
            wanted = (1, drawn[0].shape[-1])
            if slot.name == "biases" and slot.shape != wanted:
                raise _Broken(f"slots have the shape of their fans: biases of {slot.shape} are not of {wanted}")
            continue
        # A kernel reaches more units than it has columns; the gates of a recurrent unit share one matrix.
        columns, fan_out = slot.shape[-1], slot.fans[1]
        if len(slot.shape) != 2 or slot.shape[0] != slot.fans[0] or (columns % fan_out and fan_out % columns):
            raise _Broken(f"slots have the shape of their fans: {slot.name} of {slot.shape} has fans {slot.fans}")


def _check_block(place: Placed) -> None:
    """Check a block behind one that shows the derivative by its input, in front of a dense one and as the last."""
    for gives_away, is_last in product((False, True), repeat=2):

        def chain(
            count: int, soil: float = SOILS[0], gives_away: bool = gives_away, is_last: bool = is_last
        ) -> BlockNetwork:
            later = [] if is_last else [_Soil(soil), Dense(3)]
            return BlockNetwork([_Shift(count, gives_away, soil), place.block, *later], place.shape)

        clean, soiled = (_Stack.draw(chain(COUNT, soil), F4, COUNT) for soil in SOILS)
        if clean.everything() != soiled.everything():
            raise _Broken("looks at the numbers of its rows alone: another number beside them changes it")
        work = clean.workspace()
        clean.outputs(work)
        if not gives_away and not np.array_equal(work.work[0].y, work.work[0].given):
            raise _Broken("overwrites what it is given only where site.may_overwrite: it did elsewhere")
        _check_numbers(chain, slice(2))
    _check_rows(BlockNetwork([place.block, Dense(3)], place.shape))


def _check_rows(network: BlockNetwork) -> None:
    """Check that a row alone gives what it gives among others, so that it does not matter how rows are gone through."""
    if network.gathers:
        return
    stack = _Stack.draw(network, F8, COUNT)
    together = stack.outputs(stack.workspace(drops=False))
    for row in range(COUNT):
        one = replace(stack, x=stack.x[:, row : row + 1], top=stack.top[:, row : row + 1])
        if not np.allclose(one.outputs(one.workspace(drops=False))[:, 0], together[:, row]):
            law = "a row's outputs do not depend on other rows, unless a block gathers statistics"
            raise _Broken(f"{law}: they are others when it is alone")


def _check_numbers(make: Callable[[int], BlockNetwork], checked: slice) -> None:
    """Check what goes through a network for so many rows, and the derivatives by what some of its blocks train."""
    stack = _Stack.draw(make(COUNT), F4, COUNT)
    before, work = stack.parameters.flat.tobytes(), stack.workspace(drops=False)
    first = stack.outputs(work).tobytes()
    gradients = stack.gradients(work).flat.tobytes()
    if stack.parameters.flat.tobytes() != before:
        raise _Broken("forward and backward leave what is trained as it is: it changed")
    if stack.outputs(work).tobytes() != first:
        raise _Broken("the same rows give the same outputs: a second time gave others")
    if stack.outputs(stack.workspace(drops=False, keeps=False)).tobytes() != first:
        raise _Broken("outputs are the same where site.keeps is False: they differ")
    used, others = stack.workspace(drops=False), replace(stack, x=stack.x[:, ::-1].copy())
    others.gradients(used)
    if stack.outputs(used).tobytes() != first or stack.gradients(used).flat.tobytes() != gradients:
        raise _Broken("the same rows give the same outputs: these or gradients depend on what rows came before")
    stack = _Stack.draw(make(COUNT), F8, COUNT)
    slopes = stack.gradients(stack.workspace())
    for name, numbers, found in _pairs(stack.parameters.own[checked], slopes.own[checked]):
        _check_derivative(stack, name, numbers, found)
    for count in (COUNT, 1):
        stack = _Stack.draw(make(count), F4, count)
        if [stack.alone(i).everything()[0] for i in range(GROUPS * PER_GROUP)] != stack.everything():
            raise _Broken("a network's numbers do not depend on its neighbours: they are others when it is alone")


def _check_derivative(stack: _Stack, name: str, numbers: Array, found: Array) -> None:
    """Hold gradients by some numbers against a central difference along a random direction."""
    direction, kept = np.random.default_rng(1).standard_normal(numbers.shape), numbers.copy()
    values = []
    for step in (STEP, -STEP):
        numbers[:] = kept + step * direction
        values.append((stack.top * stack.outputs(stack.workspace())).sum(axis=(1, 2)))
    numbers[:] = kept
    central = (values[0] - values[1]) / (2 * STEP)
    error = np.abs((found * direction).reshape(len(found), -1).sum(axis=1) - central).max()
    largest = np.abs(central).max()
    if not error <= TOLERANCE * largest + ROUNDING * max(1.0, np.abs(values).max()):
        raise _Broken(f"gradients equal central differences: by its {name} off by {error:.2g}, of {largest:.2g}")


def _check_watching(network: BlockNetwork) -> None:
    """Check that layers can be looked at, as a probe and layers.csv do, and that this changes no number."""
    matrices, drawing = len(network.layers), [place for place in walk_placed(network.placed) if _draws(place)]
    if len(drawing) != matrices:
        raise _Broken(f"its layers can be looked at: {matrices} slots have fans, and {len(drawing)} blocks have them")
    stack, shown = _Stack.draw(network, F8, COUNT), list[int]()
    wanted, found = stack.gradients(stack.workspace(drops=False)), stack.empty_gradients()

    def see(signals: Signals) -> None:
        shown.append(signals.layer)
        layer, shape = signals.layer + 1, signals.inputs.shape
        if shape[-1] != network.layers[signals.layer].shape[0]:
            raise _Broken(f"branches are walked in their order: layer {layer} is given another's inputs")

    try:
        observer = Observer(network, GROUPS * PER_GROUP, COUNT, F8)
        observer.send(stack.parameters, stack.x, stack.derivative, found, see)
        _look(stack)
    except _Broken:
        raise
    except Exception as error:
        raise _Broken(f"its layers can be looked at: {type(error).__name__}: {error}") from error
    if sorted(shown) != [*range(matrices)]:
        raise _Broken(f"its layers can be looked at: there are {matrices}, and {len(shown)} were shown")
    if found.flat.tobytes() != wanted.flat.tobytes():
        raise _Broken("its layers can be looked at: gradients are others then")


def _look(stack: _Stack) -> None:
    """Look at its networks as layers.csv and a probe do, and as an initializer of a whole network."""
    from initbench.probing.networks import look_at_drawn  # loads pandas, which checks of other parts do without

    network, count = stack.network, stack.x.shape[1]
    classes = max(2, network.outputs)
    rows = Rows(stack.x[:1], one_hot(np.arange(count) % classes, classes, F8)[None])
    look_at_drawn(network, stack.parameters, rows, differentiated=1)
    with np.errstate(all="ignore"):  # numbers of zeros, which are drawn here, may be nan
        start = Start(0, Part("bias", "zeros"), network, rows.x[0, :, :-1], rows.targets[0])
        for layer in range(len(network.layers)):
            start.preactivation(layer)


def _draws(place: Placed) -> bool:
    """Whether a block has weights that an initializer draws."""
    return any(slot.fans is not None for slot in place.slots)


def _pairs(own: Sequence[Own], gradients: Sequence[Own]) -> Iterator[tuple[str, Array, Array]]:
    """What blocks train and the gradients by it, by name."""
    for mine, slopes in zip(own, gradients, strict=True):
        for branch, below in zip(mine.branches, slopes.branches, strict=True):
            yield from _pairs(branch, below)
        yield from ((name, mine[name], slopes[name]) for name in mine if name != "matrix")


@dataclass
class _Stack:
    """Networks with random numbers, and what goes through them; gradients are those of ``sum(top * outputs)``."""

    network: BlockNetwork
    parameters: Parameters
    x: Array
    top: Array
    groups: tuple[int, ...]

    @classmethod
    def draw(cls, network: BlockNetwork, dtype: np.dtype, count: int) -> _Stack:
        """Draw everything at random, so that no derivative is zero by symmetry."""
        rng, m = np.random.default_rng(0), GROUPS * PER_GROUP
        parameters = network.parameters(m, dtype)
        parameters.flat += rng.normal(scale=0.5, size=parameters.flat.shape)
        x = with_ones(rng.standard_normal((GROUPS, count, prod(network.rows))).astype(dtype))
        top = rng.standard_normal((m, count, network.outputs)).astype(dtype)
        return cls(network, parameters, x, top, tuple(range(GROUPS)))

    def alone(self, i: int) -> _Stack:
        """One of the networks as a stack of its own."""
        parameters = self.network.parameters(1, self.top.dtype)
        parameters.flat[:] = self.parameters.flat[i]
        group = i // PER_GROUP
        return _Stack(self.network, parameters, self.x[group : group + 1], self.top[i : i + 1], (group,))

    def workspace(self, *, keeps: bool = True, drops: bool = True) -> Workspace:
        """Buffers; each new one has the masks of dropout from their beginning."""
        m, n, _ = self.top.shape
        masks = [np.random.default_rng(group) for group in self.groups] if drops and keeps else []
        return self.network.workspace(m, n, self.top.dtype, keeps=keeps, masks=masks)

    def outputs(self, work: Workspace) -> Array:
        """The outputs, shape (m, n, k), as an array of their own."""
        return self.network.forward(self.parameters, self.x, work).copy()

    def derivative(self, outputs: Array) -> Array:
        """The derivative by the outputs, in their place."""
        outputs[:] = self.top
        return outputs

    def empty_gradients(self) -> Parameters:
        """Gradients to be filled, which hold rubbish."""
        gradients = self.network.parameters(len(self.top), self.top.dtype)
        gradients.flat[:] = np.nan
        return gradients

    def gradients(self, work: Workspace) -> Parameters:
        """Go forward and back."""
        gradients = self.empty_gradients()
        delta = self.derivative(self.network.forward(self.parameters, self.x, work))
        self.network.backward(self.parameters, delta, work, gradients)
        return gradients

    def everything(self) -> list[bytes]:
        """Outputs and gradients of each network."""
        work = self.workspace()
        outputs, gradients = self.outputs(self.workspace()), self.gradients(work).flat
        return [a.tobytes() + b.tobytes() for a, b in zip(outputs, gradients, strict=True)]


class _Shift(Block):
    """Adds a trained number to each number that comes in, whose gradient is the derivative by the next block's input.

    It writes ``soil`` beside the rows, and lets the next block overwrite them where it ``gives_away``. On its way back
    it overwrites the scratch that all blocks share.
    """

    def __init__(self, count: int, gives_away: bool, soil: float) -> None:
        self.count, self.needs_output, self.soil = count, not gives_away, soil

    def slots(self, shape: RowShape) -> tuple[Slot, ...]:
        return (Slot("input", (self.count, prod(shape))),)

    def prepare(self, site: Site) -> _Shifted:
        return _Shifted(site)

    def forward(self, x: Array, own: Own, work: _Shifted) -> Array:
        work.full[...] = self.soil
        np.add(x, own["input"].reshape(x.shape), out=work.y)
        work.given = work.y.copy()
        return work.full

    def backward(self, delta: Array, own: Own, work: _Shifted, gradients: Own) -> Array | None:
        work.scratch[...] = np.nan
        inner = delta[..., : work.y.shape[-1]]
        gradients["input"][:] = inner.reshape(gradients["input"].shape)
        return None


class _Shifted:
    """The buffer of a shift, the rows in it, and what these were."""

    def __init__(self, site: Site) -> None:
        self.full = site.values()
        self.scratch = site.scratch() if site.keeps else self.full
        self.y = self.full[..., : site.output[-1]]
        self.given = self.y


class _Soil(Block):
    """Gives what it is given, both ways, but for ``soil`` beside the rows; and looks at its shape."""

    passes_ones = True
    needs_output = False

    def __init__(self, soil: float) -> None:
        self.soil = soil

    def prepare(self, site: Site) -> _Soiled:
        return _Soiled(site)

    def forward(self, x: Array, own: Own, work: _Soiled) -> Array:
        if (x.shape, x.dtype) != (work.shape, work.dtype):
            raise _Broken(f"gives rows of the shape and type that are asked for: got {x.shape} {x.dtype}, not {work}")
        y = x if work.y is None else work.y
        y[..., : work.width] = x[..., : work.width]
        y[..., work.width :] = self.soil
        return y

    def backward(self, delta: Array, own: Own, work: _Soiled, gradients: Own) -> Array | None:
        delta[..., work.width :] = self.soil
        return delta


class _Soiled:
    """The buffer, if there is one, and what must come in."""

    def __init__(self, site: Site) -> None:
        self.width, self.dtype = site.shape[-1], site.dtype
        self.shape = (site.m, site.n, *site.shape[:-1], self.width + site.given.spare)
        self.y = None if site.may_overwrite else site.values()
        if site.may_overwrite:
            site.returns_input()

    def __str__(self) -> str:
        return f"{self.shape} {self.dtype}"

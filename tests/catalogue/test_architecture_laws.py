"""The laws of architectures hold for ours, and a planted fault is reported with the class of the block that has it."""

from dataclasses import dataclass
from itertools import count

import numpy as np
import pytest
from blocks import Half, Reshape, Scale, ScaleTwice, ScaleVector, Sum
from networks import mlp_network

from initbench.catalogue import network_laws
from initbench.catalogue.laws import broken_laws, why_unchecked
from initbench.catalogue.network_laws import ROW_SHAPES
from initbench.engine import network, parameters, workspace
from initbench.engine.block import Block, ahead, back
from initbench.engine.blocks.activation import Activate
from initbench.engine.blocks.dense import Dense
from initbench.engine.blocks.normalization import Normalization
from initbench.engine.network import BlockNetwork
from initbench.engine.parameters import Slot
from initbench.errors import ParameterError, ShapeError
from initbench.registry import About, Entry, entries, find

OURS = [entry for entry in entries("architecture") if not entry.fingerprint]


@pytest.mark.parametrize("entry", OURS, ids=lambda entry: entry.name)
def test_our_architectures_keep_the_laws(entry):
    assert why_unchecked(entry) == ""
    assert broken_laws(entry) == []


def entry_of(function):
    function.__doc__ = "An architecture with a fault."
    return Entry("architecture", "faulty", function, {}, About())


def with_block(*blocks):
    """A network of two dense layers with blocks between."""
    return entry_of(lambda rows, outputs, *, hidden: [Dense(hidden[0]), *blocks, Dense(outputs)])


class SlopeByInput(Scale):
    def backward(self, delta, own, work, gradients):
        return 1.01 * super().backward(delta, own, work, gradients)


class SlopeByFactors(Scale):
    def backward(self, delta, own, work, gradients):
        below = super().backward(delta, own, work, gradients)
        gradients["factors"] *= 1.01
        return below


class AddsUpGradients(Scale):
    def backward(self, delta, own, work, gradients):
        gradients["factors"] += (delta * work["x"]).sum(axis=1, keepdims=True)
        return delta * own["factors"]


class LooksAtNeighbours(Scale):
    def forward(self, x, own, work):
        return super().forward(x, own, work) + np.float32(1e-6) * len(x)


class Counts(Scale):
    def prepare(self, site):
        return super().prepare(site) | {"calls": count()}

    def forward(self, x, own, work):
        return super().forward(x, own, work) + next(work["calls"])


class KeepsFirstRows(Scale):
    def forward(self, x, own, work):
        kept = work.get("x")
        y = super().forward(x, own, work)
        work["x"] = work["x"] if kept is None else kept
        return y


class KeepsFirstOutputs(Scale):
    def forward(self, x, own, work):
        if "y" not in work:
            work["y"] = super().forward(x, own, work)
        return work["y"].copy()


class MixesRows(Scale):
    def forward(self, x, own, work):
        y = super().forward(x, own, work)
        return y - y.mean(axis=1, keepdims=True)

    def backward(self, delta, own, work, gradients):
        return super().backward(delta - delta.mean(axis=1, keepdims=True), own, work, gradients)


class ReturnsScratch(Scale):
    def prepare(self, site):
        return super().prepare(site) | {"scratch": site.scratch() if site.keeps else None}

    def backward(self, delta, own, work, gradients):
        below = work["scratch"][..., : work["width"]]
        below[...] = super().backward(delta[..., : work["width"]], own, work, gradients)
        return below


class OverwritesInput(Scale):
    def forward(self, x, own, work):
        y = super().forward(x, own, work)
        x[..., : work["width"]] *= 2
        return y


class LooksBesideRows(Scale):
    passes_ones = True

    def forward(self, x, own, work):
        return super().forward(x, own, work) + x[..., -1:]


class SpareDelta(Scale):
    def prepare(self, site):
        return super().prepare(site) | {"y": site.values()}

    def forward(self, x, own, work):
        work["y"][..., : work["width"]] = super().forward(x, own, work)
        return work["y"]

    def backward(self, delta, own, work, gradients):
        inner = delta[..., : work["width"]]
        return super().backward(inner, own, work, gradients) + 0 * inner + delta.sum(axis=-1, keepdims=True)


class RoundsWithoutDerivative(Scale):
    def forward(self, x, own, work):
        y = super().forward(x, own, work)
        return y if work["keeps"] else y.round(3)


class ChangesFactors(Scale):
    def forward(self, x, own, work):
        own["factors"] *= 1.5
        return super().forward(x, own, work)


class OtherShape(Scale):
    def output(self, shape):
        return (shape[0] + 1,)


class OtherType(Scale):
    def forward(self, x, own, work):
        return super().forward(x, own, work).astype(np.float64)


class Fails(Scale):
    def backward(self, delta, own, work, gradients):
        return 1 // 0


class Squashes(Block):
    """``z / sqrt(1 + z²)``, whose way back looks at what it gave."""

    def prepare(self, site):
        return site.values(), site.output[-1]

    def forward(self, x, own, work):
        y, width = work
        z = x[..., :width]
        np.divide(z, np.sqrt(1 + z * z), out=y[..., :width])
        return y

    def backward(self, delta, own, work, gradients):
        y, width = work
        return delta[..., :width] * (1 - y[..., :width] ** 2) ** 1.5


class SquashesWithoutOutput(Squashes):
    needs_output = False


class GathersNothing(Scale):
    gathers = True

    def prepare(self, site):
        work = super().prepare(site)
        site.gathers_statistics(work)  # which has no mean and variance
        return work


class TwoOfOneName(Scale):
    def slots(self, shape):
        return super().slots(shape) * 2


class OtherFans(Dense):
    def slots(self, shape):
        return (Slot("weights", (shape[-1], self.units), fans=(self.units, shape[-1]), has_biases=True),)


class FansSecond(Dense):
    def slots(self, shape):
        return (Slot("gains", (1, self.units)), *super().slots(shape))


class TwiceBiases(Dense):
    def slots(self, shape):
        return (*super().slots(shape), Slot("biases", (1, self.units)))


class FlatBiases(Dense):
    def slots(self, shape):
        fans = (shape[-1], self.units)
        return (Slot("weights", fans, fans=fans), Slot("biases", (self.units,)))


class TwoMatrices(Dense):
    def slots(self, shape):
        return (*super().slots(shape), Slot("others", (2, 3), fans=(2, 3)))

    def backward(self, delta, own, work, gradients):
        gradients["others"][:] = 0
        return super().backward(delta, own, work, gradients)


class SharesBelow(Sum):
    def backward(self, delta, own, work, gradients):
        kept, parts = delta[..., : work[2]].copy(), self.parts(own.branches, work[0], gradients.branches)
        found = [back(blocks, kept.copy(), mine, buffers, slopes) for blocks, mine, buffers, slopes in parts]
        return sum(below[..., : work[1]] for below in found)  # the second way back has overwritten what the first gave


class SharesDelta(Sum):
    def backward(self, delta, own, work, gradients):
        below = 0
        for blocks, mine, buffers, slopes in self.parts(own.branches, work[0], gradients.branches):
            below = back(blocks, delta[..., : work[2]].copy(), mine, buffers, slopes)[..., : work[1]] + below
        return below


class LastBranchFirst(Sum):
    def parts(self, *lists):
        return reversed(list(super().parts(*lists)))


class Sealed(Block):
    """Wraps blocks, and can't be made around others since it is no dataclass."""

    def __init__(self, *blocks):
        self.branches = (blocks,)

    def prepare(self, site):
        return site.branch(0), site.output[-1]

    def output(self, shape):
        return self.branches[0][-1].output(shape)

    def forward(self, x, own, work):
        return ahead(self.branches[0], x, own.branches[0], work[0])[..., : work[1]].copy()

    def backward(self, delta, own, work, gradients):
        return back(self.branches[0], delta, own.branches[0], work[0], gradients.branches[0])


F8 = np.dtype("f8")
TANH = Activate(find("activation", "tanh").function())
DERIVATIVES = "gradients equal central differences: in"
BLOCKS = {
    f"{DERIVATIVES} SlopeByInput, by its input off by": SlopeByInput(),
    f"{DERIVATIVES} SlopeByFactors, by its factors off by": SlopeByFactors(),
    f"{DERIVATIVES} AddsUpGradients, by its factors off by nan": AddsUpGradients(),
    "do not depend on its neighbours: in LooksAtNeighbours,": LooksAtNeighbours(),
    "the same rows give the same outputs: in Counts,": Counts(),
    "the same rows give the same outputs: in KeepsFirstRows, these or gradients depend on": KeepsFirstRows(),
    "the same rows give the same outputs: in KeepsFirstOutputs, these or gradients depend on": KeepsFirstOutputs(),
    "only where site.may_overwrite: in OverwritesInput,": OverwritesInput(),
    "do not depend on other rows, unless a block gathers statistics: in MixesRows, they are others": MixesRows(),
    "looks at the numbers of its rows alone: in LooksBesideRows,": LooksBesideRows(),
    "looks at the numbers of its rows alone: in SpareDelta,": SpareDelta(),
    "where site.keeps is False: in RoundsWithoutDerivative,": RoundsWithoutDerivative(),
    "what is trained as it is: in ChangesFactors,": ChangesFactors(),
    "of the shape and type that are asked for: in OtherShape, got": OtherShape(),
    "of the shape and type that are asked for: in OtherType, got": OtherType(),
    f"{DERIVATIVES} ReturnsScratch, by its input off by nan": ReturnsScratch(),
    f"{DERIVATIVES} SquashesWithoutOutput, by its input off by": SquashesWithoutOutput(),
    "its blocks work: in Fails, ZeroDivisionError": Fails(),
    "slots of a block have different names: in TwoOfOneName, factors, factors": TwoOfOneName(),
    "slots have the shape of their fans: in OtherFans, weights of (5, 4) has fans (4, 5)": OtherFans(4),
    "the first slot of a block is the one that has fans: in FansSecond, gains has none": FansSecond(4),
    "slots of a block have different names: in TwiceBiases, weights, biases, matrix, biases": TwiceBiases(4),
    "slots have the shape of their fans: in FlatBiases, biases of (4,) are not of (1, 4)": FlatBiases(4),
    "its layers can be looked at: 4 slots have fans, and 3 blocks have them": TwoMatrices(5),
    f"{DERIVATIVES} SharesBelow, by its input off by": SharesBelow(((Dense(4),), (Dense(3), Dense(4)))),
    f"{DERIVATIVES} SharesDelta, by its input off by": SharesDelta(((Dense(3), TANH, Dense(4)), (Dense(4),))),
    "its layers can be looked at: AttributeError: 'dict' object has no attribute 'mean'": GathersNothing(),
    "branches are walked in their order: layer": LastBranchFirst(((Dense(3), Dense(4)), (Dense(4),))),
    "its layers can be looked at: TypeError": Sealed(Dense(5)),
    f"{DERIVATIVES} SlopeByInput": Sum(((Dense(4),), (SlopeByInput(), Dense(4)))),
}


@pytest.mark.parametrize("words", BLOCKS)
def test_a_fault_of_a_block_is_reported_with_its_class(words):
    (law,) = broken_laws(with_block(BLOCKS[words]))
    assert words in law
    assert "with rows of (7,), 3 outputs" in law


SOUND = {
    "plain": Scale(),
    "branches": Sum(((Dense(4),), (Scale(), Dense(3), Dense(4)))),
    "branch without weights": Sum(((Scale(),), (Dense(5), Scale()))),
    "looks at its output": Squashes(),
    "more axes": Reshape((5, 1)),
    "slot of one axis": ScaleVector(),
    "slot of two rows": ScaleTwice(),
}


@pytest.mark.parametrize("name", SOUND)
def test_sound_blocks_of_a_plugin_keep_the_laws(name):
    assert broken_laws(with_block(SOUND[name])) == []


def test_slots_of_one_name_between_the_same_weights_are_all_kept():
    blocks = [Normalization("layer"), TANH, Normalization("layer"), Scale(), Scale(), Scale()]
    assert broken_laws(with_block(*blocks)) == []
    layers = BlockNetwork([Scale(), Dense(5), *blocks, Dense(3)], (4,)).parameters(1, F8).layers
    again = ["gains_2", "offsets_2", "factors_2", "factors_3", "factors_4"]
    assert list(layers[0]) == ["factors", "weights", "biases", "gains", "offsets", *again]


def first_rows(parameters, place):
    """A wrong `trained_numbers`: of slots with two rows it has the first one."""
    return [
        {name: views[place] if name == "weights" else views[place, :1] for name, views in layer.items()}
        for layer in parameters.layers
    ]


FORGETFUL = {
    5: (network_laws, "trained_numbers", first_rows),
    10: (parameters, "_free_name", lambda name, layer: name),
}


@pytest.mark.parametrize("missed", FORGETFUL)
def test_the_laws_catch_numbers_that_are_in_no_layer(missed, monkeypatch):
    monkeypatch.setattr(*FORGETFUL[missed])
    (law,) = broken_laws(with_block(ScaleTwice(), Normalization("layer"), Normalization("layer")))
    assert f"its layers have all that it trains once: they miss {missed} numbers" in law


def test_a_first_block_may_make_rows_narrower_and_ask_for_their_derivative():
    def half_first(rows, outputs, *, hidden):
        return [Half(), Dense(hidden[0]), Half(), Dense(outputs)]

    assert broken_laws(entry_of(half_first)) == []


def test_an_architecture_may_end_in_an_activation():
    def ends_in_activation(rows, outputs, *, hidden, activation):
        return [Dense(hidden[0]), Activate(activation), Dense(outputs), Activate(activation)]

    assert broken_laws(entry_of(ends_in_activation)) == []


@pytest.mark.parametrize("words", ["in Activate", "in Squashes"])
def test_the_laws_catch_a_loss_that_overwrites_what_a_last_block_looks_at(words, monkeypatch):
    for module in (network, workspace):
        monkeypatch.setattr(module, "writes_logits", lambda last: True)
    blocks = [Activate(find("activation", "gelu").function())] if "Activate" in words else [Squashes()]
    (law,) = broken_laws(with_block(*blocks))
    assert f"gradients equal central differences: {words}, by its input off by" in law


def refuse(rows, outputs):
    raise ShapeError("takes no rows at all")


ARCHITECTURES = {
    "builds a network for rows of some shape: refuses (7,): takes no rows at all": refuse,
    "or ParameterError: ZeroDivisionError": lambda rows, outputs: 1 // 0,
    "returns blocks: got none": lambda rows, outputs: None,
    "returns blocks: got int": lambda rows, outputs: [Dense(outputs), 3],
    "gives as many outputs as are asked for: got 4": lambda rows, outputs: [Dense(4)],
    "has weights that an initializer draws": lambda rows, outputs: [Slice(outputs)],
}


@dataclass(frozen=True)
class Slice(Block):
    """The first numbers of a row."""

    width: int

    def output(self, shape):
        return (self.width,)


@pytest.mark.parametrize("words", ARCHITECTURES)
def test_a_fault_of_an_architecture_is_reported(words):
    (law,) = broken_laws(entry_of(ARCHITECTURES[words]))
    assert words in law


def test_an_architecture_may_refuse_some_rows_and_some_keys():
    def images(rows, outputs, *, hidden, dropout=0.0):
        if len(rows) < 3:
            raise ShapeError("takes images")
        if dropout:
            raise ParameterError("takes no dropout")
        return [Dense(hidden[0]), Dense(outputs)]

    assert broken_laws(entry_of(images)) == []


def test_every_shape_of_rows_is_tried():
    seen = []

    def watched(rows, outputs, *, hidden):
        seen.append(rows)
        return list(mlp_network((7, *hidden, outputs)).blocks)

    assert broken_laws(entry_of(watched)) == []
    assert set(seen) == set(ROW_SHAPES)

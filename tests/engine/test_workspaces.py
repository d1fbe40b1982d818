"""Who writes where changes no number: with or without a way back, alone or in a stack, watched or not."""

from dataclasses import replace
from math import prod

import numpy as np
import pytest
from blocks import Half, Scale, Soil, Sum
from networks import mlp_network

from initbench.engine.blocks.activation import Activate
from initbench.engine.blocks.dense import Dense
from initbench.engine.blocks.dropout import Dropout
from initbench.engine.blocks.normalization import Normalization
from initbench.engine.blocks.residual import Residual
from initbench.engine.network import BlockNetwork, with_ones
from initbench.engine.signals import Observer
from initbench.engine.workspace import Workspace
from initbench.registry import entries, find

GROUPS, PER_GROUP, ROWS = 2, 2, 6
ACTIVATIONS = [entry.name for entry in entries("activation") if not entry.fingerprint]
RESIDUAL = ["none", "plain", "scaled", "rezero", "fixup"]
EVEN, UNLIKE = (5, 6, 6, 6, 6, 3), (5, 7, 7, 4, 4, 4, 3)


class Stack:
    """Some networks with random numbers, and bytes of what goes through them."""

    def __init__(self, network, *, dtype="f4", parameters=None, x=None, top=None, seeds=range(GROUPS)):
        rng, m, self.dtype = np.random.default_rng(0), GROUPS * PER_GROUP, np.dtype(dtype)
        self.network, self.seeds = network, seeds
        self.parameters = parameters or network.parameters(m, self.dtype)
        if parameters is None:
            self.parameters.flat += rng.normal(scale=0.5, size=self.parameters.flat.shape)
        drawn = with_ones(rng.normal(size=(GROUPS, ROWS, prod(network.rows))).astype(dtype))
        self.x = drawn if x is None else x
        self.top = rng.normal(size=(m, ROWS, network.outputs)).astype(dtype) if top is None else top

    def alone(self, i):
        parameters, group = self.network.parameters(1, self.dtype), i // PER_GROUP
        parameters.flat[:] = self.parameters.flat[i]
        x, top = self.x[group : group + 1], self.top[i : i + 1]
        return Stack(self.network, dtype=self.dtype, parameters=parameters, x=x, top=top, seeds=[group])

    def workspace(self, *, keeps=True, drops=False):
        masks = [np.random.default_rng(seed) for seed in self.seeds] if drops else []
        return self.network.workspace(len(self.top), ROWS, self.dtype, keeps=keeps, masks=masks)

    def outputs(self, **options):
        return self.network.forward(self.parameters, self.x, self.workspace(**options)).tobytes()

    def derivative(self, outputs):
        outputs[:] = self.top
        return outputs

    def gradients(self, **options):
        work, found = self.workspace(**options), self.network.parameters(len(self.top), self.dtype)
        outputs = self.network.forward(self.parameters, self.x, work)
        self.network.backward(self.parameters, self.derivative(outputs), work, found)
        return found.flat.copy()

    def each(self):
        """Outputs and gradients of each network, with dropout."""
        outputs = self.network.forward(self.parameters, self.x, self.workspace(drops=True))
        return [a.tobytes() + b.tobytes() for a, b in zip(outputs, self.gradients(drops=True), strict=True)]

    def watched(self):
        """Gradients as an observer finds them, and the layers that it shows."""
        observer = Observer(self.network, len(self.top), ROWS, self.dtype)
        found, shown = self.network.parameters(len(self.top), self.dtype), []
        observer.send(self.parameters, self.x, self.derivative, found, lambda signals: shown.append(signals.layer))
        return found.flat.copy(), shown


# Random sequences


def drawn_blocks(rng, width, depth=0):
    """Some blocks, the last of which gives rows as wide as those that come in."""
    activation = Activate(find("activation", str(rng.choice(ACTIVATIONS))).function())
    kind = rng.integers(9 if depth < 2 else 6)
    if kind < 2:
        return [Dense(int(rng.integers(1, 8))), activation, Dense(width)]
    if kind < 6:
        return [[activation], [Normalization(str(rng.choice(["batch", "layer"])))], [Dropout(0.3)], [Scale()]][kind - 2]
    branches = tuple(tuple(drawn_blocks(rng, width, depth + 1) * rng.integers(1, 3)) for _ in range(kind - 5))
    if len(branches) > 1:
        return [Sum(branches)]
    return [Residual(branches, 0.7) if rng.random() < 0.5 else Residual(branches, start=0.5)]


def drawn_network(seed):
    """A network of random blocks."""
    rng, width, blocks = np.random.default_rng([3, seed]), 5, []
    for _ in range(rng.integers(1, 7)):
        blocks += drawn_blocks(rng, width)
        if rng.random() < 0.4:
            width = int(rng.integers(1, 8))
            blocks.append(Dense(width))
    return BlockNetwork([*blocks, Dense(int(rng.integers(1, 4)))], (5,))


def soiled(network):
    """The network with a block after each that writes rubbish beside the rows."""

    def with_soil(blocks):
        return tuple(block for one in blocks for block in (inside(one), Soil()))

    def inside(block):
        return replace(block, branches=tuple(map(with_soil, block.branches))) if block.branches else block

    blocks = with_soil(network.blocks)[:-1]  # the last one gives the outputs
    return BlockNetwork(blocks, network.rows)


SEEDS = range(60)
each_seed = pytest.mark.parametrize("seed", SEEDS)


@each_seed
def test_outputs_of_any_sequence_are_the_same_without_a_way_back(seed):
    stack = Stack(drawn_network(seed))
    assert stack.outputs(keeps=False) == stack.outputs()


@each_seed
def test_a_network_of_any_sequence_is_the_same_alone_and_in_a_stack(seed):
    stack = Stack(drawn_network(seed))
    assert [stack.alone(i).each()[0] for i in range(GROUPS * PER_GROUP)] == stack.each()


@each_seed
def test_rubbish_beside_the_rows_changes_nothing(seed):
    network = drawn_network(seed)
    clean, other = Stack(network), Stack(soiled(network))
    assert other.outputs() == clean.outputs()
    assert other.outputs(keeps=False) == clean.outputs()
    assert other.each() == clean.each()


@each_seed
def test_an_observer_changes_no_number_of_any_sequence_and_shows_each_layer(seed):
    stack = Stack(drawn_network(seed), dtype="f8")
    gradients, shown = stack.watched()
    assert gradients.tobytes() == stack.gradients().tobytes()
    assert sorted(shown) == list(range(len(stack.network.layers)))


# Multilayer perceptrons


def without_a_way_back(network):
    stack = Stack(network)
    return stack.outputs(keeps=False) == stack.outputs()


@pytest.mark.parametrize("sizes", [EVEN, UNLIKE], ids=["even", "unlike"])
@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_perceptron_is_the_same_without_a_way_back(activation, normalization, sizes):
    for residual in RESIDUAL:
        for dropout in (0.0, 0.3):
            keys = {"normalization": normalization, "residual": residual, "dropout": dropout}
            assert without_a_way_back(mlp_network(sizes, activation, **keys)), keys


@pytest.mark.parametrize("residual", RESIDUAL)
@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
def test_an_observer_changes_no_number_of_a_perceptron(normalization, residual):
    stack = Stack(mlp_network(UNLIKE, "relu", normalization=normalization, residual=residual))
    gradients, shown = stack.watched()
    assert gradients.tobytes() == stack.gradients().tobytes()
    assert shown == list(reversed(range(6)))


# Planted faults


def differing(monkeypatch, check, target, name, fault):
    """How many of the random sequences a check objects to, once something is spoiled."""
    monkeypatch.setattr(target, name, fault)
    return sum(not check(drawn_network(seed)) for seed in SEEDS)


def test_the_checks_catch_ones_that_are_trusted_to_be_there(monkeypatch):
    honest = Workspace.take

    def trusting(self, shape):
        self.trusts_ones = True
        return honest(self, shape)

    monkeypatch.setattr(Workspace, "take", trusting)
    assert not without_a_way_back(mlp_network(UNLIKE, "relu"))


def test_the_checks_catch_a_buffer_that_is_given_out_twice(monkeypatch):
    def shared(self, shape):
        if self.keeps:
            return np.ones(shape, self.dtype), None
        self._free = self._free or [np.ones(self.largest, self.dtype)]
        return self._free[0][: prod(shape)].reshape(shape), self._free[0]

    assert differing(monkeypatch, without_a_way_back, Workspace, "take", shared) > 3


def test_the_checks_catch_buffers_that_are_narrower_than_the_rows(monkeypatch):
    network = BlockNetwork([Half(), Dense(3)], (9,))
    assert without_a_way_back(network)

    def narrow(self, place, shape):
        return np.zeros(self.largest, self.dtype)[: prod(shape)].reshape(shape)

    monkeypatch.setattr(Workspace, "scratch", narrow)
    with pytest.raises(ValueError, match="cannot reshape array"):
        without_a_way_back(network)


def test_the_checks_catch_an_observer_that_rounds_what_it_sees(monkeypatch):
    honest = Dense.inputs

    def check(network):
        stack = Stack(network, dtype="f8")
        return stack.watched()[0].tobytes() == stack.gradients().tobytes()

    def rounding(self, x, work):
        np.round(x, 9, out=x)
        return honest(self, x, work)

    assert differing(monkeypatch, check, Dense, "inputs", rounding) > 3


def test_the_checks_catch_a_block_that_reads_beside_the_rows(monkeypatch):
    def greedy(self, delta, own, work, gradients):
        return delta * self.slope(own, work)[..., : delta.shape[-1]] + 1e-3 * delta.sum(axis=-1, keepdims=True)

    def check(network):
        return Stack(soiled(network)).each() == Stack(network).each()

    assert differing(monkeypatch, check, Activate, "backward", greedy) > 3


def test_the_checks_catch_a_block_that_looks_at_its_neighbours(monkeypatch):
    honest = Scale.forward

    def leaking(self, x, own, work):
        return honest(self, x, own, work) + np.float32(1e-6) * len(x)

    def check(network):
        stack = Stack(network)
        return [stack.alone(i).each()[0] for i in range(GROUPS * PER_GROUP)] == stack.each()

    assert differing(monkeypatch, check, Scale, "forward", leaking) > 3

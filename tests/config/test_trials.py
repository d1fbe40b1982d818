"""Combinations that cannot work are told before training, at the initializer, with the reason."""

import tracemalloc

import pytest

from initbench import registry
from initbench.config import bundled, read_experiment
from initbench.errors import ConfigError

FAULTY = {
    "gain torch": ("{he_normal: {gain: torch}}", "activation: gelu", "activation gelu", "no gain"),
    "gain critical": ("{he_normal: {gain: critical}}", "activation: softplus", "activation softplus", "critical point"),
    "critical": ("critical", "activation: gelu", "activation gelu", "no critical point at sigma_b 0"),
    "a rule on the last layer": ("{hidden: zeros, last: critical}", "activation: gelu", "activation gelu", "critical"),
    "looks_linear": ("looks_linear", "width: 65", "width 65", "shape (65, 65) has an odd number"),
    "looks_linear, by layer": ("looks_linear", "hidden: [64, 33, 8]", "hidden 64-33-8", "odd number"),
    "looks_linear, one layer": ("looks_linear", "depth: 1\nwidth: 7", "width 7", "odd number"),
    "antisymmetric": ("antisymmetric", "width: 4097", "width 4097", "hidden layer 1 has"),
    "fixup": ("fixup", "residual: plain", "residual plain", "write residual: fixup"),
}
FINE = [
    "initializer: {he_normal: {gain: torch}}\nactivation: [relu, tanh, selu]",
    "initializer: {critical: {sigma_b: 0.2}}\nactivation: gelu",
    "initializer: [looks_linear, antisymmetric]\nwidth: [64, 4096]",
    "initializer: looks_linear\ndepth: 0\nwidth: 65",
    "initializer: fixup\nresidual: [none, fixup]",
    "initializer: fixup\nresidual: plain\nhidden: [64, 32, 16]",
    "initializer: {first: zeros, hidden: zeros, last: looks_linear}\nwidth: 64\nactivation: gelu",
    "initializer: critical\noutput_initializer: zeros\ndepth: 0\nactivation: gelu",
]


@pytest.fixture
def read(tmp_path):
    def read_text(text):
        (tmp_path / "some.yaml").write_text(text)
        return read_experiment(tmp_path / "some.yaml")

    return read_text


def faults(read, text):
    with pytest.raises(ConfigError) as caught:
        read(text)
    return caught.value.faults


@pytest.mark.parametrize("case", FAULTY)
def test_a_combination_that_cannot_work_is_told_at_the_initializer(read, case):
    initializer, setting, cause, reason = FAULTY[case]
    (fault,) = faults(read, f"{setting}\ninitializer: {initializer}\n")
    assert fault.line == setting.count("\n") + 2
    assert f"has no answer for {cause}: " in fault.message
    assert reason in fault.message
    assert fault.hint == "leave one of them out, or run them in a config of their own"


@pytest.mark.parametrize("text", FINE)
def test_a_combination_that_works_is_read(read, text):
    read(text)


def test_of_a_sweep_the_fault_names_the_one_that_cannot_work(read):
    text = (
        "activation: [relu, gelu, tanh]\nwidth: [64, 65]\ninitializer:\n  - he_normal\n  - critical\n  - looks_linear"
    )
    first, second = faults(read, text)
    assert (first.line, second.line) == (5, 6)
    assert first.message.startswith("'critical' has no answer for activation gelu: ")
    assert second.message.startswith("'looks_linear' has no answer for width 65: ")
    assert first.hint == second.hint == "leave one of them out, or run them in a config of their own"


def test_they_come_with_the_other_faults_of_the_file_even_of_the_same_list(read):
    found = faults(read, "activation: [gelu, gellu]\ninitializer: [critical, he_norml]\nepochs: 0\nseeds: 0")
    assert [(fault.line, fault.column) for fault in found] == [(1, 20), (2, 15), (2, 25), (3, 9), (4, 8)]
    found = faults(read, "width: [65, wide]\ninitializer: [looks_linear, {uniform: {low: 1, high: 0}}]")
    assert [fault.line for fault in found] == [1, 2, 2]
    assert "'uniform(low=1, high=0)': low is 1" in found[2].message


def test_an_output_initializer_is_tried_on_the_last_layer_alone(read):
    (fault,) = faults(read, "width: 65\noutput_initializer: looks_linear")
    assert (fault.line, "(65, 10)" in fault.message) == (2, True)


@pytest.mark.parametrize("residual", ["[plain, fixup]", "[fixup, plain]"])
def test_a_residual_that_works_is_not_taken_for_one_that_does_not(read, residual):
    (fault,) = faults(read, f"initializer: fixup\nresidual: {residual}\ndepth: 4")
    assert "has no answer for residual plain: " in fault.message


@pytest.mark.parametrize(
    "faulty",
    [
        *("activation: tanhh", "activation: [tanhh, gellu]", "residual: fixip", "width: wide", "depth: deep"),
        "hidden: [64, wide]",
    ],
)
def test_where_layers_are_not_known_only_what_does_not_ask_for_them_is_tried(read, faulty):
    critical, fixup, impossible = "{critical: {sigma_b: 0.2}}", "fixup", "{uniform: {low: 1, high: 0}}"
    found = faults(read, f"{faulty}\ninitializer: [{critical}, {fixup}, lsuv, {impossible}]\nbias: output_prior")
    assert {fault.line for fault in found[:-1]} == {1}
    assert (found[-1].line, "low is 1" in found[-1].message) == (2, True)


PLUGIN = """
import numpy as np
from initbench.registry import bias, initializer, network_initializer

@initializer("wide_only")
def wide_only(shape, rng):
    "Refuses what is narrow."
    if min(shape) < 10:
        from initbench.errors import ShapeError
        raise ShapeError("too narrow")
    return np.zeros(shape)

@initializer("stumbles")
def stumbles(shape, rng):
    "Divides by nothing."
    return np.zeros(shape) + 1 // 0

@initializer("transposed")
def transposed(shape, rng):
    "Gives the wrong shape."
    return np.zeros(shape[::-1])

@initializer("imaginary")
def imaginary(shape, rng):
    "Gives complex numbers."
    return np.zeros(shape) + 1j

@initializer("counts")
def counts(shape, rng):
    "Gives whole numbers as biases."
    return np.zeros(shape), np.zeros(shape[1], int)

@bias("lonely")
def lonely(shape, rng):
    "Gives one number for all units."
    return np.ones(1)

@initializer("by_rows")
def by_rows(shape, rng, *, layer):
    "Looks at what a run shows the first layer and the last."
    scale = np.sqrt((layer.inputs**2).mean()) if layer.index == 0 else 1.0
    shares = layer.targets.mean(axis=0) if layer.is_last else np.ones(shape[1])
    if layer.is_last and shares.shape == (1,):
        assert 0 < shares < 1
    elif layer.is_last:
        assert np.allclose(layer.targets.sum(axis=1), 1)
    return np.ones(shape) * scale * shares

@network_initializer("looks_at_rows")
def looks_at_rows(network):
    "Looks at what is not there before training."
    if network.x.sum() > 0:
        raise ValueError
"""


@pytest.fixture
def plugin(tmp_path):
    (tmp_path / "plugin.py").write_text(PLUGIN)
    registry.load_plugin(tmp_path / "plugin.py")


def test_parts_from_outside_are_tried_too_and_not_refused_for_what_stands_in(read, plugin):
    read("initializer: [wide_only, looks_at_rows]\nwidth: 16")
    assert "too narrow" in faults(read, "initializer: wide_only\nwidth: 9")[0].message
    assert "'stumbles': ZeroDivisionError" in faults(read, "initializer: stumbles")[0].message
    assert "'transposed': drew weights of shape" in faults(read, "initializer: transposed")[0].message


def test_parts_from_outside_that_draw_what_is_no_layer_are_told(read, plugin):
    assert "'imaginary': drew weights of type complex128" in faults(read, "initializer: imaginary")[0].message
    assert "'counts': drew biases of type int64" in faults(read, "initializer: counts")[0].message
    (fault,) = faults(read, "width: 16\nbias: [zeros, lonely]")
    assert fault.message == "'lonely': drew biases of shape (1,) where (16,) was asked for"


@pytest.mark.parametrize("setting", ["dataset: churn", "dataset: digits", "depth: 0", "width: [7, 300]"])
def test_parts_that_look_at_rows_are_shown_some_as_in_a_run(read, plugin, setting):
    ours = "nguyen_widrow, scawi, kathirvalavakumar"
    read(f"{setting}\ninitializer: [by_rows, {ours}]\nbias: output_prior\nactivation: tanh")


ARCHITECTURES = """
import numpy as np
from initbench.contracts import Dataset
from initbench.engine.blocks.activation import Activate
from initbench.engine.blocks.dense import Dense
from initbench.errors import ShapeError
from initbench.registry import architecture, dataset, initializer

@dataset("blobs")
def blobs(folders):
    "Images that are known only when they are loaded."
    x, y = np.arange(1920, dtype=np.uint8).reshape(120, 16), np.arange(120) % 3
    return Dataset(x[:100], y[:100], x[100:], y[100:], ("a", "b", "c"), "image", shape=(4, 4, 1))

@architecture("images_only")
def images_only(rows, outputs, *, hidden, activation):
    "Takes no rows but images."
    if len(rows) != 3:
        raise ShapeError("takes images")
    return [*(block for units in hidden for block in (Dense(units), Activate(activation))), Dense(outputs)]

@architecture("ten_units")
def ten_units(rows, outputs, *, hidden, activation):
    "Needs ten units, and says so with an error of Python's."
    if min(hidden) < 10:
        raise ZeroDivisionError("too few")
    return [*(block for units in hidden for block in (Dense(units), Activate(activation))), Dense(outputs)]

@architecture("one_more")
def one_more(rows, outputs, *, hidden):
    "Gives one output too many."
    return [Dense(outputs + 1)]

@architecture("loop")
def loop(rows, outputs, *, hidden):
    "Has a matrix that stands for a recurrent one."
    return [Dense(hidden[0]), Recurrent(hidden[0]), Dense(outputs)]

class Recurrent(Dense):
    def slots(self, shape):
        return tuple(slot._replace(role="recurrent") for slot in super().slots(shape))

@initializer("refuses")
def refuses(shape, rng):
    "Refuses every layer."
    raise ShapeError("whatever it is")
"""


@pytest.fixture
def architectures(tmp_path):
    (tmp_path / "architectures.py").write_text(ARCHITECTURES)
    registry.load_plugin(tmp_path / "architectures.py")


def test_an_architecture_is_not_refused_for_rows_and_sizes_that_are_made_up(read, architectures):
    read("dataset: blobs\narchitecture: images_only\ninitializer: [he_normal, lsuv]")
    read("architecture: ten_units\nwidth: 12\ninitializer: [he_normal, lsuv]")
    read("dataset: blobs\narchitecture: [mlp, images_only]\nwidth: 12\ninitializer: he_normal")


def test_rows_that_are_not_known_hide_no_fault_of_an_mlp(read, architectures):
    (fault,) = faults(read, "dataset: blobs\narchitecture: [images_only, mlp]\nwidth: 65\ninitializer: looks_linear")
    assert "width 65" in fault.message


def test_a_size_that_an_architecture_cannot_have_is_no_remedy(read, architectures):
    (fault,) = faults(read, "architecture: ten_units\nwidth: 12\ninitializer: refuses")
    assert fault.message == "'refuses': whatever it is"


def test_an_architecture_that_cannot_be_built_is_refused_where_it_stands(read, architectures):
    (fault,) = faults(read, "width: 9\narchitecture: ten_units\ninitializer: he_normal")
    assert (fault.line, fault.message) == (2, "'ten_units': ZeroDivisionError: too few")
    (fault,) = faults(read, "dataset: churn\narchitecture: [mlp, images_only]")
    assert (fault.line, fault.message) == (2, "'images_only': takes images")
    (fault,) = faults(read, "architecture: one_more")
    assert fault.message == "'one_more': architecture one_more gives 11 outputs where 10 are needed"


RECURRENT = "initializer: {recurrent: identity, hidden: he_normal}"


def test_recurrent_needs_one_architecture_with_a_recurrent_matrix(read, architectures):
    read(f"architecture: [loop, mlp]\n{RECURRENT}")
    read(f"dataset: blobs\narchitecture: [mlp, loop]\n{RECURRENT}")
    (fault,) = faults(read, f"architecture: [mlp, ten_units]\n{RECURRENT}")
    assert (fault.line, fault.column) == (2, 15)
    assert fault.message == "architectures mlp, ten_units have no recurrent matrix"


@pytest.mark.parametrize("name", sorted(set(bundled()) - {"churn_csv", "clothing_orthogonal"}))
def test_every_bundled_config_can_be_read(name):
    assert read_experiment(bundled()[name]).name


def test_reading_draws_no_wide_layer(read):
    names = ", ".join(e.name for e in registry.entries("initializer") if not {"file"} & set(e.parameters))
    tracemalloc.start()
    read(f"initializer: [{names}]\nwidth: [512, 4096]\ndepth: [3, 100]\nseeds: 1000\nactivation: [relu, tanh]")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4096 * 4096  # bytes; the weights between two of these layers take eight times as many

"""The checks of parts, on parts with planted faults: each is found, and reported in words.

``tests/laws`` runs them on every part of ours.
"""

import os
import re
import subprocess
import sys
from typing import Literal

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from initbench.catalogue.laws import (
    broken_laws,
    check_laws,
    layer_draws_differ,
    remarks,
    stated_distribution,
    why_unchecked,
)
from initbench.cli import main
from initbench.contracts import Activation, Count, Optimizer, Positive
from initbench.engine.blocks.dense import Dense
from initbench.errors import ParameterError, ShapeError, UsageError
from initbench.registry import (
    FOLDERS,
    About,
    Entry,
    Parameter,
    architecture,
    entries,
    find,
    initializer,
    network_initializer,
    schedule,
)


def test_only_data_sets_and_what_needs_a_parameter_are_not_checked():
    others = [entry for kind in FOLDERS for entry in entries(kind) if why_unchecked(entry)]
    assert {entry.name for entry in others if entry.kind != "dataset"} == {"pretrained"}
    assert "'file' has none; a value to try it with goes into its decorator, trial={'file': VALUE}" in why_unchecked(
        find("initializer", "pretrained")
    )
    assert "initbench data verify" in why_unchecked(find("dataset", "digits"))


def entry_of(kind, function, scope="layer", **about):
    function.__doc__ = "A part with a fault."
    return Entry(kind, "faulty", function, {}, About(**about), scope=scope)


SHARED = np.random.default_rng(0)
CACHED = np.zeros((2000, 2000))
TANH, PRELU = (find("activation", name).function() for name in ("tanh", "prelu"))


def wrong_steps(weights, gradients, states, learning_rate, count):
    weights -= learning_rate * gradients.mean(axis=0, keepdims=True)


def normed_steps(weights, gradients, states, learning_rate, count):
    """Steps that the norm of the whole gradient shortens, as of LARS."""
    weights -= learning_rate * gradients / (1 + np.linalg.norm(gradients, axis=1, keepdims=True))


FAULTS = {
    "weights have the shape (fan_in, fan_out): got (7, 1) for (1, 7)": (
        "initializer",
        lambda shape, rng: np.zeros(shape[::-1]),
    ),
    "drawn in float64": ("initializer", lambda shape, rng: np.zeros(shape, np.float32)),
    "weights are finite": ("initializer", lambda shape, rng: np.full(shape, np.nan)),
    "never share draws": ("initializer", lambda shape, rng: np.random.default_rng(3).normal(size=shape)),
    "only source of chance": ("initializer", lambda shape, rng: SHARED.normal(size=shape)),
    "each layer gets an array of its own": ("initializer", lambda shape, rng: CACHED[: shape[0], : shape[1]]),
    "weights and biases never share draws: the biases and the weights of one input": (
        "initializer",
        lambda shape, rng: (drawn := rng.normal(size=shape), drawn[0] / 2),
    ),
    "biases are drawn in float64": ("initializer", lambda shape, rng: (np.zeros(shape), np.zeros(shape[1], int))),
    "works at its defaults: ZeroDivisionError": ("optimizer", lambda: 1 // 0),
    "or raises ShapeError: ZeroDivisionError": (
        "initializer",
        lambda shape, rng: np.zeros(shape) / (1 // (shape[0] // 7)),
    ),
    "biases have the shape (fan_out,): got (1,) for (1, 7)": ("bias", lambda shape, rng: np.zeros(shape[0])),
    "equals its central difference": (
        "activation",
        lambda: Activation(lambda z, out: np.tanh(z, out=out), lambda z, v, out: 1.01 - v * v),
    ),
    "keeps shape and dtype": (
        "activation",
        lambda: Activation(lambda z, out: z.astype("f8"), lambda z, v, out: out * 0 + 1),
    ),
    "leaves z as it is": (
        "activation",
        lambda: Activation(lambda z, out: np.multiply(z, 2, out=z), lambda z, v, out: np.full_like(z, 2)),
    ),
    "is elementwise": (
        "activation",
        lambda: Activation(lambda z, out: z - z.mean(), lambda z, v, out: np.ones_like(z)),
    ),
    "its slope leaves z and phi(z) as they are": (
        "activation",
        lambda: Activation(TANH.value, lambda z, v, out: np.subtract(1, np.square(v, out=v), out=out)),
    ),
    "its slope keeps shape and dtype, or is a mask": (
        "activation",
        lambda: Activation(TANH.value, lambda z, v, out: 1 - np.float64(v) ** 2),
    ),
    "needs phi(z) alone, as by_value says: its slope looks at z": (
        "activation",
        lambda: find("activation", "softsign").function()._replace(by_value=True),
    ),
    "or its value cannot be computed in place": (
        "activation",
        lambda: TANH._replace(by_value=True, value=lambda z, out: np.tanh(z + np.multiply(out, 0, out=out), out=out)),
    ),
    "its parameter_slope equals its central difference": (
        "activation",
        lambda: PRELU._replace(parameter_slope=lambda z, out: 1.01 * PRELU.parameter_slope(z, out)),
    ),
    "still": ("optimizer", lambda: Optimizer(0, lambda w, g, s, r, c: np.add(w, r * g, out=w))),
    "bottom of a bowl": ("optimizer", lambda: Optimizer(0, lambda w, g, s, r, c: None)),
    "does not depend on its neighbours": ("optimizer", lambda: Optimizer(0, wrong_steps)),
    "moves by its own numbers, as by_weight says": ("optimizer", lambda: Optimizer(0, normed_steps, by_weight=True)),
    "factors are from 0 to 1: got 1.5 at step 3 of 1000": ("schedule", lambda: lambda n, steps: min(n / 2, steps)),
    "a step has one factor: a second time gave others": ("schedule", lambda: lambda n, steps: SHARED.random()),
}


@pytest.mark.parametrize("sentence", FAULTS)
def test_a_planted_fault_is_reported_in_words(sentence):
    kind, function = FAULTS[sentence]
    assert any(sentence in law for law in broken_laws(entry_of(kind, function))), broken_laws(entry_of(kind, function))


@pytest.mark.parametrize("kind", ["initializer", "bias", "activation", "optimizer", "schedule"])
def test_a_function_that_returns_nothing_breaks_one_law(kind):
    (law,) = broken_laws(entry_of(kind, lambda *arguments: None))
    wish = {"initializer": "weights as an array", "bias": "biases as an array", "activation": "an Activation"}
    wish |= {"optimizer": "an Optimizer", "schedule": "a function (count, steps)"}
    assert law.startswith(f"returns {wish[kind]}: got None")


@pytest.mark.parametrize("function", [lambda shape, rng: np.full(shape, np.nan, np.float32), lambda shape, rng: 1 // 0])
def test_a_law_is_reported_once_for_all_shapes(function):
    assert len(broken_laws(entry_of("initializer", function))) == 1


def drawn_by(distribution, function, kind="initializer"):
    return entry_of(kind, function, distribution=distribution)


def fan_normal(fan_in, fan_out):
    return stats.norm(0, fan_in**-0.5)


SOUND = {
    "normal": (fan_normal, lambda shape, rng: rng.normal(0, shape[0] ** -0.5, shape)),
    "signs": (
        lambda fan_in, fan_out: stats.rv_discrete(values=([-1, 1], [0.5, 0.5]))(),
        lambda shape, rng: rng.choice([-1.0, 1.0], shape),
    ),
    "without moments": (lambda fan_in, fan_out: stats.cauchy(), lambda shape, rng: rng.standard_cauchy(shape)),
    "skewed": (lambda fan_in, fan_out: stats.expon(), lambda shape, rng: rng.exponential(size=shape)),
}


@pytest.mark.parametrize("name", SOUND)
def test_draws_of_the_stated_distribution_keep_its_laws(name):
    entry = drawn_by(*SOUND[name])
    assert broken_laws(entry) == remarks(entry) == []


class Unknown(stats.rv_continuous):
    """A distribution whose function gives nan."""

    def _cdf(self, x):
        return np.full_like(x, np.nan)

    def _stats(self):
        return 0.0, 1.0, 0.0, 0.0


ASTRAY = {
    r"^mean is 0 by its distribution at 600 × 400: drew 0.00[34]": (
        fan_normal,
        lambda shape, rng: rng.normal(0.0035, shape[0] ** -0.5, shape),
    ),
    r"^std is 0.04082 by its distribution at 600 × 400: drew 0.0(5|49)": (
        fan_normal,
        lambda shape, rng: rng.normal(0, shape[1] ** -0.5, shape),
    ),
    r"^std is 0.04082 by its distribution at 600 × 400: drew 0.0412": (
        fan_normal,
        lambda shape, rng: 1.01 * rng.normal(0, shape[0] ** -0.5, shape),
    ),
    r"^support is -0.1 to 0.1 by its distribution at 600 × 400: drew from -0.1001 to 0.1001": (
        lambda fan_in, fan_out: stats.uniform(-0.1, 0.2),
        lambda shape, rng: rng.uniform(-0.1001, 0.1001, shape),
    ),
    r"^shape is that of norm by .* its distribution function is off by .* \(Kolmogorov-Smirnov p = ": (
        fan_normal,
        lambda shape, rng: rng.uniform(-1, 1, shape) * (3 / shape[0]) ** 0.5,
    ),
    r"^shape is that of .* its distribution function is off by 0.3 ": (
        lambda fan_in, fan_out: stats.rv_discrete(values=(range(-2, 3), [0.1, 0.1, 0.6, 0.1, 0.1]))(),
        lambda shape, rng: rng.choice([-1.0, 1.0], shape),
    ),
    r"^its distribution is .* TypeError": (lambda fan_in: stats.norm(), lambda shape, rng: rng.normal(size=shape)),
    r"^its distribution is .* AttributeError": (
        lambda fan_in, fan_out: "normal",
        lambda shape, rng: rng.normal(size=shape),
    ),
    r"^every weight is 0.5: [123] of 720000 are not": (
        lambda fan_in, fan_out: 0.5,
        lambda shape, rng: np.where(np.arange(np.prod(shape)).reshape(shape) == 1e5, rng.integers(2), 0.5),
    ),
    r"^std of the biases is 0.1 by its distribution at 30 × 8000: drew 0.1[01]": (
        lambda fan_in, fan_out: (fan_normal(fan_in, fan_out), stats.norm(0, 0.1)),
        lambda shape, rng: (rng.normal(0, shape[0] ** -0.5, shape), rng.normal(0, 0.11, shape[1])),
    ),
    r"^its distribution is .* none that this distribution can have": (
        lambda fan_in, fan_out: stats.norm(0, -1),
        lambda shape, rng: rng.normal(0, shape[0] ** -0.5, shape),
    ),
    r"^draws the weights and the biases that it states distributions for: got weights alone": (
        lambda fan_in, fan_out: (fan_normal(fan_in, fan_out), 0.0),
        lambda shape, rng: rng.normal(0, shape[0] ** -0.5, shape),
    ),
    r"^weights are finite: got nan or inf in a layer of \(600, 400\)": (
        fan_normal,
        lambda shape, rng: np.where(rng.random(shape) < 1e-5, np.nan, rng.normal(0, shape[0] ** -0.5, shape)),
    ),
    r"^shape is that of .* off by nan ": (
        lambda fan_in, fan_out: Unknown()(scale=fan_in**-0.5),
        lambda shape, rng: rng.normal(0, shape[0] ** -0.5, shape),
    ),
    r"^the same in small layers: std is 0.2887 by its distribution at 12 × 10: drew 0.5[5-9]": (
        fan_normal,
        lambda shape, rng: rng.normal(0, (2 if shape[0] < 100 else 1) * shape[0] ** -0.5, shape),
    ),
    r"^the same in small layers: std of the biases is 0.1 by its distribution at 12 × 10: drew 0.(19|20)": (
        lambda fan_in, fan_out: (fan_normal(fan_in, fan_out), stats.norm(0, 0.1)),
        lambda shape, rng: (
            rng.normal(0, shape[0] ** -0.5, shape),
            rng.normal(0, 0.2 if shape[0] < 20 else 0.1, shape[1]),
        ),
    ),
    r"^units of a layer never share draws: 60 of 60 have the weights of another, but for their scale": (
        fan_normal,
        lambda shape, rng: rng.normal(0, shape[0] ** -0.5, (shape[0], shape[1] // 2 + 1)).repeat(2, axis=1)[
            :, : shape[1]
        ],
    ),
    r"^every bias is 0: 24000 of 24000 are not": (
        lambda fan_in, fan_out: (fan_normal(fan_in, fan_out), 0.0),
        lambda shape, rng: (rng.normal(0, shape[0] ** -0.5, shape), np.full(shape[1], 0.1)),
    ),
}


@pytest.mark.parametrize("sentence", ASTRAY)
def test_draws_astray_of_the_stated_distribution_are_reported_with_numbers(sentence):
    (law,) = broken_laws(drawn_by(*ASTRAY[sentence]))
    assert re.search(sentence, law), law


def test_mirror_images_of_units_are_no_shared_draws():
    def mirrored(shape, rng):
        drawn = rng.normal(0, shape[0] ** -0.5, (shape[0], shape[1] // 2 + 1))
        return np.concatenate([drawn, -drawn], axis=1)[:, : shape[1]]

    assert broken_laws(drawn_by(fan_normal, mirrored)) == []


def test_biases_are_compared_with_their_distribution():
    def stated(fan_in, fan_out):
        return stats.norm(0, 0.1)

    assert broken_laws(drawn_by(stated, lambda shape, rng: rng.normal(0, 0.1, shape[1]), "bias")) == []
    (law,) = broken_laws(drawn_by(stated, lambda shape, rng: rng.normal(0, 0.2, shape[1]), "bias"))
    assert law.startswith("std is 0.1 by its distribution")


def test_a_distribution_is_given_the_parameters_and_the_layer():
    def draw(shape, rng, *, layer, gain=0.6):
        """Asks for its layer."""
        return rng.normal(0, gain / layer.count, shape)

    about = About(distribution=lambda fan_in, fan_out, gain, layer: stats.norm(0, gain / layer.count))
    parameters = {"gain": Parameter("gain", 0.6, (float,), None)}
    entry = Entry("initializer", "aware", draw, parameters, about, wants_layer=True)
    assert broken_laws(entry) == []
    assert stated_distribution(entry, (10, 20)).std() == pytest.approx(0.2)


LENGTHS = {"a unit's weights have length 1": lambda weights: np.linalg.norm(weights, axis=0) - 1}


def on_the_sphere(shape, rng):
    drawn = rng.normal(size=shape)
    return drawn / np.linalg.norm(drawn, axis=0)


def test_a_property_of_a_whole_layer_is_checked_and_needs_no_distribution():
    entry = entry_of("initializer", on_the_sphere, properties=LENGTHS)
    assert broken_laws(entry) == remarks(entry) == []
    assert "a unit's weights have length 1" in [finding.law for finding in check_laws(entry)]
    longer = entry_of("initializer", lambda shape, rng: 1.001 * on_the_sphere(shape, rng), properties=LENGTHS)
    assert broken_laws(longer) == ["a unit's weights have length 1: off by 0.001 at 1 × 1"]
    wrong = entry_of("initializer", on_the_sphere, properties={"none": lambda: 0})
    (law,) = broken_laws(wrong)
    assert law.startswith("its property 'none' is a function of what it draws and its parameters: TypeError")


def test_laws_are_checked_at_other_parameters_and_in_other_layers():
    def draw(shape, rng, *, std, side, layer):
        """Takes one of its choices, and the last layer, for another."""
        return rng.normal(0, std / (2 if side == "in" or layer.is_last else 1), shape)

    def stated(right):
        about = About(distribution=lambda i, o, std, side, layer: stats.norm(0, right(std, side, layer)))
        parameters = {
            "std": Parameter("std", 1.0, (float,), None),
            "side": Parameter("side", "in", (Literal["in", "out"],), None),
        }
        return broken_laws(Entry("initializer", "faulty", draw, parameters, about, wants_layer=True))

    assert stated(lambda std, side, layer: std / (2 if side == "in" or layer.is_last else 1)) == []
    (law,) = stated(lambda std, side, layer: 0.5)
    assert law.startswith("the same at other parameters and in other layers: std=1.5: std is 0.5 by its distribution")
    (law,) = stated(lambda std, side, layer: std / 2)
    assert law.startswith("the same at other parameters and in other layers: side=out: std is 0.5 by its distribution")
    (law,) = stated(lambda std, side, layer: std / (2 if side == "in" and not layer.is_last else 1))
    assert law.startswith("the same at other parameters and in other layers: last layer behind tanh: std is 1 by")


def test_a_value_that_a_part_refuses_is_not_tried_and_one_that_it_cannot_take_is_a_fault():
    def entry(error):
        def draw(shape, rng, *, std):
            """Takes one value only."""
            if std != 1:
                raise error
            return rng.normal(0, 1, shape)

        about = About(distribution=lambda i, o, std: stats.norm(0, std))
        return Entry("initializer", "faulty", draw, {"std": Parameter("std", 1.0, (float,), None)}, about)

    assert broken_laws(entry(ParameterError("std must be 1"))) == []
    (law,) = broken_laws(entry(ZeroDivisionError("oh")))
    assert law == "the same at other parameters and in other layers: std=1.5: ZeroDivisionError: oh"


def test_a_parameter_without_a_default_is_tried_at_a_value_that_the_part_states():
    @schedule("stairs", trial={"every": 4})
    def stairs(*, every: Count):
        """Goes up."""
        return lambda count, steps: count / (every * 1000)

    @schedule("cliff", trial={"every": 4})
    def cliff(*, every: Count):
        """Goes too high at other values."""
        return lambda count, steps: 1.0 if every == 4 else 1.5

    @initializer("scaled", distribution=lambda fan_in, fan_out, std: stats.norm(0, std), trial={"std": 0.5})
    def scaled(shape, rng, *, std: Positive):
        """Draws twice what it states."""
        return rng.normal(0, 2 * std, shape)

    @network_initializer("filled", trial={"value": 1.0})
    def filled(network, *, value: float):
        """Fills with nan."""
        for weights in network.weights:
            weights[:] = np.nan if value == 1 else value

    @architecture("wide", trial={"units": 3})
    def wide(rows, outputs, *, hidden, units: Count):
        """Gives more outputs than are asked for."""
        return [Dense(units), Dense(outputs + units)]

    def laws(kind, name):
        entry = find(kind, name)
        assert why_unchecked(entry) == ""
        return broken_laws(entry)

    assert laws("schedule", "stairs") == []
    elsewhere = (
        "the same at other parameters and in other layers: every=2: factors are from 0 to 1: got 1.5 at step 1 of 1"
    )
    assert laws("schedule", "cliff") == [elsewhere]
    assert laws("initializer", "scaled")[0].startswith("std is 0.5 by its distribution at 600 × 400: drew 0.999")
    assert laws("initializer", "filled")[0].startswith("weights and biases are finite: got nan")
    assert laws("architecture", "wide")[0].startswith("gives as many outputs as are asked for: got 6")


@pytest.mark.parametrize("trial", [{"evry": 4}, {"every": 0}])
def test_a_value_to_try_that_the_part_does_not_take_is_refused_where_it_is_registered(trial):
    with pytest.raises(UsageError, match=r"test_laws.py:\d+: trial: .*every"):

        @schedule("stairs", trial=trial)
        def stairs(*, every: Count):
            """Goes up."""


def test_a_shape_that_a_part_refuses_is_not_tried():
    def square(shape, rng):
        if shape[0] != shape[1]:
            raise ShapeError("must be square")
        return rng.normal(0, shape[0] ** -0.5, shape)

    assert broken_laws(entry_of("initializer", square, distribution=fan_normal)) == []


def test_without_a_distribution_it_says_what_was_not_tried():
    (remark,) = remarks(entry_of("initializer", on_the_sphere))
    assert remark.startswith("not tried: mean, std, support and shape")
    assert "distribution=lambda fan_in, fan_out:" in remark
    assert remarks(find("initializer", "zeros")) == remarks(find("activation", "relu")) == []


# Initializers of a whole network


def he(network, seed=None):
    for layer, weights in enumerate(network.weights):
        rng = network.rng(layer) if seed is None else np.random.default_rng(seed)
        weights[:] = rng.normal(0, len(weights) ** -0.5, weights.shape)


def network_entry(change):
    def fill(network):
        he(network)
        change(network)

    return entry_of("initializer", fill, "network")


def replace_one(network):
    network.weights[1] = network.weights[1].T[:, :5]


def move_rows(network):
    network.x -= network.x.mean(axis=0)


def flip_targets(network):
    network.targets[:] = 1 - network.targets


def divide_by_nothing(network):
    raise ZeroDivisionError("float division by zero")


def refuse(network):
    raise ShapeError("it wants three layers")


NETWORK_FAULTS = {
    "an array of a 6-12-12-12-3 tanh network is now another, (12, 5) for (12, 12)": replace_one,
    "weights and biases are finite": lambda network: network.weights[2].fill(np.inf),
    "fills every hidden layer: layer 2, 3 of a 6-12-12-12-3": lambda n: [n.weights[i].fill(0) for i in (1, 2)],
    "leaves x and targets as they are: it changed those of": move_rows,
    "leaves x and targets as they are: it changed those of a 6-12-12-12-3 tanh network": flip_targets,
    "network.rng(layer) is the only source of chance": lambda n: n.biases[0].__iadd__(SHARED.normal(size=12)),
    "layers 2 and 3 of a 6-12-12-12-3 tanh network have the same weights": lambda network: he(network, seed=3),
    "but for their scale": lambda network: network.weights[2].__setitem__(..., -7 * network.weights[1]),
    "or raises ShapeError: ZeroDivisionError, weights of a 6-12-12-12-3 tanh network: float": divide_by_nothing,
}


@pytest.mark.parametrize("sentence", NETWORK_FAULTS)
def test_a_fault_in_filling_a_network_is_reported_in_words(sentence):
    laws = broken_laws(network_entry(NETWORK_FAULTS[sentence]))
    assert any(sentence in law for law in laws), laws


def test_a_sound_scheme_breaks_no_law_and_needs_no_remark():
    entry = network_entry(lambda network: None)
    assert broken_laws(entry) == remarks(entry) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda network: network.weights[-1].fill(0), "the last layer is left at zero: fine if meant"),
        (
            lambda network: [w.fill(0.1) for w in network.weights],
            "seeds 0 and 1 start alike: fine for a scheme without",
        ),
        (refuse, "not tried on the network that it refuses: it wants three layers"),
    ],
)
def test_what_may_be_meant_is_a_remark_and_no_fault(change, words):
    entry = network_entry(change)
    assert broken_laws(entry) == []
    (remark,) = remarks(entry)
    assert remark.startswith(words)


def test_layers_of_equal_shape_get_draws_of_their_own():
    assert layer_draws_differ(find("initializer", "he_normal"))
    assert not layer_draws_differ(entry_of("initializer", lambda shape, rng: np.ones(shape)))


def test_check_tries_a_users_part_and_ours(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "import numpy as np\nfrom initbench.registry import initializer\n\n"
        "@initializer('sound')\ndef sound(shape, rng):\n    'Fine.'\n    return rng.normal(size=shape)\n\n"
        "@initializer('unsound')\ndef unsound(shape, rng):\n    'Not fine.'\n    return rng.normal(size=shape[::-1])\n"
    )
    fine = CliRunner().invoke(main, ["check", "sound", "--plugin", "mine.py"])
    assert fine.exit_code == 0
    checked = "sound: passes every check of its kind\n  returns weights as an array\n  weights have the shape (fan_in, "
    assert fine.stdout.startswith(checked)
    assert "\n  not tried: mean, std, support and shape" in fine.stdout
    wrong = CliRunner().invoke(main, ["check", "unsound", "--plugin", "mine.py"])
    assert wrong.exit_code == 2
    law = "weights have the shape (fan_in, fan_out): got (7, 1) for (1, 7)"
    assert wrong.stdout == f"unsound: fails 1 check of its kind\n  {law}\n"
    both = CliRunner().invoke(main, ["check", "lsuv", "digits"])
    assert both.exit_code == 0
    assert both.stdout.startswith("lsuv: passes every check of its kind\n  fills the arrays it is given\n")
    assert "\ndigits: not checked; no law covers what is in a data set" in both.stdout
    ours = CliRunner().invoke(main, ["check", "he_normal"]).stdout.splitlines()
    assert ours[0] == "he_normal: passes every check of its kind"
    assert any(line.startswith("  std is 0.05774 by its distribution at 600 × 400: drew 0.05") for line in ours)


@pytest.mark.long
def test_an_installed_package_offers_parts_by_its_entry_point(tmp_path):
    (tmp_path / "their_package.py").write_text(
        "from scipy import stats\nfrom initbench.registry import initializer\n\n"
        "@initializer('theirs', distribution=lambda fan_in, fan_out, scale: stats.norm(0, scale))\n"
        "def theirs(shape, rng, *, scale: float = 2.0):\n"
        "    'Comes from another package.'\n    return rng.normal(scale=scale, size=shape)\n"
    )
    about = tmp_path / "their_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[initbench.parts]\nparts = their_package\n")
    (tmp_path / "c.yaml").write_text("initializer: [{theirs: {scale: 0.1}}]\ndepth: 1\nwidth: 4\nepochs: 1\nseeds: 2\n")

    def invoke(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "initbench", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    invoke("run", "c.yaml", "-j", "2")
    assert "theirs(scale=0.1)" in (tmp_path / "results" / "c" / "accuracy.csv").read_text()
    checked = invoke("check", "theirs")
    assert checked.startswith("theirs: passes every check of its kind\n")
    assert "  std is 2 by its distribution at 600 × 400: drew " in checked
    assert "std 2, from -inf to inf, by its distribution" in invoke("explain", "theirs")

"""What a probe tells of networks is true of them: exact theory, finite differences, simulations."""

import json
import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from networks import mlp_network
from threadpoolctl import threadpool_limits

from initbench.analysis.intervals import wilson_interval
from initbench.analysis.verdicts import DEEPEST
from initbench.contracts import Layer
from initbench.engine.blocks.activation import Activate
from initbench.engine.blocks.dense import Dense
from initbench.engine.blocks.residual import connections
from initbench.engine.network import with_ones
from initbench.engine.signals import Observer
from initbench.probing.jacobians import jacobian_spectra, spectrum_numbers
from initbench.probing.networks import is_constant, is_independent, likeness, mean_cosine
from initbench.probing.run import probe
from initbench.randomness import stream
from initbench.registry import architecture, entries, find, initializer

FLOAT = np.dtype(np.float64)
ERRORS = 4.5  # standard errors: one right number in 150,000 lies further off


@pytest.fixture
def probed(tmp_path):
    def run(jobs=1, **keys):
        config = {"name": "x", "dataset": "digits", "depth": 3, "width": 8, "seeds": 2} | keys
        (tmp_path / "x.yaml").write_text(json.dumps(config))
        return probe(tmp_path / "x.yaml", results=tmp_path, jobs=jobs)

    return run


LINE = {"dataset": {"line": {}}, "scaling": "none"}  # one feature, on both sides of 0


def verdicts(found):
    return found.settings.set_index("initializer")["verdict"].to_dict()


# ---- exact theory

STEPS = {
    ("he_normal", "relu"): 1,
    ("glorot_uniform", "relu"): 1 / 2,
    ("lecun_normal", "linear"): 1,
    ("bengio_uniform", "linear"): 1 / 3,
}


def steps(layers, column):
    """The factors of a column from a layer of full width to the next, of each draw, over all draws."""
    by_layer = layers.pivot(index="seed", columns="layer", values=column).to_numpy()
    return by_layer[:, 1:-1] / by_layer[:, :-2]


def errors_off(factors, wanted):
    """How many standard errors the mean factor of each layer is off."""
    return np.abs(factors.mean(axis=0) - wanted) / (factors.std(axis=0, ddof=1) / math.sqrt(len(factors)))


@pytest.mark.parametrize(("name", "activation"), STEPS)
def test_a_layer_changes_the_second_moment_by_its_exact_factor(name, activation, probed):
    found = probed(initializer=name, activation=activation, width=24, depth=4, seeds=200)
    wanted = STEPS[name, activation]
    factors = steps(found.layers, "preactivation_square")
    assert errors_off(factors, wanted).max() < ERRORS
    assert errors_off(factors, 1.2 * wanted).min() > ERRORS, "a factor that is 20 % off passes for the right one"
    # theory goes by the variance that was drawn, which is itself within sampling error
    assert steps(found.layers, "predicted_preactivation_square") == pytest.approx(wanted, rel=0.02)


@pytest.mark.parametrize(("name", "activation"), STEPS)
def test_and_that_of_gradients_on_their_way_back_by_the_same(name, activation, probed):
    found = probed(initializer=name, activation=activation, width=64, depth=4, seeds=40)
    factors = 1 / steps(found.layers, "gradient_square")
    assert np.median(factors, axis=0) == pytest.approx(STEPS[name, activation], rel=0.15)
    predicted = found.layers.groupby("layer")["predicted_gradient_square"].first()
    measured = found.layers.groupby("layer")["gradient_square"].mean()
    assert predicted[4] == pytest.approx(measured[4], rel=1e-12)
    assert predicted[1] == pytest.approx(measured[1], rel=0.25)
    assert math.isnan(predicted[5])


def test_correlations_follow_the_map_of_infinite_width(probed):
    found = probed(initializer="he_normal", width=400, depth=4, seeds=3)
    means = found.layers.query("layer <= 4").groupby("layer")[["correlation", "predicted_correlation"]].mean()
    assert means.loc[4, "correlation"] > means.loc[1, "correlation"] + 0.1
    assert means["correlation"].to_numpy() == pytest.approx(means["predicted_correlation"].to_numpy(), abs=0.03)


PREDICTED = ["he_normal", "glorot_uniform", "orthogonal", "torch_linear", "truncated_normal", "lsuv"]
UNPREDICTED = [
    "zeros",
    "constant",
    "ones",
    "identity",
    "zero_hadamard",
    "looks_linear",
    "u01",
    "positive_unitball",
    "rai",
]


def test_theory_is_told_for_independent_draws_of_mean_0_and_for_no_others(probed):
    found = probed(initializer=[*PREDICTED, *UNPREDICTED], width=32)
    for column in ("predicted_preactivation_square", "predicted_correlation", "predicted_gradient_square"):
        there = found.layers[found.layers["layer"] == 3].groupby("initializer")[column].count() > 0
        assert set(there.index[there]) == set(PREDICTED)


@pytest.mark.parametrize("keys", [{"normalization": "batch"}, {"normalization": "layer"}, {"residual": "plain"}])
def test_nor_is_it_told_where_it_does_not_hold(keys, probed):
    found = probed(initializer="he_normal", **keys)
    assert not found.layers.filter(like="predicted").notna().any(axis=None)


def test_biases_count_where_they_are_drawn_and_end_the_theory_where_they_are_not(probed):
    wide = {"initializer": "he_normal", "activation": "tanh", "width": 100, "depth": 6, "seeds": 10}
    drawn = probed(bias={"normal": {"std": 0.3}}, **wide).layers.groupby("layer").mean(numeric_only=True)
    assert drawn["preactivation_square"][6] == pytest.approx(drawn["predicted_preactivation_square"][6], rel=0.1)
    fixed = probed(bias={"constant": {"value": 0.3}}, **wide).layers
    assert fixed["predicted_preactivation_square"].isna().all()


def test_theory_takes_the_variances_of_a_network_whose_layers_have_initializers_of_their_own(probed):
    parts = {"first": {"lecun_normal": {"gain": 0.01}}, "hidden": "he_normal"}
    found = probed(initializer=parts, activation="tanh", width=100, depth=6, seeds=10).layers
    means = found.groupby("layer").mean(numeric_only=True)
    measured, predicted = means["preactivation_square"], means["predicted_preactivation_square"]
    assert measured[6] == pytest.approx(predicted[6], rel=0.1)
    assert measured[6] > 10 * measured[1], "as if the first layer were he_normal too"


SPREAD = "predicted_preactivation_spread"


@pytest.mark.long
@pytest.mark.parametrize(("name", "activation"), [("he_normal", "relu"), ("lecun_normal", "linear")])
def test_draws_of_a_finite_width_spread_as_predicted(name, activation, probed):
    found = probed(initializer=name, activation=activation, width=30, depth=10, seeds=200).layers.query("layer <= 10")
    logs = np.log(found.pivot(index="seed", columns="layer", values="preactivation_square"))
    predicted, measured = found.groupby("layer")[SPREAD].first(), logs.std()
    assert predicted[3:].to_numpy() == pytest.approx(measured[3:].to_numpy(), rel=0.2)
    assert 1.4 * predicted[3:].to_numpy() != pytest.approx(measured[3:].to_numpy(), rel=0.2)


def test_no_spread_is_predicted_where_weights_are_not_free_or_biases_add_to_them(probed):
    free = ["he_normal", "bengio_uniform", "truncated_normal"]
    found = probed(initializer=[*free, "orthogonal", "lsuv", "torch_linear", "zeros"], width=16).layers
    there = found[found["layer"] == 3].groupby("initializer")[SPREAD].count() > 0
    assert set(there.index[there]) == set(free)
    assert probed(initializer="he_normal", activation="tanh").layers[SPREAD].isna().all()
    assert probed(initializer="he_normal", bias={"normal": {"std": 0.1}}).layers[SPREAD].isna().all()


@pytest.mark.parametrize(
    ("weights", "fits"),
    [
        (np.array([[0.3, -0.2], [0.5, 0.9]]), True),
        (np.array([[0.3, -0.3], [0.5, -0.5]]), False),
        (np.array([[0.3, 0.0], [0.5, 0.9]]), False),
    ],
)
def test_mirror_images_and_zeros_are_no_independent_draws(weights, fits):
    biases = np.zeros((1, 2))
    assert is_independent(weights[None], biases) == fits
    assert not is_independent(weights[None], biases + 0.1)


# ---- Jacobians


def random_network(m, sizes, activation, **shape):
    rng = np.random.default_rng(3)
    network = mlp_network(sizes, activation, **shape)
    parameters = network.parameters(m, FLOAT)
    parameters.flat[:] = rng.standard_normal(parameters.flat.shape) * 0.6
    for layer in parameters.layers:
        if "gains" in layer:
            layer["gains"][:] += 1.5
    return network, parameters, rng


def hidden_output(network, parameters, x, statistics):
    observer = Observer(network, len(parameters.flat), len(x), FLOAT, statistics)
    return observer.inputs(parameters, with_ones(x)[None])[-1].copy()


def jacobians_by_difference(network, parameters, x, statistics, h=1e-5):
    columns = [
        hidden_output(network, parameters, x + step, statistics)
        - hidden_output(network, parameters, x - step, statistics)
        for step in h * np.eye(x.shape[1])
    ]
    return np.stack(columns, axis=-1) / (2 * h)


@pytest.mark.parametrize("residual", ["none", "plain", "scaled", "rezero", "fixup"])
@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize("activation", ["tanh", "prelu"])
def test_singular_values_are_those_of_central_differences(activation, normalization, residual):
    network, parameters, rng = random_network(
        2, (6, 5, 5, 5, 3), activation, normalization=normalization, residual=residual
    )
    x, statistics = rng.standard_normal((40, 6)), []
    if normalization == "batch":
        work = network.workspace(2, 40, FLOAT, keeps=True)
        network.forward(parameters, with_ones(x)[None], work)
        statistics = [(norm.mean.copy(), norm.variance.copy()) for norm in work.normalizations]
    wanted = np.linalg.svd(jacobians_by_difference(network, parameters, x[:3], statistics), compute_uv=False)
    found = jacobian_spectra(network, parameters, x[:3], statistics)
    assert found == pytest.approx(wanted, rel=1e-4, abs=1e-6)
    assert found != pytest.approx(1.001 * wanted, rel=1e-4, abs=1e-6)


DEPTH, WIDE = 4, 400
VARIANCES = {("lecun_normal", "linear"): DEPTH, ("he_normal", "relu"): 2 * DEPTH, ("orthogonal", "relu"): DEPTH}


def spectrum_of(name, activation, rows):
    network, parameters, rng = random_network(1, (WIDE,) * (DEPTH + 1) + (2,), activation)
    parameters.flat[:] = 0
    for weights in parameters.weights[:-1]:
        weights[0] = find("initializer", name).function((WIDE, WIDE), rng)
    with threadpool_limits(1):
        return jacobian_spectra(network, parameters, rng.standard_normal((rows, WIDE)))


@pytest.mark.parametrize(("name", "activation"), VARIANCES)
def test_the_relative_variance_of_squared_singular_values_grows_with_depth_as_it_must(name, activation):
    rows = 1 if activation == "linear" else 4
    found = spectrum_numbers(spectrum_of(name, activation, rows))["relative_variance"]
    assert found == pytest.approx(VARIANCES[name, activation], rel=0.1)


def test_orthogonal_linear_layers_are_an_isometry():
    assert spectrum_of("orthogonal", "linear", 1) == pytest.approx(1, abs=1e-10)


def test_numbers_of_spectra():
    found = spectrum_numbers(np.array([[[3.0, 1.0, 1e-20]], [[0.0, 0.0, 0.0]]]))
    assert found["mean_square"] == pytest.approx([10 / 3, 0])
    assert found["relative_variance"] == pytest.approx([(82 / 3) / (100 / 9) - 1, np.nan], nan_ok=True)
    assert found["max"] == pytest.approx([3, 0])
    assert found["min"] == pytest.approx([1, np.nan], nan_ok=True)
    assert found["condition"] == pytest.approx([3, np.nan], nan_ok=True)


def test_jacobians_of_wide_layers_are_left_out(probed):
    found = probed(initializer="he_normal", width=513, depth=1, seeds=1)
    assert found.networks.filter(like="jacobian").isna().all(axis=None)
    assert [len(values) for values in found.spectra] == [0]
    assert probed(initializer="he_normal", width=512, depth=1, seeds=1).networks["jacobian_max"].notna().all()


# ---- death, symmetry, saturation


def born_dead_share(width, depth, count):
    """Straight from the definition: with zero bias, the two directions of a line stand for all of it."""
    rng = np.random.default_rng(11)
    first = rng.standard_normal((count, 1, width))
    x = np.maximum(np.concatenate([first, -first], axis=1), 0)
    for _ in range(depth - 1):
        x = np.maximum(x @ rng.standard_normal((count, width, width)), 0)
    return (x == 0).all(axis=(1, 2)).mean()


@pytest.mark.long
@pytest.mark.parametrize(("width", "near"), [(3, 0.577), (5, 0.135), (10, 0.0017)])
def test_as_many_narrow_relu_networks_are_born_dead_as_theory_and_simulation_say(width, near, probed):
    """Lu et al. (2019), "Dying ReLU and initialization", count the last layer among their ten."""
    count, simulated = 800, born_dead_share(width, 9, 20_000)
    found = probed(initializer="he_normal", width=width, depth=9, seeds=count, **LINE)
    share = found.networks["born_dead"].mean()
    error = math.sqrt(simulated * (1 - simulated) / count)
    assert abs(share - near) < 3 * error
    assert abs(share - simulated) < 3 * error
    assert abs(share - born_dead_share(width, 4, 20_000)) > 3 * error or width == 10, "any depth will do"
    assert verdicts(found)["he_normal"] == ("dead" if width < 10 else "healthy")
    row = found.settings.iloc[0]
    assert (row["born_dead_low"], row["born_dead_high"]) == wilson_interval(row["born_dead"], count)


def test_outputs_are_constant_to_rounding_and_not_beyond():
    ones = np.ones((1, 5, 3))
    noise = np.random.default_rng(0).standard_normal(ones.shape)
    assert is_constant(ones + 1e-14 * noise)
    assert is_constant(0 * ones)
    assert not is_constant(ones + 1e-9 * noise)
    assert not is_constant(1e-200 * noise), "a faint signal is none"


@pytest.mark.parametrize("name", ["zeros", "constant", "ones"])
def test_one_distinct_unit_in_every_hidden_layer_is_told_as_symmetric(name, probed):
    found = probed(initializer=name)
    hidden = found.layers[found.layers["layer"] <= 3]
    assert (hidden["distinct_units"] == 1).all()
    assert verdicts(found) == {name: "symmetric"}


def test_units_that_training_parts_are_not_symmetric(probed):
    assert verdicts(probed(initializer="he_normal")) == {"he_normal": "healthy"}
    fixup = probed(initializer="fixup", residual="fixup", depth=5)
    assert fixup.networks["distinct_units"].min() == 1, "half of its layers are zeros"
    assert verdicts(fixup) == {"fixup": "healthy"}
    apart = probed(initializer="zeros", bias={"uniform": {"limit": 1}})
    assert verdicts(apart) == {"zeros": "healthy"}
    equal = probed(initializer={"constant": {"value": 0.1}}, bias={"normal": {"std": 1}})
    assert equal.networks["backward_ratio"].isna().all(), "what equal weights pass back is rounding"
    assert verdicts(equal) == {"constant(value=0.1)": "healthy"}
    narrow = probed(initializer="zeros", width=1, activation="tanh")
    assert verdicts(narrow) == {"zeros": "vanishing"}, "no bias parts its units"


def test_saturation_is_told_of_tanh_and_not_of_relu(probed):
    keys = {"initializer": [{"normal": {"std": 1}}, "glorot_normal"], "width": 50}
    assert verdicts(probed(activation="tanh", **keys)) == {"normal(std=1)": "saturated", "glorot_normal": "healthy"}
    assert set(verdicts(probed(activation="relu", **keys)).values()) <= {"exploding", "healthy"}


def test_dead_units_are_told_and_those_that_sleep_on_half_of_the_rows_are_not(probed):
    keys = {"initializer": "he_normal", "width": 30}
    assert verdicts(probed(bias={"constant": {"value": -50}}, **keys)) == {"he_normal": "dead"}
    assert verdicts(probed(**keys)) == {"he_normal": "healthy"}


# ---- signals that fade, grow and run off


def test_fading_growing_and_level_signals_are_told_apart(probed):
    scales = {"he_normal": "healthy", "normal(std=0.01)": "vanishing", "normal(std=1)": "exploding"}
    found = probed(initializer=["he_normal", {"normal": {"std": 0.01}}, {"normal": {"std": 1}}], depth=10, width=50)
    assert verdicts(found) == scales
    ratios = found.networks.groupby("initializer")[["forward_ratio", "backward_ratio", "signal_slope"]].median()
    sigma = {"normal(std=0.01)": 0.01, "normal(std=1)": 1, "he_normal": math.sqrt(2 / 50)}
    for name, std in sigma.items():
        step = std * math.sqrt(50 / 2)  # rms, from a ReLU layer of 50 units to the next
        assert math.log(ratios.loc[name, "forward_ratio"]) == pytest.approx(9 * math.log(step), abs=1.5)
        assert math.log(ratios.loc[name, "backward_ratio"]) == pytest.approx(9 * math.log(step), abs=1.5)
        assert ratios.loc[name, "signal_slope"] == pytest.approx(2 * math.log(step), abs=0.4)


def test_the_gradient_ratio_speaks_of_deep_sigmoid_and_is_silent_on_relu(probed):
    found = {name: probed(initializer="he_normal", activation=name, depth=8, width=50) for name in ("relu", "sigmoid")}
    for some in found.values():
        first, last = (some.layers.loc[some.layers["layer"] == layer, "weight_gradient_norm"] for layer in (1, 9))
        wanted = (first.to_numpy() / math.sqrt(64 * 50)) / (last.to_numpy() / math.sqrt(50 * 10))
        assert some.networks["gradient_ratio"].to_numpy() == pytest.approx(wanted, rel=1e-12)
    assert 0.05 < found["relu"].networks["gradient_ratio"].median() < 20
    assert found["sigmoid"].networks["gradient_ratio"].median() < 1e-3


def test_a_linear_network_has_the_gradients_that_its_definition_gives(probed):
    found = probed(initializer="lecun_normal", activation="linear", width=200, depth=3, seeds=5).networks
    assert found["backward_ratio"].median() == pytest.approx(1, abs=0.15)


def test_what_is_advised_is_healthy_itself(probed):
    names = [entry.name for entry in entries("activation") if not entry.fingerprint]
    small = {"initializer": {"normal": {"std": 0.001}}, "width": 40, "seeds": 1}
    of_depth = {8: [name for name in names if name not in DEEPEST], 6: list(DEEPEST)}
    for depth, some in of_depth.items():
        bad = probed(activation=some, depth=depth, **small).settings
        assert set(bad["verdict"]) == {"vanishing"}
        advised = dict(zip(bad["activation"], bad["advice"].str.split().str[0], strict=True))
        for advice in set(advised.values()):
            alike = [name for name, other in advised.items() if other == advice]
            better = probed(initializer=advice, width=40, seeds=1, activation=alike, depth=depth).settings
            assert better.set_index("activation")["verdict"].to_dict() == dict.fromkeys(alike, "healthy"), advice


@pytest.mark.parametrize("initializer", ["kumar", {"normal": {"std": 1}}])
def test_deep_sigmoid_is_advised_what_holds_it_there(initializer, probed):
    deep = {"initializer": initializer, "activation": "sigmoid", "depth": 15, "width": 40}
    bad = probed(**deep).settings
    assert bad["verdict"].item() in ("vanishing", "saturated")
    assert bad["advice"].item() == "tanh or batch normalization hold it"
    assert set(verdicts(probed(**deep | {"normalization": "batch"})).values()) == {"healthy"}


def test_what_runs_off_is_told_and_stands_in_no_file(probed):
    found = probed(initializer={"normal": {"std": 1e60}}, depth=6)
    assert found.settings.loc[0, ["verdict", "reason"]].tolist() == ["exploding", "not finite in 2 of 2 draws"]
    assert not found.networks["is_finite"].any()
    text = (found.folder / "probe.csv").read_text()
    assert "inf" not in text
    assert "nan" not in text
    read = json.loads((found.folder / "probe.json").read_text())
    assert read["networks"][0]["backward_ratio"] is None
    fine = probed(initializer="he_normal", depth=6)
    assert fine.networks["is_finite"].all()


@pytest.mark.parametrize("normalization", ["none", "batch", "layer"])
@pytest.mark.parametrize(("name", "scale", "word"), [("huge", 1e200, "exploding"), ("faint", 1e-200, "dead")])
def test_numbers_at_the_ends_of_float64_are_told_and_warn_of_nothing(name, scale, word, normalization, probed):
    @initializer(name)
    def extreme(shape, rng):
        """Too large or too small to be squared."""
        return scale * rng.standard_normal(shape)

    assert verdicts(probed(initializer=name, normalization=normalization)) == {name: word}


def test_a_network_of_nan_has_no_shares_and_no_units(probed):
    @initializer("absent")
    def absent(shape, rng):
        """No numbers."""
        return np.full(shape, np.nan)

    found = probed(initializer=["absent", "he_normal"])
    columns = ["saturated", "dead", "nearly_dead", "distinct_units"]
    assert found.layers.query("initializer == 'absent'")[columns].isna().all(axis=None)
    assert verdicts(found) == {"absent": "exploding", "he_normal": "healthy"}
    assert found.settings["distinct_units"].isna().tolist() == [True, False]


def test_branches_that_begin_at_0_pass_gradients_back_beside_them(probed):
    found = probed(initializer="he_normal", residual="rezero", depth=6)
    assert found.networks["backward_ratio"].tolist() == pytest.approx([1.0, 1.0])
    assert verdicts(found) == {"he_normal": "healthy"}


@pytest.mark.parametrize("residual", ["plain", "scaled", "fixup"])
def test_gradients_by_outputs_are_those_of_central_differences(residual, probed):
    found = probed(initializer="he_normal", residual=residual, depth=5, activation="linear", seeds=[4])
    network = mlp_network((64, *[8] * 5, 10), "linear", residual=residual)
    assert len(connections(network.placed)) == (2 if residual == "fixup" else 4)
    layer = Layer(activation=find("activation", "linear").function())
    rng = stream(4, "weights")
    weights = [find("initializer", "he_normal").function(slot.fans, rng, layer=layer) for slot in network.layers]
    step, eye = np.eye(8), np.eye(8)
    if residual == "fixup":
        step = (eye + weights[1] @ weights[2]) @ (eye + weights[3] @ weights[4])
    else:
        scale = 0.5 if residual == "scaled" else 1.0
        for matrix in weights[1:5]:
            step = step @ (eye + scale * matrix)
    last = found.networks["backward_ratio"].iloc[0]
    # The singular values of the way from the first layer to the last bound the ratio.
    values = np.linalg.svd(step, compute_uv=False)
    assert values[-1] <= last <= values[0]


def test_logits_that_are_far_too_large_are_told_though_each_layer_holds_the_level(probed):
    found = probed(initializer=[{"normal": {"std": 10}}, "he_normal"], depth=1)
    assert verdicts(found) == {"normal(std=10)": "exploding", "he_normal": "healthy"}
    assert found.settings["reason"].str.contains("loss at the start is .* × ln 10$").tolist() == [True, False]
    assert verdicts(probed(initializer="he_normal", depth=50, width=100)) == {"he_normal": "healthy"}


def test_normalization_holds_the_signal_and_tells_its_effect_on_gradients(probed):
    keys = {"initializer": {"normal": {"std": 0.01}}, "depth": 12, "width": 50, "activation": "relu"}
    assert verdicts(probed(**keys)) == {"normal(std=0.01)": "vanishing"}
    found = probed(normalization="batch", **keys)
    hidden = found.layers[found.layers["layer"] <= 12]
    assert hidden["preactivation_square"].between(0.5, 1).all(), (
        "units of mean 0 and variance 1, but those that are dead"
    )
    assert found.networks["backward_ratio"].min() > 1.5, "gradients grow with depth (Yang et al. 2019)"


# ---- numbers of one network


@pytest.mark.parametrize(("dataset", "k"), [("digits", 10), ("line", 2)])
def test_the_loss_of_equal_logits_is_that_of_guessing(dataset, k, probed):
    found = probed(initializer="zeros", **(LINE if dataset == "line" else {}))
    assert found.networks["loss"].tolist() == pytest.approx([math.log(k)] * 2)
    assert found.networks["loss_uniform"].tolist() == pytest.approx([math.log(k)] * 2)
    assert probed(initializer={"normal": {"std": 1}}).networks["loss"].min() > 2 * math.log(10)


def test_cosines_of_neighbouring_rows():
    z = np.zeros((2, 6, 2))
    z[0] = [[1, 0], [0, 2], [3, 0], [5, 0], [0, 0], [1, 1]]
    z[1] = 1e-200 * np.array([[1, 0], [-1, 0]] * 3)
    assert mean_cosine(z) == pytest.approx([0.5, -1])
    assert likeness(z) == pytest.approx([math.sqrt(1 / 6 + 5 / 6 * 0.5), 1])
    assert np.isnan(mean_cosine(np.zeros((1, 4, 2)))).all()


def test_a_single_row_is_looked_at_though_it_has_no_neighbour(probed):
    found = probed(initializer="he_normal", train_rows=1)
    assert found.layers["correlation"].isna().all()
    assert found.layers["preactivation_square"].notna().all()
    assert verdicts(found) == {"he_normal": "healthy"}, "one row cannot end up like others"


def test_weights_are_those_that_training_starts_from(probed):
    row = probed(initializer="he_normal", seeds=[3, 7]).layers.query("seed == 7 and layer == 1").squeeze()
    layer = Layer(activation=find("activation", "relu").function())
    weights = find("initializer", "he_normal").function((64, 8), stream(7, "weights"), layer=layer)
    assert row["weight_std"] == pytest.approx(weights.std(), rel=1e-12)
    values = np.linalg.svd(weights, compute_uv=False)
    found = row[["singular_max", "singular_min", "singular_mean_square"]].tolist()
    assert found == pytest.approx([values[0], values[-1], np.mean(values**2)])
    update = 0.05 * row["weight_gradient_norm"] / np.linalg.norm(weights)
    assert row["update_ratio"] == pytest.approx(update)


# ---- the same network, however it is looked at


def test_one_thread_or_two_alone_or_in_company_the_bytes_are_the_same(probed):
    alike = {"initializer": ["he_normal", "glorot_uniform"], "normalization": ["none", "batch"], "seeds": [0, 4, 9]}
    first = probed(**alike)
    files = [(first.folder / name).read_bytes() for name in ("probe.csv", "probe.json")]
    assert [(probed(jobs=2, **alike).folder / name).read_bytes() for name in ("probe.csv", "probe.json")] == files
    alone = probed(initializer="glorot_uniform", normalization="batch", seeds=[0, 4]).layers
    columns = ["seed", *first.layers.columns[first.layers.columns.get_loc("layer") :]]
    columns = [name for name in columns if not name.startswith("predicted")]  # of all draws together
    among = first.layers.query("initializer == 'glorot_uniform' and normalization == 'batch' and seed < 9")
    pd.testing.assert_frame_equal(alone[columns], among[columns].reset_index(drop=True), check_exact=True)


def test_later_steps_change_nothing_but_the_update(probed):
    found = probed(initializer="he_normal", learning_rate=[0.1, 0.2], optimizer=["sgd", "adam"])
    assert len(found.settings) == 4
    assert len(found.distinct) == 1
    by_rate = [rows.reset_index(drop=True) for _, rows in found.layers.groupby("learning_rate")]
    same = ["preactivation_square", "gradient_square", "correlation", "singular_max"]
    pd.testing.assert_frame_equal(by_rate[0][same], by_rate[1][same])
    assert (by_rate[1]["update_ratio"] / by_rate[0]["update_ratio"]).tolist() == pytest.approx([2.0] * len(by_rate[0]))


def test_dropout_and_schedules_begin_with_training(probed):
    drawn = []

    @initializer("counted")
    def counted(shape, rng):
        """Counts what it draws."""
        drawn.append(shape)
        return rng.normal(size=shape)

    once = probed(initializer="counted", depth=2).layers
    alone = len(drawn)
    drawn.clear()
    swept = probed(initializer="counted", depth=2, dropout=[0, 0.5], schedule=["constant", "cosine"])
    assert len(drawn) == alone
    assert (len(swept.settings), len(swept.distinct)) == (4, 1)
    columns = [name for name in once if once[name].dtype.kind == "f"]
    for _, rows in swept.layers.groupby(["dropout", "schedule"]):
        pd.testing.assert_frame_equal(rows[columns].reset_index(drop=True), once[columns])


def test_theory_goes_by_the_activation_between_dense_layers_and_not_by_the_key(probed):
    @architecture("layers")
    def layers(rows, outputs, *, hidden, behind: str = ""):
        """Layers, and what stands behind each."""
        blocks = {name: [Activate(find("activation", name).function())] for name in ("tanh", "linear")} | {"": []}
        return [*(block for name in behind.split("-") for block in (Dense(hidden[0]), *blocks[name])), Dense(outputs)]

    kinds = {"tanh-tanh": True, "-": False, "tanh-linear": False, "tanh-": False}
    parts = [{"layers": {"behind": behind}} for behind in kinds]
    found = probed(architecture=parts, activation="relu", initializer="he_normal").layers
    predicted = found.groupby("architecture", sort=False)["predicted_preactivation_square"].mean()
    assert dict(zip(kinds, predicted.notna(), strict=True)) == kinds
    same = probed(activation="tanh", initializer="he_normal", depth=2).layers
    assert predicted.iloc[0] == same["predicted_preactivation_square"].mean()


def test_a_network_without_hidden_layers_is_looked_at_too(probed):
    found = probed(initializer="he_normal", depth=0)
    assert verdicts(found) == {"he_normal": "healthy"}
    assert found.layers["layer"].tolist() == [1, 1]


def test_a_cell_that_cannot_be_drawn_leaves_the_others(probed):
    @initializer("moody")
    def moody(shape, rng):
        """Fails now and then."""
        if rng.random() < 0.02:
            raise ValueError("not today")
        return rng.standard_normal(shape)

    found = probed(initializer=["he_normal", "moody"], seeds=12)
    assert 0 < len(found.failures) < 12
    assert set(found.failures.values()) == {"ValueError: not today"}
    counts = found.settings.set_index("initializer")["draws"]
    assert (counts["he_normal"], counts["moody"]) == (12, 12 - len(found.failures))


def test_every_initializer_can_be_looked_at(probed):
    names = [entry.name for entry in entries("initializer") if not entry.fingerprint and entry.name != "pretrained"]
    found = probed(initializer=names, depth=3, width=10, seeds=1)
    assert len(found.settings) + len(set(found.failures)) == len(names)
    assert not found.failures
    assert [a < b for a, b in pairwise(found.layers["layer"].head(4))] == [True] * 3

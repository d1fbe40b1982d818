"""What holds for every initializer of layers and every bias: what ``initbench check`` looks at, and more.

A new one is tested by being registered, against the distribution and the properties that it states. Beside that stand a
few numbers from the literature, and what single schemes promise.
"""

from dataclasses import replace
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
from scipy import special, stats

from initbench import registry
from initbench.catalogue.laws import LARGE, Trial, broken_laws, remarks, variations, why_unchecked
from initbench.contracts import Activation, Layer
from initbench.errors import ParameterError, ShapeError
from initbench.parts.initializers import stated
from initbench.parts.initializers.nguyen_widrow import active_range, output_range
from initbench.randomness import stream
from initbench.theory import moments


def activation(name, **params):
    return registry.find("activation", name).function(**params)


LINEAR, RELU, TANH, SIGMOID = map(activation, ("linear", "relu", "tanh", "sigmoid"))
HIDDEN = Layer(1, 3, TANH)
LAST = Layer(2, 3, TANH)
OURS = [
    entry
    for kind in ("initializer", "bias")
    for entry in registry.entries(kind)
    if not entry.fingerprint and entry.scope == "layer"
]
ENTRIES = [entry for entry in OURS if not why_unchecked(entry)]
TRIALS = [trial for entry in ENTRIES for trial in (Trial(entry), *variations(entry))]
PAIRED = [t for t in TRIALS if t.entry.about.distribution and not t.entry.about.properties and t.entry.name != "rai"]
STATED = [entry for entry in ENTRIES if entry.about.distribution]


def name_of(thing):
    entry = thing.entry if isinstance(thing, Trial) else thing
    return f"{entry.kind}-{entry.name}" + (f"-{thing}" if isinstance(thing, Trial) else "")


def each(things):
    return pytest.mark.parametrize("thing", things, ids=name_of)


def draw_all(kind, name, params, shape, seed=0):
    """What the part returns: an array, or weights and biases."""
    entry = registry.find(kind, name)
    extra = {"layer": HIDDEN} if entry.wants_layer else {}
    return entry.function(shape, np.random.default_rng(seed), **{**extra, **params})


def draw(kind, name, params, shape, seed=0):
    """Weights of an initializer, biases of a bias."""
    drawn = draw_all(kind, name, params, shape, seed)
    return drawn[0] if isinstance(drawn, tuple) else drawn


# Laws of all, and a planted fault in each part


@each(ENTRIES)
def test_each_keeps_the_laws_and_states_enough_to_be_tried(thing):
    assert broken_laws(thing) == remarks(thing) == []


def unlike_scipys(law):
    """What a law says without SciPy and SciPy does not."""
    own = [law.mean(), law.std(), *law.support()]
    theirs = [law.scipy.mean(), law.scipy.std(), *law.scipy.support()]
    return [pair for pair in zip(own, theirs, strict=True) if pair[0] != pytest.approx(pair[1], rel=1e-9, abs=1e-12)]


@each(STATED)
def test_mean_deviation_and_bounds_that_are_stated_are_those_of_scipys_distribution(thing):
    for law in Trial(thing).distributions((12, 8)):
        assert isinstance(law, (int, float)) or not unlike_scipys(law)


def test_a_deviation_that_scipy_has_not_is_found():
    law = stated.cut(2.0, -1.0, 0.5)
    assert not unlike_scipys(law)
    law._std *= 1 + 1e-6
    assert len(unlike_scipys(law)) == 1


def with_draws(entry, change):
    """The same part, with what it draws changed."""

    def function(*arguments, **options):
        drawn = entry.function(*arguments, **options)
        return change(drawn) if not isinstance(drawn, tuple) else change(*drawn)

    function.__doc__ = "A planted fault."
    return replace(entry, function=function)


def spread(array, factor=1.05):
    """Deviations longer by a factor; where there are none, another number."""
    return array.mean() + factor * (array - array.mean()) if np.ptp(array) else array + 1e-6


@each(STATED)
def test_draws_that_are_five_percent_off_break_a_law_of_each(thing):
    def change(weights, *biases):
        return (spread(weights), *biases) if biases else spread(weights)

    faults = broken_laws(with_draws(thing, change))
    assert any("by its distribution at" in fault or fault.startswith("every ") for fault in faults), faults


@each([entry for entry in STATED if len(Trial(entry).distributions(LARGE)) == 2])
def test_biases_that_are_ten_percent_off_break_a_law_of_each(thing):
    faults = broken_laws(with_draws(thing, lambda weights, biases: (weights, spread(biases, 1.1))))
    assert any("of the biases" in fault or fault.startswith("every bias") for fault in faults), faults


@each([entry for entry in ENTRIES if entry.about.properties])
def test_one_number_that_is_off_breaks_a_property_of_each(thing):
    def change(first, *others):
        first = first.copy()
        first[-1] += 1e-6
        return (first, *others) if others else first

    assert any("off by" in fault for fault in broken_laws(with_draws(thing, change)))


def test_a_parameter_or_a_layer_that_counts_otherwise_breaks_a_law():
    he, siren = (registry.find("initializer", name) for name in ("he_normal", "siren"))

    def ignore(entry, **fixed):
        def function(shape, rng, **options):
            return entry.function(shape, rng, **options | fixed)

        function.__doc__ = "A planted fault."
        return broken_laws(replace(entry, function=function))

    (fault,) = ignore(he, a=0.0)
    assert fault.startswith("the same at other parameters and in other layers: a=0.5: std is ")
    (fault,) = ignore(siren, layer=HIDDEN)
    assert fault.startswith("the same at other parameters and in other layers: first layer behind tanh: std is ")


# What ours promise beyond that


@each(TRIALS)
def test_empty_layers_have_their_shape(thing):
    for shape in [(0, 4), (4, 0), (0, 0)]:
        try:
            drawn = thing.draw(shape, 0)
        except ParameterError:
            continue
        wanted = [shape if noun == "weights" else shape[1:] for noun in thing.nouns()]
        assert [array.shape for array in drawn] == wanted[: len(drawn)]
        assert all(array.dtype == np.float64 for array in drawn)


@each(ENTRIES)
def test_a_shape_that_cannot_be_is_refused(thing):
    for shape in [(-1, 2), (2, -1), (3,), (2, 2, 2), (2.5, 2), 7, "ab", None]:
        with pytest.raises(ShapeError, match="shape"):
            draw(thing.kind, thing.name, {}, shape)


@pytest.mark.parametrize("name", ["looks_linear", "gaussian_submatrix"])
@pytest.mark.parametrize("shape", [(7, 6), (6, 7)])
def test_units_that_mirror_in_pairs_must_be_even(name, shape):
    with pytest.raises(ShapeError, match="odd"):
        draw("initializer", name, {}, shape)


def shared_numbers(first, second):
    """Draws that two layers have in common; a 0 is no draw."""
    return set(first.ravel()) & set(second.ravel()) - {0.0}


@each([entry for entry in STATED if not isinstance(Trial(entry).distributions(LARGE)[0], float)])
def test_layers_of_equal_shape_share_no_draws(thing):
    purpose = "weights" if thing.kind == "initializer" else "bias"
    layers = [draw(thing.kind, thing.name, {}, (8, 6), stream(0, purpose, layer)) for layer in (1, 1, 2)]
    assert not shared_numbers(layers[0], layers[2])
    assert shared_numbers(*layers[:2])


def quantile_error(trial, shape):
    """How far any draw is from the quantile of its law, relative to the deviation, of an even draw of its rank."""
    law = trial.distributions(shape)[0]
    if isinstance(law, float):
        return np.abs(trial.draw(shape, 0)[0] - law).max()
    size = shape if trial.entry.kind == "initializer" else (1, shape[1])
    wanted = law.ppf(np.maximum(np.random.default_rng(0).random(size), 2.0**-54))
    return np.abs(trial.draw(shape, 0)[0] - wanted).max() / law.std()


@each(PAIRED)
def test_at_one_seed_all_draw_the_quantiles_of_the_same_numbers(thing):
    for shape in [(4, 30), (30, 4), (1, 7)]:
        try:
            assert quantile_error(thing, shape) < 1e-9
        except ParameterError:
            assert thing.changed or thing.activation != "tanh"


def test_the_check_of_quantiles_catches_the_other_fan_and_another_way_to_draw():
    trial = Trial(registry.find("initializer", "random_walk"))
    assert quantile_error(trial, (4, 30)) < 1e-9
    swapped = trial.entry.about._replace(distribution=lambda i, o, layer: trial.entry.about.distribution(o, i, layer))
    assert quantile_error(Trial(replace(trial.entry, about=swapped)), (4, 30)) > 1e-3
    other = with_draws(trial.entry, lambda weights: weights[::-1])
    assert quantile_error(Trial(other), (4, 30)) > 1e-3


class Extremes:
    """Gives the first and the last number that a generator can give."""

    def random(self, shape):
        return np.resize([0.0, 1 - 2.0**-53], shape)


def test_no_draw_is_infinite_where_the_generator_gives_its_extremes(monkeypatch):
    monkeypatch.setattr(np.random, "default_rng", lambda seed: Extremes())
    for entry in {trial.entry.name: trial.entry for trial in PAIRED}.values():
        drawn = draw(entry.kind, entry.name, {}, (2, 2))
        low, high = np.broadcast_to(getattr(Trial(entry).distributions((2, 2))[0], "support", lambda: (-9, 9))(), 2)
        assert np.isfinite(drawn).all()
        assert low - 1e-12 <= drawn.min() <= drawn.max() <= high + 1e-12
    far_up = draw("initializer", "truncated_normal", {"std": 1.0, "low": 4.0, "high": 40.0}, (2, 2))
    assert far_up.max() < 9  # where doubles end, and not the bound


# A second witness: numbers of the literature, for weights of 600 x 400

WITNESSES = [  # name, parameters, place, activation, mean square of a weight times 600, largest weight or None
    ("lecun_normal", {}, "hidden layer", "tanh", 1.0, None),
    ("lecun_normal", {"gain": "torch"}, "hidden layer", "tanh", 25 / 9, None),
    ("lecun_uniform", {}, "hidden layer", "tanh", 1.0, (3 / 600) ** 0.5),
    ("bengio_uniform", {}, "hidden layer", "relu", 1 / 3, 600**-0.5),
    ("glorot_normal", {}, "hidden layer", "tanh", 1.2, None),
    ("glorot_normal", {"gain": "forward"}, "hidden layer", "tanh", 1.2 * 2.53617, None),
    ("glorot_uniform", {}, "hidden layer", "tanh", 1.2, (6 / 1000) ** 0.5),
    ("he_normal", {}, "hidden layer", "relu", 2.0, None),
    ("he_normal", {"gain": "backward"}, "hidden layer", "relu", 2.0, None),
    ("he_uniform", {}, "hidden layer", "relu", 2.0, (6 / 600) ** 0.5),
    ("he_fan_out", {}, "hidden layer", "relu", 3.0, None),
    ("variance_scaling", {}, "hidden layer", "relu", 1.0, 2.2737 / 600**0.5),
    ("truncated_normal", {}, "hidden layer", "relu", 600 * (0.05 * 0.87962566) ** 2, 0.1),
    ("kumar", {}, "hidden layer", "sigmoid", 12.8, None),
    ("random_walk", {}, "hidden layer", "tanh", 1.13**2, None),
    ("random_walk", {}, "hidden layer", "relu", 2 * np.exp(2.4 / (600 - 2.4)), None),
    ("boers", {}, "hidden layer", "sigmoid", 3.0, 3 / 600**0.5),
    ("scawi", {}, "hidden layer", "sigmoid", 200 * 1.3**2 / 181, 1.3 / 181**0.5),
    ("siren", {}, "first layer", "tanh", 1 / 1800, 1 / 600),
    ("siren", {}, "hidden layer", "tanh", 2 / 900, (6 / 600) ** 0.5 / 30),
    ("mup", {}, "last layer", "relu", 64 / 600, None),
    ("critical", {}, "hidden layer", "relu", 2.0, None),
    ("critical", {"sigma_b": 0.2}, "hidden layer", "tanh", 1.3041**2, None),
    ("fixup", {}, "start of a branch", "relu", 2 * 4**-1, None),
    ("residual_scaled", {}, "end of a branch", "relu", 2 / 4, None),
    ("torch_linear", {}, "hidden layer", "relu", 1 / 3, 600**-0.5),
    ("keras_dense", {}, "hidden layer", "relu", 1.2, (6 / 1000) ** 0.5),
    ("haiku_linear", {}, "hidden layer", "relu", 0.87962566**2, 2 / 600**0.5),
    ("sklearn_mlp", {}, "hidden layer", "sigmoid", 0.4, (2 / 1000) ** 0.5),
    ("orthogonal", {}, "hidden layer", "relu", 1.0, 1.0),
]


def misses_the_literature(drawn, square, bound):
    """Whether the mean square of weights is more than 2 % off, or one lies beyond the bound."""
    return abs(np.mean(drawn**2) * LARGE[0] / square - 1) > 0.02 or (bound and np.abs(drawn).max() > 1.00001 * bound)


@pytest.mark.parametrize(("name", "params", "place", "phi", "square", "bound"), WITNESSES)
def test_scale_and_bounds_are_those_of_the_literature(name, params, place, phi, square, bound):
    drawn = Trial(registry.find("initializer", name), params, place, phi).draw(LARGE, 0)[0]
    assert not misses_the_literature(drawn, square, bound)
    assert misses_the_literature(1.05 * drawn, square, bound)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("oivs", {"epsilon": 0.5}, "epsilon is 0.5 and must lie between 0 and 0.5"),
        ("he_normal", {"gain": "forward", "layer": Layer()}, "the gain rule 'forward' asks for the activation"),
        ("critical", {"sigma_b": 0.2, "layer": Layer(1, 3, RELU)}, "no critical point at sigma_b 0.2; use another"),
        ("orthogonal_critical", {"layer": Layer()}, "orthogonal_critical asks for the activation"),
    ],
)
def test_what_has_no_answer_says_what_to_do(name, params, message):
    with pytest.raises(ParameterError, match=message):
        draw("initializer", name, params, (4, 4))


@pytest.mark.parametrize("name", ["uniform", "truncated_normal"])
def test_bounds_must_be_in_order(name):
    with pytest.raises(ParameterError, match="low is 1 and must be below high, which is 0"):
        draw("initializer", name, {"low": 1.0, "high": 0.0}, (2, 2))
    with pytest.raises(ParameterError, match="low is 1 and must be below high, which is 1"):
        draw("initializer", name, {"low": 1.0, "high": 1.0}, (2, 2))


@pytest.mark.parametrize("bounds", [{"low": 5.0, "high": 6.0}, {"mean": 3.0, "unit": "absolute"}, {"high": -9.0}])
def test_bounds_with_nothing_between_them_are_refused(bounds):
    with pytest.raises(ParameterError, match=r"less than a millionth .* set them closer to the mean|must be below"):
        draw("initializer", "truncated_normal", bounds, (2, 2))


def test_truncation_without_deviation_is_the_mean():
    for unit in ("std", "absolute"):
        drawn = draw("initializer", "truncated_normal", {"mean": 0.5, "std": 0.0, "unit": unit}, (3, 4))
        assert (drawn == 0.5).all()


def truncated_deviation(low, high):
    """Of N(0, 1) cut at ``low`` and ``high``, by the formula that the docstring gives."""
    a, b = stats.norm.pdf([low, high])
    share = stats.norm.cdf(high) - stats.norm.cdf(low)
    return np.sqrt(1 + (low * a - high * b) / share - ((a - b) / share) ** 2)


@pytest.mark.parametrize(("low", "high"), [(-2.0, 2.0), (-1.0, 3.0), (0.5, 1.0)])
def test_truncation_leaves_the_deviation_of_its_formula(low, high):
    drawn = draw("initializer", "truncated_normal", {"std": 1.0, "low": low, "high": high}, LARGE)
    assert drawn.std() == pytest.approx(truncated_deviation(low, high), rel=0.005)
    assert truncated_deviation(-2.0, 2.0) == pytest.approx(0.87962566103423978, rel=1e-12)


# What single schemes promise


def std_is_right(drawn, law):
    standard_error = law.std() * np.sqrt((law.stats("k") + 2) / (4 * drawn.size))
    return abs(drawn.std() - law.std()) < 5 * standard_error


def distribution_is_right(drawn, law):
    return stats.kstest(drawn, law.cdf).pvalue > 1e-3


def haar_pvalue(matrices):
    """How well the first, the last and the signs agree with Haar's measure.

    A column of n entries is uniform on the sphere, so (entry + 1) / 2 follows Beta((n - 1) / 2, (n - 1) / 2).
    """
    n = max(matrices.shape[1:])
    entry = stats.beta((n - 1) / 2, (n - 1) / 2, loc=-1, scale=2)
    corners = [stats.kstest(matrices[:, i, i], entry.cdf).pvalue for i in (0, -1)]
    positive = [stats.binomtest(int((matrices[:, i, i] > 0).sum()), len(matrices)).pvalue for i in (0, -1)]
    return min(*corners, *positive)


@pytest.mark.parametrize("shape", [(6, 6), (8, 3), (3, 8)])
def test_orthogonal_matrices_follow_haars_measure(shape):
    drawn = np.stack([draw("initializer", "orthogonal", {}, shape, seed) for seed in range(400)])
    assert haar_pvalue(drawn) > 1e-3


def test_rotations_and_reflections_are_equally_likely():
    drawn = np.stack([draw("initializer", "orthogonal", {}, (6, 6), seed) for seed in range(400)])
    rotations = int((np.linalg.det(drawn) > 0).sum())
    assert stats.binomtest(rotations, 400).pvalue > 1e-3


def test_one_by_one_is_plus_or_minus_the_gain():
    drawn = [draw("initializer", "orthogonal", {"gain": 3.0}, (1, 1), seed).item() for seed in range(400)]
    assert set(np.abs(drawn)) == {3.0}
    assert stats.binomtest(drawn.count(3.0), 400).pvalue > 1e-3


def test_haars_check_catches_the_signs_of_plain_qr():
    gaussian = np.random.default_rng(0).standard_normal((400, 6, 6))
    assert haar_pvalue(np.linalg.qr(gaussian)[0]) < 1e-3


def relu_network(name, widths, params=None):
    count = len(widths) - 1
    layers = [Layer(index, count, RELU) for index in range(count)]
    shapes = pairwise(widths)
    return [
        draw("initializer", name, {"layer": layer, **(params or {})}, shape, seed)
        for seed, (layer, shape) in enumerate(zip(layers, shapes, strict=True))
    ]


def additivity_error(network):
    """How far f(x + y) is from f(x) + f(y)."""

    def f(x):
        for weights in network[:-1]:
            x = np.maximum(x @ weights, 0.0)
        return x @ network[-1]

    x, y = np.random.default_rng(9).normal(size=(2, 20, len(network[0])))
    return np.abs(f(x + y) - f(x) - f(y)).max()


@pytest.mark.parametrize("name", ["looks_linear", "gaussian_submatrix"])
def test_a_network_that_looks_linear_is_linear(name):
    network = relu_network(name, [7, *[64] * 29, 3])
    assert len(network) == 30
    assert additivity_error(network) < 1e-10


def test_the_check_of_linearity_catches_one_layer_that_is_not_mirrored():
    network = relu_network("looks_linear", [7, *[64] * 29, 3])
    network[15][0, 0] += 0.1
    assert additivity_error(network) > 1e-10


def test_gaussian_blocks_have_the_variance_of_half_the_width():
    for name, params in [("looks_linear", {"base": "gaussian"}), ("gaussian_submatrix", {})]:
        block = draw("initializer", name, params, LARGE)[:300, :200].ravel()
        assert std_is_right(block, stats.norm(0, 300**-0.5))
        assert distribution_is_right(block, stats.norm(0, 300**-0.5))


def asymmetric_places(both, gaussian):
    """Rows where ``both``, weights above biases, is not the Gaussian matrix that it began as: one list a unit."""
    return [np.flatnonzero(column).tolist() for column in (both != gaussian).T]


def test_rai_puts_one_beta_number_into_each_unit():
    fan_in, fan_out = 30, 4000
    both = np.vstack(draw_all("initializer", "rai", {}, (fan_in, fan_out)))
    rng = np.random.default_rng(0)
    deviation = 0.6007 / np.sqrt(fan_in)
    uniforms = np.concatenate([rng.random((fan_in, fan_out)), rng.random((1, fan_out))])
    gaussian = deviation * special.ndtri(uniforms)
    places = asymmetric_places(both, gaussian)
    assert all(len(rows) == 1 for rows in places)
    rows = np.ravel(places)
    chosen = both[rows, np.arange(fan_out)]
    assert distribution_is_right(chosen, stats.beta(2, 1))
    assert stats.chisquare(np.bincount(rows, minlength=fan_in + 1)).pvalue > 1e-3
    assert std_is_right(gaussian.ravel(), stats.norm(0, deviation))

    both[(rows[0] + 1) % fan_in, 0] += 1e-9
    assert not all(len(rows) == 1 for rows in asymmetric_places(both, gaussian))
    assert not distribution_is_right(chosen, stats.beta(1, 1))


def test_sparse_weights_follow_their_law_and_stand_anywhere():
    weights = draw("initializer", "sparse", {}, LARGE)
    assert distribution_is_right(weights[weights != 0], stats.norm())
    assert stats.chisquare(np.count_nonzero(weights, axis=1)).pvalue > 1e-3
    crowded = np.sort(np.abs(weights), axis=0)
    assert stats.chisquare(np.count_nonzero(crowded, axis=1)).pvalue < 1e-3


def test_each_unit_on_the_sphere_points_anywhere():
    weights = draw("initializer", "gaussian_row_normalized", {}, (5, 4000))
    law = stats.beta(2, 2, loc=-1, scale=2)
    assert stats.kstest(weights[0], law.cdf).pvalue > 1e-3
    cube = np.random.default_rng(0).uniform(-1, 1, (5, 4000))
    assert stats.kstest(cube[0] / np.linalg.norm(cube, axis=0), law.cdf).pvalue < 1e-3


def bias_span_error(biases, beta):
    """How far sorted sizes are from evenly spaced over ±beta."""
    steps = np.abs(np.linspace(-1, 1, len(biases)))
    return np.abs(np.abs(biases) / beta - steps).max()


def test_nguyen_widrow_spaces_its_biases_over_the_active_range():
    weights, biases = draw_all("initializer", "nguyen_widrow", {}, (3, 9))
    beta = 2 * 0.7 * 9 ** (1 / 3)
    assert bias_span_error(biases, beta) < 1e-12
    assert (np.sign(biases * weights[0]) == np.sign(np.linspace(-1, 1, 9))).all()
    assert bias_span_error(1.01 * biases, beta) > 1e-3
    assert draw_all("initializer", "nguyen_widrow", {}, (3, 1))[1].item() == 0.0


def test_nguyen_widrow_maps_the_range_of_the_rows_and_drops_what_does_not_vary():
    rows = np.random.default_rng(1).uniform([-1, 5, 0], [3, 7, 0], (50, 3))
    shape = (3, 9)
    weights, biases = draw_all("initializer", "nguyen_widrow", {"layer": Layer(0, 3, SIGMOID, rows)}, shape)
    low, high = rows.min(axis=0), rows.max(axis=0)
    assert not weights[2].any()
    scaled = weights[:2] * (high - low)[:2, None] / 2
    np.testing.assert_allclose(np.linalg.norm(scaled, axis=0), 4 * 0.7 * 9 ** (1 / 2))
    middle = (low + high) / 2 @ weights + biases  # at the middle of the rows, what the spaced biases say
    np.testing.assert_allclose(np.abs(middle), 4 * 0.7 * 3 * np.abs(np.linspace(-1, 1, 9)), atol=1e-12)


def test_nguyen_widrow_centres_its_biases_on_the_active_range():
    shifted = Activation(lambda z, out: np.tanh(z - 1), lambda z, value, out: 1 - value**2)
    assert active_range(shifted) == (-1.0, 3.0)
    biases = draw_all("initializer", "nguyen_widrow", {"layer": Layer(1, 3, shifted)}, (3, 9))[1]
    assert bias_span_error(biases - 1, 2 * 0.7 * 9 ** (1 / 3)) < 1e-12
    assert bias_span_error(biases, 2 * 0.7 * 9 ** (1 / 3)) > 1e-3


def test_nguyen_widrow_signs_its_biases_by_the_first_input_that_varies():
    rows = np.random.default_rng(1).uniform([2, -1, -1], [2, 1, 1], (50, 3))
    weights, biases = draw_all("initializer", "nguyen_widrow", {"layer": Layer(0, 3, TANH, rows)}, (3, 9))
    low, high = rows.min(axis=0), rows.max(axis=0)
    middle = (low + high) / 2 @ weights + biases
    assert (np.sign(middle * weights[1]).round() == np.sign(np.linspace(-1, 1, 9)))[np.abs(middle) > 1e-9].all()


@pytest.mark.parametrize(
    ("phi", "low", "high"), [(TANH, -1, 1), (SIGMOID, 0, 1), (activation("lecun_tanh"), -1.7159, 1.7159)]
)
def test_nguyen_widrow_takes_the_range_of_the_outputs_below(phi, low, high):
    below, shape = Layer(0, 3, phi, np.array([[low] * 3, [high] * 3], float)), (3, 9)
    first, hidden = (draw_all("initializer", "nguyen_widrow", {"layer": x}, shape) for x in (below, Layer(1, 3, phi)))
    for found, wanted in zip(hidden, first, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    wide = Layer(0, 3, phi, np.array([[low - 0.1] * 3, [high] * 3], float))
    assert not np.allclose(hidden[0], draw_all("initializer", "nguyen_widrow", {"layer": wide}, shape)[0])


def test_outputs_without_an_end_count_as_between_minus_1_and_1():
    growing = Activation(lambda z, out: np.sign(z) * np.log1p(np.abs(z)), lambda z, value, out: 1 / (1 + np.abs(z)))
    bump = Activation(lambda z, out: np.exp(-z * z), lambda z, value, out: -2 * z * value)
    assert [output_range(phi) for phi in (growing, RELU, None)] == [(-1.0, 1.0)] * 3
    assert output_range(bump) == (0.0, 1.0)


@pytest.mark.parametrize("layer", [LAST, Layer(1, 3, RELU)], ids=["last", "relu"])
def test_nguyen_widrow_is_even_where_nothing_is_active(layer):
    for drawn in draw_all("initializer", "nguyen_widrow", {"layer": layer}, (20, 4000)):
        assert distribution_is_right(drawn.ravel(), stats.uniform(-1, 2))
        assert not distribution_is_right(1.1 * drawn.ravel(), stats.uniform(-1, 2))


@pytest.mark.parametrize(
    ("phi", "reach"), [(TANH, 2.0), (SIGMOID, 4.0), (RELU, None), (LINEAR, None), (activation("elu"), None)]
)
def test_active_ranges_are_those_of_matlab(phi, reach):
    assert active_range(phi) == (None if reach is None else (-reach, reach))


@pytest.mark.parametrize(("phi", "q"), [(RELU, 1.0), (LINEAR, 3.0), (TANH, 1e-6)])
def test_critical_weights_hold_gradients_level(phi, q):
    sigma_w = draw("initializer", "critical", {"layer": Layer(1, 3, phi)}, LARGE).std() * np.sqrt(LARGE[0])
    assert sigma_w**2 * moments(phi, q).slope == pytest.approx(1.0, abs=0.01)
    assert (1.02 * sigma_w) ** 2 * moments(phi, q).slope != pytest.approx(1.0, abs=0.01)


def test_with_biases_the_critical_point_is_a_fixed_point_where_chi_is_1():
    weights = draw("initializer", "critical", {"sigma_b": 0.2}, LARGE)
    variance = weights.var() * LARGE[0]
    q = 1.0
    for _ in range(500):
        q = variance * moments(TANH, q).value + 0.2**2
    assert variance * moments(TANH, q).slope == pytest.approx(1.0, abs=0.01)


# The bias that knows the classes


def prior(targets, fan_out, index=2):
    return draw("bias", "output_prior", {"layer": Layer(index, 3, RELU, targets=targets)}, (5, fan_out))


def test_the_output_prior_makes_the_first_guess_the_share_of_each_class():
    targets = np.eye(3)[[0] * 5 + [1] * 3 + [2] * 2]
    biases = prior(targets, 3)
    np.testing.assert_allclose(np.exp(biases) / np.exp(biases).sum(), [0.5, 0.3, 0.2])
    odds = prior(np.array([[1.0], [0.0], [0.0], [0.0], [0.0]]), 1)
    assert 1 / (1 + np.exp(-odds)) == pytest.approx(0.2)


def test_a_class_without_rows_counts_as_half_a_row():
    np.testing.assert_allclose(prior(np.eye(3)[[0, 0, 0, 1]], 3), np.log([0.75, 0.25, 0.125]))
    np.testing.assert_allclose([prior(np.ones((4, 1)), 1), prior(np.zeros((4, 1)), 1)], [[np.log(8)], [-np.log(7)]])


def test_the_output_prior_refuses_a_layer_without_an_output_a_class():
    with pytest.raises(ShapeError, match="an output for each of the 3 columns"):
        prior(np.eye(3), 2)


# What each states of itself


@pytest.mark.parametrize("entry", OURS, ids=name_of)
def test_each_part_states_its_formula_family_and_sources(entry):
    bibliography = (files("initbench") / "parts" / "references.bib").read_text(encoding="utf-8")
    assert entry.about.formula
    assert entry.about.family != "other"
    assert [key for key in entry.about.cites if f"{{{key}," not in bibliography] == []


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("Xavier", "glorot_uniform"),
        ("kaiming_normal_", "he_normal"),
        ("MSRA", "he_normal"),
        ("GlorotUniform", "glorot_uniform"),
        ("eye_", "identity"),
        ("edge-of-chaos", "critical"),
        ("nn.Linear", "torch_linear"),
    ],
)
def test_other_libraries_names_lead_to_ours(alias, name):
    assert registry.find("initializer", alias).name == name

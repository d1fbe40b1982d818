"""What each initializer of whole networks promises, with a planted fault that the check has to catch."""

import numpy as np
import pytest
from networks import fill, last_layer, make_network
from scipy.linalg import solve_sylvester
from scipy.stats import kstest

from initbench import registry
from initbench.errors import ShapeError
from initbench.parts.initializers.network_gradinit import RowBatch, objective
from initbench.parts.initializers.network_landscape import Landscape, along
from initbench.parts.initializers.network_metainit import gradient_quotient
from initbench.parts.initializers.network_sylvester import _code, solve
from initbench.parts.initializers.network_unit_variance import layer_rates
from initbench.theory import moments

DEEP = (20, *[24] * 30, 5)


def variances(network):
    """Of the preactivations of each layer, over rows and units."""
    return np.array([network.preactivation(layer).var() for layer in range(len(network.weights))])


def shifted(network):
    network.weights[2] *= 1.2
    return network


# LSUV


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("bias", ["zeros", "normal"])
def test_lsuv_gives_every_layer_variance_one(activation, bias):
    network = fill("lsuv", make_network(DEEP, activation, bias=bias), tol=0.02)
    assert np.abs(variances(network) - 1).max() <= 0.02
    assert np.abs(variances(shifted(network)) - 1).max() > 0.02


def test_lsuv_is_orthogonal_but_for_its_scale_and_can_centre():
    network = fill("lsuv", make_network((8, 8, 8, 3)), mean=True)
    singular = np.linalg.svd(network.weights[1], compute_uv=False)
    assert np.ptp(singular) < 1e-12
    assert all(abs(network.preactivation(layer).mean()) < 1e-12 for layer in range(3))
    assert abs(fill("lsuv", make_network((8, 8, 8, 3))).preactivation(1).mean()) > 1e-3


def test_lsuv_stops_at_the_last_iteration_allowed():
    uneven = np.linspace(-0.5, 0.5, 8)
    networks = [make_network((8, 8, 3)) for _ in range(2)]
    for network, count in zip(networks, (1, 10), strict=True):
        network.biases[0][:] = uneven
        fill("lsuv", network, tol=1e-3, max_iterations=count)
    errors = [abs(network.preactivation(0).var() - 1) for network in networks]
    assert errors[1] <= 1e-3 < errors[0]


# Unit variance


def unit_errors(network, mean=0.0):
    """How far any unit's mean and standard deviation are from ``mean`` and 1."""
    z = [network.preactivation(layer) for layer in range(len(network.weights))]
    return max(max(np.abs(a.mean(axis=0) - mean).max(), np.abs(a.std(axis=0) - 1).max()) for a in z)


@pytest.mark.parametrize("activation", ["tanh", "elu"])
def test_weight_norm_gives_every_unit_mean_zero_and_variance_one(activation):
    network = fill("weight_norm", make_network(DEEP, activation))
    assert unit_errors(network) < 1e-9
    assert unit_errors(shifted(network)) > 0.1


def test_weight_norm_leaves_constant_units_at_unit_length():
    network = fill("weight_norm", make_network((6, 8, 3), x=np.ones((20, 6))))
    assert np.linalg.norm(network.weights[0], axis=0) == pytest.approx(np.ones(8))
    assert np.abs(network.preactivation(0)).max() < 1e-12


def test_weight_norm_counts_a_unit_that_varies_a_little_as_varying():
    x = 1 + 1e-4 * np.random.default_rng(0).standard_normal((50, 6))
    assert fill("weight_norm", make_network((6, 8, 3), x=x)).preactivation(0).std(axis=0) == pytest.approx(np.ones(8))


@pytest.mark.parametrize("directions", ["random", "pca", "kmeans", "samples"])
def test_krahenbuhls_first_stage_gives_every_unit_its_mean_and_variance_one(directions):
    network = fill("krahenbuhl", make_network((20, 24, 24, 5), "tanh"), directions=directions, beta=0.1, iterations=0)
    assert unit_errors(network, 0.1) < 1e-9
    assert unit_errors(shifted(network), 0.1) > 0.1


def rate_spread(network):
    top = np.random.default_rng(1).standard_normal(network.targets.shape)
    rates = layer_rates(network, top)
    return rates.max() / rates.min()


def test_the_rate_of_a_layer_is_the_length_of_its_gradient_relative_to_its_own():
    network = he_network((6, 8, 4, 3))
    top = np.random.default_rng(1).standard_normal(network.targets.shape)
    lengths = [
        np.linalg.norm(s) / np.linalg.norm(w) for s, w in zip(network.slopes(top)[0], network.weights, strict=True)
    ]
    assert layer_rates(network, top) == pytest.approx(lengths)


@pytest.mark.parametrize("activation", ["relu", "tanh", "elu"])
@pytest.mark.parametrize("directions", ["random", "kmeans"])
def test_krahenbuhls_layers_learn_at_one_rate(activation, directions):
    network = fill("krahenbuhl", make_network((20, *[24] * 6, 5), activation), directions=directions)
    before = fill("krahenbuhl", make_network((20, *[24] * 6, 5), activation), directions=directions, iterations=0)
    assert rate_spread(network) < min(2, rate_spread(before))
    assert network.preactivation(6).std() == pytest.approx(1, abs=0.2)
    network.weights[2] *= 2
    assert rate_spread(network) > 2


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_round_of_krahenbuhls_second_stage_scales_each_layer_by_the_root_of_rate_over_target(activation):
    sizes = (20, 24, 24, 5)
    before, after = (fill("krahenbuhl", make_network(sizes, activation), iterations=i, beta=0.1) for i in (0, 1))
    rates = layer_rates(before, before.rng(0).spawn(1)[0].standard_normal(before.targets.shape))
    target = np.prod(rates) ** (1 / 3) * before.preactivation(2).std() ** (1 / 3)
    factors = np.sqrt(rates / target)
    assert np.abs(factors - 1).max() > 0.05
    for layer, factor in enumerate(factors):
        assert after.weights[layer] == pytest.approx(factor * before.weights[layer])
        assert after.biases[layer] == pytest.approx(np.prod(factors[: layer + 1]) * before.biases[layer])


def test_krahenbuhls_units_of_a_relu_layer_vary_alike():
    network = fill("krahenbuhl", make_network((20, *[24] * 6, 5)))
    for layer in range(7):
        deviations = network.preactivation(layer).std(axis=0)
        assert np.ptp(deviations) < 1e-9 * deviations.max()


def test_krahenbuhls_directions_are_what_they_say():
    x = np.random.default_rng(2).standard_normal((60, 5)) * [5, 3, 2, 1, 0.5]
    network = fill("krahenbuhl", make_network((5, 3, 2), x=x), directions="pca", iterations=0)
    axes = np.linalg.svd(x - x.mean(axis=0))[2][:3].T
    unit = network.weights[0] / np.linalg.norm(network.weights[0], axis=0)
    assert np.abs(np.sum(unit * axes, axis=0)) == pytest.approx(np.ones(3))
    groups = np.repeat(3 * np.eye(5)[:4], 15, axis=0) + 0.1 * np.random.default_rng(3).standard_normal((60, 5))
    network = fill("krahenbuhl", make_network((5, 4, 2), x=groups), directions="kmeans", iterations=0)
    strongest = network.preactivation(0).reshape(4, 15, 4).mean(axis=1).argmax(axis=0)
    assert len(set(strongest)) > 1


def whitened_cosines(network, points):
    """Between the first layer's units and points whitened on both sides, shape (units, points)."""
    centred = network.x - network.x.mean(axis=0)
    found = np.linalg.solve(np.cov(centred.T), (points - network.x.mean(axis=0)).T)
    weights = network.weights[0]
    return (weights / np.linalg.norm(weights, axis=0)).T @ (found / np.linalg.norm(found, axis=0))


def test_krahenbuhls_samples_are_rows_of_their_own_taken_anywhere():
    x = np.random.default_rng(2).standard_normal((60, 5)) * [5, 3, 2, 1, 0.5]
    network = fill("krahenbuhl", make_network((5, 4, 2), x=x), directions="samples", iterations=0)
    cosines = whitened_cosines(network, x)
    assert cosines.max(axis=1) == pytest.approx(np.ones(4))
    rows = cosines.argmax(axis=1)
    assert len(set(rows)) == 4
    assert rows.tolist() != [0, 1, 2, 3]


def test_krahenbuhls_kmeans_finds_the_middles_of_two_groups():
    centres = np.array([[3.0, 0, 1], [-3, 1, 0]])
    x = np.repeat(centres, 30, axis=0) + 0.3 * np.random.default_rng(3).standard_normal((60, 3))
    network = fill("krahenbuhl", make_network((3, 2, 2), x=x), directions="kmeans", iterations=0)
    middles = x.reshape(2, 30, 3).mean(axis=1)
    assert whitened_cosines(network, middles).max(axis=0) == pytest.approx(np.ones(2))
    assert whitened_cosines(network, x[[0, 30]]).max() < 1 - 1e-6


# AutoInit


def is_stable(activation):
    """Whether a small error of the variance does not grow from layer to layer."""
    found = moments(activation, 1.0)
    return found.mixed / found.value < 1.01


STABLE = [e.name for e in registry.entries("activation") if not e.fingerprint and is_stable(e.function())]


def holds_variance(network):
    found = variances(network)
    return found.min() > 0.25 and found.max() < 4


@pytest.mark.parametrize("activation", STABLE)
@pytest.mark.parametrize("distribution", ["truncated_normal", "orthogonal"])
def test_autoinit_holds_the_variance_through_twenty_layers(activation, distribution):
    network = make_network((50, *[100] * 20, 50), activation, n=50)
    assert holds_variance(fill("autoinit", network, distribution=distribution))
    for weights in network.weights:
        weights *= 2.2
    assert not holds_variance(network)


def test_autoinit_measures_the_scale_of_the_rows():
    x = 10 * np.random.default_rng(0).standard_normal((50, 50))
    assert variances(fill("autoinit", make_network((50, 200, 5), x=x))) == pytest.approx(np.ones(2), abs=0.3)


def test_autoinit_starts_level_where_errors_grow_with_depth():
    for activation in ("gelu", "silu", "mish"):
        network = fill("autoinit", make_network((50, *[400] * 2, 50), activation, n=50))
        assert np.abs(variances(network) - 1).max() < 0.3


@pytest.mark.parametrize("residual", ["plain", "scaled", "rezero", "fixup"])
def test_autoinit_counts_what_is_added_in_residual_networks(residual):
    network = make_network((100, *[250] * 11, 50), "relu", n=100, residual=residual)
    found = variances(fill("autoinit", network, signal_variance=2.0))
    assert found.min() > 1.2
    assert found.max() < 3.2


def test_autoinit_takes_the_end_of_a_branch_without_activation_as_it_is():
    network = fill("autoinit", make_network((10, 400, 400, 400, 300), "sigmoid", residual="fixup"))
    assert network.branch(2).is_linear
    square = 1 + moments(network.activation, 1.0).value  # of N(0, 1) and of the activated layer that it is added to
    assert network.weights[3].var() * 400 == pytest.approx(1 / square, rel=0.02)


# Searches


def he_network(*arguments, **options):
    network = make_network(*arguments, **options)
    for layer, weights in enumerate(network.weights):
        weights[:] = registry.find("initializer", "he_normal").function(weights.shape, network.rng(layer))
    return network


def derivative_error(function, landscape, slope):
    """Relative error of the derivatives by the scale of each tensor, against central differences."""
    step, found = 1e-6, []
    for tensor in range(len(landscape.sizes) // 2):
        up, down = np.ones((2, len(landscape.sizes)))
        up[tensor], down[tensor] = 1 + step, 1 - step
        values = [function(landscape.point * landscape.spread(scales))[0] for scales in (up, down)]
        found.append((values[0] - values[1]) / (2 * step))
    exact = landscape.sums(slope * landscape.point)[: len(found)]
    return np.abs(exact - found).max() / np.abs(found).max()


def test_differences_of_gradients_give_the_curvature():
    point, matrix = np.array([1.0, 2.0]), np.array([[2.0, 1.0], [1.0, 5.0]])
    product = along(lambda at: matrix @ at, point, np.array([0.3, -0.1]))
    assert product == pytest.approx(matrix @ [0.3, -0.1], rel=1e-6)
    assert along(lambda at: matrix @ at, point, np.zeros(2)).tolist() == [0.0, 0.0]


def test_the_slope_of_the_gradient_quotient_is_its_derivative():
    network = he_network((6, 8, 8, 3), "tanh", n=8)
    landscape = Landscape(network)

    def quotient(point):
        return gradient_quotient(landscape, point, network.x, network.targets, 1e-3)

    slope = quotient(landscape.point)[1]
    assert derivative_error(quotient, landscape, slope) < 1e-3
    assert derivative_error(quotient, landscape, 1.01 * slope) > 1e-3


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("gamma", [None, 1e-3])
def test_the_slope_of_gradinits_objective_is_its_derivative(optimizer, gamma):
    network = he_network((6, 8, 8, 3), "tanh", n=20)
    landscape, rows = Landscape(network), RowBatch(network.x[:14], network.targets[:14])
    later = RowBatch(network.x[7:], network.targets[7:])

    def goal(point):
        return objective(landscape, point, rows, later, 0.1, gamma, optimizer)

    slope = goal(landscape.point)[1]
    assert derivative_error(goal, landscape, slope) < 1e-4
    assert derivative_error(goal, landscape, 1.01 * slope) > 1e-3


def test_the_gradient_quotient_is_the_change_of_the_gradient_by_a_step_along_it():
    network = he_network((6, 8, 8, 3), "tanh", n=8)
    landscape, eps, step = Landscape(network), 1e-3, 1e-6

    def gradient(length):
        return landscape.slope(landscape.point + length * g, network.x, network.targets)[1]

    g = landscape.slope(landscape.point, network.x, network.targets)[1]
    hg = (gradient(step) - gradient(-step)) / (2 * step)
    wanted = np.mean(np.abs((g - hg) / (g + eps * np.where(g >= 0, 1, -1)) - 1))
    found = gradient_quotient(landscape, landscape.point, network.x, network.targets, eps)[0]
    assert found == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(("gamma", "is_norm"), [(0.9, True), (1.1, False)])
def test_gradinit_lowers_the_norm_above_gamma_and_the_loss_below(gamma, is_norm):
    network = he_network((6, 8, 8, 3), "tanh", n=20)
    landscape, rows = Landscape(network), RowBatch(network.x, network.targets)
    g = landscape.slope(landscape.point, *rows)[1]
    norm, eta = np.linalg.norm(g), 0.1
    loss = landscape.slope(landscape.point - eta * g / norm, *rows)[0]
    found = objective(landscape, landscape.point, rows, rows, eta, gamma * norm, "sgd")[0]
    assert found == pytest.approx(norm if is_norm else loss / eta)


def watched(network):
    """The rows and classes that gradients are asked for, as they come."""
    seen, real = [], network.gradients

    def gradients(x=None, targets=None):
        seen.append((x, targets))
        return real(x, targets)

    network.gradients = gradients
    return seen


def test_metainit_shows_training_rows_with_their_own_classes_or_normal_ones_with_random_classes():
    network = make_network((6, 8, 3), n=40)
    seen = watched(network)
    fill("metainit", network, data="training", steps=5)
    known = {row.tobytes(): target.tolist() for row, target in zip(network.x, network.targets, strict=True)}
    assert all(known[r.tobytes()] == t.tolist() for x, targets in seen for r, t in zip(x, targets, strict=True))

    network = make_network((6, 8, 3), n=40)
    seen = watched(network)
    fill("metainit", network, steps=20)
    numbers = np.unique(np.concatenate([x.ravel() for x, _ in seen]))
    assert kstest(numbers, "norm").pvalue > 1e-3
    assert kstest(np.abs(numbers), "norm").pvalue < 1e-3
    classes = np.concatenate([targets for _, targets in seen])
    assert (classes.sum(axis=1) == 1).all()
    assert (classes.sum(axis=0) > 0).all()


def metainit_by_hand(network, steps, lr, momentum):
    """The search as the paper has it, norm by norm, and the step of its lowest quotient."""
    rng, last = network.rng(0).spawn(1)[0], np.zeros(len(network.weights))
    quotients, starts = [], []
    for _ in range(steps):
        labels = rng.integers(3, size=(32, 1))
        targets, x = (labels == np.arange(3)).astype(float), rng.standard_normal((32, 6))
        landscape = Landscape(network)
        starts.append([w.copy() for w in network.weights])
        quotient, slope = gradient_quotient(landscape, landscape.point, x, targets, 1e-5)
        quotients.append(quotient)
        landscape.move(landscape.point)
        by_norm = landscape.sums(slope * landscape.point)
        for layer, weights in enumerate(network.weights):
            norm = np.linalg.norm(weights)
            last[layer] = momentum * last[layer] - lr * np.sign(by_norm[layer])
            weights *= (norm + last[layer]) / norm
    return starts[np.argmin(quotients)], np.argmin(quotients)


def test_metainit_takes_the_steps_of_the_paper():
    sizes, settings = (6, 8, 8, 8, 8, 3), {"steps": 12, "lr": 0.15, "momentum": 0.7}
    wanted, step = metainit_by_hand(he_network(sizes, "tanh"), **settings)
    assert step > 2
    for found, weights in zip(fill("metainit", make_network(sizes, "tanh"), **settings).weights, wanted, strict=True):
        assert found == pytest.approx(weights, rel=1e-6)


def test_metainit_never_takes_more_than_99_percent_of_a_norm():
    sizes = (6, 8, 8, 8, 3)
    network, start = fill("metainit", make_network(sizes), lr=100.0, steps=4), he_network(sizes)
    for after, before in zip(network.weights, start.weights, strict=True):
        assert np.linalg.norm(after) == pytest.approx(0.01 * np.linalg.norm(before))


@pytest.mark.parametrize("grad_clip", [0.01, 100.0])
def test_gradinit_takes_the_steps_of_adam_along_cut_slopes(grad_clip):
    sizes, n, batch, lr = (6, 8, 3), 50, 16, 0.02
    network = he_network(sizes, "tanh", n=n)
    landscape, order = Landscape(network), network.rng(0).spawn(1)[0].permutation(n)
    adam, start = registry.find("optimizer", "adam").function(), landscape.point
    scales = np.ones((1, len(landscape.sizes)))
    states = [np.zeros_like(scales) for _ in range(adam.states)]
    for count in range(1, 9):
        places = np.arange(count * batch, (count + 1) * batch)
        rows, later = (
            RowBatch(network.x[i], network.targets[i]) for i in (order[places % n], order[(places - batch // 2) % n])
        )
        slope = objective(landscape, start * landscape.spread(scales[0]), rows, later, 0.1, None, "sgd")[1]
        by_scale = landscape.sums(slope * start)[None]
        by_scale /= max(1, np.linalg.norm(by_scale) / grad_clip)
        adam.step(scales, by_scale, states, np.array([[lr]]), count)
    found = fill(
        "gradinit", make_network(sizes, "tanh", n=n), lr=lr, iters=8, batch=batch, gamma=None, grad_clip=grad_clip
    )
    before = he_network(sizes, "tanh", n=n)
    ratios = [after.mean() / w.mean() for after, w in zip(found.weights, before.weights, strict=True)]
    assert ratios == pytest.approx(scales[0, :2], rel=1e-6)
    assert np.ptp(ratios) > 1e-3


def test_gradinit_stops_at_the_smallest_factor():
    sizes = (6, 8, 8, 3)
    network, start = fill("gradinit", make_network(sizes), lr=1.0, iters=1, min_scale=0.4), he_network(sizes)
    ratios = [after.mean() / before.mean() for after, before in zip(network.weights, start.weights, strict=True)]
    assert min(ratios) == pytest.approx(0.4)


def quotient_of(network):
    """Median gradient quotient over batches that no search has seen."""
    landscape, rng = Landscape(network), np.random.default_rng(9)
    found = []
    for _ in range(9):
        x = rng.standard_normal((32, network.x.shape[1]))
        targets = np.eye(network.targets.shape[1])[rng.integers(network.targets.shape[1], size=32)]
        found.append(gradient_quotient(landscape, landscape.point, x, targets, 1e-5)[0])
    landscape.move(landscape.point)
    return np.median(found)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("data", ["gaussian", "training"])
def test_metainit_lowers_the_gradient_quotient_by_norms_alone(activation, data):
    sizes = (20, *[24] * 6, 5)
    start = he_network(sizes, activation)
    network = fill("metainit", make_network(sizes, activation), data=data)
    assert quotient_of(network) < 0.6 * quotient_of(start)
    for before, after in zip(start.weights, network.weights, strict=True):
        assert np.ptp(after / before) < 1e-9 * np.mean(after / before)


def loss_to_come(network):
    landscape, rows = Landscape(network), RowBatch(network.x, network.targets)
    value = objective(landscape, landscape.point, rows, rows, 0.1, None, "sgd")[0]
    landscape.move(landscape.point)
    return value


def gradient_norm(network):
    return np.linalg.norm(np.concatenate([w.ravel() for w in network.gradients()[1]]))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_gradinit_lowers_the_loss_after_a_step(optimizer):
    sizes = (20, *[24] * 6, 5)
    start = he_network(sizes, "tanh")
    network = fill("gradinit", make_network(sizes, "tanh"), optimizer=optimizer, gamma=None)
    assert loss_to_come(network) < loss_to_come(start) - 0.5
    ratios = [after / before for before, after in zip(start.weights, network.weights, strict=True)]
    assert max(np.ptp(ratio) for ratio in ratios) < 1e-9
    assert min(ratio.mean() for ratio in ratios) >= 0.01


def test_gradinit_brings_the_gradient_below_gamma():
    sizes = (20, *[24] * 6, 5)
    start = he_network(sizes, "elu")
    network = fill("gradinit", make_network(sizes, "elu"), gamma=0.5)
    assert gradient_norm(network) < 0.6 < gradient_norm(start)


# Sylvester


def sylvester_error(x, code, weights, lam):
    """Largest residual of the equation."""
    left, right = lam * x.T @ x @ weights + weights @ code.T @ code, (1 + lam) * x.T @ code
    return np.abs(left - right).max() / np.abs(right).max()


@pytest.mark.parametrize("lam", [0.1, 1.0, 10.0])
def test_sylvester_solves_its_equation_as_scipy_does(lam):
    rng = np.random.default_rng(0)
    x, code = rng.standard_normal((40, 7)), rng.standard_normal((40, 4))
    weights = solve(x, code, lam)
    scipys = solve_sylvester(lam * x.T @ x, code.T @ code, (1 + lam) * x.T @ code)
    assert weights == pytest.approx(scipys, rel=1e-9)
    assert sylvester_error(x, code, weights, lam) < 1e-12
    assert sylvester_error(x, code, 1.001 * weights, lam) > 1e-4


def test_where_many_matrices_solve_the_equation_sylvester_takes_the_smallest():
    rng = np.random.default_rng(0)
    x, code = rng.standard_normal((3, 7)), np.zeros((3, 4))
    code[:, 0] = [1, -2, 1]
    weights = solve(x, code, 1.0)
    assert sylvester_error(x, code, weights, 1.0) < 1e-12
    null = np.linalg.svd(x)[2][3:].T
    assert np.abs(null.T @ weights[:, 1:]).max() < 1e-12


@pytest.mark.parametrize("latent", ["pca", "targets", "random"])
def test_sylvesters_last_layer_codes_the_classes_and_every_layer_is_centred(latent):
    network = fill("sylvester", make_network((20, 24, 24, 5), "tanh"), latent=latent)
    for layer in range(3):
        assert np.abs(network.preactivation(layer).mean(axis=0)).max() < 1e-9
    x = network.inputs(2) - network.inputs(2).mean(axis=0)
    code = network.targets - network.targets.mean(axis=0)
    assert sylvester_error(x / x.std(), code, network.weights[2] * x.std(), 1.0) < 1e-9


def test_sylvesters_units_code_the_whitened_components_of_their_inputs():
    network = fill("sylvester", make_network((20, 8, 5), "tanh"), latent="pca")
    x = network.x - network.x.mean(axis=0)
    code = np.linalg.svd(x, full_matrices=False)[0][:, :8] * np.sqrt(len(x))
    code *= np.sign(np.sum(code * (x @ network.weights[0]), axis=0))
    assert sylvester_error(x / x.std(), code, network.weights[0] * x.std(), 1.0) < 1e-9
    assert sylvester_error(x / x.std(), code[:, ::-1], network.weights[0] * x.std(), 1.0) > 0.1


def test_sylvesters_code_has_variance_one_also_beyond_the_components():
    x = np.random.default_rng(0).standard_normal((300, 20)) * np.arange(1, 21)
    code = _code("pca", x - x.mean(axis=0), np.eye(300, 5), 400, np.random.default_rng(1))
    assert code[:, :20].std(axis=0) == pytest.approx(np.ones(20))
    assert code[:, 20:].var() == pytest.approx(1, abs=0.1)


def test_sylvester_gives_a_layer_of_constant_inputs_lecuns_weights():
    network = fill("sylvester", make_network((400, 300, 3), x=np.ones((20, 400))))
    assert network.weights[0].var() == pytest.approx(1 / 400, rel=0.02)


# Antisymmetric


@pytest.mark.parametrize("base", ["he_normal", "orthogonal"])
@pytest.mark.parametrize("design", [{}, {"normalization": "batch"}, {"residual": "plain"}, {"bias": "normal"}], ids=str)
def test_the_logits_of_antisymmetric_are_zero(base, design):
    network = fill("antisymmetric", make_network((20, 24, 24, 30, 5), "tanh", **design), base=base)
    logits = network.preactivation(3)
    assert np.abs(logits).max() < 1e-14
    assert np.abs(network.inputs(3)).max() > 0.5
    network.weights[1][0, 0] += 0.01
    assert np.abs(network.preactivation(3)).max() > 1e-5


def test_antisymmetrics_halves_are_pulled_apart():
    network = fill("antisymmetric", make_network((20, 24, 5), "tanh"))
    _, slopes, _ = network.gradients()
    assert slopes[0][:, :12] == pytest.approx(-slopes[0][:, 12:])
    assert np.abs(slopes[0]).max() > 1e-4


def test_antisymmetric_tells_which_layer_is_odd():
    with pytest.raises(ShapeError, match="hidden layer 2 has 7 units and must have an even number"):
        fill("antisymmetric", make_network((5, 6, 7, 3)))


def test_antisymmetric_without_hidden_layers_is_all_zeros():
    network = fill("antisymmetric", make_network((5, 3), bias="normal"))
    assert not network.preactivation(last_layer(network)).any()

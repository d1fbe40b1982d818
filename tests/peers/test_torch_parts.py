"""The parts that PyTorch has too, compared with PyTorch's."""

import math

import numpy as np
import pytest

from initbench import registry

torch = pytest.importorskip("torch", reason="PyTorch is not installed, so nothing is compared with it")
init = torch.nn.init

SHAPE = (1200, 900)


def draw(kind, name, params):
    return registry.find(kind, name).function(SHAPE, np.random.default_rng(0), **params)


def torch_weights(fill):
    """What ``fill`` puts into an empty matrix of PyTorch's order, (fan_out, fan_in)."""
    return fill(torch.empty(SHAPE[::-1], dtype=torch.float64)).numpy()


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


INITIALIZERS = [
    ("uniform", {"low": -0.3, "high": 0.3}, lambda w: init.uniform_(w, -0.3, 0.3)),
    ("uniform", {"low": 0.0, "high": 1.0}, init.uniform_),
    ("normal", {"std": 1.0}, init.normal_),
    ("truncated_normal", {"std": 0.05}, lambda w: init.trunc_normal_(w, std=0.05, a=-0.1, b=0.1)),
    ("truncated_normal", {"std": 1.0, "unit": "absolute"}, init.trunc_normal_),
    ("truncated_normal", {"std": 0.02, "unit": "absolute"}, lambda w: init.trunc_normal_(w, std=0.02)),
    (
        "truncated_normal",
        {"mean": 0.5, "std": 0.8, "low": -1.0, "high": 1.2, "unit": "absolute"},
        lambda w: init.trunc_normal_(w, 0.5, 0.8, -1.0, 1.2),
    ),
    ("lecun_normal", {}, lambda w: init.kaiming_normal_(w, nonlinearity="linear")),
    ("lecun_uniform", {}, lambda w: init.kaiming_uniform_(w, nonlinearity="linear")),
    ("bengio_uniform", {}, lambda w: init.kaiming_uniform_(w, a=math.sqrt(5))),
    ("glorot_normal", {}, init.xavier_normal_),
    ("glorot_uniform", {}, init.xavier_uniform_),
    ("glorot_normal", {"gain": 25 / 9}, lambda w: init.xavier_normal_(w, gain=5 / 3)),
    ("glorot_gain", {"gain": 5 / 3}, lambda w: init.xavier_uniform_(w, gain=5 / 3)),
    ("glorot_gain", {"gain": 5 / 3, "distribution": "normal"}, lambda w: init.xavier_normal_(w, gain=5 / 3)),
    ("bottou", {}, lambda w: init.kaiming_uniform_(w, a=0.2434)),
    ("thimm_fiesler", {}, lambda w: init.uniform_(w, -0.77, 0.77)),
    ("he_normal", {}, lambda w: init.kaiming_normal_(w, nonlinearity="relu")),
    ("he_uniform", {}, lambda w: init.kaiming_uniform_(w, nonlinearity="relu")),
    ("he_normal", {"gain": 2 / 1.04}, lambda w: init.kaiming_normal_(w, a=0.2, nonlinearity="leaky_relu")),
    ("he_normal", {"a": 0.2}, lambda w: init.kaiming_normal_(w, a=0.2, nonlinearity="leaky_relu")),
    ("he_fan_out", {}, lambda w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu")),
    ("glorot_sigmoid4", {}, lambda w: init.xavier_uniform_(w, gain=4)),
    ("orthogonal", {"gain": 1.5}, lambda w: init.orthogonal_(w, gain=1.5)),
    ("identity", {}, init.eye_),
    ("ones", {}, init.ones_),
]


@pytest.mark.parametrize(("name", "params", "fill"), INITIALIZERS)
def test_the_standard_deviation_is_pytorchs(name, params, fill):
    assert draw("initializer", name, params).std() == pytest.approx(torch_weights(fill).std(), rel=0.005, abs=1e-15)


BOUNDED = [i for i in INITIALIZERS if "uniform" in i[0] or (i[0] in ("glorot_gain", "bottou") and len(i[1]) < 2)]


@pytest.mark.parametrize(("name", "params", "fill"), BOUNDED)
def test_the_bounds_are_pytorchs(name, params, fill):
    ours, theirs = draw("initializer", name, params), torch_weights(fill)
    width = np.ptp(theirs)
    assert ours.min() == pytest.approx(theirs.min(), abs=1e-4 * width)
    assert ours.max() == pytest.approx(theirs.max(), abs=1e-4 * width)


def test_the_check_of_deviations_catches_one_percent():
    theirs = torch_weights(init.xavier_normal_).std()
    assert 1.01 * draw("initializer", "glorot_normal", {}).std() != pytest.approx(theirs, rel=0.005)


def test_truncation_cuts_where_pytorch_does():
    theirs = torch_weights(lambda w: init.trunc_normal_(w, std=0.05, a=-0.1, b=0.1))
    ours = draw("initializer", "truncated_normal", {"std": 0.05})
    assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=1e-4)
    theirs = torch_weights(lambda w: init.trunc_normal_(w, 0.5, 0.8, -1.0, 1.2))
    bounds = {"low": -1.0, "high": 1.2, "unit": "absolute"}
    ours = draw("initializer", "truncated_normal", {"mean": 0.5, "std": 0.8, **bounds})
    assert [ours.min(), ours.max()] == pytest.approx([theirs.min(), theirs.max()], rel=1e-4)
    assert ours.mean() == pytest.approx(theirs.mean(), abs=0.005)


def test_the_defaults_of_a_linear_layer():
    layer = torch.nn.Linear(*SHAPE, dtype=torch.float64)
    weights, biases = draw("initializer", "torch_linear", {})
    for ours, theirs in [
        (draw("initializer", "bengio_uniform", {}), layer.weight.detach().numpy()),
        (draw("bias", "uniform", {}), layer.bias.detach().numpy()),
        (weights, layer.weight.detach().numpy()),
        (biases, layer.bias.detach().numpy()),
    ]:
        assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=0.01)


ACTIVATIONS = [
    ("linear", {}, torch.nn.Identity()),
    ("sigmoid", {}, torch.nn.Sigmoid()),
    ("tanh", {}, torch.nn.Tanh()),
    ("relu", {}, torch.nn.ReLU()),
    ("leaky_relu", {}, torch.nn.LeakyReLU()),
    ("leaky_relu", {"slope": 0.2}, torch.nn.LeakyReLU(0.2)),
    ("prelu", {}, torch.nn.PReLU(dtype=torch.float64)),
    ("elu", {}, torch.nn.ELU()),
    ("elu", {"alpha": 0.5}, torch.nn.ELU(0.5)),
]


@pytest.mark.parametrize(("name", "params", "peer"), ACTIVATIONS)
def test_values_and_slopes_are_pytorchs_also_at_the_kink(name, params, peer):
    activation = registry.find("activation", name).function(**params)
    z = np.linspace(-8, 8, 321).reshape(1, 1, -1)
    parameter = () if activation.start is None else (np.full((1, 1, 1), activation.start),)
    theirs_z = torch.tensor(z, requires_grad=True)
    theirs = peer(theirs_z)
    theirs.sum().backward()

    value = activation.value(z, *parameter, np.empty_like(z))
    slope = activation.slope(z, value, *parameter, np.empty_like(z))
    np.testing.assert_allclose(value, theirs.detach().numpy(), rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(slope, theirs_z.grad.numpy(), rtol=1e-15, atol=1e-15)
    if activation.parameter_slope is not None:
        assert activation.parameter_slope(z, np.empty_like(z)).sum() == pytest.approx(peer.weight.grad.item())
        assert activation.start == peer.weight.item()


OPTIMIZERS = [
    ("sgd", {}, torch.optim.SGD, {}),
    ("momentum", {}, torch.optim.SGD, {"momentum": 0.9}),
    ("nesterov", {}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    ("rmsprop", {}, torch.optim.RMSprop, {}),
    ("rmsprop", {"decay": 0.9, "epsilon": 1e-3}, torch.optim.RMSprop, {"alpha": 0.9, "eps": 1e-3}),
    ("adam", {}, torch.optim.Adam, {}),
    ("adam", {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3}, torch.optim.Adam, {"betas": (0.5, 0.9), "eps": 1e-3}),
    ("adamw", {}, torch.optim.AdamW, {"weight_decay": 0.0}),
    ("adamw", {}, torch.optim.AdamW, {"weight_decay": 0.1}),
]


@pytest.mark.parametrize(("name", "params", "peer", "settings"), OPTIMIZERS)
def test_fifty_steps_on_a_quadratic_are_pytorchs(name, params, peer, settings):
    rng = np.random.default_rng(0)
    root, start = rng.normal(size=(8, 8)), rng.normal(size=(1, 8))
    curvature = root @ root.T / 8
    rate, decay = 0.02, settings.get("weight_decay", 0.0)

    optimizer = registry.find("optimizer", name).function(**params)
    weights, states = start.copy(), [np.zeros_like(start) for _ in range(optimizer.states)]
    theirs = torch.tensor(start, requires_grad=True)
    their_optimizer = peer([theirs], lr=rate, **settings)
    for count in range(1, 51):
        gradients = weights @ curvature
        if optimizer.decoupled_decay:
            weights *= 1 - rate * decay
        optimizer.step(weights, gradients, states, np.array([[rate]]), count)
        theirs.grad = theirs.detach() @ torch.tensor(curvature)
        their_optimizer.step()
        np.testing.assert_allclose(weights, theirs.detach().numpy(), rtol=0, atol=1e-12)

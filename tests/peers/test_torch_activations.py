"""Every activation that PyTorch has too: values, slopes and gains."""

import numpy as np
import pytest

from initbench.registry import entries, find

torch = pytest.importorskip("torch", reason="PyTorch is not installed, so nothing is compared with it")
nn = torch.nn

PEERS = [
    ("linear", {}, nn.Identity()),
    ("sigmoid", {}, nn.Sigmoid()),
    ("tanh", {}, nn.Tanh()),
    ("hard_tanh", {}, nn.Hardtanh()),
    ("softsign", {}, nn.Softsign()),
    ("relu", {}, nn.ReLU()),
    ("leaky_relu", {}, nn.LeakyReLU()),
    ("leaky_relu", {"slope": 0.2}, nn.LeakyReLU(0.2)),
    ("prelu", {}, nn.PReLU()),
    ("elu", {}, nn.ELU()),
    ("elu", {"alpha": 0.5}, nn.ELU(0.5)),
    ("elu", {"alpha": 2.0}, nn.ELU(2.0)),
    ("selu", {}, nn.SELU()),
    ("softplus", {}, nn.Softplus(threshold=50)),  # from PyTorch's own, 20, it drops up to 2e-9
    ("gelu", {}, nn.GELU()),
    ("gelu", {"approximate": True}, nn.GELU("tanh")),
    ("silu", {}, nn.SiLU()),
    ("mish", {}, nn.Mish()),
]
GAINS = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"]
NAMES = {"hard_tanh": "hardtanh"}
Z = np.concatenate([np.linspace(-12, 12, 961), [-700, -100, -40, 40, 100, 700]]).reshape(1, 1, -1)


def largest_error(name, params, peer, dtype):
    """Of values and slopes, relative to max(1, abs(z))."""
    activation = find("activation", name).function(**params)
    z = Z.astype(dtype)
    parameter = () if activation.start is None else (np.full((1, 1, 1), activation.start, dtype),)
    value = activation.value(z, *parameter, out=np.empty_like(z))
    slope = activation.slope(z, value, *parameter, out=np.empty_like(z))

    theirs_z = torch.tensor(z, requires_grad=True)
    theirs = peer.to(theirs_z.dtype)(theirs_z)
    theirs.sum().backward()
    errors = [value - theirs.detach().numpy(), np.subtract(slope, theirs_z.grad.numpy(), dtype=dtype)]
    return max(np.abs(error / np.maximum(1, np.abs(z))).max() for error in errors)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-12)])
@pytest.mark.parametrize(("name", "params", "peer"), PEERS)
def test_values_and_slopes_are_pytorchs(name, params, peer, dtype, tolerance):
    assert largest_error(name, params, peer, dtype) < tolerance


def test_every_activation_but_lecuns_tanh_is_compared():
    ours = {e.name for e in entries("activation") if not e.fingerprint}
    assert ours - {name for name, _, _ in PEERS} == {"lecun_tanh"}


def test_the_comparison_catches_the_other_gelu():
    assert largest_error("gelu", {"approximate": True}, nn.GELU(), np.float32) > 1e-4


@pytest.mark.parametrize("name", sorted({name for name, _, _ in PEERS} - {"prelu"}))
def test_gains_are_those_of_calculate_gain(name):
    ours = find("activation", name).function().torch_gain
    if name in GAINS:
        assert ours == pytest.approx(nn.init.calculate_gain(name), rel=1e-15)
    else:
        assert ours is None
        with pytest.raises(ValueError, match="Unsupported nonlinearity"):
            nn.init.calculate_gain(NAMES.get(name, name))


def test_the_gain_of_leaky_relu_follows_its_slope():
    ours = find("activation", "leaky_relu").function(slope=0.3).torch_gain
    assert ours == pytest.approx(nn.init.calculate_gain("leaky_relu", 0.3), rel=1e-15)

"""Training equals PyTorch's from the same weights and batches, for every optimizer."""

from itertools import pairwise

import numpy as np
import pytest
from networks import mlp_network

from initbench.engine.losses import cross_entropy, one_hot
from initbench.engine.network import with_ones
from initbench.engine.train import Data, Recipe, Rows, train
from initbench.registry import entries, find

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch, then make peers")

ROWS, FEATURES, HIDDEN, BATCH, STEPS = 128, 10, (16, 12), 16, 50
LEARNING_RATE = {"sgd": 0.1, "momentum": 0.02, "nesterov": 0.02, "rmsprop": 0.003, "adam": 0.01, "adamw": 0.01}


def make_torch_optimizer(name, groups, rate, decay):
    return {
        "sgd": lambda: torch.optim.SGD(groups, rate),
        "momentum": lambda: torch.optim.SGD(groups, rate, momentum=0.9),
        "nesterov": lambda: torch.optim.SGD(groups, rate, momentum=0.9, nesterov=True),
        "rmsprop": lambda: torch.optim.RMSprop(groups, rate),
        "adam": lambda: torch.optim.Adam(groups, rate),
        "adamw": lambda: torch.optim.AdamW(groups, rate, weight_decay=decay),
    }[name]()


class Reference(torch.nn.Module):
    """The same network in PyTorch; batch normalization in training mode only."""

    def __init__(self, sizes, normalization):
        super().__init__()
        self.linears = torch.nn.ModuleList(torch.nn.Linear(a, b) for a, b in pairwise(sizes))
        make = {"none": lambda h: torch.nn.Identity(), "batch": torch.nn.BatchNorm1d, "layer": torch.nn.LayerNorm}
        self.norms = torch.nn.ModuleList(make[normalization](h) for h in sizes[1:-1])

    def forward(self, x):
        for linear, norm in zip(self.linears, self.norms, strict=False):
            x = torch.tanh(norm(linear(x)))
        return self.linears[-1](x)


def train_both(name, *, normalization="none", classes=3, decay=0.0, clip=None, wrong=1.0):
    """Weights after STEPS steps: ours and PyTorch's, as flat arrays."""
    rng = np.random.default_rng(0)
    outputs = 1 if classes == 2 else classes
    sizes = (FEATURES, *HIDDEN, outputs)
    x, labels = rng.normal(size=(ROWS, FEATURES)), rng.integers(0, classes, ROWS)
    network = mlp_network(sizes, "tanh", normalization=normalization)
    parameters = network.parameters(1, np.dtype("f8"))
    for weights in parameters.weights:
        weights[:] = rng.normal(scale=0.4, size=weights.shape)
    reference = Reference(sizes, normalization).double()
    with torch.no_grad():
        for linear, weights in zip(reference.linears, parameters.weights, strict=True):
            linear.weight.copy_(torch.tensor(weights[0].T))
            linear.bias.zero_()

    epochs = -(-STEPS * BATCH // ROWS)
    orders = [rng.permutation(ROWS) for _ in range(epochs)]
    steps = 0
    rate = LEARNING_RATE[name]
    groups = [
        {"params": [linear.weight for linear in reference.linears], "weight_decay": decay},
        {
            "params": [p for n, p in reference.named_parameters() if not n.startswith("linears") or "bias" in n],
            "weight_decay": 0.0,
        },
    ]
    optimizer = make_torch_optimizer(name, groups, rate, decay)
    for order in orders:
        for begin in range(0, ROWS, BATCH):
            index = order[begin : begin + BATCH]
            logits = reference(torch.tensor(x[index]))
            if classes == 2:
                target = torch.tensor(labels[index], dtype=torch.float64)
                loss = torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], target)
            else:
                loss = torch.nn.functional.cross_entropy(logits, torch.tensor(labels[index]))
            optimizer.zero_grad()
            loss.backward()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(reference.parameters(), clip)
            optimizer.step()
            steps += 1
    assert steps >= STEPS

    rows = Rows(with_ones(x)[None], one_hot(labels, classes, np.dtype("f8"))[None])
    recipe = Recipe(
        cross_entropy(outputs),
        find("optimizer", name).function(),
        np.array([rate * wrong]),
        BATCH,
        epochs,
        np.array([decay]) if decay else None,
        np.array([clip]) if clip is not None else None,
    )
    remaining = iter(orders)
    train(network, recipe, parameters, Data(rows, rows, rows), lambda: next(remaining)[None])
    weights = [layer["weights"][0].T.ravel() for layer in parameters.layers]
    ours = np.concatenate(weights + [layer["biases"][0].ravel() for layer in parameters.layers])
    theirs = torch.cat([p.weight.ravel() for p in reference.linears] + [p.bias for p in reference.linears])
    return ours, theirs.detach().numpy()


@pytest.mark.parametrize("entry", entries("optimizer"), ids=lambda entry: entry.name)
@pytest.mark.parametrize("classes", [2, 3])
def test_every_optimizer_trains_as_in_torch(entry, classes):
    ours, theirs = train_both(entry.name, classes=classes)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("normalization", ["batch", "layer"])
def test_normalization_trains_as_in_torch(normalization):
    ours, theirs = train_both("momentum", normalization=normalization)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("name", "decay"), [("sgd", 0.01), ("adam", 0.01), ("adamw", 0.1)])
def test_weight_decay_of_the_weights_trains_as_in_torch(name, decay):
    ours, theirs = train_both(name, decay=decay)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


def test_clipping_trains_as_in_torch():
    ours, theirs = train_both("sgd", clip=0.05)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)  # theirs divides by the norm plus 1e-6


def test_the_comparison_catches_a_learning_rate_one_part_in_ten_thousand_off():
    ours, theirs = train_both("sgd", wrong=1.0001)
    assert np.abs(ours - theirs).max() > 1e-5

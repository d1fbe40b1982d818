"""Who trains a workload: each contender is ``(workload, share, folder) -> run``.

Called once, it makes its networks' data ready; ``run()`` trains them anew and measures loss and accuracy on the
training, validation and test rows before training and after each epoch. ``share`` is (place, count): the part of the
networks that falls to this process. All train by plain stochastic gradient descent in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from workloads import LEARNING_RATE, Workload

Run = Callable[[], None]
Contender = Callable[[Workload, tuple[int, int], Path], Run]
INITIALIZERS = ["he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "lecun_normal", "lecun_uniform"]
CHUNK = 512  # rows of an evaluation


def seeds_of(workload: Workload, share: tuple[int, int]) -> list[int]:
    """The seed of each network of this process; networks of a seed lie side by side."""
    every = [seed for seed in range(workload.seeds) for _ in range(workload.initializers)]
    size = -(-len(every) // share[1])
    return every[share[0] * size : (share[0] + 1) * size]


def parts_of(workload: Workload, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training, validation and test rows of a seed: x, shape (n, d), and the classes y, shape (n,)."""
    x, y = workload.draw()
    order = np.random.default_rng(seed).permutation(len(y))
    return [(x[rows], y[rows]) for rows in np.split(order, np.cumsum(workload.rows)[:-1])]


def batches(workload: Workload, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """The rows of each batch of an epoch."""
    order = rng.permutation(workload.rows[0])
    for begin in range(0, len(order), workload.batch_size):
        yield order[begin : begin + workload.batch_size]


def he_normal(workload: Workload) -> list[np.ndarray]:
    """He's weights, a matrix a layer."""
    rng = np.random.default_rng(0)
    return [rng.normal(0, (2 / i) ** 0.5, (i, o)).astype(np.float32) for i, o in workload.layers]


def initbench(workload: Workload, share: tuple[int, int], folder: Path) -> Run:
    """initbench: the cells of a config, in the stacks that its plan makes for so many workers."""
    import yaml

    from initbench.config import read_experiment
    from initbench.plan import make_plan, make_stacks
    from initbench.training.shared import SharedData
    from initbench.training.stack import load_rows, train_rows

    x, y = workload.draw()
    train, valid, _ = workload.rows
    at = folder / f"initbench-{share[0]}"
    at.mkdir()
    np.savez(
        at / "rows.npz",
        x_train=x[: train + valid],
        y_train=y[: train + valid],
        x_test=x[train + valid :],
        y_test=y[train + valid :],
    )
    config = {
        "dataset": {"npz": str(at / "rows.npz")},
        "hidden": list(workload.sizes[1:-1]),
        "initializer": INITIALIZERS[: workload.initializers],
        "seeds": workload.seeds,
        "batch_size": workload.batch_size,
        "optimizer": "sgd",
        "learning_rate": LEARNING_RATE,
        "epochs": workload.epochs,
    }
    (at / "bench.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    experiment = read_experiment(at / "bench.yaml")
    shared = SharedData(at, (at,))
    stacks = make_stacks(make_plan(experiment, shared.facts_of(experiment)), share[1])[share[0] :: share[1]]
    rows = [load_rows(stack, shared.open(stack.checksum)).data for stack in stacks]

    def run() -> None:
        for stack, data in zip(stacks, rows, strict=True):
            train_rows(stack, data)

    return run


def bare_products(workload: Workload, share: tuple[int, int], folder: Path) -> Run:
    """The floor: only the matrix products of training and evaluation, a stack at a time, by the same NumPy."""
    m, layers, batch = len(seeds_of(workload, share)), workload.layers, workload.batch_size
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(np.float32)

    widths = [layers[0][0], *(o for _, o in layers)]
    weights = [draw(m, i, o) for i, o in layers]
    slopes = [np.empty_like(w) for w in weights]
    steps, chunks = -(-workload.rows[0] // batch), -(-sum(workload.rows) // CHUNK)
    values = [draw(m, batch, width) for width in widths]
    outputs = [np.empty_like(v) for v in values]
    deltas = [np.empty_like(v) for v in values]
    rows = [draw(m, CHUNK, width) for width in widths]
    results = [np.empty_like(r) for r in rows]

    def evaluate() -> None:
        for _ in range(chunks):
            for i, w in enumerate(weights):
                np.matmul(rows[i], w, out=results[i + 1])

    def run() -> None:
        evaluate()
        for _ in range(workload.epochs):
            for _ in range(steps):
                for i, w in enumerate(weights):
                    np.matmul(values[i], w, out=outputs[i + 1])
                for i in reversed(range(len(weights))):
                    np.matmul(values[i].swapaxes(1, 2), values[i + 1], out=slopes[i])
                    if i:
                        np.matmul(values[i + 1], weights[i].swapaxes(1, 2), out=deltas[i])
            evaluate()

    return run


def torch_loop(workload: Workload, share: tuple[int, int], folder: Path) -> Run:
    """PyTorch as its tutorials write it: one network after the other."""
    import torch

    seeds = seeds_of(workload, share)
    is_binary = workload.outputs == 1
    loss_of = torch.nn.functional.binary_cross_entropy_with_logits if is_binary else torch.nn.functional.cross_entropy
    data = {
        seed: [
            (torch.from_numpy(x), torch.from_numpy(y[:, None].astype(np.float32) if is_binary else y))
            for x, y in parts_of(workload, seed)
        ]
        for seed in dict.fromkeys(seeds)
    }

    def measure(network: torch.nn.Module, seed: int) -> list[float]:
        found = []
        with torch.inference_mode():
            for x, y in data[seed]:
                logits = network(x)
                hits = (logits > 0) == (y > 0.5) if is_binary else logits.argmax(1) == y
                found += [loss_of(logits, y).item(), hits.float().mean().item()]
        return found

    def run() -> None:
        for seed in seeds:
            layers: list[torch.nn.Module] = []
            for fan_in, fan_out in workload.layers:
                layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
            network = torch.nn.Sequential(*layers[:-1])
            optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE)
            rng = np.random.default_rng(seed)
            measure(network, seed)
            x, y = data[seed][0]
            for _ in range(workload.epochs):
                for index in map(torch.from_numpy, batches(workload, rng)):
                    optimizer.zero_grad()
                    loss_of(network(x[index]), y[index]).backward()
                    optimizer.step()
                measure(network, seed)

    return run


def torch_stack(workload: Workload, share: tuple[int, int], folder: Path) -> Run:
    """PyTorch with all networks in one ``baddbmm`` a layer."""
    import torch

    seeds = seeds_of(workload, share)
    m, is_binary = len(seeds), workload.outputs == 1
    kinds = list(dict.fromkeys(seeds))
    place = torch.tensor([kinds.index(seed) for seed in seeds])
    loaded = [parts_of(workload, seed) for seed in kinds]
    data = [
        (
            torch.from_numpy(np.stack([parts[i][0] for parts in loaded])),
            torch.from_numpy(np.stack([parts[i][1] for parts in loaded])),
        )
        for i in range(3)
    ]

    def losses_of(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if is_binary:
            losses = torch.nn.functional.binary_cross_entropy_with_logits(logits[..., 0], y.float(), reduction="none")
        else:
            flat = logits.reshape(-1, logits.shape[-1])
            losses = torch.nn.functional.cross_entropy(flat, y.reshape(-1), reduction="none").reshape(y.shape)
        return losses.mean(1)

    def run() -> None:
        weights = [torch.from_numpy(np.stack([w] * m)).requires_grad_() for w in he_normal(workload)]
        biases = [torch.zeros(m, 1, o, requires_grad=True) for _, o in workload.layers]
        optimizer = torch.optim.SGD([*weights, *biases], lr=LEARNING_RATE)
        rngs = [np.random.default_rng(seed) for seed in kinds]

        def forward(x: torch.Tensor) -> torch.Tensor:
            for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
                x = torch.baddbmm(b, x.relu() if i else x, w)
            return x

        def measure() -> list[torch.Tensor]:
            found = []
            with torch.inference_mode():
                for x, y in data:
                    for begin in range(0, x.shape[1], CHUNK):
                        rows = slice(begin, begin + CHUNK)
                        logits, wanted = forward(x[place, rows]), y[place, rows]
                        hits = (logits[..., 0] > 0) == (wanted > 0.5) if is_binary else logits.argmax(2) == wanted
                        found += [losses_of(logits, wanted), hits.float().mean(1)]
            return found

        measure()
        x, y = data[0]
        for _ in range(workload.epochs):
            for index in zip(*(batches(workload, rng) for rng in rngs), strict=True):
                rows = torch.from_numpy(np.stack(index))[place]
                optimizer.zero_grad()
                losses_of(forward(x[place[:, None], rows]), y[place[:, None], rows]).sum().backward()
                optimizer.step()
            measure()

    return run


def jax_stack(workload: Workload, share: tuple[int, int], folder: Path) -> Run:
    """JAX: an epoch is one compiled ``scan`` over batches, and ``vmap`` goes over the networks."""
    import jax
    import jax.numpy as jnp

    seeds = seeds_of(workload, share)
    m, is_binary = len(seeds), workload.outputs == 1
    kinds = list(dict.fromkeys(seeds))
    place = jnp.array([kinds.index(seed) for seed in seeds])
    loaded = [parts_of(workload, seed) for seed in kinds]
    data = [
        (jnp.stack([parts[i][0] for parts in loaded])[place], jnp.stack([parts[i][1] for parts in loaded])[place])
        for i in range(3)
    ]

    def forward(network: list, x: jax.Array) -> jax.Array:
        for i, (w, b) in enumerate(network):
            x = (jax.nn.relu(x) if i else x) @ w + b
        return x

    def loss_of(network: list, x: jax.Array, y: jax.Array) -> jax.Array:
        logits = forward(network, x)
        if is_binary:
            return jnp.mean(jnp.logaddexp(0, (1 - 2 * y) * logits[:, 0]))
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1))

    def measure_one(network: list, x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits = forward(network, x)
        hits = (logits[:, 0] > 0) == (y > 0.5) if is_binary else logits.argmax(1) == y
        return loss_of(network, x, y), jnp.mean(hits)

    def step(networks: list, index: jax.Array, x: jax.Array, y: jax.Array) -> list:
        rows = jax.vmap(lambda rows, i: rows[i])
        slopes = jax.vmap(jax.grad(loss_of))(networks, rows(x, index), rows(y, index))
        return jax.tree.map(lambda value, slope: value - LEARNING_RATE * slope, networks, slopes)

    @jax.jit
    def train(networks: list, indices: jax.Array, x: jax.Array, y: jax.Array) -> list:
        return jax.lax.scan(lambda state, index: (step(state, index, x, y), None), networks, indices)[0]

    train_rest = jax.jit(step)  # the last batch of an epoch is smaller
    measure = jax.jit(jax.vmap(measure_one))

    def run() -> None:
        networks = [(jnp.stack([w] * m), jnp.zeros((m, w.shape[1]))) for w in he_normal(workload)]
        rngs = [np.random.default_rng(seed) for seed in kinds]
        found = [measure(networks, *part) for part in data]
        for _ in range(workload.epochs):
            every = [np.stack(index)[np.asarray(place)] for index in _side_by_side(workload, rngs)]
            whole = [index for index in every if index.shape[1] == workload.batch_size]
            networks = train(networks, jnp.array(np.stack(whole)), *data[0])
            for index in every[len(whole) :]:
                networks = train_rest(networks, jnp.array(index), *data[0])
            found += [measure(networks, *part) for part in data]
        jax.block_until_ready((networks, found))

    return run


def _side_by_side(workload: Workload, rngs: list[np.random.Generator]) -> Iterator[tuple[np.ndarray, ...]]:
    """The batches of each seed, in step."""
    return zip(*(batches(workload, rng) for rng in rngs), strict=True)


def sklearn_loop(workload: Workload, share: tuple[int, int], folder: Path) -> Run:
    """scikit-learn's ``MLPClassifier``, one network after the other."""
    from sklearn.metrics import accuracy_score, log_loss
    from sklearn.neural_network import MLPClassifier

    seeds = seeds_of(workload, share)
    data = {seed: parts_of(workload, seed) for seed in dict.fromkeys(seeds)}
    classes = np.arange(workload.sizes[-1])

    def measure(network: MLPClassifier, seed: int) -> None:
        for x, y in data[seed]:
            probabilities = network.predict_proba(x)
            log_loss(y, probabilities, labels=classes)
            accuracy_score(y, probabilities.argmax(1))

    def run() -> None:
        for seed in seeds:
            network = MLPClassifier(
                workload.sizes[1:-1],
                solver="sgd",
                alpha=0,
                batch_size=workload.batch_size,
                learning_rate_init=LEARNING_RATE,
                momentum=0,
                nesterovs_momentum=False,
                random_state=seed,
            )
            for _ in range(workload.epochs):
                network.partial_fit(*data[seed][0], classes=classes)
                measure(network, seed)

    return run


CONTENDERS: dict[str, Contender] = {
    "initbench": initbench,
    "bare matrix products": bare_products,
    "PyTorch eager, one after the other": torch_loop,
    "PyTorch stacked (baddbmm)": torch_stack,
    "JAX vmap + jit": jax_stack,
    "scikit-learn MLPClassifier, one after the other": sklearn_loop,
}
NEEDS = {torch_loop: "torch", torch_stack: "torch", jax_stack: "jax"}

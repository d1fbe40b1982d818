"""Synthetic results with the columns that initbench writes; tests of analysis and present share them."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

DEFAULTS: dict[str, Any] = {
    "dataset": "mnist-10k",
    "depth": 20,
    "width": 128,
    "activation": "relu",
    "initializer": "he_normal",
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "batch_size": 64,
}
METRICS = ["train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "test_loss", "test_accuracy"]
TEST_ROWS = 2000


class Frames(NamedTuple):
    """What a finished experiment hands to analysis."""

    runs: pd.DataFrame
    curves: pd.DataFrame
    baselines: pd.DataFrame
    factors: list[str]


class Outcome(NamedTuple):
    """How a synthetic cell ends: its test accuracy, how fast it gets there, and its status."""

    accuracy: float
    speed: float = 0.4
    status: str = "ok"


def skilled(initializer, seed, **setting):
    """Initializers that differ in skill by their name's length; a seed shifts all of them alike."""
    return Outcome(0.8 + 0.005 * len(initializer) + 0.01 * np.sin(seed) + 0.004 * np.sin(7 * seed + len(initializer)))


def experiment(outcome=skilled, *, seeds=5, epochs=10, majority=0.1135, **swept) -> Frames:
    """The frames of the product of ``swept`` and seeds, each cell ending as ``outcome(seed=…, **setting)`` says."""
    factors = [*DEFAULTS, *(key for key in swept if key not in DEFAULTS)]
    choices = [swept.get(key, [DEFAULTS.get(key)]) for key in factors]
    runs, traces, baselines = [], [], []
    for index, (values, seed) in enumerate(product(product(*choices), range(seeds))):
        setting = dict(zip(factors, values, strict=True))
        cell = f"{index:016x}"
        end = outcome(seed=seed, **setting)
        head = setting | {"seed": seed, "cell": cell}
        valid_majority = majority + 0.001 * seed
        baselines.append(
            {"cell": cell, "test_majority": majority, "valid_majority": valid_majority, "test_rows": TEST_ROWS}
        )
        if end.status == "failed":
            runs.append(head | {"status": "failed", "epochs": np.nan, "error": "MemoryError: no room"})
            continue
        trace = _trace(end, seed, epochs)
        traces.append((head, trace))
        is_finite = ~np.isnan(trace["train_loss"])
        last = np.flatnonzero(is_finite)[-1]
        best = np.nanargmax(trace["valid_accuracy"])
        runs.append(
            head
            | {"status": end.status, "epochs": epochs, **{metric: trace[metric][last] for metric in METRICS}}
            | {
                "best_epoch": best,
                "best_valid_accuracy": trace["valid_accuracy"][best],
                "wall_seconds": 1.5 + 0.1 * seed,
            }
            | {"diverged_epoch": np.nan if is_finite.all() else np.argmin(is_finite), "error": None}
        )
    cells = pd.DataFrame([head for head, _ in traces])
    cells = cells.loc[cells.index.repeat(epochs + 1)].reset_index(drop=True)
    columns = {name: np.concatenate([trace[name] for _, trace in traces]) for name in ["epoch", *METRICS]}
    order = ["seed", "cell", "status", "epochs", *METRICS, "best_epoch", "best_valid_accuracy", "diverged_epoch"]
    return Frames(
        pd.DataFrame(runs).reindex(columns=[*factors, *order, "wall_seconds", "error"]),
        cells.assign(**columns),
        pd.DataFrame(baselines),
        factors,
    )


def _trace(end: Outcome, seed: int, epochs: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    epoch = np.arange(epochs + 1)
    risen = 1 - np.exp(-end.speed * epoch)
    wobble = rng.normal(0, 0.004, size=(4, epochs + 1)) * risen
    test = 0.1 + (end.accuracy - 0.1) * risen / risen[-1] + wobble[0] - wobble[0, -1] * (epoch == epochs)
    loss = 2.4 * np.exp(-2.5 * (test - 0.1))
    trace = {
        "epoch": epoch,
        "train_loss": 2.4 * np.exp(-6 * (test - 0.1)) * np.exp(wobble[1]),
        "train_accuracy": np.clip(test + 0.02 * risen + wobble[2], 0, 1),
        "valid_loss": loss.copy(),
        "valid_accuracy": np.clip(test + wobble[3], 0, 1),
        "test_loss": loss,
        "test_accuracy": test,
    }
    if end.status == "diverged":
        first = 1 + seed % 3
        for metric in ("train_loss", "test_loss"):
            trace[metric][epoch == first - 1] *= 40
        for metric in METRICS:
            trace[metric][first:] = np.nan
    return trace


EIGHT = [
    "he_normal",
    "he_uniform",
    "glorot_normal",
    "glorot_uniform",
    "lecun_normal",
    "orthogonal",
    "normal(std=0.01)",
    "uniform(low=-0.3, high=0.3)",
]


def eight(initializer, seed, **setting):
    """Eight initializers in a deep ReLU network: two stay at chance, and one diverges at three of five seeds."""
    if initializer == "uniform(low=-0.3, high=0.3)" and seed < 3:
        return Outcome(0.5, status="diverged")
    place = EIGHT.index(initializer)
    if initializer in ("normal(std=0.01)", "lecun_normal"):
        return Outcome(0.1135, 0.05)
    return Outcome(0.955 - 0.013 * place + 0.006 * np.sin(5 * seed + place), 0.9 - 0.09 * place)


def deep(initializer, seed, depth, **setting):
    """Accuracy falls with depth, and more so for small initial weights."""
    fall = {"he_normal": 0.002, "glorot_uniform": 0.012}.get(initializer, 0.03)
    return Outcome(max(0.1135, 0.96 - fall * depth + 0.01 * np.sin(3 * seed + depth)))


def gridded(initializer, seed, depth, learning_rate, **setting):
    """Large steps diverge in deep networks, and a few cells fail."""
    strain = learning_rate * depth * {"he_normal": 1.0, "glorot_uniform": 0.5}.get(initializer, 1.7)
    if strain > 4 + seed:
        return Outcome(0.3, status="diverged")
    if seed == 3 and depth == 5 and initializer == "orthogonal":
        return Outcome(0, status="failed")
    return Outcome(0.97 - 0.05 * abs(np.log10(strain / 0.5)) + 0.005 * np.sin(9 * seed + depth))

"""Make the tables of docs/claims.md that tell how setups decide verdicts: python docs/claims/setups.py."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from fill import fill

import initbench
from initbench.registry import find

IDENTITY = """
scaling: none
train_rows: 2000
depth: [8, 9]
width: 100
activation: linear
optimizer: sgd
learning_rate: [0.001, 0.01, 0.1]
epochs: 5
initializer:
  - {first: lecun_normal, hidden: {identity: {gain: 1.5}}, last: lecun_normal}
  - {first: lecun_normal, hidden: identity, last: lecun_normal}
"""
BATCH_NORM = """
dataset: mnist-10k
train_rows: 4000
depth: 9
width: 100
activation: relu
normalization: batch
optimizer: sgd
learning_rate: [0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
epochs: 5
initializer:
  - {normal: {std: 0.001}}
  - {first: {normal: {std: 0.001}}, hidden: {normal: {std: 0.001}}, last: lecun_normal}
  - he_normal
"""
ADAM = """
dataset: digits
depth: 3
width: 100
activation: sigmoid
optimizer: adam
learning_rate: [0.0003, 0.001, 0.003, 0.01]
epochs: 23
initializer: [bengio_uniform, glorot_normal]
"""
SINGLE = """
dataset: mnist-10k
train_rows: 2000
depth: 1
width: [1, 100]
activation: sigmoid
optimizer: sgd
learning_rate: [0.03, 0.1, 0.3, 1.0]
epochs: 150
initializer: [zeros, glorot_normal]
"""
SAME = "batch_size: 50\nseeds: 12\n"
NAMES = {"by_layer": "N(0, 0.001²), output layer LeCun's", "normal": "N(0, 0.001²) in all layers", "he": "He's"}


def accuracies(folder: Path, name: str, config: str) -> pd.DataFrame:
    """Mean test accuracy in percent, a row a setting, a column a rate; diverged networks are at chance."""
    file = folder / f"{name}.yaml"
    file.write_text(config + SAME, encoding="utf-8")
    runs = initbench.run(file, results=folder, jobs=os.cpu_count() or 1).runs
    rows = ["initializer", *(key for key in ("depth", "width") if runs[key].nunique() > 1)]
    return 100 * runs.pivot_table("test_accuracy", rows, "learning_rate", sort=False)


def centred(folder: Path) -> pd.DataFrame:
    """One and a half times the identity on digits of MNIST, less the mean of all pixels or that of each."""
    digits = find("dataset", "mnist-10k").function(())
    train, test = digits.x_train.astype(np.float32), digits.x_test.astype(np.float32)
    parts = {}
    for mean, center in {"all pixels": train.mean(), "each pixel": train.mean(axis=0)}.items():
        x = (train - center) / train.std()
        largest = round(float(np.linalg.eigvalsh(x.T @ x / len(x))[-1]))
        file = folder / f"{mean.split()[0]}.npz"
        arrays = {"x_train": x, "x_test": (test - center) / train.std()}
        np.savez(file, **arrays, y_train=digits.y_train, y_test=digits.y_test)
        table = accuracies(folder, file.stem, f"dataset: {{npz: {file}}}\n{IDENTITY}")
        parts[mean, largest] = table.rename(lambda name: "1.5 I" if "1.5" in name else "I", level="initializer")
    return pd.concat(parts, names=["mean of", "largest eigenvalue", "from", "hidden layers"])


def markdown(table: pd.DataFrame) -> str:
    """A table whose columns are rates."""
    head = [*(name or "" for name in table.index.names), *(f"rate {rate}" for rate in table.columns)]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for keys, row in table.iterrows():
        told = [str(key) for key in (keys if isinstance(keys, tuple) else [keys])]
        lines.append(f"| {' | '.join([*told, *(f'{value:.1f}' for value in row)])} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Train and write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill("identity", markdown(centred(folder)))
        tiny = accuracies(folder, "batch_norm", BATCH_NORM).rename_axis("weights")
        fill("batch norm", markdown(tiny.rename(index=lambda text: NAMES[text.split("_n")[0].split("(")[0]])))
        fill("single unit", markdown(accuracies(folder, "single", SINGLE)))
        fill("adam", markdown(accuracies(folder, "adam", ADAM)))


if __name__ == "__main__":
    main()

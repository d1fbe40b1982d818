"""The five workloads: which networks are trained, on how many rows, for how long."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

LEARNING_RATE = 0.01
PARTS = ("train", "valid", "test")


class Workload(NamedTuple):
    """Networks of one shape: some initializers, each over some seeds; a seed has its own rows and batches.

    Attributes
    ----------
    name : str
    sizes : tuple of int
        Inputs, units of each hidden layer, classes.
    initializers, seeds : int
        Their product is the number of networks.
    batch_size, epochs : int
    rows : tuple of int
        Training, validation and test rows.
    """

    name: str
    sizes: tuple[int, ...]
    initializers: int
    seeds: int
    batch_size: int
    epochs: int
    rows: tuple[int, int, int]

    @property
    def outputs(self) -> int:
        """Units of the last layer: one for two classes."""
        return 1 if self.sizes[-1] == 2 else self.sizes[-1]

    @property
    def layers(self) -> list[tuple[int, int]]:
        """Fans of each layer."""
        return list(pairwise((*self.sizes[:-1], self.outputs)))

    def draw(self) -> tuple[np.ndarray, np.ndarray]:
        """All rows: x, shape (n, d), float32, a Gaussian blob a class; y, shape (n,), the classes."""
        rng = np.random.default_rng(0)
        y = rng.integers(0, self.sizes[-1], sum(self.rows))
        centres = rng.standard_normal((self.sizes[-1], self.sizes[0]))
        return (rng.standard_normal((len(y), self.sizes[0])) + 0.3 * centres[y]).astype(np.float32), y


WORKLOADS = {
    w.name: w
    for w in (
        Workload("tab", (11, 32, 32, 32, 2), 5, 6, 64, 10, (7200, 800, 2000)),
        Workload("digits", (64, 64, 64, 64, 64, 64, 10), 5, 6, 64, 10, (1293, 144, 360)),
        Workload("mnist", (784, *[128] * 5, 10), 6, 4, 128, 2, (4500, 500, 1000)),
        Workload("deep", (784, *[100] * 20, 10), 3, 4, 128, 2, (4500, 500, 1000)),
        Workload("wide", (784, *[512] * 4, 10), 3, 2, 128, 2, (4500, 500, 1000)),
    )
}

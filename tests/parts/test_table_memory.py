"""A large CSV file takes its array in memory, and little more."""

import subprocess
import sys

import numpy as np

MEASURE = """
import resource, sys
from pathlib import Path
from initbench.parts.datasets.tables import Options, read_csv
read_csv(Path(sys.argv[1]), Options("y"))  # what is imported along the way is there
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
data = read_csv(Path(sys.argv[2]), Options("y"))
grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
print(grown / (data.x_train.nbytes + data.x_test.nbytes))
"""


def test_reading_takes_less_than_three_times_the_array(tmp_path):
    rng = np.random.default_rng(0)
    files = []
    for name, rows in (("small", 100), ("large", 12_000)):
        x, y = rng.normal(size=(rows, 100)), rng.integers(0, 2, rows)
        lines = [",".join(map(repr, row)) + f",{label}" for row, label in zip(x.tolist(), y.tolist(), strict=True)]
        header = ",".join([f"x{i}" for i in range(100)] + ["y"])
        files.append(tmp_path / f"{name}.csv")
        files[-1].write_text("\n".join([header, *lines]), encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", MEASURE, *files], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 3

"""Time whole commands with two versions of initbench, in turn: python benchmarks/commands.py OLD NEW [NAME]...

OLD and NEW are commits, or folders with a checkout. Both are run by this Python, so they share NumPy and all else. The
medians go to standard output as a Markdown table, and with --output to a JSON file too.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from initbench.parts.datasets.churn import generate_customers

ROOT = Path(__file__).parents[1]
CONFIGS = {
    "table": (
        "dataset: {csv: customers.csv, target: Exited, drop: [RowNumber, CustomerId, Surname]}\ndepth: 3\nwidth: 32\n"
        "epochs: 6\ninitializer: [he_normal, glorot_uniform, lecun_normal]\nlearning_rate: [0.01, 0.05]\nseeds: 5\n"
    ),
    "wide": (
        "dataset: mnist-10k\ndepth: 4\nwidth: 512\nepochs: 3\ninitializer: [he_normal, glorot_uniform]\nseeds: 3\n"
    ),
}


class Row(NamedTuple):
    """A command, what a user would call it, and what has to have run before it is timed."""

    what: str
    command: Sequence[str]
    fresh: bool = False
    before: Sequence[str] = ()


ROWS = {
    "table": Row("30 networks 11-(32×3)-2 on 10,000 customers, 6 epochs", ("run", "table.yaml", "-q"), fresh=True),
    "table-1": Row("the same with -j 1", ("run", "table.yaml", "-q", "-j", "1"), fresh=True),
    "nothing": Row("the same with nothing left to train", ("run", "table.yaml"), before=("run", "table.yaml", "-q")),
    "smoke": Row("initbench run smoke", ("run", "smoke"), fresh=True),
    "wide": Row("6 networks 784-(512×4)-10, 8,000 images, 3 epochs, -j 2", ("run", "wide.yaml", "-j", "2"), fresh=True),
    "show": Row("initbench table", ("table", "results/table"), before=("run", "table.yaml", "-q")),
    "theory": Row("initbench theory tanh", ("theory", "tanh")),
    "explain": Row("initbench explain he_normal", ("explain", "he_normal")),
    "list": Row("initbench list initializers", ("list", "initializers")),
}


def write_customers(file: Path) -> None:
    """Ten thousand invented customers in the layout of the table known as Churn Modelling."""
    columns, left = generate_customers(np.random.default_rng(0))
    rows = zip(*(values.tolist() for values in columns.values()), left.tolist(), strict=True)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["RowNumber", "CustomerId", "Surname", *columns, "Exited"])
        writer.writerows([i, 15_600_000 + 7 * i, f"Name{i % 2900}", *row] for i, row in enumerate(rows, 1))


class Tree:
    """A version of initbench, and a folder of its own to run it in."""

    def __init__(self, version: str, place: Path) -> None:
        self.code, self.place = Path(version).absolute(), place / "work"
        if not (self.code / "initbench").is_dir():
            self.code = place / "code"
            subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.code)], check=True)
            subprocess.run(["git", "checkout", "--quiet", version], cwd=self.code, check=True)
        self.place.mkdir(parents=True)
        write_customers(self.place / "customers.csv")
        for name, text in CONFIGS.items():
            (self.place / f"{name}.yaml").write_text(text, encoding="utf-8")
        self.environment = os.environ | {"PYTHONPATH": str(self.code), "XDG_CACHE_HOME": str(place / "cache")}

    def run(self, command: Sequence[str]) -> float:
        """Wall seconds of a command."""
        began = time.perf_counter()
        full = [sys.executable, "-m", "initbench", *command]
        subprocess.run(full, cwd=self.place, env=self.environment, check=True, capture_output=True)
        return time.perf_counter() - began

    def time(self, row: Row) -> float:
        """Wall seconds of a row's command; the tables of earlier runs are removed first where it starts afresh."""
        if row.fresh:
            shutil.rmtree(self.place / "results", ignore_errors=True)
        if row.before:
            self.run(row.before)
        return self.run(row.command)


def measure(trees: Sequence[Tree], names: Sequence[str], repeat: int) -> dict[str, list[list[float]]]:
    """Wall seconds of each row, a list for each tree; the trees take turns, and the first turn is not counted."""
    found: dict[str, list[list[float]]] = {}
    for name in names:
        turns = [[tree.time(ROWS[name]) for tree in trees] for _ in range(repeat + 1)]
        found[name] = [list(seconds) for seconds in zip(*turns[1:], strict=True)]
        print(f"{name}: {', '.join(f'{statistics.median(seconds):.2f} s' for seconds in found[name])}", file=sys.stderr)
    return found


def table(found: dict[str, list[list[float]]]) -> str:
    """The medians as Markdown."""
    lines = ["| command | before, s | now, s | now ÷ before |", "| --- | --: | --: | --: |"]
    for name, seconds in found.items():
        old, new = map(statistics.median, seconds)
        lines.append(f"| {ROWS[name].what} | {old:.2f} | {new:.2f} | {new / old:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("versions", nargs=2, metavar="VERSION")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ROWS)}; by default all")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--output", type=Path, help="JSON file for all times")
    arguments = parser.parse_args()
    names = arguments.names or list(ROWS)
    if unknown := set(names) - ROWS.keys():
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as folder:
        trees = [Tree(version, Path(folder) / str(i)) for i, version in enumerate(arguments.versions)]
        found = measure(trees, names, arguments.repeat)
    print(table(found))
    if arguments.output:
        about = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        content = about | {"versions": arguments.versions, "seconds": found}
        arguments.output.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

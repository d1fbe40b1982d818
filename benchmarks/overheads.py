"""Measure what a run costs beside its arithmetic: python benchmarks/overheads.py [--mnist FOLDER] [NAME]...

Each line names what was measured, the figure, and the most (or least) that it may be.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

INITBENCH = [sys.executable, "-m", "initbench"]
SIX = "initializer=[he_normal, he_uniform, glorot_normal, glorot_uniform, lecun_normal, lecun_uniform]"
MINUTE = ("mnist-10k", "-s", "width=128", "-s", "depth=6", "-s", SIX, "--seeds", "4", "-s", "epochs=22")
SMALL = ("digits", "-s", "width=16", "-s", "depth=2", "-s", SIX, "-s", "epochs=20", "-s", "train_rows=300")


def config(folder: Path, dataset: str) -> str:
    """A config that names little but its data set."""
    path = folder / f"{dataset.replace('-', '_')}.yaml"
    path.write_text(f"dataset: {dataset}\ndepth: 2\nwidth: 16\ninitializer: he_normal\n", encoding="utf-8")
    return str(path)


def seconds(*command: str, cwd: Path, repeat: int = 1) -> float:
    """Median wall seconds of a command."""
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def run(folder: Path, design: tuple[str, ...], *more: str, name: str) -> float:
    """Wall seconds of ``initbench run``."""
    command = [*INITBENCH, "run", config(folder, design[0]), *design[1:], "-s", f"name={name}", "-q", *more]
    return seconds(*command, cwd=folder)


def jobs(folder: Path) -> str:
    """Two workers against one."""
    one, two = run(folder, MINUTE, "-j", "1", name="one"), run(folder, MINUTE, "-j", "2", name="two")
    trained = pd.read_csv(folder / "results" / "one" / "runs.csv")["wall_seconds"].sum()
    return (
        f"-j 1 ÷ -j 2 = {one:.1f} s ÷ {two:.1f} s = {one / two:.2f} (at least 1.8)\n"
        f"whole command ÷ training, -j 1 = {one:.1f} s ÷ {trained:.1f} s = {one / trained:.3f} (at most 1.15)"
    )


def grid(folder: Path) -> str:
    """A grid of 3,000 cells against one of 30."""
    few, many = (run(folder, SMALL, "-j", "1", "--seeds", str(n), name=f"grid{n}") / (6 * n) for n in (5, 500))
    ratio = f"{1e3 * many:.1f} ms ÷ {1e3 * few:.1f} ms = {many / few:.2f}"
    return f"a cell of 3,000 ÷ a cell of 30, whole commands: {ratio} (at most 1.10)"


def tables(folder: Path) -> str:
    """Reading 10,000 cells × 20 epochs."""
    run(folder, SMALL, "-s", "depth=1", "-s", "learning_rate=[0.01, 0.02]", "--seeds", "834", name="many")
    table = seconds(*INITBENCH, "table", "results/many", cwd=folder, repeat=3)
    status = seconds(*INITBENCH, "status", "results/many", cwd=folder, repeat=3)
    return f"table of 10,008 cells: {table:.2f} s (under 3)\nstatus of 10,008 cells: {status:.2f} s (under 1)"


def start(folder: Path) -> str:
    """Help, and the whole of the smallest run."""
    bare = seconds(sys.executable, "-c", "import click", cwd=folder, repeat=9)
    help_text = seconds(*INITBENCH, "--help", cwd=folder, repeat=9)
    smoke = statistics.median(
        seconds(*INITBENCH, "run", "smoke", "-j", "1", "-q", "--fresh", cwd=folder) for _ in range(5)
    )
    return (
        f"--help ÷ import click = {1e3 * help_text:.0f} ms ÷ {1e3 * bare:.0f} ms = {help_text / bare:.2f} (at most 2)\n"
        f"smoke from the command to its tables: {smoke:.2f} s (first cell within 2)"
    )


def memory(folder: Path, mnist: Path) -> str:
    """Peak memory of all processes of a run on full MNIST; pages that they share count once (Linux)."""
    command = [*INITBENCH, "run", config(folder, "mnist"), "--data-dir", str(mnist), "-j", "2", "-q", "--seeds", "2"]
    process = subprocess.Popen([*command, "-s", "width=128", "-s", "epochs=1", "-s", SIX], cwd=folder)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(_proportional_bytes, _tree(process.pid))))
        time.sleep(0.02)
    return f"peak memory, full MNIST, -j 2: {peak / 1e9:.2f} GB (under 1.2)"


def _tree(root: int) -> list[int]:
    """A process and its descendants."""
    found = [root]
    for pid in found:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except OSError:
                continue
    return found


def _proportional_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def main() -> None:
    """Measure what is named, or everything."""
    measures: dict[str, Callable[[Path], str]] = {"start": start, "grid": grid, "tables": tables, "jobs": jobs}
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(measures)}, memory")
    parser.add_argument("--mnist", type=Path, help="folder of the MNIST files, for memory")
    arguments = parser.parse_args()
    if arguments.mnist:
        place = arguments.mnist.resolve()
        measures["memory"] = lambda folder: memory(folder, place)
    for name in arguments.names or measures:
        with tempfile.TemporaryDirectory(prefix="initbench-") as folder:
            print(measures[name](Path(folder)), flush=True)


if __name__ == "__main__":
    main()

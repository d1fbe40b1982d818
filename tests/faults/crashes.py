"""Kills runs at random moments and starts several on one folder: python tests/faults/crashes.py --help.

Whatever happens to a run, in the end the tables are those of a run that nothing happened to, and no cell that was
counted is trained again.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from initbench.errors import StoreError
from initbench.storage.store import Store, verify

CONFIG = """\
dataset: digits
depth: [1, 2, 3, 4, 5, 6]
width: [8, 16]
initializer: [he_normal, zeros]
learning_rate: 0.1
epochs: 60
seeds: 2
train_rows: 600
"""
# Notes each cell that the run counts as done, in the order of its telling so.
COUNTING = """\
import multiprocessing
import os
from initbench.registry import initializer
from initbench.training.runner import Progress
from initbench.storage.store import Store

@initializer("unused")
def unused(shape, rng):
    \"\"\"A plugin must bring a part.\"\"\"

def finish(self, cells, records):
    with open("counted.txt", "a") as file:
        file.write("".join(f"{cell.key}\\n" for cell in cells))

if multiprocessing.parent_process() is None:
    Progress.finish = finish
"""
# The planted fault: a store that says of records that they are kept, and commits every fourth time.
LATE = """
waiting = []

def add(self, records, before=Store.add):
    waiting.extend(records)
    if len(waiting) > 12:
        before(self, waiting)
        waiting.clear()

def close(self, before=Store.close, add=Store.add):
    if waiting:
        add(self, waiting)
        waiting.clear()
    before(self)

if multiprocessing.parent_process() is None:
    Store.add, Store.close = add, close
"""
COMMAND = [sys.executable, "-m", "initbench", "run", "grid.yaml", "--plugin", "counting.py", "-q"]
COMPARED = ("runs.csv", "curves.csv", "accuracy.csv", "comparison.csv")


def prepare(folder: Path, *, late: bool = False) -> Path:
    """Put the config and the plugin into a new folder."""
    folder.mkdir(parents=True)
    (folder / "grid.yaml").write_text(CONFIG)
    (folder / "counting.py").write_text(COUNTING + (LATE if late else ""))
    return folder


def begin(folder: Path, jobs: int) -> subprocess.Popen[str]:
    """Start a run as the first process of a session of its own."""
    return subprocess.Popen(
        [*COMMAND, "-j", str(jobs)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def complete(folder: Path, jobs: int) -> list[str]:
    """Run to the end; what it said if that was not a good one."""
    process = begin(folder, jobs)
    output, _ = process.communicate(timeout=600)
    return [] if process.returncode == 0 else [f"exit {process.returncode}: {output.strip()}"]


def tables(folder: Path) -> dict[str, object]:
    """What the tables hold, without ``wall_seconds``."""
    results = folder / "results" / "grid"
    found: dict[str, object] = {name: (results / name).read_bytes() for name in COMPARED[1:]}
    with (results / "runs.csv").open(encoding="utf-8", newline="") as file:
        found["runs.csv"] = [{**row, "wall_seconds": ""} for row in csv.DictReader(file)]
    return found


def counted(folder: Path) -> list[str]:
    """The cells that runs counted as done, one for each time that they were."""
    file = folder / "counted.txt"
    return file.read_text().split() if file.exists() else []


def stored(folder: Path) -> set[str]:
    """The cells that the store holds."""
    try:
        with Store(folder / "results" / "grid") as store:
            return store.finished()
    except StoreError:  # not made yet
        return set()


def wait_for_cells(folder: Path, number: int) -> None:
    """Wait until a run has counted so many cells as done."""
    deadline = time.monotonic() + 120
    while len(counted(folder)) < number:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def check(folder: Path, whole: dict[str, object]) -> list[str]:
    """What is wrong with the results in the end."""
    broken = [f"{name} differs" for name, content in tables(folder).items() if content != whole[name]]
    broken += [f"{cell} was counted {n} times" for cell, n in Counter(counted(folder)).items() if n > 1]
    return broken + verify(folder / "results" / "grid")


def kill_and_resume(
    folder: Path, whole: dict[str, object], wait: Callable[[], None], jobs: int
) -> tuple[list[str], int]:
    """Kill a run and all its processes after waiting, run again; what broke, and how many cells were kept."""
    process = begin(folder, jobs)
    wait()
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = stored(folder)
    broken = [f"{cell} was counted and is lost" for cell in counted(folder) if cell not in kept]
    broken += complete(folder, jobs)
    return broken or check(folder, whole), len(kept)


def run_together(folder: Path, whole: dict[str, object], number: int) -> list[str]:
    """Start several runs on one folder at once; what broke."""
    processes = [begin(folder, jobs=1 + i % 2) for i in range(number)]
    broken = []
    for process in processes:
        output, _ = process.communicate(timeout=600)
        if process.returncode:
            broken.append(f"exit {process.returncode}: {output.strip()}")
    return broken or check(folder, whole)


def run_whole(folder: Path) -> tuple[dict[str, object], float]:
    """The tables of a run that nothing happens to, and its seconds."""
    started = time.monotonic()
    broken = complete(prepare(folder), 1)
    assert not broken, broken
    return tables(folder), time.monotonic() - started


def main() -> int:
    """Run the long version and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=50, help="at which to kill a run, each with a folder of its own")
    parser.add_argument("--together", type=int, default=10, help="times that four runs are started on one folder")
    parser.add_argument("--late", action="store_true", help="plant a store that commits late, which must be found")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, failed, kept = random.Random(options.seed), 0, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole, seconds = run_whole(folder / "whole")
        cells = len(stored(folder / "whole"))
        print(f"an uninterrupted run trains {cells} cells in {seconds:.1f} s")
        for i in range(options.moments):
            moment = rng.uniform(0, seconds)
            place = prepare(folder / f"killed_{i}", late=options.late)
            broken, count = kill_and_resume(place, whole, partial(time.sleep, moment), jobs=1 + i % 2)
            kept.append(count)
            failed += bool(broken)
            print(
                f"killed after {moment:5.2f} s with {count:2} cells kept: {'; '.join(broken[:2]) or 'equal'}",
                flush=True,
            )
        amid = sum(0 < count < cells for count in kept)
        if options.moments:
            print(f"{options.moments} runs killed, {amid} of them amid their cells; {failed} broke a promise")
        broken_together = 0
        for i in range(options.together):
            broken = run_together(prepare(folder / f"together_{i}", late=options.late), whole, 4)
            broken_together += bool(broken)
            print(f"four at once: {'; '.join(broken[:2]) or 'equal'}", flush=True)
        if options.together:
            print(f"four runs at once, {options.together} times; {broken_together} broke a promise")
    return int(bool(failed + broken_together))


if __name__ == "__main__":
    sys.exit(main())

"""Time initbench against its peers: python benchmarks/compare.py [--workload NAME]... [--repeat N] [--output FILE.md].

The table goes to standard output and, with --output, between the two marks of a Markdown page.

A contender has the same cores as any other, in the better of two layouts: as many processes as cores with one thread
each, which share the networks out, or one process with as many threads. Its processes stay alive, so that imports,
compilation and reading are over before the clock starts; repetitions are interleaved, and medians compared.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from pathlib import Path

from contenders import CONTENDERS, NEEDS
from pages import put
from workloads import WORKLOADS, Workload

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
ONE_LAYOUT = ("initbench", "bare matrix products")  # one thread a process is how initbench works
BEGIN, END = "<!-- Made by make bench -->", "<!-- End of what make bench makes -->"
HOPELESS = 2  # a layout that takes so many times as long as the contender's other one is not tried again
PACKAGES = ("initbench", "numpy", "torch", "jax", "scikit-learn")


def serve(pipe: Connection, contender: str, workload: Workload, share: tuple[int, int], cores: list[int]) -> None:
    """Train whenever asked to, and say when it is done."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    with tempfile.TemporaryDirectory(prefix="initbench-") as folder:
        run = CONTENDERS[contender](workload, share, Path(folder))
        run()  # warm up: imports, compilation, memory
        pipe.send("ready")
        while pipe.recv() == "go":
            run()
            pipe.send("done")


class Team:
    """The processes of a contender in one layout."""

    def __init__(self, contender: str, processes: int, cores: list[int], workload: Workload) -> None:
        context = multiprocessing.get_context("spawn")
        os.environ.update(dict.fromkeys(THREADS, str(len(cores) // processes)))
        self.pipes = []
        for place in range(processes):
            ours, theirs = context.Pipe()
            mine = cores[place::processes]
            context.Process(
                target=serve, args=(theirs, contender, workload, (place, processes), mine), daemon=True
            ).start()
            theirs.close()
            self.pipes.append(ours)
        for pipe in self.pipes:
            pipe.recv()

    def seconds(self) -> float:
        """How long training takes, from the word to the last process that is done."""
        time.sleep(0.3)  # threads of the contender before may still spin
        began = time.perf_counter()
        for pipe in self.pipes:
            pipe.send("go")
        for pipe in self.pipes:
            pipe.recv()
        return time.perf_counter() - began

    def stop(self) -> None:
        """End its processes."""
        for pipe in self.pipes:
            pipe.send("stop")


def compare(workload: Workload, contenders: list[str], repeat: int, cores: list[int]) -> dict[str, float]:
    """Median seconds of each contender, in the better layout."""
    layouts = {
        (contender, processes)
        for contender in contenders
        for processes in {len(cores), 1 if contender not in ONE_LAYOUT else len(cores)}
    }
    # more processes first, since one process with several threads is often the slower layout, and then soon given up
    teams = {layout: Team(*layout, cores, workload) for layout in sorted(layouts, key=lambda layout: -layout[1])}
    seconds: dict[tuple[str, int], list[float]] = {layout: [] for layout in teams}
    for _ in range(repeat):
        for layout, team in list(teams.items()):
            seconds[layout].append(team.seconds())
            others = [min(seconds[o]) for o in teams if o[0] == layout[0] and o != layout and seconds[o]]
            if others and min(seconds[layout]) > HOPELESS * min(others):
                teams.pop(layout).stop()
    for team in teams.values():
        team.stop()
    for (contender, processes), times in seconds.items():
        print(f"{workload.name}: {contender}, {processes} processes: {sorted(times)}", file=sys.stderr)
    medians = {layout: statistics.median(times) for layout, times in seconds.items() if layout in teams}
    return {
        contender: min(median for (name, _), median in medians.items() if name == contender) for contender in contenders
    }


def table(found: dict[str, dict[str, float]]) -> str:
    """Seconds of initbench, and the ratio of every other's time to it, as Markdown."""
    names = list(found)
    lines = ["| | " + " | ".join(names) + " |", "| --- " * (len(names) + 1) + "|"]
    lines.append("| initbench, seconds | " + " | ".join(f"{found[n]['initbench']:.2f}" for n in names) + " |")
    for contender in CONTENDERS:
        if contender == "initbench" or contender not in found[names[0]]:
            continue
        ratios = [found[n][contender] / found[n]["initbench"] for n in names]
        if contender == "bare matrix products":
            label, ratios = "initbench ÷ bare matrix products", [1 / ratio for ratio in ratios]
        else:
            label = f"{contender} ÷ initbench"
        lines.append(f"| {label} | " + " | ".join(f"{ratio:.2f}" for ratio in ratios) + " |")
    return "\n".join(lines) + "\n"


def circumstances(cores: list[int], repeat: int) -> str:
    """Processor, cores and versions."""
    processor = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), processor)
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} absent")
    return (
        f"{processor}, {len(cores)} cores, {platform.system()}, Python {platform.python_version()}; "
        f"{', '.join(versions)}. Medians of {repeat} interleaved repetitions.\n"
    )


def main() -> None:
    """Compare and print, or write to a file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--workload", action="append", choices=WORKLOADS)
    parser.add_argument("--contender", action="append", choices=CONTENDERS)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    wanted = arguments.contender or list(CONTENDERS)
    present = [name for name in wanted if importlib.util.find_spec(NEEDS.get(CONTENDERS[name], "numpy"))]
    for name in set(wanted) - set(present):
        print(f"left out: {name}; it is not installed (pip install 'initbench[bench]')", file=sys.stderr)
    if "initbench" not in present:
        present.insert(0, "initbench")
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))
    found = {
        name: compare(WORKLOADS[name], present, arguments.repeat, cores) for name in arguments.workload or WORKLOADS
    }
    text = table(found) + "\n" + circumstances(cores, arguments.repeat)
    print(text)
    if arguments.output:
        put(arguments.output, BEGIN, text, END)


if __name__ == "__main__":
    main()

"""Processes that end: plugins that kill the one they are in, signals that are heard, whether any of a group is left."""

import os
import signal

KILLER = '''\
import os, signal
from pathlib import Path
from initbench.registry import initializer

@initializer("kills")
def kills(shape, rng, *, times: int = 0):
    """Kills so many of the processes that train it with seed 1, and leaves a file for each."""
    if rng.bit_generator.seed_seq.entropy == 1:
        for flag in (Path(f"killed_{i}") for i in range(times)):
            if not flag.exists():
                flag.touch()
                os.kill(os.getpid(), signal.SIGKILL)
    return rng.normal(scale=0.1, size=shape)
'''


# Kills so many of the processes that run it as a worker does, before they begin, and leaves a file for each.
STILLBORN = '''\
import multiprocessing, os, signal
from pathlib import Path
from initbench.registry import initializer

@initializer("unused")
def unused(shape, rng):
    """A plugin must bring a part."""

if multiprocessing.parent_process():
    for flag in (Path(f"killed_{i}") for i in range(TIMES)):
        try:
            flag.touch(exist_ok=False)
        except FileExistsError:
            continue
        os.kill(os.getpid(), signal.SIGKILL)
'''


def hear_signals():
    """Let a process that is about to start hear signals, also where the tests ignore some, as after ``&`` or nohup."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def kills(folder):
    """How many processes were killed that worked in ``folder``."""
    return len(list(folder.glob("killed_*")))


def pacify(folder):
    """Let the killer find the files of all its kills, so that it does no harm."""
    for i in range(9):
        (folder / f"killed_{i}").touch()


def tables(results, cells=None):
    """All numbers of some cells, or of all: the same bytes however and wherever they were trained."""
    runs = results.runs.drop(columns="wall_seconds")
    chosen = set(runs["cell"]) if cells is None else cells
    return [table[table["cell"].isin(chosen)].to_csv(index=False) for table in (runs, results.curves)]


def cells_by_status(results):
    """The cells of each status."""
    return {status: set(rows["cell"]) for status, rows in results.runs.groupby("status")}


def group_lives(group):
    """Whether a process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True

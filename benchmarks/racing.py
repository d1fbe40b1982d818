"""Simulate races with known truth: python benchmarks/racing.py [--experiments N] [--output FILE.md].

The tables go to standard output and, with --output, between the two marks of a Markdown page.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pages import put
from scipy import stats

from initbench.analysis.intervals import wilson_interval
from initbench.analysis.racing import RaceDesign, beaten, difference, equivalent

BEGIN, END = "<!-- Made by benchmarks/racing.py -->", "<!-- End of what benchmarks/racing.py makes -->"
TEST_ROWS = 360
SPREAD = 0.01  # of an initializer's accuracy between seeds, beside what all of them share
PAIRED = SPREAD * np.sqrt(2)  # of the difference of two
CHANCE = 0.1
SIX = RaceDesign(5, 30, 6, 1)

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Draw = Callable[[np.random.Generator, tuple[int, int, int]], Floats]
Rule = Callable[[Floats, Flags, float], Flags]


def normal(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """Normal noise, half of it shared by all initializers of a seed."""
    return 0.9 + SPREAD * (rng.normal(size=(shape[0], 1, shape[2])) + rng.normal(size=shape))


def skewed(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """Exponential noise: now and then a network is much worse."""
    return 0.93 - SPREAD * (rng.exponential(size=(shape[0], 1, shape[2])) + rng.exponential(size=shape))


def heavy(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """Noise of Student's t with two degrees of freedom, which has no variance."""
    return 0.9 + SPREAD * rng.standard_t(2, size=shape)


def stepped(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    """Accuracies on 360 test rows, of which chance decides about two."""
    return np.round(TEST_ROWS * (0.9 + normal(rng, shape)) / 2) / TEST_ROWS


def collapsing(share: float) -> Draw:
    """Normal noise, but a share of the networks ends at chance."""

    def draw(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
        return np.where(rng.random(shape) < share, CHANCE, normal(rng, shape))

    return draw


def lone_collapse(share: float) -> Draw:
    """Equal means, but one initializer loses in rare collapses what it is better by at other seeds."""

    def draw(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
        scores = normal(rng, shape)
        better = scores[:, 0] + share / (1 - share) * (0.9 - CHANCE)
        scores[:, 0] = np.where(rng.random(better.shape) < share, CHANCE, better)
        return scores

    return draw


def ahead(gap: float, dead: int = 0) -> Draw:
    """Normal noise; the first initializer is better by a gap, and the last ones end at chance."""

    def draw(rng: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
        scores = normal(rng, shape)
        scores[:, 0] += gap
        scores[:, shape[1] - dead :] = CHANCE
        return scores

    return draw


def unbounded(seen: Floats, left: Flags, level: float) -> Flags:
    """The rule without the bound 4**-n: the t test alone."""
    d = difference(seen[..., :, None, :], seen[..., None, :, :])
    error = d.std(axis=-1, ddof=1) / np.sqrt(d.shape[-1])
    t = np.divide(d.mean(axis=-1), error, out=np.zeros(error.shape), where=error > 0)
    return left[..., :, None] & left[..., None, :] & (stats.t.sf(t, d.shape[-1] - 1) <= level)


def careless(looks: int) -> Rule:
    """The rule of someone who tests at each look as if it were the only one."""
    return lambda seen, left, level: beaten(seen, left, looks * level)


class Raced(NamedTuple):
    """How many races ended.

    Attributes
    ----------
    max_seeds : int
    seeds : ndarray of int, shape (e, k)
        What each of k initializers was trained with in each of e experiments.
    left : ndarray of bool, shape (e, k)
        Which were never dropped.
    equal : ndarray of bool, shape (e,)
        Which experiments ended with all that were left equivalent.
    """

    max_seeds: int
    seeds: npt.NDArray[np.int64]
    left: Flags
    equal: Flags

    @property
    def saved(self) -> float:
        """The share of trainings that were not needed."""
        return float(1 - self.seeds.mean() / self.max_seeds)


def race(draw: Draw, design: RaceDesign = SIX, experiments: int = 2000, rule: Rule = beaten) -> Raced:
    """Race many experiments side by side."""
    scores = draw(np.random.default_rng(0), (experiments, design.initializers, design.max_seeds))
    left = np.ones(scores.shape[:2], dtype=bool)
    seeds = np.zeros(left.shape, dtype=np.int64)
    equal = np.zeros(experiments, dtype=bool)
    for look in range(1, design.looks + 1):
        goes_on = (left.sum(axis=1) > 1) & ~equal
        count = design.seeds_at(look)
        seeds[left & goes_on[:, None]] = count
        seen = scores[goes_on, :, :count]
        left[goes_on] &= ~rule(seen, left[goes_on], design.level).any(axis=1)
        if design.margin is not None:
            equal[goes_on] = equivalent(seen, left[goes_on], design.level, design.margin)
    return Raced(design.max_seeds, seeds, left, equal)


def share(flags: Flags) -> str:
    """A share of experiments, with Wilson's 95 % interval, in percent."""
    low, high = wilson_interval(int(flags.sum()), len(flags))
    return f"{100 * flags.mean():.1f} [{100 * low:.1f}, {100 * high:.1f}]"


NULLS: dict[str, Draw] = {
    "normal": normal,
    "skewed (exponential)": skewed,
    "heavy tails (t with 2 degrees of freedom)": heavy,
    "in steps of 1/360, spread of 2 steps": stepped,
    **{f"{percent} % of the networks end at chance": collapsing(percent / 100) for percent in (10, 30, 50)},
    "not covered: equal means, one collapses at 3 % of its seeds": lone_collapse(0.03),
}


def null_table(experiments: int) -> str:
    """How often initializers with equal means are told apart."""
    few, two = RaceDesign(3, 30, 6, 1), RaceDesign(5, 30, 2, 1)
    lines = [
        "| differences between seeds | a winner | any drop | rounds of 3 | two initializers | t test alone, rounds of 3"
        " | full 5 % at each look |",
        "| --- " * 7 + "|",
    ]
    for name, draw in NULLS.items():
        whole = race(draw, SIX, experiments)
        cells = [share(whole.left.sum(axis=1) == 1), share(~whole.left.all(axis=1))]
        others = [(few, beaten), (two, beaten), (few, unbounded), (two, careless(two.looks))]
        cells += [share(~race(draw, design, experiments, rule).left.all(axis=1)) for design, rule in others]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def power_table(experiments: int) -> str:
    """How often the best one is found and lost, and how many trainings that takes."""
    lines = [
        "| six initializers | the best is found | the best is dropped | trainings saved, % | seeds at the end, mean |",
        "| --- " * 5 + "|",
    ]
    cases = {f"one better than five others by {gap} sd": ahead(gap * PAIRED) for gap in (0.5, 1, 2, 4)}
    cases |= {f"one better by {gap} sd than two, three dead": ahead(gap * PAIRED, dead=3) for gap in (0.5, 1, 2)}
    cases["one good, five dead"] = ahead(0, dead=5)
    for name, draw in cases.items():
        raced = race(draw, SIX, experiments)
        found = raced.left[:, 0] & (raced.left.sum(axis=1) == 1)
        seeds = raced.seeds.max(axis=1).mean()
        row = [share(found), share(~raced.left[:, 0]), f"{100 * raced.saved:.0f}", f"{seeds:.1f}"]
        lines.append(f"| {name} | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def margin_table(experiments: int) -> str:
    """How often a race ends with initializers that are equivalent, and how many trainings that takes."""
    lines = ["| margin | truth | ends equivalent | trainings saved, % |", "| --- " * 4 + "|"]
    for margin in (1, 2):
        cases = {
            "six alike": (6, ahead(0)),
            "three alike, three dead": (6, ahead(0, dead=3)),
            "two, the margin apart (each such end is wrong)": (2, ahead(margin * PAIRED)),
        }
        for name, (count, draw) in cases.items():
            raced = race(draw, RaceDesign(5, 30, count, 1, margin * PAIRED), experiments)
            lines.append(f"| {margin} sd | {name} | {share(raced.equal)} | {100 * raced.saved:.0f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Simulate and print, or write to a file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--experiments", type=int, default=2000)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    tables = [make(arguments.experiments) for make in (null_table, power_table, margin_table)]
    text = "\n".join(tables)
    print(text)
    if arguments.output:
        put(arguments.output, BEGIN, text, END)


if __name__ == "__main__":
    main()

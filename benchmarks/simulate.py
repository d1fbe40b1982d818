"""Hold the statistics against made-up experiments of known truth: python benchmarks/simulate.py [--output FILE.md].

Coverage: how often the 95 % interval of a mean difference holds the true one. False `better`: how often any pair of six
initializers that are all the same is called better. Power: how often a true difference is shown.

The tables go to standard output and, with --output, between the two marks of a Markdown page.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from pages import put
from scipy import stats

from initbench.analysis.comparisons import holm, paired_p
from initbench.analysis.intervals import mean_intervals, t_interval, wilson_interval
from initbench.conventions import ALPHA

SEEDS = (5, 10, 30)
FAMILIES = (2, 6, 9, 12)  # how many initializers are compared
POWER_SEEDS = (5, 10, 20, 30)
MANY_SEEDS = (2, 3, 5, 8, 10, 13, 20, 30)
INITIALIZERS = 6
TEST_ROWS = 2000
BLOCK = 500  # experiments at a time, to save memory
EFFECTS = (0.5, 1.0, 1.5, 2.0)
BEGIN, END = "<!-- Made by benchmarks/simulate.py -->", "<!-- End of what benchmarks/simulate.py makes -->"

Interval = Callable[[np.ndarray], Sequence[np.ndarray]]
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
DIFFERENCES: dict[str, tuple[Draw, float]] = {  # how a difference is drawn, and its true mean
    "normal": (lambda rng, shape: rng.standard_normal(shape), 0.0),
    "skewed (gamma, shape 4; skewness 1)": (lambda rng, shape: rng.gamma(4.0, size=shape), 4.0),
    "skewed (exponential; skewness 2)": (lambda rng, shape: rng.standard_exponential(shape), 1.0),
    "accuracies near their ceiling (beta 20, 2 minus beta 20, 4)": (
        lambda rng, shape: rng.beta(20, 2, shape) - rng.beta(20, 4, shape),
        20 / 22 - 20 / 24,
    ),
    "not covered: worse ends at chance at one seed in five": (
        lambda rng, shape: np.where(rng.random(shape) < 0.2, 0.7865, 0) + 0.014 * rng.standard_normal(shape),
        0.2 * 0.7865,
    ),
}


def _failing(share: float) -> Draw:
    """Accuracies of which a share is at chance."""
    return lambda rng, shape: np.where(rng.random(shape) < share, 0.1135, 0.9 + 0.01 * rng.standard_normal(shape))


SAME: dict[str, Draw] = {  # accuracies of initializers that are all the same; the last axis are initializers
    "normal": lambda rng, shape: 0.9 + 0.01 * rng.standard_normal(shape),
    "correct answers of 2,000, seeds shared": lambda rng, shape: (
        rng.binomial(TEST_ROWS, 0.9 + 0.02 * rng.uniform(-1, 1, (*shape[:-1], 1)), shape) / TEST_ROWS
    ),
    "skewed (exponential)": lambda rng, shape: 0.9 - 0.02 * rng.standard_exponential(shape),
    "near the ceiling (beta 40, 0.8)": lambda rng, shape: rng.beta(40, 0.8, shape),
    **{f"{share:.0%} of the seeds fail": _failing(share) for share in (0.05, 0.2, 0.3, 0.5)},
}


def student(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Student's interval of the mean of each row."""
    return t_interval(differences.mean(axis=1), differences.std(axis=1, ddof=1), differences.shape[1])


def bca(differences: np.ndarray) -> np.ndarray:
    """SciPy's BCa bootstrap interval of the mean of each row."""
    found = stats.bootstrap((differences,), np.mean, axis=1, n_resamples=999, batch=100, method="BCa", rng=0)
    return np.stack([found.confidence_interval.low, found.confidence_interval.high])


def coverage(rng: np.random.Generator, experiments: int, interval: Interval) -> list[list[str]]:
    """A row a kind of difference and a cell a number of seeds: how often the interval holds the truth."""
    rows = []
    for name, (draw, truth) in DIFFERENCES.items():
        cells = [name]
        for n in SEEDS:
            low, high = interval(draw(rng, (experiments, n)))
            cells.append(_share(int(np.sum((low <= truth) & (truth <= high))), experiments))
        rows.append(cells)
    return rows


def false_better(rng: np.random.Generator, experiments: int) -> list[list[str]]:
    """A row a kind of accuracy and a number of initializers, a cell a number of seeds: how often any pair is better."""
    rows = []
    for name, draw in SAME.items():
        for initializers in FAMILIES:
            cells = [name, str(initializers)]
            for n in MANY_SEEDS:
                found = 0
                for block in range(0, experiments, BLOCK):
                    shape = (min(BLOCK, experiments - block), n, initializers)
                    found += int(are_better(draw(rng, shape).round(12)).any(axis=1).sum())
                cells.append(_share(found, experiments))
            rows.append(cells)
    return rows


def power(rng: np.random.Generator, experiments: int) -> list[list[str]]:
    """A row an effect and a cell a number of seeds: how often it is shown for one pair, and for a pair among six."""
    rows = []
    for effect in EFFECTS:
        cells = [f"{effect:g}"]
        for n in POWER_SEEDS:
            scores = rng.standard_normal((experiments, n, INITIALIZERS)) / np.sqrt(2)  # differences have deviation 1
            scores[..., 0] += effect
            alone, among = are_better(scores[..., :2])[:, 0].mean(), are_better(scores)[:, 0].mean()
            cells.append(f"{100 * alone:.0f} / {100 * among:.0f}")
        rows.append(cells)
    return rows


def are_better(scores: np.ndarray) -> np.ndarray:
    """Whether one of each two initializers would be called better than the other.

    ``scores`` has shape (experiments, seeds, initializers), what is returned (experiments, pairs).
    """
    pairs = list(combinations(range(scores.shape[-1]), 2))
    differences = np.stack([(scores[..., a] - scores[..., b]).round(12) for a, b in pairs], axis=1)
    low, high = (
        np.reshape(ends, differences.shape[:2]) for ends in _intervals(differences.reshape(-1, scores.shape[1]))
    )
    p = np.array([holm(one) for one in paired_p(differences, len(pairs))])
    return (p <= ALPHA) & ((low > 0) | (high < 0))


def _intervals(differences: np.ndarray) -> np.ndarray:
    """`mean_intervals` of many rows, a block at a time to save memory."""
    blocks = np.array_split(differences, 1 + len(differences) // 2000)
    return np.concatenate([mean_intervals(block) for block in blocks], axis=1)


def _share(count: int, total: int) -> str:
    low, high = wilson_interval([count], [total])
    return f"{100 * count / total:.1f} [{100 * low[0]:.1f}, {100 * high[0]:.1f}]"


def table(first: Sequence[str], rows: list[list[str]], seeds: Sequence[int] = SEEDS) -> str:
    """Rows as Markdown: ``first`` heads the columns that say what a row is, then comes one for each number of seeds."""
    head = [*first, *(f"{n} seeds" for n in seeds)]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Simulate and print, or write to a file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--experiments", type=int, default=2000)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    rng, count = np.random.default_rng(0), arguments.experiments
    text = (
        f"Coverage of the 95 % interval of a mean difference, in percent of {5 * count:,} experiments, with\n"
        "Wilson's interval:\n\n"
        f"{table(('differences',), coverage(rng, 5 * count, _intervals))}\n"
        f"The same for Student's interval and for the BCa bootstrap of SciPy, in percent of {count:,} experiments:\n\n"
        f"{table(('Student',), coverage(rng, count, student))}\n"
        f"{table(('BCa',), coverage(rng, count, bca))}\n"
        f"Any false `better` among initializers that are all the same, in percent of {count:,} experiments:\n\n"
        f"{table(('accuracies', 'initializers'), false_better(rng, count), MANY_SEEDS)}\n"
        f"Power, in percent of {count:,} experiments: a pair alone / among the pairs of {INITIALIZERS} initializers,\n"
        "of which one is better than all others by so many deviations of a paired difference:\n\n"
        f"{table(('effect',), power(rng, count), POWER_SEEDS)}"
    )
    print(text)
    if arguments.output:
        put(arguments.output, BEGIN, text, END)


if __name__ == "__main__":
    main()

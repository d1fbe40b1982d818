"""Check ranks over settings against experiments of known truth: python benchmarks/simulate_ranks.py [--output FILE.md].

Every setting has the same seeds, and the outcomes of a seed correlate between settings. Coverage: how often the 95 %
interval of an interquartile mean holds the true one. False differences: how often equal initializers are shown to
differ. Power: how often true differences are shown.

The tables go to standard output and, with --output, between the two marks of a Markdown page.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from pages import put
from scipy import stats
from scipy.special import ndtr, ndtri

from initbench.analysis.profiles import expanded_interval, interquartile_mean, resample
from initbench.analysis.ranks import block_ranks, friedman, groups_within, least_difference, permutation_test
from initbench.conventions import ALPHA

SEEDS = (5, 10, 30)
SETTINGS = (3, 8)
CORRELATIONS = (0.0, 0.5, 0.95)
INITIALIZERS = 6
BEGIN = "<!-- Made by benchmarks/simulate_ranks.py -->"
END = "<!-- End of what benchmarks/simulate_ranks.py makes -->"

Quantiles = Callable[[np.ndarray], np.ndarray]
OUTCOMES: dict[str, tuple[Quantiles, float]] = {  # quantiles of accuracy, and how far apart the settings' levels are
    "normal": (lambda p: 0.7 + 0.05 * ndtri(p), 0.0),
    "normal, levels 3 deviations apart": (lambda p: 0.7 + 0.05 * ndtri(p), 0.15),
    "skewed (exponential)": (lambda p: 0.9 + 0.05 * np.log(1 - p), 0.0),
    "skewed, levels 3 deviations apart": (lambda p: 0.9 + 0.05 * np.log(1 - p), 0.15),
    "near the ceiling (beta 20, 2)": (lambda p: stats.beta.ppf(p, 20, 2), 0.0),
    "one run in five at chance": (
        lambda p: np.where(p < 0.2, 0.1, 0.8 + 0.01 * ndtri((p - 0.2).clip(1e-9) / 0.8)),
        0.0,
    ),
}
Arms = Callable[[np.ndarray], np.ndarray]  # from uniform numbers, shape (initializers, seeds, settings), to accuracies


def normal(p: np.ndarray) -> np.ndarray:
    """Equal initializers, normal accuracies."""
    return 0.7 + 0.05 * ndtri(p)


def coin(p: np.ndarray) -> np.ndarray:
    """Equal initializers, each of which trains or not by the toss of a coin."""
    return np.where(p < 0.5, 0.1, 0.8) + 0.01 * p


def two_coins(p: np.ndarray) -> np.ndarray:
    """Two equal initializers that train by the toss of a coin, and four steady ones that lie between."""
    return np.concatenate([coin(p[:2]), 0.5 + 0.01 * p[2:]])


def one_better(p: np.ndarray) -> np.ndarray:
    """The first initializer is better than all others by a deviation."""
    return normal(p) + 0.05 * (np.arange(len(p)) == 0)[:, None, None]


def one_dead(p: np.ndarray) -> np.ndarray:
    """The first initializer never trains."""
    return np.where((np.arange(len(p)) == 0)[:, None, None], 0.1, normal(p))


def uniforms(rng: np.random.Generator, count: int, seeds: int, settings: int, correlation: float) -> np.ndarray:
    """Uniform numbers whose normal scores correlate between the settings of a seed, shape (count, seeds, settings)."""
    common = rng.standard_normal((count, seeds, 1))
    own = rng.standard_normal((count, seeds, settings))
    return ndtr(np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own)


def levels(settings: int, apart: float) -> np.ndarray:
    """Levels of settings, whose ends are so far apart."""
    return np.linspace(-apart, 0, settings)


def covered(draws: np.ndarray, truth: float) -> int:
    """How many of the intervals of draws, shape (experiments, seeds, settings), hold the truth."""
    _, seeds, settings = draws.shape
    weights = resample((seeds,))[:, np.repeat(np.arange(seeds), settings)]
    ends = [expanded_interval(interquartile_mean(x, weights), (seeds,)) for x in draws.reshape(len(draws), -1)]
    return sum(bool(low <= truth <= high) for low, high in ends)


def coverage(rng: np.random.Generator, experiments: int) -> list[list[str]]:
    """A row a kind of outcome, number of settings and correlation, a cell a number of seeds."""
    rows = []
    middle = (np.arange(100_000) + 0.5) / 100_000
    for (name, (quantiles, apart)), settings in product(OUTCOMES.items(), SETTINGS):
        truth = stats.trim_mean((quantiles(middle)[:, None] + levels(settings, apart)).ravel(), 0.25)
        for correlation in CORRELATIONS:
            cells = [name, str(settings), str(correlation)]
            for seeds in SEEDS:
                draws = quantiles(uniforms(rng, experiments, seeds, settings, correlation))
                cells.append(_share(covered(draws + levels(settings, apart), truth), experiments))
            rows.append(cells)
    return rows


def frame(accuracies: np.ndarray) -> pd.DataFrame:
    """The runs of an experiment on one data set, of accuracies of shape (initializers, seeds, settings)."""
    places = dict(zip(("initializer", "seed", "setting"), np.indices(accuracies.shape).reshape(3, -1), strict=True))
    return pd.DataFrame({"source": "a", **places, "test_accuracy": accuracies.ravel()})


def shown_pairs(accuracies: np.ndarray) -> np.ndarray:
    """Whether each two initializers share no letter, shape (initializers, initializers)."""
    ranks = block_ranks(frame(accuracies))
    apart = np.ones((len(accuracies), len(accuracies)), dtype=bool)
    is_rejected = permutation_test(ranks.to_numpy())[1] <= ALPHA
    least = least_difference(ranks.to_numpy()) if is_rejected else np.inf
    for group in groups_within(ranks.mean().sort_values(), least):
        apart[np.ix_(group, group)] = False
    return apart


def independent_p(accuracies: np.ndarray) -> float:
    """Friedman's p where settings are taken for independent blocks, which they are not."""
    return friedman(accuracies.mean(axis=1).round(12).T)[1]


def permuted_p(accuracies: np.ndarray) -> float:
    """The p of permuting initializers within seeds."""
    return permutation_test(block_ranks(frame(accuracies)).to_numpy())[1]


Finding = Callable[[np.ndarray], bool]
FALSE: dict[str, tuple[Arms, Finding]] = {
    "equal, normal: p": (normal, lambda x: permuted_p(x) <= ALPHA),
    "the same, settings taken for independent": (normal, lambda x: independent_p(x) <= ALPHA),
    "equal, train by the toss of a coin: p": (coin, lambda x: permuted_p(x) <= ALPHA),
    "any pair of these": (coin, lambda x: bool(shown_pairs(x).any())),
    "two equal by the toss of a coin, four steady ones between: the two": (
        two_coins,
        lambda x: bool(shown_pairs(x)[0, 1]),
    ),
}
POWER: dict[str, tuple[Arms, Finding]] = {
    "one better by a deviation: p": (one_better, lambda x: permuted_p(x) <= ALPHA),
    "the same: the better one and another": (one_better, lambda x: bool(shown_pairs(x)[0, 1])),
    "one never trains: p": (one_dead, lambda x: permuted_p(x) <= ALPHA),
    "the same: that one and another": (one_dead, lambda x: bool(shown_pairs(x)[0, 1])),
}


def found(rng: np.random.Generator, experiments: int, cases: dict[str, tuple[Arms, Finding]]) -> list[list[str]]:
    """A row a case, number of settings and correlation, a cell a number of seeds: how often it is found."""
    rows = []
    for (name, (arms, finding)), settings, correlation in product(cases.items(), SETTINGS, CORRELATIONS):
        cells = [name, str(settings), str(correlation)]
        for seeds in SEEDS:
            draws = uniforms(rng, experiments * INITIALIZERS, seeds, settings, correlation)
            draws = draws.reshape(experiments, INITIALIZERS, seeds, settings)
            cells.append(_share(sum(finding(arms(p)) for p in draws), experiments))
        rows.append(cells)
    return rows


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f}"


def table(first: str, rows: list[list[str]]) -> str:
    """Rows as Markdown, a column a number of seeds."""
    head = [first, "settings", "correlation", *(f"{n} seeds" for n in SEEDS)]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Simulate and print, or write to a file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--experiments", type=int, default=400)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    rng, count = np.random.default_rng(0), arguments.experiments
    text = (
        f"Coverage of the 95 % interval of an interquartile mean, in percent of {3 * count:,} experiments:\n\n"
        f"{table('outcomes', coverage(rng, 3 * count))}\n"
        f"False differences among {INITIALIZERS} initializers, in percent of {count:,} experiments:\n\n"
        f"{table('initializers', found(rng, count, FALSE))}\n"
        f"Power, in percent of {count:,} experiments:\n\n"
        f"{table('initializers', found(rng, count, POWER))}"
    )
    print(text)
    if arguments.output:
        put(arguments.output, BEGIN, text, END)


if __name__ == "__main__":
    main()

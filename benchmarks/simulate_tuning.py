"""Compare tuned arms of known truth: python benchmarks/simulate_tuning.py [--output FILE.md].

Each experiment takes the library's own steps. Tuning cells are drawn, `choices_table` chooses a rate for each arm and
reporting seed by the tuning seeds of that seed, test accuracies are drawn at these rates, and the test and the interval
of a comparison give the verdict. False `better`: how often two arms that are the same are called different, also where
one choice is made for all seeds, which initbench does not do. Power at equal cost: how often a difference is shown.

The tables go to standard output and, with --output, between the two marks of a Markdown page.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from pages import put
from simulate import are_better

from initbench.analysis.intervals import wilson_interval
from initbench.analysis.tuning import choices_table, chosen_values

RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
NEVER = (0.0,) * len(RATES)
TRUTHS: dict[str, tuple[Sequence[float], Sequence[float]]] = {  # by rate: accuracy, probability to end at chance
    "one best rate": ((0.88, 0.95, 0.965, 0.974, 0.981, 0.93), NEVER),
    "three rates nearly as good": ((0.90, 0.93, 0.950, 0.955, 0.957, 0.90), NEVER),
    "two rates equally good": ((0.88, 0.90, 0.94, 0.96, 0.96, 0.93), NEVER),
    "some end at chance, more at higher rates": (
        (0.88, 0.95, 0.965, 0.974, 0.981, 0.93),
        (0.0, 0.0, 0.0, 0.1, 0.3, 0.8),
    ),
}
SEED_SPREAD = 0.006  # standard deviation of the true accuracy between seeds
CHANCE, VALID_ROWS, TEST_ROWS = 0.1, 144, 360
OTHERS = dict.fromkeys(("test_accuracy", "best_valid_accuracy", "test_loss"), 0.5)  # which choose nothing
BLOCK = 200  # experiments whose cells are in memory at once
SEEDS = (5, 10, 30)
DIFFERENCE = 0.01  # of accuracies, for power
COSTS = (100, 200)  # trainings an arm
ONE_CHOICE = "once for all seeds, on 3 seeds"
WAYS = {ONE_CHOICE: 3, "each seed, on 1 of its own": 1, "each seed, on 3 of its own": 3}  # tuning seeds
BEGIN, END = (
    "<!-- Made by benchmarks/simulate_tuning.py -->",
    "<!-- End of what benchmarks/simulate_tuning.py makes -->",
)
Curves = Sequence[tuple[np.ndarray, np.ndarray]]


def arms(truth: str, better_by: Sequence[float]) -> Curves:
    """Accuracies and probabilities to end at chance by rate, of arms that are so much better."""
    accuracies, collapses = map(np.array, TRUTHS[truth])
    return [(accuracies + more, collapses) for more in better_by]


def accuracies(rng: np.random.Generator, arm: tuple[np.ndarray, np.ndarray], rate: np.ndarray, rows: int) -> np.ndarray:
    """Accuracies of networks of an arm at rates given by their place, on so many rows."""
    means, collapses = arm
    true = np.clip(means[rate] + SEED_SPREAD * rng.standard_normal(rate.shape), 0, 1)
    return rng.binomial(rows, np.where(rng.random(rate.shape) < collapses[rate], CHANCE, true)) / rows


def chosen_rates(
    rng: np.random.Generator, experiments: int, truth: Curves, seeds: int, tuning_seeds: int, one_choice: bool = False
) -> np.ndarray:
    """The place of the rate of each arm at each reporting seed, shape (experiments, arms, seeds).

    With ``one_choice`` all reporting seeds of an experiment share one pool of tuning seeds.
    """
    choosing = 1 if one_choice else seeds
    by_seed = {seed: range(seed * tuning_seeds, (seed + 1) * tuning_seeds) for seed in range(choosing)}
    experiment, arm, rate, seed = np.indices((experiments, len(truth), len(RATES), choosing * tuning_seeds))
    valid = np.stack([accuracies(rng, one, rate[:, 0], VALID_ROWS) for one in truth], axis=1)
    columns = {"dataset": experiment, "initializer": arm, "learning_rate": np.array(RATES)[rate], "seed": seed}
    runs = pd.DataFrame({name: column.ravel() for name, column in columns.items()})
    runs = runs.assign(cell=runs.index, status="ok", valid_accuracy=valid.ravel(), **OTHERS)
    base = pd.DataFrame({"cell": runs.index, "test_majority": CHANCE, "valid_majority": CHANCE, "test_rows": TEST_ROWS})
    choices = choices_table(runs, base, list(columns)[:3], ["learning_rate"], by_seed)
    places = np.zeros((experiments, len(truth), choosing), dtype=int)
    for (setting, seed), (value,) in chosen_values(choices)[0].items():
        places[(*setting, seed)] = RATES.index(value)
    return np.broadcast_to(places, (experiments, len(truth), seeds))


def share_better(
    rng: np.random.Generator, experiments: int, truth: Curves, seeds: int, tuning_seeds: int, one_choice: bool = False
) -> str:
    """How often any arm is called better, in percent with Wilson's 95 % interval."""
    count = 0
    for some in [BLOCK] * (experiments // BLOCK) + [experiments % BLOCK] * (experiments % BLOCK > 0):
        rates = chosen_rates(rng, some, truth, seeds, tuning_seeds, one_choice)
        test = [accuracies(rng, one, rates[:, place], TEST_ROWS) for place, one in enumerate(truth)]
        count += int(are_better(np.stack(test, axis=-1)).any(axis=1).sum())
    (low,), (high,) = wilson_interval([count], [experiments])
    return f"{100 * count / experiments:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def false_better(rng: np.random.Generator, experiments: int) -> list[list[str]]:
    """A row a truth and a way to tune, a cell a number of seeds."""
    rows = []
    for truth, (way, count) in product(TRUTHS, WAYS.items()):
        same = arms(truth, (0, 0))
        rows.append([truth, way, *(share_better(rng, experiments, same, n, count, way == ONE_CHOICE) for n in SEEDS)])
    return rows


def equal_cost(rng: np.random.Generator, experiments: int) -> list[list[str]]:
    """A row a truth and a number of tuning seeds: accuracy at the chosen rates, and how often a difference is shown."""
    rows = []
    for truth, count in product(TRUTHS, (1, 3)):
        ((means, collapses),) = arms(truth, (0,))
        expected = means * (1 - collapses) + CHANCE * collapses
        rates = chosen_rates(rng, experiments, arms(truth, (0,)), 1, count)
        cells = [f"{100 * expected[rates].mean():.1f} of {100 * expected.max():.1f}"]
        for trainings in COSTS:
            seeds = trainings // (count * len(RATES) + 2)
            shown = share_better(rng, experiments, arms(truth, (0, DIFFERENCE)), seeds, count)
            cells.append(f"{shown} ({seeds} seeds)")
        rows.append([truth, str(count), *cells])
    return rows


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows as Markdown."""
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, ["---"] * len(head), *rows))


def main() -> None:
    """Simulate and print, or write to a file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--experiments", type=int, default=2000)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    rng, count = np.random.default_rng(0), arguments.experiments
    first = ["accuracy by rate", "tuning", *(f"{n} seeds" for n in SEEDS)]
    second = ["accuracy by rate", "tuning seeds", "chosen, of best", *(f"{cost} trainings an arm" for cost in COSTS)]
    text = (
        f"Any false `better` of two arms that are the same and tune apart, in percent of {count:,} experiments, with\n"
        "Wilson's interval:\n\n"
        f"{table(first, false_better(rng, count))}\n"
        "Mean accuracy at the chosen rates, of that at the best one, in percent; how often an arm that is better by\n"
        f"{100 * DIFFERENCE:g} points at each rate is called better, at the same number of trainings:\n\n"
        f"{table(second, equal_cost(rng, count))}"
    )
    print(text)
    if arguments.output:
        put(arguments.output, BEGIN, text, END)


if __name__ == "__main__":
    main()

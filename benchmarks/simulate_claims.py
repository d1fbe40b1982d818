"""How often verdicts on claims are wrong where the truth is made up: python benchmarks/simulate_claims.py.

Null: both arms of a claim "A is higher than B" are the same initializer under two names. Power: A is higher by twice
the mean half-width of the 95 % intervals that claims are told with. Both alone and among 40 claims that are adjusted
for one another.

The table goes to standard output and, with --output, between the two marks of a Markdown page.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from pages import put

from initbench.analysis.intervals import mean_intervals
from initbench.claims.judging import claims_table, judge

SEEDS = (5, 10, 30)
CLAIMS = 40
BEGIN, END = (
    "<!-- Made by benchmarks/simulate_claims.py -->",
    "<!-- End of what benchmarks/simulate_claims.py makes -->",
)

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
DRAWS: dict[str, Draw] = {  # one arm's numbers
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "skewed (exponential)": lambda rng, shape: rng.standard_exponential(shape),
    "accuracies near their ceiling (beta 20, 2)": lambda rng, shape: rng.beta(20, 2, shape),
}


def verdicts(rng: np.random.Generator, draw: Draw, n: int, effect: float, by: float, times: int) -> pd.Series:
    """The verdicts on so many claims, all put to the test together."""
    findings = {}
    for i in range(times):
        values = np.concatenate([draw(rng, (n,)) + effect, draw(rng, (n,))])
        seeds = np.tile(np.arange(n), 2)
        frame = pd.DataFrame({"arm": np.repeat(["A", "B"], n), "seed": seeds, "value": values})
        findings[str(i)] = judge(frame, "higher", ("A", "B"), by)
    return claims_table(findings)["verdict"]


def shares(
    effect_in_halves: float, by_in_halves: float, verdict: str, together: int, experiments: int
) -> list[list[str]]:
    """A row a kind of numbers and a cell a number of seeds: how often that verdict is given."""
    rows = []
    for name, draw in DRAWS.items():
        cells = [name]
        for n in SEEDS:
            rng = np.random.default_rng(7)
            low, high = mean_intervals(draw(rng, (experiments, n)) - draw(rng, (experiments, n)))
            half = float(np.mean(high - low)) / 2
            told = [
                verdicts(rng, draw, n, effect_in_halves * half, by_in_halves * half, together)
                for _ in range(experiments // together)
            ]
            share = (pd.concat(told) == verdict).mean()
            cells.append(f"{100 * share:.1f} %")
        rows.append(cells)
    return rows


def tables(experiments: int) -> str:
    """All tables as Markdown."""
    head = f"| | {' | '.join(f'{n} seeds' for n in SEEDS)} |\n| --- | {'--- | ' * len(SEEDS)}\n"
    parts = []
    for title, (effect, by, verdict, together) in {
        "Null, a tenth of the half-width matters: supported": (0, 0.1, "supported", 1),
        "Null, a tenth of the half-width matters: refuted": (0, 0.1, "refuted", 1),
        f"Null, one of {CLAIMS} claims: supported": (0, 0.1, "supported", CLAIMS),
        "A true effect of twice the half-width, half of it matters: supported": (2, 1, "supported", 1),
        "The same, A being the lower one: refuted": (-2, 0.5, "refuted", 1),
    }.items():
        rows = shares(effect, by, verdict, together, experiments)
        parts.append(f"{title}\n\n{head}" + "".join(f"| {' | '.join(row)} |\n" for row in rows))
    return "\n".join(parts) + f"\n{experiments:,} claims each.\n"


def main() -> None:
    """Simulate and print, or write to a file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--experiments", type=int, default=2000)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    text = tables(arguments.experiments)
    print(text)
    if arguments.output:
        put(arguments.output, BEGIN, text, END)


if __name__ == "__main__":
    main()

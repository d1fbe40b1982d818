"""Make the tables and figures of docs/claims.md: python docs/claims/fill.py [FOLDER] [--repeat N] [--suite quick].

Runs all claims, or the quick ones, with results in FOLDER/results (without FOLDER, the current one; what is there
already is not trained again), and writes their verdicts between the marks of the page. With --repeat the quick claims
are run N times more, with other seeds each, and the page tells how often a verdict flips; else what it tells stays.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

import pandas as pd

from initbench.claims.read import CLAIM, read_claim
from initbench.claims.run import Verdicts, run_claims
from initbench.claims.sentences import markdown
from initbench.config import bundled, read_seeds
from initbench.training.runner import RunOptions

HERE = Path(__file__).parent
PAGE = HERE.parent / "claims.md"
PARTS = ("flips", "identity", "batch norm", "adam", "single unit", "verdicts")
MARKS = {part: (f"<!-- Made by make claims: {part} -->", f"<!-- End of {part} -->") for part in PARTS}
APART = 1000  # seeds from one repetition to the next


def run(folder: Path, suite: str, seeds: str | None = None) -> Verdicts:
    """Put the claims of a suite to the test."""
    claims = [read_claim(file) for file in bundled(CLAIM).values()]
    some = [claim for claim in claims if suite == "full" or claim.suite == suite]
    if seeds:
        some = [claim.at_seeds(read_seeds(seeds, claim.count)) for claim in some]
    return run_claims(some, results=folder, options=RunOptions(os.cpu_count() or 1))


def flips(folder: Path, times: int) -> str:
    """How often the verdicts of the quick claims differ from the one that each has most often."""
    runs = {
        f"{APART * (i + 1)}:": run(folder / f"repeat-{i + 1}", "quick", f"{APART * (i + 1)}:").table.set_index("claim")
        for i in range(times)
    }
    verdicts = pd.DataFrame({seeds: table["verdict"] for seeds, table in runs.items()})
    usual = verdicts.mode(axis=1)[0]
    flipped = verdicts.ne(usual, axis=0)
    both_ways = [name for name, row in verdicts.iterrows() if {"supported", "refuted"} <= set(row)]
    lines = [
        f"The {len(verdicts)} quick claims, {times} times with other seeds: {int(flipped.to_numpy().sum())} of "
        f"{verdicts.size} verdicts ({100 * flipped.to_numpy().mean():.1f} %) are not the one that their claim has "
        f"most often. Claims that were supported once and refuted once: {', '.join(both_ways) or 'none'}.",
        "",
        "| claim | supported | refuted | inconclusive |",
        "| --- | --- | --- | --- |",
    ]
    for name, row in verdicts[flipped.any(axis=1)].iterrows():
        counts = [str((row == verdict).sum()) for verdict in ("supported", "refuted", "inconclusive")]
        lines.append(f"| `{name}` | {' | '.join(counts)} |")
    return "\n".join(lines) + "\n"


def fill(part: str, text: str) -> None:
    """Put text between two marks of the page."""
    begin, end = MARKS[part]
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}\n{text}{end}{after}", encoding="utf-8")


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path())
    parser.add_argument("--repeat", type=int, default=0)
    parser.add_argument("--suite", choices=["quick", "full"], default="full")
    arguments = parser.parse_args()
    if arguments.repeat:
        fill("flips", flips(arguments.folder, arguments.repeat))
    found = run(arguments.folder / "results", arguments.suite)
    for old in HERE.glob("*.png"):
        old.unlink()
    for file in sorted((found.folder / "figures").glob("*.png")):
        shutil.copy(file, HERE)
    pictures = "".join(f"![{group}](claims/claims-{group}.png)\n\n" for group in found.table["group"].unique())
    fill("verdicts", f"{markdown(found.table)}\n{pictures}")


if __name__ == "__main__":
    main()

"""Make the tables of the replications: python docs/replications/fill.py [FOLDER].

Runs the configs in configs/replicate, with results in FOLDER/results (without FOLDER, the current one; what is there
already is not trained again). Then each run's accuracy.csv and comparison.csv come here, and from these two the tables
into docs/replications.md. MNIST, and pictures of clothes in a folder fashion-mnist, are looked for in INITBENCH_DATA.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
PAGE = HERE.parent / "replications.md"
BEGIN, END = "<!-- Made by make replications: {} -->", "<!-- End -->"
CURVES = Path("results/sigmoid_30_100/figures/curves-width=30.png")
Rows = list[dict[str, str]]

# Published test accuracies in percent, best first: by width, then by the name that our tables have.
PUBLISHED: dict[str, dict[str, dict[str, float]]] = {
    "sigmoid_30_100": {
        "30": {"lecun_normal": 96.50, "normal(std=1)": 96.37},
        "100": {"lecun_normal": 97.81, "normal(std=1)": 97.42},
    },
    "relu_2x256": {
        "256": {
            "variance_scaling(scale=2)": 98.11,
            "glorot_uniform": 98.06,
            "truncated_normal(std=0.1)": 97.90,
            "normal(std=1)": 94.85,
        }
    },
    "relu_5x100": {"100": {"he_normal": 88.7, "glorot_normal": 87.6, "lecun_normal": 87.6, "normal(std=0.01)": 11.7}},
    "clothing_orthogonal": {},
}
ROWS = {"sigmoid_30_100": 10_000, "relu_2x256": 10_000}  # that each published accuracy was measured on, where known
ANSWERS = {("better", True): "yes", ("better", False): "no, the other way round"}


def read(name: str, table: str) -> pd.DataFrame:
    """A committed table of a run; its widths as text."""
    return pd.read_csv(HERE / f"{name}-{table}.csv", dtype={"width": str})


def published(name: str, width: str, initializer: str) -> float | None:
    """The published accuracy in percent."""
    return PUBLISHED[name].get(width, {}).get(initializer)


def accuracies(name: str) -> Rows:
    """Each initializer's published accuracy and ours."""
    table = read(name, "accuracy")
    places = {width: place for place, width in enumerate(dict.fromkeys(PUBLISHED[name]))}
    rows = []
    for row in table.sort_values("width", key=lambda column: column.map(places), kind="stable").itertuples():
        said = published(name, row.width, row.initializer)
        low, high = 100 * row.test_accuracy_low, 100 * row.test_accuracy_high
        rows.append(
            {
                **({"width": row.width} if table["width"].nunique() > 1 else {}),
                "initializer": row.initializer,
                "published %": "–" if said is None else f"{said:.{2 if name in ROWS else 1}f}",
                "ours: mean %": f"{100 * row.test_accuracy_mean:.2f} [{low:.2f}, {high:.2f}]",
                "deviation of a seed": f"{100 * row.test_accuracy_std:.2f}",
                "trained": f"{row.trained}/{row.seeds}",
            }
        )
    return rows


def claims(name: str) -> Rows:
    """Each published "this one is above that one", and whether our seeds bear it out; our pairs where none is known."""
    table = read(name, "comparison")
    asked = [
        (width, above, below, published_difference(name, ranking[above], ranking[below]))
        for width, ranking in PUBLISHED[name].items()
        for above, below in combinations(ranking, 2)
        if ranking[above] != ranking[below]
    ]
    rows = []
    for width, above, below, said in asked or [(r.width, r.better, r.worse, "–") for r in table.itertuples()]:
        ours = table[(table["width"] == width) & table["better"].isin([above, below])]
        (pair,) = ours[ours["worse"].isin([above, below])].itertuples()
        is_so = pair.better == above
        sign = 100 if is_so else -100
        low, high = sorted((sign * pair.low, sign * pair.high))
        answer = ANSWERS.get((pair.verdict, is_so), pair.verdict) if asked else pair.verdict
        rows.append(
            {
                **({"width": width} if len(PUBLISHED[name]) > 1 else {}),
                "pair": f"{above} above {below}",
                "published, points": said,
                "ours, points": f"{sign * pair.difference:+.2f} [{low:+.2f}, {high:+.2f}]",
                "adj. p": "<0.001" if pair.p_adjusted < 0.001 else f"{pair.p_adjusted:.3f}",
                "seeds": str(pair.seeds),
                "holds?" if asked else "verdict": answer,
            }
        )
    return rows


def published_difference(name: str, above: float, below: float) -> str:
    """The published difference, and the standard error that the choice of test rows alone gives it."""
    if name not in ROWS:
        return f"{above - below:+.1f}"
    variances = [p * (100 - p) / ROWS[name] for p in (above, below)]
    return f"{above - below:+.2f} ± {math.sqrt(sum(variances)):.2f}"


def markdown(rows: Rows) -> str:
    """Rows as a Markdown table; columns of numbers stand to the right."""
    headings = list(rows[0])
    ruled = ["--:" if rows[0][key][:1] in "+-–<0123456789" else ":--" for key in headings]
    lines = [headings, ruled, *([row[key] for key in headings] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def filled(page: str) -> str:
    """The page with all tables in their places."""
    tables = {f"{name}, accuracies": accuracies(name) for name in PUBLISHED}
    tables |= {f"{name}, ranking": claims(name) for name in PUBLISHED}
    for place, rows in tables.items():
        begin = BEGIN.format(place)
        head, found, rest = page.partition(begin)
        if not found:
            raise SystemExit(f"{PAGE} lacks {begin}")
        page = f"{head}{begin}\n\n{markdown(rows)}\n\n{END}{rest.partition(END)[2]}"
    return page


def main(folder: Path) -> None:
    """Run what has not been run, keep its tables, fill the page."""
    for name in PUBLISHED:
        print("$ initbench run", name, flush=True)
        subprocess.run([sys.executable, "-m", "initbench", "run", name], cwd=folder, check=True)
        for table in ("accuracy", "comparison"):
            shutil.copyfile(folder / "results" / name / f"{table}.csv", HERE / f"{name}-{table}.csv")
    subprocess.run([sys.executable, "-m", "initbench", "plot", CURVES.parents[1]], cwd=folder, check=True)
    shutil.copyfile(folder / CURVES, HERE / "sigmoid_30_100-curves.png")
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve())

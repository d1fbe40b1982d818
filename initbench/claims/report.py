"""The report of a folder with claims: their verdicts, and the experiments beside them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from initbench.claims.figures import REGIONS, claim_figures
from initbench.claims.sentences import READ, VERDICTS, tally
from initbench.errors import StoreError
from initbench.present.report import Appendix
from initbench.results.report import finished_below, write_report
from initbench.results.tables import Results
from initbench.storage.folders import CLAIMS, holds_claims

RULE = (
    "A claim has a verdict if the interval of the effect excludes the other side and p, adjusted for all claims, is at"
    " most 0.05."
)


def report_below(path: Path) -> tuple[list[Results], Path]:
    """Write ``report.html`` into a folder, about the experiments and claims at it or below it.

    Returns
    -------
    list of Results
        The experiments of which a cell was tried.
    Path
        The file written.

    Raises
    ------
    StoreError
        When there is neither, or the file cannot be written.
    """
    verdicts = sorted(path.rglob(CLAIMS))
    has_experiments = any(not holds_claims(file.parent) for file in path.rglob("runs.sqlite"))
    found = finished_below(path) if has_experiments or not verdicts else []
    if not found and not verdicts:
        raise StoreError(f"{path}: no cell has finished yet, so there is nothing to report")
    return found, write_report(path, found, [appendix_of(read_verdicts(table)) for table in verdicts])


def read_verdicts(file: Path) -> pd.DataFrame:
    """The table of claims, as a run of them has left it."""
    try:
        numbers = ("effect", "low", "high", "p_adjusted", "bound")
        table = pd.read_csv(file, keep_default_na=False, na_values={name: [""] for name in numbers})
        table = table[[*READ]].astype(dict.fromkeys(numbers, float))
        if not (set(table["verdict"]) <= set(VERDICTS) and set(table["rule"]) <= set(REGIONS)):
            raise ValueError("it has other verdicts or rules")
        return table
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(f"{file}: not as initbench claims run writes it ({error}); run that again") from None


def appendix_of(table: pd.DataFrame) -> Appendix:
    """What the report shows of claims: how many have which verdict, all of them, and their figures."""
    said = table.assign(instead=table["instead"].where(table["verdict"] != "supported", ""))
    columns = {"verdict": "verdict", "text": "claim", "sentence": "found", "instead": "print instead"}
    columns |= {name: name for name in ("note", "source", "group", "planned")} | {"claim": "file"}
    return Appendix(
        "Tests of claims",
        f"{tally(table)} {RULE}",
        "Claims",
        said[list(columns)].set_axis(list(columns.values()), axis=1),
        claim_figures(table),
        "Effects with their 95 % intervals; green: where the claims have these.",
    )

"""What commands print of results, kept in their store: who asks again is answered without reading or computing anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import initbench
from initbench.results.tables import Results
from initbench.storage.store import Store

FORMS = ("text", "markdown", "csv", "latex", "json")
NOTE = "summary"  # of the store


class Summary(NamedTuple):
    """What there is to say of results.

    Attributes
    ----------
    accuracy : dict of str to str
        The accuracy table in each form that ``initbench table`` prints.
    tuning : str
        What was tuned and chosen, in words; empty where nothing was tuned.
    sentences : list of str
        What the comparisons show.
    failure : str
        How many cells failed; empty where none did.
    has_curves : bool
        Whether a cell has finished.
    files : dict of str to str
        The hash of each file of tables that was written with these; empty before they are kept.
    """

    accuracy: dict[str, str]
    tuning: str
    sentences: list[str]
    failure: str
    has_curves: bool
    files: dict[str, str]


def summary_of(results: Results) -> Summary:
    """The summary of results: the one that was kept where that is of the same results and code, else made now."""
    kept = kept_summary(results)
    if kept is not None:
        return kept
    from initbench.present.tables import render_table
    from initbench.present.tuning import describe_tuning

    tuning = ""
    if results.tuning_results is not None:
        tuning = describe_tuning(results.tuning, results.tried, results.tuning_count)
    accuracy = {form: render_table(results.accuracy, form, caption=results.caption) for form in FORMS}
    return Summary(accuracy, tuning, results.conclude(results.evidence), results.failure, not results.curves.empty, {})


def keep_summary(results: Results, files: Mapping[str, str]) -> None:
    """Keep the summary of results whose tables were just written to files, with the hash of each."""
    summary = summary_of(results)._replace(files=dict(files))
    with Store(results.folder) as store:
        store.note(NOTE, json.dumps([_key(results, summary), summary]))


def kept_summary(results: Results) -> Summary | None:
    """The summary that was kept of the same results by the same code; None where there is none, or it is damaged."""
    with Store(results.folder) as store:
        text = store.about(NOTE)
        try:
            key, fields = json.loads(text or "null")
            summary = Summary(*fields)
        except (TypeError, ValueError):
            return None
        return summary if key == _key(results, summary) and not store.faults() else None


def are_written(results: Results) -> bool:
    """Whether the tables of results are in their files as they were written, by this code."""
    kept = kept_summary(results)
    return kept is not None and all(hash_of(results.folder / name) == written for name, written in kept.files.items())


def hash_of(file: Path) -> str:
    """A hash of a file's content; empty where there is no such file."""
    try:
        return sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""


def _key(results: Results, summary: Summary) -> str:
    said = [results.mark, results.counts, str(results.folder), summary]
    return sha256(f"{_code()}{json.dumps(said)}".encode()).hexdigest()


@cache
def _code() -> str:
    """A hash of the package's code: another version may say something else of the same results."""
    digest = sha256()
    for file in sorted(Path(initbench.__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()

"""Whether figures, reports and probes show what their folder's tables show; how a plan differs from an earlier one.

What is drawn carries a mark: a hash of what the tables showed then, or, of a probe, of the plan that was looked at. A
file without one is a user's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml

from initbench.config.experiment import YOUNGER, Experiment
from initbench.config.keys import KEYS
from initbench.errors import command_line
from initbench.plan import Cell
from initbench.storage.folders import TUNING
from initbench.storage.store import Store

MARK = re.compile(rb"initbench-(?:shows|probes):[0-9a-f]{16}")
FORMATS = ("png", "svg", "pdf")
MOST_NAMED = 3  # files in one line
MOST_LETTERS = 80  # of a value
APART = ("name", "description")  # keys of a config that no number depends on


class OutOfDate(NamedTuple):
    """Files that show something else than the tables, and the command that makes them anew."""

    files: list[Path]
    command: str

    def __str__(self) -> str:
        names = ", ".join(str(file) for file in self.files[:MOST_NAMED])
        more = f" and {len(self.files) - MOST_NAMED} more" if len(self.files) > MOST_NAMED else ""
        return f"out of date: {names}{more}, made from other results than the tables; to update: {self.command}"


def probe_mark(cells: Iterable[Cell]) -> str:
    """The mark of a probe of these cells."""
    return _probe_mark(cell.key for cell in cells)


def planned_mark(store: Store) -> str:
    """The mark of a probe of the config that a store has the results of."""
    return store.about("probe") or _probe_mark(store.planned())  # older stores have no such note


def _probe_mark(keys: Iterable[str]) -> str:
    return f"initbench-probes:{sha256(' '.join(keys).encode()).hexdigest()[:16]}"


def tables_mark(folder: Path) -> str:
    """The mark of what is drawn from the tables that a folder of results has now."""
    with Store(folder) as store:
        shown, tuned, layers = store.fingerprint(), store.about("tuned"), store.with_layers()
    if json.loads(tuned or "null") and (folder / TUNING / "runs.sqlite").is_file():
        with Store(folder / TUNING) as store:
            shown += store.fingerprint()
    if layers and has_probe(folder):  # which figures of predictors rest on too
        shown += " probed"
    return f"initbench-shows:{sha256(shown.encode()).hexdigest()[:16]}"


def has_probe(folder: Path) -> bool:
    """Whether a folder of results has a probe of its plan."""
    with Store(folder) as store:
        return marks_in(folder / "probe.json") == {planned_mark(store)}


def marks_in(file: Path) -> set[str]:
    """The marks that a file carries; none of a user's own file, or of one that is not there."""
    with suppress(OSError):
        return {mark.decode() for mark in MARK.findall(file.read_bytes())}
    return set()


def figures_in(folder: Path) -> dict[Path, set[str]]:
    """The figures of a folder of results that initbench drew, and their marks."""
    files = (file for form in FORMATS for file in sorted((folder / "figures").glob(f"*.{form}")))
    return {file: marks for file in files if (marks := marks_in(file))}


def is_drawn(folder: Path) -> bool:
    """Whether there are figures of what the tables of a folder show now."""
    now = tables_mark(folder)
    return any(now in marks for marks in figures_in(folder).values())


def out_of_date(folder: Path) -> list[OutOfDate]:
    """What beside the tables of a folder of results, and in a report of several, shows something else than they do."""
    now = tables_mark(folder)
    with Store(folder) as store:
        probed = planned_mark(store)
    found = []
    is_part = (folder.parent / "runs.sqlite").exists()  # of the experiment that it tunes, which the report is about
    for where in [folder] if is_part else [folder.parent, folder]:
        report = where / "report.html"
        some = [report] if marks_in(report) and now not in marks_in(report) else []
        found.append(OutOfDate(some, command_line("report", where)))
    figures = {file: marks for file, marks in figures_in(folder).items() if now not in marks}
    some = [file for file, marks in figures.items() if _are_of_probes(marks) and probed not in marks]
    if (folder / "probe.json").exists() and not has_probe(folder):
        some = [folder / name for name in ("probe.csv", "probe.json") if (folder / name).exists()] + some
    found.append(OutOfDate(some, command_line("probe", folder / "config.yaml", "-o", folder.parent)))
    for form in reversed(FORMATS):
        some = [file for file, marks in figures.items() if file.suffix == f".{form}" and not _are_of_probes(marks)]
        found.append(OutOfDate(some, command_line("plot", folder, *(["--format", form] if form != "png" else []))))
    return [stale for stale in found if stale.files]


def _are_of_probes(marks: set[str]) -> bool:
    return any(mark.startswith("initbench-probes") for mark in marks)


def differences(
    store: Store, experiment: Experiment, mark: str, race: Mapping[str, Any] | Literal["any"] | None = "any"
) -> str:
    """How an experiment differs from the one whose results a store has, in words; empty where it does not.

    Parameters
    ----------
    store : Store
    experiment : Experiment
        As its ``config.yaml`` shows it.
    mark : str
        From `probe_mark`, of the product of all lists × seeds.
    race : mapping or None, optional
        The design of its race; ``"any"`` where that is not to be compared.
    """
    if store.about("plan") is None:
        return ""
    try:
        old = yaml.safe_load((store.folder / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        old = None
    new, told = yaml.safe_load(experiment.to_yaml()), []
    if isinstance(old, dict):
        old = {key: yaml.safe_load(KEYS[key].default) for key in YOUNGER} | old
        keys = [key for key in {**new, **old} if key not in APART and new.get(key) != old.get(key)]
        told = [_change(key, new.get(key), old.get(key)) for key in keys]
    try:
        raced = json.loads(store.about("race") or "null")
    except ValueError:  # a damaged plan is made again
        raced = None
    if race not in ("any", raced):
        told.append(f"{_race_words(race)} (was {_race_words(raced)})")
    if not told and planned_mark(store) != mark:
        told.append("other data, or other code of a part")
    return ", ".join(told)


def _race_words(race: Any) -> str:
    return f"a race to at most {race['max_seeds']} seeds" if race else "no race"


def _change(key: str, now: Any, before: Any) -> str:
    """How a key of a resolved config changed, in few letters: parts without their parameters where these are alike."""
    told = [_short(key, _without_parameters(value)) for value in (now, before)]
    if told[0] == told[1]:
        told = [_short(key, value) for value in (now, before)]
    return f"{key} {told[0]} (was {told[1]})"


def _without_parameters(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_parameters(one) for one in value]
    return next(iter(value)) if isinstance(value, dict) and len(value) == 1 else value


def _short(key: str, value: Any) -> str:
    if key == "seeds" and isinstance(value, list):
        return str(len(value)) if value == list(range(len(value))) else f"[{', '.join(map(str, value))}]"
    text = "none" if value is None else json.dumps(value, ensure_ascii=False, default=str).replace('"', "")
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 3]}..."

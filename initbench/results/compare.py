"""Anyone's runs, a CSV file or a DataFrame of one row a run -> the paired comparison of their arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from initbench.analysis.comparisons import COLUMNS, SCORE_DETAILS, compare_pairs, pair_arms
from initbench.analysis.intervals import sort_key, t_interval
from initbench.errors import DataError, UsageError, nearest
from initbench.parts.datasets.columns import Column
from initbench.parts.datasets.rows import find_layout
from initbench.parts.datasets.tables import Options, as_words, read_table
from initbench.present.labels import settings as in_words
from initbench.present.labels import show
from initbench.present.sentences import pair_sentence, score_sentences

LARGEST = 1e300  # of a score
MOST_SHOWN = 5  # faults of one kind
MOST_NOTES = 10  # on seeds and arms that are lacking
FIELDS = ("arm", "seed", "score")


class Names(NamedTuple):
    """The columns of a table of runs.

    Attributes
    ----------
    arm, seed, score : str
    settings : tuple of str
        Columns whose values make a setting; arms are compared within each.
    """

    arm: str
    seed: str
    score: str
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Runs:
    """A table of runs that can be compared.

    Attributes
    ----------
    frame : DataFrame
        The columns of ``names``, in order of the seeds; arms are text, scores finite.
    names : Names
    source : str
        What a message begins with.
    notes : tuple of str
        What was assumed, and which seeds an arm lacks.
    """

    frame: pd.DataFrame
    names: Names
    source: str
    notes: tuple[str, ...] = ()


def compare(
    frame: pd.DataFrame,
    *,
    arm: str,
    seed: str,
    score: str,
    settings: Sequence[str] = (),
    baseline: str | None = None,
    lower_is_better: bool = False,
    margin: float | None = None,
) -> pd.DataFrame:
    """Compare anyone's runs: each two arms of a setting, paired by seed.

    Parameters
    ----------
    frame : DataFrame
        A row a run.
    arm, seed, score : str
        The columns that name what is compared, what pairs the runs, and the number that is compared, in any unit.
    settings : sequence of str, default ()
        Columns whose values make a setting; arms are compared within each.
    baseline : str, optional
        An arm: compare the others with it only, which leaves fewer p to adjust.
    lower_is_better : bool, default False
        Whether the score is a loss.
    margin : float, optional
        The largest difference that does not matter, in the unit of the score.

    Returns
    -------
    DataFrame
        The settings and the columns of ``comparison.csv``, a row a pair. ``better`` and ``worse`` name arms;
        ``difference`` is by how much better is ahead, with its interval in the unit of the score.

    Raises
    ------
    UsageError
        With every fault of the frame: a column that is missing, scores that are no finite numbers, an arm that has a
        seed twice, or nothing to compare.

    Examples
    --------
    >>> import initbench
    >>> import pandas as pd
    >>> runs = pd.DataFrame({"optimizer": ["adam", "sgd"] * 3, "seed": [0, 0, 1, 1, 2, 2]})
    >>> runs["loss"] = [0.31, 0.42, 0.33, 0.45, 0.30, 0.41]
    >>> table = initbench.compare(runs, arm="optimizer", seed="seed", score="loss", lower_is_better=True)
    >>> table[["better", "worse", "seeds", "difference"]].round(3).values.tolist()
    [['adam', 'sgd', 3, 0.113]]
    """
    chosen = (settings,) if isinstance(settings, str) else tuple(settings)
    runs = check_frame(pd.DataFrame(frame), Names(arm, seed, score, chosen))
    return compare_runs(runs, baseline, lower_is_better, margin).drop(columns=[*SCORE_DETAILS, "sentence"])


def compare_runs(
    runs: Runs, baseline: str | None = None, lower_is_better: bool = False, margin: float | None = None
) -> pd.DataFrame:
    """The comparison of `compare` and what stands behind it.

    Returns
    -------
    DataFrame
        The settings, ``COLUMNS`` and ``SCORE_DETAILS`` of `initbench.analysis.comparisons`, and a sentence.
    """
    frame, names, settings = runs.frame, runs.names, list(runs.names.settings)
    if baseline is not None:
        _check_baseline(runs, baseline)
    if margin is not None and not 0 < margin < float("inf"):
        raise UsageError(f"the margin is {margin} and must be a number above 0, in the unit of the score")
    sign = -1.0 if lower_is_better else 1.0
    signed = frame.assign(**{names.score: sign * frame[names.score]})
    pairs = pair_arms(signed, settings, names.arm, names.seed, names.score, baseline, any_size=True)
    table = compare_pairs(pairs, settings, margin)
    table[["better_score", "worse_score"]] *= sign
    where = in_words(table, settings)
    sentences = [pair_sentence(row) for row in table.to_dict("records")]
    return table.assign(
        sentence=[f"{name}: {text}" if name else text for name, text in zip(where, sentences, strict=True)]
    )


def conclude(
    runs: Runs, evidence: pd.DataFrame, baseline: str | None = None, lower_is_better: bool = False
) -> list[str]:
    """A sentence a setting: which arm leads or how the baseline stands, by the evidence that `compare_runs` gives."""
    frame, names, keys = runs.frame, runs.names, list(runs.names.settings)
    groups = frame.groupby([*keys, names.arm], sort=False, dropna=False)[names.score]
    arms = groups.agg(seeds="count", mean="mean", std="std").reset_index().rename(columns={names.arm: "arm"})
    arms["low"], arms["high"] = t_interval(arms["mean"], arms["std"], arms["seeds"])
    arms = arms.sort_values(["mean", "arm"], ascending=[lower_is_better, True], ignore_index=True)
    best = arms["mean"].groupby(in_words(arms, keys)).transform("first")
    arms["is_first"] = np.isclose(arms["mean"], best, rtol=1e-12, atol=0)
    word = "lower" if lower_is_better else "higher"
    return score_sentences(evidence, arms, keys, f"{names.score}, {word} is better", baseline)


def read_runs(file: Path, names: Names, options: Options) -> Runs:
    """Read a CSV file of runs.

    Parameters
    ----------
    file : Path
    names : Names
    options : Options
        How the file is written, where that is not to be found out; its roles are those of ``names``.

    Raises
    ------
    DataError
        When the file cannot be read.
    UsageError
        As `compare`.
    """
    layout = find_layout(file, separator=options.separator, encoding=options.encoding, header=options.header)
    line = layout.header.line if layout.header else 1
    _check_names(names, layout.names, f"{file}:{line}")
    roles = dict.fromkeys((names.seed, names.score, *names.settings), "key") | {names.arm: "name"}
    table = read_table(file, options._replace(roles=roles))
    if table.faults:
        raise DataError("\n".join(table.faults))
    frame = pd.DataFrame({column.name: _values(column) for column in table.columns if column.role != "dropped"})
    places = [f"{file}:{number}" for number in table.lines]
    others = [column.name for column in table.columns if column.role == "dropped"]
    return _check(frame, names, places, str(file), others, table.notes)


def column_names(file: Path, options: Options) -> list[str]:
    """The names of the columns of a CSV file."""
    return find_layout(file, separator=options.separator, encoding=options.encoding, header=options.header).names


def check_frame(frame: pd.DataFrame, names: Names) -> Runs:
    """Check a DataFrame of runs, as `compare` does."""
    columns = [str(column) for column in frame.columns]
    frame = frame.set_axis(columns, axis=1)
    _check_names(names, columns, "the frame")
    places = [f"the row of index {index}" for index in map(str, frame.index)]
    chosen = [*names[:3], *names.settings]
    others = [column for column in columns if column not in chosen]
    return _check(frame[chosen].reset_index(drop=True), names, places, "the frame", others)


def _check_names(names: Names, known: Sequence[str], place: str) -> None:
    """Refuse columns that are not there, that stand there twice, or that are to be two things."""
    wanted = [*zip(FIELDS, names[:3], strict=True), *(("setting", name) for name in names.settings)]
    faults, fields = [], dict[str, str]()
    for field, name in wanted:
        if name not in known:
            close = nearest(name, known)
            advice = f"nearest name: {close}" if close else f"it has: {', '.join(known)}"
            faults.append(f"{place}: no column '{name}', which {field} names; {advice}")
        elif list(known).count(name) > 1:
            faults.append(f"{place}: the column '{name}' stands there more than once; rename one")
        if name in fields:
            faults.append(f"{place}: {fields[name]} and {field} both name the column '{name}'; they must differ")
        fields.setdefault(name, field)
    for name in {*names.settings} & {*COLUMNS, *SCORE_DETAILS, "sentence"}:
        faults.append(f"{place}: the setting '{name}' has the name of a column of the comparison; rename it")
    _refuse(faults)


def _values(column: Column) -> Any:
    """A column of a CSV file as text, or as numbers, whole ones where all are."""
    if column.kind == "number":
        is_whole = bool((column.values == np.floor(column.values)).all() and (np.abs(column.values) < 2**53).all())
        return column.values.astype(np.int64) if is_whole else column.values
    words = as_words(column) if column.kind == "boolean" else column.values
    return np.array([word if isinstance(word, str) and word else None for word in words], dtype=object)


def _check(
    frame: pd.DataFrame,
    names: Names,
    places: Sequence[str],
    source: str,
    others: Sequence[str],
    notes: Sequence[str] = (),
) -> Runs:
    """Find every fault of the rows at once; ``places`` say where they are, ``others`` are further columns."""
    if frame.empty:
        raise UsageError(f"{source}: has no row; it needs one for each run")
    frame = pd.DataFrame({name: [_plain(value) for value in frame[name].tolist()] for name in frame})
    frame[names.arm] = [None if _is_missing(arm) else show(arm) for arm in frame[names.arm]]
    faults = []
    for field, name in zip(FIELDS[:2], names[:2], strict=True):
        lacking = [place for place, value in zip(places, frame[name], strict=True) if _is_missing(value)]
        faults += _cut([f"{place}: no {field} stands in column '{name}'" for place in lacking], "fill it in")
    wrong = []
    for place, value in zip(places, frame[names.score], strict=True):
        if _is_missing(value):
            wrong.append(f"{place}: the score is missing or nan")
        elif not isinstance(value, (int, float)):
            wrong.append(f"{place}: the score '{show(value)}' is no number")
        elif value > LARGEST or value < -LARGEST:
            wrong.append(f"{place}: the score is infinite or beyond {LARGEST:g}")
    advice = (
        "a run that diverged counts with the score that it is worth, such as that of chance; remove one that crashed"
    )
    faults += _cut(wrong, advice)
    keys, first, repeated = [*names.settings, names.arm, names.seed], dict[Any, str](), []
    for place, *key in zip(places, *(frame[name] for name in keys), strict=True):
        known = tuple(None if _is_missing(value) else value for value in key)
        if known in first and None not in known[-2:]:
            repeated.append(f"{place}: arm '{known[-2]}' has seed {show(known[-1])} already, at {first[known]}")
        first.setdefault(known, place)
    advice = "a run is a row; where another column sets these runs apart, name it as a setting"
    faults += _cut(repeated, advice + (f": {_some(others)}" if others else ""))
    _refuse(faults)
    order = sorted(range(len(frame)), key=lambda i: sort_key((frame[names.seed].iloc[i],)))
    frame = frame.iloc[order].reset_index(drop=True).astype({names.score: float})
    runs = Runs(frame, names, source)
    gaps = _find_gaps(runs)
    more = [f"{source}: ... and {len(gaps) - MOST_NOTES:,} more such gaps"] if len(gaps) > MOST_NOTES else []
    return Runs(frame, names, source, (*(f"{source}: {note}" for note in notes), *gaps[:MOST_NOTES], *more))


def _plain(value: Any) -> Any:
    """A value that can be sorted, compared and shown: a list or another object becomes text."""
    return value if value is None or isinstance(value, (str, int, float)) or _is_missing(value) else repr(value)


def _is_missing(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _find_gaps(runs: Runs) -> list[str]:
    """Which seeds an arm lacks that others of its setting have; refuse runs in which nothing can be compared."""
    frame, names, source = runs.frame, runs.names, runs.source
    arms = frame[names.arm].unique()
    if len(arms) == 1:
        raise UsageError(f"{source}: column '{names.arm}' has one arm only, '{arms[0]}'; a comparison takes two")
    notes, has_pair, has_common = [], False, False
    for setting, group in frame.groupby(in_words(frame, names.settings), sort=False):
        where = f" of {setting}" if setting else ""
        seeds = {arm: set(own) for arm, own in group.groupby(names.arm)[names.seed]}
        if len(seeds) == 1:
            notes.append(f"{source}: the runs{where} have one arm only, '{next(iter(seeds))}'; they are not compared")
            continue
        has_pair, sets = True, list(seeds.values())
        has_common |= any(one & two for i, one in enumerate(sets) for two in sets[:i])
        every = list(dict.fromkeys(group[names.seed]))
        for arm, own in seeds.items():
            lacking = [show(seed) for seed in every if seed not in own]
            if lacking:
                word = f"seed{'s' if len(lacking) > 1 else ''} {_some(lacking)}"
                notes.append(f"{source}: arm '{arm!s}'{where} lacks {word}; its pairs go without")
    if not has_pair:
        raise UsageError(f"{source}: no setting has two arms; leave out a setting, or name another column as arm")
    if not has_common:
        raise UsageError(
            f"{source}: no two arms of a setting have a seed in common in column '{names.seed}'; runs are compared "
            "seed by seed. If yours are not matched, number those of each arm 0, 1, 2, ..."
        )
    return notes


def _check_baseline(runs: Runs, baseline: str) -> None:
    arms = list(dict.fromkeys(runs.frame[runs.names.arm]))
    if baseline not in arms:
        close = nearest(baseline, arms)
        advice = f"nearest name: {close}" if close else f"the arms: {_some(arms)}"
        raise UsageError(f"{runs.source}: no arm '{baseline}' in column '{runs.names.arm}'; {advice}")


def _cut(faults: Sequence[str], advice: str) -> list[str]:
    """The first faults of a kind, how many more there are, and what to do about them."""
    if not faults:
        return []
    more = [f"... and {len(faults) - MOST_SHOWN:,} more such rows"] if len(faults) > MOST_SHOWN else []
    return [*faults[:MOST_SHOWN], *more, f"  {advice}"]


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 2 * MOST_SHOWN} more" if len(names) > 2 * MOST_SHOWN else ""
    return ", ".join(names[: 2 * MOST_SHOWN]) + more


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        raise UsageError("\n".join(faults))

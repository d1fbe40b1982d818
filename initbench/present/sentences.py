"""The results of a comparison in sentences."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from initbench.present.labels import TEXT_COLUMNS, decimals, interval, p_words, percent, settings, swept

MOST_NAMED = 4  # initializers in one list
KINDS = ("better", "worse", "equivalent", "no difference shown", "too few seeds")  # than the leader


def pair_sentence(row: Mapping[Hashable, Any], margin: float | None = None) -> str:
    """One comparison with its numbers.

    Parameters
    ----------
    row : mapping
        A row of the table that ``initbench compare`` prints as JSON.
    margin : float, optional
        The largest difference (a fraction) that does not matter.
    """
    digits = decimals(row["low"], row["high"])
    better, worse, seeds, verdict = row["better"], row["worse"], row["seeds"], row["verdict"]
    if not seeds:
        return f"{better} and {worse} have no seed in common."
    if verdict == "too few seeds":
        return (
            f"One seed in common does not separate {better} from {worse}: they differ by {percent(row['difference'])} "
            "points, and one seed does not show how much of that is chance."
        )
    difference = f"{_points(row, digits)} over {seeds} seeds"
    p = f"adjusted p {p_words(row['p_adjusted'])}"
    if verdict == "equivalent" and margin is not None:
        start = (
            f"{better} and {worse} are equivalent within {_count(100 * margin, 'point')}: they differ by {difference}"
        )
    elif verdict == "better":
        start = f"{better} is better than {worse} by {difference} ({p})"
    else:
        start = f"No difference shown between {better} and {worse}: {difference} ({p})"
    ties = f", {_count(row['ties'], 'tie')}" if row["ties"] else ""
    wins = f"; {better} wins {row['wins']} of {seeds}{ties}"
    trained = ""
    if min(row["better_trained"], row["worse_trained"]) < seeds:
        counts = [
            f"{row[f'{side}_trained']} of {seeds} "
            + interval(row[f"{side}_trained_low"], row[f"{side}_trained_high"], 0)
            for side in ("better", "worse")
        ]
        trained = f"; trained: {counts[0]} % against {counts[1]} %"
    noise = ""
    if row["within_noise"]:
        noise = (
            f" This is within the noise of {row['test_rows']:,.0f} test rows alone "
            f"(± {100 * row['noise']:.2g} points): other rows may reverse it."
        )
    return f"{start}{wins}{trained}.{noise}"


def setting_sentences(evidence: pd.DataFrame, accuracy: pd.DataFrame, factors: Sequence[str]) -> list[str]:
    """The result of each setting: which initializer leads, and over which others its lead is shown.

    Parameters
    ----------
    evidence : DataFrame
        The table that ``initbench compare`` prints as JSON.
    accuracy : DataFrame
        With the columns of accuracy.csv, best first.
    factors : sequence of str
        The columns that make a setting; ``initializer`` is among them.

    Returns
    -------
    list of str
        A sentence a setting, in the order of ``evidence``, led by what sets it apart from the others. Settings with one
        initializer have none.
    """
    keys = [factor for factor in factors if factor != "initializer"]
    means = dict(list(accuracy.groupby(settings(accuracy, keys))))
    sentences = []
    names = settings(evidence, swept(evidence, keys))
    for setting, pairs in evidence.groupby(settings(evidence, keys), sort=False):
        name = names[pairs.index[0]]
        sentences.append((f"{name}: " if name else "") + _verdict(means[str(setting)], pairs))
    return sentences


def paragraphs(sentences: Sequence[str], columns: int = TEXT_COLUMNS) -> str:
    """Sentences for a terminal of so many columns, with an empty line after each."""
    return "".join(f"{textwrap.fill(sentence, columns)}\n\n" for sentence in sentences)


def _verdict(table: pd.DataFrame, pairs: pd.DataFrame) -> str:
    """The sentence of one setting; ``table`` has its initializers, best first."""
    best = table.iloc[0]
    leader, mean = best["initializer"], best["test_accuracy_mean"]
    low, high = best["test_accuracy_low"], best["test_accuracy_high"]
    digits = decimals(low, high)
    if not best["seeds"]:
        return "No cell has finished."
    shared = pairs["seeds"].max()
    if not shared:
        return f"{leader} is ahead with {percent(mean)} %; no two initializers have a seed in common to compare."
    if shared == 1:
        return f"{leader} is ahead with {percent(mean)} %; one seed in common shows nothing: take more."
    if not table["trained"].any():
        chance = f"not shown to beat chance on {pairs['test_rows'].max():,.0f} test rows"
        return f"None is shown to train: the best, {leader}, is at {percent(mean)} %, {chance}."
    start = f"{leader} leads with {percent(mean, digits)} % {interval(low, high, digits)} over {best['seeds']} seeds"
    found: dict[str, list[tuple[str, Mapping[Hashable, Any]]]] = {kind: [] for kind in KINDS}
    for row in pairs.to_dict("records"):
        if leader in (row["better"], row["worse"]):
            other = row["worse"] if row["better"] == leader else row["better"]
            found[_kind(row, leader)].append((other, row))
    parts = []
    beaten = found["better"]
    if beaten:
        p = p_words(max(row["p_adjusted"] for _, row in beaten))
        are_all = len(beaten) == len(table) - 1 and len(beaten) > 1
        who = "every other" if are_all else _names([name for name, _ in beaten])
        parts.append(f"it is better than {who} (adjusted p {p if p.startswith('<') else f'≤ {p}'})")
    if found["worse"]:
        told = [f"{name} (by {_points(row, decimals(row['low'], row['high']))})" for name, row in found["worse"]]
        parts.append(f"at the seeds that both have, better than it: {_names(told)}")
    if found["equivalent"]:
        parts.append(f"equivalent to {_names([name for name, _ in found['equivalent']])}")
    if found["no difference shown"]:
        told = [
            f"{name} ({_points(row, decimals(row['low'], row['high']))}, adjusted p {p_words(row['p_adjusted'])})"
            for name, row in found["no difference shown"]
        ]
        parts.append(f"not shown to differ from {_names(told)}")
    for words, seeds in (("no seed", 0), ("one seed, which is too few,", 1)):
        names = [name for name, row in found["too few seeds"] if row["seeds"] == seeds]
        parts += [f"{words} in common with {_names(names)}"] if names else []
    close = [name for name, row in beaten if row["within_noise"]]
    noise = f" The lead over {_names(close)} lies within the noise of the test rows." if close else ""
    return f"{start}: {'; '.join(parts)}.{noise}"


def _kind(row: Mapping[Hashable, Any], leader: str) -> str:
    """The result of a pair for the leader, which may be the worse one where seeds failed and are not in the pair."""
    return "worse" if row["verdict"] == "better" and row["worse"] == leader else str(row["verdict"])


def _names(names: Sequence[str]) -> str:
    """A list in words; a long one is cut."""
    if len(names) > MOST_NAMED + 1:
        return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _points(row: Mapping[Hashable, Any], digits: int) -> str:
    """The difference of a pair and its interval."""
    return f"{percent(row['difference'], digits)} points {interval(row['low'], row['high'], digits)}"


def _count(number: float, word: str) -> str:
    """A number and its word, which gets an s for all but 1."""
    return f"{number:g} {word}" + ("s" if number != 1 else "")

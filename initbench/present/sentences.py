"""The results of a comparison in sentences."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from initbench.conventions import ALPHA
from initbench.present.labels import (
    decimals,
    interval,
    p_words,
    percent,
    points,
    rounded,
    settings,
    swept,
)

MOST_NAMED = 4  # initializers in one list
KINDS = ("better", "worse", "equivalent", "no difference shown", "too few seeds")  # than the leader


def pair_sentence(row: Mapping[Hashable, Any]) -> str:
    """One comparison with its numbers.

    Parameters
    ----------
    row : mapping
        A row of the table that ``initbench compare`` prints as JSON.
    """
    better, worse, seeds, verdict = row["better"], row["worse"], row["seeds"], row["verdict"]
    if not seeds:
        return f"{better} and {worse} have no seed in common."
    if verdict == "too few seeds":
        return (
            f"One seed in common does not separate {better} from {worse}: they differ by {_difference(row)}, and one "
            "seed does not show how much of that is chance."
        )
    difference = f"{_difference(row)} over {seeds} seeds"
    p = f"adjusted p {p_words(row['p_adjusted'])}"
    if verdict == "equivalent":
        start = f"{better} and {worse} are equivalent within {_margin(row)}: they differ by {difference}"
    elif verdict == "better":
        start = f"{better} is better than {worse} by {difference} ({p})"
    else:
        start = f"No difference shown between {better} and {worse}: {difference} ({p})"
    ties = f", {_count(row['ties'], 'tie')}" if row["ties"] else ""
    wins = f"; {better} wins {row['wins']} of {seeds}{ties}"
    lead, trained = _trained(row)
    noise = ""
    if row.get("within_noise"):
        noise = (
            f" This is within the noise of {row['test_rows']:,.0f} test rows alone "
            f"(± {100 * row['noise']:.2g} points): other rows may reverse it."
        )
    return f"{lead}{start}{wins}{trained}.{_shortage(row)}{noise}"


def _shortage(row: Mapping[Hashable, Any]) -> str:
    """Why a pair of few seeds that agree is undecided, and how many would decide it; empty for others."""
    text = ""
    if _is_constant(row):
        rows = f" ({_count(round(row['difference'] * row['test_rows']), 'test row')})" if "test_rows" in row else ""
        text = f" The difference is the same at every seed{rows}: its interval has no width, and p goes by signs alone."
    if row["verdict"] == "no difference shown" and row["p_adjusted"] <= ALPHA:
        text += " Its p is small, but its interval reaches to 0 or below, and a verdict takes both."
    if row["seeds_to_show"] == row["seeds_to_show"]:
        text += f" All seeds agree but are too few: {row['seeds_to_show']:.0f} like them would show it."
    return text


def _is_constant(row: Mapping[Hashable, Any]) -> bool:
    """Whether all seeds have the same difference, which is not 0."""
    return bool(row["high"] - row["low"] <= 1e-9 * row["difference"] and row["difference"] > 0)


def _trained(row: Mapping[Hashable, Any]) -> tuple[str, str]:
    """How many seeds of a pair train: before its sentence where that is shown to differ, else at its end."""
    seeds, better, worse = row["seeds"], row["better"], row["worse"]
    if min(row.get("better_trained", seeds), row.get("worse_trained", seeds)) == seeds:
        return "", ""
    mixed = "; some seeds train and others do not, so the interval of the mean is rough" if row["is_mixed"] else ""
    if row["trained_p_adjusted"] <= ALPHA:
        most, least, low, high = row["better_trained"], row["worse_trained"], row["trained_low"], row["trained_high"]
        if most < least:  # some that train badly at every seed are behind on average
            better, worse, most, least, low, high = worse, better, least, most, -high, -low
        share = f"{percent((most - least) / seeds, 0)} points more {interval(low, high, 0)}"
        both = f"{better} trains in {most} of {seeds} seeds and {worse} in {least}"
        return f"{both} ({share}, McNemar's adjusted p {p_words(row['trained_p_adjusted'])}). ", mixed
    counts = [f"{row[f'{side}_trained']} of {seeds} {_share(row, f'{side}_trained')}" for side in ("better", "worse")]
    return "", f"; trained: {counts[0]} % against {counts[1]} %{mixed}"


def _share(row: Mapping[Hashable, Any], name: str) -> str:
    return interval(row[f"{name}_low"], row[f"{name}_high"], 0)


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


def _verdict(table: pd.DataFrame, pairs: pd.DataFrame) -> str:
    """The sentence of one setting; ``table`` has its initializers, best first."""
    best = table.iloc[0]
    leader, mean = best["initializer"], best["test_accuracy_mean"]
    low, high = best["test_accuracy_low"], best["test_accuracy_high"]
    digits = decimals(low, high)
    leaders = table.loc[table["rank"] == best["rank"], "initializer"].tolist()
    if not best["seeds"]:
        return "No cell has finished."
    if pairs["seeds"].max() < 2:
        return _by_few_seeds(leaders, f"{percent(mean)} %", pairs["seeds"].max())
    if not table["trained"].any():
        chance = f"not shown to beat chance on {pairs['test_rows'].max():,.0f} test rows"
        those = f"the best, {leader}, is" if len(leaders) == 1 else f"the best, {_names(leaders)}, tie"
        return f"None is shown to train: {those} at {percent(mean)} %, {chance}."
    start = _lead(leaders, f"{percent(mean, digits)} %", f"{interval(low, high, digits)} over {best['seeds']} seeds")
    parts, close = _parts(leader, len(table) - 1, pairs)
    noise = f" The lead over {_names(close)} lies within the noise of the test rows." if close else ""
    some = table[(table["trained"] > 0) & (table["trained"] < table["seeds"])]
    counts = [
        f"{name} in {k} of {n}" for name, k, n in some[["initializer", "trained", "seeds"]].itertuples(index=False)
    ]
    mixed = f" Not every seed trains: {_names(counts)}; read these counts before the means." if counts else ""
    return f"{start}: {'; '.join(parts)}.{mixed}{noise}"


def score_sentences(
    evidence: pd.DataFrame, arms: pd.DataFrame, keys: Sequence[str], score: str, baseline: str | None = None
) -> list[str]:
    """The result of each setting of anyone's runs, as `setting_sentences` has it for ours.

    Parameters
    ----------
    evidence : DataFrame
        Of `initbench.results.compare.compare_runs`.
    arms : DataFrame
        A row an arm and setting: the settings, ``arm, seeds, mean, low, high``, and ``is_first`` of the best;
        these come first.
    keys : sequence of str
        The columns that make a setting.
    score : str
        What the score is, and which is the better.
    baseline : str, optional
        The arm that all are compared with; the leader of each setting where there is none.
    """
    tables = {str(setting): table for setting, table in arms.groupby(settings(arms, keys), sort=False)}
    compared = {str(setting): pairs for setting, pairs in evidence.groupby(settings(evidence, keys), sort=False)}
    found = {setting: _score_verdict(tables[setting], pairs, score, baseline) for setting, pairs in compared.items()}
    if baseline is not None:
        without = [setting for setting, table in tables.items() if baseline not in table["arm"].tolist()]
        found |= dict.fromkeys(without, f"no run of the baseline {baseline}.")
    return [f"{setting}: {text}" if setting else text for setting, text in found.items()]


def _score_verdict(table: pd.DataFrame, pairs: pd.DataFrame, score: str, baseline: str | None) -> str:
    """The sentence of one setting of anyone's runs; ``table`` has its arms, best first."""
    best = (table if baseline is None else table[table["arm"] == baseline]).iloc[0]
    leaders = table.loc[table["is_first"], "arm"].tolist() if baseline is None else [baseline]
    mean, _, ends = rounded(best["mean"], best["low"], best["high"]).partition(" ")
    if pairs["seeds"].max() == 1 and baseline is None:
        return _by_few_seeds(leaders, mean, 1)
    detail = f"{ends} over {_count(best['seeds'], 'seed')} ({score})".strip()
    start = _lead(leaders, mean, detail) if baseline is None else f"The baseline {baseline} has {mean} {detail}"
    parts, _ = _parts(leaders[0], len(table) - 1, pairs, is_baseline=baseline is not None)
    return f"{start}: {'; '.join(parts)}."


def _lead(leaders: Sequence[str], mean: str, detail: str) -> str:
    """Who leads a setting; arms with equal means do so together, and what follows is about the first of them."""
    if len(leaders) == 1:
        return f"{leaders[0]} leads with {mean} {detail}"
    return f"{_names(leaders)} tie for first place with {mean}; {leaders[0]}, {detail}"


def _by_few_seeds(leaders: Sequence[str], mean: str, shared: int) -> str:
    start = f"{leaders[0]} is ahead" if len(leaders) == 1 else f"{_names(leaders)} tie for first place"
    if not shared:
        return f"{start} with {mean}; no two initializers have a seed in common to compare."
    return f"{start} with {mean}; one seed in common shows nothing: take more."


def _parts(leader: str, others: int, pairs: pd.DataFrame, *, is_baseline: bool = False) -> tuple[list[str], list[str]]:
    """What is shown of an arm against the others of its setting; and over which its lead may be noise of test rows."""
    found: dict[str, list[tuple[str, Mapping[Hashable, Any]]]] = {kind: [] for kind in KINDS}
    for row in pairs.to_dict("records"):
        if leader in (row["better"], row["worse"]):
            other = row["worse"] if row["better"] == leader else row["better"]
            found[_kind(row, leader)].append((other, row))
    parts = []
    beaten = found["better"]
    if beaten:
        p = p_words(max(row["p_adjusted"] for _, row in beaten))
        are_all = len(beaten) == others > 1
        who = "every other" if are_all else _names([name for name, _ in beaten])
        parts.append(f"it is better than {who} (adjusted p {p if p.startswith('<') else f'≤ {p}'})")
    if found["worse"]:
        listed = [f"{name} (by {_difference(row)})" for name, row in found["worse"]]
        parts.append(f"{'' if is_baseline else 'at the seeds that both have, '}better than it: {_names(listed)}")
    if found["equivalent"]:
        within = _margin(found["equivalent"][0][1])
        parts.append(f"equivalent to {_names([name for name, _ in found['equivalent']])} within {within}")
    if found["no difference shown"]:
        listed = [f"{name} ({_undecided(row, leader)})" for name, row in found["no difference shown"]]
        within = _margin(found["no difference shown"][0][1])
        what = f"nor to be equivalent within {within}: " if within else "from "
        parts.append(f"not shown to differ{',' if within else ''} {what}{_names(listed)}")
    for words, seeds in (("no seed", 0), ("one seed, which is too few,", 1)):
        names = [name for name, row in found["too few seeds"] if row["seeds"] == seeds]
        parts += [f"{words} in common with {_names(names)}"] if names else []
    return parts, [name for name, row in beaten if row.get("within_noise")]


def _kind(row: Mapping[Hashable, Any], leader: str) -> str:
    """The result of a pair for the leader, which may be the worse one where seeds failed and are not in the pair."""
    return "worse" if row["verdict"] == "better" and row["worse"] == leader else str(row["verdict"])


def _names(names: Sequence[str]) -> str:
    """A list in words; a long one is cut."""
    if len(names) > MOST_NAMED + 1:
        return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _undecided(row: Mapping[Hashable, Any], leader: str) -> str:
    """The numbers of a pair without a verdict; where the other one is ahead of the leader, they begin with that."""
    ahead = "ahead by " if row["worse"] == leader and row["difference"] > 0 else ""
    same = ", the same at every seed" if _is_constant(row) else ""
    seeds = row["seeds_to_show"]
    enough = f"; {seeds:.0f} seeds like these would show it" if seeds == seeds else ""
    but = ", but the interval is not above 0" if row["p_adjusted"] <= ALPHA else ""
    return f"{ahead}{_difference(row)}{same}, adjusted p {p_words(row['p_adjusted'])}{but}{enough}"


def _difference(row: Mapping[Hashable, Any]) -> str:
    """The difference of a pair and its interval, in points of accuracy or in the unit of the score."""
    if "better_score" in row:
        return rounded(row["difference"], row["low"], row["high"])
    digits = decimals(row["low"], row["high"])
    ends = f" {interval(row['low'], row['high'], digits)}" if row["low"] == row["low"] else ""
    return f"{percent(row['difference'], digits)} points{ends}"


def _margin(row: Mapping[Hashable, Any]) -> str:
    """The margin in the unit of the difference; empty where there is none."""
    if not row["margin"] > 0:
        return ""
    return f"{row['margin']:g}" if "better_score" in row else points(row["margin"])


def _count(number: float, word: str) -> str:
    """A number and its word, which gets an s for all but 1."""
    return f"{number:g} {word}" + ("s" if number != 1 else "")

"""What a race decided, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from initbench.present.labels import points, settings, swept


def round_sentence(look: int, seeds: int, decisions: pd.DataFrame, standings: pd.DataFrame) -> str:
    """Who was dropped in a round, and why.

    Parameters
    ----------
    look, seeds : int
        The round, counted from 1, and how many seeds there are now.
    decisions, standings : DataFrame
        Of `initbench.analysis.racing.Race`.
    """
    keys = _keys(standings)
    told = []
    new = decisions[(decisions["round"] == look) & (decisions["claim"] == "better")]
    for where, by_setting in new.groupby(settings(new, keys), sort=False):
        for better, made in by_setting.groupby("better", sort=False):
            sizes = sorted({f"{100 * difference:.2g}" for difference in made["difference"]}, key=float)
            told.append(
                f"{_prefix(str(where))}dropped {', '.join(made['worse'])} ({better!s} is better by"
                f" {' to '.join(sizes[:1] + sizes[1:][-1:])} points, p {made['p'].max():.1g}"
                f"{' at most' if len(made) > 1 else ''})"
            )
    still = int(standings["state"].eq("racing").sum())
    left = f"{still} of {len(standings)} go on" if still else "the race is over"
    return f"round {look}, {seeds} seeds: {'; '.join(told) or 'none dropped'}; {left}"


def race_sentences(
    decisions: pd.DataFrame, standings: pd.DataFrame, max_seeds: int, margin: float | None = None
) -> list[str]:
    """How a race ended in each setting, and what it saved.

    Parameters
    ----------
    decisions, standings : DataFrame
        Of `initbench.analysis.racing.Race`.
    max_seeds : int
    margin : float, optional
        A fraction.

    Returns
    -------
    list of str
        A sentence a setting, then one on the trainings.
    """
    keys = _keys(standings)
    sentences = []
    for where, places in standings.groupby(settings(standings, keys), sort=False):
        by_state = {str(state): ", ".join(rows["initializer"]) for state, rows in places.groupby("state")}
        seeds = places["seeds"].max()
        if "winner" in by_state:
            told = f"{by_state['winner']} wins, certain after {seeds} seeds"
        elif "equivalent" in by_state:
            told = f"{by_state['equivalent']} are equivalent within {points(margin or 0)}, certain after {seeds}"
            told += " seeds"
        elif "undecided" in by_state:
            told = f"undecided after {seeds} seeds between {by_state['undecided']}"
        elif "racing" in by_state:
            told = f"not over: still in the race, to {seeds} seeds: {by_state['racing']}"
        else:
            told = "nothing to decide"
        columns = (places[name] for name in ("initializer", "failed", "seeds"))
        lost = [
            f"{name} at {failed} of {all_seeds}" for name, failed, all_seeds in zip(*columns, strict=True) if failed
        ]
        if lost:
            told += f"; seeds that failed are left out of pairs: {', '.join(lost)}"
        sentences.append(f"{_prefix(str(where))}{told}")
    trained, whole = int(standings["seeds"].sum()), len(standings) * max_seeds
    certain = " (decisions.csv: all of it is right together with 95 % confidence)" if len(decisions) else ""
    saved = f"{whole - trained} saved ({1 - trained / whole:.0%})"
    sentences.append(f"{trained} trainings instead of {whole}: {saved}{certain}")
    return sentences


def _keys(standings: pd.DataFrame) -> Sequence[str]:
    """The factors in which the settings of a race differ."""
    return swept(standings, list(standings.columns[: standings.columns.get_loc("initializer")]))


def _prefix(where: str) -> str:
    return f"{where}: " if where else ""

"""Trains an experiment in rounds of seeds, until it is decided which initializer wins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING

from initbench.config import Experiment
from initbench.errors import UsageError
from initbench.plan import Cell, Setting
from initbench.storage.store import Store
from initbench.training.runner import Choose, Outcome, Request, Runner, Settled

if TYPE_CHECKING:
    from initbench.analysis.racing import RaceDesign

MAX_SEEDS = 30
Tune = Callable[[tuple[int, ...]], "Choose | None"]


def design_race(experiment: Experiment, max_seeds: int = MAX_SEEDS, margin: float | None = None) -> RaceDesign:
    """The design of a race whose rounds are as large as an experiment's count of seeds.

    Raises
    ------
    UsageError
        When the experiment cannot race.
    """
    from initbench.analysis.racing import RaceDesign

    name, seeds, initializers = experiment.name, experiment.seeds, len(experiment.choices["initializer"])
    if seeds != tuple(range(len(seeds))):
        listed = ", ".join(map(str, seeds[:5])) + (", ..." if len(seeds) > 5 else "")
        hint = "give a count, for example: --seeds 5"
        raise UsageError(f"{name}: seeds lists the ids [{listed}], and a race adds the seeds 0, 1, 2 ...; {hint}")
    if max_seeds < max(2, len(seeds)):
        hint = f"a round is {len(seeds)}, so for example: --max-seeds {6 * len(seeds)}"
        raise UsageError(f"{name}: {max_seeds} seeds at most are too few for a race; {hint}")
    if initializers < 2:
        hint = "for example: -s 'initializer=[he_normal, orthogonal]'"
        raise UsageError(f"{name}: a race needs two initializers or more; {hint}")
    if margin is not None and not 0 < margin < 1:
        raise UsageError(f"{name}: the margin is {margin} and must lie between 0 and 1, for example: margin=0.005")
    settings = experiment.size // (len(seeds) * initializers)
    return RaceDesign(len(seeds), max_seeds, initializers, settings, margin)


def run_race(
    runner: Runner,
    experiment: Experiment,
    outcome: Outcome,
    design: RaceDesign,
    choose: Choose = tuple,
    tune: Tune | None = None,
) -> None:
    """Train a round of seeds after the other, until no setting needs a further one.

    Parameters
    ----------
    runner : Runner
        With ``fail_fast`` a failed cell ends the race.
    experiment : Experiment
        With the seeds of a round.
    outcome : Outcome
    design : RaceDesign
    choose : callable ``(cells) -> cells``, default all
        Which cells of the product of all lists × seeds the experiment has.
    tune : callable ``(seeds) -> choose``, optional
        Of an experiment that tunes keys: tunes them for the seeds up to a round, the second or a later one; None ends
        the race.
    """
    from initbench.analysis.racing import race_table
    from initbench.analysis.tuning import known

    needed: dict[Setting, int] = {}
    whole, settled = with_seeds(experiment, design.max_seeds), Settled(experiment, asdict(design))
    for look in range(1, design.looks + 1):
        if tune and look > 1:
            chosen = tune(whole.seeds[: design.seeds_at(look)])
            if chosen is None:
                return
            choose = chosen
        cells = partial(racing_cells, choose=choose, needed=needed, round_seeds=design.round_seeds)
        runner.train([Request(whole, cells)], outcome, settled)
        with Store(outcome.folder) as store:
            frames = store.frames()
        is_complete = not outcome.counts["missing"]
        race = race_table(frames.runs, frames.baselines, frames.factors, design, is_complete=is_complete)
        runner.options.progress.decide(look, design.seeds_at(look), race.decisions, race.standings)
        if race.is_over or (runner.options.fail_fast and outcome.counts["failed"]):
            return
        standings = race.standings[[*frames.factors, "seeds"]].itertuples(index=False, name=None)
        needed = {tuple(map(known, setting)): seeds for *setting, seeds in standings}


def with_seeds(experiment: Experiment, count: int) -> Experiment:
    """The experiment with the seeds from 0 on."""
    return replace(experiment, seeds=tuple(range(count)))


def racing_cells(
    cells: tuple[Cell, ...], needed: Mapping[Setting, int], round_seeds: int, choose: Choose = tuple
) -> tuple[Cell, ...]:
    """The cells that a race needs so far.

    Parameters
    ----------
    cells : tuple of Cell
        Of all seeds that there may be.
    needed : mapping of tuple to int
        How many seeds each initializer needs in each setting, by the values of the factors; those that are not in it
        need the first round.
    round_seeds : int
    choose : callable ``(cells) -> cells``, default all
        Which of them the experiment has.
    """
    return tuple(
        cell for cell in choose(cells) if cell.seed < needed.get(tuple(v for _, v in cell.factors), round_seeds)
    )

"""Runs an experiment from Python and from the command line: reads its config, trains what is missing, writes tables."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from initbench.config import Experiment, find_config, read_experiment
from initbench.config.experiment import tuning_seeds
from initbench.errors import FailedCells, InitbenchError, UsageError
from initbench.parts.datasets.places import data_folders
from initbench.plan import Cell, choose_tuned
from initbench.process import is_imported_by_worker
from initbench.results.files import write_manifest, write_tables
from initbench.results.summary import are_written, hash_of, keep_summary
from initbench.results.tables import Results, open_results
from initbench.storage.folders import TUNING, holds_claims
from initbench.storage.lock import Lock
from initbench.training.race import MAX_SEEDS, design_race, run_race
from initbench.training.runner import Choose, Outcome, Progress, Request, Runner, RunOptions, Settled

if TYPE_CHECKING:
    from initbench.analysis.racing import RaceDesign


def run(
    config: str | Path,
    *,
    results: str | Path = "results",
    jobs: int = 1,
    changes: Sequence[str] = (),
    data_dir: str | Path | None = None,
    fresh: bool = False,
    fail_fast: bool = False,
    progress: Progress | None = None,
    scheduler: str | None = None,
    until_decided: bool = False,
    margin: float | None = None,
    max_seeds: int = MAX_SEEDS,
) -> Results:
    """Train every cell of a config that is not in the results yet, and write the tables.

    Parameters
    ----------
    config : str or Path
        A file, or the bare name of a bundled config.
    results : str or Path, default "results"
        The root under which the experiment has its folder.
    jobs : int, default 1
        Worker processes. They import the calling script only if it registers parts of its own, which it must then do
        outside of ``if __name__ == "__main__":``, and all else under it.
    changes : sequence of str
        ``KEY=VALUE`` each, as ``--set`` takes them.
    data_dir : str or Path, optional
        A folder to look for data files in.
    fresh : bool, default False
        Whether to forget earlier results of this experiment.
    fail_fast : bool, default False
        Whether to stop at the first cell that fails.
    progress : Progress, optional
    scheduler : str, optional
        Address of a Dask scheduler, whose workers train in place of processes of this machine.
    until_decided : bool, default False
        Whether to add seeds in rounds of as many as the config has, dropping initializers that are shown to be worse,
        until one is left in each setting.
    margin : float, optional
        A race also ends when the test accuracies of all that are left differ by less than this fraction.
    max_seeds : int, default 30
        A race ends at so many seeds, decided or not.

    Returns
    -------
    Results

    Warns
    -----
    FailedCells
        When cells failed, with the first reason. Not with ``progress``, which is given every record.

    Raises
    ------
    ConfigError
        With every fault of the config.
    InitbenchError
        When data or results cannot be used. An interruption passes through; tables of what has finished are written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     smoke = run("smoke", results=folder, changes=["epochs=1", "seeds=1"])
    >>> sorted(smoke.runs["initializer"])
    ['he_normal', 'zeros']
    """
    if jobs > 1 and is_imported_by_worker():
        sys.exit(1)  # a script that registers parts and has no guard: what started the worker goes on without it
    if not isinstance(config, str | Path):
        raise UsageError(f"run takes a path or the name of a bundled config, such as 'relu_deep': got {config!r:.60}")
    folders = data_folders(Path(data_dir) if data_dir else None)
    reserve = max_seeds if until_decided else None
    experiment = read_experiment(find_config(str(config)), changes, folders, reserve)
    design = design_race(experiment, max_seeds, margin) if until_decided else None
    options = RunOptions(jobs, folders, fresh, fail_fast, progress or Progress(), scheduler)
    found = train(experiment, Path(results), options, design).read()
    if found.failure and progress is None:
        warnings.warn(found.failure, FailedCells, stacklevel=2)
    return found


def train(experiment: Experiment, results: Path, options: RunOptions, design: RaceDesign | None = None) -> Results:
    """Train every cell of an experiment that is not in the results yet, and write the tables.

    Parameters
    ----------
    experiment : Experiment
        For a race, with the seeds of a round; read with a reserve of all seeds that there may be.
    results : Path
        The root under which it has its folder.
    options : RunOptions
    design : RaceDesign, optional
        Of a race; see `initbench.training.race.design_race`.

    Returns
    -------
    Results
        Of the tuning, where cells of that are missing, or one failed and ``fail_fast`` is set.

    Raises
    ------
    InitbenchError
        As `run`.
    """
    folder, started = results / experiment.name, time.time()
    if holds_claims(folder):
        raise UsageError(f"{folder} holds claims; give the config another name, or its results another folder")
    with Runner(options) as runner:

        def tune(some: Experiment) -> Results:
            cells, settled = [Request(some.tuning)], Settled(experiment.tuning)
            return _write_when_trained(runner, folder / TUNING, started, partial(runner.train, cells, settled=settled))

        def tune_round(seeds: tuple[int, ...]) -> Choose | None:
            some = replace(experiment, seeds=seeds)
            found = tune(some)
            return None if options.fail_fast and found.counts["failed"] else partial(_at_chosen_values, found, some)

        choose: Choose = tuple
        if experiment.tuned:
            tried = tune(experiment)
            if tried.counts["missing"] or (options.fail_fast and tried.counts["failed"]):
                return tried
            choose = partial(_at_chosen_values, tried, experiment)
        train_cells: Callable[[Outcome], object]
        if design is None:
            train_cells = partial(runner.train, [Request(experiment, choose)], settled=Settled(experiment))
        else:
            tune_or_not = tune_round if experiment.tuned else None
            train_cells = partial(run_race, runner, experiment, design=design, choose=choose, tune=tune_or_not)
        return _write_when_trained(runner, folder, started, train_cells)


def _write_when_trained(
    runner: Runner, folder: Path, started: float, train_cells: Callable[[Outcome], object]
) -> Results:
    """Train into a folder and write its tables, also when interrupted."""
    with Lock(folder) as lock, (outcome := Outcome(lock, started=started)).explain_interrupt():
        try:
            train_cells(outcome)
        except BaseException:
            with suppress(InitbenchError):  # the first error is the one to report
                if outcome.counts:
                    _write_results(outcome, runner.options.jobs)
            raise
        with runner.options.progress.working("writing tables"):
            return _write_results(outcome, runner.options.jobs)


def _write_results(outcome: Outcome, jobs: int) -> Results:
    found = open_results(outcome.folder)
    if outcome.trained or not are_written(found):  # equal cells take other times
        found.read()
        keep_summary(found, {name: hash_of(found.folder / name) for name in write_tables(found)})
    write_manifest(outcome, jobs)
    return found


def _at_chosen_values(tried: Results, experiment: Experiment, cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """The cells of a plan at the values that each seed of an experiment chooses."""
    from initbench.analysis.tuning import choices_table, chosen_values

    frames, tuned = tried.frames, experiment.tuned
    by_seed = tuning_seeds(experiment.seeds, experiment.tuning_count)
    choices = choices_table(frames.runs, frames.baselines, frames.factors, tuned, by_seed)
    chosen = choose_tuned(cells, tuned, *chosen_values(choices))
    if not chosen:
        reason = next(iter(frames.runs["error"].dropna()), "")
        raise InitbenchError(f"no value of {' and '.join(tuned)} could be chosen, a cell failed at each: {reason}")
    return chosen

"""Results of an experiment as tables, and the files that they are written to."""

from __future__ import annotations

import io
import json
import platform
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from initbench.config import Experiment, find_config, read_experiment
from initbench.config.experiment import tuning_seeds
from initbench.config.located import locate
from initbench.data import data_folders
from initbench.errors import FailedCells, InitbenchError, StoreError, UsageError, command_line
from initbench.freshness import figures_in, has_probe, tables_mark
from initbench.plan import TUNED, Cell, choose_tuned
from initbench.race import MAX_SEEDS, design_race, run_race
from initbench.runner import Choose, Outcome, Progress, run_experiment
from initbench.store import TUNING, Frames, Lock, Store, results_nearby, write_aside, write_text
from initbench.surroundings import is_imported_by_worker, usable_cores

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from initbench.analysis.racing import Design, Race
    from initbench.analysis.ranks import Ranking, Scores
    from initbench.present.report import Chapter

CLAIMS = "claims.csv"  # the verdicts on claims
PLANNED = "planned.json"  # the file that marks a folder of claims


class Results:
    """The tables of one experiment.

    Attributes
    ----------
    folder : Path
    runs, curves, accuracy, comparison : pandas.DataFrame
        With the columns of ``runs.csv``, ``curves.csv``, ``accuracy.csv`` and ``comparison.csv``.
    evidence : pandas.DataFrame
        ``comparison`` and what stands behind it, with a sentence a pair; see
        `initbench.analysis.comparisons.comparison_table`.
    layers : pandas.DataFrame
        With the columns of ``layers.csv``, and ``distance``, that of the weights from their start over the norm of
        these; empty where no layers were recorded.
    histograms : pandas.DataFrame
        Of the first seed: factors, ``seed, cell, epoch, layer, quantity`` (``activation`` or ``gradient``), ``limit``
        and ``counts`` in 41 bins of equal width from minus to plus the limit.
    predictors : pandas.DataFrame
        With the columns of ``predictors.csv``.
    decisions : pandas.DataFrame
        With the columns of ``decisions.csv``; empty where nothing raced or nothing is decided yet.
    race : initbench.analysis.racing.Race or None
        Its decisions and how it stands, of a run until decided.
    design : initbench.analysis.racing.Design or None
        What was settled before that race began.
    ranking : initbench.analysis.ranks.Ranking
        The initializers over all settings: ``ranking.table`` with the columns of ``ranks.csv``, and
        ``ranking.profiles``; empty where there are fewer than two settings or initializers.
    tuning, choices, tried : pandas.DataFrame
        With the columns of ``tuning.csv``, ``choices.csv`` and ``tried.csv``: how often each value of a tuned key was
        chosen, what each seed has chosen, and what each value that was tried gave; empty where nothing was tuned.
    tuning_results : Results or None
        Of the experiment that tuned, ``results/<name>/tuning``.
    tuning_count : int or None
        How many tuning seeds each seed has; None where nothing was tuned, or one choice was made for all seeds, as
        initbench once did.
    mark : str
        Of what the tables show; see `initbench.freshness`.
    """

    def __init__(
        self,
        folder: Path,
        frames: Frames,
        layers: tuple[pd.DataFrame, pd.DataFrame],
        target: float | None,
        counts: dict[str, int],
        design: Design | None = None,
        tuned: Sequence[str] = (),
        tuning_count: int | None = None,
        mark: str = "",
    ) -> None:
        self.folder, self.frames, self.target, self.counts = folder, frames, target, counts
        self.design, self.tuned, self.tuning_count, self.mark = design, tuned, tuning_count, mark
        self.runs, self.curves = frames.runs, frames.curves
        self.layers, self.histograms = layers

    @property
    def caption(self) -> str:
        """The warning above a table of incomplete results; empty for complete ones."""
        lacking = self.counts["missing"] + self.counts["failed"]
        planned = self.counts["planned"]
        return f"incomplete: {planned - lacking} of {planned} cells are done" if lacking else ""

    @property
    def failure(self) -> str:
        """How many cells failed, tuning included, and why the first did; empty where none did."""
        tuning = self.tuning_results if (self.folder / TUNING / "runs.sqlite").is_file() else None
        errors = [error for part in (tuning, self) if part for error in part.runs["error"].dropna()]
        look = f"all reasons: {command_line('status', self.folder)}"
        return f"{len(errors)} cells failed: {errors[0]} ({look})" if errors else ""

    @cached_property
    def accuracy(self) -> pd.DataFrame:
        """A row an initializer and setting, best first."""
        from initbench.analysis.summaries import accuracy_table

        frames = self.frames
        return accuracy_table(frames.runs, frames.curves, frames.baselines, frames.factors, self.target)

    @property
    def comparison(self) -> pd.DataFrame:
        """A row a pair of initializers within a setting."""
        from initbench.analysis.comparisons import DETAILS

        return self.evidence.drop(columns=[*DETAILS, "sentence"])

    @cached_property
    def evidence(self) -> pd.DataFrame:
        """The comparison with effect sizes, how many trained, the noise of the test rows, and a sentence a pair."""
        return self.compare()

    def compare(self, margin: float | None = None) -> pd.DataFrame:
        """The evidence, where a pair whose difference surely lies within the margin (a fraction) is ``equivalent``."""
        from initbench.analysis.comparisons import comparison_table
        from initbench.present.labels import settings, swept
        from initbench.present.sentences import pair_sentence

        table = comparison_table(self.frames.runs, self.frames.baselines, self.frames.factors, margin)
        where = settings(table, swept(table, [factor for factor in self.frames.factors if factor != "initializer"]))
        sentences = [pair_sentence(row) for row in table.to_dict("records")]
        told = [f"{name}: {sentence}" if name else sentence for name, sentence in zip(where, sentences, strict=True)]
        return table.assign(sentence=told)

    def conclude(self, evidence: pd.DataFrame) -> list[str]:
        """What each setting ends with, a sentence each: by the evidence that `compare` gives, or as its race ended."""
        from initbench.present.races import race_sentences
        from initbench.present.sentences import setting_sentences

        if self.race and self.design:  # its claims hold under repeated looks, which the evidence knows nothing of
            return race_sentences(*self.race[:2], self.design.max_seeds, self.design.margin)
        return setting_sentences(evidence, self.accuracy, self.frames.factors)

    @cached_property
    def race(self) -> Race | None:
        """Its decisions and how it stands, of a run until decided."""
        from initbench.analysis.racing import race_table

        if self.design is None:
            return None
        frames, is_complete = self.frames, not self.counts["missing"]
        return race_table(frames.runs, frames.baselines, frames.factors, self.design, is_complete=is_complete)

    @property
    def decisions(self) -> pd.DataFrame:
        """A row a claim of a race."""
        import pandas as pd

        return self.race.decisions if self.race else pd.DataFrame()

    @cached_property
    def ranking(self) -> Ranking:
        """The initializers over all settings: ranks, interquartile means, performance profiles."""
        from initbench.analysis.ranks import ranking

        return ranking(self.runs_to_rank, self.frames.baselines, self.frames.factors)

    @cached_property
    def scores(self) -> Scores:
        """The scores of the settings that count, as `write_export` writes them for other programs."""
        from initbench.analysis.ranks import scores_for_others

        return scores_for_others(self.runs_to_rank, self.frames.baselines, self.frames.factors)

    @property
    def runs_to_rank(self) -> pd.DataFrame:
        """The runs without those at common values of tuned keys, whose settings are the same as the tuned ones."""
        runs = self.runs
        for key in self.tuned:
            runs = runs[runs[key] == TUNED]
        return runs

    @cached_property
    def predictors(self) -> pd.DataFrame:
        """A row a diagnostic of the start and an outcome: how well the one ranks the cells by the other."""
        from initbench.analysis.predictors import predictor_table, step_zero

        frames = self.frames
        diagnostics = step_zero(self.layers, frames.curves)
        return predictor_table(diagnostics, frames.runs, frames.baselines, frames.factors, self._probed())

    @cached_property
    def tuning_results(self) -> Results | None:
        """What the tuned keys were chosen by."""
        return load(self.folder / TUNING) if self.tuned else None

    @cached_property
    def tried(self) -> pd.DataFrame:
        """A row an initializer, setting and combination of tuned values."""
        import pandas as pd

        from initbench.analysis.tuning import tried_table

        if self.tuning_results is None:
            return pd.DataFrame()
        frames = self.tuning_results.frames
        return tried_table(frames.runs, frames.baselines, frames.factors)

    @cached_property
    def choices(self) -> pd.DataFrame:
        """A row an initializer, setting, tuned key and seed."""
        import pandas as pd

        from initbench.analysis.tuning import choices_table

        if self.tuning_results is None:
            return pd.DataFrame()
        frames, seeds = self.tuning_results.frames, self.runs["seed"].unique().tolist()
        if self.tuning_count is None:
            by_seed = dict.fromkeys(seeds, tuple(frames.runs["seed"].unique().tolist()))
        else:
            by_seed = tuning_seeds(seeds, self.tuning_count)
        return choices_table(frames.runs, frames.baselines, frames.factors, self.tuned, by_seed)

    @cached_property
    def tuning(self) -> pd.DataFrame:
        """A row an initializer, setting and tuned key."""
        from initbench.analysis.tuning import how_often, tuning_table
        from initbench.present.tuning import add_words

        if self.tuning_results is None:
            return self.tried
        table = tuning_table(self.choices, self.tried, self.tuning_results.frames.factors, self.tuned)
        return add_words(table, how_often(self.choices, "tuned"), how_often(self.choices, "common"))

    def _probed(self) -> pd.DataFrame | None:
        """What ``initbench probe`` adds to the diagnostics, if it has looked at this plan: Jacobians of its cells."""
        import pandas as pd

        file = self.folder / "probe.json"
        if not file.is_file():
            return None
        names = ["jacobian_mean_square", "jacobian_relative_variance", "jacobian_condition"]
        try:
            networks = json.loads(file.read_text(encoding="utf-8"))["networks"]
            probed = pd.DataFrame(networks, columns=["cell", *names]).drop_duplicates("cell")
            probed = probed[probed["cell"].isin(self.runs["cell"])].astype(dict.fromkeys(names, float))
            return probed if has_probe(self.folder) else None
        except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
            raise StoreError(f"{file}: not as initbench probe writes it ({error}); run that again") from None

    def __repr__(self) -> str:
        return f"<initbench.Results {str(self.folder)!r}: {len(self.runs)} cells>"


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
    started, folders = time.time(), data_folders(Path(data_dir) if data_dir else None)
    experiment = read_experiment(find_config(str(config)), changes, folders)
    folder = Path(results) / experiment.name
    if holds_claims(folder):
        raise UsageError(f"{folder} holds claims; give the config another name, or its results another folder")
    train = partial(
        _train,
        started=started,
        jobs=jobs,
        folders=folders,
        fresh=fresh,
        fail_fast=fail_fast,
        progress=progress,
        scheduler=scheduler,
    )
    train_cells: Callable[..., None] = run_experiment
    if until_decided:
        design = design_race(experiment, max_seeds, margin)
        whole = read_experiment(find_config(str(config)), (*changes, f"seeds={max_seeds}"), folders)

        def tune(seeds: tuple[int, ...]) -> Choose | None:
            some = replace(whole, seeds=seeds)
            found = train(some.tuning, folder / TUNING, partial(run_experiment, first=experiment.tuning), fresh=False)
            return None if fail_fast and found.counts["failed"] else partial(_at_chosen_values, found, some)

        train_cells = partial(run_race, whole=whole, design=design, tune=tune if experiment.tuned else None)
    choose: Choose = tuple
    if experiment.tuned:
        tried = train(experiment.tuning, folder / TUNING)
        if tried.counts["missing"] or (fail_fast and tried.counts["failed"]):
            if tried.failure and progress is None:
                warnings.warn(tried.failure, FailedCells, stacklevel=2)
            return tried
        choose = partial(_at_chosen_values, tried, experiment)
    found = train(experiment, folder, train_cells, choose=choose)
    if found.failure and progress is None:
        warnings.warn(found.failure, FailedCells, stacklevel=2)
    return found


def _train(
    experiment: Experiment,
    folder: Path,
    train_cells: Callable[..., None] = run_experiment,
    *,
    started: float,
    jobs: int,
    **options: Any,
) -> Results:
    """Train what is missing of an experiment and write its tables, also when interrupted."""
    with Lock(folder) as lock, (outcome := Outcome(lock, started=started)).explain_interrupt():
        try:
            train_cells(experiment, outcome, jobs=jobs, **options)
        except BaseException:
            with suppress(InitbenchError):  # the first error is the one to report
                if outcome.counts:
                    _write_results(outcome, jobs)
            raise
        with (options["progress"] or Progress()).working("writing tables"):
            return _write_results(outcome, jobs)


def _write_results(outcome: Outcome, jobs: int) -> Results:
    found = load(outcome.folder)
    write_tables(found)
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


def load(path: str | Path) -> Results:
    """Read the results of an experiment.

    Parameters
    ----------
    path : str or Path
        ``results/<name>``.

    Returns
    -------
    Results

    Raises
    ------
    StoreError
        When there are none.
    """
    folder = Path(path)
    with Store(folder) as store:
        mark = tables_mark(folder)  # first, so that what a run adds meanwhile leaves it behind
        frames, layers = store.frames(), store.layers()
        target, race, tuned = (json.loads(store.about(key) or "null") for key in ("target", "race", "tuned"))
        design = None
        if race:
            from initbench.analysis.racing import Design

            design = Design(**race)
        # Stores from before each seed tuned for itself hold a list of the keys.
        count = next(iter(tuned.values()), None) if isinstance(tuned, dict) else None
        return Results(folder, frames, layers, target, store.counts(), design, tuple(tuned or ()), count, mark)


def holds_claims(folder: Path) -> bool:
    """Whether a folder is one of claims, or lies in one."""
    return any((place / PLANNED).exists() for place in (folder, folder.parent))


def experiments_below(path: str | Path, *, with_claims: bool = False) -> list[Path]:
    """The folders of results at ``path`` or below it, sorted; those of claims are none unless asked for.

    Raises
    ------
    StoreError
        When there are none.
    """
    all_of_them = sorted(file.parent for file in Path(path).rglob("runs.sqlite"))
    found = [folder for folder in all_of_them if with_claims or not holds_claims(folder)]
    if all_of_them and not found:
        folder = all_of_them[0] if (all_of_them[0] / PLANNED).exists() else all_of_them[0].parent
        is_over = (folder / CLAIMS).exists()
        look = f"to look at them: {command_line('report', folder)}" if is_over else "to end them: initbench claims run"
        raise StoreError(f"{folder} holds claims, not an experiment; {look}")
    if not found:
        raise StoreError(f"no results in {path} or below it; {results_nearby(Path(path))}")
    return found


def write_tables(results: Results) -> None:
    """Write ``runs.csv``, ``curves.csv``, ``accuracy.csv``, ``accuracy.md`` and ``comparison.csv``.

    Where layers were recorded also ``layers.csv`` and ``predictors.csv``, with two settings or more ``ranks.csv``, of a
    race ``decisions.csv``, where keys were tuned ``tuning.csv``, ``choices.csv`` and ``tried.csv``; else those of an
    earlier run are removed.
    """
    from initbench.present.tables import csv_text, render_table

    tables = {name: getattr(results, name) for name in ("runs", "curves", "accuracy", "comparison")}
    if not results.layers.empty:
        tables |= {"layers": results.layers.drop(columns="distance"), "predictors": results.predictors}
    if not results.ranking.table.empty:
        tables["ranks"] = results.ranking.table
    if results.race:
        tables["decisions"] = results.decisions
    if results.tuned:
        tables |= {"tuning": results.tuning, "choices": results.choices, "tried": results.tried}
    for name in ("layers", "predictors", "ranks", "decisions", "tuning", "choices", "tried"):
        if name not in tables:
            (results.folder / f"{name}.csv").unlink(missing_ok=True)
    for name, table in tables.items():
        write_text(results.folder / f"{name}.csv", csv_text(table))
    write_text(results.folder / "accuracy.md", render_table(results.accuracy, "markdown", caption=results.caption))


def draw(results: Results) -> dict[str, Figure]:
    """All figures of an experiment of which a cell has finished, by file name without its suffix."""
    from initbench.analysis.bands import curve_bands
    from initbench.present.figures import draw_figures
    from initbench.present.figures.ranks import rank_figures

    frames = results.frames
    bands = curve_bands(frames.curves, frames.factors)
    figures = draw_figures(frames.runs, results.accuracy, bands, frames.baselines, frames.factors)
    # Accuracies of different data sets are not on one scale.
    scale = "test_accuracy" if frames.runs["dataset"].nunique() == 1 else "score"
    figures |= rank_figures(*results.ranking, scale)
    if not results.layers.empty:
        from initbench.analysis.layers import layer_means
        from initbench.present.figures.layers import layer_figures
        from initbench.present.figures.predictors import predictor_panels

        means = layer_means(results.layers, frames.factors)
        figures |= layer_figures(means, results.histograms, frames.factors)
        figures["predictors"] = predictor_panels(results.predictors)
    if not results.tuning.empty:
        from initbench.analysis.tuning import along, how_often
        from initbench.present.figures.tuning import tuning_figures

        slices = {key: along(key, results.tried, results.tuning) for key in results.tuned}
        often = {choice: how_often(results.choices, choice) for choice in ("tuned", "common")}
        figures |= tuning_figures(slices, often["tuned"], often["common"], frames.factors)
    return figures


def write_figures(results: Results, form: str = "png") -> list[Path]:
    """Draw the figures of an experiment into its folder ``figures/``, in place of earlier ones of that form.

    Those of ``initbench probe`` stay, and so do files that initbench did not write.

    Parameters
    ----------
    results : Results
    form : ``"png"``, ``"svg"`` or ``"pdf"``

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    StoreError
        When no cell has finished, or a file cannot be written.
    """
    from initbench.present.figures import save_figure

    if results.curves.empty:
        raise StoreError(f"{results.folder}: no cell has finished yet, so there is nothing to draw")
    figures = draw(results)
    folder = results.folder / "figures"
    if folder.is_symlink():
        raise StoreError(f"{folder}: is a link; figures are replaced there, so it must be a folder of its own")
    try:
        folder.mkdir(exist_ok=True)
        for name, figure in figures.items():
            with write_aside(folder / f"{name}.{form}") as partial:
                save_figure(figure, partial, results.mark)
        for old in figures_in(results.folder):
            if old.suffix == f".{form}" and old.stem not in figures and not old.name.startswith("probe-"):
                old.unlink()
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error.strerror}") from error
    return [folder / f"{name}.{form}" for name in figures]


def write_export(results: Results, folder: Path) -> list[Path]:
    """Write the scores of an experiment in the forms that other programs read to rank initializers.

    Parameters
    ----------
    results : Results
    folder : Path
        Is made if it is not there.

    Returns
    -------
    list of Path
        ``scores.csv`` and ``settings.csv``: the table and the blocks of `initbench.analysis.ranks.Scores`;
        ``scores.npz``: its arrays.

    Raises
    ------
    StoreError
        When there is no setting in which every initializer has a seed that finished, an initializer has no seed that
        finished in all of those, or a file cannot be written.
    """
    import numpy as np

    from initbench.present.tables import csv_text

    if results.runs.empty:
        raise StoreError(f"{results.folder}: no cell has finished yet, so there is nothing to export")
    found = results.scores
    ours = command_line("run", results.folder / "config.yaml", "-o", results.folder.parent)
    again = f"to fill it in: {'initbench claims run' if holds_claims(results.folder) else ours}"
    if found.table.empty:
        raise StoreError(f"{results.folder}: no setting has a finished seed of every initializer; {again}")
    for name, array in found.arrays.items():
        if not len(array):
            raise StoreError(f"{results.folder}: no seed of {name} has finished in every setting; {again}")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as arrays:  # as numpy.savez, which has no room for an initializer named "file"
        for name, array in found.arrays.items():
            with arrays.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, array)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error.strerror}") from error
    with write_aside(folder / "scores.npz") as partial:
        partial.write_bytes(archive.getvalue())
    write_text(folder / "scores.csv", csv_text(found.table))
    write_text(folder / "settings.csv", csv_text(found.blocks))
    return [folder / name for name in ("scores.csv", "settings.csv", "scores.npz")]


def read_below(path: str | Path) -> tuple[list[Results], list[pd.DataFrame]]:
    """What a report of a folder is about: the experiments at it or below it of which a cell was tried, and claims.

    Raises
    ------
    StoreError
        When there is neither.
    """
    claims = sorted(Path(path).rglob(CLAIMS))
    folders = [] if claims and not _has_experiments(path) else experiments_below(path)
    outer = [folder for folder in folders if not set(folder.parents) & set(folders)]  # what lies in one is a part of it
    found = [results for results in map(load, outer) if len(results.runs)]
    if not found and not claims:
        raise StoreError(f"{path}: no cell has finished yet, so there is nothing to report")
    return found, [_read_claims(table) for table in claims]


def write_report(path: str | Path, about: tuple[Sequence[Results], Sequence[pd.DataFrame]] | None = None) -> Path:
    """Write ``report.html`` into a folder, about the experiment or the claims in it, or all of them below it.

    Parameters
    ----------
    path : str or Path
        ``results/<name>``, or a folder of such folders; those of which no cell was tried yet are left out.
    about : tuple, optional
        From `read_below`, where that is known already.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    StoreError
        When no cell was tried yet, or the file cannot be written.
    """
    from initbench.present.report import render_report

    found, claims = about or read_below(path)
    file, marks = Path(path) / "report.html", [results.mark for results in found]
    write_text(file, render_report(list(map(_chapter, found)), Path(path).resolve().name, claims, marks))
    return file


def _has_experiments(path: str | Path) -> bool:
    return any(not holds_claims(file.parent) for file in Path(path).rglob("runs.sqlite"))


def _read_claims(file: Path) -> pd.DataFrame:
    """The table of claims, as a run of them has left it."""
    import pandas as pd

    from initbench.present.claims import READ, VERDICTS
    from initbench.present.figures.claims import REGIONS

    try:
        numbers = ("effect", "low", "high", "p_adjusted", "bound")
        table = pd.read_csv(file, keep_default_na=False, na_values={name: [""] for name in numbers})
        table = table[[*READ]].astype(dict.fromkeys(numbers, float))
        if not (set(table["verdict"]) <= set(VERDICTS) and set(table["rule"]) <= set(REGIONS)):
            raise ValueError("it has other verdicts or rules")
        return table
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(f"{file}: not as initbench claims run writes it ({error}); run that again") from None


def _chapter(results: Results) -> Chapter:
    """The content of the report about an experiment."""
    from initbench.analysis.bands import curve_bands
    from initbench.analysis.layers import layer_means
    from initbench.present.report import Chapter

    frames = results.frames
    config, manifest = (_beside(results, name) for name in ("config.yaml", "manifest.json"))
    has_layers = not results.layers.empty
    return Chapter(
        name=results.folder.resolve().name,
        description=_description(config, results.folder / "config.yaml"),
        caption=results.caption,
        verdict=results.conclude(results.evidence),
        factors=frames.factors,
        runs=frames.runs,
        accuracy=results.accuracy,
        evidence=results.evidence,
        bands=curve_bands(frames.curves, frames.factors),
        baselines=frames.baselines,
        layers=layer_means(results.layers, frames.factors) if has_layers else results.layers,
        tables={
            "tuning": results.tuning,
            "ranking": results.ranking.table,
            "decisions": results.decisions,
            **({"predictors": results.predictors} if has_layers else {}),
        },
        figures={} if frames.curves.empty else draw(results),
        counts=results.counts,
        config=config,
        manifest=_manifest(manifest, results.folder / "manifest.json"),
    )


def _description(config: str, file: Path) -> str:
    """The description that a resolved config holds."""
    pairs = locate(config, str(file), []).pairs or []
    return next((value.written for key, value in pairs if key.data == "description"), "")


def _manifest(text: str, file: Path) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise StoreError(f"{file}: not as initbench run writes it; run that again")
    return found


def _beside(results: Results, name: str) -> str:
    """What a file of an experiment holds; nothing if someone has taken it away."""
    file = results.folder / name
    try:
        return file.read_text(encoding="utf-8") if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{file}: cannot be read: {error}") from error


def write_manifest(outcome: Outcome, jobs: int) -> None:
    """Write ``manifest.json``: versions, platform, data and command that the numbers come from."""
    from threadpoolctl import threadpool_info

    def moment(seconds: float) -> str:
        return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")

    times = {
        "start": moment(outcome.started),
        "end": moment(outcome.ended),
        "wall_seconds": round(outcome.ended - outcome.started, 3),
    }
    file = outcome.folder / "manifest.json"
    if not outcome.trained:  # the numbers come from an earlier run
        with suppress(OSError, UnicodeDecodeError, StoreError):
            before = _manifest(file.read_text(encoding="utf-8"), file)
            times = {key: before.get(key, value) for key, value in times.items()}
    manifest = {
        "initbench": version("initbench"),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("numpy", "scipy", "pandas", "scikit-learn", "matplotlib")},
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": usable_cores(),
        "blas": [
            {key: info.get(key) for key in ("internal_api", "version", "architecture")}
            for info in threadpool_info()
            if info.get("user_api") == "blas"
        ],
        "threads_per_worker": 1,
        "jobs": jobs,
        "data": outcome.checksums,
        "git_commit": _git_commit(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        **times,
        "cells": outcome.counts,
        "cells_trained_now": outcome.trained,
    }
    write_text(file, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def _git_commit() -> str | None:
    """The commit of the folder that the command runs in, if it is a checkout."""
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()

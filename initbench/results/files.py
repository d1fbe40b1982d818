"""The files that results are written to: tables, figures, arrays for other programs, the manifest."""

from __future__ import annotations

import io
import json
import platform
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from initbench.errors import StoreError, command_line
from initbench.process import usable_cores
from initbench.storage.files import write_aside, write_text
from initbench.storage.freshness import figures_in
from initbench.training.runner import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

from initbench.results.tables import Results
from initbench.storage.folders import holds_claims


def write_tables(results: Results) -> list[str]:
    """Write ``runs.csv``, ``curves.csv``, ``accuracy.csv``, ``accuracy.md`` and ``comparison.csv``.

    Where layers were recorded also ``layers.csv`` and ``predictors.csv``, with two settings or more ``ranks.csv``, of a
    race ``decisions.csv``, where keys were tuned ``tuning.csv``, ``choices.csv`` and ``tried.csv``; else those of an
    earlier run are removed.

    Returns
    -------
    list of str
        The names of the files.
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
    return [*(f"{name}.csv" for name in tables), "accuracy.md"]


def figures_of(results: Results) -> dict[str, Figure]:
    """All figures of an experiment of which a cell has finished, by file name without its suffix."""
    from initbench.analysis.bands import curve_bands
    from initbench.present.figures import experiment_figures
    from initbench.present.figures.ranks import rank_figures

    frames = results.frames
    bands = curve_bands(frames.curves, frames.factors)
    figures = experiment_figures(frames.runs, results.accuracy, bands, frames.baselines, frames.factors)
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
    if results.curves.empty:
        raise StoreError(f"{results.folder}: no cell has finished yet, so there is nothing to draw")
    figures = figures_of(results)
    return save_figures(results.folder, figures, form, results.mark, lambda name: not name.startswith("probe-"))


def save_figures(
    results: Path,
    figures: Mapping[str, Figure],
    form: str = "png",
    mark: str = "",
    is_replaced: Callable[[str], bool] = lambda name: False,
) -> list[Path]:
    """Write figures into the folder ``figures/`` of results.

    Parameters
    ----------
    results : Path
    figures : mapping of str to Figure
        By file name without its suffix.
    form : ``"png"``, ``"svg"`` or ``"pdf"``
    mark : str
        What the files say of where they come from; see `initbench.storage.freshness`.
    is_replaced : callable ``(name) -> bool``
        Which marked files of that form make way for these; a user's own have no mark.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    StoreError
        When a file cannot be written.
    """
    from initbench.present.figures import save_figure

    folder = results / "figures"
    if folder.is_symlink():
        raise StoreError(f"{folder}: is a link; figures are replaced there, so it must be a folder of its own")
    try:
        folder.mkdir(exist_ok=True)
        for name, figure in figures.items():
            with write_aside(folder / f"{name}.{form}") as partial:
                save_figure(figure, partial, mark)
        for old in figures_in(results):
            if old.suffix == f".{form}" and old.stem not in figures and is_replaced(old.name):
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


def read_manifest(text: str, file: Path) -> dict[str, Any]:
    """What a manifest says; nothing where it is empty."""
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise StoreError(f"{file}: not as initbench run writes it; run that again")
    return found


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
            before = read_manifest(file.read_text(encoding="utf-8"), file)
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

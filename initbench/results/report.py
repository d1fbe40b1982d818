"""The report of an experiment, or of all below a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from initbench.config.located import locate
from initbench.errors import StoreError
from initbench.storage.files import write_text

if TYPE_CHECKING:
    from initbench.present.report import Appendix, Chapter
from initbench.results.files import figures_of, read_manifest
from initbench.results.tables import Results, load
from initbench.storage.folders import experiments_below


def finished_below(path: str | Path) -> list[Results]:
    """The experiments at a folder or below it of which a cell was tried; one in the folder of another is a part of it.

    Raises
    ------
    StoreError
        When there are no experiments.
    """
    folders = experiments_below(path)
    outer = [folder for folder in folders if not set(folder.parents) & set(folders)]
    return [results for results in map(load, outer) if len(results.runs)]


def write_report(path: str | Path, experiments: Sequence[Results], appendices: Sequence[Appendix] = ()) -> Path:
    """Write ``report.html`` into a folder.

    Parameters
    ----------
    path : str or Path
        ``results/<name>``, or a folder of such folders.
    experiments : sequence of Results
        A chapter each.
    appendices : sequence of Appendix
        What stands behind the chapters.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    from initbench.present.report import render_report

    file, marks = Path(path) / "report.html", [results.mark for results in experiments]
    write_text(file, render_report(list(map(_chapter, experiments)), Path(path).resolve().name, appendices, marks))
    return file


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
        figures={} if frames.curves.empty else figures_of(results),
        counts=results.counts,
        config=config,
        manifest=read_manifest(manifest, results.folder / "manifest.json"),
    )


def _description(config: str, file: Path) -> str:
    """The description that a resolved config holds."""
    pairs = locate(config, str(file), []).pairs or []
    return next((value.written for key, value in pairs if key.data == "description"), "")


def _beside(results: Results, name: str) -> str:
    """What a file of an experiment holds; nothing if someone has taken it away."""
    file = results.folder / name
    try:
        return file.read_text(encoding="utf-8") if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{file}: cannot be read: {error}") from error

"""``initbench probe``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from initbench.cli import options

if TYPE_CHECKING:
    from initbench.probing import Probe

EPILOG = """\b
Examples:
  initbench probe relu_deep
  initbench probe relu_deep -s 'initializer=[he_normal, glorot_normal, orthogonal]' -s depth=50
  initbench probe tanh_deep --seeds 20 --format json
"""


@click.command(epilog=EPILOG)
@options.config_argument("config", "CONFIG")
@click.option(
    "-o", "--results", default="results", type=click.Path(path_type=Path), help="Folder to write to. [results]"
)
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Threads. [all cores]")
@options.changes
@options.seeds
@options.data_dir
@options.plugin
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing.")
def probe(
    config: str,
    results: Path,
    jobs: int | None,
    changes: tuple[str, ...],
    seeds: str | None,
    data_dir: Path | None,
    plugins: tuple[str, ...],
    form: str,
    quiet: bool,
) -> None:
    """Measure signals and gradients in the networks of CONFIG before training.

    CONFIG is a file, or the name of a bundled config. Nothing is trained: one batch passes forward and backward
    through each network, each seed is one draw, and each setting gets a verdict. Writes probe.csv, probe.json and
    figures.
    """
    from initbench.cli.progress import ProgressBar
    from initbench.cli.reading import note_if_empty, read_all
    from initbench.parts.datasets.places import data_folders
    from initbench.present.tables import render_table
    from initbench.probing.run import probe_experiment, write_figures
    from initbench.process import usable_cores
    from initbench.registry import load_plugin
    from initbench.training.runner import Progress, RunOptions

    for plugin in plugins:
        load_plugin(plugin)
    if seeds is not None:
        changes = (*changes, f"seeds={seeds}")
    progress = Progress() if quiet else ProgressBar()
    (experiment,) = read_all([config], changes, data_dir, progress)
    if not quiet:
        note_if_empty(config, experiment, changes)
    options = RunOptions(jobs or usable_cores(), data_folders(data_dir), progress=progress)
    found = probe_experiment(experiment, results, options)
    with progress.working("drawing figures"):
        figures = write_figures(found)
    if form == "json" and not quiet:
        click.echo(render_table(found.settings, "json"), nl=False)
    elif not quiet:
        click.echo(describe(found), nl=False)
        click.echo("\n".join(map(str, [found.folder / "probe.csv", found.folder / "probe.json", *figures])))
    if found.failures:
        reason = next(iter(found.failures.values()))
        click.echo(f"initbench: {len(found.failures)} cells failed: {reason}", err=True)
        click.get_current_context().exit(3)


def describe(found: Probe) -> str:
    """The verdicts, one line per setting; what all of them have in common stands above."""
    import numpy as np
    import pandas as pd

    from initbench.present.labels import show, swept, title
    from initbench.present.tables import READERS

    table, factors = found.distinct, found.factors
    keys = swept(table, factors)
    constant = [key for key in factors if key not in (*keys, "initializer")]
    facts = [f"{title(key)} {show(table[key].iloc[0])}" for key in constant]
    columns = {title(key): table[key].map(show) for key in (*keys, "initializer")}
    columns |= {"verdict": table["verdict"], "because": table["reason"], "instead": table["advice"]}
    ratio = table["loss"] / table["loss_uniform"]
    columns["loss / ln k"] = ratio.map("{:.3g}".format).where(np.isfinite(ratio), "not finite")
    if table["draws"].nunique() > 1:  # some could not be drawn
        columns["draws"] = table["draws"].map(str)
    else:
        count = table["draws"].iloc[0]
        facts.append("1 draw" if count == 1 else f"{count} draws")
    return READERS["text"](pd.DataFrame(columns), " · ".join(facts), "")

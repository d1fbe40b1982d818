"""``initbench run``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from initbench.cli import options

if TYPE_CHECKING:
    from initbench.analysis.racing import RaceDesign
    from initbench.config import Experiment
    from initbench.training.runner import RunOptions

EPILOG = """\b
Examples:
  initbench run relu_deep
  initbench run configs/relu_deep.yaml -s 'depth=[5,20]' -s width=64 --seeds 10
  initbench run relu_deep --until-decided --margin 0.5%
  initbench run churn_csv --data-dir ~/Downloads -j 1
"""


@click.command(epilog=EPILOG)
@options.config_argument("configs", "CONFIG...", nargs=-1)
@click.option(
    "-o", "--results", default="results", type=click.Path(path_type=Path), help="Folder to write to. [results]"
)
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Worker processes. [all cores]")
@options.changes
@options.seeds
@click.option(
    "--until-decided",
    is_flag=True,
    help="Add seeds in rounds, dropping initializers that can no longer win, until the winner is established.",
)
@click.option(
    "--margin",
    callback=options.points,
    metavar="DIFFERENCE",
    help="Also stop when those left differ by less than this: 0.5%, or 0.005.",
)
@click.option("--max-seeds", type=click.IntRange(min=2), help="With --until-decided: stop at this many seeds. [30]")
@click.option("--fresh", is_flag=True, help="Delete earlier results of the experiment first.")
@click.option("--dry-run", is_flag=True, help="Print totals, a rough time and all cells; train and write nothing.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first cell that fails.")
@options.data_dir
@options.plugin
@click.option("--scheduler", metavar="ADDRESS", help="Train on a Dask cluster, given the address of its scheduler.")
@click.option("-q", "--quiet", is_flag=True, help="Print neither progress nor tables.")
def run(
    configs: tuple[str, ...],
    results: Path,
    jobs: int | None,
    changes: tuple[str, ...],
    seeds: str | None,
    until_decided: bool,
    margin: float | None,
    max_seeds: int | None,
    fresh: bool,
    dry_run: bool,
    fail_fast: bool,
    data_dir: Path | None,
    plugins: tuple[str, ...],
    scheduler: str | None,
    quiet: bool,
) -> None:
    """Train every cell of CONFIG that is not in the results yet, then write tables.

    CONFIG is a file, or the name of a bundled config (initbench list configs). Running the same command again resumes
    an interrupted run. With --until-decided, the config's seeds are those of one round: after each round,
    initializers that are shown to be worse than another are dropped. All these decisions together are right with 95 %
    confidence.
    """
    from initbench.cli.progress import ProgressBar, describe_design, describe_plan
    from initbench.cli.reading import describe_files, note_if_empty, read_all
    from initbench.errors import UsageError
    from initbench.parts.datasets.places import data_folders
    from initbench.process import usable_cores
    from initbench.registry import load_plugin
    from initbench.training.race import MAX_SEEDS, design_race
    from initbench.training.runner import Progress, RunOptions, preview

    for plugin in plugins:
        load_plugin(plugin)
    jobs = jobs or usable_cores()
    if seeds is not None:
        changes = (*changes, f"seeds={seeds}")
    if not until_decided and (margin or max_seeds):
        raise UsageError(
            "--margin and --max-seeds belong to a race: initbench run CONFIG --until-decided --margin 0.5%"
        )
    max_seeds, folders = max_seeds or MAX_SEEDS, data_folders(data_dir)
    progress = Progress() if quiet else ProgressBar()
    experiments = read_all(configs, changes, data_dir, progress, max_seeds if until_decided else None)
    designs = [design_race(some, max_seeds, margin) if until_decided else None for some in experiments]
    if not quiet:
        for config, experiment in zip(configs, experiments, strict=True):
            note_if_empty(config, experiment, changes)
        for text in describe_files(experiments, folders):
            click.echo(text, err=True)
    if dry_run:
        for experiment, design in zip(experiments, designs, strict=True):
            first = experiment.tuning if experiment.tuned else experiment
            click.echo(describe_plan(experiment, preview(first, jobs, folders), jobs))
            if design:
                click.echo(describe_design(design, experiment))
        return
    options = RunOptions(jobs, folders, fresh, fail_fast, progress, scheduler)
    if not _train_each(experiments, designs, results, options, quiet=quiet):
        click.get_current_context().exit(3)


def _train_each(
    experiments: Sequence[Experiment],
    designs: Sequence[RaceDesign | None],
    results: Path,
    options: RunOptions,
    *,
    quiet: bool,
) -> bool:
    """Train one experiment after the other, and print what came of each; whether no cell failed."""
    from initbench.api import train
    from initbench.cli.progress import describe_results
    from initbench.errors import printable
    from initbench.results.summary import summary_of

    is_fine = True
    for experiment, design in zip(experiments, designs, strict=True):
        found = train(experiment, results, options, design)
        if not quiet:
            click.echo(describe_results(found))
        failure = summary_of(found).failure
        if failure:
            click.echo(printable(f"initbench: {failure}"), err=True)
            is_fine = False
            if options.fail_fast:
                break
    return is_fine

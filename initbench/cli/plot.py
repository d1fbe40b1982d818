"""``initbench plot``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="\b\nExamples:\n  initbench plot results/\n  initbench plot results/relu_deep --format pdf\n")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["png", "svg", "pdf"]), default="png", show_default=True)
def plot(paths: tuple[Path, ...], form: str) -> None:
    """Write the figures of the experiment in PATH, or of every experiment below it."""
    from initbench.results import experiments_below, load, write_figures

    for folder in dict.fromkeys(folder for path in paths for folder in experiments_below(path)):
        for file in write_figures(load(folder), form):
            click.echo(file)

"""``initbench plot``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="\b\nExamples:\n  initbench plot results/\n  initbench plot results/relu_deep --format pdf\n")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["png", "svg", "pdf"]), default="png", show_default=True)
def plot(paths: tuple[Path, ...], form: str) -> None:
    """Write the figures of the experiment in PATH, or of every experiment below it."""
    from initbench.cli.notes import say_notes
    from initbench.cli.progress import ProgressBar
    from initbench.errors import StoreError
    from initbench.results.files import write_figures
    from initbench.results.tables import load
    from initbench.storage.folders import experiments_below

    drawn, lacking = 0, []
    for folder in dict.fromkeys(folder for path in paths for folder in experiments_below(path)):
        try:
            with ProgressBar().working(f"drawing the figures of {folder}"):
                results = load(folder)
                files = write_figures(results, form)
        except StoreError as error:
            lacking.append(str(error))
            continue
        say_notes(results)
        drawn += len(files)
        for file in files:
            click.echo(file)
    if not drawn:
        raise StoreError("; ".join(lacking))
    for reason in lacking:
        click.echo(f"initbench: {reason}", err=True)

"""``initbench table``."""

from __future__ import annotations

from pathlib import Path

import click

from initbench.cli import options


@click.command(epilog="\b\nExample:\n  initbench table results/relu_deep --format latex\n")
@click.argument("path", type=click.Path(path_type=Path))
@options.table_format
def table(path: Path, form: str) -> None:
    """Print the accuracy table of the results in PATH, best first."""
    from initbench.cli.notes import say_notes
    from initbench.cli.progress import ProgressBar
    from initbench.results.summary import summary_of
    from initbench.results.tables import open_results

    with ProgressBar().working(f"reading {path}"):
        results = open_results(path)
        summary = summary_of(results)
    say_notes(results, summary.failure)
    click.echo(summary.accuracy[form].rstrip("\n"))

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
    from initbench.present.tables import render_table
    from initbench.results.tables import load

    with ProgressBar().working(f"reading {path}"):
        results = load(path)
        text = render_table(results.accuracy, form, caption=results.caption)
    say_notes(results)
    click.echo(text.rstrip("\n"))

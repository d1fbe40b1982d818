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
    from initbench.present.tables import render_table
    from initbench.results import load

    results = load(path)
    if results.caption:
        click.echo(f"initbench: {results.caption}", err=True)
    click.echo(render_table(results.accuracy, form, caption=results.caption).rstrip("\n"))

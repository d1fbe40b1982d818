"""``initbench status``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="\b\nExample:\n  initbench status results/relu_deep\n")
@click.argument("path", type=click.Path(path_type=Path))
def status(path: Path) -> None:
    """Count the cells of each experiment in PATH: planned, done, diverged, failed, missing."""
    from initbench.results import experiments_below
    from initbench.store import Store

    for folder in experiments_below(path):
        with Store(folder) as store:
            counts, failures, unplanned = store.counts(), store.failures(), store.unplanned()
        click.echo(f"{folder}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
        for cell, reason in failures[:20]:
            click.echo(f"  {cell} failed: {reason}")
        if unplanned:
            click.echo(f"  {unplanned} more are kept of cells that config.yaml does not ask for")
        if counts["missing"] or counts["failed"]:
            click.echo(f"  to fill it in: initbench run {folder / 'config.yaml'} -o {folder.parent}")

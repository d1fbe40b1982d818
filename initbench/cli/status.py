"""``initbench status``."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command(epilog="\b\nExamples:\n  initbench status results/relu_deep\n  initbench status results --verify\n")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--verify", "is_verifying", is_flag=True, help="Also check the stored data; exit with 1 if they are damaged."
)
def status(path: Path, is_verifying: bool) -> None:
    """Count the cells of each experiment in PATH: planned, done, diverged, failed, missing."""
    from initbench.errors import StoreError, command_line, printable
    from initbench.results.tables import load
    from initbench.storage.folders import experiments_below, holds_claims
    from initbench.storage.freshness import out_of_date
    from initbench.storage.store import Store, verify

    damaged, folders = [], experiments_below(path, with_claims=True)
    for folder in folders:
        faults = verify(folder) if is_verifying else []
        if faults:
            damaged.append(folder)
            click.echo("\n  ".join([f"{folder}: damaged", *faults]))
            continue
        with Store(folder) as store:
            counts, failures, unplanned = store.counts(), store.failures(), store.unplanned()
            design = json.loads(store.about("race") or "null")
        click.echo(f"{folder}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
        if is_verifying:
            click.echo("  verified: no damage found")
        for cell, reason in failures[:20]:
            click.echo(printable(f"  {cell} failed: {reason}"))
        if unplanned:
            asks = "the last claims do" if holds_claims(folder) else "config.yaml does"
            click.echo(f"  {unplanned} more stored cells that {asks} not ask for")
        race, is_lacking = "", counts["missing"] or counts["failed"]
        if design:
            margin = f" --margin {design['margin']}" if design["margin"] else ""
            race = f" --until-decided --max-seeds {design['max_seeds']}{margin}"
            found = load(folder).race
            is_open = found is not None and not found.is_over
            is_lacking = is_lacking or is_open
            click.echo(
                f"  a race, {'not over yet' if is_open else 'over'}; dropped initializers have no further cells planned"
            )
        if is_lacking and holds_claims(folder):
            click.echo("  to fill it in: initbench claims run, with the same claims")
        elif is_lacking:
            click.echo(f"  to fill it in: {command_line('run', folder / 'config.yaml', '-o', folder.parent)}{race}")
        for stale in [] if holds_claims(folder) else out_of_date(folder):
            click.echo(printable(f"  {stale}"))
    if damaged:
        raise StoreError(f"{len(damaged)} of {len(folders)} stores are damaged: {', '.join(map(str, damaged))}")

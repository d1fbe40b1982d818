"""What the commands that read results say of them on stderr: what is lacking, what failed, what is out of date."""

from __future__ import annotations

import click

from initbench.errors import printable
from initbench.results.tables import Results
from initbench.storage.freshness import out_of_date


def say_notes(results: Results, failure: str | None = None) -> None:
    """Write a line for each thing that a reader of these results should know."""
    for note in (
        results.caption,
        results.failure if failure is None else failure,
        *map(str, out_of_date(results.folder)),
    ):
        if note:
            click.echo(printable(f"initbench: {note}"), err=True)

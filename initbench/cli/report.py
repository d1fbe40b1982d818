"""``initbench report``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="\b\nExamples:\n  initbench report results/relu_deep\n  initbench report results/\n")
@click.argument("path", type=click.Path(path_type=Path))
def report(path: Path) -> None:
    """Write PATH/report.html, a page about the experiment in PATH or about all experiments below it.

    The page is a single file that opens offline in any browser.
    """
    from initbench.claims.report import report_below
    from initbench.cli.notes import say_notes
    from initbench.cli.progress import ProgressBar

    with ProgressBar().working(f"writing the report on {path}"):
        found, file = report_below(path)
    click.echo(file)
    for results in found:
        say_notes(results)

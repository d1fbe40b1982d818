"""``initbench report``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="\b\nExamples:\n  initbench report results/relu_deep\n  initbench report results/\n")
@click.argument("path", type=click.Path(path_type=Path))
def report(path: Path) -> None:
    """Write PATH/report.html, one page about the experiment in PATH, or about every experiment below it.

    It opens offline in any browser, and can be sent as it is.
    """
    from initbench.results import write_report

    click.echo(write_report(path))

"""``initbench compare``."""

from __future__ import annotations

from pathlib import Path

import click

from initbench.cli import options
from initbench.cli.wrapping import text_columns

EPILOG = """\b
Examples:
  initbench compare results/relu_deep
  initbench compare results/relu_deep --margin 0.5%
  initbench compare results/relu_deep --sentences
"""


@click.command(epilog=EPILOG)
@click.argument("path", type=click.Path(path_type=Path))
@options.margin
@click.option("--sentences", is_flag=True, help="Print one sentence per pair instead of the table.")
@options.table_format
def compare(path: Path, margin: float | None, sentences: bool, form: str) -> None:
    """Print the paired comparison of the initializers in PATH: effects, intervals, adjusted p, verdicts.

    Seeds are paired within each setting. With --margin, two initializers are equivalent if the confidence interval of
    their difference lies within the margin.
    """
    from initbench.cli.notes import say_notes
    from initbench.cli.progress import Bar
    from initbench.errors import UsageError
    from initbench.present.sentences import paragraphs
    from initbench.present.tables import markdown_cell, render_table
    from initbench.results import load

    if sentences and form not in ("text", "markdown"):
        raise UsageError(f"--sentences goes with text or markdown; --format {form} has a column sentence")
    with Bar().working(f"comparing the initializers in {path}"):
        results = load(path)
        evidence = results.compare(margin)
    say_notes(results)
    plain = markdown_cell if form == "markdown" else str
    if form in ("text", "markdown"):
        click.echo(paragraphs(list(map(plain, results.conclude(evidence))), text_columns()), nl=False)
    if evidence.empty:
        click.echo(f"initbench: {path} has one initializer in each setting, so there is nothing to compare", err=True)
    elif sentences:
        click.echo("\n".join(map(plain, evidence["sentence"])))
    else:
        click.echo(render_table(evidence, form, caption=results.caption).rstrip("\n"))

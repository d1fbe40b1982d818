"""``initbench plan``."""

from __future__ import annotations

from pathlib import Path

import click

from initbench.cli import options

EPILOG = """\b
Examples:
  initbench plan results/relu_deep
  initbench plan results/relu_deep --detect 1% --power 0.9 --format markdown
"""


@click.command(epilog=EPILOG)
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--detect",
    callback=options.points,
    metavar="DIFFERENCE",
    default="0.5%",
    show_default=True,
    help="The difference to detect, as 0.5% or 0.005.",
)
@click.option(
    "--power",
    type=click.FloatRange(0.1, 0.999),
    default=0.8,
    show_default=True,
    help="The probability of detecting it.",
)
@options.table_format
def plan(path: Path, detect: float, power: float, form: str) -> None:
    """Estimate how many seeds a difference needs, and which differences the results in PATH can detect.

    The estimate for each pair of initializers comes from the spread between its seeds and the power of the two-sided
    paired t test, at 0.05 and, as there are several pairs, at 0.05 / pairs (Bonferroni). The spread of a few seeds is
    uncertain, so a second number in brackets is for its upper 80 % bound.
    """
    from initbench.analysis.planning import plan_table
    from initbench.cli.progress import ProgressBar
    from initbench.errors import UsageError
    from initbench.present.planning import plan_sentences
    from initbench.present.tables import render_table
    from initbench.results.tables import load

    with ProgressBar().working(f"reading {path}"):
        frames = load(path).frames
    table = plan_table(frames.runs, frames.baselines, frames.factors, detect, power)
    if not table["std"].notna().any():
        raise UsageError(f"{path} has no two initializers with two seeds each; first: initbench run CONFIG --seeds 5")
    caption = "\n".join(plan_sentences(table, detect, power))
    click.echo(render_table(table, form, caption=caption).rstrip("\n"))

"""``initbench compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from initbench.cli import options
from initbench.cli.wrapping import paragraphs

if TYPE_CHECKING:
    import pandas as pd

    from initbench.parts.datasets.tables import Options
    from initbench.results.compare import Names

READING = ("separator", "decimal", "thousands", "encoding", "header", "missing")
EPILOG = """\b
Examples:
  initbench compare results/relu_deep
  initbench compare results/relu_deep --margin 0.5%
  initbench compare results/relu_deep --sentences
  initbench compare --csv runs.csv --arm optimizer --seed seed --score test_accuracy
  initbench compare --csv runs.csv --arm optimizer --seed seed --score loss --lower-is-better --setting depth
"""


def _margin(context: click.Context, option: click.Parameter, value: str | None) -> float | None:
    """Read a difference of accuracies, or of the scores of a CSV file in their own unit."""
    if value is None or not context.params.get("file"):
        return options.points(context, option, value)
    from initbench.config.located import decimal

    number = decimal(value.strip())
    if number is None or not 0 < number < float("inf"):
        message = f"'{value}' is not a number above 0; with --csv it is in the unit of the score, for example 0.01"
        raise click.BadParameter(message, context, option)
    return float(number)


@click.command(epilog=EPILOG)
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option(
    "--csv",
    "file",
    type=click.Path(path_type=Path),
    is_eager=True,
    help="Compare runs of your own: a CSV file, a row a run.",
)
@click.option("--arm", metavar="COLUMN", help="With --csv: the column that names what is compared.")
@click.option("--seed", metavar="COLUMN", help="With --csv: the column that pairs the runs.")
@click.option("--score", metavar="COLUMN", help="With --csv: the column of the numbers that are compared, in any unit.")
@click.option(
    "--setting",
    "settings",
    metavar="COLUMN",
    multiple=True,
    help="With --csv: compare within each value of this column. Repeatable.",
)
@click.option("--baseline", metavar="ARM", help="With --csv: compare the other arms only with this one.")
@click.option("--lower-is-better", is_flag=True, help="With --csv: the score is a loss.")
@click.option(
    "-s",
    "--set",
    "changes",
    metavar="KEY=VALUE",
    multiple=True,
    help=f"With --csv: how the file is written, where that is not found out: {', '.join(READING)}. Repeatable.",
)
@click.option(
    "--margin",
    callback=_margin,
    metavar="DIFFERENCE",
    help="The largest difference that does not matter: 0.5%, or 0.005; with --csv in the unit of the score.",
)
@click.option("--sentences", is_flag=True, help="Print one sentence per pair instead of the table.")
@options.table_format
@click.pass_context
def compare(
    context: click.Context,
    path: Path | None,
    file: Path | None,
    arm: str | None,
    seed: str | None,
    score: str | None,
    settings: tuple[str, ...],
    baseline: str | None,
    lower_is_better: bool,
    changes: tuple[str, ...],
    margin: float | None,
    sentences: bool,
    form: str,
) -> None:
    """Print the paired comparison of the initializers in PATH: effects, intervals, adjusted p, verdicts.

    Seeds are paired within each setting. With --margin, two initializers are equivalent if the confidence interval of
    their difference lies within the margin. With --csv, runs that were trained elsewhere are compared in the same way.
    """
    from initbench.errors import UsageError

    if sentences and form not in ("text", "markdown"):
        raise UsageError(f"--sentences goes with text or markdown; --format {form} has a column sentence")
    if file is None:
        names = ("--arm", "--seed", "--score", "--setting", "--baseline", "--lower-is-better", "-s")
        given = (arm, seed, score, settings, baseline, lower_is_better, changes)
        foreign = [name for name, value in zip(names, given, strict=True) if value]
        if foreign:
            raise UsageError(f"{foreign[0]} goes with --csv FILE, which names a table of runs")
        if path is None:
            raise click.UsageError("missing argument PATH; or name a table of runs with --csv FILE", context)
        _compare_results(path, margin, sentences, form)
        return
    if path is not None:
        raise UsageError(f"give either PATH ({path}) or --csv {file}, not both")
    from initbench.results.compare import compare_runs, conclude, read_runs

    how = _reading(changes)
    runs = read_runs(file, _names(file, how, arm, seed, score, settings), how)
    for note in runs.notes:
        click.echo(f"initbench: {note}", err=True)
    evidence = compare_runs(runs, baseline, lower_is_better, margin)
    _print(evidence, conclude(runs, evidence, baseline, lower_is_better), sentences, form)


def _names(
    file: Path, how: Options, arm: str | None, seed: str | None, score: str | None, settings: tuple[str, ...]
) -> Names:
    """The columns that are named; all of those that must be and are not are reported with what the file has."""
    from initbench.errors import UsageError
    from initbench.results.compare import Names, column_names

    if arm is None or seed is None or score is None:
        lacking = [name for name, value in {"--arm": arm, "--seed": seed, "--score": score}.items() if value is None]
        raise UsageError(f"--csv needs {' and '.join(lacking)} too; {file} has: {', '.join(column_names(file, how))}")
    return Names(arm, seed, score, settings)


def _reading(changes: tuple[str, ...]) -> Options:
    """How a file is written, as ``-s KEY=VALUE`` says."""
    from initbench.config.keys import read_parameters
    from initbench.config.reader import read_changes
    from initbench.errors import ConfigError, Fault
    from initbench.parts.datasets.tables import Options

    faults: list[Fault] = []
    pairs = read_changes(changes, faults)
    faults += [
        key.fault(f"'{key}' is not how a file is written", f"one of: {', '.join(READING)}")
        for key, _ in pairs
        if str(key) not in READING
    ]
    if faults:
        raise ConfigError(faults)
    return Options(**read_parameters("dataset", "csv", pairs))


def _compare_results(path: Path, margin: float | None, sentences: bool, form: str) -> None:
    from initbench.cli.notes import say_notes
    from initbench.cli.progress import ProgressBar
    from initbench.results.tables import load

    with ProgressBar().working(f"comparing the initializers in {path}"):
        results = load(path)
        evidence = results.compare(margin)
    say_notes(results)
    for caution in results.cautions:
        click.echo(f"initbench: {caution}", err=True)
    if evidence.empty:
        click.echo(f"initbench: {path} has one initializer in each setting, so there is nothing to compare", err=True)
    _print(evidence, results.conclude(evidence), sentences, form, results.caption)


def _print(evidence: pd.DataFrame, verdicts: list[str], sentences: bool, form: str, caption: str = "") -> None:
    from initbench.present.tables import markdown_cell, render_table, render_training

    plain = markdown_cell if form == "markdown" else str
    if form in ("text", "markdown"):
        click.echo(paragraphs(list(map(plain, verdicts))), nl=False)
    if evidence.empty:
        return
    if sentences:
        click.echo("\n".join(map(plain, evidence["sentence"])))
    else:
        click.echo(render_table(evidence, form, caption=caption).rstrip("\n"))
        training = render_training(evidence, form) if form in ("text", "markdown") else ""
        if training:
            click.echo("\n" + training.rstrip("\n"))

"""``initbench claims``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from initbench.cli import completing, options

if TYPE_CHECKING:
    from initbench.claims.read import Claim

EPILOG = """\b
Examples:
  initbench claims list
  initbench claims show he_beats_glorot_at_30_layers
  initbench claims run --suite quick
  initbench claims run my_claim.yaml --plugin my_initializer.py --seeds 100:120
"""
suite = click.option("--suite", type=click.Choice(["quick", "full"]), help="Bundled claims: the quick ones, or all.")


@click.group(epilog=EPILOG)
def claims() -> None:
    """Test published claims about initializers.

    A claim is a YAML file: a sentence, its source, the networks that it is about, a metric and the expected result.
    To write your own, start from a bundled one: initbench claims show NAME.
    """


@claims.command("list", epilog=EPILOG)
@suite
def list_claims(suite: str | None) -> None:
    """List the bundled claims, by group."""
    from initbench.claims.read import GROUPS

    found = read_claims((), suite or "full", None)
    for group in GROUPS:
        some = [claim for claim in found if claim.group == group]
        if some:
            click.echo(f"{group}:")
        for claim in some:
            click.echo(f"  {claim.name}  ({claim.suite})\n      {claim.sentence}")


@claims.command(epilog=EPILOG)
@click.argument("name", shell_complete=completing.claims)
@options.data_dir
@options.plugin
def show(name: str, data_dir: Path | None, plugins: tuple[str, ...]) -> None:
    """Validate the claim NAME, a bundled one or a file, and print it."""
    from initbench.registry import load_plugin

    for plugin in plugins:
        load_plugin(plugin)
    (claim,) = read_claims((name,), None, data_dir)
    click.echo(claim.file.read_text(encoding="utf-8").rstrip("\n"))


@claims.command(epilog=EPILOG)
@click.argument("names", metavar="[NAME|FILE]...", nargs=-1, shell_complete=completing.claims)
@suite
@click.option(
    "-o", "--results", default="results", type=click.Path(path_type=Path), help="Folder to write to. [results]"
)
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Worker processes. [all cores]")
@click.option(
    "--seeds", metavar="N|FROM:TO", help="Seeds to use instead: 20, 100:120, or 100: for as many as each claim has."
)
@click.option("--fresh", is_flag=True, help="Delete earlier results of claims first.")
@options.data_dir
@options.plugin
@options.table_format
@click.option("-q", "--quiet", is_flag=True, help="Print neither progress nor verdicts.")
def run(
    names: tuple[str, ...],
    suite: str | None,
    results: Path,
    jobs: int | None,
    seeds: str | None,
    fresh: bool,
    data_dir: Path | None,
    plugins: tuple[str, ...],
    form: str,
    quiet: bool,
) -> None:
    """Train the networks of claims, and print which claims are supported, refuted or inconclusive.

    Without names and without --suite, it runs the quick claims. Networks that are already trained are reused. Verdicts
    on claims that run together are corrected for multiple testing. Writes claims.csv, claims.md and figures to
    results/claims.
    """
    from initbench.claims.run import run_claims
    from initbench.claims.sentences import verdict_sentence
    from initbench.cli.progress import ProgressBar
    from initbench.config import read_seeds
    from initbench.errors import command_line
    from initbench.parts.datasets.places import data_folders
    from initbench.present.tables import render_table
    from initbench.process import usable_cores
    from initbench.registry import load_plugin
    from initbench.training.runner import Progress, RunOptions

    for plugin in plugins:
        load_plugin(plugin)
    found = read_claims(names, suite or (None if names else "quick"), data_dir)
    if seeds is not None:
        found = [claim.at_seeds(read_seeds(seeds, claim.count)) for claim in found]
    progress = Progress() if quiet else ProgressBar()
    options = RunOptions(jobs or usable_cores(), data_folders(data_dir), fresh, progress=progress)
    verdicts = run_claims(found, results=results, options=options)
    if not quiet and form == "text":
        for row in verdicts.table.to_dict("records"):
            click.echo(f"{row['claim']}: {row['text']}\n  {verdict_sentence(row)}")
        click.echo(verdicts.folder / "claims.md")
    elif not quiet:
        click.echo(render_table(verdicts.table, form).rstrip("\n"))
    if verdicts.failed:
        click.echo(f"initbench: {verdicts.failed} cells failed: {command_line('status', verdicts.folder)}", err=True)
        click.get_current_context().exit(3)


@claims.command(epilog="\b\nExamples:\n  initbench claims schema > claim.schema.json\n")
def schema() -> None:
    """Print the JSON Schema (draft-07) of a claim, for editors."""
    import json

    from initbench.claims.schema import claim_schema

    click.echo(json.dumps(claim_schema(), indent=2, ensure_ascii=False))


def read_claims(names: Sequence[str], suite: str | None, data_dir: Path | None) -> list[Claim]:
    """Read claims by file or name, and those of a suite; the faults of all at once."""
    from initbench.claims.read import CLAIM, read_claim
    from initbench.config import bundled, find_config
    from initbench.errors import ConfigError, Fault, UsageError
    from initbench.parts.datasets.places import data_folders

    files = [find_config(name, CLAIM) for name in names]
    if suite:
        files += [file for file in bundled(CLAIM).values() if file not in files]
    faults: list[Fault] = []
    found: list[Claim] = []
    for file in files:
        try:
            claim = read_claim(file, data_folders(data_dir))
        except ConfigError as error:
            faults += error.faults
            continue
        if file in files[: len(names)] or suite == "full" or claim.suite == suite:
            found.append(claim)
    if faults:
        raise ConfigError(faults)
    for claim in found:
        if [other.name for other in found].count(claim.name) > 1:
            raise UsageError(f"{claim.file}: another claim is named '{claim.name}' too; rename the file")
    return found

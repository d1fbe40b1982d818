"""``initbench data``: list, download and verify data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from initbench.cli import completing, options

if TYPE_CHECKING:
    from initbench.contracts import ColumnAccount
    from initbench.errors import Fault
    from initbench.parts.datasets.facts import Facts

SETTINGS = {"help_option_names": ["-h", "--help"]}
EXAMPLES = """\b
Examples:
  initbench data list                           show all data sets and which are available
  initbench data get mnist                      download MNIST to the user's cache
  initbench data describe customers.csv         show what the reader makes of each column
  initbench data verify mnist --data-dir data   verify the copy in the folder data
  initbench data clear-cache                    remove the copies of data sets that took long to read
"""


@click.group(context_settings=SETTINGS, epilog=EXAMPLES)
def data() -> None:
    """List, describe, download and verify data sets."""


@data.command("list", epilog="\b\nExample:\n  initbench data list\n")
@options.data_dir
def list_data(data_dir: Path | None) -> None:
    """List the data sets: rows, features, classes, location, origin and licence."""
    from initbench.parts.datasets.facts import FACTS
    from initbench.parts.datasets.places import data_folders
    from initbench.registry import entries

    folders = data_folders(data_dir)
    rows = [("name", "rows", "features", "classes", "at hand", "origin and licence")]
    for entry in entries("dataset"):
        facts = FACTS.get(entry.name)
        if facts is None:
            rows.append((entry.name, "-", "-", "-", "-", entry.summary))
            continue
        place = facts.place(folders) or f"no: initbench data get {entry.name}"
        rows.append((entry.name, f"{facts.rows}", f"{facts.features}", f"{facts.classes}", place, facts.origin))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *counts, place, origin in rows:
        numbers = "  ".join(f"{count:>{width}}" for count, width in zip(counts, widths[1:4], strict=True))
        click.echo(f"{name:<{widths[0]}}  {numbers}  {place:<{widths[4]}}  {origin}")


@data.command(epilog="\b\nExample:\n  initbench data get mnist\n")
@click.argument("name", shell_complete=completing.data_sets)
@options.data_dir
def get(name: str, data_dir: Path | None) -> None:
    """Download the data set NAME unless it is already available, and print its location.

    It goes to --data-dir, or to the user's cache.
    """
    from initbench.parts.datasets.places import data_folders
    from initbench.registry import find

    facts = _find_facts(name)
    folders = data_folders(data_dir)
    if data_dir is not None:
        folders = (*folders, folders[0])
    if facts.place(folders) is None:
        click.echo(f"fetching {name} ...", err=True)
    find("dataset", name).function(folders)
    click.echo(f"{name}: {facts.place(folders)}")


@data.command(epilog="\b\nExample:\n  initbench data verify mnist --data-dir data\n")
@click.argument("name", required=False, shell_complete=completing.data_sets)
@options.data_dir
@click.pass_context
def verify(ctx: click.Context, name: str | None, data_dir: Path | None) -> None:
    """Compare the data set NAME, or all that are available, with its checksum.

    Exits with 1 if a checksum differs.
    """
    from initbench.errors import DataError
    from initbench.parts.datasets.facts import FACTS, checksum
    from initbench.parts.datasets.places import data_folders
    from initbench.registry import find, names

    known = [name] if name else [n for n in names("dataset") if n in FACTS]
    folders = data_folders(data_dir)
    is_right = True
    for each in known:
        facts = _find_facts(each)
        place = facts.place(folders)
        if place is None:
            verdict = f"not at hand; to fetch it: initbench data get {each}"
            is_right &= name is None
        else:
            try:
                found = checksum(find("dataset", each).function(folders))
                verdict = "fine" if found == facts.checksum else f"wrong: sha256 is {found}, expected {facts.checksum}"
            except DataError as error:
                verdict = f"wrong: {error}"
            is_right &= verdict == "fine"
            verdict += f" ({place})"
        click.echo(f"{each}: {verdict}")
    if not is_right:
        ctx.exit(1)


@data.command(
    epilog="\b\nExamples:\n  initbench data describe customers.csv\n  initbench data describe my_run.yaml\n"
    "  initbench data describe prices.csv -s target=sold -s 'decimal=\",\"' --format csv\n"
)
@click.argument("source", metavar="CONFIG|FILE", shell_complete=completing.configs_or_files)
@options.changes
@options.data_dir
@options.plugin
@options.table_format
def describe(source: str, changes: tuple[str, ...], data_dir: Path | None, plugins: tuple[str, ...], form: str) -> None:
    """Show what the reader makes of each column of a CSV file, and everything that it assumes.

    Give a config, whose files are described, or a CSV file, a folder of IDX files or an npz file. For a CSV file,
    -s gives an option as a config would: target, drop, separator, decimal, thousands, encoding, header, missing,
    positive, date.
    """
    from initbench.cli.progress import ProgressBar
    from initbench.cli.reading import describe_files, read_all
    from initbench.errors import UsageError
    from initbench.parts.datasets.places import data_folders
    from initbench.present.datasets import columns_table
    from initbench.present.tables import render_table
    from initbench.registry import load_plugin

    for plugin in plugins:
        load_plugin(plugin)
    folders = data_folders(data_dir)
    if _is_config(source):
        texts = describe_files(read_all([source], changes, data_dir, ProgressBar()), folders)
        if not texts or form != "text":
            wrong = "describes its files as text only" if texts else "names no file of yours"
            raise UsageError(f"{source} {wrong}; to describe one file: initbench data describe FILE")
        click.echo("\n".join(texts))
        return
    with ProgressBar().working(f"reading {source}"):
        text, columns, faults = _describe_file(source, changes, folders)
    if form == "text":
        click.echo(text)
    else:
        click.echo(render_table(columns_table(columns), form).rstrip("\n"))
    if faults:
        raise UsageError("\n".join(faults))


def _is_config(source: str) -> bool:
    from initbench.config import bundled

    return source.endswith((".yaml", ".yml")) or (source in bundled() and not Path(source).exists())


def _describe_file(
    source: str, changes: tuple[str, ...], folders: tuple[Path, ...]
) -> tuple[str, tuple[ColumnAccount, ...], list[str]]:
    """A file as text, the account of its columns, and what is wrong with it."""
    from initbench.config.keys import read_parameters
    from initbench.config.reader import read_changes
    from initbench.errors import ConfigError
    from initbench.parts.datasets.loading import load_dataset
    from initbench.parts.datasets.places import find_path
    from initbench.parts.datasets.tables import Options, account, read_table
    from initbench.present.datasets import describe_dataset

    file = find_path(source, folders)
    faults: list[Fault] = []
    pairs = read_changes(changes, faults)
    if faults:
        raise ConfigError(faults)
    values = read_parameters("dataset", "csv", pairs)
    if file.is_dir() or file.suffix == ".npz":
        kind = "idx" if file.is_dir() else "npz"
        found = load_dataset(kind, {"file": str(file.resolve())}, folders)
        rows, features = len(found.y_train) + len(found.y_test), found.x_train.shape[1]
        text = describe_dataset(
            source, rows=rows, features=features, classes=found.classes, columns=(), notes=found.notes
        )
        return text, (), []
    table = read_table(file, Options(**{key: value for key, value in values.items() if key != "file"}))
    columns = tuple(map(account, table.columns))
    text = describe_dataset(
        source, rows=table.rows, features=0, classes=table.classes, columns=columns, notes=table.notes
    )
    return text, columns, table.faults


def _find_facts(name: str) -> Facts:
    from initbench.errors import UsageError
    from initbench.parts.datasets.facts import FACTS
    from initbench.registry import find

    find("dataset", name)
    if name not in FACTS:
        raise UsageError(f"'{name}' has no checksum and needs no download; names with one: {', '.join(sorted(FACTS))}")
    return FACTS[name]


@data.command("clear-cache", epilog="\b\nExample:\n  initbench data clear-cache\n")
def clear_cache() -> None:
    """Remove the copies of data sets that took long to read.

    The next command that needs one of these reads the file again. Downloads stay.
    """
    from initbench.parts.datasets.cache import user_copies

    copies = user_copies()
    count, size = copies.clear() if copies else (0, 0)
    place = f" in {copies.folder}" if copies else ""
    click.echo(f"removed {count} {'copy' if count == 1 else 'copies'} of data sets{place}, {size / 1e6:.1f} MB")

"""``initbench data``: list, download and verify data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from initbench.cli import options

if TYPE_CHECKING:
    from initbench.data import Facts

SETTINGS = {"help_option_names": ["-h", "--help"]}
EXAMPLES = """\b
Examples:
  initbench data list                           show all data sets and which are available
  initbench data get mnist                      download MNIST to the user's cache
  initbench data verify mnist --data-dir data   verify the copy in the folder data
"""


@click.group(context_settings=SETTINGS, epilog=EXAMPLES)
def data() -> None:
    """List, download and verify data sets."""


@data.command("list", epilog="\b\nExample:\n  initbench data list\n")
@options.data_dir
def list_data(data_dir: Path | None) -> None:
    """List the data sets: rows, features, classes, location, origin and licence."""
    from initbench.data import FACTS, data_folders
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
@click.argument("name")
@options.data_dir
def get(name: str, data_dir: Path | None) -> None:
    """Download the data set NAME unless it is already available, and print its location.

    It goes to --data-dir, or to the user's cache.
    """
    from initbench.data import data_folders
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
@click.argument("name", required=False)
@options.data_dir
@click.pass_context
def verify(ctx: click.Context, name: str | None, data_dir: Path | None) -> None:
    """Compare the data set NAME, or all that are available, with its checksum.

    Exits with 1 if a checksum differs.
    """
    from initbench.data import FACTS, checksum, data_folders
    from initbench.errors import DataError
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


def _find_facts(name: str) -> Facts:
    from initbench.data import FACTS
    from initbench.errors import UsageError
    from initbench.registry import find

    find("dataset", name)
    if name not in FACTS:
        raise UsageError(f"'{name}' has no checksum and is not fetched; this is for: {', '.join(sorted(FACTS))}")
    return FACTS[name]

"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import click

from initbench.cli import completing

LARGEST_FRACTION = 0.2  # of a difference that is not written in percent
MOST_FILES = 5  # of the current folder that are offered to who names no config


def points(context: click.Context, option: click.Parameter, value: str | None) -> float | None:
    """Read a difference of accuracies, ``0.5%`` or ``0.005``, as a fraction.

    A fraction above 0.2 is refused: who writes 0.5 means half a point more often than 50.
    """
    if value is None:
        return None
    from initbench.config.located import decimal

    text = value.strip()
    fraction = (decimal(text.removesuffix("%").strip()) or 0) / (100 if text.endswith("%") else 1)
    if LARGEST_FRACTION < fraction < 1 and not text.endswith("%"):
        meant = f"for {text} points write {text}%" if float(text) < 1 else "write it in percent"
        message = (
            f"'{value}' is {100 * fraction:g} points; {meant}, and for {100 * fraction:g} points {100 * fraction:g}%"
        )
        raise click.BadParameter(message, context, option)
    if not 0 < fraction < 1:
        message = f"'{value}' is not a difference of accuracies; for half a percentage point write 0.5% or 0.005"
        raise click.BadParameter(message, context, option)
    return fraction


def _checked_seeds(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Seeds as they are typed, once they are found to be valid."""
    if value is not None:
        from initbench.config import read_seeds

        read_seeds(value)
    return value


def _configs_or_choice(context: click.Context, argument: click.Parameter, value: Any) -> Any:
    """What the user named; a user who named nothing is shown what there is."""
    if value or context.resilient_parsing:
        return value
    from initbench.config import bundled, describe_files, files_in

    known = dict(islice(files_in(Path()).items(), MOST_FILES)) | bundled()
    what = str(argument.metavar).removesuffix("...")
    shown = f"{describe_files(known)}\n  to write one: initbench new"
    raise click.UsageError(f"missing argument {what}; name a file, or one of:{shown}", context)


def config_argument(
    name: str, metavar: str, nargs: int = 1, complete: completing.Complete = completing.configs
) -> Callable[[Any], Any]:
    """A config, or with ``nargs=-1`` several."""
    return click.argument(
        name, metavar=metavar, nargs=nargs, required=False, callback=_configs_or_choice, shell_complete=complete
    )


changes = click.option(
    "-s",
    "--set",
    "changes",
    metavar="KEY=VALUE",
    multiple=True,
    shell_complete=completing.keys,
    help="Change a key of the config; VALUE is YAML. Repeatable.",
)
seeds = click.option(
    "--seeds",
    metavar="N|FROM:TO",
    callback=_checked_seeds,
    help="Number of seeds, or which: 100:120 for 100 to 119. Short for -s seeds=...",
)
data_dir = click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder to search for data files first."
)
plugin = click.option(
    "--plugin",
    "plugins",
    metavar="FILE.py",
    multiple=True,
    shell_complete=completing.plugins,
    help="Python file that registers parts; it is executed.",
)
table_format = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "csv", "latex", "json"]),
    default="text",
    show_default=True,
)

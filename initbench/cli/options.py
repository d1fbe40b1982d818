"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click


def points(context: click.Context, option: click.Parameter, value: str | None) -> float | None:
    """Read a difference of accuracies, ``0.5%`` or ``0.005``, as a fraction."""
    if value is None:
        return None
    text = value.strip()
    try:
        fraction = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        fraction = 0
    if not 0 < fraction < 1:
        message = f"'{value}' is no difference of accuracies; for half a point write 0.5% or 0.005"
        raise click.BadParameter(message, context, option)
    return fraction


changes = click.option(
    "-s",
    "--set",
    "changes",
    metavar="KEY=VALUE",
    multiple=True,
    help="Change a key of the config; VALUE is YAML. Repeatable.",
)
data_dir = click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Folder to search for data files first."
)
plugin = click.option(
    "--plugin", "plugins", metavar="FILE.py", multiple=True, help="Python file that registers parts; it is executed."
)
table_format = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "csv", "latex", "json"]),
    default="text",
    show_default=True,
)
margin = click.option(
    "--margin",
    callback=points,
    metavar="DIFFERENCE",
    help="The largest difference of accuracies that does not matter: 0.5%, or 0.005.",
)

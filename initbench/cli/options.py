"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click


def read_share(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Read a share of the test rows, written ``0.5%`` or ``0.005``."""
    if value is None:
        return None
    text = value.strip()
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = 0.0
    if not 0 < share < 1:
        raise click.BadParameter(f"{value!r} is no share between 0 and 100 %; write it like 0.5% or 0.005", ctx, param)
    return share


changes = click.option(
    "-s",
    "--set",
    "changes",
    metavar="KEY=VALUE",
    multiple=True,
    help="Change a key of the config; VALUE is YAML. Repeatable.",
)
data_dir = click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="A folder to look for data files in first."
)
plugin = click.option(
    "--plugin", "plugins", metavar="FILE.py", multiple=True, help="A Python file that registers parts. It is run."
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
    metavar="SHARE",
    callback=read_share,
    help="The largest difference of accuracies that does not matter, such as 0.5%.",
)

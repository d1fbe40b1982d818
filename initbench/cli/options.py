"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

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

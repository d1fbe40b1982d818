"""A file per command: reads arguments, makes one call, prints."""

from initbench.cli.group import main

__all__ = ["main"]

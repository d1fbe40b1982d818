"""YAML text -> Experiment, or every fault at once with its line and column."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from initbench.config.experiment import Experiment, Part

if TYPE_CHECKING:
    from initbench.config.files import bundled, describe_file, describe_files, files_in, find_config
    from initbench.config.reader import read_experiment, read_seeds

__all__ = [
    "Experiment",
    "Part",
    "bundled",
    "describe_file",
    "describe_files",
    "files_in",
    "find_config",
    "read_experiment",
    "read_seeds",
]


def __getattr__(name: str) -> Any:
    """Import the readers when they are asked for: who only names an Experiment loads no data sets and no YAML."""
    if name in __all__:
        return getattr(import_module(f"initbench.config.{'reader' if name.startswith('read_') else 'files'}"), name)
    raise AttributeError(f"module 'initbench.config' has no attribute '{name}'")

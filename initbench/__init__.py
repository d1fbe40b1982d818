"""Which weight initializer, and how sure are we?

``initializer(name)`` draws weights, ``run(config)`` trains an experiment, ``load(folder)`` reads its results;
``compare(frame, ...)`` compares anyone's runs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from initbench.api import run
    from initbench.catalogue.functions import initializer
    from initbench.results.compare import compare
    from initbench.results.tables import Results, load

__all__ = ["Results", "__version__", "compare", "initializer", "load", "run"]

_HOMES = {
    "compare": "results.compare",
    "initializer": "catalogue.functions",
    "Results": "results.tables",
    "load": "results.tables",
    "run": "api",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for, so that ``initbench --help`` answers at once."""
    if name == "__version__":
        from importlib.metadata import version

        return version("initbench")
    if name in _HOMES:
        return getattr(import_module(f"initbench.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'initbench' has no attribute '{name}'")

"""What a config may name: a folder a kind, in the YAML's own words."""

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules

from initbench.registry.entry import own_parts


def import_all(package: str, path: Iterable[str]) -> None:
    """Import every file of a folder, so that its parts register themselves and no list grows."""
    with own_parts():
        for module in iter_modules(path):
            import_module(f"{package}.{module.name}")

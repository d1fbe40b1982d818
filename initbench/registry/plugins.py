"""Code that registers parts: our own folders, installed packages, and files that a user names."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from initbench.conventions import FOLDERS
from initbench.errors import UsageError
from initbench.registry.entry import registered, spellings
from initbench.registry.fingerprints import files_of, fingerprint_of

_plugins: dict[Path, str] = {}


@contextmanager
def _arrival(own: Callable[[], set[Path]]) -> Iterator[None]:
    """Give all parts that code from outside registers meanwhile the fingerprint of all that came with it."""
    before, modules = {kind: dict(table) for kind, table in registered.items()}, set(sys.modules)
    yield
    came = {name.partition(".")[0] for name in sys.modules.keys() - modules}
    fingerprint = fingerprint_of(own().union(*map(files_of, came)))
    for kind, table in registered.items():
        for name, entry in table.items():
            if before[kind].get(name) is not entry:
                table[name] = replace(entry, fingerprint=fingerprint, is_of_script=False)


@functools.cache
def load_kind(kind: str) -> None:
    """Import our own parts of a kind, and the packages that bring some."""
    importlib.import_module(f"initbench.parts.{FOLDERS[kind]}")
    _load_packages()


@functools.cache
def _load_packages() -> None:
    points = entry_points(group="initbench.parts")
    if points:
        for folder in FOLDERS.values():  # before theirs, so that all that comes meanwhile is theirs
            importlib.import_module(f"initbench.parts.{folder}")
    for point in points:
        try:
            with _arrival(functools.partial(files_of, point.module.partition(".")[0], even_installed=True)):
                point.load()
        except (Exception, SystemExit) as error:
            package = point.dist.name if point.dist else point.module.partition(".")[0]
            raise UsageError(
                f"the installed package '{package}' fails to bring its parts along, by the entry point '{point.name} = "
                f"{point.value}': {type(error).__name__}: {error}; fix it, or: pip uninstall {package}"
            ) from error


def load_plugin(path: str | Path) -> None:
    """Run a file that registers parts; a second time does nothing.

    Raises
    ------
    UsageError
        When there is no such file, or it fails.
    """
    file = Path(path).resolve()
    if file in _plugins:
        return
    if not file.is_file():
        raise UsageError(f"--plugin {path}: no such file")
    for kind in FOLDERS:
        load_kind(kind)
    name = f"initbench_plugin_{sha256(str(file).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise UsageError(f"--plugin {path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with _arrival(lambda: {file}):
            spec.loader.exec_module(module)
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(f"--plugin {path}: {type(error).__name__}: {error}") from error
    _plugins[file] = name


@contextmanager
def isolated() -> Iterator[None]:
    """Take parts and plugins that are registered meanwhile out of the registry again, as tests need it."""
    for kind in FOLDERS:
        load_kind(kind)
    tables: list[dict[Any, Any]] = [*registered.values(), *spellings.values(), _plugins]
    before = [dict(table) for table in tables]
    try:
        yield
    finally:
        for table, content in zip(tables, before, strict=True):
            table.clear()
            table.update(content)


def loaded_plugins() -> tuple[str, ...]:
    """The files that ``load_plugin`` has run, for workers to run them too."""
    return tuple(map(str, _plugins))


def has_parts_of_script() -> bool:
    """Whether workers lack some part unless they import the script that runs."""
    return any(entry.is_of_script for table in registered.values() for entry in table.values())

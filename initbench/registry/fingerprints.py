"""What the code of a part from outside is: a hash of its files and of what they import."""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

INSTALLED = {"site-packages", "dist-packages"}


@functools.cache
def _imported(code: bytes) -> frozenset[str]:
    """The top-level modules that code imports, anywhere in it."""
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError):
        return frozenset()
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return frozenset(name.partition(".")[0] for name in names)


def files_of(module: str, *, even_installed: bool = False) -> set[Path]:
    """The file of a top-level module, or all of a package; none for Python, initbench and what is installed."""
    try:
        spec = None if module in (*sys.stdlib_module_names, "initbench") else importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return set()
    folders = list(map(Path, spec.submodule_search_locations or ()))
    file = [Path(spec.origin)] if spec.has_location and spec.origin else []
    if not even_installed and any(not INSTALLED.isdisjoint(place.parts) for place in folders + file):
        return set()
    return {found for found in [*file, *(f for folder in folders for f in folder.rglob("*.py"))] if found.is_file()}


def fingerprint_of(files: Iterable[Path]) -> str:
    """Hash of the content of files and of whatever they import, in turn, that is the user's own and not installed."""
    waiting, digests = set(files), {}
    while waiting:
        file = waiting.pop()
        code = file.read_bytes()
        digests[file] = sha256(code).hexdigest()
        waiting |= {found for module in _imported(code) for found in files_of(module)} - digests.keys()
    return sha256("".join(sorted(digests.values())).encode()).hexdigest()

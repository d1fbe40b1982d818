"""Where configs and claims lie: a file, or the bare name of one that comes with the package."""

from __future__ import annotations

from pathlib import Path

from initbench.errors import UsageError, nearest

PACKAGE = Path(__file__).parents[1]


def bundled(kind: str = "config") -> dict[str, Path]:
    """Files that come with the package, by name: of configs, or of claims."""
    inside, beside = (root / f"{kind}s" for root in (PACKAGE, PACKAGE.parent))
    # A wheel holds them, a checkout has them beside.
    return {file.stem: file for file in sorted((inside if inside.is_dir() else beside).rglob("*.yaml"))}


def find_config(name: str, kind: str = "config") -> Path:
    """The file that ``name`` stands for, of a config or of a claim.

    Raises
    ------
    UsageError
        When it is neither a file nor one that comes with the package.
    """
    path = Path(name)
    try:
        if path.is_file():
            return path
    except OSError as error:
        raise UsageError(f"no {kind} '{name[:60]}...': {error.strerror}") from None
    ours = bundled(kind)
    if name in ours:
        return ours[name]
    known = "to see all: initbench claims list" if kind == "claim" else f"bundled configs: {', '.join(ours)}"
    if path.is_dir():
        raise UsageError(f"{name} is a folder; name a {kind} file, or a bundled {kind}; {known}")
    close = nearest(path.stem, ours)
    hint = f"nearest bundled {kind}: {close}" if close else known
    make = "; to write one: initbench new" if kind == "config" else "; how to write one: docs/claims.md"
    raise UsageError(f"no {kind} '{name}'; {hint}{make}")

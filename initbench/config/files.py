"""Where configs lie: a file, or the bare name of one that comes with the package."""

from __future__ import annotations

from pathlib import Path

from initbench.errors import UsageError, nearest

PACKAGE = Path(__file__).parents[1]


def bundled() -> dict[str, Path]:
    """Configs that come with the package, by name."""
    inside, beside = PACKAGE / "configs", PACKAGE.parent / "configs"  # a wheel holds them, a checkout has them beside
    return {file.stem: file for file in sorted((inside if inside.is_dir() else beside).rglob("*.yaml"))}


def find_config(name: str) -> Path:
    """The file that ``name`` stands for.

    Raises
    ------
    UsageError
        When it is neither a file nor a bundled config.
    """
    path = Path(name)
    try:
        if path.is_file():
            return path
    except OSError as error:
        raise UsageError(f"no config '{name[:60]}...': {error.strerror}") from None
    ours = bundled()
    if name in ours:
        return ours[name]
    if path.is_dir():
        raise UsageError(f"{name} is a folder; name a config file, or a bundled config: {', '.join(ours)}")
    close = nearest(path.stem, ours)
    hint = f"nearest bundled config: {close}" if close else f"bundled configs: {', '.join(ours)}"
    raise UsageError(f"no config '{name}'; {hint}; to write one: initbench new")

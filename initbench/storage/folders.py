"""What a folder of results holds, and what to write instead of one that holds nothing."""

from __future__ import annotations

from pathlib import Path

from initbench.errors import StoreError, close_names, command_line

CLAIMS = "claims.csv"  # the verdicts on claims
PLANNED = "planned.json"  # the file that marks a folder of claims
TUNING = "tuning"  # the folder, within that of an experiment, of the one that tunes its keys
MOST_NAMED = 5  # folders in a message


def holds_claims(folder: Path) -> bool:
    """Whether a folder is one of claims, or lies in one."""
    return any((place / PLANNED).exists() for place in (folder, folder.parent))


def experiments_below(path: str | Path, *, with_claims: bool = False) -> list[Path]:
    """The folders of results at ``path`` or below it, sorted; those of claims are none unless asked for.

    Raises
    ------
    StoreError
        When there are none.
    """
    all_of_them = sorted(file.parent for file in Path(path).rglob("runs.sqlite"))
    found = [folder for folder in all_of_them if with_claims or not holds_claims(folder)]
    if all_of_them and not found:
        folder = all_of_them[0] if (all_of_them[0] / PLANNED).exists() else all_of_them[0].parent
        is_over = (folder / CLAIMS).exists()
        look = f"to look at them: {command_line('report', folder)}" if is_over else "to end them: initbench claims run"
        raise StoreError(f"{folder} holds claims, not an experiment; {look}")
    if not found:
        raise StoreError(f"no results in {path} or below it; {results_nearby(Path(path))}")
    return found


def results_nearby(path: Path) -> str:
    """What to write in place of a path without results: a folder of results in it, or one nearby with such a name."""
    if path.is_file() and (path.parent / "runs.sqlite").is_file():
        return f"name its folder: {path.parent}"
    below = [file.parent for file in sorted(path.glob("*/runs.sqlite"))]
    if below:
        return f"name one of: {_list(below)}"
    there = next((folder for folder in path.parents if folder.is_dir()), Path())
    files = [*there.glob("*/runs.sqlite"), *there.glob("*/*/runs.sqlite")]
    known = {str(file.parent): file.parent for file in sorted(files)}
    by_name = {folder.name: folder for folder in reversed(known.values())}  # of one name the first counts
    close = [by_name[name] for name in close_names(path.name, by_name)]
    if close:
        return f"nearest: {_list(close)}"
    return f"there are: {_list(list(known.values()))}" if known else "to make some: initbench run CONFIG"


def _list(folders: list[Path]) -> str:
    more = f" and {len(folders) - MOST_NAMED} more" if len(folders) > MOST_NAMED else ""
    return ", ".join(map(str, folders[:MOST_NAMED])) + more

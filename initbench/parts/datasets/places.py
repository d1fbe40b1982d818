"""Where the user's own files lie."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from initbench.errors import DataError, UsageError, nearest


def find_path(name: str, folders: tuple[Path, ...]) -> Path:
    """Look for a file or folder of the user's.

    Parameters
    ----------
    name : str
        As in the config; a relative name is looked for in each of ``folders``.
    folders : tuple of Path
        The first one first.

    Returns
    -------
    Path
        The first that exists.

    Raises
    ------
    DataError
        When there is none; with the most similar name that lies there.
    """
    wanted = Path(name).expanduser()
    places = [folder / wanted for folder in folders]  # an absolute name stays as it is
    for place in places:
        if place.is_file() or place.is_dir():  # a pipe or a device would be read for ever
            return place
    parents = list(dict.fromkeys(place.parent for place in places))
    present = [file.name for parent in parents if parent.is_dir() for file in sorted(parent.iterdir())]
    close = nearest(wanted.name, present)
    searched = ", ".join(map(str, parents))
    raise DataError(f"{name}: no such file; looked in {searched}" + (f"; nearest name: {close}" if close else ""))


def data_folders(data_dir: Path | None) -> tuple[Path, ...]:
    """Where data files are looked for: ``--data-dir``, ``INITBENCH_DATA``, the current folder, the user's cache.

    Parameters
    ----------
    data_dir : Path or None
        What ``--data-dir`` says.

    Returns
    -------
    tuple of Path
        The first one first; downloads go to the last.

    Raises
    ------
    UsageError
        When one that the user names is not a folder.
    """
    named = {"--data-dir": data_dir, "INITBENCH_DATA": os.environ.get("INITBENCH_DATA")}
    folders = []
    for origin, name in named.items():
        if not name:
            continue
        folder = Path(os.path.expanduser(name)).absolute()
        if not folder.is_dir():
            raise UsageError(f"{origin} is {name}, and there is no such folder")
        folders.append(folder)
    with suppress(FileNotFoundError):  # somebody has removed the current folder
        folders.append(Path.cwd())
    cache = user_cache_path("initbench")
    return (*folders, cache) if cache.is_absolute() else tuple(folders)  # "~" stays where nobody knows the home

"""Where the user's own files lie."""

from __future__ import annotations

from pathlib import Path

from initbench.errors import DataError, nearest


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

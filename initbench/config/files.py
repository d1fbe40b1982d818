"""Where configs lie: a file, or the bare name of one that comes with the package; likewise other kinds of files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from initbench.config.located import locate
from initbench.errors import UsageError, close_names

PACKAGE = Path(__file__).parents[1]
MOST_SHOWN = 60  # letters of a name that cannot be looked up


class FileKind(NamedTuple):
    """A kind of YAML files that come with the package.

    Attributes
    ----------
    word : str
        What one of them is called.
    inside, beside : str
        The folder that holds them in an installed package, and in a checkout beside it.
    summary : str
        The key that says in a line what a file is.
    remedy : str
        What to write where there is no such file.
    """

    word: str
    inside: str
    beside: str
    summary: str
    remedy: str


CONFIG = FileKind("config", "configs", "configs", "description", "to write one: initbench new")


def bundled(kind: FileKind = CONFIG) -> dict[str, Path]:
    """Files that come with the package, by name; those in subfolders last."""
    inside, beside = PACKAGE / kind.inside, PACKAGE.parent / kind.beside
    # A wheel holds them, a checkout has them beside.
    files = (inside if inside.is_dir() else beside).rglob("*.yaml")
    return {file.stem: file for file in sorted(files, key=lambda file: (len(file.parts), file))}


def files_in(folder: Path) -> dict[str, Path]:
    """The YAML files in a folder of the user's, by path."""
    try:
        return {str(file): file for file in sorted(folder.glob("*.y*ml")) if file.is_file()}
    except OSError:
        return {}


def describe_file(file: Path, kind: FileKind = CONFIG) -> str:
    """What a file says in a line that it is; empty if it says nothing or cannot be read."""
    try:
        pairs = locate(file.read_text(encoding="utf-8"), str(file), []).pairs or []
    except (OSError, ValueError, UsageError):
        return ""
    return next((value.written for key, value in pairs if key.data == kind.summary), "")


def describe_files(files: Mapping[str, Path], kind: FileKind = CONFIG) -> str:
    """A line for each file with its name and what it is, indented."""
    width = max(map(len, files), default=0)
    return "".join(f"\n  {f'{name:<{width}}  {describe_file(file, kind)}'.rstrip()}" for name, file in files.items())


def find_config(name: str, kind: FileKind = CONFIG) -> Path:
    """The file that ``name`` stands for, of a config or of another kind.

    Raises
    ------
    UsageError
        When it is neither a file nor one that comes with the package; the message has the names that are close.
    """
    path, ours, is_folder = Path(name), bundled(kind), False
    try:
        if path.is_file():
            return path
        is_folder = path.is_dir()
    except OSError as error:  # the current folder may be closed to its user
        if name not in ours:
            shown = name if len(name) <= MOST_SHOWN else f"{name[:MOST_SHOWN]}..."
            raise UsageError(f"no {kind.word} '{shown}': {error.strerror}") from None
    if name in ours:
        return ours[name]
    known = f"to list the bundled ones: initbench list {kind.beside}"
    if is_folder:
        inside = describe_files(files_in(path), kind)
        raise UsageError(
            f"{path} is a folder; name a {kind.word} file{' in it:' if inside else ','}{inside}\n  {known}"
        )
    theirs = files_in(path.parent)
    labels = {n: n for n in ours} | {file.stem: label for label, file in theirs.items()}
    close = [labels[stem] for stem in close_names(path.stem, labels)]
    if not close:
        raise UsageError(f"no {kind.word} '{name}'; {known}; {kind.remedy}")
    what = f"nearest bundled {kind.word}" if close[0] in ours else "nearest file"
    shown = describe_files({label: (ours | theirs)[label] for label in close}, kind)
    raise UsageError(f"no {kind.word} '{name}'; {what}: {close[0]}{shown}\n  {known}; {kind.remedy}")

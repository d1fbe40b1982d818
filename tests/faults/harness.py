"""Runs one command in this process, and tells which promises about bad input it broke."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import Mock, patch
from urllib.error import URLError

from click.testing import CliRunner

from initbench.cli import main
from initbench.parts.datasets.cache import user_copies

LIMIT_SECONDS = 60.0
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
PATHS_TOUCHED = {  # audit event -> which of its arguments are paths that it changes
    "os.chmod": (0,),
    "os.link": (1,),
    "os.mkdir": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.rmdir": (0,),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "shutil.rmtree": (0,),
    "sqlite3.connect": (0,),
}
OUTWARD = {"os.system", "os.exec", "os.posix_spawn", "pickle.find_class", "socket.connect", "subprocess.Popen"}
HARMLESS = (["git", "rev-parse", "HEAD"], ["uname", "-p"])  # a run notes its commit and platform


TEMPORARY = Path(tempfile.gettempdir())
NO_NETWORK = ("sklearn.datasets.fetch_openml", Mock(side_effect=URLError("cut off")))


class Verdict(NamedTuple):
    """What a command did.

    Attributes
    ----------
    code : int
    output : str
        Standard output and error.
    seconds : float
        Of processor time.
    broken : tuple of str
        The promises that it broke, in words; empty for a command that kept them.
    """

    code: int
    output: str
    seconds: float
    broken: tuple[str, ...]


class Overdue(BaseException):
    """The command runs for too long; no handler of errors holds this up."""


def run_case(arguments: Sequence[str], folder: Path, about: Sequence[str], limit: float = LIMIT_SECONDS) -> Verdict:
    """Run ``initbench`` with ``folder`` as the current one, whose ``results`` is the only place to write to.

    Parameters
    ----------
    arguments : sequence of str
    folder : Path
    about : sequence of str
        Names of files; what is wrong is to be told with one of them.
    limit : float
        Seconds.
    """
    events: list[tuple[str, str]] = []
    before, start = _tree(folder), time.process_time()
    try:
        with _inside(folder), _alarm(limit), _audited(events), patch(*NO_NETWORK):
            result = CliRunner().invoke(main, arguments)
    except Overdue:
        return Verdict(-1, "", time.process_time() - start, (f"ran for more than {limit:g} seconds",))
    seconds = time.process_time() - start
    broken = [f"{event}: {detail}" for event, detail in events if event in OUTWARD]
    broken += [
        f"{event} outside of the results: {detail}"
        for event, detail in events
        if event not in OUTWARD and not _is_allowed(Path(folder, detail), folder)
    ]
    after = _tree(folder)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    broken += [f"changed outside of the results: {name}" for name in changed]
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        broken.append(f"traceback: {result.exception!r}")
    elif "Traceback" in result.output or "(for a traceback: --debug)" in result.output:
        broken.append(f"an error that nobody foresaw: {result.output.strip()[-300:]}")
    if result.exit_code not in (0, 1, 2, 3):
        broken.append(f"exit code {result.exit_code}")
    if result.exit_code and not any(name in result.output for name in about):
        broken.append(f"does not name the file at fault: {result.output.strip()[:300]}")
    unseen = {c for c in result.output if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"}
    if unseen:
        broken.append(f"sends the terminal {sorted(unseen)}")
    return Verdict(result.exit_code, result.output, seconds, tuple(broken))


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _alarm(limit: float) -> Iterator[None]:
    def ring(number: int, frame: Any) -> None:
        raise Overdue

    handlers = {number: signal.getsignal(number) for number in (signal.SIGALRM, signal.SIGTERM)}
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in handlers.items():
            signal.signal(number, handler)


_listening: list[list[tuple[str, str]]] = []  # an audit hook stays for good, so it is told where to write


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if not _listening:
        return
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, (str, bytes, os.PathLike)) and isinstance(flags, int) and flags & WRITING:
            _listening[-1].append((event, os.fsdecode(path)))
    elif event in PATHS_TOUCHED:
        if event in ("os.remove", "os.rmdir") and arguments[-1] != -1:
            return  # relative to a folder that shutil.rmtree has told
        for place in PATHS_TOUCHED[event]:
            _listening[-1].append((event, os.fsdecode(arguments[place])))
    elif event in OUTWARD and not (event == "subprocess.Popen" and list(arguments[1]) in HARMLESS):
        _listening[-1].append((event, repr(arguments)[:200]))


sys.addaudithook(_hear)


@contextmanager
def _audited(events: list[tuple[str, str]]) -> Iterator[None]:
    _listening.append(events)
    try:
        yield
    finally:
        _listening.pop()


def _is_allowed(path: Path, folder: Path) -> bool:
    """Whether a command may write there: its results, scratch space, caches of data sets, Python and Matplotlib."""
    path, copies = Path(os.path.normpath(path)), user_copies()
    scratch = [part for part in path.parts if part.startswith("initbench-")]
    return (
        path.is_relative_to(folder / "results")
        or (path.is_relative_to(TEMPORARY) and bool(scratch))
        or (copies is not None and path.is_relative_to(copies.folder.parent))
        or not {"__pycache__", "matplotlib"}.isdisjoint(path.parts)
        or path == Path(os.devnull)
    )


def _tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of all that lies beside the results."""
    found = {}
    for root, folders, files in os.walk(folder):
        if Path(root) == folder and "results" in folders:
            folders.remove("results")
        for name in (*folders, *files):
            state = os.lstat(os.path.join(root, name))
            found[os.path.join(root, name)] = (state.st_size, state.st_mtime_ns)
    return found

"""What a command finds around it: streams, cores, a folder for scratch, Matplotlib's settings. One function each."""

from __future__ import annotations

import codecs
import errno
import io
import logging
import math
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from initbench.errors import InitbenchError

PREFIX, LOCK = "initbench-", "initbench-scratch.lock"  # of a scratch folder, and the file in it that its process locks
_is_command = False  # rather than part of somebody's script or notebook
_has_reported_interrupt = False


class Stream(io.TextIOWrapper):
    """Standard output or error that never ends a command: letters that it lacks become ``?``, failures are noted.

    Attributes
    ----------
    failure : OSError or None
        The first one; what is written later is dropped.
    """

    failure: OSError | None = None

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self.is_ascii = codecs.lookup(stream.encoding).name == "ascii"
        layout: dict[str, Any] = {"line_buffering": stream.line_buffering, "write_through": stream.write_through}
        # Click takes a stream of ASCII for a mistake and writes UTF-8 there; Latin-1 holds all of ASCII.
        encoding = "latin-1" if self.is_ascii else stream.encoding
        super().__init__(stream.detach(), encoding, errors="replace", **layout)

    def write(self, text: str) -> int:
        """Write, or note why that is impossible."""
        if self.is_ascii:
            text = text.encode("ascii", "replace").decode("ascii")
        try:
            super().write(text)
        except OSError as error:
            self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Flush, or note why that is impossible."""
        try:
            super().flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.failure = self.failure or error
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())  # what is still in the buffer goes there


def begin_command() -> None:
    """Make standard streams that any command can write to, and let the user's Matplotlib settings be."""
    global _is_command
    _is_command = True
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed; else the next file that is opened would take its place, and get what is printed
            os.open(os.devnull, os.O_RDWR)
    for number, name in ((1, "stdout"), (2, "stderr")):
        setattr(sys, name, Stream(getattr(sys, name) or os.fdopen(number, "w", encoding="utf-8")))


def note_interrupt() -> None:
    """Remember that the user sees why the command ends, so that a further signal prints nothing."""
    global _has_reported_interrupt
    _has_reported_interrupt = True


def has_reported_interrupt() -> bool:
    """Whether `note_interrupt` was called."""
    return _has_reported_interrupt


def unwritten() -> str:
    """Why standard output did not take all that was printed; empty when it did, or when its reader has left."""
    sys.stdout.flush()
    failure = getattr(sys.stdout, "failure", None)
    return "" if failure is None or failure.errno == errno.EPIPE else str(failure.strerror)


def shows_bars() -> bool:
    """Whether standard error is a terminal that can move its cursor back."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def usable_cores() -> int:
    """How many processor cores this process may keep busy: by affinity, control groups and ``PYTHON_CPU_COUNT``."""
    named = os.environ.get("PYTHON_CPU_COUNT", "")
    if named.isdecimal() and int(named):
        return int(named)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))
    return max(1, cores if quota > cores else math.ceil(quota))


def _quota(membership: Path, root: Path) -> float:
    """How many cores' worth of time the control groups of this process leave it, by versions 1 and 2."""
    quotas = [math.inf]
    with suppress(OSError, ValueError):
        for line in membership.read_text(encoding="utf-8").splitlines():
            _, controllers, name = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            trees = [root / controllers, root / "cpu"] if controllers else [root, root / "unified"]
            group = PurePosixPath(name)
            for place in (group, *group.parents):  # in a container the name may be the host's, and only the root there
                quotas += [_quota_of(tree / place.relative_to("/")) for tree in trees]
    return min(quotas)


def _quota_of(group: Path) -> float:
    """What one control group allows; infinite where it sets no limit."""
    with suppress(OSError, ValueError):
        limit, period = (group / "cpu.max").read_text(encoding="utf-8").split()
        return int(limit) / int(period)  # "max" is no number
    with suppress(OSError, ValueError):
        limit, period = ((group / f"cpu.cfs_{name}_us").read_text(encoding="utf-8") for name in ("quota", "period"))
        return int(limit) / int(period) if int(limit) > 0 else math.inf
    return math.inf


def is_imported_by_worker() -> bool:
    """Whether this is a worker process that has not begun yet, as it imports the script that started it."""
    return getattr(multiprocessing.current_process(), "_inheriting", False)  # as multiprocessing checks it


@contextmanager
def hidden_script(*, is_needed: bool) -> Iterator[None]:
    """Let processes that are started now not import what starts them, unless it is needed there and is in a file."""
    script = sys.modules["__main__"]
    is_in_file = getattr(script, "__spec__", None) is not None or Path(getattr(script, "__file__", "")).is_file()
    if not (is_needed and is_in_file):  # a notebook or standard input cannot be imported at all
        sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for the files that processes share, which is removed in the end.

    A process that is killed leaves its folder; the next one removes it. A folder is locked as long as its process
    lives, in whatever container that is. Only folders of the same user that hold the file of such a lock are looked at.

    Raises
    ------
    InitbenchError
        When there is no place for it.
    """
    with ExitStack() as resources:
        is_safe = False
        while not is_safe:
            try:
                place = Path(tempfile.gettempdir())
                _sweep(place)
                folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
            except OSError as error:
                hint = "set TMPDIR to a folder that can be written"
                raise InitbenchError(f"no folder for temporary files: {error.strerror or error}; {hint}") from None
            resources.callback(_remove, folder)
            is_safe = resources.enter_context(_hold(folder / LOCK)) is not False and folder.exists()
        yield folder


@contextmanager
def _hold(lock: Path) -> Iterator[bool | None]:
    """Hold a lock that ends with its process; whether that succeeds, None on a file system that has no locks."""
    import sqlite3

    try:
        found = sqlite3.connect(lock, timeout=0, isolation_level=None)
    except sqlite3.Error:  # another process has swept the folder away before it was locked, or has no locks to give
        yield None if lock.parent.exists() else False
        return
    with closing(found) as connection:
        is_held: bool | None = True
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            is_held = False if "locked" in str(error) else None
        yield is_held


def _sweep(place: Path) -> None:
    """Remove the scratch folders that killed processes have left."""
    user = os.geteuid() if hasattr(os, "geteuid") else 0  # on Windows each user has a place of their own
    for folder in place.glob(f"{PREFIX}*"):
        with suppress(OSError):
            is_ours = not folder.is_symlink() and folder.stat().st_uid == user
            lock = folder / LOCK
            if is_ours and lock.is_file() and not lock.is_symlink():
                with _hold(lock) as is_dead:
                    if is_dead:
                        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a scratch folder, its lock last: while that is there, `_sweep` finds what a killed process leaves."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != LOCK:
                path.unlink(missing_ok=True)
        (folder / LOCK).unlink(missing_ok=True)
        folder.rmdir()


@contextmanager
def own_matplotlib() -> Iterator[None]:
    """Import Matplotlib for the first time within, whatever backend its user has chosen.

    A command does so without any rc file, so that a broken one or a cache that cannot be written is no matter. In a
    script or notebook the user's own settings stay what they are, for what they draw themselves.
    """
    if "matplotlib" in sys.modules:
        yield
        return
    backend = os.environ.pop("MPLBACKEND", "")
    try:
        with _without_rc_files() if _is_command else nullcontext():
            yield
    finally:
        if backend:
            os.environ["MPLBACKEND"] = backend
    if backend and not _is_command:
        with suppress(ValueError):  # the user's fault, and for the user to see when they draw
            sys.modules["matplotlib"].rcParams["backend"] = backend


@contextmanager
def _without_rc_files() -> Iterator[None]:
    """Let Matplotlib find an empty rc file; it reads only the first one that it finds."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns of a cache that it cannot write
    with scratch_folder() as empty:
        (empty / "matplotlibrc").touch()
        before, os.environ["MATPLOTLIBRC"] = os.environ.get("MATPLOTLIBRC"), str(empty)
        here = os.getcwd() if os.path.exists("matplotlibrc") else ""  # it looks there before it reads MATPLOTLIBRC
        can_return = os.access(here, os.X_OK)
        if can_return:
            os.chdir(empty)
        try:
            yield
        finally:
            if can_return:
                os.chdir(here)
            os.environ.pop("MATPLOTLIBRC")
            if before is not None:
                os.environ["MATPLOTLIBRC"] = before

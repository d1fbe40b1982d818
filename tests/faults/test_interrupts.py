"""Ctrl-C and termination at any stage of a run, and workers that the system ends or refuses memory."""

import os
import pty
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from killing import group_lives

from initbench import load, run
from initbench.errors import StoreError
from initbench.storage.store import Store

pytestmark = pytest.mark.long

CONFIG = """\
dataset: digits
depth: [2, 3, 4]
width: [4, 8, 12, 16, 20, 24, 28, 32]
initializer: [he_normal, zeros]
learning_rate: 0.1
epochs: 200
seeds: 3
train_rows: 300
"""
SLOW_TABLES = """\
import time
from pathlib import Path
from initbench import api
from initbench.registry import initializer

@initializer("unused")
def unused(shape, rng):
    \"\"\"A plugin must bring a part.\"\"\"

def write_tables(found):
    Path("writing").touch()
    time.sleep(600)

api.write_tables = write_tables
"""
STRIKE = """\
import os, signal, threading, time
from multiprocessing import util
from initbench.registry import initializer

@initializer("unused")
def unused(shape, rng):
    \"\"\"A plugin must bring a part.\"\"\"

spawn = util.spawnv_passfds

def spawn_and_strike(path, arguments, files):
    process = spawn(path, arguments, files)
    if "--multiprocessing-fork" in arguments:
        os.SEND(os.getpid(), signal.NUMBER)
        time.sleep(0.2)
    return process

threading.Thread(target=time.sleep, args=(600,), daemon=True).start()  # gets the signals that the main thread blocks
util.spawnv_passfds = spawn_and_strike
"""
SLOW_IMPORT = """\
import time
from pathlib import Path
Path("importing").touch()
try:
    time.sleep(600)
except KeyboardInterrupt:
    raise ImportError("initialization failed") from None  # as compiled modules do
"""
GREEDY = """\
import numpy as np
from initbench.registry import initializer

@initializer("greedy")
def greedy(shape, rng, *, gigabytes: int = 16):
    \"\"\"Asks for much memory where it draws with seed 1.\"\"\"
    if rng.bit_generator.seed_seq.entropy == 1:
        np.ones(gigabytes * 2**27)
    return rng.normal(scale=0.1, size=shape)
"""


BEGIN = """\
import fcntl, os, signal, sys, termios
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # what started the tests may ignore some, as nohup does
    signal.signal(number, signal.SIG_DFL)
if os.isatty(0):
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "initbench", "run", "grid.yaml", *sys.argv[1:]])
"""


def start(folder, *arguments, terminal=None, **options):
    (folder / "grid.yaml").write_text(CONFIG)
    return subprocess.Popen(
        [sys.executable, "-c", BEGIN, *arguments],
        cwd=folder,
        stdin=terminal or subprocess.DEVNULL,
        stdout=terminal or subprocess.PIPE,
        stderr=terminal or subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def until(condition):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def kept(folder):
    try:
        with Store(folder) as store:
            return len(store.finished())
    except StoreError:
        return 0


TUNED = ("-s", "learning_rate={tune: [0.1, 0.01]}")
RACE = ("--until-decided", "-s", "width=4", "-s", "depth=[2, 3, 4]", "-s", "epochs=2000")


@pytest.mark.parametrize(
    ("send", "number", "arguments", "below"),
    [
        (os.killpg, signal.SIGINT, ("-j", "2"), ""),  # as a terminal does
        (os.kill, signal.SIGTERM, ("-j", "2"), ""),
        (os.kill, signal.SIGTERM, ("-j", "1"), ""),
        (os.killpg, signal.SIGINT, ("-j", "2", *TUNED), "tuning"),
        (os.killpg, signal.SIGINT, ("-j", "2", *RACE), ""),
    ],
    ids=["ctrl-c", "term", "term-alone", "tuning", "race"],
)
def test_a_signal_keeps_what_has_finished_and_leaves_no_process(tmp_path, send, number, arguments, below):
    process = start(tmp_path, *arguments)
    folder = tmp_path / "results" / "grid" / below
    until(lambda: kept(folder))
    send(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == (
        "initbench: interrupted; what has finished is kept, and the same command resumes"
    ), errors
    assert "Traceback" not in errors
    until(lambda: not group_lives(process.pid))
    results = load(folder)
    assert 0 < len(results.runs) == kept(folder)
    assert len((folder / "runs.csv").read_text().splitlines()) == 1 + len(results.runs)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_terminal_that_is_closed_takes_no_words_and_costs_no_result(tmp_path, jobs):
    terminal, end = pty.openpty()
    process = start(tmp_path, "-j", jobs, terminal=end)
    os.close(end)
    os.set_blocking(terminal, False)
    folder = tmp_path / "results" / "grid"

    def has_kept_some():
        with suppress(BlockingIOError):
            os.read(terminal, 2**16)
        return kept(folder)

    until(has_kept_some)
    os.close(terminal)
    assert process.wait(timeout=60) == 130
    until(lambda: not group_lives(process.pid))
    assert len((folder / "runs.csv").read_text().splitlines()) == 1 + kept(folder)


def test_ctrl_c_while_workers_start_gives_no_traceback(tmp_path):
    process = start(tmp_path, "-j", "2")
    until((tmp_path / "results" / "grid" / "config.yaml").exists)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    until(lambda: not group_lives(process.pid))


@pytest.mark.parametrize(("send", "number"), [("killpg", "SIGINT"), ("kill", "SIGTERM"), ("killpg", "SIGHUP")])
def test_a_signal_amid_the_start_of_a_worker_gives_no_traceback(tmp_path, send, number):
    """The worker has begun and waits to be told what to do; if the signal cuts that short, it ends in an EOFError."""
    (tmp_path / "strike.py").write_text(STRIKE.replace("SEND", send).replace("NUMBER", number))
    process = start(tmp_path, "-j", "2", "--plugin", "strike.py")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "interrupted" in errors
    until(lambda: not group_lives(process.pid))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", ["click", "numpy"])  # of the command line, of what it runs
def test_a_signal_amid_an_import_ends_the_command_in_a_line(tmp_path, module, number):
    (tmp_path / f"{module}.py").write_text(SLOW_IMPORT)
    process = start(tmp_path)
    until((tmp_path / "importing").exists)
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "initbench: interrupted\n")


def test_workers_start_from_another_thread_too(tmp_path):
    """Where Python lets nobody set what a signal does."""
    changes = ["epochs=1", "seeds=2", "width=8", "depth=[1, 2]", "train_rows=100"]
    with ThreadPoolExecutor(1) as thread:
        results = thread.submit(run, "smoke", results=tmp_path, jobs=2, changes=changes).result()
    assert set(results.runs["status"]) == {"ok"}


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_second_ctrl_c_ends_at_once(tmp_path, jobs):
    (tmp_path / "slow.py").write_text(SLOW_TABLES)
    process = start(tmp_path, "-j", jobs, "--plugin", "slow.py")
    folder = tmp_path / "results" / "grid"
    until(lambda: kept(folder))
    os.killpg(process.pid, signal.SIGINT)
    until((tmp_path / "writing").exists)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    until(lambda: not group_lives(process.pid))
    assert kept(folder) > 0


def test_a_second_ctrl_c_right_after_the_first_says_nothing_of_semaphores(tmp_path):
    process = start(tmp_path, "-j", "2")
    folder = tmp_path / "results" / "grid"
    until(lambda: kept(folder))
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert errors.count("initbench: interrupted") == 1, errors
    assert "leaked" not in errors
    assert "Traceback" not in errors
    until(lambda: not group_lives(process.pid))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("has_reported", [False, True])
def test_a_second_signal_ends_a_process_at_once_and_the_interrupt_is_reported_once(tmp_path, number, has_reported):
    code = (
        "import initbench.__main__ as program, os, signal, time\n"
        "from initbench.process import note_interrupt\n"
        f"signal.signal({int(number)}, signal.SIG_DFL)\n"  # what started the tests may ignore it
        "program._hear(program._interrupt)\n"
        "try:\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        f"    {'note_interrupt()' if has_reported else 'pass'}\n"
        f"    os.kill(os.getpid(), {int(number)})\n"
        "    time.sleep(60)\n"
    )
    (tmp_path / "twice.py").write_text(code)
    done = subprocess.run([sys.executable, "twice.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "" if has_reported else "initbench: interrupted\n")


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not hold processes to RLIMIT_AS")
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_worker_over_its_memory_limit_fails_the_cell_that_asks_for_too_much(tmp_path, jobs):
    (tmp_path / "greedy.py").write_text(GREEDY)
    small = ("-s", "initializer=[he_normal, greedy]", "-s", "depth=1", "-s", "width=8", "-s", "epochs=1")
    process = start(tmp_path, "-j", jobs, "--plugin", "greedy.py", *small, preexec_fn=limit_memory)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 3, errors
    assert "1 cells failed: MemoryError: Unable to allocate 16.0 GiB" in errors.splitlines()[-1], errors
    runs = load(tmp_path / "results" / "grid").runs
    assert set(zip(runs["initializer"], runs["seed"], runs["status"], strict=True)) == {
        *(("he_normal", seed, "ok") for seed in range(3)),
        *(("greedy", seed, "failed" if seed == 1 else "ok") for seed in range(3)),
    }

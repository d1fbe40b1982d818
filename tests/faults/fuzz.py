"""Fuzzing at length: ``python tests/faults/fuzz.py --configs 10000 --data 2000 --tables 2000``; a test is short."""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import HealthCheck, given, seed, settings

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults.dialects import READ_SHARE, make_case, try_reader
from faults.harness import LIMIT_SECONDS, Verdict, run_case
from faults.strategies import TABLE, DataCase, changes, configs, data_files
from faults.table_damage import DAMAGES, make_damage, try_damage

from initbench.errors import DataError
from initbench.parts.datasets.tables import Options, Table, read_table

BATCH = 250
MEMORY_BYTES = 4 * 2**30


class Tally(NamedTuple):
    """What came of some cases: how many, exit codes of all commands, slowest command, promises broken and by what."""

    cases: int
    codes: Counter[int]
    slowest: tuple[float, str]
    found: list[tuple[str, str]]


def try_config(folder: Path, content: bytes, options: Sequence[str]) -> list[Verdict]:
    """Check a config, and preview its run if it is fine."""
    (folder / "case.yaml").write_bytes(content)
    (folder / "table.csv").write_bytes(TABLE)
    (folder / "folder").mkdir()
    verdicts = [run_case(["check", "case.yaml", *options], folder, ("case.yaml", "-s "))]
    if verdicts[0].code == 0:
        command = ["run", "case.yaml", "--dry-run", "-o", "results", "-j", "1", *options]
        verdicts.append(run_case(command, folder, ("case.yaml", "table.csv", "-s ", "train_rows", "gaussian", "mnist")))
    return verdicts


def try_data(folder: Path, case: DataCase) -> list[Verdict]:
    """Check a config that names data files, preview and do its run if it is fine, and verify the files as MNIST."""
    (folder / "case.yaml").write_text(case.config)
    for name, content in case.files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        put(file, content)
    about = ("case.yaml", "data.csv", "data.npz", "mnist")
    verdicts = [run_case(["check", "case.yaml"], folder, about)]
    if verdicts[0].code == 0:
        verdicts.append(run_case(["run", "case.yaml", "--dry-run"], folder, about))
        verdicts.append(run_case(["run", "case.yaml", "-j", "1", "-q"], folder, about))
    if (folder / "data.npz").is_file():
        (folder / "data.npz").rename(folder / "mnist.npz")
    verdicts.append(run_case(["data", "verify", "mnist", "--data-dir", "."], folder, about))
    return verdicts


def put(file: Path, content: bytes | str) -> None:
    """Write a file, or what stands in its place."""
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content == "fifo":
        os.mkfifo(file)
    elif content == "folder":
        file.mkdir()
    else:
        file.symlink_to({"loop": file.name, "dangling": "nowhere", "endless": "/dev/zero"}[content])


def fuzz(kind: str, count: int, start: int, limit: float = LIMIT_SECONDS * 4) -> Tally:
    """Try so many cases; a command that outlasts even its own alarm ends this process after ``limit`` seconds."""
    tally: list[tuple[Verdict, str]] = []
    found: list[tuple[str, str]] = []
    cases = 0

    def attempt(trial: Callable[[Path], list[Verdict]], case: str) -> None:
        nonlocal cases
        cases += 1
        faulthandler.dump_traceback_later(limit, exit=True)
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        try:
            verdicts = trial(folder)
        finally:
            shutil.rmtree(folder)
            faulthandler.cancel_dump_traceback_later()
        tally.extend((verdict, case) for verdict in verdicts)
        found.extend((broken, case) for verdict in verdicts for broken in verdict.broken)

    quiet = settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    if kind == "configs":

        @quiet
        @seed(start)
        @given(configs(), changes())
        def explore(content: bytes, options: list[str]) -> None:
            attempt(lambda folder: try_config(folder, content, options), f"{content[:3000]!r} {options}"[:4000])

    else:

        @quiet
        @seed(start)
        @given(data_files())
        def explore(case: DataCase) -> None:
            attempt(lambda folder: try_data(folder, case), repr(case)[:4000])

    explore()
    slowest = max(((verdict.seconds, case) for verdict, case in tally), default=(0.0, ""))
    return Tally(cases, Counter(verdict.code for verdict, _ in tally), slowest, found)


def read_declared(file: Path, options: dict[str, Any]) -> Table:
    """The table of a file, with these options declared; what stands in the way of learning from it counts as well."""
    table = read_table(file, Options(**options))
    if table.faults:
        raise DataError("\n".join(table.faults))
    return table


def fuzz_tables(
    count: int, start: int, read: Callable[[Path, dict[str, Any]], Any] = read_declared, damage_every: int = 5
) -> Tally:
    """Read so many tables whose truth is known, and one that is damaged after every few of them."""
    codes: Counter[int] = Counter()
    found, clear, refused = [], 0, []
    slowest = (0.0, "")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        file = Path(folder, "table.csv")
        for number in range(start * BATCH, start * BATCH + count):
            case = make_case(number)
            begin = time.process_time()
            outcome = try_reader(case, read, file)
            slowest = max(slowest, (time.process_time() - begin, f"make_case({number})"))
            codes[0 if outcome.end == "read" else 2] += 1
            if not case.refuse and not case.loose:
                clear += 1
                refused += [f"make_case({number}): {outcome.message}"] * (outcome.end == "refused")
            found += [(broken, f"make_case({number}) {case.options} {case.dialect}") for broken in outcome.broken]
            if number % damage_every == 0:
                name = list(DAMAGES)[number // damage_every % len(DAMAGES)]
                outcome = try_damage(make_damage(name, number), read, file)
                codes[0 if outcome.end == "read" else 2] += 1
                found += [(broken, f"make_damage({name!r}, {number})") for broken in outcome.broken]
    if len(refused) > (1 - READ_SHARE) * clear:
        found.append((f"refuses {len(refused)} of {clear} tables that leave no doubt", "\n    ".join(refused)))
    return Tally(codes.total(), codes, slowest, found)


def run_batch(kind: str, count: int, start: int) -> Tally:
    """``fuzz`` in a process of its own, whose memory is limited."""
    batch = ["--batch", kind, str(count), str(start)]
    done = subprocess.run([sys.executable, __file__, *batch], capture_output=True, text=True)
    if done.returncode:
        return Tally(0, Counter(), (0.0, ""), [("the process ended", f"{kind} {start}: {done.stderr[-3000:]}")])
    cases, codes, slowest, found = json.loads(done.stdout.splitlines()[-1])
    return Tally(
        cases, Counter({int(code): times for code, times in codes.items()}), tuple(slowest), list(map(tuple, found))
    )


def main() -> None:
    """Fuzz in batches, and tell what was found; exit 1 if that is anything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configs", type=int, default=10_000)
    parser.add_argument("--data", type=int, default=2000)
    parser.add_argument("--tables", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", nargs=3, metavar=("KIND", "CASES", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.batch:
        kind, count, start = options.batch
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        warnings.simplefilter("error")
        tally = fuzz_tables(int(count), int(start)) if kind == "tables" else fuzz(kind, int(count), int(start))
        print(json.dumps(tally))
        return
    is_clean = True
    for kind, total in (("configs", options.configs), ("data", options.data), ("tables", options.tables)):
        if not total:
            continue
        counts = [min(BATCH, total - done) for done in range(0, total, BATCH)]
        with ThreadPool(options.jobs) as pool:
            tallies = pool.starmap(run_batch, [(kind, n, options.seed + i) for i, n in enumerate(counts)], 1)
        codes = sum((tally.codes for tally in tallies), Counter())
        found = [item for tally in tallies for item in tally.found]
        shown = ", ".join(f"{times} x {code}" for code, times in sorted(codes.items()))
        print(f"{kind}: {sum(tally.cases for tally in tallies)} cases; exit codes {shown}")
        seconds, slowest = max(tally.slowest for tally in tallies)
        print(f"  slowest command: {seconds:.1f} s of processor time, with {slowest[:200]}")
        print(f"  promises broken: {len(found)}")
        for broken, case in found:
            print(f"  {broken}\n    {case}")
        is_clean &= not found
    sys.exit(0 if is_clean else 1)


if __name__ == "__main__":
    main()

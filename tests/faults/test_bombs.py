"""Files that unfold to more than a machine has: told in a line, within the memory of the test."""

from __future__ import annotations

import gzip
import json
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from faults.strategies import NET, archive, npy

from initbench.parts.datasets.images import IDX_FILES, IMAGES

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited by RLIMIT_AS"),
]
MEGABYTE = 2**20
ZEROS = bytes(64 * MEGABYTE)
CHILD = """
import gzip, json, resource, sys
from pathlib import Path
from faults.harness import run_case
import numpy, scipy, sklearn.datasets, initbench.config, initbench.api, initbench.cli.progress  # before memory is short

now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 400 * 2**20,) * 2)
try:
    gzip.decompress(Path("control.gz").read_bytes())
    print("the control fits in memory")
except MemoryError:
    command = ["run", "case.yaml", "--dry-run", "-j", "1"]
    print(json.dumps(run_case(command, Path.cwd(), ("case.yaml", "memory", "npz", "idx", "gaussian"))))
"""


def squeezed(pieces, first=b""):
    """Gzip of so many pieces of 64 MB of zeros after ``first``; a gzip file may have members."""
    return gzip.compress(first) + gzip.compress(ZEROS, 1) * pieces


@pytest.fixture(scope="module")
def control():
    return squeezed(20)


def header(*shape):
    return IMAGES + b"".join(struct.pack(">I", size) for size in shape)


def put_idx(folder, content):
    for stem, _ in IDX_FILES.values():
        (folder / stem).write_bytes(content)
    return "idx: ."


def put_npz(folder, content):
    (folder / "data.npz").write_bytes(content)
    return "npz: data.npz"


def put_long_cell(folder):
    (folder / "data.csv").write_text(
        "a,b,y\n" + "w" * 130_000 + ",1,k0\n" + "".join(f"x,1,k{i % 2}\n" for i in range(9999))
    )
    return "csv: data.csv, target: y"


def put_categories(folder):
    names = ",".join(f"c{i}" for i in range(60))
    lines = (",".join([f"t{i % 999}"] * 60) + f",k{i % 2}\n" for i in range(3000))
    (folder / "data.csv").write_text(f"{names},y\n" + "".join(lines))
    return "csv: data.csv, target: y"


def put_zip(folder):
    shape = (16, len(ZEROS))
    start = npy(f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}", b"")
    with zipfile.ZipFile(folder / "data.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        with packed.open("x_train.npy", "w") as member:
            member.write(start)
            for _ in range(shape[0]):
                member.write(ZEROS)
        for name in ("y_train", "x_test", "y_test"):
            packed.writestr(f"{name}.npy", start)
    return "npz: data.npz"


def put_huge_claim(folder):
    start = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 3, 3), }"
    return put_npz(folder, archive(dict.fromkeys((f"{name}.npy" for name in IDX_FILES), npy(start, bytes(99)))))


BOMBS = {
    "idx that holds more than it promises": (
        lambda folder: put_idx(folder, squeezed(20, header(20, 3, 3))),
        "its header promises 20 x 3 x 3 bytes and more follow",
    ),
    "idx that holds what it promises": (
        lambda folder: put_idx(folder, squeezed(20, header(20, 8192, 8192))),
        "not enough memory",
    ),
    "idx that promises terabytes": (
        lambda folder: put_idx(folder, header(2**32 - 1, 2**32 - 1, 7)),
        "its header promises 4294967295 x 4294967295 x 7 bytes; the most is 2,147,483,648",
    ),
    "npz that promises terabytes": (put_huge_claim, "promises 1000000000000 x 3 x 3 x 8 bytes and 99 bytes follow"),
    "npz that holds what it promises": (put_zip, "not enough memory"),
    "csv of one long cell": (put_long_cell, ""),
    "csv of many categories": (put_categories, "not enough memory"),
    "gaussian of many classes": (
        lambda folder: "gaussian: {rows: 10000000, features: 1, classes: 100}",
        "more than 100",
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_told_in_a_line_and_takes_no_memory(bomb, control, tmp_path):
    put, message = BOMBS[bomb]
    (tmp_path / "case.yaml").write_text(f"dataset: {{{put(tmp_path)}}}\n{NET}")
    (tmp_path / "control.gz").write_bytes(control)
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", CHILD], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    code, output, _, broken = json.loads(done.stdout)
    assert broken == [], output
    assert code in ((1, 2) if message else (0,)), output
    assert message in output

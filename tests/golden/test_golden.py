"""The numbers of small grids are those of golden files: python tests/golden/test_golden.py writes these anew."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info

import initbench
from initbench.contracts import METRICS

HERE = Path(__file__).parent
GRIDS = ("descent", "adaptive")
MACHINE = HERE / "machine.json"  # that wrote the golden files
TOLERANCE = 1e-4  # of a metric, between versions of NumPy and kernels of its BLAS


def machine():
    """What the last bit of a number depends on."""
    blas = [(b["internal_api"], b["version"], b["architecture"]) for b in threadpool_info() if b["user_api"] == "blas"]
    return {"processor": platform.machine(), "numpy": np.__version__, "blas": [list(b) for b in sorted(set(blas))]}


def golden(grid):
    return HERE / f"{grid}.csv"


def difference(path, grid):
    """The largest difference of a metric from the golden file, in which all else must be equal."""
    tables = [pd.read_csv(file) for file in (path, golden(grid))]
    ours, theirs = (table.drop(columns=list(METRICS)) for table in tables)
    pd.testing.assert_frame_equal(ours, theirs)
    ours, theirs = (table[list(METRICS)].to_numpy() for table in tables)
    return np.abs(ours - theirs).max()


@pytest.fixture(scope="module", params=GRIDS)
def results(request, tmp_path_factory):
    return initbench.run(HERE / f"{request.param}.yaml", results=tmp_path_factory.mktemp("golden"))


def test_the_numbers_are_golden(results):
    curves, grid = results.folder / "curves.csv", results.folder.name
    if machine() == json.loads(MACHINE.read_text()):
        assert curves.read_bytes() == golden(grid).read_bytes()
    assert difference(curves, grid) < TOLERANCE


def test_a_number_that_is_off_and_a_cell_of_another_name_are_caught(results, tmp_path):
    table = results.curves.copy()
    table.loc[5, "valid_loss"] += 1.1 * TOLERANCE
    table.to_csv(tmp_path / "off.csv", index=False)
    assert difference(tmp_path / "off.csv", results.folder.name) > TOLERANCE
    table.loc[7, "cell"] = "0" * 16
    table.to_csv(tmp_path / "renamed.csv", index=False)
    with pytest.raises(AssertionError):
        difference(tmp_path / "renamed.csv", results.folder.name)


@pytest.mark.long
@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64") or machine()["blas"][0][0] != "openblas",
    reason="only OpenBLAS on x86 takes the kernels of other processors",
)
@pytest.mark.parametrize("kernels", ["Haswell", "Prescott"])
def test_other_kernels_give_the_same_numbers_within_the_tolerance(tmp_path, kernels):
    configs = [str(HERE / f"{grid}.yaml") for grid in GRIDS]
    command = [sys.executable, "-m", "initbench", "run", *configs, "-j", "1", "-q"]
    environment = {**os.environ, "OPENBLAS_CORETYPE": kernels}
    subprocess.run(command, check=True, cwd=tmp_path, env=environment, timeout=300)
    for grid in GRIDS:
        folder = tmp_path / "results" / grid
        assert difference(folder / "curves.csv", grid) < TOLERANCE
        used = {blas["architecture"] for blas in json.loads((folder / "manifest.json").read_text())["blas"]}
        assert used in ({"Haswell"}, {"Prescott"}, {"Katmai"})  # the last two are one to OpenBLAS


def test_the_resolved_config_and_the_manifest_are_enough_to_run_again(results, tmp_path):
    again = initbench.run(results.folder / "config.yaml", results=tmp_path, changes=[f"name={results.folder.name}"])
    for name in ("config.yaml", "curves.csv", "accuracy.csv", "comparison.csv"):
        assert (again.folder / name).read_bytes() == (results.folder / name).read_bytes()
    runs = [r.runs.drop(columns="wall_seconds").to_csv() for r in (results, again)]
    assert runs[0] == runs[1]
    first, second = (json.loads((r.folder / "manifest.json").read_text()) for r in (results, again))
    needed = ("initbench", "python", "packages", "blas", "data")
    assert [first[key] for key in needed] == [second[key] for key in needed]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        for grid in GRIDS:
            found = initbench.run(HERE / f"{grid}.yaml", results=name)
            shutil.copyfile(found.folder / "curves.csv", golden(grid))
    MACHINE.write_text(json.dumps(machine(), indent=2) + "\n")

"""What is shipped: a wheel that holds everything that the package needs."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import initbench

REPOSITORY = Path(initbench.__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, REPOSITORY],
        check=True,
        capture_output=True,
    )
    (file,) = folder.glob("*.whl")
    return file


def test_the_wheel_holds_configs_digits_licences_and_types(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for config in (REPOSITORY / "configs").rglob("*.yaml"):
        assert f"initbench/{config.relative_to(REPOSITORY).as_posix()}" in names
    digits = "initbench/parts/datasets/mnist10k"
    assert {f"{digits}/train-images-idx3-ubyte.gz", f"{digits}/LICENSE.md", "initbench/py.typed"} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    report = "initbench/present/report"
    assets = ["report.css", "report.js", "templates/report.html.jinja", "templates/methods.html.jinja"]
    vendored = ["vendor/uplot/uPlot.iife.min.js", "vendor/uplot/uPlot.min.css", "vendor/sortable/sortable.min.js"]
    assert {f"{report}/{name}" for name in (*assets, *vendored)} <= names
    assert sum(name.endswith(("uplot/LICENSE", "sortable/LICENSE")) and "licenses/" in name for name in names) == 2
    assert not any(name.startswith(("tests/", "results/")) for name in names)


def test_a_bundled_config_runs_by_its_bare_name_from_the_wheel_alone(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    arguments = [
        "run",
        "relu_deep",
        "-j",
        "1",
        "--seeds",
        "1",
        "-s",
        "epochs=1",
        "-s",
        "initializer=zeros",
        "-s",
        "width=4",
    ]
    where = subprocess.run(
        [sys.executable, "-c", "import initbench; print(initbench.__file__)"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(tmp_path / "site") in where.stdout
    done = subprocess.run(
        [sys.executable, "-m", "initbench", *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results" / "relu_deep" / "accuracy.md").exists()

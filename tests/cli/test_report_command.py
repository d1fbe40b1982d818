"""``initbench report``, as a user types it."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("sketches")

SMALL = """\
dataset: digits
depth: 1
width: 4
initializer: [he_normal, zeros]
epochs: 1
seeds: 2
train_rows: 100
"""
FILES = {f"{name}.yaml": f"{SMALL}description: about {name}\n" for name in "ab"}


def test_one_experiment_or_all_below_a_folder(invoke):
    invoke("run", "a.yaml", "b.yaml", "-j", "1", "-q")
    assert invoke("report", "results/a").stdout == "results/a/report.html\n"
    single = Path("results/a/report.html").read_text(encoding="utf-8")
    assert "about a" in single
    assert "about b" not in single
    assert invoke("report", "results").stdout == "results/report.html\n"
    joined = Path("results/report.html").read_text(encoding="utf-8")
    assert joined.index("about a") < joined.index("about b")


def test_an_experiment_inside_of_another_is_not_one_more_chapter(invoke):
    invoke("run", "a.yaml", "-j", "1", "-q")
    invoke("run", "b.yaml", "-j", "1", "-q", "-o", "results/a")
    invoke("report", "results")
    assert "about b" not in Path("results/report.html").read_text(encoding="utf-8")


def test_files_that_are_gone_leave_a_gap_and_no_results_are_an_error(invoke):
    assert "no results in nowhere" in invoke("report", "nowhere", code=1).stderr
    invoke("run", "a.yaml", "-j", "1", "-q")
    for name in ("config.yaml", "manifest.json"):
        Path("results/a", name).unlink()
    invoke("report", "results/a")
    assert "There is no manifest.json" in Path("results/a/report.html").read_text(encoding="utf-8")
    Path("results/a/report.html").unlink()
    Path("results/a/report.html").mkdir()
    assert "cannot be written" in invoke("report", "results/a", code=1).stderr

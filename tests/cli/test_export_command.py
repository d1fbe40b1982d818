"""`initbench export`, and the ranks that a run writes."""

from pathlib import Path

import frames
import numpy as np
import pandas as pd
import pytest

import initbench
from initbench.analysis.ranks import COLUMNS
from initbench.errors import StoreError
from initbench.results.files import write_export
from initbench.results.tables import Results
from initbench.storage.store import Frames, Store

SMALL = """\
dataset: digits
depth: [1, 2]
width: 8
initializer: [he_normal, zeros, glorot_normal]
learning_rate: 0.1
epochs: 1
seeds: 2
train_rows: 200
"""
FOLDER = Path("results/small")
FILES = {"small.yaml": SMALL}


@pytest.mark.usefixtures("sketches")
def test_a_sweep_writes_its_ranks_and_what_is_no_sweep_any_more_has_none(invoke):
    invoke("run", "small.yaml", "-q", "-j", "1")
    table = pd.read_csv(FOLDER / "ranks.csv")
    assert list(table) == COLUMNS
    ranking = initbench.load(FOLDER).ranking
    assert table["mean_rank"].tolist() == ranking.table["mean_rank"].tolist()
    assert "nan" not in (FOLDER / "ranks.csv").read_text()
    drawn = {Path(file).name for file in invoke("plot", FOLDER).stdout.split()}
    assert {"critical-difference.png", "performance-profiles.png"} <= drawn

    invoke("run", "small.yaml", "-q", "-j", "1", "-s", "depth=1")
    assert not (FOLDER / "ranks.csv").exists()
    assert not {"critical-difference.png"} & {Path(file).name for file in invoke("plot", FOLDER).stdout.split()}


def test_export_writes_numbers_that_other_programs_read(invoke):
    invoke("run", "small.yaml", "-q", "-j", "1")
    files = invoke("export", FOLDER).stdout.split()
    assert files == [str(FOLDER / "export" / name) for name in ("scores.csv", "settings.csv", "scores.npz")]
    assert "rows of scores.csv are not independent blocks" in invoke("export", FOLDER).stderr
    results = initbench.load(FOLDER)
    scores = pd.read_csv(files[0])
    means = results.accuracy.pivot(index="depth", columns="initializer", values="test_accuracy_mean")
    np.testing.assert_allclose(scores, means[scores.columns], atol=1e-12)
    assert pd.read_csv(files[1])["depth"].tolist() == [1, 2]
    arrays = dict(np.load(files[2]))
    assert list(arrays) == list(scores) == ["he_normal", "zeros", "glorot_normal"]
    assert {array.shape for array in arrays.values()} == {(2, 2)}
    majority = results.frames.baselines["test_majority"].iloc[0]
    np.testing.assert_allclose(arrays["he_normal"].mean(axis=0), (scores["he_normal"] - majority) / (1 - majority))
    before = Path(files[2]).read_bytes()
    invoke("export", FOLDER, "-o", "a/b")
    assert Path("a/b/scores.npz").read_bytes() == before


def test_export_of_one_setting_has_a_row_a_seed(invoke):
    invoke("run", "small.yaml", "-q", "-j", "1", "-s", "depth=1")
    found = invoke("export", FOLDER)
    scores, blocks, _ = found.stdout.split()
    assert "independent" not in found.stderr  # seeds are
    assert pd.read_csv(blocks)["seed"].tolist() == [0, 1]
    runs = initbench.load(FOLDER).runs
    accuracy = runs.loc[runs["initializer"] == "zeros", "test_accuracy"]
    np.testing.assert_allclose(pd.read_csv(scores)["zeros"], accuracy)


def test_what_lacks_for_an_export_is_told_in_a_line(invoke):
    assert "to make some" in invoke("export", "nowhere", code=1).stderr
    Store(Path("results/empty"), create=True).close()
    assert "no cell has finished yet" in invoke("export", "results/empty", code=1).stderr
    invoke("run", "small.yaml", "-q", "-j", "1")
    Path("file").touch()
    assert "cannot be written" in invoke("export", FOLDER, "-o", "file/x", code=1).stderr


PICKY = """\
from initbench.registry import initializer

@initializer("picky")
def picky(shape, rng):
    'Wants no square.'
    if shape[0] == shape[1]:
        raise ValueError("a square")
    return rng.normal(size=shape)
"""


def test_settings_that_an_initializer_cannot_finish_do_not_count(invoke):
    Path("picky.py").write_text(PICKY)
    command = ["run", "small.yaml", "-q", "-j", "1", "-s", "initializer=[he_normal, zeros, picky]"]
    command += ["--plugin", "picky.py", "-s"]
    invoke(*command, "depth=[2, 3]", code=3)
    assert not (FOLDER / "ranks.csv").exists()
    assert "no setting has a finished seed of every initializer" in invoke("export", FOLDER, code=1).stderr
    invoke(*command, "depth=[1, 2, 3, 0]", code=3)
    table = pd.read_csv(FOLDER / "ranks.csv")
    assert table[["settings", "left_out"]].to_numpy().tolist() == [[2, 2]] * 3
    result = invoke("export", FOLDER)
    assert "incomplete: 20 of 24 cells are done" in result.stderr
    assert pd.read_csv(FOLDER / "export" / "settings.csv")["depth"].tolist() == [0, 1]


def test_an_initializer_without_a_seed_that_finished_everywhere_is_named(tmp_path):
    f = frames.experiment(
        lambda initializer, depth, seed, **setting: frames.Outcome(
            0.5, status="failed" if initializer == "zeros" and depth == 2 + seed else "ok"
        ),
        initializer=["he_normal", "zeros"],
        depth=[2, 3],
        seeds=2,
        epochs=1,
    )
    results = Results(tmp_path, lambda: (Frames(*f), (pd.DataFrame(), pd.DataFrame())), None, {})
    assert len(results.ranking.table) == 2
    with pytest.raises(StoreError, match="no seed of zeros has finished in every setting"):
        write_export(results, tmp_path / "export")
    assert not (tmp_path / "export").exists()

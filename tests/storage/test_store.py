"""The store: what is kept, what is read back, what is refused."""

import dataclasses
import json
import sqlite3
from hashlib import sha256

import numpy as np
import pytest

from initbench.config import read_experiment
from initbench.contracts import METRICS
from initbench.errors import StoreError
from initbench.plan import DataFacts, make_plan
from initbench.storage import store as store_module
from initbench.storage.files import write_text
from initbench.storage.store import Record, Store

FACTORS = ["dataset", "depth", "width", "activation", "initializer", "optimizer", "learning_rate", "batch_size"]
RUNS = [*FACTORS, "seed", "cell", "status", "epochs", *METRICS, "best_epoch", "best_valid_accuracy"]
RUNS += ["diverged_epoch", "wall_seconds", "error"]


@pytest.fixture
def cells(tmp_path):
    path = tmp_path / "some.yaml"
    path.write_text("initializer: [zeros, he_normal]\nseeds: 2\nepochs: 3\n")
    experiment = read_experiment(path)
    return make_plan(experiment, {experiment.choices["dataset"][0]: DataFacts("c0ffee", 1000, 200, (20,), 3)})


def record(cell, status="ok", diverged=None):
    curves = np.arange((cell.epochs + 1) * 6, dtype=float).reshape(-1, 6) / 100
    curves[:, 3] = [0.1, 0.4, 0.4, 0.3]
    if diverged is not None:
        curves[diverged:] = np.nan
    return Record(cell.key, status, curves, diverged, 0.5, 0.11, 0.12, 200)


def test_what_is_added_comes_back_in_the_order_of_the_plan(tmp_path, cells):
    with Store(tmp_path / "new", create=True) as store:
        store.set_plan(cells, None)
        store.add([record(cells[3]), record(cells[0])])
        assert store.finished() == {cells[0].key, cells[3].key}
    with Store(tmp_path / "new") as store:
        frames = store.frames()
        assert list(frames.runs.columns) == RUNS
        assert list(frames.runs["cell"]) == [cells[0].key, cells[3].key]
        first = frames.runs.iloc[0]
        assert (first["epochs"], first["best_epoch"], first["best_valid_accuracy"]) == (3, 1, 0.4)
        assert first["test_accuracy"] == 0.23
        assert list(frames.curves["epoch"]) == [0, 1, 2, 3] * 2
        assert list(frames.baselines.columns) == ["cell", "test_majority", "valid_majority", "test_rows"]
        assert store.counts() == {"planned": 4, "done": 2, "diverged": 0, "failed": 0, "missing": 2}


def test_a_diverged_cell_shows_its_last_finite_epoch(tmp_path, cells):
    with Store(tmp_path, create=True) as store:
        store.set_plan(cells, None)
        store.add([record(cells[0], "diverged", 2), record(cells[1], "diverged", 0)])
        runs = store.frames().runs
        assert (runs["epochs"][0], runs["train_loss"][0], runs["diverged_epoch"][0]) == (1, 0.06, 2)
        assert runs.loc[1, ["epochs", "train_loss", "best_epoch"]].isna().all()
        assert store.counts()["done"] == store.counts()["diverged"] == 2


def test_a_failed_cell_is_shown_and_tried_again(tmp_path, cells):
    with Store(tmp_path, create=True) as store:
        store.set_plan(cells, None)
        store.add([Record(cells[0].key, "failed", None, None, 0.0, error="no memory")])
        assert store.finished() == set()
        assert store.failures() == [(cells[0].key, "no memory")]
        frames = store.frames()
        assert list(frames.runs["status"]) == ["failed"]
        assert frames.curves.empty


def test_records_of_cells_no_longer_planned_stay_and_count_again_when_planned_again(tmp_path, cells):
    with Store(tmp_path, create=True) as store:
        store.set_plan(cells, None)
        store.add(record(cell) for cell in cells)
        store.set_plan(cells[:2], None)
        assert len(store.frames().runs) == 2
        store.set_plan(cells, None)
        assert store.counts()["missing"] == 0


def test_two_planned_cells_with_one_key_share_a_record(tmp_path, cells):
    twin = dataclasses.replace(cells[0], factors=(("dataset", "other"), *cells[0].factors[1:]))
    with Store(tmp_path, create=True) as store:
        store.set_plan([cells[0], twin], None)
        store.add([record(cells[0])])
        assert list(store.frames().runs["dataset"]) == ["digits", "other"]
        assert len(store.frames().baselines) == 1


def test_a_transaction_that_fails_keeps_what_was_there(tmp_path, cells):
    def broken():
        yield record(cells[1])
        raise RuntimeError("planted")

    with Store(tmp_path, create=True) as store:
        store.set_plan(cells, None)
        store.add([record(cells[0])])
        with pytest.raises(RuntimeError, match="planted"):
            store.add(broken())
        assert store.finished() == {cells[0].key}


def test_what_is_no_store_is_refused_in_a_line(tmp_path):
    with pytest.raises(StoreError, match=r"is no folder of results \(it has no runs.sqlite\)"):
        Store(tmp_path)
    (tmp_path / "runs.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match="cannot be read: file is not a database"):
        Store(tmp_path)


def test_a_store_of_a_newer_version_is_refused(tmp_path, cells):
    Store(tmp_path, create=True).close()
    with sqlite3.connect(tmp_path / "runs.sqlite") as connection:
        connection.execute("UPDATE about SET value = '99' WHERE key = 'layout'")
    connection.close()
    with pytest.raises(StoreError, match="written by a newer initbench"):
        Store(tmp_path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    write_text(tmp_path / "a.csv", "one\n")
    with pytest.raises(StoreError, match="cannot be written"):
        write_text(tmp_path / "missing" / "a.csv", "two\n")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_bytes() == b"one\n"


def test_what_fails_now_does_not_take_the_place_of_what_was_finished(tmp_path, cells):
    failed = Record(cells[0].key, "failed", None, None, 0.0, error="not now")
    with Store(tmp_path, create=True) as store:
        store.set_plan(cells, None)
        store.add([failed])
        assert store.failures() == [(cells[0].key, "not now")]
        store.add([record(cells[0])])
        store.add([failed])
        assert store.failures() == []
        assert store.finished() == {cells[0].key}
        assert store.frames().runs["test_accuracy"].notna().all()


@pytest.mark.parametrize(
    "values",
    [
        (),
        ("a", 'é"\n\ud800'),
        (1, -3, 2**70, True),
        (0.1, -0.0, 1e300, 5e-324, float("nan"), float("-inf")),
        (None, b"x"),
    ],
)
def test_checksums_are_those_of_the_stores_that_there_are(values):
    contents = [value if isinstance(value, bytes) else json.dumps(value).encode() for value in values]
    expected = sha256(b"".join(b"%d:" % len(content) + content for content in contents)).hexdigest()[:16]
    assert store_module._checksum(*values) == expected


def test_curves_are_summed_up_together_as_one_by_one():
    rng = np.random.default_rng(0)
    curves = [rng.random((rng.integers(1, 6), len(METRICS))).round(1) for _ in range(300)]
    for curve in curves:
        curve[rng.integers(0, len(curve) + 2) :] = np.nan
    for curve, found in zip(curves, store_module._summaries(curves), strict=True):
        finite = np.flatnonzero(np.isfinite(curve[:, 0]))
        if not len(finite):
            assert np.isnan(found).all()
            continue
        valid = curve[: finite[-1] + 1, METRICS.index("valid_accuracy")]
        expected = [finite[-1], *curve[finite[-1]], np.argmax(valid), valid.max()]
        np.testing.assert_array_equal(found, expected)

"""``test_auc`` and ``steps_to_target``, from a config to the tables."""

import sqlite3

import numpy as np
import pandas as pd
import pytest
from counting import Counting
from sklearn.metrics import roc_auc_score

from initbench import load, run
from initbench.config import read_experiment
from initbench.contracts import METRICS
from initbench.plan import Stack, make_plan
from initbench.registry import find
from initbench.training.shared import SharedData
from initbench.training.stack import load_rows

CONFIG = """\
dataset: {gaussian: {features: 6, classes: 2, rows: 300}}
depth: 1
width: 8
initializer: [he_normal, zeros, {normal: {std: 3}}]
learning_rate: [0.05, 0.5]
batch_size: 20
epochs: 3
seeds: 3
target: 0.9
clock: 2
"""
CLOCKLESS = ["clock=null"]
THREE_CLASSES = [*CLOCKLESS, "dataset={gaussian: {features: 6, classes: 3, rows: 300}}"]
BOTH = ["test_auc", "steps_to_target"]


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "some.yaml"
    path.write_text(CONFIG)
    return path


def change(folder, statement):
    connection = sqlite3.connect(folder / "runs.sqlite")
    with connection:
        connection.executescript(statement)
    connection.close()


def numbers(results, columns=(*METRICS, *BOTH)):
    """The bytes of every cell's numbers, by initializer, rate and seed."""
    runs = results.runs.set_index(["initializer", "learning_rate", "seed"])
    return {index: row.to_numpy(float).tobytes() for index, row in runs[list(columns)].iterrows()}


def test_the_columns_stand_after_those_of_the_contract_where_they_are_asked_for(trained):
    clocked, plain, three = (trained(*changes).results for changes in ((), CLOCKLESS, THREE_CLASSES))
    assert list(three.runs)[-1] == "error"
    assert list(plain.runs) == [*three.runs, "test_auc"]
    assert list(clocked.runs) == [*three.runs, *BOTH]
    assert list(plain.accuracy) == [*three.accuracy, "test_auc_mean"]
    assert list(clocked.accuracy) == [*three.accuracy, "test_auc_mean", "steps_to_target"]
    for results in (clocked, plain, three):
        for name in ("runs", "accuracy"):
            table = pd.read_csv(results.folder / f"{name}.csv")
            assert list(table) == list(getattr(results, name))
    text = (clocked.folder / "runs.csv").read_text()
    assert "nan" not in text
    assert {line.rsplit(",", 1)[1] for line in text.splitlines()[1:]} > {"", "10"}
    assert (clocked.folder / "config.yaml").read_text().count("clock: 2\n") == 1
    assert "clock" not in (plain.folder / "config.yaml").read_text()


def test_a_mixed_sweep_has_an_auc_where_there_are_two_classes(config):
    datasets = "dataset=[{gaussian: {features: 6, classes: 3, rows: 300}}, {line: {rows: 200}}]"
    results = run(config, changes=[*CLOCKLESS, datasets, "learning_rate=[0.1, 1e30]"])
    has = results.runs["test_auc"].notna()
    assert (has == results.runs["dataset"].str.startswith("line")).all()
    lost = results.runs["status"] == "diverged"
    assert set(results.runs.loc[lost & has, "test_auc"]) == {0.5}
    assert (results.accuracy["test_auc_mean"].notna() == results.accuracy["dataset"].str.startswith("line")).all()


def test_a_clock_changes_no_other_number_and_gives_the_cell_another_name(config, trained):
    clocked, plain = trained().results, trained(*CLOCKLESS).results
    others = [*METRICS, "test_auc"]
    assert numbers(clocked, others) == numbers(plain, others)
    curves = [results.curves[list(METRICS)].to_numpy().tobytes() for results in (clocked, plain)]
    assert curves[0] == curves[1]
    assert not set(clocked.runs["cell"]) & set(plain.runs["cell"])
    untargeted = run(config, results="c", changes=[*CLOCKLESS, "target=null"])
    assert list(untargeted.runs["cell"]) == list(plain.runs["cell"])


def test_the_steps_are_those_at_which_the_curves_reach_the_target(config):
    results = run(config, changes=["clock=11", "epochs=8"])  # 216 training rows make eleven steps an epoch
    first = results.curves[results.curves["valid_accuracy"] >= 0.9].groupby("cell")["epoch"].min()
    runs = results.runs.set_index("cell")
    pd.testing.assert_series_equal(runs["steps_to_target"], runs.index.to_series().map(first) * 11.0, check_names=False)
    assert runs["steps_to_target"].nunique() > 2
    assert runs["steps_to_target"].isna().any()


def test_alone_or_stacked_one_job_or_two_whole_or_resumed_the_numbers_are_the_same(config, trained, monkeypatch):
    whole = numbers(trained().results)
    assert len(whole) == 18
    assert len(set(whole.values())) > 10
    assert numbers(run(config, results="two", jobs=2)) == whole
    monkeypatch.setattr("initbench.plan.CACHE_BYTES", 1)
    first, second = Counting(stop_after=7), Counting()
    with pytest.raises(KeyboardInterrupt):
        run(config, results="parts", progress=first)
    assert list(load("parts/some").runs)[-2:] == BOTH
    assert numbers(run(config, results="parts", progress=second)) == whole
    assert (len(first.trained), len(second.trained)) == (7, 11)


def test_the_comparison_catches_a_step_and_a_last_bit_of_an_area(config):
    results = run(config, changes=["seeds=1", "learning_rate=0.5"])
    before = numbers(results)
    for column, value in (("steps_to_target", 999), ("test_auc", np.nextafter(results.runs["test_auc"][0], 2))):
        kept = results.runs[column][0]
        results.runs.loc[0, column] = value
        assert numbers(results) != before
        results.runs.loc[0, column] = kept
    assert numbers(results) == before


def test_the_auc_is_that_of_the_kept_weights_on_the_test_rows(config):
    changes = [*CLOCKLESS, "dtype=float64", "record=[curves, weights]"]
    results = run(config, changes=changes)
    experiment = read_experiment(config, changes)
    (part,) = experiment.choices["dataset"]
    dataset = find("dataset", part.name).function((), **dict(part.parameters))
    areas = results.runs.set_index("cell")["test_auc"]
    for cell in make_plan(experiment, SharedData(config.parent / "shared", ()).facts_of(experiment)):
        test = load_rows(Stack((cell,)), dataset).data.test
        with np.load(results.folder / "weights" / f"{cell.key}.npz") as kept:
            hidden = np.maximum(test.x[0, :, :-1] @ kept["weights_0"] + kept["biases_0"], 0)
            scores = hidden @ kept["weights_1"] + kept["biases_1"]
        assert areas[cell.key] == pytest.approx(roc_auc_score(test.targets[0, :, 0], scores[:, 0]), abs=1e-12)


def test_a_test_split_without_a_class_has_no_auc_and_is_not_trained_twice(config):
    rng = np.random.default_rng(0)
    images = {f"x_{part}": rng.integers(0, 256, (n, 2, 2), np.uint8) for part, n in (("train", 40), ("test", 10))}
    np.savez("rows.npz", **images, y_train=np.arange(40) % 2, y_test=np.zeros(10, int))
    changes = [*CLOCKLESS, "dataset={npz: rows.npz}"]
    assert run(config, changes=changes).runs["test_auc"].isna().all()
    again = Counting()
    run(config, changes=changes, progress=again)
    assert again.trained == []


OLD = "DROP TABLE further; DELETE FROM about WHERE key IN ('further', 'plan')"


def test_a_store_from_before_there_was_an_auc_is_read_and_its_cells_of_two_classes_are_trained_once(config):
    new = run(config, changes=CLOCKLESS)
    change(new.folder, OLD)
    old = load(new.folder)
    assert list(old.runs)[-1] == "error"
    assert numbers(old, METRICS) == numbers(new, METRICS)
    first, second = Counting(), Counting()
    columns = [*METRICS, "test_auc"]
    assert numbers(run(config, changes=CLOCKLESS, progress=first), columns) == numbers(new, columns)
    run(config, changes=CLOCKLESS, progress=second)
    assert (len(first.trained), len(second.trained)) == (18, 0)


def test_cells_of_more_classes_from_such_a_store_are_kept(config):
    new = run(config, changes=THREE_CLASSES)
    change(new.folder, OLD)
    progress = Counting()
    again = run(config, changes=THREE_CLASSES, progress=progress)
    assert progress.trained == []
    pd.testing.assert_frame_equal(again.runs, new.runs)


def test_tuning_has_no_clock(config):
    results = run(config, changes=["learning_rate={tune: [0.05, 0.5]}", "seeds=2"])
    assert list(results.runs)[-2:] == BOTH
    assert "steps_to_target" not in results.tuning_results.runs

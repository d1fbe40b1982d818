"""``record: [curves, layers]`` from the config to its tables."""

import numpy as np
import pandas as pd
import pytest

from initbench import load, run
from initbench.contracts import LAYER_METRICS
from initbench.probing.run import probe
from initbench.probing.run import write_figures as write_figures_of_probe
from initbench.results.files import write_figures

CONFIG = """\
dataset: digits
depth: 3
width: 16
initializer: [zeros, {constant: {value: 0.1}}, he_normal, {normal: {std: 1e12}}]
learning_rate: 0.05
epochs: 3
seeds: [4, 7]
train_rows: 300
record: [curves, layers]
"""
FACTORS = ["dataset", "depth", "width", "activation", "initializer", "optimizer", "learning_rate", "batch_size"]
COLUMNS = [*FACTORS, "seed", "cell", "epoch", "layer", *LAYER_METRICS[:-1]]


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "some.yaml"
    path.write_text(CONFIG)
    return path


def test_the_table_has_a_row_for_each_cell_epoch_and_layer(trained):
    results = trained().results
    table = pd.read_csv(results.folder / "layers.csv")
    assert list(table) == COLUMNS
    assert list(results.layers) == [*COLUMNS, "distance"]
    assert len(table) == 8 * 4 * 4
    assert all(list(rows) == [1, 2, 3, 4] for _, rows in table.groupby(["cell", "epoch"])["layer"])
    pd.testing.assert_frame_equal(load(results.folder).layers, results.layers)
    assert (results.folder / "predictors.csv").is_file()


@pytest.mark.parametrize("initializer", ["zeros", "constant(value=0.1)"])
def test_units_that_start_alike_stay_alike_at_every_epoch(trained, initializer):
    layers = trained().results.layers
    mine = layers[(layers["initializer"] == initializer) & (layers["layer"] <= 3)]
    assert len(mine) == 2 * 4 * 3
    assert (mine["distinct_units"] == 1).all()
    random = layers[(layers["initializer"] == "he_normal") & (layers["layer"] <= 3)]
    assert (random["distinct_units"] == 16).all()


def test_nothing_is_told_after_divergence_and_the_field_is_empty(trained):
    results = trained().results
    diverged = results.runs[results.runs["status"] == "diverged"]
    assert set(diverged["initializer"]) == {"normal(std=1e+12)"}
    for row in diverged.itertuples():
        after = results.layers["cell"].eq(row.cell) & results.layers["epoch"].ge(row.diverged_epoch)
        assert after.sum() > 0
        assert results.layers.loc[after, list(LAYER_METRICS)].isna().all(axis=None)
    text = (results.folder / "layers.csv").read_text()
    assert "nan" not in text
    assert "inf" not in text


def test_recording_layers_changes_no_curve_and_jobs_change_no_layer(config, trained):
    alone = trained().results
    shared = run(config, jobs=2)
    plain = trained("record=[curves]").results
    pd.testing.assert_frame_equal(alone.layers, shared.layers)
    pd.testing.assert_frame_equal(alone.curves, plain.curves)
    assert plain.layers.empty
    assert not (plain.folder / "layers.csv").exists()


def test_layers_that_are_asked_for_later_are_trained_for_once(config):
    first = run(config, changes=["record=[curves]"])
    later = run(config)
    assert set(later.layers["cell"]) == set(first.runs["cell"])
    pd.testing.assert_frame_equal(first.curves, later.curves)
    before = (config.parent / "results/some/runs.sqlite").read_bytes()
    run(config)
    assert load("results/some").runs["wall_seconds"].equals(later.runs["wall_seconds"])
    assert len(before) == len((config.parent / "results/some/runs.sqlite").read_bytes())


def test_nothing_is_told_where_only_some_finished_cells_were_looked_at(config):
    run(config)
    assert run(config, changes=["record=[curves]", "seeds=[4, 7, 9]"]).layers.empty
    assert not (config.parent / "results/some/layers.csv").exists()
    assert len(run(config, changes=["seeds=[4, 7, 9]"]).layers) == 12 * 4 * 4


def test_histograms_follow_the_first_seed_whatever_was_run_before(config):
    run(config, changes=["seeds=[4, 7]"])
    assert set(run(config, changes=["seeds=[7]"]).histograms["seed"]) == {7}
    assert set(run(config, changes=["seeds=[4, 7]"]).histograms["seed"]) == {4}


@pytest.mark.usefixtures("sketches")
def test_networks_without_hidden_layers_do_not_stop_the_figures_of_others(config):
    results = run(config, changes=["depth=[0, 1]", "seeds=1", "epochs=1", "initializer=he_normal"])
    assert any(file.name.startswith("layers-gradients") for file in write_figures(results))
    assert write_figures(run(config, changes=["depth=0", "seeds=1", "epochs=1", "name=flat"]))


def test_histograms_are_those_of_the_first_seed(trained):
    histograms = trained().results.histograms
    assert set(histograms["seed"]) == {4}
    assert set(histograms["quantity"]) == {"activation", "gradient"}
    he = histograms[(histograms["initializer"] == "he_normal") & (histograms["quantity"] == "activation")]
    assert len(he) == 2 * 4
    assert set(he["epoch"]) == {0, 3}
    values = np.stack(he["counts"].tolist())
    hidden = he["layer"].to_numpy() <= 3
    assert (values[hidden].sum(axis=1) == 128 * 16).all()
    assert (values[hidden][:, :20] == 0).all()  # ReLU's activations are never below 0


@pytest.mark.usefixtures("sketches")
def test_what_a_probe_has_seen_joins_the_predictors_and_its_figures_stay(config):
    run(config)
    before = set(load("results/some").predictors["diagnostic"])
    write_figures_of_probe(probe(config))
    results = load("results/some")
    added = {f"jacobian_{name}" for name in ("mean_square", "relative_variance", "condition")}
    assert set(results.predictors["diagnostic"]) - before == added
    drawn = {file.name for file in write_figures(results)}
    kept = {file.name for file in (config.parent / "results/some/figures").glob("*.png")} - drawn
    assert kept
    assert all(name.startswith("probe-") for name in kept)

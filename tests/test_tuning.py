"""Tuned experiments: validation of seeds that report nothing chooses, and chooses the same however it is run."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from initbench import load, run
from initbench.analysis.tuning import tried_table, tuning_table
from initbench.cli import main
from initbench.runner import Progress

CONFIG = """\
dataset: digits
depth: 2
width: 12
initializer: [he_normal, zeros, {normal: {std: 0.01}}]
learning_rate: {tune: [0.01, 0.1, 1.0], seeds: 2}
epochs: 2
seeds: 3
train_rows: 300
"""
TABLES = ("accuracy.csv", "comparison.csv", "curves.csv", "tuning.csv", "tried.csv", "config.yaml")


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "rates.yaml"
    path.write_text(CONFIG)
    return path


class Counting(Progress):
    """Notes what is trained, and interrupts after so many stacks."""

    def __init__(self, stop_after=None):
        self.trained, self.stacks, self.stop_after = [], 0, stop_after

    def finish(self, cells, records):
        self.trained += list(cells)
        self.stacks += 1
        if self.stacks == self.stop_after:
            raise KeyboardInterrupt


def contents(folder):
    return {name: (Path(folder) / name).read_bytes() for name in TABLES}


def invoke(*arguments, code=0):
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


@pytest.mark.parametrize("race", [{}, {"until_decided": True, "max_seeds": 6}])
def test_the_manifest_of_a_tuned_run_starts_when_the_tuning_does(config, race):
    run(config, **race)
    tuning, whole = (json.loads(Path("results/rates", where, "manifest.json").read_text()) for where in ("tuning", "."))
    assert whole["start"] == tuning["start"]
    assert whole["wall_seconds"] > tuning["wall_seconds"]


def test_every_initializer_has_the_same_budget_of_seeds_that_do_not_report(config):
    progress = Counting()
    found = run(config, progress=progress)
    tuning = found.tuning_results.runs
    assert set(tuning["seed"]) == {1_000_000, 1_000_001}
    assert set(found.runs["seed"]) == {0, 1, 2}
    assert tuning.groupby("initializer").size().tolist() == [6, 6, 6]
    assert found.tuning["cells"].tolist() == [6, 6, 6]
    keys = [cell.key for cell in progress.trained]
    assert len(keys) == len(set(keys)) == 18 + found.runs["cell"].nunique()
    assert not set(tuning["cell"]) & set(found.runs["cell"])


def test_each_reports_at_its_own_best_and_at_the_common_one(config):
    progress = Counting()
    found = run(config, progress=progress)
    rates = {cell.key: cell.learning_rate for cell in progress.trained}
    own = found.tuning.set_index("initializer")["tuned"]
    (common,) = found.tuning["common"].unique()
    at_own = found.runs[found.runs["learning_rate"] == "tuned"]
    at_common = found.runs[found.runs["learning_rate"] != "tuned"]
    assert at_own["cell"].map(rates).tolist() == at_own["initializer"].map(own).tolist()
    assert set(at_common["cell"].map(rates)) == set(at_common["learning_rate"]) == {common}
    assert found.runs.groupby(["learning_rate", "initializer"]).size().tolist() == [3] * 6
    both = at_own[at_own["initializer"].map(own) == common]["cell"]
    assert len(both) >= 3
    assert set(both) <= set(at_common["cell"])
    assert len(found.comparison) == 2 * 3  # pairs within each of both settings
    assert (found.comparison["seeds"] == 3).all()
    assert set(pd.read_csv(found.folder / "tuning.csv")["tuned"]) == set(own)


def test_the_choice_is_that_of_validation_over_tuning_seeds_and_of_nothing_else(config):
    found = run(config)
    frames = found.tuning_results.frames

    def choice(runs):
        tried = tried_table(runs, frames.baselines, frames.factors)
        return tuning_table(tried, frames.factors, ["learning_rate"])["tuned"].tolist()

    assert found.tuning["tuned"].tolist() == choice(frames.runs)
    planted = frames.runs["learning_rate"] == 0.01
    assert choice(frames.runs.assign(test_accuracy=planted.astype(float))) == choice(frames.runs)
    assert choice(frames.runs.assign(valid_accuracy=planted.astype(float))) == [0.01] * 3
    assert choice(frames.runs) != [0.01] * 3


def test_other_reporting_seeds_do_not_change_what_the_same_tuning_seeds_choose(config):
    first = run(config, changes=["seeds=[0, 1, 2]"])
    other = run(config, results="other", changes=["seeds=[5, 6, 7, 0, 1, 2]"])
    assert set(other.tuning_results.runs["seed"]) == {1_000_000, 1_000_001}
    pd.testing.assert_frame_equal(other.tuning, first.tuning)
    assert (other.folder / "tried.csv").read_bytes() == (first.folder / "tried.csv").read_bytes()


@pytest.mark.parametrize("stop_after", [1, 3, 6])
def test_whole_or_interrupted_with_one_job_or_two_the_bytes_are_equal(config, monkeypatch, stop_after):
    whole = contents(run(config, results="whole").folder)
    monkeypatch.setattr("initbench.plan.CACHE_BYTES", 40_000)
    first, second = Counting(stop_after), Counting()
    with pytest.raises(KeyboardInterrupt):
        run(config, results="parts", progress=first)
    run(config, results="parts", progress=second)
    assert contents("parts/rates") == whole
    assert not {cell.key for cell in first.trained} & {cell.key for cell in second.trained}
    if stop_after == 1:
        assert contents(run(config, results="two", jobs=2).folder) == whole
        assert Counting().trained == trained_again(config)


def trained_again(config):
    progress = Counting()
    run(config, results="whole", progress=progress)
    return progress.trained


def test_the_comparison_of_bytes_catches_another_choice(config):
    whole = contents(run(config, results="whole").folder)
    other = contents(run(config, results="other", changes=["learning_rate={tune: [0.001, 0.01], seeds: 2}"]).folder)
    assert all(whole[name] != other[name] for name in ("accuracy.csv", "tuning.csv", "tried.csv"))


def test_the_resolved_configs_give_the_same_cells(config):
    first = run(config)
    assert contents(run(first.folder / "config.yaml", results="again").folder) == contents(first.folder)
    tuning = first.folder / "tuning"
    progress = Counting()
    again = run(tuning / "config.yaml", results=first.folder, progress=progress)
    assert progress.trained == []
    assert again.folder == tuning


def test_what_is_no_longer_tuned_leaves_no_tables_behind(config):
    assert not run(config).tuning.empty
    plain = run(config, changes=["learning_rate=0.1"])
    assert plain.tuning.empty
    assert plain.tried.empty
    assert plain.tuning_results is None
    assert not (plain.folder / "tuning.csv").exists()
    assert not (plain.folder / "tried.csv").exists()


def test_several_keys_and_settings_are_tuned_and_drawn(config):
    changes = ["depth=[1, 2]", "clip_norm={tune: [1, null], seeds: 2}", "train_rows={tune: [200, all]}"]
    found = run(config, changes=[*changes, "epochs=1", "initializer=[he_normal, zeros]"])
    assert found.tuning["key"].tolist() == ["learning_rate", "clip_norm", "train_rows"] * 4
    assert set(found.tuning["cells"]) == {3 * 2 * 2 * 2}
    assert len(found.runs) == 2 * 2 * 2 * 3
    shown = found.runs[["learning_rate", "clip_norm", "train_rows"]]
    assert (shown == "tuned").all(axis=1).sum() == (shown == "tuned").any(axis=1).sum() == 12
    files = {Path(file).name for file in invoke("plot", found.folder).stdout.split()}
    assert {"tuning-learning_rate.png", "tuning-clip_norm.png", "tuning-train_rows.png"} <= files


def test_ranks_are_over_settings_at_each_ones_own_best(config):
    assert run(config).ranking.table.empty  # one setting, at its own best and at the common rate
    settings = run(config, changes=["depth=[1, 2]", "name=two"]).ranking.table["settings"]
    assert (settings == 2).all()


def test_a_tuned_race_goes_on_with_seeds_that_did_not_tune(config):
    found = run(config, until_decided=True, max_seeds=6)
    assert set(found.tuning_results.runs["seed"]) == {1_000_000, 1_000_001}
    assert set(found.runs["learning_rate"]) > {"tuned"}
    assert found.race.is_over
    assert found.runs["seed"].max() < 6


def test_width_and_layers_can_go_with_tuning(config):
    found = run(config, changes=["width={tune: [4, 8], seeds: 2}", "learning_rate=0.1", "record=[curves, layers]"])
    assert set(found.layers["width"]) == {"tuned", *found.tuning["common"]}
    assert found.tuning_results.layers.empty
    assert load(found.folder).tuning["tuned"].tolist() == found.tuning["tuned"].tolist()
    invoke("plot", found.folder)


PLUGIN = """\
from initbench.registry import initializer

@initializer("breaks")
def breaks(shape, rng):
    \"\"\"Fails in hidden layers of ten inputs or more.\"\"\"
    if 10 <= shape[0] < 60:
        raise RuntimeError("too wide for me")
    return rng.normal(size=shape) / 10
"""


def test_failed_cells_are_told_and_their_values_not_chosen(config, tmp_path):
    (tmp_path / "plugin.py").write_text(PLUGIN)
    tune = ["-s", "learning_rate=0.1", "-s", "width={tune: [4, 16], seeds: 2}", "--plugin", "plugin.py", "-j", "1"]
    sweep = [*tune, "-s", "initializer=[he_normal, breaks]"]
    result = invoke("run", "rates.yaml", *sweep, code=3)
    assert "2 tuning cells failed; the values that they tried (1) could not be chosen" in result.stdout
    assert "2 cells failed: RuntimeError: too wide for me" in result.stderr
    tuning = load("results/rates").tuning.set_index("initializer")
    assert tuning["tuned"].to_dict()["breaks"] == 4
    assert tuning["common"].tolist() == [4, 4]
    stopped = invoke("run", "rates.yaml", *sweep, "--fail-fast", "-o", "fast", code=3)
    assert "too wide for me" in stopped.stderr
    assert not Path("fast/rates/runs.sqlite").exists()
    wide = [*sweep, "-s", "width={tune: [12, 16], seeds: 2}"]
    result = invoke("run", "rates.yaml", *wide, "-o", "always", code=3)
    assert "no own value could be chosen for breaks: a cell failed at each" in result.stdout
    result = invoke("run", "rates.yaml", *wide, "-s", "initializer=breaks", "-o", "none", code=1)
    assert "no value of width could be chosen, a cell failed at each: RuntimeError: too wide" in result.stderr


def test_the_commands_tell_of_both_stages(config):
    assert "18 cells to tune learning_rate, then 18 cells at the chosen values" in invoke("check", "rates.yaml").stdout
    dry = invoke("run", "rates.yaml", "--dry-run", "-j", "1").stdout
    assert "rates: 18 cells to tune learning_rate, then 18 cells at the chosen values" in dry
    assert "tuning: 18 cells (settings × seeds: 9 × 2)" in dry
    assert not Path("results").exists()
    told = invoke("run", "rates.yaml", "-j", "1")
    assert "tuned by validation accuracy after the last epoch, mean of seeds 1000000, 1000001" in told.stdout
    assert "18/18 cells" in told.stderr
    status = invoke("status", "results").stdout
    assert "results/rates: 18 planned, 18 done" in status
    assert "results/rates/tuning: 18 planned, 18 done" in status
    assert "learning rate" in invoke("table", "results/rates").stdout
    assert "{glorot2011," in invoke("cite", "rates.yaml").stdout
    invoke("plot", "results")
    assert Path("results/rates/figures/tuning-learning_rate.png").exists()
    assert Path("results/rates/tuning/figures/accuracy-by-learning_rate.png").exists()


def test_a_probe_looks_at_a_tuned_width_and_does_not_mind_a_tuned_rate(config):
    one = invoke("probe", "rates.yaml", "-j", "1", "--format", "json").stdout
    (plain, tuned) = (
        invoke("probe", "rates.yaml", "-j", "1", "-s", change).stdout.split("probe.csv")[0]
        for change in ("learning_rate=0.1", "learning_rate={tune: [0.01, 0.1]}")
    )
    assert one.count('"verdict"') == 9
    assert [line for line in tuned.splitlines() if "normal" in line] == [
        line for line in plain.splitlines() if "normal" in line
    ]
    wide = invoke("probe", "rates.yaml", "-j", "1", "-s", "width={tune: [4, 8]}", "-s", "learning_rate=0.1").stdout
    assert "width" in wide


def test_an_edge_of_the_grid_is_told(config):
    told = invoke("run", "rates.yaml", "-j", "1", "-s", "learning_rate={tune: [0.0001, 0.1], seeds: 1}").stdout
    assert "learning rate 0.1 is the best of he_normal" in told
    assert "widen the grid" in told
    steady = "learning_rate={tune: [0.0001, 0.1, 100], seeds: 1}"
    told = invoke("run", "rates.yaml", "-j", "1", "-s", steady, "-s", "initializer=he_normal").stdout
    assert "widen the grid" not in told

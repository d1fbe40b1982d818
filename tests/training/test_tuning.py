"""Tuned experiments: each seed chooses by validation of its own tuning seeds, the same however it is run."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from counting import Counting

from initbench import load, run
from initbench.analysis.tuning import choices_table
from initbench.cli import main
from initbench.cli.progress import describe_results
from initbench.config.experiment import tuning_seeds
from initbench.results.files import figures_of, save_figures

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
NAME = "rates"
TABLES = ("accuracy.csv", "comparison.csv", "curves.csv", "tuning.csv", "choices.csv", "tried.csv", "config.yaml")
TUNING_SEEDS = {1_000_000, 1_000_001, 1_000_002, 2_000_000, 2_000_001, 2_000_002}


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "rates.yaml"
    path.write_text(CONFIG)
    return path


def copy_of(results):
    """A folder of the same results that a test may change, where ``rates.yaml`` would put them."""
    shutil.copytree(results.folder, "results/rates")
    return Path("results/rates")


def contents(folder):
    return {name: (Path(folder) / name).read_bytes() for name in TABLES}


def invoke(*arguments, code=0):
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


RACE = {"until_decided": True, "max_seeds": 12}


@pytest.mark.parametrize("race", [{}, RACE])
def test_the_manifest_of_a_tuned_run_starts_when_the_tuning_does(trained, race):
    folder = trained(**race).results.folder
    tuning, whole = (json.loads((folder / where / "manifest.json").read_text()) for where in ("tuning", "."))
    assert whole["start"] == tuning["start"]
    assert whole["wall_seconds"] > tuning["wall_seconds"]


def test_every_initializer_and_seed_has_the_same_budget_of_seeds_that_do_not_report(trained):
    found, cells = trained()
    tuning = found.tuning_results.runs
    assert set(tuning["seed"]) == TUNING_SEEDS
    assert set(found.runs["seed"]) == {0, 1, 2}
    assert tuning.groupby("initializer").size().tolist() == [18, 18, 18]
    assert found.tuning["cells"].tolist() == [18, 18, 18]
    keys = [cell.key for cell in cells]
    assert len(keys) == len(set(keys)) == 54 + found.runs["cell"].nunique()
    assert not set(tuning["cell"]) & set(found.runs["cell"])


SHARP = ["epochs=1", "learning_rate={tune: [0.1, 0.2, 0.4], seeds: 1}", "seeds=6"]  # seeds differ in what suits them


def test_each_seed_reports_at_its_own_best_and_at_the_common_value(trained):
    found, cells = trained(*SHARP)
    rates = {cell.key: cell.learning_rate for cell in cells}
    choices = found.choices.set_index(["initializer", "seed"])
    assert (choices.groupby("initializer")["tuned"].nunique() > 1).any()
    assert choices["common"].nunique() > 1
    for word in ("tuned", "common"):
        runs = found.runs[found.runs["learning_rate"] == word]
        assert len(runs) == 3 * 6
        assert [rates[cell] for cell in runs["cell"]] == choices.loc[
            list(zip(runs["initializer"], runs["seed"], strict=True)), word
        ].tolist()
    assert set(found.runs["learning_rate"]) == {"tuned", "common"}
    own = found.runs[found.runs["learning_rate"] == "tuned"].set_index(["initializer", "seed"])["cell"]
    shared = found.runs[found.runs["learning_rate"] == "common"].set_index(["initializer", "seed"])["cell"]
    assert ((own == shared) == (choices["tuned"] == choices["common"])).all()
    assert len(found.comparison) == 2 * 3  # pairs within each of both settings
    assert (found.comparison["seeds"] == 6).all()


def test_the_tables_say_how_often_each_value_was_chosen(trained):
    found = trained(*SHARP).results
    counts = found.choices.groupby("initializer")["tuned"].value_counts()
    for row in pd.read_csv(found.folder / "tuning.csv").to_dict("records"):
        of_name = counts[row["initializer"]]
        first, *others = row["chosen"].split(", ")
        assert first == f"{row['tuned']:g} in {of_name.max()} of 6 seeds"
        assert row["tuned_share"] == of_name.max() / 6
        assert sorted(others) == sorted(f"{v:g} in {n}" for v, n in of_name.items() if v != row["tuned"])
    assert pd.read_csv(found.folder / "choices.csv")["tuned"].tolist() == found.choices["tuned"].tolist()


def chosen(runs, frames, by_seed):
    return choices_table(runs, frames.baselines, frames.factors, ["learning_rate"], by_seed)


def test_a_choice_is_that_of_validation_over_its_own_tuning_seeds_and_of_nothing_else(trained):
    found = trained(*SHARP).results
    frames, own = found.tuning_results.frames, tuning_seeds(range(6), 1)
    pd.testing.assert_frame_equal(chosen(frames.runs, frames, own), found.choices)
    planted = (frames.runs["learning_rate"] == 0.1).astype(float)
    for name in ("test_accuracy", "best_valid_accuracy", "train_accuracy"):
        pd.testing.assert_frame_equal(chosen(frames.runs.assign(**{name: planted}), frames, own), found.choices)
    assert set(chosen(frames.runs.assign(valid_accuracy=planted), frames, own)["tuned"]) == {0.1}
    for seed in range(6):
        others = ~frames.runs["seed"].isin(own[seed])
        spoilt = frames.runs.assign(valid_accuracy=frames.runs["valid_accuracy"].mask(others, planted))
        of_seed = found.choices[found.choices["seed"] == seed].reset_index(drop=True)
        again = chosen(spoilt, frames, own)
        pd.testing.assert_frame_equal(again[again["seed"] == seed].reset_index(drop=True), of_seed)


def test_a_planted_choice_by_test_rows_or_by_other_seeds_is_found(trained):
    found = trained(*SHARP).results
    frames, own = found.tuning_results.frames, tuning_seeds(range(6), 1)
    by_test = frames.runs.assign(valid_accuracy=frames.runs["test_accuracy"])
    assert chosen(by_test, frames, own)["tuned"].tolist() != found.choices["tuned"].tolist()
    one_pool = dict.fromkeys(own, tuple(seed for seeds in own.values() for seed in seeds))
    assert chosen(frames.runs, frames, one_pool)["tuned"].tolist() != found.choices["tuned"].tolist()


def test_more_seeds_and_other_ones_keep_what_the_earlier_ones_chose_and_reported(config, trained):
    first = trained(*SHARP).results
    copy_of(first)
    progress = Counting()
    more = run(config, changes=[*SHARP, "seeds=[7, 0, 1, 2, 3, 4, 5]"], progress=progress)
    assert {cell.seed for cell in progress.cells} == {7, 1_000_007}
    for name in ("choices", "runs"):
        kept = getattr(more, name).query("seed != 7")
        pd.testing.assert_frame_equal(
            kept.sort_values(list(kept.columns[:9]), ignore_index=True),
            getattr(first, name).sort_values(list(kept.columns[:9]), ignore_index=True),
        )


@pytest.mark.parametrize("stop_after", [1, 20])  # while the first values are tried, and at the chosen ones
def test_whole_or_interrupted_with_one_job_or_two_the_bytes_are_equal(config, trained, monkeypatch, stop_after):
    whole = contents(trained().results.folder)
    monkeypatch.setattr("initbench.plan.CACHE_BYTES", 100_000)
    first, second = Counting(stop_after), Counting()
    with pytest.raises(KeyboardInterrupt):
        run(config, results="parts", progress=first)
    run(config, results="parts", progress=second)
    assert contents("parts/rates") == whole
    assert not set(first.trained) & set(second.trained)
    again = Counting()
    if stop_after == 1:
        assert contents(run(config, results="two", jobs=2).folder) == whole
        run(config, results="two", progress=again)
    assert again.trained == []


def test_the_comparison_of_bytes_catches_another_choice(config, trained):
    whole = contents(trained().results.folder)
    other = contents(run(config, results="other", changes=["learning_rate={tune: [0.001, 0.01], seeds: 2}"]).folder)
    assert all(whole[name] != other[name] for name in ("accuracy.csv", "tuning.csv", "choices.csv", "tried.csv"))


def test_the_resolved_configs_give_the_same_cells(config, trained):
    first = copy_of(trained().results)
    assert contents(run(first / "config.yaml", results="again").folder) == contents(first)
    tuning = first / "tuning"
    progress = Counting()
    again = run(tuning / "config.yaml", results=first, progress=progress)
    assert progress.trained == []
    assert again.folder == tuning


def test_what_is_no_longer_tuned_leaves_no_tables_behind(config, trained):
    assert (copy_of(trained().results) / "tuning.csv").exists()
    plain = run(config, changes=["learning_rate=0.1"])
    assert plain.tuning.empty
    assert plain.choices.empty
    assert plain.tried.empty
    assert plain.tuning_results is None
    assert not any((plain.folder / f"{name}.csv").exists() for name in ("tuning", "choices", "tried"))


def test_a_store_from_before_each_seed_had_its_own_choice_still_loads(config, trained):
    folder = copy_of(trained(*SHARP).results)
    with closing(sqlite3.connect(folder / "runs.sqlite")) as connection, connection:
        connection.execute("UPDATE about SET value = '[\"learning_rate\"]' WHERE key = 'tuned'")
        connection.execute("DELETE FROM about WHERE key = 'plan'")
    old = load(folder)
    assert old.tuned == ("learning_rate",)
    assert (old.choices.groupby("initializer")["tuned"].nunique() == 1).all()
    assert old.tuning["tuned_share"].tolist() == [1, 1, 1]
    assert "learning_rate tuned once for all seeds".replace("_", " ") in describe_results(old)
    assert "run it again to tune each seed" in describe_results(old)
    assert "learning_rate tuned once for all seeds, so the luck" in invoke("compare", folder).stderr
    again = load(run(config, changes=SHARP).folder)
    assert again.choices["tuned"].nunique() > 1
    assert again.cautions == []


def test_several_keys_and_settings_are_tuned_and_drawn(config):
    changes = ["learning_rate={tune: [0.01, 0.1], seeds: 1}", "clip_norm={tune: [1, null]}", "depth=[1, 2]", "seeds=2"]
    found = run(config, changes=[*changes, "epochs=1", "initializer=[he_normal, zeros]"])
    assert found.tuning["key"].tolist() == ["learning_rate", "clip_norm"] * 4
    assert set(found.tuning["cells"]) == {2 * 2 * 2}
    assert len(found.runs) == 2 * 2 * 2 * 2
    shown = found.runs[["learning_rate", "clip_norm"]]
    assert (shown == "tuned").all(axis=1).sum() == (shown == "tuned").any(axis=1).sum() == 8
    assert (shown == "common").all(axis=1).sum() == 8
    drawn = figures_of(found)
    save_figures(found.folder, {name: drawn[name] for name in ("tuning-learning_rate", "tuning-clip_norm")})


def test_ranks_are_over_settings_at_each_ones_own_best(config, trained):
    assert trained().results.ranking.table.empty  # one setting, at its own best and at the common rate
    settings = run(config, changes=["depth=[1, 2]", "epochs=1", "seeds=2"]).ranking.table["settings"]
    assert (settings == 2).all()


def test_a_tuned_race_tunes_each_seed_that_it_adds_and_no_other(config, trained):
    found, cells = trained(**RACE)
    seeds = found.runs["seed"].max() + 1
    assert found.race.is_over
    assert 3 < seeds < 12
    assert set(found.tuning_results.runs["seed"]) == {1_000_000 * i + seed for i in (1, 2) for seed in range(seeds)}
    assert set(found.runs["learning_rate"]) == {"tuned", "common"}
    keys = [cell.key for cell in cells]
    assert len(keys) == len(set(keys)) == found.runs["cell"].nunique() + len(found.tuning_results.runs)
    plain = run(config, changes=[f"seeds={seeds}"], results="plain")
    pd.testing.assert_frame_equal(found.choices, plain.choices)  # also those of initializers that were dropped


@pytest.mark.parametrize("stop_after", [8, 30])  # while the first round is tuned, and the second
def test_an_interrupted_tuned_race_goes_on_and_ends_alike(config, trained, monkeypatch, stop_after):
    whole = contents(trained(**RACE).results.folder)
    monkeypatch.setattr("initbench.plan.CACHE_BYTES", 100_000)
    with pytest.raises(KeyboardInterrupt):
        run(config, results="parts", progress=Counting(stop_after), **RACE)
    run(config, results="parts", **RACE)
    assert contents("parts/rates") == whole


def test_width_and_layers_can_go_with_tuning(config):
    changes = ["width={tune: [4, 8], seeds: 1}", "learning_rate=0.1", "record=[curves, layers]", "depth=1", "seeds=2"]
    found = run(config, changes=[*changes, "initializer=[he_normal, zeros]"])
    assert set(found.layers["width"]) == {"tuned", "common"}
    assert found.tuning_results.layers.empty
    assert load(found.folder).tuning["tuned"].tolist() == found.tuning["tuned"].tolist()
    drawn = figures_of(found)
    assert {name.partition("width=")[2] for name in drawn if name.startswith("layers-gradients")} == {"tuned", "common"}
    save_figures(found.folder, {name: drawn[name] for name in drawn if name.startswith("layers-gradients")})


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
    assert "6 tuning cells failed; the values that they tried (1) could not be chosen" in result.stdout
    assert "cells failed: RuntimeError: too wide for me" in result.stderr
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


FRAIL = """\
from initbench.registry import initializer

@initializer("frail")
def frail(shape, rng):
    \"\"\"Fails at one seed in three, whatever the learning rate.\"\"\"
    if shape[0] == 64 and rng.random() < 1 / 3:
        raise RuntimeError("too frail for this seed")
    return rng.normal(size=shape) / 8
"""


@pytest.mark.parametrize("race", [(), ("--until-decided", "--max-seeds", "9")])
def test_a_seed_that_can_choose_nothing_is_left_out_and_the_others_go_on(config, tmp_path, race):
    (tmp_path / "frail.py").write_text(FRAIL)
    options = ["-s", "initializer=[he_normal, zeros, frail]", "--plugin", "frail.py", "-j", "1", *race]
    result = invoke("run", "rates.yaml", *options, "-s", "seeds=6", code=3)
    assert "too frail for this seed" in result.stderr
    found = load("results/rates")
    row = found.tuning.set_index("initializer").loc["frail"]
    lacking = int(found.choices.query("initializer == 'frail'")["valid_accuracy_tuned"].isna().sum())
    seeds = found.runs["seed"].nunique()
    assert 0 < lacking < seeds
    assert row["chosen"].endswith(f"nothing in {lacking}")
    assert row["learns"]
    own = found.runs.query("initializer == 'frail' and learning_rate == 'tuned'")
    assert len(own) == seeds - lacking
    assert not race or found.race.is_over


def test_fail_fast_ends_a_tuned_race_at_the_first_tuning_cell_that_fails_later_on(config, tmp_path):
    (tmp_path / "frail.py").write_text(FRAIL)
    options = ["-s", "initializer=[he_normal, frail]", "--plugin", "frail.py", "-j", "1", "--fail-fast"]
    result = invoke("run", "rates.yaml", *options, "-s", "seeds=1", "--until-decided", "--max-seeds", "9", code=3)
    assert "too frail for this seed" in result.stderr


@pytest.mark.usefixtures("sketches")
def test_the_commands_tell_of_both_stages(config):
    assert "54 cells to tune learning_rate, then 18 cells at the chosen values" in invoke("check", "rates.yaml").stdout
    dry = invoke("run", "rates.yaml", "--dry-run", "-j", "1").stdout
    assert "rates: 54 cells to tune learning_rate, then 18 cells at the chosen values" in dry
    assert "cost: 3 × 2 tuning cells and up to 2 at the chosen values for each initializer, setting and seed" in dry
    assert "tuning: 54 cells (settings × seeds: 9 × 6)" in dry
    assert not Path("results").exists()
    said = invoke("run", "rates.yaml", "-j", "1")
    assert "learning rate tuned for each seed by validation accuracy after the last epoch, on 2 tuning" in said.stdout
    assert "0.1 in 3 of 3 seeds" in said.stdout
    assert "common learning rate: 0.1 in 3 of 3 seeds" in said.stdout
    assert "54/54 cells" in said.stderr
    status = invoke("status", "results").stdout
    assert "results/rates: 18 planned, 18 done" in status
    assert "results/rates/tuning: 54 planned, 54 done" in status
    assert "learning rate" in invoke("table", "results/rates").stdout
    assert "{glorot2011," in invoke("cite", "rates.yaml").stdout
    invoke("plot", "results")
    assert Path("results/rates/figures/tuning-learning_rate.png").exists()
    assert Path("results/rates/tuning/figures/accuracy-by-learning_rate.png").exists()


@pytest.mark.usefixtures("sketches")
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

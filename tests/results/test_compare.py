"""Anyone's runs, from a DataFrame or a CSV file to the comparison."""

import csv
import io
import json

import frames
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import initbench
from initbench.analysis.comparisons import COLUMNS, SCORE_DETAILS, _subtract, comparison_table, holm
from initbench.cli import main
from initbench.errors import UsageError

RNG = np.random.default_rng(11)
ARMS = ["adam", "sgd", "rmsprop", "lion"]


def runs_of(seeds=8, arms=ARMS, **columns):
    """Runs whose losses differ by arm, by 0.1 from one to the next, and whose seeds shift all arms alike."""
    rows = [
        {"optimizer": arm, "seed": seed, "loss": 1 + 0.1 * place + 0.2 * np.sin(seed) + 0.02 * RNG.normal()}
        for place, arm in enumerate(arms)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows).assign(**columns)


def compared(frame, **options):
    return initbench.compare(frame, arm="optimizer", seed="seed", score="loss", **options)


def invoke(*arguments, code=0):
    result = CliRunner().invoke(main, ["compare", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result


def written(folder, frame, name="runs.csv", **options):
    frame.to_csv(folder / name, index=False, **options)
    return ["--csv", folder / name, "--arm", "optimizer", "--seed", "seed", "--score", "loss"]


def test_our_own_runs_compare_as_they_do_by_themselves():
    f = frames.experiment(initializer=["he_normal", "zeros", "lsuv"], depth=[5, 20], seeds=9, epochs=1)
    own = comparison_table(f.runs, f.baselines, f.factors)
    table = initbench.compare(f.runs, arm="initializer", seed="seed", score="test_accuracy", settings=["depth"])
    assert list(table) == ["depth", *COLUMNS]
    pd.testing.assert_frame_equal(table, own[["depth", *COLUMNS]], check_dtype=False, rtol=1e-9)


def test_neither_the_order_of_rows_nor_the_unit_of_the_score_matters():
    frame = runs_of()
    table = compared(frame, lower_is_better=True)
    pd.testing.assert_frame_equal(table, compared(frame.sample(frac=1, random_state=1), lower_is_better=True))
    measures = ["difference", "low", "high"]
    for unit in (1e-12, 1e-3, 100, 1e9):
        other = compared(frame.assign(loss=frame["loss"] * unit), lower_is_better=True)
        pd.testing.assert_frame_equal(other.drop(columns=measures), table.drop(columns=measures), rtol=1e-6)
        np.testing.assert_allclose(other[measures], table[measures] * unit, rtol=1e-6)


@pytest.mark.parametrize("loss", [1e15, 1e100, 1e300])
def test_a_run_that_diverged_makes_no_ties_of_other_runs(loss):
    frame, arms = runs_of(6), ["better", "worse"]
    table = compared(frame, lower_is_better=True).set_index(arms).drop(columns="p_adjusted")
    lost = pd.DataFrame({"optimizer": "lost", "seed": range(6), "loss": loss})
    more = compared(pd.concat([frame, lost]), lower_is_better=True).set_index(arms)
    pd.testing.assert_frame_equal(more.loc[table.index, table.columns], table)
    assert (more.xs("lost", level="worse")["probability_better"] == 1).all()
    shared = frame.assign(loss=frame["loss"].mask(frame["seed"] == 5, loss))
    ties = compared(shared, lower_is_better=True).set_index(arms)
    assert (ties["probability_better"] == 5.5 / 6).all()
    few = compared(frame[frame["seed"] < 5], lower_is_better=True).set_index(arms)
    np.testing.assert_allclose(6 * ties["difference"].loc[few.index], 5 * few["difference"])


def test_one_unit_for_all_runs_would_make_ties_of_small_scores():
    """The planted fault: 12 decimals of the largest score of all."""
    losses = np.array([0.3, 0.4]) / 1e15
    assert _subtract(losses[:1], losses[1:], any_size=False)[0] == 0
    difference, unit = _subtract(losses[:1], losses[1:], any_size=True)
    assert difference[0] * unit == pytest.approx(-1e-16)


def test_tolerances_of_accuracies_would_mislead_about_small_scores():
    """The planted fault: at 1e-12 all sign flips look as extreme as the one seen, unless scores are scaled."""
    frame = runs_of().assign(loss=lambda f: f["loss"] * 1e-12)
    unscaled = frame.rename(columns={"optimizer": "initializer", "loss": "test_accuracy"})
    unscaled = unscaled.assign(cell=unscaled.index.astype(str), status="ok", valid_accuracy=0.5, test_loss=1.0)
    baselines = unscaled[["cell"]].assign(test_majority=0.1, valid_majority=0.1, test_rows=100)
    unscaled = unscaled.assign(best_valid_accuracy=0.5, dataset="x")
    assert (comparison_table(unscaled, baselines, ["dataset", "initializer"])["p"] == 1).all()
    assert (compared(frame)["p"] < 0.05).all()


def test_a_loss_is_a_score_with_the_other_sign():
    frame = runs_of()
    lower = compared(frame, lower_is_better=True)
    higher = compared(frame.assign(loss=-frame["loss"]))
    pd.testing.assert_frame_equal(lower, higher)
    assert lower["better"][0] == "adam"
    assert (lower["difference"] >= 0).all()
    backwards = compared(frame)
    assert set(zip(backwards["worse"], backwards["better"], strict=True)) == set(
        zip(lower["better"], lower["worse"], strict=True)
    )


def test_a_baseline_leaves_its_own_pairs_and_a_smaller_family():
    frame = runs_of()
    every = compared(frame, lower_is_better=True)
    table = compared(frame, lower_is_better=True, baseline="sgd")
    mine = every[(every["better"] == "sgd") | (every["worse"] == "sgd")].reset_index(drop=True)
    assert table[["better", "worse", "difference"]].equals(mine[["better", "worse", "difference"]])
    assert len(table) == 3
    assert table["p_adjusted"].to_numpy() == pytest.approx(holm(table["p"].to_numpy()))
    assert (table["p_adjusted"] <= mine["p_adjusted"]).all()


def test_a_margin_is_in_the_unit_of_the_score():
    frame = runs_of(arms=["adam", "sgd"])
    percent = frame.assign(loss=100 * frame["loss"])
    assert compared(frame, margin=0.3)["verdict"].tolist() == ["equivalent"]
    assert compared(percent, margin=30)["verdict"].tolist() == ["equivalent"]
    assert compared(percent, margin=0.3)["verdict"].tolist() == ["better"]
    for margin in (0, -1, np.nan, np.inf):
        with pytest.raises(UsageError, match="must be a number above 0"):
            compared(frame, margin=margin)


def test_seeds_and_settings_may_be_anything_and_arms_become_text():
    frame = runs_of(seeds=5).replace({"optimizer": dict(zip(ARMS, [0.1, 0.01, 1, 10], strict=True))})
    names = {0: "a", 1: "b", 2: 3, 3: 1.5, 4: "2"}
    frame = frame.assign(seed=frame["seed"].map(names).astype(object))
    doubled = pd.concat([frame.assign(task=None), frame.assign(task="x")], ignore_index=True)
    table = compared(doubled, settings="task", lower_is_better=True)
    assert table["better"][0] == "0.1"
    assert table["seeds"].tolist() == [5] * 12
    assert table["task"].isna().sum() == 6


FAULTS = {
    "no column": (lambda f: f.rename(columns={"loss": "losses"}), ["no column 'loss', which score names", "losses"]),
    "text": (lambda f: f.astype({"loss": object}).replace({"loss": {f["loss"][3]: "0.9"}}), ["index 3", "'0.9' is no"]),
    "nan": (lambda f: f.assign(loss=f["loss"].where(f.index != 4)), ["row of index 4: the score is missing or nan"]),
    "inf": (lambda f: f.assign(loss=f["loss"].where(f.index != 5, np.inf)), ["row of index 5: the score is infinite"]),
    "huge": (lambda f: f.assign(loss=f["loss"].where(f.index != 5, -1e305)), ["infinite or beyond 1e+300"]),
    "a long number": (lambda f: f.assign(loss=[10**400, *f["loss"][1:]]), ["row of index 0: the score is infinite or"]),
    "a date": (lambda f: f.assign(loss=pd.to_datetime("2024-01-31")), ["is no number", "more such rows"]),
    "both": (
        lambda f: f.assign(loss=f["loss"].where(f.index != 5), seed=f["seed"].where(f.index != 2)),
        ["index 5: the score is missing", "index 2: no seed stands in column 'seed'"],
    ),
    "no arm": (lambda f: f.assign(optimizer=f["optimizer"].where(f.index != 1)), ["index 1: no arm stands in column"]),
    "twice": (lambda f: pd.concat([f, f[:1].assign(depth=5)]), ["arm 'adam' has seed 0 already", "a setting: depth"]),
    "one arm": (lambda f: f[f["optimizer"] == "adam"], ["one arm only, 'adam'"]),
    "unpaired": (lambda f: f.assign(seed=range(len(f))), ["no two arms of a setting have a seed in common", "0, 1, 2"]),
    "empty": (lambda f: f[:0], ["has no row"]),
    "columns twice": (lambda f: pd.concat([f, f[["loss"]]], axis=1), ["'loss' stands there more than once"]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_of_a_frame_is_answered_with_its_row(name):
    spoil, words = FAULTS[name]
    with pytest.raises(UsageError) as caught:
        compared(spoil(runs_of(seeds=3)))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_columns_baselines_and_settings_that_cannot_be():
    frame = runs_of(seeds=3, p=1, depth=range(12))
    with pytest.raises(UsageError, match="nearest name: sgd"):
        compared(frame, baseline="sdg")
    with pytest.raises(UsageError, match="the setting 'p' has the name of a column of the comparison"):
        compared(frame, settings=["p"])
    with pytest.raises(UsageError, match="seed and setting both name the column 'seed'"):
        compared(frame, settings=["seed"])
    with pytest.raises(UsageError, match="no setting has two arms"):
        compared(frame, settings=["depth"])


def test_the_command_prints_the_table_of_the_function_in_every_format(tmp_path):
    frame = runs_of(seeds=6)
    chosen = [*written(tmp_path, frame), "--lower-is-better"]
    table = compared(frame, lower_is_better=True)
    rows = json.loads(invoke(*chosen, "--format", "json").stdout)
    assert list(rows[0]) == [*COLUMNS, *SCORE_DETAILS, "sentence"]
    read = pd.read_csv(io.StringIO(invoke(*chosen, "--format", "csv").stdout))
    pd.testing.assert_frame_equal(read[COLUMNS], table, check_dtype=False, rtol=1e-12)
    pd.testing.assert_frame_equal(pd.DataFrame(rows)[COLUMNS], table, check_dtype=False, rtol=1e-12)
    assert "| better | worse |" in invoke(*chosen, "--format", "markdown").stdout
    assert r"\toprule" in invoke(*chosen, "--format", "latex").stdout
    text = invoke(*chosen).stdout
    assert text.startswith("adam leads with ")
    assert "over 6 seeds (loss, lower is better)" in " ".join(text.split())
    for sign in ("point", "%", "trained", "noise"):
        assert sign not in text
    sentences = invoke(*chosen, "--sentences").stdout
    assert all(row["sentence"] in sentences for row in rows)


def test_numbers_have_as_many_decimals_as_their_interval_deserves(tmp_path):
    frame = runs_of(seeds=6, arms=["adam", "sgd"])
    frame["loss"] = 300 + 1000 * frame["loss"]
    sentence = invoke(*written(tmp_path, frame), "--sentences", "--lower-is-better").stdout
    assert "adam leads with " in sentence
    assert "." not in sentence.partition("adam is better than sgd by ")[2].partition(" over")[0]
    frame["loss"] *= 1e-9
    assert "e-0" in invoke(*written(tmp_path, frame), "--sentences").stdout


def test_settings_a_baseline_and_gaps_are_reported(tmp_path):
    frame = pd.concat([runs_of(seeds=6, lr=0.1), runs_of(seeds=6, arms=["adam", "sgd"], lr=0.01)], ignore_index=True)
    frame = frame[~((frame["optimizer"] == "sgd") & frame["seed"].isin([2, 4]) & (frame["lr"] == 0.1))]
    result = invoke(*written(tmp_path, frame), "--setting", "lr", "--baseline", "lion", "--lower-is-better")
    assert "runs.csv: arm 'sgd' of lr 0.1 lacks seeds 2, 4" in result.stderr
    assert "lr 0.01: no run of the baseline lion." in result.stdout
    assert "lr 0.1: The baseline lion has " in result.stdout
    assert "better than it: adam (by " in " ".join(result.stdout.split())
    single = invoke(*written(tmp_path, frame[frame["seed"] == 0]), "--setting", "lr").stdout
    assert "one seed in common shows nothing: take more" in single


def test_arms_with_equal_means_tie_for_first_place(tmp_path):
    frame = runs_of(seeds=5, arms=["adam", "sgd", "lion"])
    same = frame[frame["optimizer"] == "adam"].assign(optimizer="adamw")
    chosen = written(tmp_path, pd.concat([frame, same]))
    text = " ".join(invoke(*chosen, "--lower-is-better").stdout.split())
    assert text.startswith("adam and adamw tie for first place with ")
    assert "; adam, [" in text


@pytest.mark.parametrize(
    ("separator", "decimal", "note"), [(";", ",", "comma as decimal mark"), ("\t", ".", "by a tab"), (",", ".", "")]
)
def test_the_reader_of_tables_finds_out_how_a_file_is_written(tmp_path, separator, decimal, note):
    frame = runs_of(seeds=5)
    chosen = written(tmp_path, frame, sep=separator, decimal=decimal)
    result = invoke(*chosen, "--format", "csv")
    assert note in result.stderr
    read = pd.read_csv(io.StringIO(result.stdout))
    pd.testing.assert_frame_equal(read[COLUMNS], compared(frame), check_dtype=False, rtol=1e-12)


def test_columns_that_are_not_named_are_not_read(tmp_path):
    frame = runs_of(seeds=5).assign(started="2024-01-31 10:00", note=lambda f: ["inf"] + ["1"] * (len(f) - 1))
    result = invoke(*written(tmp_path, frame))
    assert result.stderr == ""


def test_arms_are_taken_as_they_are_written(tmp_path):
    renamed = {"adam": "Adam", "sgd": "adam", "rmsprop": "NA", "lion": "2024-01-31"}
    rows = list(
        csv.DictReader(io.StringIO(invoke(*written(tmp_path, runs_of().replace(renamed)), "--format", "csv").stdout))
    )
    assert {row["better"] for row in rows} | {row["worse"] for row in rows} == set(renamed.values())


CELLS = {
    "text": ("0.5", "oops", 5, "'oops' is none"),
    "nan": ("0.5", "nan", 5, "the score is missing or nan"),
    "empty": ("0.5", "", 5, "the score is missing or nan"),
    "infinite": ("0.5", "inf", 5, "infinite"),
    "a seed twice": ("sgd,1,", "sgd,0,", 5, "arm 'sgd' has seed 0 already, at"),
    "no arm": ("sgd,1", ",1", 5, "no arm stands in column 'optimizer'"),
    "no seed": ("sgd,1", "sgd,", 5, "no seed stands in column 'seed'"),
    "a cell too few": ("sgd,1,0.5", "sgd,1", 5, "2 cells"),
}


@pytest.mark.parametrize("name", CELLS)
def test_each_fault_of_a_file_is_answered_with_its_line(tmp_path, name):
    old, new, line, words = CELLS[name]
    text = "optimizer,seed,loss\nadam,0,0.31\nadam,1,0.32\nsgd,0,0.41\nsgd,1,0.5\n"
    (tmp_path / "runs.csv").write_text(text.replace(old, new))
    chosen = ["--csv", tmp_path / "runs.csv", "--arm", "optimizer", "--seed", "seed", "--score", "loss"]
    assert f"runs.csv:{line}: " in invoke(*chosen, code=2).stderr
    assert words in invoke(*chosen, code=2).stderr


def test_wrong_uses_of_the_command_are_explained(tmp_path):
    chosen = written(tmp_path, runs_of(seeds=3))
    assert "--csv needs --score too" in invoke(*chosen[:-2], code=2).stderr
    assert "runs.csv has: optimizer, seed, loss" in invoke(*chosen[:2], code=2).stderr
    assert "not both" in invoke("results", *chosen, code=2).stderr
    assert "--baseline goes with --csv FILE" in invoke("results", "--baseline", "adam", code=2).stderr
    assert "missing argument PATH" in invoke(code=2).stderr
    assert "nearest name: seed" in invoke(*chosen[:4], "--seed", "sede", *chosen[6:], code=2).stderr
    assert "in the unit of the score" in invoke(*chosen, "--margin", "0.5%", code=2).stderr
    assert "is not how a file is written" in invoke(*chosen, "-s", "target=loss", code=2).stderr
    assert invoke(*chosen, "-s", "separator=','", "--margin", "0.5").exit_code == 0

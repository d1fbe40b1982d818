import frames
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from initbench.analysis.summaries import accuracy_table

COLUMNS = [
    *["test_accuracy_mean", "test_accuracy_std", "test_accuracy_low", "test_accuracy_high"],
    *["test_loss_mean", "best_valid_accuracy_mean", "valid_accuracy_area"],
]


@pytest.fixture(scope="module")
def eight():
    return frames.experiment(frames.eight, initializer=frames.EIGHT)


def row(table, name):
    return table.set_index("initializer").loc[name]


def test_columns_are_those_of_the_contract(eight):
    expected = ["rank", *eight.factors, "seeds", "trained", "diverged", *COLUMNS]
    assert list(accuracy_table(*eight)) == expected
    assert list(accuracy_table(*eight, target=0.9)) == [*expected, "reached", "epochs_to_target"]


def test_interval_is_that_of_scipy(eight):
    got = row(accuracy_table(*eight), "he_normal")
    scores = eight.runs.loc[eight.runs["initializer"] == "he_normal", "test_accuracy"]
    low, high = stats.t.interval(0.95, len(scores) - 1, loc=scores.mean(), scale=stats.sem(scores))
    seen = got[["test_accuracy_mean", "test_accuracy_std", "test_accuracy_low", "test_accuracy_high"]].astype(float)
    np.testing.assert_allclose(seen, [scores.mean(), scores.std(ddof=1), low, high], atol=1e-10)
    normal = stats.norm.interval(0.95, loc=scores.mean(), scale=stats.sem(scores))
    assert abs(got["test_accuracy_low"] - normal[0]) > 1e-4  # an interval of the wrong distribution is caught


def test_a_diverged_cell_counts_as_answering_the_commonest_class(eight):
    name = "uniform(low=-0.3, high=0.3)"
    runs = eight.runs[eight.runs["initializer"] == name].merge(eight.baselines, on="cell")
    got = row(accuracy_table(*eight), name)
    ok = runs["status"] == "ok"
    by_hand = (3 * 0.1135 + runs.loc[ok, "test_accuracy"].sum()) / 5
    assert got["test_accuracy_mean"] == pytest.approx(by_hand, abs=1e-12)
    assert got["test_accuracy_mean"] != pytest.approx(runs["test_accuracy"].mean(), abs=1e-3)
    assert got["test_loss_mean"] == pytest.approx(runs.loc[ok, "test_loss"].mean(), abs=1e-12)
    valid = runs["best_valid_accuracy"].where(ok, runs["valid_majority"])
    assert got["best_valid_accuracy_mean"] == pytest.approx(valid.mean(), abs=1e-12)
    assert (got["seeds"], got["trained"], got["diverged"]) == (5, 2, 3)
    assert got["test_accuracy_low"] >= 0


def test_area_is_over_the_epochs_after_the_start(eight):
    curves = eight.curves[eight.curves["initializer"] == "orthogonal"]
    got = row(accuracy_table(*eight), "orthogonal")["valid_accuracy_area"]
    assert got == pytest.approx(curves[curves["epoch"] > 0]["valid_accuracy"].mean(), abs=1e-12)
    assert got != pytest.approx(curves["valid_accuracy"].mean(), abs=1e-3)


def test_the_area_of_a_diverged_cell_is_the_validation_share_of_the_commonest_class(eight):
    name = "uniform(low=-0.3, high=0.3)"
    runs = eight.runs[eight.runs["initializer"] == name].merge(eight.baselines, on="cell")
    learned = runs["cell"].map(eight.curves[eight.curves["epoch"] > 0].groupby("cell")["valid_accuracy"].mean())
    by_hand = learned.where(runs["status"] == "ok", runs["valid_majority"])
    got = row(accuracy_table(*eight), name)["valid_accuracy_area"]
    assert got == pytest.approx(by_hand.mean(), abs=1e-12)
    assert got != pytest.approx(learned.mean(), abs=1e-3)  # of the epochs before divergence alone


def test_trained_counts_the_cells_that_an_exact_test_shows_to_have_learned():
    p = np.array([stats.binomtest(k, frames.TEST_ROWS, 0.1135, alternative="greater").pvalue for k in range(300)])
    least = np.flatnonzero(p <= stats.norm.sf(3))[0]

    def near(seed, **setting):
        return frames.Outcome((least if seed < 2 else least - 1) / frames.TEST_ROWS)

    assert accuracy_table(*frames.experiment(near))["trained"].tolist() == [2]


def test_trained_goes_by_the_area_where_there_is_one_and_never_counts_a_diverged_cell(eight):
    runs = eight.runs.assign(test_auc=0.5)
    runs.loc[runs["initializer"] == "lecun_normal", "test_auc"] = 0.72  # its accuracy is that of the majority class
    runs.loc[runs["status"] == "diverged", "test_auc"] = 1.0
    table = accuracy_table(runs, *eight[1:])
    assert table.set_index("initializer")["trained"].to_dict() == {
        name: 5 if name == "lecun_normal" else 0 for name in frames.EIGHT
    }
    runs.loc[runs["initializer"] == "he_normal", "test_auc"] = np.nan  # another data set, of more classes
    assert row(accuracy_table(runs, *eight[1:]), "he_normal")["trained"] == 5


def test_target_counts_cells_and_takes_the_median_of_their_first_epochs(eight):
    table = accuracy_table(*eight, target=0.9)
    curves = eight.curves[(eight.curves["initializer"] == "glorot_uniform") & (eight.curves["valid_accuracy"] >= 0.9)]
    first = curves.groupby("seed")["epoch"].min()
    got = row(table, "glorot_uniform")
    assert (got["reached"], got["epochs_to_target"]) == (len(first), first.median())
    never = row(table, "lecun_normal")
    assert never["reached"] == 0
    assert np.isnan(never["epochs_to_target"])


@pytest.mark.parametrize(("never", "median"), [(0, 3), (1, 3), (2, 3), (3, np.nan), (5, np.nan)])
def test_a_median_of_epochs_takes_never_for_later_than_all(never, median):
    f = frames.experiment(initializer=["a"], epochs=9)
    is_there = (f.curves["epoch"] > f.curves["seed"]) & (f.curves["seed"] < 5 - never)  # from epoch seed + 1 on
    table = accuracy_table(f.runs, f.curves.assign(valid_accuracy=0.9 * is_there), f.baselines, f.factors, 0.5)
    assert table["reached"].tolist() == [5 - never]
    np.testing.assert_equal(table["epochs_to_target"].to_numpy(), [median])


def test_a_failed_seed_is_no_late_one():
    f = frames.experiment(
        lambda seed, **cell: frames.Outcome(0.95, status="failed" if seed > 2 else "ok"), initializer=["a"], epochs=9
    )
    high = f.curves["epoch"] > f.curves["seed"]
    table = accuracy_table(f.runs, f.curves.assign(valid_accuracy=high * 0.9), f.baselines, f.factors, 0.5)
    assert table["epochs_to_target"].tolist() == [2]


def test_a_median_of_steps_takes_never_for_later_than_all(eight):
    steps = {"he_normal": [10, 20, np.nan, 30, np.nan], "glorot_uniform": [10, np.nan, np.nan, 30, np.nan]}
    runs = eight.runs.assign(steps_to_target=50.0)
    for name, values in steps.items():
        runs.loc[runs["initializer"] == name, "steps_to_target"] = values
    table = accuracy_table(runs, *eight[1:])
    assert list(table) == [*accuracy_table(*eight), "steps_to_target"]
    assert row(table, "he_normal")["steps_to_target"] == 30 != np.nanmedian(steps["he_normal"])
    assert np.isnan(row(table, "glorot_uniform")["steps_to_target"])
    even = accuracy_table(runs[runs["seed"] < 4], *eight[1:])
    assert row(even, "he_normal")["steps_to_target"] == 25
    assert np.isnan(row(even, "glorot_uniform")["steps_to_target"])
    failed = runs["seed"] == 2
    runs.loc[failed, "status"] = "failed"
    assert row(accuracy_table(runs, *eight[1:]), "he_normal")["steps_to_target"] == 25


def test_the_mean_auc_is_over_the_cells_that_have_one(eight):
    runs = eight.runs.assign(test_auc=0.8, steps_to_target=1.0)
    runs.loc[runs["seed"] == 1, "test_auc"] = 0.5
    runs.loc[runs["seed"] == 2, "test_auc"] = np.nan
    table = accuracy_table(runs, *eight[1:], target=0.9)
    assert list(table)[-4:] == ["reached", "epochs_to_target", "test_auc_mean", "steps_to_target"]
    assert table["test_auc_mean"].to_numpy() == pytest.approx((3 * 0.8 + 0.5) / 4)


def test_best_comes_first_and_the_order_of_rows_is_of_no_account(eight):
    table = accuracy_table(*eight, target=0.9)
    assert table["rank"].tolist() == [*range(1, 8), 7]
    assert table["test_accuracy_mean"].is_monotonic_decreasing
    assert table["initializer"].tolist()[-2:] == ["lecun_normal", "normal(std=0.01)"]  # equal: by name
    shuffled = accuracy_table(
        eight.runs.sample(frac=1, random_state=1),
        eight.curves.sample(frac=1, random_state=2),
        eight.baselines.sample(frac=1, random_state=3),
        eight.factors,
        0.9,
    )
    pd.testing.assert_frame_equal(shuffled, table, check_exact=False, rtol=0, atol=1e-14)


def test_equal_means_share_a_rank_and_the_next_one_counts_them():
    values = {"a": [0.1, 0.2, 0.3], "b": [0.3, 0.2, 0.1], "c": [0.1, 0.2, 0.2], "d": [0.7, 0.2, 0.1]}
    assert len({np.mean(seen) for seen in values.values()}) == 4  # those of a and b differ in the last bit
    f = frames.experiment(lambda initializer, seed, **cell: frames.Outcome(0.5), initializer=list("dcba"), seeds=3)
    f.runs["test_accuracy"] = [values[r.initializer][r.seed] for r in f.runs.itertuples()]
    f.runs["test_loss"] = f.runs["initializer"].map({"a": 2.0, "b": 1.0}).fillna(3.0)
    table = accuracy_table(*f)
    assert table["initializer"].tolist() == ["d", "b", "a", "c"]
    assert table["rank"].tolist() == [1, 2, 2, 4]


def test_initializers_whose_cells_all_failed_share_the_last_rank():
    def failing(initializer, **setting):
        return frames.Outcome(0.9, status="ok" if initializer == "a" else "failed")

    assert accuracy_table(*frames.experiment(failing, initializer=["c", "b", "a"]))["rank"].tolist() == [1, 2, 2]


def test_failed_cells_are_left_out_but_their_setting_stays():
    def failing(initializer, seed, **setting):
        return frames.Outcome(0.9, status="failed" if initializer == "zeros" or seed == 0 else "ok")

    table = accuracy_table(*frames.experiment(failing, initializer=["zeros", "he_normal"]))
    assert table["initializer"].tolist() == ["he_normal", "zeros"]
    assert table["seeds"].tolist() == [4, 0]
    assert table.loc[1, COLUMNS].isna().all()


def test_one_seed_has_no_interval():
    table = accuracy_table(*frames.experiment(seeds=1))
    assert table[["test_accuracy_std", "test_accuracy_low", "test_accuracy_high"]].isna().all(axis=None)
    assert table["test_accuracy_mean"].notna().all()


def test_settings_may_mix_numbers_text_and_none():
    swept = {"width": [64, "512-256"], "clip_norm": [None, 1.0], "initializer": ["b", "a"]}
    table = accuracy_table(*frames.experiment(lambda **setting: frames.Outcome(0.9), seeds=2, epochs=2, **swept))
    assert len(table) == 8
    assert table["initializer"].tolist() == ["a"] * 4 + ["b"] * 4
    assert table["width"].tolist() == [64, 64, "512-256", "512-256"] * 2

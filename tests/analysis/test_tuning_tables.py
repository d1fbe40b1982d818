"""What each seed chooses: by validation after the last epoch of its own tuning seeds alone, failed cells left out."""

import frames
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from initbench.analysis.tuning import along, choices_table, chosen_values, how_often, tried_table, tuning_table

RATES = [0.01, 0.03, 0.1, 0.3]
COLUMNS = [
    *("key", "tuned", "tuned_share", "common", "common_share"),
    *("usable_low", "usable_high", "usable_ratio", "edge", "common_edge"),
    *("valid_accuracy_tuned", "valid_accuracy_common", "cells", "learns"),
]


def experiment(accuracies, *, valid=None, seeds=3, **swept):
    """Frames in which each initializer has these validation accuracies at the rates; nan diverges, None fails."""

    def outcome(initializer, learning_rate, **setting):
        value = accuracies[initializer][RATES.index(learning_rate)]
        status = "failed" if value is None else "diverged" if np.isnan(value) else "ok"
        return frames.Outcome(0.5, status=status)

    f = frames.experiment(outcome, seeds=seeds, initializer=list(accuracies), learning_rate=RATES, epochs=2, **swept)
    rows = zip(f.runs["initializer"], f.runs["learning_rate"], strict=True)
    f.runs["valid_accuracy"] = [accuracies[name][RATES.index(rate)] for name, rate in rows]
    f.runs["valid_accuracy"] = f.runs["valid_accuracy"].astype(float).fillna(0.99)  # of a diverged cell's last epoch
    return f


def chosen(f, *keys, by_seed=None):
    """The choices of reporting seeds; without any told, of one that tunes with all seeds."""
    by_seed = by_seed or {0: f.runs["seed"].unique().tolist()}
    return choices_table(f.runs, f.baselines, f.factors, keys or ["learning_rate"], by_seed)


def tuned(f, *keys, by_seed=None):
    tried = tried_table(f.runs, f.baselines, f.factors)
    return tried, tuning_table(chosen(f, *keys, by_seed=by_seed), tried, f.factors, keys or ["learning_rate"])


def of(tuning, name, column):
    return tuning.set_index("initializer").loc[name, column]


TWO = {"he_normal": [0.50, 0.90, 0.895, 0.60], "zeros": [0.30, 0.40, 0.80, 0.70]}


def test_each_has_its_own_best_and_all_share_the_best_of_their_mean():
    tried, tuning = tuned(experiment(TWO))
    assert list(tuning.columns) == [
        *("dataset", "depth", "width", "activation", "initializer", "optimizer", "batch_size"),
        *COLUMNS,
    ]
    assert tuning["tuned"].tolist() == [0.03, 0.1]
    assert tuning["common"].tolist() == [0.1, 0.1]
    assert tuning["valid_accuracy_tuned"].tolist() == pytest.approx([0.9, 0.8], abs=1e-12)
    assert tuning["valid_accuracy_common"].tolist() == pytest.approx([0.895, 0.8], abs=1e-12)
    assert tuning["edge"].isna().all()
    assert tuning["cells"].tolist() == [12, 12]  # every initializer has the same budget
    assert tried["choosable"].all()


def test_the_usable_range_is_within_a_point_of_the_best():
    _, tuning = tuned(experiment(TWO | {"ones": [0.89, 0.9, 0.889, 0.1]}))
    assert (of(tuning, "he_normal", "usable_low"), of(tuning, "he_normal", "usable_high")) == (0.03, 0.1)
    assert of(tuning, "he_normal", "usable_ratio") == pytest.approx(0.1 / 0.03, abs=1e-12)
    assert of(tuning, "zeros", "usable_ratio") == 1
    assert (of(tuning, "ones", "usable_low"), of(tuning, "ones", "usable_high")) == (0.01, 0.03)  # 0.889 is too low


def test_neither_test_accuracy_nor_the_best_epoch_chooses():
    f = experiment(TWO)
    before = tuned(f)[1]
    for metric in ("test_accuracy", "best_valid_accuracy", "train_accuracy"):
        f.runs[metric] = f.runs["learning_rate"].map({0.01: 1.0, 0.03: 0.0, 0.1: 0.0, 0.3: 0.5})
    pd.testing.assert_frame_equal(tuned(f)[1], before)
    f.runs["valid_accuracy"] = f.runs["learning_rate"].map({0.01: 1.0, 0.03: 0.0, 0.1: 0.0, 0.3: 0.5})
    assert tuned(f)[1]["tuned"].tolist() == [0.01, 0.01]  # the planted scores would have chosen otherwise


def test_a_diverged_cell_counts_as_answering_the_majority_class_whatever_it_reached_before():
    tried, tuning = tuned(experiment({"he_normal": [0.2, 0.3, np.nan, np.nan], "zeros": [0.12, 0.10, np.nan, 0.11]}))
    assert tuning["tuned"].tolist() == [0.03, 0.01]
    diverged = tried[tried["diverged"] > 0]
    assert diverged["valid_accuracy_mean"].tolist() == pytest.approx([0.1145] * 3, abs=1e-12)  # 0.1135 to 0.1155
    assert tried["valid_accuracy_mean"].max() < 0.99


def test_a_value_at_which_a_cell_failed_cannot_be_chosen():
    f = experiment(TWO)
    failed = (f.runs["initializer"] == "he_normal") & (f.runs["learning_rate"] == 0.03) & (f.runs["seed"] == 1)
    f.runs.loc[failed, "status"] = "failed"
    tried, tuning = tuned(f)
    assert of(tuning, "he_normal", "tuned") == 0.1
    assert of(tuning, "he_normal", "usable_low") == 0.1
    assert tried.loc[~tried["choosable"], ["seeds", "failed"]].to_numpy().tolist() == [[2, 1]]
    assert of(tuning, "he_normal", "cells") == 12
    f.runs.loc[f.runs["learning_rate"].isin([0.1]) & (f.runs["initializer"] == "zeros"), "status"] = "failed"
    assert set(tuned(f)[1]["common"]) == {0.3}  # neither 0.03 nor 0.1 can be chosen for all


def test_a_value_that_lacks_a_seed_cannot_be_chosen():
    f = experiment(TWO)
    lacking = (f.runs["initializer"] == "he_normal") & (f.runs["learning_rate"] == 0.03) & (f.runs["seed"] == 1)
    assert of(tuned(f._replace(runs=f.runs[~lacking]))[1], "he_normal", "tuned") == 0.1


def test_an_initializer_that_always_fails_has_no_say():
    _, tuning = tuned(experiment(TWO | {"ones": [None] * 4}))
    assert tuning["common"].tolist() == [0.1] * 3
    assert of(tuning, "ones", ["tuned", "usable_low", "usable_ratio"]).isna().all()
    own, common = chosen_values(chosen(experiment(TWO | {"ones": [None] * 4})))
    assert (len(own), len(common)) == (2, 3)
    f = experiment({"ones": [0.5] * 4})
    f.runs["status"] = "failed"
    _, none = tuned(f)
    assert none[["tuned", "common"]].isna().all(axis=None)
    assert chosen_values(chosen(f)) == ({}, {})


@pytest.mark.parametrize(
    ("scores", "value", "edge"),
    [
        ([0.9, 0.5, 0.5, 0.5], 0.01, "lowest"),
        ([0.5, 0.5, 0.5, 0.9], 0.3, "highest"),
        ([0.5, 0.5, 0.9, 0.5], 0.1, None),
        ([0.1, 0.1, 0.1, 0.1], 0.03, None),  # equal: the middle one
        ([0.5, 0.9, 0.9, 0.9], 0.1, None),
    ],
)
def test_the_ends_of_the_grid_are_told_and_the_middle_is_taken_of_equals(scores, value, edge):
    (row,) = tuned(experiment({"zeros": scores}))[1].to_dict("records")
    assert (row["tuned"], row["common"]) == (value, value)
    assert (row["edge"], row["common_edge"]) == (edge, edge)


@pytest.mark.parametrize(
    ("key", "grid", "best", "edge"),
    [
        ("weight_decay", [0.0, 0.1], 0.0, None),
        ("weight_decay", [0.01, 0.1], 0.01, "lowest"),
        ("clip_norm", [1.0, None], None, None),
        ("clip_norm", [None, 1.0], 1.0, "lowest"),
        ("train_rows", [100, "all"], "all", None),
        ("batch_size", [1, 32], 1, None),
        ("depth", [1, 2], 1, "lowest"),
    ],
)
def test_an_end_that_nothing_lies_beyond_is_no_edge(key, grid, best, edge):
    def outcome(seed, **setting):
        return frames.Outcome(0.9 if setting[key] == best else 0.5)

    f = frames.experiment(outcome, seeds=2, **{key: grid})
    (row,) = tuned(f, key)[1].to_dict("records")
    assert row["tuned"] == best
    assert row["edge"] == edge
    assert row["usable_ratio"] == 1 or not isinstance(best, (int, float)) or best == 0


def test_settings_are_tuned_apart_and_several_keys_together():
    def outcome(initializer, depth, learning_rate, weight_decay, **setting):
        suits = {2: 0.1, 20: 0.03}[depth] * (1 if initializer == "zeros" or depth == 2 else 3.4)
        loss = abs(np.log(learning_rate / suits)) + (weight_decay - 0.1 * learning_rate) ** 2
        return frames.Outcome(0.9 - 0.05 * loss, speed=8)

    grid = {"learning_rate": RATES, "weight_decay": [0.0, 0.01, 0.1]}
    f = frames.experiment(outcome, seeds=3, initializer=["zeros", "he_normal"], depth=[2, 20], **grid)
    f.runs["valid_accuracy"] = f.runs["test_accuracy"]
    tried, tuning = tuned(f, "learning_rate", "weight_decay")
    assert len(tuning) == 2 * 2 * 2
    rates = tuning[tuning["key"] == "learning_rate"].set_index(["depth", "initializer"])["tuned"]
    assert rates.to_dict() == {
        (2, "zeros"): 0.1,
        (2, "he_normal"): 0.1,
        (20, "zeros"): 0.03,
        (20, "he_normal"): 0.1,
    }
    assert tuning["cells"].tolist() == [36] * 8
    own, common = chosen_values(chosen(f, "learning_rate", "weight_decay"))
    assert len(own) == len(common) == 4
    assert {len(values) for values in own.values()} == {2}
    part = along("learning_rate", tried, tuning)
    assert len(part) == 4 * len(RATES)
    assert part.groupby(["depth", "initializer"])["weight_decay"].nunique().eq(1).all()
    best = part.loc[part.groupby(["depth", "initializer"])["valid_accuracy_mean"].idxmax()]
    assert best.set_index(["depth", "initializer"])["learning_rate"].to_dict() == rates.to_dict()


def test_the_order_of_rows_does_not_matter_and_the_interval_is_that_of_scipy():
    f = frames.experiment(
        frames.gridded, initializer=["he_normal", "zeros"], depth=[2, 5], learning_rate=RATES, seeds=4
    )
    tried, tuning = tuned(f)
    shuffled = f._replace(runs=f.runs.sample(frac=1, random_state=1))
    again = tuned(shuffled)[1]
    order = ["initializer", "depth"]
    pd.testing.assert_frame_equal(
        again.sort_values(order, ignore_index=True), tuning.sort_values(order, ignore_index=True)
    )
    row = tried[(tried["diverged"] == 0) & (tried["failed"] == 0)].iloc[0]
    same = (f.runs[["initializer", "depth", "learning_rate"]] == row[["initializer", "depth", "learning_rate"]]).all(
        axis=1
    )
    scores = f.runs.loc[same, "valid_accuracy"]
    low, high = stats.t.interval(0.95, len(scores) - 1, loc=scores.mean(), scale=stats.sem(scores))
    seen = row[["valid_accuracy_mean", "valid_accuracy_low", "valid_accuracy_high"]].astype(float)
    np.testing.assert_allclose(seen, [scores.mean(), low, high], atol=1e-10)


def random_tuning(rng, count):
    """Tuning cells of two initializers and so many reporting seeds with two tuning seeds each; some diverge or fail."""
    f = frames.experiment(
        initializer=["zeros", "he_normal"], depth=[1, 2], learning_rate=RATES, seeds=2 * count, epochs=1
    )
    f.runs["valid_accuracy"] = rng.choice([0.2, 0.5, 0.8, 0.9], len(f.runs))
    f.runs["status"] = rng.choice(["ok", "diverged", "failed"], len(f.runs), p=[0.8, 0.1, 0.1])
    return f, {seed: (seed, seed + count) for seed in range(count)}


@pytest.mark.parametrize("trial", range(5))
def test_the_choice_of_a_seed_follows_from_its_own_tuning_cells_alone(trial):
    rng = np.random.default_rng(trial)
    f, by_seed = random_tuning(rng, 4)
    choices = chosen(f, by_seed=by_seed)
    assert len(choices) == 4 * 4
    for seed, own in by_seed.items():
        of_seed = choices[choices["seed"] == seed].reset_index(drop=True)
        alone = f._replace(runs=f.runs[f.runs["seed"].isin(own)])
        pd.testing.assert_frame_equal(chosen(alone, by_seed={seed: own}), of_seed)
        others = random_tuning(rng, 4)[0].runs
        mixed = f._replace(runs=f.runs.where(f.runs["seed"].isin(own), others))
        again = chosen(mixed, by_seed=by_seed)
        pd.testing.assert_frame_equal(again[again["seed"] == seed].reset_index(drop=True), of_seed)
        for name, some in alone.runs.assign(is_done=alone.runs["status"] != "failed").groupby(["depth", "initializer"]):
            row = of_seed[(of_seed["depth"] == name[0]) & (of_seed["initializer"] == name[1])].iloc[0]
            done = some.groupby("learning_rate")["is_done"].all()
            assert pd.isna(row["tuned"]) == (not done.any())
            assert pd.isna(row["tuned"]) or done[row["tuned"]]


def test_a_choice_that_looks_at_the_cells_of_other_seeds_is_found():
    f, by_seed = random_tuning(np.random.default_rng(0), 4)
    shared = dict.fromkeys(by_seed, tuple(range(8)))
    assert not chosen(f, by_seed=shared)["tuned"].equals(chosen(f, by_seed=by_seed)["tuned"])


def test_the_shares_of_what_was_chosen_count_seeds():
    f = experiment(TWO, seeds=4)
    at = (f.runs["initializer"] == "zeros") & (f.runs["learning_rate"] == 0.3) & f.runs["seed"].isin([1, 2, 3])
    f.runs.loc[at, "valid_accuracy"] = 0.95
    lost = (f.runs["initializer"] == "zeros") & (f.runs["seed"] == 3)
    f.runs.loc[lost, "status"] = "failed"
    by_seed = {seed: [seed] for seed in range(4)}
    tuning = tuned(f, by_seed=by_seed)[1]
    assert of(tuning, "zeros", ["tuned", "tuned_share", "common"]).tolist() == [0.3, 0.5, 0.1]
    assert of(tuning, "he_normal", ["tuned", "tuned_share"]).tolist() == [0.03, 1]
    often = how_often(chosen(f, by_seed=by_seed), "tuned").set_index("initializer")
    assert often.loc["zeros", ["value", "chosen", "seeds", "lacking"]].to_numpy().tolist() == [
        [0.3, 2, 4, 1],
        [0.1, 1, 4, 1],
    ]
    assert of(tuning, "zeros", "valid_accuracy_tuned") == pytest.approx((0.8 + 2 * 0.95) / 3, abs=1e-12)


def test_no_limit_and_all_rows_are_values_that_can_be_chosen():
    def outcome(seed, clip_norm, **setting):
        return frames.Outcome(0.9 if (clip_norm is None) == (seed != 1) else 0.5)

    f = frames.experiment(outcome, seeds=3, clip_norm=[1.0, None])
    choices = chosen(f, "clip_norm", by_seed={seed: [seed] for seed in range(3)})
    assert [None if pd.isna(value) else value for value in choices["tuned"]] == [None, 1.0, None]
    assert sorted(map(str, chosen_values(choices)[0].values())) == ["(1.0,)", "(None,)", "(None,)"]
    assert how_often(choices, "tuned")["chosen"].tolist() == [2, 1]

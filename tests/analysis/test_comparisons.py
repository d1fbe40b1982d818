from itertools import combinations

import frames
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from initbench.analysis.comparisons import (
    ALPHA,
    COLUMNS,
    DETAILS,
    STEPS,
    comparison_table,
    equivalence_p,
    holm,
    mcnemar_p,
    one_sided_p,
    paired_p,
    separation_p,
    sign_flip_p,
    smallest_flip_p,
)

RNG = np.random.default_rng(5)


def compared(f, runs=None, margin=None):
    return comparison_table(f.runs if runs is None else runs, f.baselines, f.factors, margin)


def scored(scores):
    """An experiment in which each initializer has the given test accuracies, one a seed."""
    seeds = max(map(len, scores.values()))

    def outcome(initializer, seed, **setting):
        known = seed < len(scores[initializer])
        return frames.Outcome(scores[initializer][seed]) if known else frames.Outcome(0, status="failed")

    return frames.experiment(outcome, initializer=list(scores), seeds=seeds, epochs=1)


def test_columns_and_pairs():
    f = frames.experiment(frames.eight, initializer=frames.EIGHT, epochs=3)
    table = compared(f)
    assert list(table) == [*(x for x in f.factors if x != "initializer"), *COLUMNS, *DETAILS]
    assert {frozenset(pair) for pair in zip(table["better"], table["worse"], strict=True)} == {
        frozenset((a, b)) for a in frames.EIGHT for b in frames.EIGHT if a != b
    }
    assert len(table) == 28
    assert (table["difference"] >= 0).all()


def test_few_seeds_take_the_paired_t_test_of_scipy():
    a, b = RNG.uniform(0.8, 0.9, 5), RNG.uniform(0.7, 0.8, 5)
    (row,) = compared(scored({"b": b, "a": a})).itertuples()
    expected = stats.ttest_rel(a, b)
    assert (row.better, row.worse, row.seeds) == ("a", "b", 5)
    assert row.difference == pytest.approx(np.mean(a - b), abs=1e-10)
    assert row.p == pytest.approx(expected.pvalue, abs=1e-10)
    assert row.p != pytest.approx(stats.ttest_ind(a, b).pvalue, abs=1e-6)  # an unpaired test is caught


@pytest.mark.parametrize("n", [8, 12])
def test_the_sign_flip_test_is_exact(n):
    d = RNG.normal(0.01, 0.02, n)
    expected = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip_p(d) == pytest.approx(expected.pvalue, abs=1e-10)
    assert paired_p(d) == sign_flip_p(d)
    assert abs(sign_flip_p(d + 0.004) - expected.pvalue) > 1e-3


def test_beyond_twelve_pairs_flips_are_drawn_and_repeat():
    d = RNG.normal(0.005, 0.02, 15)
    bits = np.arange(2**15)[:, None] >> np.arange(15) & 1
    exact = np.mean(np.abs((1 - 2 * bits) @ d) >= abs(d.sum()) - 1e-12)
    assert sign_flip_p(d) == pytest.approx(exact, abs=0.015)
    assert sign_flip_p(d) == sign_flip_p(d.copy())


def test_the_test_is_chosen_by_seeds_and_rows_and_never_by_outcomes():
    d = RNG.normal(0.01, 0.02, 8)
    t = stats.ttest_1samp(d, 0).pvalue
    assert paired_p(d[:7]) == pytest.approx(stats.ttest_1samp(d[:7], 0).pvalue, abs=1e-10)
    assert paired_p(d) == sign_flip_p(d)  # 4 * 2 / 2**8 <= 0.05
    assert paired_p(d, family=2) == pytest.approx(t, abs=1e-10)


def test_no_p_is_below_that_of_two_coins_and_the_smallest_flip_p_is_what_it_is_taken_for():
    for n in (2, 3, 5, 7):
        assert paired_p(0.8 + RNG.normal(0, 1e-6, n)) == 2 * 4.0**-n
    for n in range(8, 31):
        assert sign_flip_p(np.full(n, 0.1)) <= smallest_flip_p(n) * (STEPS if n > 16 else 1)  # drawn flips vary


def test_obvious_differences_are_shown_at_every_number_of_seeds_whatever_the_family():
    for n in range(5, 31):
        for family in (1, 15, 36, 112, 190, 276):
            p = paired_p(0.2 + RNG.normal(0, 0.005, n), family)
            assert p * family <= ALPHA or family * separation_p(n) > ALPHA, (n, family)


def coins(experiments, n, arms, share):
    draws = RNG.random((experiments, n, arms)) < share
    return np.where(draws, 0.9 + 0.01 * RNG.standard_normal(draws.shape), 0.1135).round(12)


def false_better(scores):
    pairs = list(combinations(range(scores.shape[-1]), 2))
    found = [
        holm(np.array([paired_p((one[:, a] - one[:, b]).round(12), len(pairs)) for a, b in pairs])).min() <= ALPHA
        for one in scores
    ]
    return np.mean(found)


@pytest.mark.parametrize(("n", "arms"), [(2, 6), (3, 2), (3, 6), (5, 6), (8, 4)])
def test_equal_arms_that_train_or_not_are_rarely_called_different(n, arms):
    assert false_better(coins(300, n, arms, 0.6)) <= 0.08  # 5 % and the chance of 300 experiments


def test_the_check_of_equal_arms_catches_student_alone(monkeypatch):
    monkeypatch.setattr("initbench.analysis.comparisons.separation_p", lambda seeds: 0.0)
    assert false_better(coins(300, 3, 6, 0.6)) > 0.15


def test_mcnemar_is_the_exact_binomial_test_of_the_seeds_that_train_with_one_alone():
    for _ in range(50):
        trained = RNG.random((2, int(RNG.integers(1, 12)))) < 0.6
        alone = int((trained[0] & ~trained[1]).sum()), int((~trained[0] & trained[1]).sum())
        expected = stats.binomtest(alone[0], sum(alone)).pvalue if sum(alone) else 1.0
        assert mcnemar_p(trained) == pytest.approx(expected, abs=1e-12)
    assert np.isnan(mcnemar_p(np.zeros((2, 0), dtype=bool)))


def test_the_table_says_how_many_seeds_train_and_where_that_is_mixed():
    accuracies = {"a": [0.9, 0.9, 0.91, 0.92, 0.9, 0.9], "b": [0.1135] * 6, "c": [0.9, 0.1135, 0.9, 0.9, 0.1135, 0.9]}
    table = compared(scored(accuracies)).set_index(["better", "worse"])
    alone = table.loc[("a", "b")]
    assert (alone["trained_difference"], alone["trained_p"], alone["is_mixed"]) == (1.0, 2 / 2**6, False)
    np.testing.assert_array_equal(table["trained_p_adjusted"], holm(table["trained_p"].to_numpy()))
    mixed = table.loc[("a", "c")]
    assert (mixed["better_trained"], mixed["worse_trained"], mixed["trained_p"], mixed["is_mixed"]) == (6, 4, 0.5, True)
    assert mixed["trained_difference"] == pytest.approx(1 / 3)
    assert mixed["trained_low"] < 0 < 1 / 3 < mixed["trained_high"]


def test_differences_without_spread():
    assert paired_p(np.zeros(5)) == 1
    assert paired_p(np.full(5, 0.1)) == 2 / 2**5
    table = compared(scored({"a": [0.9, 0.8, 0.7], "b": [0.8, 0.7, 0.6], "c": [0.9, 0.8, 0.7]})).set_index(
        ["better", "worse"]
    )
    same = table.loc[("a", "c")]
    assert (same["difference"], same["low"], same["high"], same["p"], same["probability_better"]) == (0, 0, 0, 1, 0.5)
    assert same["verdict"] == "no difference shown"
    assert table.loc[("a", "b"), "p"] == 2 / 2**3


def test_holm_by_hand():
    np.testing.assert_allclose(
        holm(np.array([0.01, np.nan, 0.04, 0.03, 0.005])), [0.03, np.nan, 0.06, 0.06, 0.02], atol=1e-15
    )
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1]
    assert holm(np.array([])).size == 0


def test_the_family_of_holm_is_the_whole_table():
    f = frames.experiment(initializer=["he_normal", "zeros"], depth=[2, 5, 10], epochs=2)
    table = compared(f)
    np.testing.assert_allclose(table["p_adjusted"], holm(table["p"].to_numpy()))
    one = compared(f, f.runs[f.runs["depth"] == 2])
    assert table["p_adjusted"].iloc[0] == pytest.approx(3 * one["p_adjusted"].iloc[0], rel=1e-9)
    is_shown = (table["p_adjusted"] <= 0.05) & (table["low"] > 0)
    assert table["verdict"].eq(np.where(is_shown, "better", "no difference shown")).all()


def test_pairing_survives_shuffled_rows_and_missing_seeds():
    f = frames.experiment(initializer=["he_normal", "orthogonal", "zeros"], seeds=9, epochs=2)
    pd.testing.assert_frame_equal(compared(f, f.runs.sample(frac=1, random_state=3)), compared(f))
    lacking = f.runs[~((f.runs["initializer"] == "zeros") & f.runs["seed"].isin([0, 4]))].sample(frac=1, random_state=4)
    row = compared(f, lacking).set_index(["better", "worse"]).loc[("orthogonal", "zeros")]
    by_seed = f.runs.pivot(index="seed", columns="initializer", values="test_accuracy").drop([0, 4])
    assert row["seeds"] == 7
    difference = by_seed["orthogonal"] - by_seed["zeros"]
    assert row["difference"] == pytest.approx(difference.mean(), abs=1e-12)
    assert row["p"] == max(stats.ttest_1samp(difference, 0).pvalue, separation_p(7))


def test_diverged_cells_enter_at_chance_and_failed_ones_do_not():
    def outcome(initializer, seed, **setting):
        status = {("b", 0): "diverged", ("a", 1): "failed"}.get((initializer, seed), "ok")
        return frames.Outcome({"a": 0.9, "b": 0.7}[initializer] + 0.01 * seed * (initializer == "a"), status=status)

    (row,) = compared(frames.experiment(outcome, initializer=["a", "b"], seeds=4, epochs=4)).itertuples()
    assert row.seeds == 3
    assert row.difference == pytest.approx(np.mean([0.9 - 0.1135, 0.22, 0.23]), abs=1e-10)


def test_the_same_cells_in_two_settings_count_once():
    f = frames.experiment(initializer=["he_normal", "zeros", "orthogonal"], depth=[2], seeds=6, epochs=2)
    again = f.runs.assign(depth=5)  # as where the best value of a tuned key is the common one
    twice = pd.concat([f.runs, again], ignore_index=True)
    once, both = compared(f), compared(f, twice)
    assert both["p_adjusted"].tolist() == [*once["p_adjusted"], *once["p_adjusted"]]
    others = again.assign(cell=again["cell"] + "x")
    baselines = pd.concat([f.baselines, f.baselines.assign(cell=f.baselines["cell"] + "x")])
    apart = comparison_table(pd.concat([f.runs, others], ignore_index=True), baselines, f.factors)
    assert apart["p_adjusted"].sum() > both["p_adjusted"].sum()


def test_probability_better_counts_ties_half():
    (row,) = compared(scored({"a": [0.9, 0.8, 0.7, 0.6], "b": [0.1, 0.8, 0.75, 0.5]})).itertuples()
    assert row.probability_better == (2 + 0.5) / 4


@pytest.mark.parametrize(("b", "seeds"), [([0.8], 1), ([], 0)])
def test_too_few_seeds(b, seeds):
    (row,) = compared(scored({"b": b, "a": [0.9]})).itertuples()
    assert (row.better, row.worse, row.seeds, row.verdict) == ("a", "b", seeds, "too few seeds")
    assert np.isnan([row.low, row.high, row.p, row.p_adjusted]).all()


def test_a_single_initializer_has_no_pairs():
    f = frames.experiment()
    assert compared(f).empty
    assert list(compared(f))[-len(COLUMNS + DETAILS) :] == COLUMNS + DETAILS


def test_one_sided_p_is_that_of_scipy():
    d = RNG.normal(0.01, 0.02, 9)
    expected = stats.ttest_1samp(d, 0, alternative="greater").pvalue
    assert one_sided_p(d) == pytest.approx(expected, abs=1e-12)
    assert one_sided_p(-d) == pytest.approx(1 - expected, abs=1e-12)
    assert one_sided_p(np.full(5, 0.1)) == 2**-5
    assert one_sided_p(np.full(5, -0.1)) == 1


def test_equivalence_is_the_larger_of_two_one_sided_tests():
    d = RNG.normal(0.001, 0.004, 12)
    lower = stats.ttest_1samp(d, -0.005, alternative="greater").pvalue
    upper = stats.ttest_1samp(d, 0.005, alternative="less").pvalue
    assert equivalence_p(d, 0.005) == pytest.approx(max(lower, upper), abs=1e-12)
    assert abs(equivalence_p(d, 0.005) - min(lower, upper)) > 1e-6  # the easier of the two is caught


def test_equivalent_needs_a_margin_that_surely_holds_the_difference():
    base = RNG.uniform(0.8, 0.9, 12)
    f = scored({"a": base + 0.001 * RNG.standard_normal(12), "b": base, "c": base - 0.2})
    verdicts = compared(f, margin=0.01).set_index(["better", "worse"])["verdict"]
    near = next(pair for pair in verdicts.index if "c" not in pair)
    assert verdicts[near] == "equivalent"
    assert verdicts.drop(near).eq("better").all()
    assert not compared(f)["verdict"].eq("equivalent").any()
    assert not compared(f, margin=1e-5)["verdict"].eq("equivalent").any()


def test_a_difference_that_is_shown_and_does_not_matter_is_equivalent():
    base = RNG.uniform(0.8, 0.9, 12)
    f = scored({"a": base + 0.002 + 0.0001 * RNG.standard_normal(12), "b": base})
    assert compared(f)["verdict"].tolist() == ["better"]
    assert compared(f, margin=0.01)["verdict"].tolist() == ["equivalent"]


def test_cliffs_delta_is_that_of_the_mann_whitney_statistic():
    a, b = RNG.uniform(0.5, 0.9, 9).round(1), RNG.uniform(0.4, 0.8, 9).round(1)
    (row,) = compared(scored({"a": a, "b": b})).itertuples()
    first, second = (a, b) if row.better == "a" else (b, a)
    u = stats.mannwhitneyu(first, second).statistic
    assert row.cliffs_delta == pytest.approx(2 * u / 81 - 1, abs=1e-10)
    assert row.cliffs_delta != pytest.approx(np.sign(first - second).mean(), abs=1e-6)  # paired signs are caught


def test_who_did_not_train_stays_in_the_denominator():
    f = frames.experiment(frames.eight, initializer=["he_normal", "uniform(low=-0.3, high=0.3)"], seeds=10)
    (row,) = compared(f).itertuples()
    assert (row.better_trained, row.worse_trained, row.seeds) == (10, 7, 10)
    expected = stats.binomtest(7, 10).proportion_ci(0.95, method="wilson")
    assert (row.worse_trained_low, row.worse_trained_high) == pytest.approx((expected.low, expected.high), abs=1e-10)


def test_a_ranking_within_the_noise_of_the_test_rows_is_marked():
    shift = 1e-4 * np.array([-2, -1, 0, 1, 2])
    near = compared(scored({"a": 0.981 + shift, "b": 0.9805 + shift[::-1]})).iloc[0]
    assert near["noise"] == pytest.approx(1.959964 * np.sqrt((0.981 * 0.019 + 0.9805 * 0.0195) / 2000), rel=1e-3)
    assert near["within_noise"]
    far = compared(scored({"a": np.full(10, 0.98), "b": np.full(10, 0.9)})).iloc[0]
    assert not far["within_noise"]


def test_better_needs_both_the_test_and_the_interval():
    table = compared(scored({"a": [0.81, 0.91, 0.92, 0.93, 0.94], "b": [0.8] * 5}))
    (row,) = table.itertuples()
    assert row.p_adjusted <= 0.05
    assert row.low < 0
    assert row.verdict == "no difference shown"

import re
from itertools import product

import frames
import numpy as np
import pytest
from scipy import stats

from initbench.analysis.planning import COLUMNS, detectable_effect, fewest_seeds, plan_table, seeds_needed, t_power
from initbench.present.planning import plan_sentences
from initbench.present.tables import plan_view

RNG = np.random.default_rng(2)


def planned(scores, detect=0.005, power=0.8):
    def outcome(initializer, seed, **setting):
        value = scores[initializer][seed]
        return frames.Outcome(0, status="failed") if np.isnan(value) else frames.Outcome(value)

    f = frames.experiment(outcome, initializer=list(scores), seeds=len(next(iter(scores.values()))), epochs=1)
    return plan_table(f.runs, f.baselines, f.factors, detect, power)


@pytest.mark.parametrize(("effect", "seeds"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10)])
def test_seeds_are_those_of_published_tables(effect, seeds):
    """Of a two-sided paired t test at 0.05 with power 0.8: Cohen's small, medium and large effect, and 1 (G*Power)."""
    assert seeds_needed(effect, 1.0, 0.05, 0.8) == seeds
    assert t_power(effect, seeds, 0.05) >= 0.8 > t_power(effect, seeds - 1, 0.05)


@pytest.mark.parametrize("seeds", [5, 23])
def test_the_power_is_that_of_the_noncentral_t_and_of_simulation(seeds):
    effect = 0.6
    t = stats.t.ppf(0.975, seeds - 1)
    both = stats.nct(seeds - 1, effect * np.sqrt(seeds))
    power = t_power(effect, seeds, 0.05)
    assert power == pytest.approx(both.sf(t) + both.cdf(-t), abs=1e-10)
    p = stats.ttest_1samp(RNG.normal(effect, 1, size=(20_000, seeds)), 0, axis=1).pvalue
    assert power == pytest.approx((p <= 0.05).mean(), abs=4 * np.sqrt(0.25 / 20_000))
    unpaired = stats.norm.sf(1.96 - effect * np.sqrt(seeds / 2))
    assert abs(power - unpaired) > 4 * np.sqrt(0.25 / 20_000)  # that of another test is caught


@pytest.mark.long
@pytest.mark.parametrize("seeds", [2, 5, 10, 30])
def test_the_power_is_an_integral_over_the_spread_also_where_a_tail_is_lost(seeds):
    for level, shift in product([0.05, 0.05 / 36, 1e-5], [0.5, 4.0, 9.0, 12.0, 39.5]):
        t = stats.t.ppf(1 - level / 2, seeds - 1)
        ratio = np.sqrt(stats.chi2.ppf(np.linspace(0, 1, 200_001)[:-1] + 2.5e-6, seeds - 1) / (seeds - 1))
        expected = np.mean(stats.norm.sf(t * ratio - shift) + stats.norm.cdf(-t * ratio - shift))
        assert t_power(shift / np.sqrt(seeds), seeds, level) == pytest.approx(expected, abs=1e-5)


def test_what_a_run_could_see_is_what_its_seeds_are_needed_for():
    for seeds, level in [(2, 0.05), (5, 0.05), (5, 0.05 / 36), (30, 0.001)]:
        effect = detectable_effect(seeds, level, 0.8)
        assert t_power(effect, seeds, level) == pytest.approx(0.8, abs=1e-9)
        assert seeds_needed(effect * 1.0001, 1.0, level, 0.8) == seeds


def test_extremes():
    assert seeds_needed(0.005, 0.0, 0.05, 0.8) == 6  # all of 6 signs are alike once in 32 times, of 5 once in 16
    assert seeds_needed(1e-6, 0.1, 0.05, 0.8) == np.inf
    assert np.isnan(seeds_needed(0.005, np.nan, 0.05, 0.8))
    assert seeds_needed(1e-3, 0.1, 0.05, 0.8) == pytest.approx((2.8016 / 0.01) ** 2, rel=1e-3)


def test_each_pair_by_its_own_spread():
    scores = {"a": 0.92 + 0.002 * RNG.normal(size=6), "b": 0.9 + 0.004 * RNG.normal(size=6), "c": np.full(6, 0.5)}
    table = planned(scores)
    assert list(table)[-len(COLUMNS) :] == COLUMNS
    assert list(zip(table["better"], table["worse"], strict=True)) == [("a", "b"), ("a", "c"), ("b", "c")]
    d = scores["a"] - scores["b"]
    row = table.iloc[0]
    assert row["std"] == pytest.approx(d.std(ddof=1), abs=1e-10)
    assert row["std_upper"] == pytest.approx(d.std(ddof=1) * np.sqrt(5 / stats.chi2.ppf(0.2, 5)), abs=1e-10)
    assert row["needed"] == seeds_needed(0.005, row["std"], 0.05, 0.8) <= row["needed_upper"]
    assert row["needed_adjusted"] == seeds_needed(0.005, row["std"], 0.05 / 3, 0.8) > row["needed"]
    assert row["detectable"] == pytest.approx(row["std"] * detectable_effect(6, 0.05, 0.8))
    assert row["detectable_adjusted"] > row["detectable"]
    assert (planned(scores, power=0.95)["needed"] > table["needed"]).all()


def test_pairs_stand_by_what_is_left_to_decide():
    noise = 0.02 * np.random.default_rng(1).normal(size=(3, 9))
    scores = {
        "a": 0.9 + noise[0],
        "b": 0.895 + noise[1],
        "c": 0.6 + noise[2],
        "d": np.full(9, 0.1),
        "e": np.full(9, 0.1),
    }
    table = planned(scores)
    standings = dict(zip(zip(table["better"], table["worse"], strict=True), table["standing"], strict=True))
    assert standings.pop(("a", "b"), None) or standings.pop(("b", "a")) == "contenders"
    assert standings.pop(("d", "e")) == "at chance"
    assert set(standings.values()) == {"decided"}
    few = planned({name: values[:5] for name, values in (scores | {"c": scores["b"] - 0.01}).items()})
    assert (few["standing"] == "contenders").sum() == 2
    assert few["standing"].tolist()[:3] == ["contenders", "contenders", few["standing"][2]]
    assert (few["standing"] == "open").any()


def test_a_plan_asks_for_as_many_seeds_as_can_show_anything():
    rng = np.random.default_rng(3)
    table = planned({name: 0.9 - 0.08 * place + 1e-4 * rng.normal(size=2) for place, name in enumerate("abcdefghi")})
    assert len(table) == 36
    assert (table["needed"] == 3).all()
    assert (table["needed_adjusted"] == 6).all()
    assert np.isinf(table[["detectable", "detectable_adjusted"]]).all(axis=None)
    assert "with 2 this run could detect no difference at all" in plan_sentences(table, 0.1, 0.8)[0]
    assert set(plan_view(table)[1]["could see, points"]) == {"none"}
    assert [fewest_seeds(0.05 / pairs) for pairs in (1, 15, 36, 276)] == [3, 5, 6, 7]
    assert np.isfinite(planned({"a": rng.normal(size=3), "b": rng.normal(size=3)})["detectable"]).all()


def test_a_plan_says_how_many_seeds_like_these_would_do():
    table = planned({"a": np.full(5, 0.9), "b": np.full(5, 0.4)})
    assert table["seeds_to_show"].tolist() == [6]
    sentence = plan_sentences(table, 0.005, 0.8)[0]
    assert "top contenders 50 points apart so far" in sentence
    assert "the same at every seed, so these show no spread" in sentence
    assert "6 like them would show that difference" in sentence


def test_a_plan_opens_with_the_contenders_and_not_with_what_is_decided_or_at_chance():
    rng = np.random.default_rng(1)
    far = 0.05 * rng.normal(size=12)
    scores = {"he": 0.9 + 0.01 * rng.normal(size=12), "lsuv": 0.9 + 0.01 * rng.normal(size=12)}
    scores |= {"glorot": 0.3 + far, "zeros": np.full(12, 0.1), "ones": np.full(12, 0.1)}
    table = planned(scores)
    assert table.loc[table["std"].idxmax(), "standing"] == "decided"  # the pair that a plan by spread would open with
    (
        first,
        *_,
    ) = plan_sentences(table, 0.005, 0.8)
    assert re.match("detecting 0.5 points between (he and lsuv|lsuv and he), top contenders", first)
    _, view = plan_view(table)
    assert view["standing"].tolist() == ["contenders", *["decided"] * 8, "at chance"]
    alone = plan_sentences(planned({key: scores[key] for key in ("he", "glorot")}), 0.005, 0.8)
    assert "points apart and decided already" in alone[0]
    assert alone[1] == "no pair is left undecided."
    chance = plan_sentences(planned({key: scores[key] for key in ("zeros", "ones")}), 0.005, 0.8)
    assert "both at chance" in chance[0]
    assert chance[1] == "no initializer is shown to train."


def test_four_of_five_upper_bounds_lie_above_the_truth():
    spreads = RNG.normal(size=(20_000, 5)).std(axis=1, ddof=1) * np.sqrt(4 / stats.chi2.ppf(0.2, 4))
    assert (spreads > 1).mean() == pytest.approx(0.8, abs=0.012)


def test_failed_seeds_leave_their_pairs_and_one_seed_has_no_spread():
    table = planned({"a": [0.9, 0.8, 0.85], "b": [0.7, np.nan, np.nan], "c": [0.6, 0.65, np.nan]})
    rows = table.set_index(["better", "worse"])
    assert rows["seeds"].to_dict() == {("a", "b"): 1, ("a", "c"): 2, ("b", "c"): 1}
    assert rows.loc[("a", "b"), ["std", "needed", "detectable"]].isna().all()
    assert rows.loc[("a", "c"), "needed"] == rows.loc[("a", "c"), "needed_adjusted"]  # the only one with a spread

"""How often verdicts on claims are wrong where the truth is known, and what each rule says of plain numbers."""

import numpy as np
import pandas as pd
import pytest

from initbench.analysis.comparisons import one_sided_p
from initbench.claims.judging import RULES, Effect, claims_table, judge, slopes, trained_values

BOUNDS = {
    "higher": 1.0,
    "lower": 1.0,
    "equal": 1.0,
    "at_least": 0.9,
    "at_most": 0.1,
    "matches": 0.05,
    "geometric": 0.05,
    "sooner": 0.1,
}


def frame(first, last=None):
    """Numbers of the arms A and B, by seed."""
    parts = [pd.DataFrame({"arm": "A", "seed": np.arange(len(first)), "value": first})]
    if last is not None:
        parts.append(pd.DataFrame({"arm": "B", "seed": np.arange(len(last)), "value": last}))
    return pd.concat(parts, ignore_index=True)


def verdict(values, rule, bound=None, arms=("A", "B")):
    """The verdict on one claim alone."""
    found = judge(values, rule, arms, BOUNDS[rule] if bound is None else bound)
    return claims_table({"c": found})["verdict"].iloc[0]


def draws(mean, n=12, seed=0):
    return np.random.default_rng(seed).normal(mean, 1.0, n)


NOISE = np.random.default_rng(9).normal(size=12)
CASES = {  # rule -> numbers of A and B for supported, refuted, inconclusive
    "higher": [(NOISE + 5, NOISE * 0), (NOISE / 9, NOISE * 0), (NOISE + 0.6, NOISE * 0)],
    "lower": [(NOISE * 0, NOISE + 5), (NOISE * 0, NOISE / 9), (NOISE * 0, NOISE + 0.6)],
    "equal": [(NOISE / 9, NOISE * 0), (NOISE + 5, NOISE * 0), (NOISE * 2, NOISE * 0)],
    "at_least": [(np.ones(80), None), (np.zeros(80), None), (np.ones(12), None)],
    "at_most": [(np.zeros(80), None), (np.ones(80), None), (np.zeros(12), None)],
    "matches": [(1 + NOISE / 100, None), (2 + NOISE / 100, None), (1 + NOISE, None)],
    "geometric": [(np.exp(NOISE / 100), None), (1 + (NOISE + 3) ** 2, None), (np.exp(NOISE), None)],
    "sooner": [
        (np.arange(12), np.full(12, np.inf)),
        (np.full(12, np.inf), np.arange(12)),
        (np.arange(12), np.arange(12)),
    ],
}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_tells_the_three_verdicts_apart(rule):
    arms = ("A",) if CASES[rule][0][1] is None else ("A", "B")
    told = [verdict(frame(*numbers), rule, arms=arms) for numbers in CASES[rule]]
    assert told == ["supported", "refuted", "inconclusive"]


def wrong_share(rule, effect, times=2000, n=10, flip=False):
    """How often simulated claims get a verdict, by its name."""
    rng = np.random.default_rng(1)
    told = []
    for _ in range(times):
        first, last = rng.gamma(2.0, size=n) + effect, rng.gamma(2.0, size=n)
        found = judge(frame(first, last), rule, ("A", "B"), 0.5)
        if flip:  # as a rule without any test would have it
            found = found._replace(is_inside=found.effect > 0, p_supports=0.0)
        told.append(claims_table({"c": found})["verdict"].iloc[0])
    return pd.Series(told).value_counts(normalize=True)


def test_equal_arms_are_hardly_ever_told_apart():
    shares = wrong_share("higher", 0.0, 200)
    assert shares.get("supported", 0.0) <= 0.05
    assert wrong_share("higher", 0.0, 50, flip=True).get("supported", 0.0) > 0.3  # the check can fail


def false_claims(n, together, times):
    """How often any of so many claims is supported, where both arms train or not by the toss of a coin."""
    rng = np.random.default_rng(2)
    told = []
    for _ in range(times):
        coins = np.where(rng.random((together, 2, n)) < 0.5, 0.95 + 0.005 * rng.standard_normal((together, 2, n)), 0.1)
        found = {str(i): judge(frame(*arms), "higher", ("A", "B"), 0.01) for i, arms in enumerate(coins)}
        told.append((claims_table(found)["verdict"] == "supported").any())
    return np.mean(told)


@pytest.mark.parametrize(("n", "together", "times"), [(2, 1, 100), (3, 1, 100), (3, 10, 20)])
def test_arms_that_train_by_the_toss_of_a_coin_are_rarely_called_different(n, together, times):
    assert false_claims(n, together, times) <= 0.05


def test_the_check_of_coins_catches_student_alone(monkeypatch):
    monkeypatch.setattr("initbench.claims.judging.separation_p", lambda seeds: 0.0)
    assert false_claims(3, 10, 20) > 0.07


def test_holm_counts_all_claims_of_a_run():
    just = Effect(1.0, 0.1, 2.0, 0.02, 1.0, True, False, 10)
    alone, beside = claims_table({"a": just}), claims_table({"a": just, "b": just._replace(p_supports=0.5)})
    assert alone["p_adjusted"].iloc[0] == pytest.approx(0.04)
    assert beside["p_adjusted"].iloc[0] == pytest.approx(0.08)
    assert list(beside["verdict"]) == ["inconclusive", "inconclusive"]
    assert alone["verdict"].iloc[0] == "supported"


def test_a_slope_is_that_of_the_logarithms():
    x = np.array([2.0, 4.0, 8.0])
    values = pd.DataFrame({"arm": "A", "seed": [0, 0, 0], "over": x, "value": 3 * x**1.5})
    assert slopes(values, is_exponential=False)["value"].iloc[0] == pytest.approx(1.5)
    values["value"] = np.exp(-0.5 * x)
    assert slopes(values, is_exponential=True)["value"].iloc[0] == pytest.approx(-0.5)
    values.loc[1, "value"] = 0.0
    assert slopes(values, is_exponential=True)["value"].isna().all()


def test_few_seeds_are_said_to_be_few():
    table = claims_table({"few": judge(frame(draws(9, 4)), "matches", ("A",), 0.1)})
    assert table["is_low"].iloc[0]
    assert not claims_table({"c": judge(frame(draws(9, 5)), "matches", ("A",), 0.1)})["is_low"].iloc[0]


@pytest.mark.parametrize("rule", ["higher", "lower", "equal", "at_least", "matches"])
@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_no_verdict_rests_on_the_seeds_that_came_through(rule, lost):
    first, last = CASES[rule][0]
    found = judge(
        frame(np.append(first, lost), None if last is None else np.append(last, 0)),
        rule,
        ("A", "B")[: 1 + (last is not None)],
        BOUNDS[rule],
    )
    assert (found.lost, claims_table({"c": found})["verdict"][0]) == (1, "inconclusive")


@pytest.mark.parametrize("scale", [1e-24, 1e-9, 1e9, 1e100])
def test_verdicts_do_not_depend_on_the_unit(scale):
    for rule, cases in (("higher", CASES["higher"]), ("equal", CASES["equal"])):
        told = [verdict(frame(a * scale, b * scale), rule, bound=scale) for a, b in cases]
        assert told == ["supported", "refuted", "inconclusive"]


def test_what_is_surely_there_and_surely_too_small_is_refuted():
    assert verdict(frame(0.8 + NOISE / 100, NOISE * 0), "higher", 1.0) == "refuted"
    assert verdict(frame(NOISE * 0, 0.8 + NOISE / 100), "lower", 1.0) == "refuted"


def test_what_is_surely_there_and_may_be_too_small_is_not_supported():
    difference = NOISE - NOISE.mean() + 0.9  # the interval is above 0 and reaches 1, which matters
    found = judge(frame(difference, NOISE * 0), "higher", ("A", "B"), 1.0)
    assert 0 < found.low < found.effect < 1.0 < found.high
    assert verdict(frame(difference, NOISE * 0), "higher") == "inconclusive"
    assert verdict(frame(difference + 0.2, NOISE * 0), "higher") == "supported"
    times = np.arange(24.0)
    wins = np.where(np.arange(24) < 17, times - 9, times + 9)
    assert judge(frame(wins, times), "sooner", ("A", "B"), 0.2).low > 0.5
    assert not judge(frame(wins, times), "sooner", ("A", "B"), 0.25).is_inside


def test_a_mean_that_is_the_bound_but_for_rounding_reaches_it():
    values = frame(np.full(8, 0.91), np.full(8, 0.90))
    assert verdict(values, "higher", 0.01) == "supported"
    assert verdict(values, "higher", 0.0101) == "refuted"
    for first, last in [(0.95, 0.90), (0.90, 0.85)]:
        assert judge(frame(np.full(8, first), np.full(8, last)), "equal", ("A", "B"), 0.05).is_inside
    for rule in ("matches", "geometric"):
        assert judge(frame(np.full(8, 1.1)), rule, ("A",), 0.1).is_inside


def test_a_geometric_mean_is_that_of_the_logarithms():
    ratios = np.exp(NOISE / 9)
    found = judge(frame(ratios), "geometric", ("A",), 0.1)
    assert found.effect == pytest.approx(np.exp(np.mean(NOISE / 9)))
    half = judge(frame(NOISE / 9, NOISE * 0), "equal", ("A", "B"), 1.0)
    np.testing.assert_allclose([found.low, found.high], np.exp([half.low, half.high]))
    lacking = judge(frame(ratios - ratios.min()), "geometric", ("A",), 9.0)  # one is 0, which has no logarithm
    assert (lacking.is_inside, lacking.lost) == (False, 1)


def test_a_mean_of_ratios_that_spread_by_factors_tells_nothing():
    ratios = np.exp(np.random.default_rng(0).normal(-4.5, 3.0, 12))  # their true mean is 1
    assert verdict(frame(ratios), "matches", 0.1, ("A",)) == "inconclusive"
    assert verdict(frame(0.01 * np.exp(NOISE / 10)), "matches", 0.1, ("A",)) == "refuted"


def runs_of(*statuses):
    """A row a cell; the accuracy is .5 everywhere and the loss .7."""
    n = len(statuses)
    runs = pd.DataFrame(
        {"cell": [str(i) for i in range(n)], "seed": range(n), "status": statuses, "diverged_epoch": 2.0}
    )
    metrics = dict.fromkeys(("train_accuracy", "valid_accuracy", "test_accuracy", "best_valid_accuracy"), 0.5)
    losses = dict.fromkeys(("train_loss", "valid_loss", "test_loss"), 0.7)
    runs = runs.assign(**metrics, **losses)
    majority = {"test_majority": 0.1, "valid_majority": 0.2, "test_rows": 100.0, "loss_uniform": np.log(10)}
    return runs, pd.DataFrame({"cell": runs["cell"]}).assign(**majority)


@pytest.mark.parametrize(
    ("metric", "diverged"),
    [
        ("test_accuracy", 0.1),
        ("valid_accuracy", 0.2),
        ("test_loss", np.log(10)),
        ("trains", 0),
        ("fails", 1),
        ("diverges", 1),
    ],
)
def test_a_diverged_network_counts_as_one_at_chance_and_a_failed_one_not_at_all(metric, diverged):
    runs, baselines = runs_of("ok", "diverged", "failed")
    found = trained_values(runs, pd.DataFrame(), baselines, metric)
    assert list(found.index) == ["0", "1"]
    assert found["1"] == pytest.approx(diverged)
    assert found["0"] == {"trains": 1, "fails": 0, "diverges": 0, "test_loss": 0.7}.get(metric, 0.5)


def test_a_network_that_diverges_later_still_has_the_numbers_of_an_earlier_epoch():
    runs, baselines = runs_of("ok", "diverged")
    curves = pd.DataFrame({"cell": ["0", "1", "0"], "epoch": [1, 1, 2], "test_accuracy": [0.3, 0.4, 0.6]})
    assert list(trained_values(runs, curves, baselines, "test_accuracy", 1)) == [0.3, 0.4]
    assert list(trained_values(runs, curves, baselines, "test_accuracy", 2)) == [0.6, 0.1]


def test_p_of_a_rule_is_that_of_the_t_test():
    difference = draws(0.4) - draws(0.0, seed=3)
    found = judge(frame(difference, difference * 0), "higher", ("A", "B"), 0.5)
    assert found.p_supports == pytest.approx(one_sided_p(difference.round(12)))
    assert found.p_refutes == pytest.approx(one_sided_p(0.5 - difference.round(12)))

"""Each word of a verdict is said where it must be, and not where it need not."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from initbench.analysis.intervals import wilson_interval
from initbench.analysis.verdicts import judge, verdict_table

SETTING = {"depth": 11, "activation": "relu", "initializer": "normal(std=0.01)"}
LEVEL = {
    **dict.fromkeys(("forward_ratio", "backward_ratio", "gradient_ratio", "loss", "loss_uniform"), 1.0),
    **{"signal_slope": 0.0, "saturated": math.nan, "dead": 0.1, "born_dead": False, "distinct_units": 8},
    **{"stays_alike": False, "is_finite": True, "jacobian_mean_square": 1.0, "jacobian_relative_variance": 0.0},
    **dict.fromkeys(("jacobian_max", "jacobian_min", "jacobian_condition"), 1.0),
}


def draws(count=10, **columns):
    return pd.DataFrame({name: [value] * count for name, value in LEVEL.items()}).assign(**columns)


def word(**columns):
    return judge(SETTING, draws(**columns)).verdict


def test_a_level_network_is_healthy_and_needs_no_advice():
    assert judge(SETTING, draws()) == ("healthy", "signal × 1, gradient × 1", "")


@pytest.mark.parametrize("ratio", ["forward_ratio", "backward_ratio"])
def test_two_decades_of_signal_or_gradient_are_what_a_healthy_network_may_lose_or_gain(ratio):
    ratios = [0.009, 0.011, 90, 110]
    assert [word(**{ratio: r}) for r in ratios] == ["vanishing", "healthy", "healthy", "exploding"]


def test_and_three_between_the_gradients_of_the_first_and_last_weights():
    found = [word(gradient_ratio=r) for r in (0.9e-3, 1.1e-3, 900, 1100)]
    assert found == ["vanishing", "healthy", "healthy", "exploding"]


def test_the_reason_tells_the_factor_a_layer_and_the_advice_who_holds_it():
    assert judge(SETTING, draws(forward_ratio=1e-20, backward_ratio=1e-4)) == (
        "vanishing",
        "signal shrinks 100-fold a layer, × 1e-20 in all",
        "he_normal holds it",
    )
    assert judge(SETTING, draws(backward_ratio=1e10)).reason == "gradient grows 10-fold a layer, × 1e+10 in all"


def test_nobody_is_advised_to_do_what_is_done():
    bad = draws(backward_ratio=1e-9)
    advice = [judge(SETTING | {"initializer": name}, bad).advice for name in ("lecun_normal", "he_normal")]
    assert advice == ["he_normal holds it", "lsuv holds it"]
    softplus = SETTING | {"activation": "softplus", "initializer": "lsuv"}
    assert judge(softplus, bad).advice == "batch normalization holds it"
    assert judge(softplus | {"normalization": "batch"}, bad).advice == "less depth holds it"
    deep = "tanh or batch normalization hold it"
    assert {
        judge(SETTING | {"activation": "sigmoid", "initializer": name}, bad).advice for name in ("kumar", "lsuv")
    } == {deep}
    shallow = {"depth": 5, "activation": "sigmoid"}
    assert judge(SETTING | shallow, bad).advice == "kumar holds it"
    assert judge(SETTING | shallow | {"initializer": "kumar"}, bad).advice == "batch normalization holds it"


def test_biases_that_kill_come_first_and_weights_of_0_are_to_be_drawn():
    shown = "constant(value=-50)"
    fixed, parts = SETTING | {"bias": shown}, {"bias": {shown: ("constant", {"value": -50.0})}}
    advice = [judge(fixed, draws(**bad), parts).advice for bad in ({"dead": 1.0}, {"dead": 1.0, "born_dead": True})]
    assert [words.partition("; ")[0] for words in advice] == ["zero biases"] * 2
    assert judge(fixed, draws(saturated=0.9), parts).advice.startswith("zero biases; ")
    assert judge(SETTING, draws(saturated=0.9)).advice == "smaller weights: he_normal"
    sigmoid = SETTING | {"activation": "sigmoid"}
    assert judge(sigmoid | {"depth": 5}, draws(saturated=0.9)).advice == "smaller weights: kumar"
    assert judge(sigmoid, draws(saturated=0.9)).advice == "tanh or batch normalization hold it", "kumar would vanish"
    assert judge(SETTING | {"initializer": "zeros"}, draws(dead=1.0)).advice == "he_normal draws each of them"


def test_the_loss_is_judged_where_all_ratios_are_level():
    assert judge(SETTING, draws(loss=343 * math.log(10), loss_uniform=math.log(10))) == (
        "exploding",
        "loss at the start is 343 × ln 10",
        "he_normal holds it",
    )
    assert word(loss=29.0) == "healthy"
    plain = judge(SETTING | {"residual": "plain"}, draws(loss=31.0))
    assert plain.advice == "scaled residual connections hold it"


@pytest.mark.parametrize("ratio", ["forward_ratio", "backward_ratio", "gradient_ratio"])
def test_no_text_contradicts_its_word(ratio):
    up, down = (judge(SETTING, draws(**{ratio: value})) for value in (math.inf, 0.0))
    assert up.verdict == "exploding"
    assert up.reason.endswith("grows from 0")
    assert down.verdict == "vanishing"
    assert down.reason.endswith("is left")


def test_the_middle_draw_decides_not_the_mean():
    assert word(forward_ratio=[1] * 6 + [1e30] * 4) == "healthy"
    assert word(forward_ratio=[1] * 4 + [1e30] * 6) == "exploding"


def test_one_draw_that_is_not_finite_is_told():
    found = judge(SETTING, draws(is_finite=[True] * 9 + [False]))
    assert found[:2] == ("exploding", "not finite in 1 of 10 draws")


def test_nothing_at_all_is_told_as_such():
    assert judge(SETTING, draws(forward_ratio=0.0)).reason == "no signal is left"


def test_a_last_layer_of_zeros_passes_nothing_back_yet():
    assert word(backward_ratio=math.nan, gradient_ratio=0.0) == "healthy"
    assert word(backward_ratio=0.0, gradient_ratio=0.0) == "vanishing"


def test_symmetric_needs_half_of_the_draws():
    assert word(stays_alike=[True] * 5 + [False] * 5) == "symmetric"
    assert word(stays_alike=[True] * 4 + [False] * 6) == "healthy"


def test_dead_needs_a_twentieth_of_the_draws():
    born = pd.Series([True] * 5 + [False] * 95)
    found = judge(SETTING, draws(100, born_dead=born, dead=born.where(born, 0.1).astype(float)))
    assert found[:2] == ("dead", "all inputs answered alike in 5 of 100 draws: 5 % [2.15, 11.2]")
    born[0] = False
    assert word(count=100, born_dead=born, dead=born.where(born, 0.1).astype(float)) == "healthy"


def test_or_nine_tenths_of_a_layers_units():
    assert [word(dead=share) for share in (0.89, 0.91)] == ["healthy", "dead"]


def test_inputs_that_end_up_alike_in_live_units_have_vanished():
    found = judge(SETTING, draws(born_dead=True))
    assert found[:2] == ("vanishing", "all inputs end up alike")


def test_saturated_needs_half_of_a_layer():
    assert [word(saturated=share) for share in (0.49, 0.51, math.nan)] == ["healthy", "saturated", "healthy"]


def test_the_table_has_a_row_a_setting_with_counts_and_medians():
    one = draws(4, depth=2, activation="relu", initializer="a", forward_ratio=[1.0, 2, 3, 100])
    two = draws(2, depth=2, activation="relu", initializer="b", born_dead=[True, False], is_finite=[False, True])
    table = verdict_table(pd.concat([two, one]), ["depth", "activation", "initializer"])
    assert table["initializer"].tolist() == ["b", "a"]
    assert table["draws"].tolist() == [2, 4]
    assert table["forward_ratio"].tolist() == [1.0, 2.5]
    assert table["not_finite"].tolist() == [1, 0]
    assert table["born_dead_share"].tolist() == [0.5, 0.0]
    assert not {"reason", "advice", "born_dead_low", "born_dead_high"} - set(table)


@pytest.mark.parametrize(("count", "total"), [(0, 10), (3, 7), (58, 100), (9, 9)])
def test_wilson_s_interval_is_that_of_scipy(count, total):
    wanted = binomtest(count, total).proportion_ci(method="wilson")
    assert wilson_interval(count, total) == pytest.approx((wanted.low, wanted.high))
    assert wilson_interval(count, total) != pytest.approx(tuple(binomtest(count, total).proportion_ci(method="exact")))


def test_it_covers_the_truth_as_often_as_it_says():
    counts = np.random.default_rng(0).binomial(50, 0.1, 2000)
    ends = {count: wilson_interval(int(count), 50) for count in set(counts.tolist())}
    covered = np.mean([ends[count][0] <= 0.1 <= ends[count][1] for count in counts.tolist()])
    assert 0.93 < covered < 0.99

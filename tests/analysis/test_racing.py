import frames
import numpy as np
import pandas as pd
import pytest
import racing as simulation
from scipy import stats

from initbench.analysis.intervals import wilson_interval
from initbench.analysis.racing import DECISION, RaceDesign, bounded_equivalence_p, bounded_p, race_table

RNG = np.random.default_rng(11)
NOISE = 0.01 * RNG.normal(size=(8, 30))


def experiment(scores, **swept):
    """An experiment with the given accuracies, one a seed for each initializer; nan is a failed cell."""

    def outcome(initializer, seed, **setting):
        value = scores[initializer][seed]
        return frames.Outcome(0, status="failed") if np.isnan(value) else frames.Outcome(value)

    return frames.experiment(
        outcome, initializer=list(scores), seeds=len(next(iter(scores.values()))), epochs=1, **swept
    )


def race(f, design, runs=None):
    return race_table(f.runs if runs is None else runs, f.baselines, f.factors, design)


def states(raced):
    return raced.standings.set_index("initializer")["state"].to_dict()


@pytest.fixture(scope="module")
def mixed():
    """One that is best, one a little worse, one much worse, one dead."""
    return {"best": 0.9 + NOISE[0], "near": 0.885 + NOISE[1], "far": 0.8 + NOISE[2], "dead": np.full(30, 0.1135)}


@pytest.fixture(scope="module")
def table(mixed):
    return experiment(mixed)


DESIGN = RaceDesign(5, 30, 4, 1)


def test_the_p_is_that_of_scipy_down_to_its_bound():
    d = 0.004 + NOISE[0, :9]
    assert bounded_p(d) == pytest.approx(stats.ttest_1samp(d, 0, alternative="greater").pvalue, abs=1e-10)
    assert bounded_p(-d) == pytest.approx(stats.ttest_1samp(d, 0, alternative="less").pvalue, abs=1e-10)
    gap = np.append(d, [np.nan, np.nan])
    assert bounded_p(gap) == bounded_p(d)
    assert bounded_p(1 + d[:5]) == 4.0**-5 > stats.ttest_1samp(1 + d[:5], 0, alternative="greater").pvalue
    assert bounded_p(np.stack([d, -d])).tolist() == [bounded_p(d), bounded_p(-d)]


def test_differences_without_spread_and_too_few_of_them():
    assert bounded_p(np.full(6, 0.1)) == 4.0**-6
    assert bounded_p(np.full(6, -0.1)) == 1
    assert bounded_p(np.zeros(6)) == 0.5
    assert bounded_p(np.array([0.3])) == bounded_p(np.full(4, np.nan)) == 1
    assert bounded_equivalence_p(np.zeros(6), 0.005) == 4.0**-6


def test_equivalence_is_two_one_sided_tests_of_scipy():
    d = 0.001 + NOISE[1, :12]
    upper = stats.ttest_1samp(d, 0.008, alternative="less").pvalue
    lower = stats.ttest_1samp(d, -0.008, alternative="greater").pvalue
    assert bounded_equivalence_p(d, 0.008) == pytest.approx(max(upper, lower), abs=1e-10)
    assert bounded_equivalence_p(d, 0.008) != pytest.approx(min(upper, lower), abs=1e-10)


def test_the_level_is_shared_out_over_looks_settings_and_ordered_pairs():
    assert DESIGN.looks == 6
    assert DESIGN.level == pytest.approx(0.05 / (6 * 12))
    assert RaceDesign(5, 12, 3, 4).level == pytest.approx(0.05 / (3 * 4 * 6))
    assert [RaceDesign(5, 12, 3, 4).seeds_at(look) for look in (1, 2, 3)] == [5, 10, 12]


def test_a_race_drops_who_cannot_win_and_stops_at_the_winner(table):
    raced = race(table, DESIGN)
    assert list(raced.decisions) == [*(f for f in table.factors if f != "initializer"), *DECISION]
    assert states(raced) == {"best": "winner", "near": "dropped", "far": "dropped", "dead": "dropped"}
    assert raced.is_over
    seeds = raced.standings.set_index("initializer")["seeds"]
    dropped = raced.decisions.set_index("worse")
    assert (dropped["better"] == "best").all()
    assert (dropped["round"] * 5 == seeds[dropped.index]).all()
    assert seeds["best"] == seeds.max() < 30
    assert seeds["dead"] == 10 < seeds["near"]


def test_the_interval_of_a_claim_is_at_the_level_of_its_test(table, mixed):
    for claim in race(table, DESIGN).decisions.itertuples():
        d = (mixed[claim.better] - mixed[claim.worse])[: claim.seeds]
        interval = stats.ttest_1samp(d, 0).confidence_interval(1 - 2 * DESIGN.level)
        assert (claim.low, claim.high) == pytest.approx((interval.low, interval.high), abs=1e-10)
        assert claim.difference == pytest.approx(d.mean(), abs=1e-10)
        assert claim.low > 0
        assert claim.p == pytest.approx(
            max(
                stats.ttest_rel(
                    *[mixed[n][: claim.seeds] for n in (claim.better, claim.worse)], alternative="greater"
                ).pvalue,
                4.0**-claim.seeds,
            )
        )
        assert claim.p <= claim.level == DESIGN.level


def test_a_race_is_decided_from_its_cells_alone_whenever_it_is_looked_at(table):
    whole = race(table, DESIGN)
    quota = whole.standings.set_index("initializer")["seeds"]
    trained = table.runs[table.runs["seed"] < table.runs["initializer"].map(quota)]
    again = race(table, DESIGN, trained.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(again.decisions, whole.decisions)
    pd.testing.assert_frame_equal(again.standings, whole.standings)
    for seeds in (5, 10):
        early = race(table, DESIGN, trained[trained["seed"] < seeds])
        assert early.decisions.to_dict("records") == whole.decisions[whole.decisions["round"] <= seeds // 5].to_dict(
            "records"
        )
        assert not early.is_over
        assert early.standings["seeds"].max() == seeds + 5


def test_a_look_waits_for_every_cell(table):
    first = table.runs[table.runs["seed"] < 10]
    assert not race(table, DESIGN, first).decisions.empty
    lacking = first[~((first["initializer"] == "near") & (first["seed"] == 9))]
    assert race(table, DESIGN, lacking).decisions["round"].max() != 2
    without = first[first["initializer"] != "near"]
    raced = race(table, DESIGN, without)
    assert raced.decisions.empty
    assert not raced.is_over


def test_failed_seeds_leave_the_pairs_and_who_never_finishes_leaves_the_race(mixed):
    holes = mixed["best"].copy()
    holes[[1, 7]] = np.nan
    raced = race(experiment({**mixed, "best": holes, "none": np.full(30, np.nan)}), RaceDesign(5, 30, 5, 1))
    standings = raced.standings.set_index("initializer")
    assert standings.loc["none", ["state", "seeds", "failed"]].tolist() == ["failed", 5, 5]
    assert standings.loc["best", "failed"] == 2
    dead = raced.decisions.set_index("worse").loc["dead"]
    assert dead["seeds"] == 5 * dead["round"] - 2
    assert states(raced)["best"] == "winner"


def test_diverged_cells_race_at_chance():
    def outcome(initializer, seed, **setting):
        return frames.Outcome(0.9 + NOISE[0, seed], status="diverged" if initializer == "wild" else "ok")

    f = frames.experiment(outcome, initializer=["calm", "wild"], seeds=10, epochs=1)
    (claim,) = race(f, RaceDesign(5, 30, 2, 1)).decisions.itertuples()
    assert (claim.better, claim.worse) == ("calm", "wild")


def test_settings_race_apart_at_a_level_that_they_share(mixed):
    both = experiment(mixed, depth=[2, 5])
    design = RaceDesign(5, 30, 4, 2)
    raced = race(both, design)
    assert (raced.decisions["level"] == DESIGN.level / 2).all()
    assert raced.decisions.groupby("depth").size().to_dict() == {2: 3, 5: 3}
    one = race(both, design, both.runs[both.runs["depth"] == 2])
    assert not one.is_over
    pd.testing.assert_frame_equal(one.decisions, raced.decisions[raced.decisions["depth"] == 2])


def test_within_a_margin_a_race_ends_with_those_that_are_equivalent(mixed):
    scores = {"a": 0.9 + NOISE[0], "b": 0.9 + NOISE[1], "c": 0.9 + NOISE[2], "dead": mixed["dead"]}
    f = experiment(scores)
    assert states(race(f, DESIGN)) == {"a": "undecided", "b": "undecided", "c": "undecided", "dead": "dropped"}
    raced = race(f, RaceDesign(5, 30, 4, 1, margin=0.03))
    assert states(raced) == {"a": "equivalent", "b": "equivalent", "c": "equivalent", "dead": "dropped"}
    claims = raced.decisions[raced.decisions["claim"] == "equivalent"]
    assert len(claims) == 3
    assert (claims["difference"] >= 0).all()
    assert ((claims["low"] > -0.03) & (claims["high"] < 0.03)).all()
    assert claims["round"].nunique() == 1 < raced.decisions["round"].max() + 1


def test_the_same_networks_under_two_names_are_never_told_apart():
    alike = (np.arange(30) % 7 + 300) / 360
    assert states(race(experiment({"a": alike, "b": alike.copy()}), RaceDesign(5, 30, 2, 1))) == dict.fromkeys(
        "ab", "undecided"
    )


@pytest.mark.parametrize("draw", [simulation.normal, simulation.collapsing(0.3), simulation.ahead(0.03, dead=2)])
def test_the_simulation_races_as_results_do(draw):
    raced = simulation.race(draw, experiments=3)
    scores = draw(np.random.default_rng(0), (3, 6, 30))
    for place in range(3):
        found = race(experiment(dict(zip("abcdef", scores[place], strict=True))), simulation.SIX).standings
        assert found["seeds"].tolist() == raced.seeds[place].tolist()
        assert found["state"].ne("dropped").tolist() == raced.left[place].tolist()


@pytest.mark.parametrize("name", [name for name in simulation.NULLS if "not covered" not in name])
def test_initializers_alike_are_told_apart_in_at_most_five_percent_of_experiments(name):
    for design in (simulation.SIX, RaceDesign(3, 30, 6, 1), RaceDesign(5, 30, 2, 1)):
        dropped = ~simulation.race(simulation.NULLS[name], design, 500).left.all(axis=1)
        assert wilson_interval(int(dropped.sum()), 500)[0] < 0.05


def test_the_simulation_catches_a_rule_that_tests_each_look_at_the_full_level():
    two = RaceDesign(5, 30, 2, 1)
    dropped = ~simulation.race(simulation.normal, two, 2000, simulation.careless(two.looks)).left.all(axis=1)
    assert wilson_interval(int(dropped.sum()), 2000)[0] > 0.05


def test_the_simulation_catches_a_t_test_that_believes_any_spread():
    dropped = ~simulation.race(simulation.collapsing(0.5), RaceDesign(3, 30, 6, 1), 500, simulation.unbounded).left.all(
        axis=1
    )
    assert wilson_interval(int(dropped.sum()), 500)[0] > 0.05


def test_the_dead_are_dropped_early_and_the_best_is_kept():
    raced = simulation.race(simulation.ahead(0, dead=5), experiments=200)
    assert raced.left[:, 0].all()
    assert raced.saved > 0.5

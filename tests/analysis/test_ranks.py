import frames
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from initbench.analysis.profiles import expanded_interval, interquartile_mean, resample, shares_above
from initbench.analysis.ranks import (
    COLUMNS,
    PROFILE_COLUMNS,
    critical_difference,
    friedman,
    groups_within,
    ranking,
    scores_for_others,
)

FIVE = ["he_normal", "he_uniform", "glorot_normal", "orthogonal", "zeros"]
# Demsar (2006), JMLR 7, table 6: ranks of four versions of C4.5 on 14 data sets.
DEMSAR = np.array(
    [
        *([4, 3, 2, 1], [1, 2, 3, 4], [4, 1, 2, 3], [4, 1, 3, 2], [4, 2, 3, 1], [1, 2.5, 4, 2.5], [3, 2, 4, 1]),
        *([2.5, 2.5, 4, 1], [4, 3, 2, 1], [2.5, 2.5, 2.5, 2.5], [4, 2.5, 1, 2.5], [3, 2, 4, 1], [4, 1, 2, 3]),
        [3, 1, 4, 2],
    ]
)


def ranked(f, runs=None):
    return ranking(f.runs if runs is None else runs, f.baselines, f.factors)


def row(f, name, runs=None):
    return ranked(f, runs).table.set_index("initializer").loc[name]


def table_of(values):
    """An experiment of one seed with the given accuracies: a row a setting, a column an initializer."""
    names = [f"i{j}" for j in range(len(values[0]))]
    return frames.experiment(
        lambda initializer, depth, **setting: frames.Outcome(values[depth][names.index(initializer)]),
        initializer=names,
        depth=list(range(len(values))),
        seeds=1,
        epochs=1,
    )


@pytest.fixture(scope="module")
def mixed():
    """Five initializers, three depths, two data sets of different chance, four seeds; some cells diverge or fail."""

    def outcome(initializer, seed, depth, dataset, **setting):
        status = "diverged" if initializer == "he_uniform" and seed < 2 else "ok"
        if initializer == "zeros" and (depth, seed) == (5, 1):
            status = "failed"
        skill = 0.9 - 0.02 * FIVE.index(initializer) - 0.01 * depth + 0.03 * np.sin(7 * seed + depth + len(initializer))
        return frames.Outcome(skill, status=status)

    f = frames.experiment(outcome, initializer=FIVE, depth=[2, 5, 6], dataset=["a", "b"], seeds=4, epochs=2)
    of_b = f.baselines["cell"].isin(f.runs.loc[f.runs["dataset"] == "b", "cell"])
    return f._replace(baselines=f.baselines.assign(test_majority=np.where(of_b, 0.5, 0.1135)))


def values_of(f, name, *, normalized=False):
    """The runs of an initializer as they ought to be counted, by hand."""
    runs = f.runs[(f.runs["initializer"] == name) & (f.runs["status"] != "failed")]
    majority = runs["cell"].map(f.baselines.set_index("cell")["test_majority"])
    accuracy = runs["test_accuracy"].where(runs["status"] == "ok", majority)
    return runs.assign(value=(accuracy - majority) / (1 - majority) if normalized else accuracy)


def test_columns_and_order(mixed):
    found = ranked(mixed)
    assert list(found.table) == COLUMNS
    assert list(found.profiles) == PROFILE_COLUMNS
    assert found.table["mean_rank"].is_monotonic_increasing
    assert set(found.table["initializer"]) == set(FIVE)
    assert found.table["settings"].eq(6).all()
    assert found.table["left_out"].eq(0).all()


def test_ranks_wins_and_means_are_those_of_scipy(mixed):
    means = np.column_stack([values_of(mixed, name).groupby(["dataset", "depth"])["value"].mean() for name in FIVE])
    ranks = stats.rankdata(-means, axis=1)
    table = ranked(mixed).table.set_index("initializer").loc[FIVE]
    np.testing.assert_allclose(table["mean_rank"], ranks.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(table["wins"], (ranks == 1).sum(axis=0), atol=1e-12)
    np.testing.assert_allclose(table["test_accuracy_mean"], means.mean(axis=0), atol=1e-10)
    expected = stats.friedmanchisquare(*means.T)
    assert table["friedman"].iloc[0] == pytest.approx(expected.statistic, abs=1e-10)
    assert table["friedman_p"].iloc[0] == pytest.approx(expected.pvalue, abs=1e-10)


def test_a_diverged_run_left_out_would_be_another_rank(mixed):
    steady = mixed.runs[mixed.runs["status"] == "ok"]
    assert row(mixed, "he_uniform")["mean_rank"] > row(mixed, "he_uniform", steady)["mean_rank"] + 1


def test_interquartile_means_are_those_of_scipy(mixed):
    table = ranked(mixed).table.set_index("initializer")
    for name in FIVE:
        accuracy, score = values_of(mixed, name)["value"], values_of(mixed, name, normalized=True)["value"]
        assert table.loc[name, "test_accuracy_iqm"] == pytest.approx(stats.trim_mean(accuracy, 0.25), abs=1e-10)
        assert table.loc[name, "score_iqm"] == pytest.approx(stats.trim_mean(score, 0.25), abs=1e-10)
        assert abs(table.loc[name, "test_accuracy_iqm"] - accuracy.mean()) > 1e-4
        for metric in ("test_accuracy", "score"):
            low, mid, high = table.loc[name, [f"{metric}_iqm{end}" for end in ("_low", "", "_high")]]
            assert low < mid < high
    assert table.loc["zeros", "runs"] == 22


def test_resampling_a_value_is_repeating_it():
    rng = np.random.default_rng(2)
    values, weights = rng.integers(0, 9, 30).astype(float), rng.multinomial(30, np.full(30, 1 / 30), size=8)
    repeated = [np.repeat(values, w) for w in weights]
    expected = [stats.trim_mean(sample, 0.25) for sample in repeated]
    np.testing.assert_allclose(interquartile_mean(values, weights), expected, atol=1e-12)
    thresholds = np.array([-1, 0, 2.5, 4, 8])
    shares = [[(sample > threshold).mean() for threshold in thresholds] for sample in repeated]
    np.testing.assert_allclose(shares_above(values, weights, thresholds), shares, atol=1e-12)
    assert np.abs(interquartile_mean(values, np.ones((8, 30))) - expected).min() > 1e-6


def test_resamples_keep_to_their_strata():
    weights = resample((3, 1, 4))
    assert weights.shape == (2001, 8)
    assert (weights[0] == 1).all()
    for columns, size in ((slice(0, 3), 3), (slice(3, 4), 1), (slice(4, 8), 4)):
        assert (weights[:, columns].sum(axis=1) == size).all()
    mixed_up = np.random.default_rng(0).multinomial(8, np.full(8, 1 / 8), size=2000)
    assert (mixed_up[:, :3].sum(axis=1) != 3).any()
    assert weights[1:].mean(axis=0) == pytest.approx(np.ones(8), abs=0.1)


def covered(seeds, *, settings=8, skewed=False, expanded=True, stratified=True, repetitions=400):
    """How often the interval holds the interquartile mean, and how wide it is; settings differ more than seeds."""
    rng = np.random.default_rng(4)
    level = np.linspace(0, 1, settings)[:, None]

    def draw(seeds):
        noise = rng.exponential(size=(settings, seeds)) - 1 if skewed else rng.normal(size=(settings, seeds))
        return (level - 0.1 * noise).ravel()

    truth = stats.trim_mean(draw(20_000), 0.25)
    sizes = (seeds,) * settings if stratified else (seeds * settings,)
    hits, widths = 0, []
    for _ in range(repetitions):
        drawn = interquartile_mean(draw(seeds), resample(sizes)[1:])
        low, high = expanded_interval(drawn, sizes) if expanded else np.quantile(drawn, [0.025, 0.975])
        hits += low <= truth <= high
        widths.append(high - low)
    return hits / repetitions, np.mean(widths)


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("seeds", [5, 10])
def test_the_interval_covers_the_interquartile_mean(seeds, skewed):
    assert 0.915 <= covered(seeds, skewed=skewed)[0] <= 0.98


def test_plain_percentiles_would_be_too_narrow_and_resamples_across_settings_too_wide():
    share, width = covered(5)
    assert covered(5, expanded=False)[0] < share - 0.02
    assert covered(5, stratified=False)[1] > 2 * width


def test_the_interval_is_of_percentiles_and_one_seed_a_setting_has_none():
    drawn = np.random.default_rng(0).normal(size=(2000, 2))
    tail = stats.norm.cdf(-stats.t.ppf(0.975, 9) * np.sqrt(12 / 9))
    np.testing.assert_allclose(
        expanded_interval(drawn, (5, 3, 4)), np.quantile(drawn, [tail, 1 - tail], axis=0), atol=1e-10
    )
    np.testing.assert_allclose(
        expanded_interval(drawn, (10**6, 10**6)), np.quantile(drawn, [0.025, 0.975], axis=0), atol=1e-3
    )
    assert np.isnan(expanded_interval(drawn, (1, 1, 1))).all()


def test_profiles_are_shares_of_runs_with_bands_around_them(mixed):
    profiles = ranked(mixed).profiles
    assert profiles.groupby(["initializer", "metric"]).size().eq(201).all()
    for name in ("he_normal", "zeros"):
        for metric in ("test_accuracy", "score"):
            mine = profiles[(profiles["initializer"] == name) & (profiles["metric"] == metric)]
            values = values_of(mixed, name, normalized=metric == "score")["value"].to_numpy()
            # Thresholds lie on accuracies of other runs: a hair's breadth decides there.
            far = np.abs(values[:, None] - mine["threshold"].to_numpy()).min(axis=0) > 1e-9
            shares = (values[:, None] > mine["threshold"].to_numpy()).mean(axis=0)
            np.testing.assert_allclose(mine["share"][far], shares[far], atol=1e-12)
            assert (mine["low"] <= mine["share"] + 1e-12).all()
            assert (mine["high"] >= mine["share"] - 1e-12).all()
            assert mine["share"].iloc[-1] == 0


def test_the_published_example_of_demsar():
    statistic, p = friedman(1 - DEMSAR / 10)
    assert DEMSAR.mean(axis=0) == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    sizes = [np.unique(row, return_counts=True)[1] for row in DEMSAR]
    ties = 1 - sum((size**3 - size).sum() for size in sizes) / (14 * (4**3 - 4))  # which he does without
    assert statistic * ties == pytest.approx(9.28, abs=0.005)
    assert p == pytest.approx(stats.chi2.sf(statistic, 3), abs=1e-12)
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    table = ranked(table_of(1 - DEMSAR / 10)).table
    assert table["mean_rank"].tolist() == pytest.approx([1.964, 2.000, 2.893, 3.143], abs=5e-4)
    assert table["friedman"].iloc[0] == pytest.approx(statistic, abs=1e-10)
    assert set(table["groups"]) == {"a"}  # "the Nemenyi test is not powerful enough": 3.143 - 1.964 < 1.25


@pytest.mark.parametrize(
    ("count", "q"),
    [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031), (9, 3.102), (10, 3.164)],
)
def test_critical_values_are_those_of_demsars_table_5(count, q):
    assert critical_difference(count, 10) == pytest.approx(q * np.sqrt(count * (count + 1) / 60), abs=2e-3)


def test_groups_are_the_largest_runs_of_near_ranks():
    ranks = pd.Series({"a": 1.0, "b": 1.5, "c": 2.4, "d": 2.5, "e": 4.0})
    assert groups_within(ranks, 1.2) == [["a", "b"], ["b", "c", "d"], ["e"]]
    assert groups_within(ranks, 1.0) == [["a", "b"], ["b", "c"], ["c", "d"], ["e"]]  # a critical difference tells
    assert groups_within(ranks, 9) == [["a", "b", "c", "d", "e"]]


def test_groups_are_letters_and_all_share_one_unless_friedmans_test_rejects():
    clear = ranked(table_of([[0.9, 0.8, 0.3]] * 12)).table
    assert clear["friedman_p"].iloc[0] < 0.05
    assert clear["groups"].tolist() == ["a", "b", "c"]
    assert clear["wins"].tolist() == [12, 0, 0]
    rng = np.random.default_rng(0)
    assert set(ranked(table_of(rng.uniform(0.5, 0.9, (6, 4)))).table["groups"]) == {"a"}


def test_ties_share_ranks_and_wins_even_across_rounding():
    table = ranked(table_of([[0.3, 0.1 + 0.2, 0.2], [0.5, 0.4, 0.3]])).table.set_index("initializer")
    assert table["mean_rank"].to_dict() == {"i0": 1.25, "i1": 1.75, "i2": 3}
    assert table["wins"].to_dict() == {"i0": 1.5, "i1": 0.5, "i2": 0}
    all_tied = ranked(table_of([[0.5] * 3] * 2)).table
    assert all_tied[["friedman", "friedman_p"]].iloc[0].tolist() == [0, 1]
    assert all_tied["mean_rank"].tolist() == [2, 2, 2]


def test_only_settings_that_everyone_has_finished_count(mixed):
    lost = mixed.runs["initializer"].eq("zeros") & mixed.runs["depth"].eq(5) & mixed.runs["dataset"].eq("a")
    runs = mixed.runs.assign(status=mixed.runs["status"].mask(lost, "failed"))
    for some in (runs, runs[~lost]):
        table = ranked(mixed, some.sample(frac=1, random_state=1)).table
        assert table["settings"].eq(5).all()
        assert table["left_out"].eq(1).all()
        rest = mixed.runs[~(mixed.runs["depth"].eq(5) & mixed.runs["dataset"].eq("a"))]
        expected = ranked(mixed, rest).table.drop(columns="left_out")
        pd.testing.assert_frame_equal(table.drop(columns="left_out"), expected)


def test_a_setting_under_two_labels_counts_once():
    f = table_of([[0.9, 0.8, 0.7], [0.6, 0.7, 0.8]])
    twice = pd.concat([f.runs, f.runs[f.runs["depth"] == 0].assign(width=999)])
    pd.testing.assert_frame_equal(ranked(f, twice).table, ranked(f).table)


@pytest.mark.parametrize(
    "f",
    [
        frames.experiment(initializer=FIVE, seeds=2, epochs=1),
        frames.experiment(depth=[2, 3], seeds=2, epochs=1),
        frames.experiment(
            lambda initializer, depth, **setting: frames.Outcome(
                0.5, status="failed" if initializer == "zeros" and depth > 2 else "ok"
            ),
            initializer=FIVE,
            depth=[2, 3, 4],
            seeds=1,
            epochs=1,
        ),
    ],
    ids=["one setting", "one initializer", "one complete setting"],
)
def test_with_nothing_to_rank_tables_are_empty(f):
    found = ranked(f)
    assert found.table.empty
    assert list(found.table) == COLUMNS
    assert found.profiles.empty
    assert ranked(f, f.runs.iloc[:0]).table.empty


def test_two_initializers_have_ranks_and_no_friedman():
    table = ranked(table_of([[0.9, 0.8]] * 3)).table
    assert table["mean_rank"].tolist() == [1, 2]
    assert table[["friedman", "friedman_p", "critical_difference"]].isna().all(axis=None)
    assert table["groups"].tolist() == ["", ""]


def test_a_data_set_of_one_class_has_nothing_to_tell_beyond_chance(mixed):
    table = ranking(mixed.runs, mixed.baselines.assign(test_majority=1.0), mixed.factors).table
    assert table["score_iqm"].eq(0).all()


def test_scores_for_others_have_a_row_a_setting(mixed):
    found = scores_for_others(mixed.runs, mixed.baselines, mixed.factors)
    assert list(found.table) == FIVE
    assert found.table.shape == (6, 5)
    assert found.blocks[["dataset", "depth"]].to_numpy().tolist() == [[d, k] for d in "ab" for k in (2, 5, 6)]
    expected = values_of(mixed, "zeros").groupby(["dataset", "depth"])["value"].mean()
    np.testing.assert_allclose(found.table["zeros"], expected, atol=1e-12)
    assert {name: array.shape for name, array in found.arrays.items()} == {
        **dict.fromkeys(FIVE, (4, 6)),
        "zeros": (3, 6),
    }
    by_hand = values_of(mixed, "he_uniform", normalized=True).pivot(
        index="seed", columns=["dataset", "depth"], values="value"
    )
    np.testing.assert_allclose(found.arrays["he_uniform"], by_hand, atol=1e-12)


def test_scores_of_a_single_setting_have_a_row_a_seed_that_all_have(mixed):
    runs = mixed.runs[(mixed.runs["dataset"] == "a") & (mixed.runs["depth"] == 5)]
    found = scores_for_others(runs, mixed.baselines, mixed.factors)
    assert found.blocks["seed"].tolist() == [0, 2, 3]
    np.testing.assert_allclose(
        found.table["he_normal"], values_of(mixed._replace(runs=runs), "he_normal")["value"].iloc[[0, 2, 3]]
    )
    assert found.arrays["he_normal"].shape == (4, 1)

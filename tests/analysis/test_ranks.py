import frames
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from initbench.analysis.profiles import expanded_interval, interquartile_mean, resample, shares_above
from initbench.analysis.ranks import (
    ALPHA,
    COLUMNS,
    PROFILE_COLUMNS,
    block_ranks,
    critical_difference,
    friedman,
    groups_within,
    least_difference,
    permutation_test,
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
    """An experiment of one seed with the given accuracies: a row a data set, a column an initializer."""
    names, sets = [f"i{j}" for j in range(len(values[0]))], [f"d{i}" for i in range(len(values))]
    return frames.experiment(
        lambda initializer, dataset, **setting: frames.Outcome(values[sets.index(dataset)][names.index(initializer)]),
        initializer=names,
        dataset=sets,
        seeds=1,
        epochs=1,
    )


def sweep_of(values):
    """An experiment on one data set: accuracies of shape (initializers, seeds, depths)."""
    names = [f"i{j}" for j in range(len(values))]
    return frames.experiment(
        lambda initializer, depth, seed, **setting: frames.Outcome(values[names.index(initializer)][seed][depth]),
        initializer=names,
        depth=list(range(len(values[0][0]))),
        seeds=len(values[0]),
        epochs=1,
    )


def runs_of(values):
    """What `block_ranks` takes, of the accuracies of a sweep, shape (initializers, seeds, settings)."""
    initializer, seed, setting = np.indices(values.shape).reshape(3, -1)
    columns = {"initializer": initializer, "seed": seed, "setting": setting, "test_accuracy": values.ravel()}
    return pd.DataFrame({"source": "a", **columns})


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


@pytest.mark.parametrize("seed", range(3))
def test_over_data_sets_the_test_is_friedmans_of_scipy(seed):
    values = np.random.default_rng(seed).uniform(0.5, 0.9, (7, 4))
    table = ranked(table_of(values)).table
    expected = stats.friedmanchisquare(*values.T)
    assert table["friedman"].iloc[0] == pytest.approx(expected.statistic, abs=1e-10)
    assert table["friedman_p"].iloc[0] == pytest.approx(expected.pvalue, abs=1e-10)
    assert table["blocks"].eq(7).all()
    assert table["critical_difference"].eq(critical_difference(4, 7)).all()


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


def test_resamples_keep_to_their_data_sets():
    weights = resample((3, 1, 4))
    assert weights.shape == (2001, 8)
    assert (weights[0] == 1).all()
    for columns, size in ((slice(0, 3), 3), (slice(3, 4), 1), (slice(4, 8), 4)):
        assert (weights[:, columns].sum(axis=1) == size).all()
    mixed_up = np.random.default_rng(0).multinomial(8, np.full(8, 1 / 8), size=2000)
    assert (mixed_up[:, :3].sum(axis=1) != 3).any()
    assert weights[1:].mean(axis=0) == pytest.approx(np.ones(8), abs=0.1)


def drawn_seeds(rng, count, *, seeds, settings, correlation, skewed=False):
    """Outcomes that correlate between the settings of a seed, shape (count, seeds, settings)."""
    common, own = rng.normal(size=(count, seeds, 1)), rng.normal(size=(count, seeds, settings))
    normal = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
    return np.log(stats.norm.sf(normal)) if skewed else normal


def covered(seeds, *, settings=8, correlation=0.95, skewed=False, stretched=True, jointly=True, repetitions=150):
    """How often the interval holds the interquartile mean."""
    rng = np.random.default_rng(4)
    draws = drawn_seeds(rng, repetitions, seeds=seeds, settings=settings, correlation=correlation, skewed=skewed)
    truth = stats.trim_mean(drawn_seeds(rng, 1, seeds=200_000, settings=1, correlation=0, skewed=skewed).ravel(), 0.25)
    block = np.repeat(np.arange(seeds), settings)
    weights = resample((seeds,))[:, block] if jointly else resample((seeds,) * settings)
    hits = 0
    for values in draws if jointly else draws.transpose(0, 2, 1):
        found = interquartile_mean(values.ravel(), weights)
        sizes = (seeds,) if jointly else (seeds,) * settings
        low, high = expanded_interval(found, sizes) if stretched else np.quantile(found[1:], [0.025, 0.975])
        hits += low <= truth <= high
    return hits / repetitions


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("correlation", [0, 0.5, 0.95])
@pytest.mark.parametrize(("seeds", "settings"), [(5, 8), (5, 3), (10, 3)])
def test_the_interval_covers_the_interquartile_mean(seeds, settings, correlation, skewed):
    assert 0.91 <= covered(seeds, settings=settings, correlation=correlation, skewed=skewed) <= 0.99


@pytest.mark.parametrize("correlation", [0.5, 0.95])
def test_plain_percentiles_and_resamples_of_each_setting_would_cover_too_rarely(correlation):
    assert covered(5, correlation=correlation, stretched=False) < 0.9
    assert covered(5, correlation=correlation, jointly=False) < 0.8


def test_the_interval_stretches_percentiles_and_one_seed_has_none():
    found = np.vstack([[0.1, 0.0], np.random.default_rng(0).normal(size=(2000, 2))])
    ends = np.quantile(found[1:], [0.025, 0.975], axis=0)
    stretch = stats.t.ppf(1 - 0.025 * 9 / 11, 9) / stats.norm.ppf(0.975) * np.sqrt(12 / 9)
    np.testing.assert_allclose(expanded_interval(found, (5, 3, 4)), found[0] + stretch * (ends - found[0]), atol=1e-10)
    np.testing.assert_allclose(expanded_interval(found, (10**6, 10**6)), ends, atol=1e-3)
    assert np.isnan(expanded_interval(found, (1, 1, 1))).all()
    one_sided = expanded_interval(np.vstack([[9.0], found[1:, :1]]), (5,))
    assert one_sided[1] == 9  # what was observed is never outside


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


@pytest.mark.parametrize("count", [2, 3, 6, 72])
def test_critical_values_are_those_of_scipys_studentized_range(count):
    q = stats.studentized_range.ppf(0.95, count, np.inf) / np.sqrt(2)
    assert critical_difference(count, 10) == pytest.approx(q * np.sqrt(count * (count + 1) / 60), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_with_ties_the_statistic_is_scipys(seed):
    values = np.random.default_rng(seed).integers(0, 4, (6, 5)) / 7
    expected = stats.friedmanchisquare(*values.T)
    assert friedman(values) == pytest.approx((expected.statistic, expected.pvalue), abs=1e-10)


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


def p_of(values):
    return permutation_test(block_ranks(runs_of(values)).to_numpy())[1]


def is_shown(values):
    """Whether each two initializers are shown to differ, shape (initializers, initializers)."""
    ranks = block_ranks(runs_of(values))
    apart = np.ones((len(values), len(values)), dtype=bool)
    for group in groups_within(ranks.mean().sort_values(), least_difference(ranks.to_numpy())):
        apart[np.ix_(group, group)] = False
    return apart


def equal_sweeps(count, *, arms=3, seeds=5, settings=8, correlation=0.95, coins=0):
    """Sweeps of equal initializers, the first of which train by the toss of a coin while the others are steady."""
    rng = np.random.default_rng(9)
    normal = drawn_seeds(rng, count * arms, seeds=seeds, settings=settings, correlation=correlation)
    values = 0.7 + 0.03 * normal.reshape(count, arms, seeds, settings)
    values[:, :coins] = np.where(normal.reshape(values.shape)[:, :coins] > 0, 0.95, 0.1) + values[:, :coins] / 100
    return values


@pytest.mark.parametrize(("correlation", "coins"), [(0, 0), (0.5, 3), (0.95, 0), (0.95, 3)])
def test_equal_initializers_differ_in_one_of_twenty_sweeps(correlation, coins):
    sweeps = equal_sweeps(120, correlation=correlation, coins=coins)
    assert np.mean([p_of(values) <= ALPHA for values in sweeps]) <= 0.09


@pytest.mark.parametrize("correlation", [0.5, 0.95])
def test_settings_taken_for_independent_blocks_would_differ_in_most(correlation):
    sweeps = equal_sweeps(50, correlation=correlation)
    assert np.mean([friedman(values.mean(axis=1).round(12).T)[1] <= ALPHA for values in sweeps]) > 0.4


@pytest.mark.parametrize(("seeds", "coins"), [(7, 0), (8, 4), (10, 2)])
def test_of_equal_initializers_no_pair_is_shown_whatever_the_others_are(seeds, coins):
    sweeps = equal_sweeps(120, arms=4, seeds=seeds, settings=3, coins=coins)
    equal = coins or 4
    assert np.mean([is_shown(values)[:equal, :equal].any() for values in sweeps]) <= 0.09


def test_a_sweep_of_equal_initializers_is_all_one_group_and_has_no_critical_difference():
    (values,) = equal_sweeps(1, settings=4)
    table = ranked(sweep_of(values)).table
    assert set(table["groups"]) == {"a"}
    assert table["critical_difference"].isna().all()
    assert table["blocks"].eq(5).all()


def test_six_seeds_show_what_differs_at_every_seed_and_five_do_not():
    noise = 0.001 * np.random.default_rng(1).normal(size=(4, 6, 3))
    values = np.array([0.9, 0.7, 0.5, 0.3])[:, None, None] + noise
    table = ranked(sweep_of(values)).table
    assert table["groups"].tolist() == ["a", "b", "c", "d"]
    assert table["friedman"].iloc[0] == pytest.approx(6 * 3)
    few = ranked(sweep_of(values[:, :5])).table
    assert few["friedman_p"].iloc[0] < 0.001
    assert set(few["groups"]) == {"a"}


def test_seeds_of_several_data_sets_are_blocks_of_their_own_and_copies_of_rows_are_not():
    names, levels = ["i0", "i1", "i2"], {"i0": 0.9, "i1": 0.7, "i2": 0.5}

    def blocks(*sets):
        f = frames.experiment(
            lambda initializer, **setting: frames.Outcome(levels[initializer]),
            initializer=names,
            dataset=list(sets),
            depth=[2, 3],
            seeds=2,
            epochs=1,
        )
        return ranked(f).table["blocks"].unique().tolist()

    assert blocks("digits", "churn") == [4]
    assert blocks("mnist", "mnist-10k") == [2]
    assert blocks("csv(t.csv, target=y)", "csv(t.csv, target=y, drop=[x])") == [2]
    assert blocks("csv(t.csv, target=y)", "csv(u.csv, target=y)") == [4]


def test_the_permutation_test_is_friedmans_where_a_block_has_one_setting():
    rng = np.random.default_rng(5)
    values = rng.integers(0, 5, (4, 12, 1)) / 10  # with ties
    statistic, p = permutation_test(block_ranks(runs_of(values)).to_numpy())
    expected = stats.friedmanchisquare(*values[..., 0])
    assert statistic == pytest.approx(expected.statistic, abs=1e-10)
    assert p == pytest.approx(expected.pvalue, abs=0.03)


def test_few_permutations_are_enumerated_and_equal_scipys():
    ranks = block_ranks(runs_of(np.random.default_rng(6).normal(size=(3, 4, 2)))).to_numpy()

    def spread(*blocks, axis):
        return (sum(blocks) ** 2).sum(axis=axis)

    exact = stats.permutation_test(
        list(ranks), spread, permutation_type="pairings", vectorized=True, alternative="greater", n_resamples=np.inf
    )
    assert permutation_test(ranks)[1] == pytest.approx(exact.pvalue, abs=1e-12)


def test_one_seed_of_a_sweep_has_no_test_and_ties_everywhere_have_p_1():
    alone = ranked(sweep_of(np.random.default_rng(2).uniform(0.5, 0.9, (4, 1, 6)))).table
    assert alone[["friedman", "friedman_p", "critical_difference"]].isna().all(axis=None)
    assert set(alone["groups"]) == {"a"}
    assert permutation_test(np.zeros((5, 3))) == (0, 1)
    assert least_difference(np.zeros((8, 3))) == np.inf


def test_seeds_that_failed_somewhere_leave_the_test_only_there():
    values = np.random.default_rng(3).uniform(0.5, 0.9, (3, 4, 2))
    runs = runs_of(values)
    gap = runs["initializer"].eq(1) & runs["seed"].eq(2) & runs["setting"].eq(0)
    ranks = block_ranks(runs[~gap])
    assert len(ranks) == 4
    order = stats.rankdata(-values, axis=0) - 2
    expected = order.sum(axis=2).T
    expected[2] = order[:, 2, 1]
    np.testing.assert_allclose(ranks, expected * 4 / 7, atol=1e-12)


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

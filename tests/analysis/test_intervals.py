import frames
import numpy as np
import pytest
from scipy import stats

from initbench.analysis import intervals
from initbench.analysis.comparisons import comparison_table
from initbench.analysis.intervals import RESAMPLES, mean_intervals, t_interval, wilson_interval

SKEWED = np.random.default_rng(3).gamma(1.5, size=(40, 8))


def student(values):
    return t_interval(values.mean(axis=1), values.std(axis=1, ddof=1), values.shape[1])


def coverage(interval, n, draw, truth, experiments=4_000):
    low, high = interval(draw(np.random.default_rng(7), (experiments, n)))
    return np.mean((low <= truth) & (truth <= high))


def test_the_studentized_bootstrap_by_hand():
    counts = np.random.default_rng(0).multinomial(8, np.full(8, 1 / 8), size=RESAMPLES)
    low, high = mean_intervals(SKEWED)
    for row, lowest, highest in zip(SKEWED, low, high, strict=True):
        t = []
        for count in counts:
            drawn = np.repeat(row, count)
            t.append((drawn.mean() - row.mean()) / (drawn.std(ddof=1) / np.sqrt(8)))
        far, near = np.quantile(t, [1 - 0.025 * 6 / 8, 0.025 * 6 / 8])
        error = row.std(ddof=1) / np.sqrt(8)
        longest = 3 * stats.t.ppf(0.975, 7) * error
        assert lowest == pytest.approx(row.mean() - min(far * error, longest), abs=1e-10)
        assert highest == pytest.approx(row.mean() + min(-near * error, longest), abs=1e-10)


def test_it_is_close_to_scipys_bootstrap_of_the_same_statistic():
    row = SKEWED[0]

    def t(x, axis=-1):
        return (x.mean(axis) - row.mean()) / (x.std(axis, ddof=1) / np.sqrt(x.shape[axis]))

    drawn = stats.bootstrap((row,), t, n_resamples=9_999, method="percentile", rng=1, vectorized=True)
    (low,), (high,) = mean_intervals(row[None])
    error = row.std(ddof=1) / np.sqrt(8)
    assert (row.mean() - low) / error == pytest.approx(
        np.quantile(drawn.bootstrap_distribution, 1 - 0.025 * 6 / 8), rel=0.15
    )
    assert (high - row.mean()) / error == pytest.approx(
        -np.quantile(drawn.bootstrap_distribution, 0.025 * 6 / 8), rel=0.15
    )


@pytest.mark.long
@pytest.mark.parametrize("n", [5, 10, 30])
@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (lambda rng, shape: rng.standard_normal(shape), 0),
        (lambda rng, shape: rng.standard_exponential(shape), 1),
        (lambda rng, shape: rng.gamma(4, size=shape), 4),
    ],
)
def test_it_holds_the_truth_in_93_to_97_of_100(n, draw, truth):
    assert 0.93 < coverage(mean_intervals, n, draw, truth) < 0.97


def test_the_check_of_coverage_catches_students_interval_of_skewed_values():
    assert coverage(student, 5, lambda rng, shape: rng.standard_exponential(shape), 1) < 0.91


def test_values_without_spread_and_few_values_have_students_interval():
    for values in (SKEWED[:, :4], np.array([[0, 0, 0, 0, 0.01]]), np.full((1, 6), 0.1)):
        np.testing.assert_allclose(mean_intervals(values), student(values), atol=1e-15)
    assert np.isnan(mean_intervals(np.ones((3, 1)))).all()
    assert np.isnan(mean_intervals(np.ones((3, 0)))).all()


def test_many_values_have_students_interval(monkeypatch):
    monkeypatch.setattr(intervals, "MOST_RESAMPLED", 7)
    np.testing.assert_allclose(mean_intervals(SKEWED), student(SKEWED), atol=1e-15)


def test_the_interval_moves_and_stretches_with_the_values_and_has_no_order():
    low, high = mean_intervals(SKEWED)
    np.testing.assert_allclose(mean_intervals(5 + 0.01 * SKEWED), [5 + 0.01 * low, 5 + 0.01 * high], atol=1e-10)
    again = mean_intervals(SKEWED.copy())
    np.testing.assert_array_equal(again, (low, high))
    mirrored = mean_intervals(-SKEWED)
    assert np.all(mirrored[0] <= -SKEWED.mean(axis=1))
    assert np.all(mirrored[1] >= -SKEWED.mean(axis=1))


def test_a_pair_has_the_same_interval_whatever_else_is_compared():
    f = frames.experiment(initializer=["he_normal", "orthogonal", "zeros"], seeds=9, epochs=2)
    table = comparison_table(*f[:1], f.baselines, f.factors).set_index(["better", "worse"])
    alone = f.runs[f.runs["initializer"] != "he_normal"]
    (row,) = comparison_table(alone, f.baselines, f.factors).itertuples()
    assert (row.low, row.high) == tuple(table.loc[(row.better, row.worse), ["low", "high"]])


@pytest.mark.parametrize(("count", "total"), [(0, 5), (7, 10), (30, 30)])
def test_wilson_is_that_of_scipy(count, total):
    expected = stats.binomtest(count, total).proportion_ci(0.95, method="wilson")
    low, high = wilson_interval([count], [total])
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-10)
    exact = stats.binomtest(count, total).proportion_ci(0.95, method="exact")
    assert abs(high[0] - exact.high) > 1e-4 or abs(low[0] - exact.low) > 1e-4


def test_wilson_of_nothing_is_nothing():
    assert np.isnan(wilson_interval([0], [0])).all()

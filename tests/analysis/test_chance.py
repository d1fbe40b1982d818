"""What counts as having learned: exact tests of test rows against chance."""

import numpy as np
import pytest
from scipy import stats

from initbench.analysis.chance import LEVEL, beats_chance, least_auc

RNG = np.random.default_rng(15)


def scored(wins, ones, zeros):
    """Scores of two classes without ties, of whose pairs ``wins`` stand the right way round."""
    whole, rest = divmod(wins, ones)
    place = np.arange(ones)
    return np.where(place < rest, whole + 0.5, whole - 0.5) + 1e-4 * place / ones, np.arange(zeros)


@pytest.mark.parametrize(("ones", "zeros"), [(6, 6), (5, 7), (3, 20), (20, 3), (8, 30), (2, 60)])
def test_the_least_area_is_the_first_that_scipys_exact_test_lets_pass(ones, zeros):
    least = round(least_auc(ones, zeros) * ones * zeros)
    above, below = (
        stats.mannwhitneyu(*scored(wins, ones, zeros), alternative="greater", method="exact").pvalue
        for wins in (least, least - 1)
    )
    assert above <= LEVEL < below


@pytest.mark.parametrize(("ones", "zeros"), [(3, 3), (4, 8), (2, 30), (1, 300)])
def test_too_few_rows_show_nothing_whatever_the_area(ones, zeros):
    assert least_auc(ones, zeros) > 1
    perfect = stats.mannwhitneyu(*scored(ones * zeros, ones, zeros), alternative="greater", method="exact").pvalue
    assert perfect > LEVEL
    assert not beats_chance(1.0, 1.0, max(ones, zeros) / (ones + zeros), ones + zeros)


@pytest.mark.parametrize(("ones", "zeros"), [(6, 6), (9, 9), (8, 40), (12, 200)])
def test_networks_that_know_nothing_pass_no_more_often_than_the_level_says(ones, zeros):
    ranks = RNG.random((40_000, ones + zeros)).argsort(axis=1)[:, :ones].sum(axis=1)
    areas = (ranks - ones * (ones - 1) / 2) / (ones * zeros)
    passed = beats_chance(0.5, areas, zeros / (ones + zeros), ones + zeros).sum()
    assert stats.binomtest(int(passed), 40_000, LEVEL, alternative="greater").pvalue > 1e-4
    assert stats.binomtest(int((areas > 0.5).sum()), 40_000, LEVEL, alternative="greater").pvalue < 1e-9


@pytest.mark.parametrize(("majority", "rows"), [(0.5, 12), (0.1, 360), (0.1135, 2000), (0.95, 40)])
def test_without_an_area_correct_rows_count_by_scipys_exact_binomial_test(majority, rows):
    correct = np.arange(rows + 1)
    expected = [stats.binomtest(int(k), rows, majority, alternative="greater").pvalue <= LEVEL for k in correct]
    assert beats_chance(correct / rows, np.nan, majority, rows).tolist() == expected


def test_an_imbalanced_table_counts_by_its_area_and_three_standard_errors_of_accuracy_would_miss_it():
    assert beats_chance(0.8, 0.72, 0.8, 2000)
    assert not beats_chance(0.8, np.nan, 0.8, 2000)
    assert not beats_chance(0.8, 0.5, 0.8, 2000)
    assert not beats_chance(0.8, 0.28, 0.8, 2000)


def test_a_perfect_network_on_twelve_rows_has_learned():
    majority = 7 / 12
    assert beats_chance(1.0, 1.0, majority, 12)
    assert majority + 3 * np.sqrt(majority * (1 - majority) / 12) > 1  # the former rule


@pytest.mark.parametrize("missing", range(4))
def test_either_accuracy_or_area_may_be_missing_and_nothing_else(missing):
    numbers = [np.array([0.9, 0.9]), np.array([0.9, 0.9]), np.array([0.5, 0.5]), np.array([200.0, 200.0])]
    numbers[missing][1] = np.nan
    assert beats_chance(*numbers).tolist() == [True, missing < 2]
    assert beats_chance([], [], [], []).tolist() == []


def test_a_class_without_test_rows_has_no_area_to_go_by():
    assert not beats_chance(1.0, 1.0, 1.0, 50)


def test_large_test_sets_take_no_memory_for_the_exact_distribution():
    assert 0.5 < least_auc(8, 10**9) < 1.1
    assert least_auc(10**6, 10**6) == pytest.approx(0.5, abs=2e-3)

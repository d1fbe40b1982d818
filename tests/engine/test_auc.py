"""The area under the ROC curve against scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from initbench.engine.auc import roc_auc

TOLERANCE = 1e-12


def example(decimals):
    """Scores of six networks in two groups, and the labels of each group."""
    rng = np.random.default_rng(3)
    labels = rng.random((2, 101)) < 0.3
    return rng.normal(size=(6, 101)).round(decimals) + np.repeat(labels, 3, axis=0), labels


def error(areas, scores, labels):
    """Largest difference from scikit-learn's areas."""
    expected = [roc_auc_score(labels[i // 3], row) for i, row in enumerate(scores)]
    return np.abs(areas - expected).max()


@pytest.mark.parametrize("decimals", [8, 1, 0], ids=["no ties", "some ties", "many ties"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_areas_are_those_of_scikit_learn(decimals, dtype):
    scores, labels = example(decimals)
    scores = scores.astype(dtype)
    assert error(roc_auc(scores, labels), scores, labels) < TOLERANCE


def test_the_check_catches_ties_that_count_for_one_class_and_labels_of_another_group():
    scores, labels = example(0)
    assert error(roc_auc(scores - 0.01 * np.repeat(labels, 3, axis=0), labels), scores, labels) > 0.01
    assert error(roc_auc(scores, labels[::-1]), scores, labels) > 0.01


def test_equal_scores_give_one_half_and_perfect_ones_one():
    labels = np.array([[True, False, True, False]])
    scores = np.array([[0.0, 0, 0, 0], [2, 1, 3, 0], [0, 2, 1, 3]])
    assert roc_auc(scores, labels).tolist() == [0.5, 1, 0]


@pytest.mark.parametrize("label", [False, True])
def test_there_is_no_area_where_a_class_has_no_row(label):
    assert np.isnan(roc_auc(np.ones((1, 3)), np.full((1, 3), label))).all()

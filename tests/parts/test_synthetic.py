"""Made-up data sets: standard normal rows that can be learned, and a line; the same on every call."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

import initbench
from initbench.cli import main
from initbench.errors import ParameterError
from initbench.parts.datasets.facts import checksum
from initbench.registry import find
from initbench.training.splits import split

LEAST_P = 1e-3


def load(name, **parameters):
    return find("dataset", name).function((), **parameters)


def rows_of(data):
    return np.concatenate([data.x_train, data.x_test])


def normality(x):
    """The p values of two Kolmogorov-Smirnov tests: numbers standard normal, columns uncorrelated."""
    correlations = np.corrcoef(x.T)[np.triu_indices(x.shape[1], 1)] * len(x) ** 0.5
    return [stats.kstest(numbers.ravel(), "norm").pvalue for numbers in (x, correlations)]


@pytest.mark.parametrize("name", ["gaussian", "line"])
def test_a_made_up_data_set_is_always_the_same(name):
    assert checksum(load(name)) == checksum(load(name))
    assert checksum(load(name)) != checksum(load(name, rows=300))


@pytest.mark.parametrize(
    ("name", "parameters", "shape", "classes"),
    [
        ("gaussian", {}, (2000, 64), 10),
        ("gaussian", {"features": 400, "classes": 2, "rows": 501}, (501, 400), 2),
        ("line", {}, (200, 1), 2),
        ("line", {"rows": 10}, (10, 1), 2),
    ],
)
def test_it_has_the_size_that_was_asked_for_and_a_fifth_for_the_test(name, parameters, shape, classes):
    data = load(name, **parameters)
    assert rows_of(data).shape == shape
    assert len(data.y_test) == -(-shape[0] // 5)
    assert (len(data.classes), len(data.features), data.kind) == (classes, shape[1], "table")
    assert data.x_train.dtype == np.float64
    assert set(data.y_train) == set(data.y_test) == set(range(classes))


def test_gaussian_rows_are_standard_normal_and_scaling_none_keeps_them_so():
    data = load("gaussian", features=50, rows=4000)
    parts = split(data, np.random.default_rng(0), scaling="none", train_rows=None, dtype=np.float64)
    kept = np.concatenate([parts.x_train, parts.x_valid, parts.x_test])
    assert sorted(kept[:, 0]) == sorted(rows_of(data)[:, 0])
    assert min(normality(kept)) > LEAST_P


@pytest.mark.parametrize("wrong", [lambda x: 1.02 * x, lambda x: x + 0.02, lambda x: x + 0.2 * x[:, :1]])
def test_the_check_catches_rows_that_are_scaled_shifted_or_correlated(wrong):
    assert min(normality(wrong(rows_of(load("gaussian", features=50, rows=4000))))) < LEAST_P


def test_more_rows_go_on_where_fewer_end():
    few, many = (rows_of(load("gaussian", rows=rows)) for rows in (500, 600))
    assert set(few[:, 0]) < set(many[:, 0])


def test_a_linear_model_learns_the_classes_of_gaussian_rows_and_not_other_ones():
    from sklearn.linear_model import LogisticRegression

    data = load("gaussian", features=20, classes=4, rows=1000)
    model = LogisticRegression(max_iter=300)
    assert model.fit(data.x_train, data.y_train).score(data.x_test, data.y_test) > 0.85
    shuffled = np.random.default_rng(0).permutation(data.y_train)
    assert model.fit(data.x_train, shuffled).score(data.x_test, data.y_test) < 0.5


@pytest.mark.parametrize("rows", [10, 200, 1000])
def test_a_line_is_evenly_spaced_on_both_sides_of_zero(rows):
    data = load("line", rows=rows)
    x, y = rows_of(data)[:, 0], np.concatenate([data.y_train, data.y_test])
    assert np.allclose(np.diff(np.sort(x)), 2 / rows)
    assert np.allclose(np.sort(x), np.sort(-x))
    assert np.abs(x).min() == pytest.approx(1 / rows)
    assert (y == (x > 0)).all()


@pytest.mark.parametrize(
    ("name", "parameters", "told"),
    [
        ("gaussian", {"features": 1}, "smallest class has 0 rows.*take more rows or features, or fewer classes"),
        ("gaussian", {"rows": 20}, "5 are needed"),
        ("gaussian", {"rows": 10**8}, "more than 100,000,000 numbers"),
        ("line", {"rows": 201}, "must be even.*take 202"),
    ],
)
def test_what_cannot_be_made_is_told(name, parameters, told):
    with pytest.raises(ParameterError, match=told):
        load(name, **parameters)


def test_both_run_from_a_config(tmp_path):
    config = tmp_path / "made_up.yaml"
    config.write_text(
        "dataset: [{gaussian: {features: 400, classes: 3, rows: 300}}, {line: {rows: 40}}]\n"
        "depth: 1\nwidth: 8\ninitializer: he_normal\nepochs: 1\nseeds: 1\nscaling: none\n"
    )
    result = CliRunner().invoke(main, ["run", str(config), "-o", str(tmp_path), "-q", "-j", "1"])
    assert result.exit_code == 0, result.output
    runs = initbench.load(tmp_path / "made_up").runs
    assert set(runs["dataset"]) == {"gaussian(features=400, classes=3, rows=300)", "line(rows=40)"}
    config.write_text("dataset: {gaussian: {clases: 3}}\n")
    result = CliRunner().invoke(main, ["check", str(config)])
    assert result.exit_code == 2
    assert "nearest name: classes" in result.output

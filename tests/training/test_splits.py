"""One seed's arrays: who goes where, and what is fitted on which rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from initbench.contracts import Dataset
from initbench.errors import DataError, UsageError
from initbench.parts.datasets.facts import checksum
from initbench.parts.datasets.places import data_folders
from initbench.parts.datasets.saved import open_dataset
from initbench.training.shared import save_shared
from initbench.training.splits import _scale_tables, split

SCALINGS = ["standard", "unit", "none"]


def make(kind, rows=400, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([0, 1, 2], [rows // 2, rows // 4, rows // 4]))
    if kind == "image":
        x = rng.integers(3, 240, (rows, 6)).astype(np.uint8)
    else:
        x = rng.normal(5, 3, (rows, 6))
        x[rng.random(x.shape) < 0.1] = np.nan
        x[:, 5] = 4.0
    cut = rows * 4 // 5
    return Dataset(x[:cut], y[:cut], x[cut:], y[cut:], ("a", "b", "c"), kind)


def numbered(rows=400):
    """Rows that carry their own number, so that a split tells where each went."""
    data = make("table", rows)
    return data._replace(x_train=np.arange(float(len(data.y_train)))[:, None], x_test=np.zeros((len(data.y_test), 1)))


def draw(data, seed=0, scaling="standard", train_rows=None, dtype=np.float32):
    return split(data, np.random.default_rng(seed), scaling=scaling, train_rows=train_rows, dtype=dtype)


def equal(a, b):
    return all(np.array_equal(p, q) for p, q in zip(a, b, strict=True))


def test_every_training_row_is_used_once_with_its_own_label():
    data = numbered()
    parts = draw(data, scaling="none")
    train, valid = parts.x_train[:, 0].astype(int), parts.x_valid[:, 0].astype(int)
    assert sorted([*train, *valid]) == list(range(320))
    np.testing.assert_array_equal(parts.y_train, data.y_train[train])
    np.testing.assert_array_equal(parts.y_valid, data.y_train[valid])
    assert len(valid) == 32
    assert np.corrcoef(train, np.arange(288))[0, 1] < 0.3


@pytest.mark.parametrize("train_rows", [None, 1, 50, 101, 288])
def test_counts_depend_on_the_labels_and_not_on_the_seed(train_rows):
    data = numbered()
    share = np.bincount(data.y_train) / len(data.y_train)
    counts = set()
    for seed in range(10):
        parts = draw(data, seed, train_rows=train_rows)
        counts.add((*np.bincount(parts.y_valid, minlength=3), *np.bincount(parts.y_train, minlength=3)))
        assert np.abs(np.bincount(parts.y_valid, minlength=3) - 32 * share).max() < 1
        assert len(parts.y_train) == (train_rows or 288)
    assert len(counts) == 1


@pytest.mark.parametrize("kind", ["image", "table"])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_equal_seeds_give_equal_bytes_and_others_do_not(kind, scaling):
    data = make(kind)
    assert equal(draw(data, 3, scaling), draw(data, 3, scaling))
    assert not equal(draw(data, 3, scaling), draw(data, 4, scaling))


def test_fewer_training_rows_leave_validation_rows_as_they_are():
    data = numbered()
    whole, part = draw(data, scaling="none"), draw(data, scaling="none", train_rows=50)
    np.testing.assert_array_equal(whole.x_valid, part.x_valid)
    assert set(part.x_train[:, 0]) < set(whole.x_train[:, 0])


def test_more_training_rows_than_there_are_is_an_error():
    with pytest.raises(DataError, match="train_rows is 289, and 288 are left beside 32 for validation"):
        draw(numbered(), train_rows=289)


@pytest.mark.parametrize("kind", ["image", "table"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_arrays_are_finite_contiguous_and_of_the_training_dtype(kind, dtype, scaling):
    parts = draw(make(kind), scaling=scaling, dtype=dtype)
    for x in parts[::2]:
        assert x.dtype == dtype
        assert x.flags.c_contiguous
        assert np.isfinite(x).all()
    for y in parts[1::2]:
        assert y.dtype == np.int64


def test_images_are_scaled_by_one_mean_and_deviation():
    data = make("image")
    raw, parts = draw(data, scaling="none", dtype=np.float64), draw(data, dtype=np.float64)
    assert parts.x_train.mean() == pytest.approx(0, abs=1e-12)
    assert parts.x_train.std() == pytest.approx(1)
    expected = (raw.x_test - raw.x_train.mean()) / raw.x_train.std()
    np.testing.assert_allclose(parts.x_test, expected)
    unit = draw(data, scaling="unit")
    assert (unit.x_train.min(), unit.x_train.max()) == (0, 1)
    assert not np.allclose(parts.x_train.mean(axis=0), 0, atol=1e-3)


def test_images_of_floats_are_scaled_as_images_of_bytes_are():
    data = make("image")
    floats = data._replace(x_train=data.x_train.astype(np.float32), x_test=data.x_test.astype(np.float32))
    for scaling in SCALINGS:
        assert equal(draw(data, scaling=scaling), draw(floats, scaling=scaling))


def test_tables_are_filled_and_scaled_column_by_column():
    data = make("table")
    parts = draw(data, dtype=np.float64)
    np.testing.assert_allclose(parts.x_train[:, :5].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(parts.x_train[:, :5].std(axis=0), 1)
    unit = draw(data, scaling="unit", dtype=np.float64)
    np.testing.assert_allclose(
        [unit.x_train[:, :5].min(axis=0), unit.x_train[:, :5].max(axis=0)], [[0] * 5, [1] * 5], atol=1e-12
    )
    for constant in (parts, unit):
        assert not constant.x_train[:, 5].any()
        assert not constant.x_test[:, 5].any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_tables_are_scaled_as_scikit_learn_scales_them_to_the_last_bit(scaling, dtype):
    scaler = {"standard": StandardScaler(), "unit": MinMaxScaler(), "none": "passthrough"}[scaling]
    rng = np.random.default_rng(0)
    for rows in (1, 2, 7, 300):
        x = rng.standard_normal((rows + 20, 40)) * 10.0 ** rng.integers(-8, 9, 40) + 10.0 ** rng.integers(-3, 9, 40)
        x[rng.random(x.shape) < 0.1] = np.nan
        x[:, 0], x[:, 1], x[:, 2] = np.nan, 1e5, 1e16 + rng.integers(0, 3, len(x))
        for order in "CF":
            parts = [np.array(part, dtype, order=order) for part in (x[:rows], x[rows:])]
            imputer = SimpleImputer(strategy="median", keep_empty_features=True)
            expected = make_pipeline(imputer, scaler).fit(parts[0])
            for part, found in zip(parts, _scale_tables(*parts, scaling=scaling, dtype=np.dtype(dtype)), strict=True):
                np.testing.assert_array_equal(found, expected.transform(part))


def test_missing_values_become_the_median_of_the_training_rows():
    data = numbered()
    data.x_test[:] = np.nan
    parts = draw(data, scaling="none", dtype=np.float64)
    assert set(parts.x_test[:, 0]) == {np.median(parts.x_train)}


def test_a_column_whose_every_training_value_is_missing_becomes_zero():
    data = numbered()
    data.x_train[:] = np.nan
    for scaling in SCALINGS:
        parts = draw(data, scaling=scaling)
        assert not parts.x_train.any()
        assert parts.x_train.shape == (288, 1)


def test_images_of_one_grey_become_zero():
    data = make("image")
    data.x_train[:] = 9
    for scaling in ("standard", "unit"):
        assert not draw(data, scaling=scaling).x_train.any()


def leaks(data, fit):
    """Whether training arrays change when validation and test rows do."""
    valid = [int(r) for r in draw(numbered(), scaling="none").x_valid[:, 0]]
    x_train, x_test = data.x_train.copy(), data.x_test.copy()
    x_train[valid] = 250
    x_test[:] = 251
    return not np.array_equal(fit(data), fit(data._replace(x_train=x_train, x_test=x_test)))


@pytest.mark.parametrize("kind", ["image", "table"])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_validation_and_test_rows_leave_no_trace_in_training_rows(kind, scaling):
    data = make(kind)
    data = data._replace(y_train=numbered().y_train, y_test=numbered().y_test)
    assert not leaks(data, lambda d: draw(d, scaling=scaling).x_train)


def test_the_leak_check_catches_a_mean_over_all_rows():
    def careless(data):
        return draw(data, scaling="none").x_train - np.nanmean(data.x_train)

    assert leaks(make("image")._replace(y_train=numbered().y_train), careless)


@pytest.mark.parametrize("kind", ["image", "table"])
def test_workers_open_what_was_shared_without_a_copy(kind, tmp_path):
    data = make(kind)._replace(features=("p", "q"))
    save_shared(data, tmp_path / "new" / "folder")
    opened = open_dataset(tmp_path / "new" / "folder")
    assert checksum(opened) == checksum(data)
    assert isinstance(opened.x_train, np.memmap)
    assert not opened.x_train.flags.writeable
    assert (opened.classes, opened.kind, opened.features) == (data.classes, data.kind, data.features)
    for scaling in SCALINGS:
        assert equal(draw(opened, scaling=scaling), draw(data, scaling=scaling))


def test_no_file_that_is_shared_is_a_pickle(tmp_path):
    with pytest.raises(ValueError, match="allow_pickle"):
        save_shared(make("table")._replace(x_train=np.array([{}])), tmp_path)


def test_data_folders_begin_with_what_the_user_names_and_end_in_the_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("INITBENCH_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    for name in ("option", "variable"):
        (tmp_path / name).mkdir()
    current, cache = data_folders(None)
    assert current == tmp_path
    assert "initbench" in str(cache)
    monkeypatch.setenv("INITBENCH_DATA", "variable")
    named = tmp_path / "option"
    assert data_folders(named.relative_to(tmp_path)) == (named, tmp_path / "variable", tmp_path, cache)


def test_a_data_folder_that_is_not_there_is_told(monkeypatch, tmp_path):
    with pytest.raises(UsageError, match=r"--data-dir is .*nowhere, and there is no such folder"):
        data_folders(tmp_path / "nowhere")
    monkeypatch.setenv("INITBENCH_DATA", str(tmp_path / "gone"))
    with pytest.raises(UsageError, match="INITBENCH_DATA is"):
        data_folders(None)

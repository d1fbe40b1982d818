"""Images in the layouts of EMNIST, KMNIST, Fashion-MNIST, torchvision and Keras: read as they are, or refused."""

from __future__ import annotations

import gzip
import struct
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from initbench.errors import DataError
from initbench.parts.datasets.facts import checksum
from initbench.parts.datasets.images import IDX_FILES, read_idx_folder, read_npz, write_idx
from initbench.registry import find

CODES = {"u1": 8, "i1": 9, ">i2": 11, ">i4": 12, ">f4": 13, ">f8": 14}
ONE_HOT = np.eye(3)[np.arange(20) % 3]


@pytest.fixture
def small():
    """Thirty images of 3 x 5 pixels in three classes."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (30, 3, 5)).astype(np.uint8)
    y = (np.arange(30) % 3).astype(np.uint8)
    return {"x_train": x[:20], "y_train": y[:20], "x_test": x[20:], "y_test": y[20:]}


def load(kind, folder, file, **parameters):
    return find("dataset", kind).function((folder,), file=file, **parameters)


def idx(values, dtype="u1"):
    values = np.asarray(values)
    return (
        bytes([0, 0, CODES[dtype], values.ndim])
        + struct.pack(f">{values.ndim}I", *values.shape)
        + (values.astype(dtype).tobytes())
    )


def put(folder, arrays, name="{part}-{kind}-idx{axes}-ubyte", test="t10k"):
    """Write four IDX files under names of some fashion, gzipped where the name ends so."""
    folder.mkdir(parents=True, exist_ok=True)
    for key, values in arrays.items():
        kind, part = ("images" if key[0] == "x" else "labels"), ("train" if key.endswith("train") else test)
        file = folder / name.format(part=part, kind=kind, axes=values.ndim)
        file.write_bytes(gzip.compress(idx(values)) if file.suffix == ".gz" else idx(values))


def is_same(data, arrays):
    return (
        np.array_equal(data.x_train, arrays["x_train"].reshape(20, -1))
        and np.array_equal(data.x_test, arrays["x_test"].reshape(10, -1))
        and np.array_equal(data.y_train, arrays["y_train"])
        and np.array_equal(data.y_test, arrays["y_test"])
    )


# Where the files lie, and what they are called


@pytest.mark.parametrize("folder", ["", "raw", "gzip", "MNIST/raw", "FashionMNIST/raw", "KMNIST/raw"])
def test_the_folders_of_torchvision_are_read_and_reported(small, folder, tmp_path):
    put(tmp_path / "data" / folder, small)
    data = load("idx", tmp_path, "data")
    assert is_same(data, small)
    assert data.notes == ((f"files: read in {tmp_path / 'data' / folder}",) if folder else ())


@pytest.mark.parametrize(
    ("name", "test"),
    [
        ("{part}-{kind}-idx{axes}-ubyte.gz", "t10k"),
        ("{part}-{kind}.idx{axes}-ubyte", "t10k"),
        ("{part}-{kind}.idx{axes}-ubyte.gz", "test"),
        ("{part}_{kind}_idx{axes}_ubyte", "test"),
        ("fashion-{part}-{kind}-idx{axes}-ubyte", "t10k"),
        ("qmnist.{part}-{kind}-idx{axes}-ubyte.gz", "test"),
    ],
)
def test_dashes_dots_prefixes_and_both_names_of_the_test_part_are_read(small, name, test, tmp_path):
    put(tmp_path, small, name, test)
    data = read_idx_folder(tmp_path)
    assert is_same(data, small)
    assert data.notes == ()


def test_several_data_sets_in_one_folder_are_refused_until_one_is_named(small, tmp_path):
    letters = small | {"y_train": small["y_train"] + 1, "y_test": small["y_test"] + 1}
    put(tmp_path / "gzip", small, "emnist-balanced-{part}-{kind}-idx{axes}-ubyte.gz", "test")
    put(tmp_path / "gzip", letters, "emnist-letters-{part}-{kind}-idx{axes}-ubyte.gz", "test")
    with pytest.raises(DataError, match=r"holds emnist-balanced and emnist-letters; .*prefix: emnist-balanced\}"):
        load("idx", tmp_path, "gzip")
    assert load("idx", tmp_path, "gzip", prefix="emnist-letters").classes == ("1", "2", "3")
    assert load("idx", tmp_path, ".", prefix="emnist-balanced-").classes == ("0", "1", "2")
    with pytest.raises(DataError, match="begin with 'emnist-leters'; nearest name: emnist-letters"):
        load("idx", tmp_path, "gzip", prefix="emnist-leters")
    with pytest.raises(DataError, match="begin with 'svhn'; there are: emnist-balanced, emnist-letters"):
        load("idx", tmp_path, "gzip", prefix="svhn")


def test_files_without_a_prefix_are_read_beside_others_and_that_is_reported(small, tmp_path):
    put(tmp_path, small)
    letters = small | {"y_train": small["y_train"] + 1, "y_test": small["y_test"] + 1}
    put(tmp_path, letters, "emnist-letters-{part}-{kind}-idx{axes}-ubyte")
    data = read_idx_folder(tmp_path)
    assert is_same(data, small)
    assert data.notes == ("'emnist-letters' in the same folder is not read",)
    letters = read_idx_folder(tmp_path, "emnist-letters")
    assert letters.classes == ("1", "2", "3")
    assert not any("is not read" in note for note in letters.notes)


def test_several_folders_of_torchvision_are_refused_until_one_is_named(small, tmp_path):
    put(tmp_path / "MNIST" / "raw", small)
    put(tmp_path / "FashionMNIST" / "raw", small)
    with pytest.raises(DataError, match=r"name one: .*FashionMNIST.raw\} or dataset: \{idx: .*MNIST.raw\}"):
        read_idx_folder(tmp_path)
    assert is_same(read_idx_folder(tmp_path / "MNIST"), small)


def test_a_missing_file_is_named_with_its_prefix(small, tmp_path):
    put(tmp_path, small, "emnist-digits-{part}-{kind}-idx{axes}-ubyte")
    (tmp_path / "emnist-digits-train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"emnist-digits-train-labels-idx1-ubyte or .* is missing"):
        read_idx_folder(tmp_path)


def test_one_of_the_four_files_in_place_of_the_folder_is_refused_with_the_folder(small, tmp_path):
    put(tmp_path, small)
    with pytest.raises(DataError, match=rf"is a file; .* dataset: \{{idx: {tmp_path}\}}"):
        load("idx", tmp_path, "train-images-idx3-ubyte")


# Twins


TWINS = [
    "{part}-{kind}-idx{axes}-ubyte.gz",
    "{part}-{kind}.idx{axes}-ubyte",
    "{part}-{kind}.idx{axes}-ubyte.gz",
    "{part}_{kind}-idx{axes}-ubyte",
]


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("key", ["x_train", "y_train", "x_test", "y_test"])
def test_twins_that_differ_are_refused_with_both_names(small, twin, key, tmp_path):
    put(tmp_path, small)
    put(tmp_path, small, twin)
    assert is_same(read_idx_folder(tmp_path), small)  # equal twins are one file
    put(tmp_path, {key: small[key] ^ 1}, twin)
    with pytest.raises(DataError) as caught:
        read_idx_folder(tmp_path)
    part, kind = IDX_FILES[key][0].split("-")[:2]
    names = {IDX_FILES[key][0], twin.format(part=part, kind=kind, axes=small[key].ndim)}
    assert all(name in str(caught.value) for name in names)
    assert "they differ" in str(caught.value)


def test_a_twin_of_the_test_part_by_its_other_name_is_a_twin(small, tmp_path):
    put(tmp_path, small)
    put(tmp_path, {"y_test": small["y_test"] ^ 1}, test="test")
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte: test-labels-idx1-ubyte is the same file .* differ"):
        read_idx_folder(tmp_path)


def test_an_old_gz_beside_an_edited_copy_of_mnist_is_refused_too(small, tmp_path):
    put(tmp_path, small)
    put(tmp_path, {"y_train": small["y_train"] % 2}, "{part}-{kind}-idx{axes}-ubyte.gz")
    with pytest.raises(DataError, match="they differ"):
        find("dataset", "mnist").function((tmp_path,))


@pytest.mark.parametrize("below", ["raw", "gzip"])
@pytest.mark.parametrize("key", ["x_train", "y_test"])
def test_a_twin_in_a_subfolder_that_differs_is_refused_and_an_equal_one_is_reported(small, below, key, tmp_path):
    put(tmp_path, small)
    put(tmp_path / below, small, "{part}-{kind}-idx{axes}-ubyte.gz")
    data = read_idx_folder(tmp_path)
    assert is_same(data, small)
    assert data.notes == (f"files: those in {tmp_path / below} are not read",)
    put(tmp_path / below, {key: small[key] ^ 1}, "{part}-{kind}-idx{axes}-ubyte.gz")
    with pytest.raises(DataError, match=rf"{IDX_FILES[key][0]}: {below}.{IDX_FILES[key][0]}\.gz is .* they differ"):
        read_idx_folder(tmp_path)
    (tmp_path / IDX_FILES["y_train"][0]).unlink()  # what is missing is not taken from the copy
    with pytest.raises(DataError, match=rf"is missing; IDX files are in .*{below}: write"):
        read_idx_folder(tmp_path)


def test_another_data_set_in_a_subfolder_is_reported(small, tmp_path):
    put(tmp_path, small)
    put(tmp_path / "FashionMNIST" / "raw", small | {"x_test": small["x_test"] ^ 1})
    data = read_idx_folder(tmp_path)
    assert is_same(data, small)
    assert data.notes == (f"files: those in {tmp_path / 'FashionMNIST' / 'raw'} are not read",)


# What is not read is reported


@pytest.mark.parametrize("part", ["validation", "val", "extra"])
def test_files_of_further_parts_are_reported(small, part, tmp_path):
    put(tmp_path, small)
    more = f"{part}-images-idx3-ubyte"
    (tmp_path / more).write_bytes(idx(small["x_test"]))
    data = read_idx_folder(tmp_path)
    assert is_same(data, small)
    assert data.notes == (f"'{more}' in the same folder is not read",)
    put_npz(tmp_path / "npz", small)
    np.savez(tmp_path / "npz" / f"kmnist-{part}-imgs.npz", small["x_test"])
    assert load("npz", tmp_path, "npz").notes[1:] == (f"'kmnist-{part}-imgs.npz' in the same folder is not read",)


def test_files_of_further_parts_are_reported_for_the_prefix_asked_for(small, tmp_path):
    for prefix in ("a", "b"):
        put(tmp_path, small, prefix + "-{part}-{kind}-idx{axes}-ubyte")
        (tmp_path / f"{prefix}-validation-labels-idx1-ubyte.gz").write_bytes(b"")
    assert read_idx_folder(tmp_path, "b").notes == (
        "'b-validation-labels-idx1-ubyte.gz' in the same folder is not read",
    )


def test_further_arrays_of_an_npz_file_are_reported(small, tmp_path):
    data = read_changed(small, tmp_path, x_val=small["x_test"], classes=np.array(["a", "b", "c"]))
    assert is_same(data, small)
    assert data.notes == ("'x_val' in the file is not read", "'classes' in the file is not read")


# Where the files are not


@pytest.mark.parametrize(
    ("below", "name", "message"),
    [
        (
            "mnist",
            "{part}-{kind}-idx{axes}-ubyte",
            r"IDX files are in .*data.mnist: write dataset: \{idx: .*data.mnist\}",
        ),
        ("RAW", "{part}-{kind}-idx{axes}-ubyte.gz", r"write dataset: \{idx: .*data.RAW\}"),
        ("a/b", "emnist-digits-{part}-{kind}-idx{axes}-ubyte.gz", r"write dataset: \{idx: .*data.a.b\}"),
        ("", "{part}-{kind}-idx{axes}-ubyte/{part}-{kind}-idx{axes}-ubyte", "in a folder of its own; move the four"),
        ("archive", "{part}-{kind}.idx{axes}-ubyte/{part}-{kind}.idx{axes}-ubyte", "in a folder of its own; move"),
        ("", "mnist.npz", r"\{npz: .*data.mnist\.npz\}"),
        ("keras", "k.npz", r"\{npz: .*data.keras.k\.npz\}"),
        ("processed", "training.pt", r"training\.pt is PyTorch's own, which is not read; name the folder of the raw"),
        ("MNIST/processed", "test.pt", r"test\.pt is PyTorch's own"),
        ("", "gzip.zip", r"unpack .*gzip\.zip"),
        ("", "notes.txt", "the MNIST layout has four files"),
    ],
)
def test_a_folder_without_the_four_files_says_where_they_are_or_what_else_is_there(
    small, below, name, message, tmp_path
):
    for key, values in small.items():
        part, kind = IDX_FILES[key][0].split("-")[:2]
        file = tmp_path / "data" / below / name.format(part=part, kind=kind, axes=values.ndim)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(idx(values))
    with pytest.raises(DataError, match=rf"train-images-idx3-ubyte\.gz is missing; .*{message}"):
        load("idx", tmp_path, "data")


def test_a_folder_in_place_of_an_npz_file_says_what_is_in_it(small, tmp_path):
    put(tmp_path / "idx", small)
    with pytest.raises(DataError, match=r"its IDX files are read by dataset: \{idx: .*idx\}"):
        load("npz", tmp_path, "idx")
    (tmp_path / "keras").mkdir()
    np.savez(tmp_path / "keras" / "mnist.npz", **small)
    with pytest.raises(DataError, match=r"\{npz: .*keras.mnist\.npz\}"):
        load("npz", tmp_path, "keras")


@pytest.mark.parametrize(
    "name",
    ["{part}-{kind}-idx{axes}-ubyte.GZ", "{part}-{kind}.IDX{axes}-UBYTE", "EMNIST-{part}-{kind}-idx{axes}-ubyte.Gz"],
)
def test_names_in_capitals_are_read(small, name, tmp_path):
    stored = small | {key: small[key].swapaxes(1, 2) for key in ("x_train", "x_test")} if "EMNIST" in name else small
    for key, values in stored.items():
        part, kind = (word.upper() for word in IDX_FILES[key][0].split("-")[:2])
        (tmp_path / name.format(part=part, kind=kind, axes=values.ndim)).write_bytes(gzip.compress(idx(values)))
    assert is_same(read_idx_folder(tmp_path), small)


@pytest.mark.parametrize("prefix", ["kmnist", "train", "emnist-letters-"])
def test_a_prefix_of_files_without_one_is_refused_as_that(small, prefix, tmp_path):
    put(tmp_path, small)
    with pytest.raises(
        DataError, match=rf"begin with '{prefix.rstrip('-')}'; those there have no prefix; leave it out"
    ):
        read_idx_folder(tmp_path, prefix)
    put(tmp_path, small, "qmnist-{part}-{kind}-idx{axes}-ubyte")
    with pytest.raises(DataError, match="qmnist; others have no prefix, and are read without one"):
        read_idx_folder(tmp_path, prefix)


def test_the_hidden_files_of_macos_are_left_out(small, tmp_path):
    put(tmp_path, small)
    for file in list(tmp_path.iterdir()):
        (tmp_path / f"._{file.name}").write_bytes(b"\0\5\x16\7")
    (tmp_path / "._validation-images-idx3-ubyte").write_bytes(b"\0\5\x16\7")
    assert read_idx_folder(tmp_path).notes == ()
    put_npz(tmp_path / "npz", small)
    for file in list((tmp_path / "npz").iterdir()):
        (tmp_path / "npz" / f"._{file.name}").write_bytes(b"\0\5\x16\7")
    assert is_same(load("npz", tmp_path, "npz"), small)


# EMNIST


def test_emnist_letters_are_upright_and_keep_their_labels_and_both_is_reported(small, tmp_path):
    stored = small | {key: small[key].swapaxes(1, 2) for key in ("x_train", "x_test")}
    stored |= {key: small[key] + 1 for key in ("y_train", "y_test")}
    put(tmp_path, stored, "emnist-letters-{part}-{kind}-idx{axes}-ubyte.gz", "test")
    data = read_idx_folder(tmp_path)
    assert is_same(data, small)
    assert data.classes == ("1", "2", "3")
    assert data.notes == (
        "images: EMNIST stores rows as columns, and they are swapped back",
        "labels: 1 to 3 are read as classes 0 to 2, which keep their names",
    )


def test_images_of_others_are_not_turned(small, tmp_path):
    put(tmp_path, small, "kmnist-{part}-{kind}-idx{axes}-ubyte")
    assert is_same(read_idx_folder(tmp_path), small)


def test_a_test_part_without_some_label_is_read_by_the_labels_of_the_training_part(small, tmp_path):
    put(tmp_path, small | {"y_train": small["y_train"] + 1, "y_test": np.full(10, 2, np.uint8)})
    assert read_idx_folder(tmp_path).y_test.tolist() == [1] * 10


def test_classes_that_keep_their_names_have_a_checksum_of_their_own(small, tmp_path):
    put(tmp_path / "from0", small)
    put(tmp_path / "from1", small | {key: small[key] + 1 for key in ("y_train", "y_test")})
    assert checksum(read_idx_folder(tmp_path / "from0")) != checksum(read_idx_folder(tmp_path / "from1"))


# Any layout: what is read is what was written


SEPARATORS = st.sampled_from("-._")
COUNTS = st.integers(2, 5)


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_layout_of_any_kind_gives_back_what_was_written_and_reports_what_it_assumed(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("layout")
    prefix = data.draw(st.sampled_from(["", "emnist-digits-", "emnist-letters-", "kmnist_", "fashion.mnist-"]))
    first, k = data.draw(st.integers(0, 1)), data.draw(COUNTS)
    place = folder / data.draw(st.sampled_from(["", "raw", "EMNIST/raw"]))
    place.mkdir(parents=True, exist_ok=True)
    rows, columns, seed = data.draw(COUNTS), data.draw(COUNTS), data.draw(st.integers(0, 99))
    rng = np.random.default_rng(seed)
    truth = {}
    for part, n in (("train", 20), ("test", 10)):
        truth[f"x_{part}"] = rng.integers(0, 128, (n, rows, columns)).astype(np.uint8)
        truth[f"y_{part}"] = rng.permutation(np.arange(n) % k).astype(np.uint8)
        names = "train" if part == "train" else data.draw(st.sampled_from(["t10k", "test"]))
        for axis, kind in (("x", "images"), ("y", "labels")):
            stored = truth[f"{axis}_{part}"]
            stored = stored + first if axis == "y" else stored
            stored = stored.swapaxes(1, 2) if axis == "x" and prefix.startswith("emnist") else stored
            content = idx(stored, data.draw(st.sampled_from(sorted(CODES))))
            one, two, three = (data.draw(SEPARATORS) for _ in range(3))
            for is_packed in data.draw(st.sampled_from([(False,), (True,), (False, True)])):
                file = place / f"{prefix}{names}{one}{kind}{two}idx{stored.ndim}{three}ubyte{'.gz' * is_packed}"
                file.write_bytes(gzip.compress(content) if is_packed else content)
    found = read_idx_folder(folder)
    assert is_same(found, truth)
    assert found.classes == tuple(str(label) for label in range(first, first + k))
    assert sum(note.startswith("labels: 1") for note in found.notes) == first
    assert sum(note.startswith("images: EMNIST") for note in found.notes) == prefix.startswith("emnist")
    assert sum(note.startswith("files: read in") for note in found.notes) == (place != folder)


# IDX of other types


@pytest.mark.parametrize("dtype", CODES)
def test_every_type_of_idx_is_read(small, dtype, tmp_path):
    write_idx(tmp_path, small)
    x, y = small["x_train"] // 2, small["y_train"]
    for key, values in {"x_train": x, "y_train": y}.items():
        (tmp_path / f"{IDX_FILES[key][0]}.gz").write_bytes(idx(values, dtype))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(idx(small["x_test"] // 2, dtype))
    data = read_idx_folder(tmp_path)
    np.testing.assert_array_equal(data.x_train, x.reshape(20, 15))
    np.testing.assert_array_equal(data.y_train, y)
    assert data.x_train.dtype == {"u1": "uint8", ">f4": "float32"}.get(dtype, "float64")
    assert data.x_train.dtype.isnative


@pytest.mark.parametrize(
    ("key", "content", "message"),
    [
        ("x_train", b"\0\0\x0a\x03" + bytes(12), "begins with the bytes '00 00 0a 03'"),
        ("x_train", b"\0\1\x08\x03" + bytes(12), "begins with the bytes '00 01 08 03'"),
        ("x_train", idx(np.zeros(20)), r"begins with the bytes '00 00 08 01', and IDX images begin with '00 00 08 03'"),
        ("y_train", idx(np.zeros((20, 3, 5))), "IDX labels begin with '00 00 08 01'"),
        ("x_train", idx(np.zeros((20, 3, 5)), ">i4")[:-4], "promises 20 x 3 x 5 numbers of 4 bytes and 1196 follow"),
        ("x_train", idx(np.full((20, 3, 5), np.nan), ">f4"), r"idx3-ubyte\.gz: its array has pixels that are nan"),
        ("y_train", idx(np.full(20, 0.5), ">f8"), r"holds 0\.5 at \[0\]"),
        ("y_train", idx(ONE_HOT), "one-hot rows; .*argmax"),
        ("x_train", idx(np.zeros((0, 3, 5))), "0 images, but 20 labels"),
        ("x_train", idx(np.zeros((20, 0, 5))), "is empty"),
    ],
)
def test_idx_that_cannot_be_used_is_refused_with_the_true_cause(small, key, content, message, tmp_path):
    write_idx(tmp_path, small)
    (tmp_path / f"{IDX_FILES[key][0]}.gz").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_idx_folder(tmp_path)


# npz


def put_npz(folder, arrays, prefix="kmnist", kind="imgs"):
    folder.mkdir(exist_ok=True)
    for key, values in arrays.items():
        np.savez_compressed(folder / f"{prefix}-{key[2:]}-{kind if key[0] == 'x' else 'labels'}.npz", values)


@pytest.mark.parametrize("named", ["", "/kmnist-train-imgs.npz", "/kmnist-test-labels.npz"])
def test_the_four_files_of_kmnist_are_read_by_their_folder_or_any_of_them(small, named, tmp_path):
    put_npz(tmp_path / "kmnist", small)
    with pytest.raises(DataError, match=r"its npz files are read by dataset: \{npz: .*kmnist\}"):
        load("idx", tmp_path, "kmnist")
    data = load("npz", tmp_path, f"kmnist{named}")
    assert is_same(data, small)
    assert "kmnist-train-imgs.npz" in data.notes[0]
    assert "kmnist-test-labels.npz" in data.notes[0]


def test_kmnist_beside_k49_is_refused_until_one_is_named(small, tmp_path):
    put_npz(tmp_path, small)
    put_npz(tmp_path, small | {"y_train": small["y_train"][::-1]}, "k49")
    with pytest.raises(DataError, match=r"holds k49 and kmnist; name one, .*\{npz: .*k49-.*npz\}"):
        read_npz(tmp_path)
    assert is_same(read_npz(tmp_path / "kmnist-train-imgs.npz"), small)


def test_kmnist_that_is_not_whole_is_refused(small, tmp_path):
    put_npz(tmp_path, small)
    put_npz(tmp_path, {"x_test": small["x_test"] ^ 1}, kind="images")
    with pytest.raises(DataError, match=r"kmnist-test-images\.npz: kmnist-test-imgs\.npz is the same .* differ"):
        read_npz(tmp_path)
    (tmp_path / "kmnist-test-images.npz").unlink()
    np.savez(tmp_path / "kmnist-test-imgs.npz", np.float64(3))
    with pytest.raises(DataError, match=r"kmnist-test-imgs\.npz: its array is float64 of shape \(\)"):
        read_npz(tmp_path)
    np.savez(tmp_path / "kmnist-test-imgs.npz", small["x_test"], small["y_test"])
    with pytest.raises(DataError, match=r"kmnist-test-imgs\.npz: holds 2 arrays"):
        read_npz(tmp_path)
    (tmp_path / "kmnist-test-imgs.npz").unlink()
    with pytest.raises(DataError, match=r"kmnist-test-imgs\.npz is missing"):
        read_npz(tmp_path / "kmnist-train-labels.npz")


def read_changed(small, tmp_path, **change):
    np.savez(tmp_path / "a.npz", **{**small, **change})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_every_float_is_refused_for_what_is_not_finite_and_named(small, dtype, value, tmp_path):
    x = small["x_train"].astype(dtype)
    x[7, 2, 1] = value
    with pytest.raises(DataError, match=rf"x_train has pixels .* the first at \[7, 2, 1\]: {value}; replace"):
        read_changed(small, tmp_path, x_train=x)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
def test_every_finite_float_is_read_without_a_warning(small, dtype, tmp_path):
    x, x_test = small["x_train"].astype(dtype), small["x_test"].astype(dtype)
    x[0, 0, 0] = 65504  # the largest float16
    data = read_changed(small, tmp_path, x_train=x, x_test=x_test)
    np.testing.assert_array_equal(data.x_train, x.reshape(20, 15))
    assert data.x_train.dtype == (dtype if dtype in ("float32", "float64") else "float64")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_train": ONE_HOT}, r"y_train is float64 of shape \(20, 3\): one-hot rows; .*y\.argmax\(axis=1\)"),
        ({"y_test": ONE_HOT[:10].astype(bool)}, "y_test is bool .*one-hot rows; .*argmax"),
        ({"y_test": ONE_HOT[:10].astype(np.uint8)}, "one-hot rows; .*argmax"),
        ({"y_train": ONE_HOT[:, None]}, r"shape \(20, 1, 3\): one-hot rows; .*y\.squeeze\(\)\.argmax\(axis=1\)"),
        ({"y_train": ONE_HOT.T}, r"shape \(3, 20\): one-hot columns; .*y\.argmax\(axis=0\)"),
        ({"y_test": ONE_HOT[:10].T[..., None]}, r"one-hot columns; .*y\.squeeze\(\)\.argmax\(axis=0\)"),
        ({"y_test": ONE_HOT[:10, :, None, None] > 0}, r"one-hot rows; .*y\.squeeze\(\)\.argmax\(axis=1\)"),
        ({"y_test": np.full((3, 10), 1 / 3)}, r"shape \(3, 10\), and must be 10 whole numbers"),
        ({"y_test": np.full((10, 3), 1 / 3)}, r"more than a number an image; .*argmax.*y\[:, 0\]"),
        ({"y_test": np.zeros((10, 2, 2))}, r"shape \(10, 2, 2\), and must be 10 whole numbers"),
        ({"y_test": np.zeros((1, 10), int)}, r"y\.reshape\(-1\) makes them so"),
        ({"y_test": np.zeros(0, int)}, r"of shape \(0,\), and must be 10 whole numbers"),
        ({"y_test": np.arange(10) / 2}, r"holds 0\.5 at \[1\]; .*astype\(int\)"),
        ({"y_test": np.full(10, np.nan)}, r"holds nan at \[0\]"),
        ({"y_test": np.full(10, np.inf, np.float16)}, r"holds inf at \[0\]"),
        ({"y_test": np.full(10, 1e300)}, r"holds 1e\+300 at \[0\]"),
        ({"y_test": np.full(10, 2**64 - 1, np.uint64)}, r"holds 1\.84467e\+19 at \[0\]"),
        ({"y_test": np.full(10, "cat")}, r"y_test is str\d+ .*save class numbers: .*numpy\.unique"),
        ({"y_test": np.full(10, b"1")}, r"y_test is bytes\d+ .*numpy\.unique"),
        ({"y_test": np.array(["a", 1] * 5, object)}, "pickled objects, which are refused .*astype"),
        ({"y_test": np.full(10, 1j)}, "y_test is complex128"),
        (
            {"y_train": np.arange(20) % 3 + 2},
            r"labels are 2, 3, 4, and must be 0 to k - 1 .*or 1 to k; .*numpy\.unique",
        ),
        ({"y_train": np.arange(20) % 3 * 2}, "labels are 0, 2, 4, and must be"),
        ({"y_test": np.full(10, 3)}, "the test label 3 is none of the training labels 0 to 2"),
        ({"x_train": np.zeros((20, 3, 5), complex)}, r"x_train is complex128 .*numpy\.abs"),
        ({"x_train": np.full((20, 3, 5), "7")}, r"x_train is str\d+ .*x\.astype\(float\)"),
        ({"x_train": np.zeros((20, 3, 5), "f4,i4")}, r"x_train is void\d+ of shape"),
        ({"x_train": np.zeros((0, 3, 5))}, r"x_train is empty: its shape is \(0, 3, 5\)"),
        ({"x_train": np.zeros(20)}, r"x_train is float64 of shape \(20,\), and must be numbers of shape"),
        ({"x_train": np.zeros((3, 5, 20))}, r"if the images lie along axis 2, numpy\.moveaxis\(x, 2, 0\)"),
        ({"x_train": np.zeros((20, 15))}, r"training images have the shape \(15,\) and test images \(3, 5\)"),
        ({"x_train": np.full((20, 3, 5), 0.5)}, "training images are float64 and test images uint8, .*one scale"),
        (
            {"x_test": np.full((10, 3, 5), 0.5, np.float16)},
            "training images are uint8 and test images float16, not all",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused_with_the_remedy(small, change, message, tmp_path):
    with pytest.raises(DataError, match=message):
        read_changed(small, tmp_path, **change)


SCALES = {
    "bytes": lambda x: x,
    "float32 of 0 to 255": lambda x: x.astype(np.float32),
    "float64 of 0 to 255, with fractions": lambda x: x * 0.999,
    "uint16 of 0 to 65535": lambda x: x.astype(np.uint16) * 257,
    "-1 to 1": lambda x: x / 127.5 - 1,
    "0 to 1": lambda x: x / 255,
    "float16 of 0 to 1": lambda x: (x / 255).astype(np.float16),
    "float32, 0 or 1": lambda x: (x > 127).astype(np.float32),
    "bytes, 0 or 1": lambda x: x // 128,
    "all 0, by whole division": lambda x: x // 2 // 128,
}
LARGE = list(SCALES)[:4]


@pytest.mark.parametrize("small_scale", list(SCALES)[4:])
@pytest.mark.parametrize("large_scale", LARGE)
@pytest.mark.parametrize("scaled", ["x_train", "x_test"])
def test_training_and_test_images_on_two_scales_are_refused(small, small_scale, large_scale, scaled, tmp_path):
    change = {key: SCALES[small_scale if key == scaled else large_scale](small[key]) for key in ("x_train", "x_test")}
    with pytest.raises(
        DataError, match=r"a\.npz: training images are .* and test images .*; one of them may be scaled"
    ):
        read_changed(small, tmp_path, **change)


@pytest.mark.parametrize("scale", SCALES)
def test_images_on_one_scale_are_read_also_with_a_few_odd_ones(small, scale, tmp_path):
    change = {key: SCALES[scale](small[key]) for key in ("x_train", "x_test")}
    change["x_test"][:3] = 0
    change["x_train"][0] *= 200
    assert read_changed(small, tmp_path, **change).notes == ()


def test_floats_of_any_byte_order_keep_their_width(small, tmp_path):
    for dtype in (">f4", "<f4", ">f8", "<f8"):
        data = read_changed(small, tmp_path, **{key: small[key].astype(dtype) for key in ("x_train", "x_test")})
        assert data.x_train.dtype == np.dtype(f"=f{dtype[-1]}")
        assert data.x_train.dtype.isnative
        assert is_same(data, small)


def test_whole_floats_and_booleans_are_read_as_labels_and_reported(small, tmp_path):
    floats = {key: small[key].astype(np.float16) for key in ("y_train", "y_test")}
    data = read_changed(small, tmp_path, **floats)
    assert is_same(data, small)
    assert [note.partition(":")[0] for note in data.notes] == ["y_train", "y_test"]
    assert checksum(data) == checksum(read_changed(small, tmp_path))
    two = {key: small[key] > 0 for key in ("y_train", "y_test")}
    data = read_changed(small, tmp_path, **two)
    assert data.y_train.tolist() == two["y_train"].astype(int).tolist()
    assert data.notes[0] == "y_train: False is read as class 0 and True as class 1"


def test_channels_are_flattened_with_the_pixels(small, tmp_path):
    channels = {key: np.repeat(small[key][..., None], 3, axis=-1) for key in ("x_train", "x_test")}
    data = read_changed(small, tmp_path, **channels)
    np.testing.assert_array_equal(data.x_train, channels["x_train"].reshape(20, 45))
    assert data.notes == ()


def test_two_arrays_of_one_name_are_refused(small, tmp_path):
    np.savez(tmp_path / "a.npz", **small)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as archive:
        archive.writestr("y_train", archive.read("y_test.npy"))
    with pytest.raises(DataError, match="holds two arrays of one name"):
        read_npz(tmp_path / "a.npz")

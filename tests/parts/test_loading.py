"""Data sets are loaded once a process, and again when their files change."""

import os
from pathlib import Path

import numpy as np
import pytest

import initbench
from initbench.errors import DataError
from initbench.parts.datasets import loading, tables
from initbench.parts.datasets.facts import FACTS, checksum
from initbench.parts.datasets.images import write_idx
from initbench.parts.datasets.loading import load_dataset
from initbench.registry import find

FOLDERS = (Path("."),)


@pytest.fixture(autouse=True)
def nothing_loaded(monkeypatch):
    monkeypatch.setattr(loading, "_loaded", type(loading._loaded)())


def write_table(file, last=19):
    file.write_text("size,y\n" + "".join(f"{i / 2 if i < 19 else last},{i % 2}\n" for i in range(20)), encoding="utf-8")
    return {name: p.default for name, p in find("dataset", "csv").parameters.items()} | {
        "file": str(file),
        "target": "y",
    }


def count_reads(monkeypatch):
    reads = []
    read = tables.read_table
    monkeypatch.setattr(tables, "read_table", lambda *args: reads.append(args) or read(*args))
    return reads


def test_a_file_is_parsed_once_for_the_config_the_plan_and_the_training(tmp_path, monkeypatch):
    write_table(tmp_path / "t.csv")
    (tmp_path / "t.yaml").write_text(
        "dataset: {csv: t.csv, target: y}\ndepth: 1\nwidth: 2\nepochs: 1\nseeds: 1\n", encoding="utf-8"
    )
    reads = count_reads(monkeypatch)
    for _ in range(2):
        initbench.run(tmp_path / "t.yaml", results=tmp_path / "results")
    assert len(reads) == 1


def test_a_race_parses_its_file_once(tmp_path, monkeypatch):
    write_table(tmp_path / "t.csv")
    (tmp_path / "t.yaml").write_text(
        "dataset: {csv: t.csv, target: y}\ndepth: 1\nwidth: 2\nepochs: 1\nseeds: 2\ninitializer: [zeros, he_normal]\n",
        encoding="utf-8",
    )
    reads = count_reads(monkeypatch)
    initbench.run(tmp_path / "t.yaml", results=tmp_path / "results", until_decided=True, max_seeds=4)
    assert len(reads) == 1


def test_a_file_that_changes_is_read_again(tmp_path):
    parameters = write_table(tmp_path / "t.csv")
    first = load_dataset("csv", parameters, FOLDERS)
    assert load_dataset("csv", parameters, FOLDERS) is first
    write_table(tmp_path / "t.csv", last=99)
    os.utime(tmp_path / "t.csv", ns=(1, 1))
    assert 99 in np.concatenate(
        [load_dataset("csv", parameters, FOLDERS).x_train, load_dataset("csv", parameters, FOLDERS).x_test]
    )


def test_other_options_and_a_fault_are_not_taken_from_memory(tmp_path):
    parameters = write_table(tmp_path / "t.csv")
    plain = load_dataset("csv", parameters, FOLDERS)
    assert load_dataset("csv", parameters | {"positive": "0"}, FOLDERS).classes == plain.classes[::-1]
    (tmp_path / "t.csv").write_text("size,y\n", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(DataError):
            load_dataset("csv", parameters, FOLDERS)


def test_data_sets_beyond_a_gigabyte_make_room_for_each_other(tmp_path, monkeypatch):
    first, second = (write_table(tmp_path / name) for name in ("a.csv", "b.csv"))
    monkeypatch.setattr(loading, "MOST_KEPT", 1)
    load_dataset("csv", first, FOLDERS)
    load_dataset("csv", second, FOLDERS)
    assert len(loading._loaded) == 1


def test_what_is_shared_cannot_be_changed(tmp_path):
    with pytest.raises(ValueError, match="read-only"):
        load_dataset("csv", write_table(tmp_path / "t.csv"), FOLDERS).x_train[0] = 1


def make_images(seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (30, 3, 5)).astype(np.uint8)
    y = (np.arange(30) % 3).astype(np.uint8)
    return {"x_train": x[:20], "y_train": y[:20], "x_test": x[20:], "y_test": y[20:]}


@pytest.mark.parametrize("below", ["", "raw", "gzip", "MNIST/raw"])
@pytest.mark.parametrize("is_absolute", [True, False])
def test_images_that_change_in_place_are_read_again(tmp_path, below, is_absolute):
    parameters = {"file": str(tmp_path / "data") if is_absolute else "data", "prefix": ""}
    write_idx(tmp_path / "data" / below, make_images(0))
    first = load_dataset("idx", parameters, (tmp_path,))
    assert load_dataset("idx", parameters, (tmp_path,)) is first
    write_idx(tmp_path / "data" / below, make_images(1))
    second = load_dataset("idx", parameters, (tmp_path,))
    np.testing.assert_array_equal(second.x_train, make_images(1)["x_train"].reshape(20, 15))


@pytest.mark.parametrize("named", [".", "kmnist-train-imgs.npz", "kmnist-test-labels.npz"])
def test_each_of_the_four_files_of_kmnist_is_looked_at(tmp_path, named):
    def write(images):
        for key, values in images.items():
            np.savez(tmp_path / f"kmnist-{key[2:]}-{'imgs' if key[0] == 'x' else 'labels'}.npz", values)

    write(make_images(0))
    first = load_dataset("npz", {"file": named}, (tmp_path,))
    assert load_dataset("npz", {"file": named}, (tmp_path,)) is first
    write(make_images(0) | {"x_test": make_images(1)["x_test"]})
    second = load_dataset("npz", {"file": named}, (tmp_path,))
    np.testing.assert_array_equal(second.x_test, make_images(1)["x_test"].reshape(10, 15))


def test_a_relative_table_is_looked_at_where_it_was_found(tmp_path):
    parameters = write_table(tmp_path / "t.csv") | {"file": "t.csv"}
    first = load_dataset("csv", parameters, (tmp_path / "empty", tmp_path))
    assert load_dataset("csv", parameters, (tmp_path / "empty", tmp_path)) is first
    write_table(tmp_path / "t.csv", last=99.5)
    assert load_dataset("csv", parameters, (tmp_path / "empty", tmp_path)) is not first


def test_results_written_beside_images_do_not_make_them_read_again(tmp_path):
    write_idx(tmp_path, make_images(0))
    first = load_dataset("idx", {"file": ".", "prefix": ""}, (tmp_path,))
    (tmp_path / "results" / "mine").mkdir(parents=True)
    (tmp_path / "results" / "mine" / "runs.sqlite").write_bytes(b"")
    assert load_dataset("idx", {"file": ".", "prefix": ""}, (tmp_path,)) is first


def test_a_copy_of_mnist_that_changes_is_checked_again(tmp_path, monkeypatch):
    write_idx(tmp_path / "MNIST" / "raw", make_images(0))
    known = checksum(find("dataset", "idx").function((tmp_path,), file="MNIST/raw"))
    monkeypatch.setitem(FACTS, "mnist", FACTS["mnist"]._replace(checksum=known))
    first = load_dataset("mnist", {}, (tmp_path,))
    assert load_dataset("mnist", {}, (tmp_path,)) is first
    write_idx(tmp_path / "MNIST" / "raw", make_images(1))
    with pytest.raises(DataError, match="not the original MNIST"):
        load_dataset("mnist", {}, (tmp_path,))

"""Data sets are loaded once a process, and again when their files change."""

import os
from pathlib import Path

import numpy as np
import pytest

import initbench
from initbench.errors import DataError
from initbench.parts.datasets import loading, tables
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

"""``initbench data``: list, get, verify."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from initbench.cli.data import data
from initbench.errors import MissingDataError, UsageError
from initbench.parts.datasets.facts import FACTS
from initbench.parts.datasets.mnist import PACKAGED


@pytest.fixture(autouse=True)
def _no_data_of_the_user(monkeypatch, tmp_path):
    monkeypatch.delenv("INITBENCH_DATA", raising=False)
    monkeypatch.setattr("initbench.parts.datasets.places.user_cache_path", lambda name: tmp_path / "cache")
    monkeypatch.chdir(tmp_path)


def invoke(*arguments):
    return CliRunner().invoke(data, arguments)


def test_list_tells_what_is_at_hand_without_loading_it(monkeypatch):
    monkeypatch.setattr("initbench.parts.datasets.images.read_idx", None)
    lines = {line.split()[0]: line for line in invoke("list").stdout.splitlines()}
    assert {"name", "digits", "mnist", "mnist-10k", "churn", "csv", "idx", "npz"} <= set(lines)
    assert "10000       784       10  comes with initbench" in lines["mnist-10k"]
    assert "no: initbench data get mnist" in lines["mnist"]


def test_list_looks_into_the_data_folder():
    assert str(PACKAGED) in invoke("list", "--data-dir", str(PACKAGED)).stdout


def test_verify_is_content_with_what_comes_with_the_package():
    for name in ("digits", "mnist-10k", "churn"):
        result = invoke("verify", name)
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith(f"{name}: fine")


def test_verify_tells_all_and_fails_only_for_a_missing_one_that_was_asked_for():
    assert invoke("verify", "mnist").exit_code == 1
    result = invoke("verify")
    assert result.exit_code == 0
    assert "mnist: not at hand; to fetch it: initbench data get mnist\n" in result.stdout
    assert result.stdout.count(": fine") == 3


def test_verify_catches_a_wrong_copy_and_a_wrong_checksum(monkeypatch):
    result = invoke("verify", "mnist", "--data-dir", str(PACKAGED))
    assert result.exit_code == 1
    assert "mnist: wrong: " in result.stdout
    monkeypatch.setitem(FACTS, "digits", FACTS["digits"]._replace(checksum="0" * 64))
    result = invoke("verify", "digits")
    assert result.exit_code == 1
    assert "digits: wrong: sha256 is " in result.stdout


def test_get_tells_where_the_data_lie():
    result = invoke("get", "churn")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "churn: generated when asked for\n", "")


def test_get_fetches_into_the_folder_that_is_named(monkeypatch, tmp_path):
    def fetch(folder):
        (folder / "mnist.npz").touch()

    monkeypatch.setattr("initbench.parts.datasets.mnist._download", fetch)
    result = invoke("get", "mnist", "--data-dir", ".")
    assert result.stdout == f"mnist: {tmp_path / 'mnist.npz'}\n"
    assert result.stderr == "fetching mnist ...\n"


def test_get_without_network_names_the_ways_out(monkeypatch):
    def fetch(*arguments, **options):
        raise OSError("no network")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    result = invoke("get", "mnist")
    assert isinstance(result.exception, MissingDataError)
    assert "no network" in str(result.exception)


@pytest.mark.parametrize("command", ["get", "verify"])
@pytest.mark.parametrize(
    ("name", "message"), [("csv", "'csv' has no checksum"), ("mnits", "unknown dataset 'mnits'; nearest name: mnist")]
)
def test_a_name_that_cannot_be_fetched_is_told(command, name, message):
    result = invoke(command, name)
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)


@pytest.mark.parametrize("arguments", [["-h"], ["list", "-h"], ["get", "--help"], ["verify", "-h"]])
def test_help_has_an_example(arguments):
    result = invoke(*arguments)
    assert result.exit_code == 0
    assert "initbench data " in result.stdout

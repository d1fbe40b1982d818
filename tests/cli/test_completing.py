"""The tab key offers what can be typed next."""

import pytest
from click.shell_completion import BashComplete, ShellComplete

from initbench import registry
from initbench.claims.read import CLAIM
from initbench.cli import main
from initbench.config import bundled
from initbench.config.keys import KEYS
from initbench.errors import UsageError


@pytest.fixture
def offered(tmp_path, monkeypatch):
    """What is offered after some words for the beginning of another."""
    monkeypatch.chdir(tmp_path)
    for name in ("mine.yaml", "other.yml", "mine.py", "mine.csv"):
        (tmp_path / name).write_text("", encoding="utf-8")
    (tmp_path / "more").mkdir()

    def offer(*words):
        *before, incomplete = words
        completion = ShellComplete(main, {}, "initbench", "_INITBENCH_COMPLETE")
        return [item.value for item in completion.get_completions(before, incomplete)]

    return offer


@pytest.mark.parametrize("words", [("run",), ("run", "smoke"), ("probe",), ("cite",), ("data", "describe")])
def test_configs_are_bundled_names_and_files(offered, words):
    assert offered(*words, "relu_d") == ["relu_deep"]
    found = offered(*words, "")
    assert set(bundled()) | {"mine.yaml", "other.yml", "more/"} <= set(found)
    assert "mine.py" not in found or words == ("data", "describe")


def test_check_also_takes_parts(offered):
    assert {"he_normal", "smoke", "mine.yaml"} <= set(offered("check", ""))


def test_parts_come_once(offered):
    found = offered("explain", "")
    assert len(found) == len(set(found))
    assert set(found) == {name for kind in registry.FOLDERS for name in registry.names(kind)} | set(KEYS)
    assert offered("explain", "he_n") == ["he_normal"]
    assert offered("explain", "dep") == ["depth"]


@pytest.mark.parametrize("words", [("theory",), ("phase",), ("explain", "he_normal", "--activation")])
def test_activations(offered, words):
    assert offered(*words, "") == registry.names("activation")


@pytest.mark.parametrize("words", [("claims", "show"), ("claims", "run")])
def test_claims(offered, words):
    assert set(bundled(CLAIM)) <= set(offered(*words, ""))


@pytest.mark.parametrize("command", ["run", "probe", "check", "cite"])
def test_keys_of_a_config(offered, command):
    assert offered(command, "smoke", "-s", "learning") == ["learning_rate="]
    assert set(offered(command, "smoke", "-s", "")) == {f"{key}=" for key in KEYS}


def test_kinds_data_sets_and_plugins(offered):
    assert offered("list", "c") == ["configs", "claims"]
    assert offered("data", "get", "mn") == ["mnist", "mnist-10k"]
    assert offered("run", "smoke", "--plugin", "m") == ["mine.py", "more/"]


def test_what_cannot_be_found_out_is_not_offered(offered, monkeypatch):
    def broken(kind):
        raise UsageError("planted")

    monkeypatch.setattr(registry, "entries", broken)
    assert offered("explain", "he") == []


def test_the_line_of_the_help_text_enables_it(monkeypatch):
    script = BashComplete(main, {}, "initbench", "_INITBENCH_COMPLETE")
    monkeypatch.setattr(script, "_check_version", lambda: None)
    assert "_INITBENCH_COMPLETE=bash_complete" in script.source()
    assert "_INITBENCH_COMPLETE=bash_source initbench" in main.epilog

"""The nearest name is one that the user may have meant, or none."""

import pytest
from click.testing import CliRunner

from initbench.cli import main
from initbench.config import bundled
from initbench.config.keys import KEYS
from initbench.errors import close_names, nearest
from initbench.registry import FOLDERS, entries, lookup, nearest_name

STRANGE = (
    "foo",
    "bar",
    "baz",
    "xyz",
    "test",
    "custom",
    "hello",
    "sawtooth",
    "transformer",
    "my_init",
    "halves",
    "?",
)


@pytest.mark.parametrize(
    ("kind", "typed", "meant"),
    [
        ("initializer", "he_norml", "he_normal"),
        ("initializer", "HeNorml", "he_normal"),
        ("initializer", "zeross", "zeros"),
        ("initializer", "orthognal", "orthogonal"),
        ("initializer", "glorot_un", "glorot_uniform"),
        ("activation", "rellu", "relu"),
        ("activation", "tahn", "tanh"),
        ("dataset", "digts", "digits"),
        ("optimizer", "adm", "adam"),
    ],
)
def test_a_slip_of_the_hand_finds_the_part_that_was_meant(kind, typed, meant):
    assert nearest_name(kind, typed) == meant


@pytest.mark.parametrize(
    ("typed", "names", "meant"),
    [
        ("sd", ["mean", "std"], "std"),
        ("sdt", ["mean", "std"], "std"),
        ("epoch", KEYS, "epochs"),
        ("depht", KEYS, "depth"),
        ("rate", KEYS, "learning_rate"),
        ("Batch-Size", KEYS, "batch_size"),
        ("churn", bundled(), "churn_csv"),
        ("relu_dep", bundled(), "relu_deep"),
        ("statu", ["run", "status"], "status"),
        ("exit", ["Age", "Exited"], "Exited"),
        ("Churn", ["Age", "Churn?"], "Churn?"),
        ("TARGET_2", ["Age", "target"], "target"),
    ],
)
def test_the_nearest_name_differs_in_a_letter_or_two_or_holds_what_was_typed(typed, names, meant):
    assert nearest(typed, names) == meant


@pytest.mark.parametrize("typed", STRANGE)
def test_no_name_is_near_what_is_like_none(typed):
    for kind in FOLDERS:
        assert nearest_name(kind, typed) == ""
    for names in (KEYS, bundled(), ["run", "status", "explain"], ["a", "b", "c"], ["Age", "Exited", "Geography"]):
        assert nearest(typed, names) == ""


@pytest.mark.parametrize(("typed", "names"), [("d", "abc"), ("c9", ["c1", "c2"]), ("age", ["sex", "job"])])
def test_another_short_name_is_not_near(typed, names):
    assert nearest(typed, names) == ""


def test_every_part_that_lost_a_letter_is_found():
    for kind in FOLDERS:
        for entry in entries(kind):
            typed = entry.name[:-2] + entry.name[-1]
            if len(typed) > 3 and lookup(kind, typed) is None:
                assert nearest_name(kind, typed), typed


def test_close_names_come_closest_first():
    assert close_names("relu", ["relu_shallow", "relu_deep", "tanh"], most=3) == ["relu_deep", "relu_shallow"]
    assert close_names("relu", ["relu_shallow", "relu_deep", "relu6"], most=1) == ["relu6"]


def test_what_comes_without_its_plugin_is_said_to_need_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("initializer: sawtooth\n")
    for command in (
        ["check", "mine.yaml"],
        ["run", "mine.yaml"],
        ["explain", "sawtooth"],
        ["check", "sawtooth"],
    ):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 2
        assert "--plugin FILE.py" in result.stderr
        assert "nearest" not in result.stderr


def test_a_key_of_a_config_is_explained():
    result = CliRunner().invoke(main, ["explain", "learning_rate"])
    assert (result.exit_code, result.stdout) == (0, "learning_rate: a key of a config, a number (default: 0.05)\n")
    assert "nearest name: learning_rate" in CliRunner().invoke(main, ["explain", "learning_rat"]).stderr

"""The laws that users can hold their own parts against: they hold for ours, and each planted fault is told in words."""

import os
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from initbench.cli import main
from initbench.conformance import broken_laws, has_laws, layer_draws_differ
from initbench.contracts import Activation, Optimizer
from initbench.registry import About, Entry, entries

OURS = [
    entry for kind in ("initializer", "bias", "activation", "optimizer") for entry in entries(kind) if has_laws(entry)
]


@pytest.mark.parametrize("entry", OURS, ids=lambda entry: f"{entry.kind}-{entry.name}")
def test_our_parts_keep_the_laws(entry):
    assert broken_laws(entry) == []


def entry_of(kind, function):
    function.__doc__ = "A part with a fault."
    return Entry(kind, "faulty", function, {}, About())


SHARED = np.random.default_rng(0)


def wrong_steps(weights, gradients, states, learning_rate, count):
    weights -= learning_rate * gradients.mean(axis=0, keepdims=True)


FAULTS = {
    "weights of shape": ("initializer", lambda shape, rng: np.zeros(shape[::-1])),
    "drawn in float64": ("initializer", lambda shape, rng: np.zeros(shape, np.float32)),
    "weights are finite": ("initializer", lambda shape, rng: np.full(shape, np.nan)),
    "never share draws": ("initializer", lambda shape, rng: np.random.default_rng(3).normal(size=shape)),
    "only source of chance": ("initializer", lambda shape, rng: SHARED.normal(size=shape)),
    "works at its defaults": ("optimizer", lambda: 3),
    "or raises ShapeError: ZeroDivisionError": (
        "initializer",
        lambda shape, rng: np.zeros(shape) / (1 // (shape[0] // 7)),
    ),
    "biases of shape": ("bias", lambda shape, rng: np.zeros(shape[0])),
    "equals its central difference": (
        "activation",
        lambda: Activation(lambda z, out: np.tanh(z, out=out), lambda z, v, out: 1.01 - v * v),
    ),
    "keeps shape and dtype": (
        "activation",
        lambda: Activation(lambda z, out: z.astype("f8"), lambda z, v, out: out * 0 + 1),
    ),
    "leaves z as it is": (
        "activation",
        lambda: Activation(lambda z, out: np.multiply(z, 2, out=z), lambda z, v, out: np.full_like(z, 2)),
    ),
    "is elementwise": (
        "activation",
        lambda: Activation(lambda z, out: z - z.mean(), lambda z, v, out: np.ones_like(z)),
    ),
    "bottom of a bowl": ("optimizer", lambda: Optimizer(0, lambda w, g, s, r, c: None)),
    "does not depend on its neighbours": ("optimizer", lambda: Optimizer(0, wrong_steps)),
}


@pytest.mark.parametrize("sentence", FAULTS)
def test_a_planted_fault_is_told_in_words(sentence):
    kind, function = FAULTS[sentence]
    assert any(sentence in law for law in broken_laws(entry_of(kind, function))), broken_laws(entry_of(kind, function))


def test_layers_of_equal_shape_get_draws_of_their_own():
    assert layer_draws_differ(next(e for e in OURS if e.name == "he_normal"))
    assert not layer_draws_differ(entry_of("initializer", lambda shape, rng: np.ones(shape)))


def test_check_holds_a_users_part_against_the_laws(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "import numpy as np\nfrom initbench.registry import initializer\n\n"
        "@initializer('sound')\ndef sound(shape, rng):\n    'Fine.'\n    return rng.normal(size=shape)\n\n"
        "@initializer('unsound')\ndef unsound(shape, rng):\n    'Not fine.'\n    return rng.normal(size=shape[::-1])\n"
    )
    fine = CliRunner().invoke(main, ["check", "sound", "--plugin", "mine.py"])
    assert (fine.exit_code, fine.stdout) == (0, "sound: keeps every law of its kind\n")
    wrong = CliRunner().invoke(main, ["check", "unsound", "--plugin", "mine.py"])
    assert wrong.exit_code == 2
    assert "weights of shape (1, 7): got (7, 1)" in wrong.stdout


def test_an_installed_package_offers_parts_by_its_entry_point(tmp_path):
    (tmp_path / "their_package.py").write_text(
        "from initbench.registry import initializer\n\n"
        "@initializer('theirs')\ndef theirs(shape, rng, *, scale: float = 1.0):\n"
        "    'Comes from another package.'\n    return rng.normal(scale=scale, size=shape)\n"
    )
    about = tmp_path / "their_package-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[initbench.parts]\nparts = their_package\n")
    (tmp_path / "c.yaml").write_text("initializer: [{theirs: {scale: 0.1}}]\ndepth: 1\nwidth: 4\nepochs: 1\nseeds: 2\n")
    done = subprocess.run(
        [sys.executable, "-m", "initbench", "run", "c.yaml", "-j", "2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "theirs(scale=0.1)" in (tmp_path / "results" / "c" / "accuracy.csv").read_text()

"""Transfer learning: trained weights are kept, and another run starts from them."""

import numpy as np
import pytest

from initbench import run
from initbench.errors import ConfigError

CONFIG = "dataset: digits\ndepth: 2\nwidth: 16\nlearning_rate: 0.2\nepochs: 4\nseeds: 1\n"


@pytest.fixture
def first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first.yaml").write_text(CONFIG)
    results = run("first.yaml", changes=["record=[curves, weights]"])
    (file,) = (results.folder / "weights").glob("*.npz")
    assert file.stem == results.runs["cell"][0]
    return results, file


def start(file, tmp_path, **more):
    (tmp_path / "second.yaml").write_text(CONFIG)
    parameters = ", ".join(f"{key}: {value}" for key, value in {"file": file, **more}.items())
    return run("second.yaml", changes=[f"initializer={{pretrained: {{{parameters}}}}}", "epochs=1"])


def test_a_network_starts_where_the_other_ended(first, tmp_path):
    results, file = first
    ended = results.curves.query("epoch == 4")["test_loss"].item()
    started = start(file, tmp_path).curves.query("epoch == 0")["test_loss"].item()
    assert started == pytest.approx(ended, rel=1e-6)


def test_only_the_layers_asked_for_are_taken(first, tmp_path):
    results, file = first
    ended = results.curves.query("epoch == 4")["test_loss"].item()
    found = start(file, tmp_path, layers=2)
    assert found.curves.query("epoch == 0")["test_loss"].item() > 2 * ended
    assert start(file, tmp_path, layers=9).runs["status"].item() == "failed"


def test_other_weights_under_the_same_name_are_another_cell(first, tmp_path):
    _, file = first
    before = start(file, tmp_path).runs["cell"].item()
    arrays = dict(np.load(file))
    arrays["biases_0"] = arrays["biases_0"] + 1
    np.savez(file, **arrays)
    assert start(file, tmp_path).runs["cell"].item() != before


def test_a_file_that_is_none_or_holds_no_weights_is_told(first, tmp_path):
    with pytest.raises(ConfigError, match=r"no file or folder 'nowhere\.npz'"):
        start("nowhere.npz", tmp_path)
    (tmp_path / "text.npz").write_text("no arrays")
    runs = start("text.npz", tmp_path).runs
    assert runs["status"].item() == "failed"
    assert "no file of trained weights" in runs["error"].item()


def test_weights_that_are_asked_for_later_are_made(first, tmp_path):
    results, file = first
    file.unlink()
    again = run("first.yaml", changes=["record=[curves, weights]"])
    assert file.exists()
    assert again.curves["test_loss"].tolist() == results.curves["test_loss"].tolist()

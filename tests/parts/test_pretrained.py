"""Transfer learning: trained weights are kept, and another run starts from them."""

import re
from pathlib import Path

import numpy as np
import pytest
from blocks import ScaleTwice, ScaleVector

from initbench import run
from initbench.config import read_experiment
from initbench.contracts import METRICS
from initbench.engine.blocks.activation import Activate
from initbench.engine.blocks.dense import Dense
from initbench.engine.blocks.normalization import Normalization
from initbench.errors import ConfigError
from initbench.registry import architecture

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
    with pytest.raises(ConfigError, match="3 of its 3 layers fit"):
        start(file, tmp_path, layers=9)


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
    with pytest.raises(ConfigError, match=r"npz}}: 'pretrained\(text.npz\)': .*no file of trained weights"):
        start("text.npz", tmp_path)


def test_weights_that_are_asked_for_later_are_made(first, tmp_path):
    results, file = first
    file.unlink()
    again = run("first.yaml", changes=["record=[curves, weights]"])
    assert file.exists()
    assert again.curves["test_loss"].tolist() == results.curves["test_loss"].tolist()


# All that a network trains

RICH = """\
dataset: digits
hidden: [12, 12, 12, 12, 9]
activation: prelu
normalization: [none, batch, layer]
residual: [none, plain, rezero, fixup]
optimizer: adam
learning_rate: 0.01
train_rows: 200
batch_size: 20
epochs: 2
seeds: [3]
record: [curves, weights]
"""


def at_epoch(results, epoch):
    return results.curves.query("epoch == @epoch")[list(METRICS)].to_numpy()


@pytest.fixture(scope="module")
def rich(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rich")
    (folder / "rich.yaml").write_text(RICH)
    return run(folder / "rich.yaml", results=folder)


def continued(rich, row, file):
    """One more epoch from the weights in a file."""
    changes = [f"normalization={row.normalization}", f"residual={row.residual}", "epochs=1", "record=[curves]"]
    changes.append(f"initializer={{pretrained: {{file: '{file}'}}}}")
    folder = rich.folder.parent
    return run(folder / "rich.yaml", results=folder / "continued", changes=changes)


def weights_file(results, cell):
    return results.folder / "weights" / f"{cell}.npz"


def test_a_network_restored_whole_is_the_network_that_was_trained(rich):
    for row, ended in zip(rich.runs.itertuples(), at_epoch(rich, 2), strict=True):
        begun = continued(rich, row, weights_file(rich, row.cell))
        assert at_epoch(begun, 0).tolist() == [ended.tolist()]  # to the last bit


class Unbiased(Dense):
    """A dense block without biases."""

    def slots(self, shape):
        return (super().slots(shape)[0]._replace(has_biases=False),)

    def forward(self, x, own, work):
        return super().forward(x, {"matrix": with_zeros(own["weights"])}, work)

    def backward(self, delta, own, work, gradients):
        matrix = with_zeros(gradients["weights"])
        below = super().backward(delta, own, work, {"matrix": matrix})
        gradients["weights"][:] = matrix[:, :-1]
        return below


def with_zeros(weights):
    """Weights and a row of biases of 0."""
    return np.concatenate([weights, np.zeros_like(weights[:, :1])], axis=1)


@pytest.fixture
def _of_a_plugin():
    """Numbers of many kinds between one layer's weights and the next one's."""

    @architecture("of_a_plugin")
    def of_a_plugin(rows, outputs, *, hidden, activation):
        blocks = ScaleVector(), Normalization("layer"), Activate(activation), Normalization("layer"), ScaleTwice()
        return [Unbiased(hidden[0]), *blocks, Dense(outputs)]


def restores(rich, fault=lambda arrays: arrays):
    """Whether a network of a plugin starts to the last bit where it ended, with a fault in the file of its weights."""
    folder, changes = rich.folder.parent, ["architecture=of_a_plugin", "normalization=none", "residual=none"]
    ended = run(folder / "rich.yaml", results=folder / "plugin", changes=[*changes, "name=plugin"])
    file = folder / "plugin.npz"
    np.savez(file, **fault(dict(np.load(weights_file(ended, ended.runs["cell"][0])))))
    changes += [f"initializer={{pretrained: {{file: '{file}'}}}}", "epochs=1", "record=[curves]"]
    begun = run(folder / "rich.yaml", results=folder / "continued", changes=changes)
    return at_epoch(begun, 0).tolist() == at_epoch(ended, 2).tolist()


@pytest.mark.usefixtures("_of_a_plugin")
def test_a_network_of_a_plugin_is_restored_whole(rich):
    assert restores(rich)


@pytest.mark.usefixtures("_of_a_plugin")
@pytest.mark.parametrize("fault", ["gains_2_0", "factors_0", "factors_2_0", "slopes_0", "biases_1"])
def test_the_check_catches_one_array_of_a_plugin_left_out(rich, fault):
    assert not restores(rich, lambda arrays: {name: array for name, array in arrays.items() if name != fault})


@pytest.mark.parametrize("kind", ["gains", "offsets", "slopes", "scales"])
def test_the_check_of_whole_networks_catches_one_kind_of_number_left_out(rich, kind, tmp_path):
    row = rich.runs.query("normalization == 'batch' and residual == 'rezero'").iloc[0]
    arrays = dict(np.load(weights_file(rich, row["cell"])))
    lacking = {name: array for name, array in arrays.items() if not name.startswith(kind)}
    assert len(lacking) < len(arrays)
    np.savez(tmp_path / "lacking.npz", **lacking)
    ended = rich.curves.query("epoch == 2 and cell == @row.cell")[list(METRICS)].to_numpy()
    assert at_epoch(continued(rich, row, tmp_path / "lacking.npz"), 0).tolist() != ended.tolist()


def test_the_names_in_a_file_of_weights_tell_all_that_the_network_trains(rich):
    row = rich.runs.query("normalization == 'layer' and residual == 'fixup'").iloc[0]
    arrays = np.load(weights_file(rich, row["cell"]))
    per_layer = {"weights": 6, "biases": 6, "gains": 5, "offsets": 5, "slopes": 5}
    wanted = {f"{kind}_{layer}" for kind, count in per_layer.items() for layer in range(count)}
    assert set(arrays) == wanted - {"slopes_2"} | {"scales_2"}  # the end of a branch has no activation
    assert [arrays[name].shape for name in ("weights_4", "gains_4", "slopes_4", "scales_2")] == [
        *((12, 9), (9,)),
        *((1,), (1,)),
    ]


# From a folder of results


@pytest.fixture
def source(tmp_path, monkeypatch):
    """Two initializers, two seeds, all with weights."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "source.yaml").write_text(CONFIG)
    return run("source.yaml", changes=["initializer=[he_normal, orthogonal]", "seeds=2", "record=[curves, weights]"])


def from_folder(parameters, *changes, results="results"):
    changes = [f"initializer={{pretrained: {{{parameters}}}}}", "epochs=1", *changes]
    return run("source.yaml", results=f"{results}/from", changes=changes)


def losses(results, epoch):
    return results.curves.query("epoch == @epoch").set_index("seed")["test_loss"].to_dict()


def test_each_seed_starts_from_the_cell_of_its_own_seed(tmp_path, source):
    one = run("source.yaml", changes=["name=one", "seeds=3", "record=[curves, weights]"])
    found = from_folder("file: results/one", "seeds=[2, 0]")
    ended = losses(one, 4)
    assert losses(found, 0) == {seed: ended[seed] for seed in (2, 0)}
    assert found.runs["initializer"].unique().tolist() == ["pretrained(results/one)"]
    again = run("results/from/source/config.yaml", results="again")
    assert again.runs["cell"].tolist() == found.runs["cell"].tolist()
    few = from_folder("file: results/one", "seeds=[2]")
    assert set(few.runs["cell"]) <= set(found.runs["cell"])
    file = weights_file(one, one.runs["cell"][2])
    np.savez(file, **{name: array + 1 for name, array in np.load(file).items()})
    assert from_folder("file: results/one", "seeds=[2]").runs["cell"].item() not in set(found.runs["cell"])


def test_one_cell_is_chosen_by_its_id_or_how_it_begins_and_is_the_same_as_its_file(source):
    row = source.runs.query("initializer == 'orthogonal' and seed == 1").iloc[0]
    found = from_folder(f"file: results/source, cell: '{row['cell'][:6]}'", "seeds=2")
    assert found.curves.query("epoch == 0 and seed == 1")["test_loss"].item() == row["test_loss"]
    by_file = from_folder(f"file: results/source/weights/{row['cell']}.npz", "seeds=2", results="other")
    assert by_file.runs["cell"].tolist() == found.runs["cell"].tolist()


def test_the_only_cell_of_a_folder_serves_other_seeds_when_it_is_named(tmp_path, first):
    results, _ = first
    (tmp_path / "source.yaml").write_text(CONFIG)
    cell = results.runs["cell"].item()
    message = f"no cells with weights have the seed 7; name one by cell: {cell} (he_normal, seed 0)"
    assert fault("file: results/first", "seeds=[0, 7]").message.endswith(message)
    assert from_folder(f"file: results/first, cell: '{cell}'", "seeds=[7]").runs["status"].item() == "ok"
    from_folder("file: results/first", "seeds=[0]")
    with pytest.raises(ConfigError, match="have the seed 7"):
        read_experiment(Path("results/from/source/config.yaml"), ["seeds=[0, 7]"])


def fault(parameters, *changes):
    with pytest.raises(ConfigError) as caught:
        read_experiment(Path("source.yaml"), [f"initializer={{pretrained: {{{parameters}}}}}", *changes])
    (found,) = caught.value.faults
    return found


def test_a_cell_that_cannot_be_found_is_told_at_its_place_with_those_that_can(tmp_path, source):
    cells = source.runs["cell"].tolist()
    unknown = fault("file: results/source, cell: nowhere")
    assert unknown.column == 43
    assert "no cell begins with 'nowhere'" in unknown.message
    assert all(cell in unknown.message for cell in cells)
    assert "2 cells with weights have the seed 0" in fault("file: results/source").message
    several = fault("file: results/source, cell: ''", "seeds=[1]")
    assert re.search(rf"{cells[1]} \(he_normal, seed 1\), {cells[3]} \(orthogonal, seed 1\)$", several.message)
    assert "no cells with weights have the seed 5" in fault("file: results/source", "seeds=[5]").message
    assert "is a file; leave it out" in fault("file: source.yaml, cell: abc").message
    assert "no cell begins with '012'" in fault("file: results/source, cell: 012").message
    (tmp_path / "empty").mkdir()
    assert "no folder of results" in fault("file: empty").message


def test_a_cell_without_recorded_weights_says_how_to_record_them(source):
    plain = run("source.yaml", changes=["name=plain", "seeds=1", "learning_rate=[0.2, 1e30]"])
    for parameters in ("file: results/plain", f"file: results/plain, cell: '{plain.runs['cell'][0]}'"):
        assert "run it with record: [curves, weights]" in fault(parameters).message
    assert "is diverged; name one that is ok" in fault(f"file: results/plain, cell: '{plain.runs['cell'][1]}'").message


def test_weights_that_do_not_fit_are_told_before_training(source, tmp_path):
    file = f"file: results/source/weights/{source.runs['cell'][0]}.npz"
    wide = fault(file, "width=[16, 17]")
    assert "0 of its 3 layers fit, from the first on" in wide.message
    assert "64x16, 16x16, 16x10, this network's 64x17, 17x17, 17x10" in wide.message
    assert "this network's 11x16" in fault(file, "dataset=churn").message
    np.savez(tmp_path / "nan.npz", weights_0=np.full((64, 16), np.nan), biases_0=np.zeros(16))
    assert "must hold finite real weights_0" in fault("file: nan.npz").message

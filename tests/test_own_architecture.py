"""The architecture on the page of own parts: its code, checked, shown, probed and trained as the page says."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from initbench import run
from initbench.cli import main
from initbench.config import Part
from initbench.engine.blocks.dense import Dense
from initbench.engine.losses import SoftmaxCrossEntropy, one_hot
from initbench.engine.network import BlockNetwork, with_ones
from initbench.engine.train import Data, Recipe, Rows, train
from initbench.errors import ShapeError
from initbench.networks import build_network
from initbench.probing import probe
from initbench.registry import find, load_plugin

PAGE = (Path(__file__).parent.parent / "docs" / "parts.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Your own architecture\n")[2].partition("\n## ")[0]


TANH = find("activation", "tanh").function()


def blocks_of(language):
    return re.findall(rf"```{language}\n(.*?)```", SECTION, re.DOTALL)


(CODE,), (CONFIG,), (PASSES, FAILS) = map(blocks_of, ("python", "yaml", "console"))


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """The file of the page in the folder where commands run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two_paths.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "two_paths.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path / "two_paths.py"


def invoke(*words):
    return CliRunner().invoke(main, [*words, "--plugin", "two_paths.py"])


def test_the_plugin_is_short():
    assert len(CODE.splitlines()) <= 60


def test_check_says_of_it_what_the_page_says(plugin):
    command, output = PASSES.split("\n", 1)
    result = CliRunner().invoke(main, shlex.split(command)[2:])
    assert (result.exit_code, result.stdout) == (0, output)


def test_check_says_of_the_fault_what_the_page_says(plugin):
    plugin.write_text(CODE.replace("delta[..., :width].copy(), None", "delta[..., :width], None"), encoding="utf-8")
    assert plugin.read_text(encoding="utf-8") != CODE
    command, output = FAILS.split("\n", 1)
    result = CliRunner().invoke(main, shlex.split(command)[2:])
    assert (result.exit_code, result.stdout) == (2, output)


def test_list_and_explain_show_it(plugin):
    assert "two_paths" in invoke("list", "architectures").stdout
    shown = invoke("explain", "two_paths").stdout
    assert shown.startswith("two_paths: architecture, other\n")
    assert "Hidden layers of two branches, one of them linear, whose sum goes on." in shown
    assert "mlp: architecture, dense" in CliRunner().invoke(main, ["explain", "mlp"]).stdout


def test_branches_without_a_common_shape_are_refused(plugin):
    load_plugin(plugin)
    first, _ = find("architecture", "two_paths").function((5,), 3, hidden=(4,), activation=TANH)
    with pytest.raises(ShapeError, match="branches give rows of different shapes"):
        BlockNetwork([first.with_branches(((Dense(4),), (Dense(6),))), Dense(3)], (5,))


def test_it_trains(plugin):
    load_plugin(plugin)
    part, rng = Part("architecture", "two_paths"), np.random.default_rng(0)
    network = build_network(part, (5,), 3, hidden=(8, 8), activation=Part("activation", "tanh"))
    parameters = network.parameters(2, np.dtype("f8"))
    for weights in parameters.weights:
        weights[:] = rng.normal(scale=weights.shape[1] ** -0.5, size=weights.shape)
    x = rng.normal(size=(1, 60, 5))
    targets = one_hot((x @ rng.normal(size=(5, 3)))[0].argmax(axis=1), 3, np.dtype("f8"))[None]
    rows = Rows(with_ones(x), targets)
    recipe = Recipe(SoftmaxCrossEntropy(), find("optimizer", "sgd").function(), np.full(2, 0.2), 20, 30)
    trace = train(network, recipe, parameters, Data(rows, rows, rows), lambda: rng.permutation(60)[None])
    assert (trace.curves[:, -1, 0] < 0.3 * trace.curves[:, 0, 0]).all()
    assert (trace.curves[:, -1, 1] > 0.9).all()


def test_the_config_of_the_page_trains_both(plugin):
    result = invoke("run", "two_paths.yaml")
    assert result.exit_code == 0, result.output
    load_plugin(plugin)
    runs = run("two_paths.yaml").runs
    assert set(runs["architecture"]) == {"mlp", "two_paths"}
    assert len(runs) == 8
    assert set(runs["status"]) == {"ok"}


def test_it_is_probed_but_for_a_jacobian(plugin):
    load_plugin(plugin)
    found = probe("two_paths.yaml")
    columns = found.networks.filter(like="jacobian").assign(architecture=found.networks["architecture"])
    assert columns.groupby("architecture")["jacobian_max"].count().to_dict() == {"mlp": 4, "two_paths": 0}
    assert found.layers.groupby("architecture")["layer"].max().to_dict() == {"mlp": 3, "two_paths": 5}
    assert found.layers["preactivation_square"].notna().all()

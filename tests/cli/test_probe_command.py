"""``initbench probe``, as a user types it."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from initbench.cli import main

SMALL = """\
dataset: digits
depth: [1, 3]
width: 8
initializer: [he_normal, zeros, {normal: {std: 0.001}}]
seeds: 2
train_rows: 200
"""
FACTORS = "dataset,depth,width,activation,initializer,optimizer,learning_rate,batch_size"
COLUMNS = (
    f"{FACTORS},seed,cell,layer,units,preactivation_square,activation_mean,activation_std,gradient_square,gradient_std,"
    "weight_std,weight_gradient_norm,update_ratio,saturated,dead,nearly_dead,distinct_units,correlation,singular_max,"
    "singular_min,singular_mean_square,predicted_preactivation_square,predicted_gradient_square,predicted_correlation,"
    "predicted_preactivation_spread"
)
PLUGIN = """\
from initbench.registry import initializer

@initializer("moody")
def moody(shape, rng):
    '''Fails for some seeds.'''
    if rng.random() < 0.1:
        raise ValueError("not\\ntoday")
    return rng.standard_normal(shape)
"""
COMMAND, FILES = ("probe",), {"small.yaml": SMALL}


def test_it_prints_the_verdicts_and_writes_tables_and_figures(invoke):
    result = invoke("small.yaml")
    assert result.stdout.startswith("dataset digits · width 8 · activation relu · 2 draws\n")
    assert "symmetric  all units of a hidden layer stay alike" in result.stdout
    paths = [line for line in result.stdout.splitlines() if line.startswith("results")]
    assert all(Path(path).exists() for path in paths)
    assert {Path(path).name for path in paths} == {
        *("probe.csv", "probe.json", "probe-verdicts.png", "probe-signals-depth=1.png", "probe-signals-depth=3.png"),
        "probe-spectra.png",
    }
    assert Path("results/small/probe.csv").read_text().partition("\n")[0] == COLUMNS
    rows = pd.read_csv("results/small/probe.csv")
    assert len(rows) == 2 * 3 * (2 + 4)
    read = json.loads(Path("results/small/probe.json").read_text())
    assert [len(read["settings"]), len(read["networks"])] == [6, 12]
    assert {setting["verdict"] for setting in read["settings"]} == {"healthy", "symmetric", "vanishing"}
    assert len(read["settings"][0]["singular_values"]) == 8 * 8
    assert set(rows["cell"]) == {network["cell"] for network in read["networks"]}


@pytest.mark.usefixtures("sketches")
def test_json_is_the_verdict_table_and_nothing_else(invoke):
    settings = json.loads(invoke("smoke", "--format", "json").stdout)
    assert [setting["draws"] for setting in settings] == [2, 2]
    assert settings[0]["saturated"] is None


@pytest.mark.usefixtures("sketches")
def test_one_draw_is_one_and_no_loss_is_nan(invoke):
    Path("absent.py").write_text(
        PLUGIN.partition("    if rng")[0] + "    return rng.normal(size=shape) * float('nan')\n"
    )
    shown = invoke("smoke", "--plugin", "absent.py", "-s", "initializer=[moody, he_normal]", "--seeds", 1).stdout
    assert shown.partition("\n")[0].endswith(" · 1 draw")
    assert "not finite\n" in shown
    assert " nan" not in shown


@pytest.mark.usefixtures("sketches")
def test_quiet_says_nothing(invoke):
    result = invoke("smoke", "-q", "-j", 1)
    assert (result.stdout, result.stderr) == ("", "")


@pytest.mark.usefixtures("sketches")
def test_set_seeds_and_results_do_what_they_do_for_run(invoke):
    invoke("smoke", "-s", "width=4", "--seeds", 3, "-o", "elsewhere", "-q")
    read = json.loads(Path("elsewhere/smoke/probe.json").read_text())
    assert {setting["width"] for setting in read["settings"]} == {4}
    assert {network["seed"] for network in read["networks"]} == {0, 1, 2}


@pytest.mark.usefixtures("sketches")
def test_a_second_probe_takes_the_place_of_the_first(invoke):
    invoke("smoke", "-s", "depth=[1, 2]", "-q")
    invoke("smoke", "-q")
    left = sorted(path.name for path in Path("results/smoke/figures").iterdir())
    assert left == ["probe-signals.png", "probe-spectra.png", "probe-verdicts.png"]


def test_a_wrong_config_is_told_as_run_tells_it_and_writes_nothing(invoke):
    Path("bad.yaml").write_text("depth: -1\nactivation: rellu\n")
    told = invoke("bad.yaml", code=2).stderr
    assert told == CliRunner().invoke(main, ["run", "bad.yaml"]).stderr
    assert "bad.yaml:2:13" in told
    assert not Path("results").exists()


@pytest.mark.parametrize("arguments", [[], ["smoke", "-j", "0"], ["smoke", "--format", "csv"], ["nowhere"]])
def test_wrong_usage_ends_with_2(arguments, invoke):
    invoke(*arguments, code=2)


@pytest.mark.usefixtures("sketches")
def test_cells_that_cannot_be_drawn_end_it_with_3_and_their_reason(invoke):
    Path("moody.py").write_text(PLUGIN)
    plugin = ["--plugin", "moody.py", "-s", "initializer=[moody, he_normal]", "--format", "json"]
    result = invoke("smoke", *plugin, "--seeds", 12, code=3)
    drawn = {setting["initializer"]: setting["draws"] for setting in json.loads(result.stdout)}
    assert drawn["he_normal"] == 12
    assert result.stderr.endswith(f"initbench: {12 - drawn['moody']} cells failed: ValueError: not today\n")
    shown = invoke("smoke", *plugin, "--format", "text", "--seeds", 12, code=3).stdout.splitlines()
    assert "draws" not in shown[0]
    assert {line.split()[0]: int(line.split()[-1]) for line in shown[3:5]} == drawn
    lacking = set(range(12)) - set(pd.read_csv("results/smoke/probe.csv").query("initializer == 'moody'")["seed"])
    only = f"seeds={sorted(lacking)}"
    assert (
        "no network could be drawn: ValueError"
        in invoke("smoke", *plugin, "-s", "initializer=moody", "-s", only, code=1).stderr
    )


def test_results_that_cannot_be_written_end_it_with_1(invoke):
    Path("results").write_text("in the way")
    assert "cannot be" in invoke("smoke", code=1).stderr

"""Claims end to end: from a file to its verdict."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import initbench
from initbench.claims.read import read_claim
from initbench.claims.report import report_below
from initbench.claims.run import run_claims
from initbench.cli import main
from initbench.errors import StoreError, UsageError

HEAD = "source: a test\ngroup: scale\nseeds: 12\n"
NETWORK = "network: {dataset: digits, train_rows: 200, depth: 2, width: 16, epochs: 3, learning_rate: 0.1}\n"
CLAIMS = {
    "he_learns": NETWORK + "arms: {He: {}, zeros: {initializer: zeros}}\nmetric: test_accuracy\n"
    "expect: {higher: He, than: zeros, by: 0.05}\n",
    "zeros_fail": NETWORK
    + "arms: {zeros: {initializer: zeros}}\nmetric: fails\nexpect: {share: zeros, at_least: 0.3}\n",
    "zeros_are_one_unit": NETWORK + "arms: {zeros: {initializer: zeros}}\nmetric: distinct_units\n"
    "expect: {matches: zeros, value: 1, within: 0.01}\n",
    "he_is_its_own_equal": NETWORK + "arms: {A: {initializer: he_normal}, B: {}}\nmetric: {test_loss: {epoch: 1}}\n"
    "expect: {equal: [A, B], within: 0.1}\n",
    "he_keeps_the_variance": "network: {dataset: gaussian, scaling: none, depth: 3, width: 200}\narms: {He: {}}\n"
    "metric: {preactivation_square: {layer: 3}}\nexpect: {matches: He, value: theory, within: 0.3}\n",
    "glorot_shrinks": "network: {dataset: gaussian, scaling: none, depth: [2, 4, 6], width: 64}\n"
    "arms: {Glorot: {initializer: glorot_normal}, He: {}}\n"
    "metric: {slope: preactivation_square, over: depth, exponential: true}\n"
    "expect: {lower: Glorot, than: He, by: 0.1}\n",
}

without_figures = pytest.mark.usefixtures("sketches")


def claim_of(folder, name, seeds=None):
    file = folder / f"{name}.yaml"
    file.write_text(f"claim: A test of {name}.\n{HEAD}{CLAIMS[name]}", encoding="utf-8")
    claim = read_claim(file)
    return claim.at_seeds(seeds) if seeds else claim


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("claims")
    return run_claims([claim_of(folder, name) for name in CLAIMS], results=folder)


def test_every_claim_has_its_verdict(verdicts):
    table = verdicts.table.set_index("claim")
    assert table["verdict"].to_dict() == dict.fromkeys(CLAIMS, "supported")
    assert set(table["planned"]) == {"planned"}
    assert set(table["seeds"]) == {12}


def test_the_numbers_are_those_of_the_ordinary_run(verdicts, tmp_path):
    (tmp_path / "he.yaml").write_text(
        "dataset: digits\ntrain_rows: 200\ndepth: 2\nwidth: 16\nepochs: 3\nlearning_rate: 0.1\nseeds: 12\n", "utf-8"
    )
    runs = initbench.run(tmp_path / "he.yaml", results=tmp_path).runs
    mine = verdicts.values["he_learns"].query("arm == 'He'")
    np.testing.assert_array_equal(mine.sort_values("seed")["value"], runs.sort_values("seed")["test_accuracy"])


def test_files_hold_what_is_told_and_each_network_is_trained_once(verdicts):
    read = pd.read_csv(verdicts.folder / "claims.csv")
    assert list(read["claim"]) == list(CLAIMS)
    text = (verdicts.folder / "claims.md").read_text(encoding="utf-8")
    assert all(sentence.split(";")[0] in text for sentence in verdicts.table["sentence"])
    assert (verdicts.folder / "figures" / "claims-scale.png").stat().st_size > 5000
    assert len(pd.read_csv(verdicts.folder / "claims.csv")) == len(CLAIMS)
    manifest = json.loads((verdicts.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["cells"]["done"] == 24  # he and zeros at twelve seeds, shared by four claims


def test_again_trains_nothing_and_says_the_same(verdicts, tmp_path):
    again = run_claims(verdicts.claims, results=verdicts.folder.parent)
    pd.testing.assert_frame_equal(again.table, verdicts.table)
    manifest = json.loads((verdicts.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["cells_trained_now"] == 0


@without_figures
def test_a_claim_that_changed_after_its_first_look_is_told(tmp_path):
    name = "he_is_its_own_equal"
    first = run_claims([claim_of(tmp_path, name)], results=tmp_path)
    assert list(first.table["planned"]) == ["planned"]
    file = tmp_path / f"{name}.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("within: 0.1", "within: 0.2"), encoding="utf-8")
    changed = run_claims([read_claim(file)], results=tmp_path)
    assert list(changed.table["planned"]) == ["changed after looking"]
    elsewhere = run_claims([claim_of(tmp_path, name, tuple(range(100, 112)))], results=tmp_path)
    assert list(elsewhere.table["planned"]) == ["planned"]  # other seeds are a repetition
    fewer = run_claims([claim_of(tmp_path, name, (7, 8))], results=tmp_path)
    assert list(fewer.table["planned"]) == ["planned with 12 seeds"]


@without_figures
def test_networks_that_cannot_be_drawn_leave_no_verdict_and_are_counted(tmp_path, monkeypatch):
    from initbench.probing import run as probing

    draw = probing.look_at

    def flaky(cells, *rest):
        if any(cell.seed == 3 for cell in cells):
            raise ValueError("no draw")
        return draw(cells, *rest)

    whole = run_claims([claim_of(tmp_path, "he_keeps_the_variance")], results=tmp_path)
    monkeypatch.setattr(probing, "look_at", flaky)
    lacking = run_claims([claim_of(tmp_path, "he_keeps_the_variance")], results=tmp_path)
    assert (whole.table["verdict"][0], whole.failed) == ("supported", 0)
    assert (lacking.table["verdict"][0], lacking.table["lost"][0], lacking.failed) == ("inconclusive", 1, 1)
    assert "no verdict, since 1 of 12 seeds have no number" in lacking.table["sentence"][0]


@without_figures
def test_a_metric_that_the_data_lack_leaves_the_other_claims_their_verdicts(tmp_path):
    lacking = claim_of(tmp_path, "he_learns")
    file = tmp_path / "auc.yaml"
    file.write_text(lacking.file.read_text(encoding="utf-8").replace("test_accuracy", "test_auc"), encoding="utf-8")
    table = run_claims([lacking, read_claim(file)], results=tmp_path).table
    assert list(table["verdict"]) == ["supported", "inconclusive"]
    assert table["lost"].tolist() == [0, 12]
    assert "test_auc" in report_below(tmp_path / "claims")[1].read_text(encoding="utf-8")


@without_figures
def test_a_clock_beside_networks_without_one_trains_nothing_twice(tmp_path):
    clocked = NETWORK.replace("epochs: 3", "epochs: 3, target: 0.3, clock: 2")
    text = clocked + "arms: {He: {}, zeros: {initializer: zeros}}\nmetric: steps_to_target\n"
    claims = [claim_of(tmp_path, "he_learns")]
    file = tmp_path / "he_is_sooner.yaml"
    file.write_text(f"claim: He is sooner.\n{HEAD}{text}expect: {{sooner: He, than: zeros}}\n", encoding="utf-8")
    claims.append(read_claim(file))
    for trained in (48, 0):
        table = run_claims(claims, results=tmp_path).table.set_index("claim")
        assert table["verdict"].to_dict() == {"he_learns": "supported", "he_is_sooner": "supported"}
        assert table.loc["he_is_sooner", "effect"] > 0.75
        manifest = json.loads((tmp_path / "claims" / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["cells_trained_now"] == trained


TUNED = NETWORK.replace("learning_rate: 0.1", "learning_rate: {tune: [0.001, 0.1, 0.3], seeds: 2}")


@without_figures
def test_each_arm_that_tunes_reports_at_its_own_best_value_as_an_ordinary_run_does(tmp_path):
    arms = "arms: {He: {}, small: {initializer: {normal: {std: 0.03}}}, slow: {learning_rate: 0.001}}\n"
    expect = "metric: test_accuracy\nexpect: {lower: slow, than: He, by: 0.05}\n"
    file = tmp_path / "tuned.yaml"
    head = f"claim: He is faster.\n{HEAD}"
    file.write_text(head + TUNED + arms.replace("small: {initializer: {normal: {std: 0.03}}}, ", "") + expect, "utf-8")
    other = tmp_path / "small.yaml"
    expect = expect.replace("slow", "small")
    other.write_text(head + TUNED + arms.replace(", slow: {learning_rate: 0.001}", "") + expect, "utf-8")
    found = run_claims([read_claim(file), read_claim(other)], results=tmp_path)
    ordinary = tmp_path / "ordinary.yaml"
    keys = TUNED.strip().removeprefix("network: {").removesuffix("}").replace(", ", "\n").replace("\n0.", ", 0.")
    keys = keys.replace("\nseeds: 2}", ", seeds: 2}")
    ordinary.write_text(f"{keys}\ninitializer: [he_normal, {{normal: {{std: 0.03}}}}]\nseeds: 12\n", "utf-8")
    results = initbench.run(ordinary, results=tmp_path)
    chosen = results.tuning.set_index("initializer")["chosen"]
    runs = results.runs.query("learning_rate == 'tuned'").set_index(["initializer", "seed"])["test_accuracy"]
    assert chosen.nunique() == 2  # else a value in common would do
    values = found.values["small"].set_index(["arm", "seed"])["value"]
    for arm, initializer in {"He": "he_normal", "small": "normal(std=0.03)"}.items():
        np.testing.assert_array_equal(values[arm], runs[initializer])
        assert f"{arm} at learning_rate {chosen[initializer]}" in found.table["sentence"].iloc[1]
    tried = pd.read_csv(found.folder / "tried.csv").query("claim == 'small' and arm == 'He'")
    alone = results.tried.query("initializer == 'he_normal'").set_index("learning_rate")["valid_accuracy_mean"]
    means = tried.set_index("learning_rate")["valid_accuracy_mean"]
    np.testing.assert_allclose(means.sort_index(), alone.sort_index())
    assert set(pd.read_csv(found.folder / "tuning.csv")["tried"]) == {"0.001, 0.1, 0.3"}
    choices = pd.read_csv(found.folder / "choices.csv").query("claim == 'small' and arm == 'He'")
    of_he = results.choices.query("initializer == 'he_normal'")
    assert choices[["seed", "tuned"]].to_numpy().tolist() == of_he[["seed", "tuned"]].to_numpy().tolist()
    assert "slow at" not in found.table["sentence"].iloc[0]
    again = run_claims(found.claims, results=tmp_path)
    pd.testing.assert_frame_equal(again.table, found.table)


@without_figures
def test_an_arm_that_fails_at_each_value_leaves_no_verdict_and_the_others_theirs(tmp_path):
    from initbench.registry import initializer

    @initializer("never_drawn")
    def never_drawn(shape, rng):
        """Fails between the hidden layers."""
        if shape == (16, 16):
            raise RuntimeError("too wide for me")
        return rng.normal(size=shape)

    file = tmp_path / "never.yaml"
    arms = "arms: {He: {}, never: {initializer: never_drawn}}\nmetric: test_accuracy\n"
    file.write_text(
        f"claim: Never.\n{HEAD}{TUNED}{arms}expect: {{higher: He, than: never, by: 0.05}}\n", encoding="utf-8"
    )
    found = run_claims([read_claim(file), claim_of(tmp_path, "he_learns")], results=tmp_path)
    assert list(found.table["verdict"]) == ["inconclusive", "supported"]
    assert (found.failed, found.table["lost"].tolist()) == (3 * 2 * 12, [12, 0])
    assert "never at learning_rate no value, out of" in found.table["sentence"][0]
    assert "no verdict, since 12 of 12 seeds have no number" in found.table["sentence"][0]
    slope = tmp_path / "slope.yaml"
    text = file.read_text(encoding="utf-8").replace("width: 16", "width: [8, 12, 16]").replace("test_accuracy", "M")
    slope.write_text(text.replace("M\n", "{slope: test_loss, over: width}\n"), encoding="utf-8")
    steep = run_claims([read_claim(slope)], results=tmp_path).table  # fails at a width of 16 alone
    assert (steep["verdict"][0], steep["lost"][0]) == ("inconclusive", 12)
    assert re.search(
        r"never at learning_rate \S+ in .* seeds.* for width 8.*; \S+ in .* for width 12.*; no value for",
        steep["sentence"][0],
    )


@without_figures
def test_arms_with_the_same_networks_in_other_words_choose_as_each_does_alone(tmp_path):
    arms = "arms: {He: {}, slow: {learning_rate: 0.001}}\nmetric: test_accuracy\n"
    text = f"claim: He is faster.\n{HEAD}{TUNED}{arms}expect: {{lower: slow, than: He, by: 0.05}}\n"
    other = text.replace("depth: 2, width: 16", "hidden: [16, 16]").replace("[0.001, 0.1, 0.3]", "[0.001, 0.1]")
    claims = []
    for name, written in {"alone": text, "other": other, "again": text.replace("He: {}", "He: {width: 16}")}.items():
        (tmp_path / f"{name}.yaml").write_text(written, encoding="utf-8")
        claims.append(read_claim(tmp_path / f"{name}.yaml"))
    together = run_claims(claims, results=tmp_path).table
    for place, claim in enumerate(claims):
        alone = run_claims([claim], results=tmp_path).table
        assert alone["sentence"][0].split(";")[1] == together["sentence"][place].split(";")[1]
        assert alone["effect"][0] == together["effect"][place] < -0.05


@without_figures
def test_a_folder_holds_claims_or_an_experiment_and_status_and_report_know_which(tmp_path):
    text = f"claim: A.\n{HEAD}{TUNED}arms: {{He: {{}}}}\nmetric: trains\nexpect: {{share: He, at_least: 0.1}}\n"
    (tmp_path / "claims.yaml").write_text(text, encoding="utf-8")
    folder = run_claims([read_claim(tmp_path / "claims.yaml")], results=tmp_path).folder
    assert "learning_rate" in report_below(folder)[1].read_text(encoding="utf-8")
    assert "learning_rate" in report_below(tmp_path)[1].read_text(encoding="utf-8")
    told = CliRunner().invoke(main, ["status", str(folder), "--verify"])
    assert told.exit_code == 0
    assert f"{folder}: 12 planned, 12 done" in told.output
    assert f"{folder / 'tuning'}: 72 planned, 72 done" in told.output
    for place in (folder, folder / "tuning", tmp_path):
        told = CliRunner().invoke(main, ["plot", str(place)])
        assert f"to look at them: initbench report {folder}\n" in told.output
    config = "name: claims\ndataset: digits\nepochs: 1\nwidth: 4\ntrain_rows: 50\n"
    (tmp_path / "run.yaml").write_text(config, encoding="utf-8")
    with pytest.raises(UsageError, match="holds claims"):
        initbench.run(tmp_path / "run.yaml", results=tmp_path)
    initbench.run(tmp_path / "run.yaml", results=tmp_path / "other")
    begun = tmp_path / "begun" / "claims" / "tuning" / "config.yaml"  # of a run that was interrupted as it tuned
    begun.parent.mkdir(parents=True)
    begun.touch()
    for place in ("other", "begun"):
        with pytest.raises(StoreError, match="holds an experiment"):
            run_claims([read_claim(tmp_path / "claims.yaml")], results=tmp_path / place)
    (folder / "claims.csv").unlink()
    told = CliRunner().invoke(main, ["report", str(folder)])
    assert (told.exit_code, "to end them: initbench claims run" in told.output) == (1, True)

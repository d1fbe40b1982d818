"""``initbench run --until-decided``, as a user types it."""

import csv
import json
from pathlib import Path

import pytest

import initbench
from initbench.training.runner import Progress

CONFIG = """\
dataset: digits
depth: 1
width: 8
initializer: [he_normal, zeros]
learning_rate: 0.1
epochs: 2
seeds: 3
train_rows: 200
"""
RACE = ("--until-decided", "--max-seeds", "9", "-j", "1")
FILES = {"small.yaml": CONFIG}


def decisions(name="small", root="results"):
    return list(csv.DictReader(Path(root, name, "decisions.csv").read_text(encoding="utf-8").splitlines()))


def test_a_race_stops_when_the_winner_is_certain_and_says_what_it_saved(invoke):
    result = invoke("run", "small.yaml", *RACE)
    assert "round 1, 3 seeds: none dropped; 2 of 2 go on" in result.stderr
    assert "round 2, 6 seeds: dropped zeros (he_normal is better by " in result.stderr
    assert "he_normal wins, certain after 6 seeds" in result.stdout
    assert "12 trainings instead of 18: 6 saved (33%)" in result.stdout
    assert "decisions.csv" in " ".join(result.stdout.split())
    (row,) = decisions()
    assert (row["round"], row["seeds"], row["better"], row["worse"]) == ("2", "6", "he_normal", "zeros")
    assert (row["claim"], float(row["level"])) == ("better", 0.05 / 6)
    assert float(row["p"]) <= float(row["level"])
    results = initbench.load("results/small")
    assert results.decisions["worse"].tolist() == ["zeros"]
    assert "these p take no account of it: quote decisions.csv" in invoke("compare", "results/small").stderr
    manifest = json.loads(Path("results/small/manifest.json").read_text())
    assert manifest["cells"] == {"planned": 12, "done": 12, "diverged": 0, "failed": 0, "missing": 0}
    assert manifest["cells_trained_now"] == 12
    status = invoke("status", "results").stdout
    assert "12 planned, 12 done, 0 diverged, 0 failed, 0 missing" in status
    assert "a race, over" in status
    assert "to fill it in" not in status


def test_the_same_race_again_trains_nothing_and_config_yaml_runs_it_anew(invoke):
    invoke("run", "small.yaml", *RACE, "-q")
    files = {name: Path("results/small", name).read_bytes() for name in ("runs.csv", "decisions.csv", "config.yaml")}
    assert invoke("run", "small.yaml", *RACE).stderr.count("nothing to train") == 2
    assert {name: Path("results/small", name).read_bytes() for name in files} == files
    invoke("run", "results/small/config.yaml", *RACE, "-q", "-o", "again")
    first, second = (initbench.load(f"{root}/small").runs.drop(columns="wall_seconds") for root in ("results", "again"))
    assert first.equals(second)
    assert decisions(root="again") == decisions()


class Stop(Progress):
    """Interrupts when so many stacks are done."""

    def __init__(self, stacks):
        self.stacks = stacks

    def finish(self, cells, records):
        self.stacks -= 1
        if not self.stacks:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("stacks", "jobs"), [(7, 1), (17, 2)])  # in the first round of 12, in the second
def test_an_interrupted_race_goes_on_and_is_decided_alike(invoke, trained, monkeypatch, stacks, jobs):
    race = {"until_decided": True, "max_seeds": 9}
    whole = trained("learning_rate=[0.1, 0.001]", **race).results
    monkeypatch.setattr("initbench.plan.CACHE_BYTES", 1)  # a network a stack
    with pytest.raises(KeyboardInterrupt):
        initbench.run(
            "small.yaml", results="parts", changes=["learning_rate=[0.1, 0.001]"], progress=Stop(stacks), **race
        )
    assert "a race, not over yet" in invoke("status", "parts").stdout
    told = [line for line in invoke("status", "parts").stdout.splitlines() if "to fill it in" in line]
    assert told == ["  to fill it in: initbench run parts/small/config.yaml -o parts --until-decided --max-seeds 9"]
    invoke(*told[0].split("initbench ")[1].split(), "-j", jobs, "-q")
    parts = initbench.load("parts/small")
    assert parts.decisions.equals(whole.decisions)
    assert parts.runs.drop(columns="wall_seconds").equals(whole.runs.drop(columns="wall_seconds"))


def test_each_setting_is_a_race_of_its_own(invoke):
    result = invoke("run", "small.yaml", *RACE, "-s", "learning_rate=[0.1, 0]")
    assert "learning rate 0.1: he_normal wins, certain after 6 seeds" in result.stdout
    assert "learning rate 0: undecided after 9 seeds between he_normal, zeros" in result.stdout
    assert "30 trainings instead of 36" in result.stdout
    assert [row["learning_rate"] for row in decisions()] == ["0.1"]


def test_a_race_ends_with_equivalents(invoke):
    same = "initializer=[zeros, {constant: {value: 0}}]"
    result = invoke("run", "small.yaml", *RACE, "-s", same, "--margin", "0.5%")
    assert "are equivalent within 0.5 points, certain after 6 seeds" in result.stdout
    assert [row["claim"] for row in decisions()] == ["equivalent"]
    assert "--margin 0.005" not in invoke("status", "results").stdout


def test_a_plain_run_afterwards_is_no_race(invoke):
    invoke("run", "small.yaml", *RACE, "-q")
    invoke("run", "small.yaml", "-q", "-j", "1")
    assert not Path("results/small/decisions.csv").exists()
    assert initbench.load("results/small").decisions.empty
    status = invoke("status", "results").stdout
    assert "race" not in status
    assert "6 more stored cells" in status


PLUGIN = """\
from initbench.registry import initializer

@initializer("fails_at_1")
def fails_at_1(shape, rng):
    \"\"\"He's, but fails with seed 1.\"\"\"
    if rng.bit_generator.seed_seq.entropy == 1:
        raise RuntimeError("not today")
    return rng.normal(size=shape) * (2 / shape[0]) ** 0.5
"""


def test_seeds_that_failed_leave_their_pairs_and_are_told(invoke):
    Path("plugin.py").write_text(PLUGIN)
    race = ["run", "small.yaml", "-s", "initializer=[fails_at_1, zeros]", "--plugin", "plugin.py", *RACE]
    result = invoke(*race, code=3)
    assert "seeds that failed are left out of pairs: fails_at_1 at 1 of 6" in " ".join(result.stdout.split())
    (row,) = decisions()
    assert row["seeds"] == "5"
    result = invoke(*race, "--fail-fast", "--fresh", code=3)
    assert "not over" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--until-decided", "-s", "seeds=[3, 7]"], "seeds lists the ids [3, 7]"),
        (["--until-decided", "--max-seeds", "2"], "for example: --max-seeds 18"),
        (["--until-decided", "-s", "initializer=zeros"], "a race needs two initializers"),
        (["--until-decided", "--margin", "half"], "write 0.5% or 0.005"),
        (["--until-decided", "--margin", "0.5%%"], "write 0.5% or 0.005"),
        (["--until-decided", "--margin", "nan"], "write 0.5% or 0.005"),
        (["--until-decided", "--margin", "1_0%"], "write 0.5% or 0.005"),
        (["--until-decided", "--margin", "05%"], "write 0.5% or 0.005"),
        (["--until-decided", "--margin", "0"], "write 0.5% or 0.005"),
        (["--until-decided", "--max-seeds", "1"], "--max-seeds"),
        (["--margin", "0.5%"], "initbench run CONFIG --until-decided"),
        (["--max-seeds", "20"], "initbench run CONFIG --until-decided"),
    ],
)
def test_what_cannot_race_is_wrong_usage_and_nothing_is_written(invoke, arguments, told):
    assert told in invoke("run", "small.yaml", *arguments, code=2).stderr
    assert not Path("results").exists()


def test_dry_run_tells_the_first_round_and_the_most(invoke):
    text = invoke("run", "small.yaml", *RACE, "--dry-run").stdout
    assert "small: 6 cells" in text
    assert "3 rounds at most, up to 9 seeds or 18 cells" in text
    assert not Path("results").exists()


def test_a_dry_run_of_a_tuned_race_counts_what_tuning_may_take(invoke):
    text = invoke("run", "small.yaml", *RACE, "--dry-run", "-s", "learning_rate={tune: [0.1, 0.01], seeds: 2}").stdout
    assert "small: 24 cells to tune learning_rate, then 12 cells at the chosen values" in text
    assert "up to 9 seeds or 36 cells and 72 to tune; each" in text

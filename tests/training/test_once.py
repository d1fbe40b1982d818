"""A run reads its config once and loads its data once, whatever it does with them."""

from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

import initbench
from initbench.cli import main
from initbench.config import read_experiment
from initbench.config.reader import read_text
from initbench.parts.datasets import loading, tables
from initbench.training import shared

ROWS = "".join(f"{i % 7},{(i * 5) % 11},{int((i % 7) + (i * 5) % 11 > 8)}\n" for i in range(120))
CONFIG = """\
dataset: {csv: rows.csv, target: left}
depth: 1
width: 4
initializer: [he_normal, zeros]
learning_rate: 0.1
epochs: 1
seeds: 2
"""
TUNED = "learning_rate={tune: [0.05, 0.1]}"
RACE = ("--until-decided", "--max-seeds", "6")
CLAIM = """\
claim: He ends above zeros.
source: a test
group: table
network: {dataset: {csv: rows.csv, target: left}, depth: 1, width: 4, epochs: 1}
arms: {He: {learning_rate: {tune: [0.05, 0.1]}}, zeros: {initializer: zeros}}
seeds: 2
metric: test_accuracy
expect: {higher: He, than: zeros, by: 0.05}
"""


@pytest.fixture
def counts(tmp_path, monkeypatch):
    """How often the config was read, its CSV was parsed, and its arrays were written for workers."""
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(f"a,b,left\n{ROWS}", encoding="utf-8")
    Path("small.yaml").write_text(CONFIG, encoding="utf-8")
    Path("claim.yaml").write_text(CLAIM, encoding="utf-8")
    found = Counter()

    def counting(name, function):
        def call(*arguments, **options):
            found[name] += 1
            return function(*arguments, **options)

        return call

    monkeypatch.setattr("initbench.config.reader.read_text", counting("read", read_text))
    monkeypatch.setattr("initbench.claims.read.read_text", counting("read", read_text))
    monkeypatch.setattr(tables, "read_csv", counting("parsed", tables.read_csv))
    monkeypatch.setattr(shared, "save_shared", counting("shared", shared.save_shared))
    return found


ONCE = {"read": 1, "parsed": 1, "shared": 1}
COMMANDS = {
    "a run": ("run", "small.yaml", "-j", "1"),
    "a tuned run": ("run", "small.yaml", "-j", "1", "-s", TUNED),
    "a race": ("run", "small.yaml", "-j", "1", *RACE),
    "a tuned race": ("run", "small.yaml", "-j", "1", "-s", TUNED, *RACE),
    "a probe": ("probe", "small.yaml", "-j", "1"),
    "claims": ("claims", "run", "claim.yaml", "-j", "1"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_reads_its_config_once_and_loads_its_data_once(counts, command):
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert counts == ONCE


@pytest.mark.parametrize("until_decided", [False, True])
def test_so_does_python(counts, until_decided):
    initbench.run("small.yaml", until_decided=until_decided, max_seeds=6)
    assert counts == ONCE


def test_the_count_catches_a_second_reading_a_second_parsing_and_a_second_place_for_workers(counts):
    experiment = read_experiment(Path("small.yaml"))
    loading._loaded.clear()
    initbench.run("small.yaml")
    assert (counts["read"], counts["parsed"]) == (2, 2)
    Path("again").mkdir()
    shared.SharedData(Path("again"), (Path(),)).facts_of(experiment)
    assert counts["shared"] == 2


def test_seeds_in_reserve_change_nothing_but_what_may_be_read(counts):
    plain, reserved = (read_experiment(Path("small.yaml"), reserve=reserve) for reserve in (None, 6))
    assert reserved == plain
    assert reserved.seeds == (0, 1)

"""The benchmarks run: each contender that is installed trains a tiny workload, and the page gets its table."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import commands
import numpy as np
import pytest
import simulate_tuning
from compare import BEGIN, END, table
from contenders import CONTENDERS, NEEDS
from workloads import Workload

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
TINY = {
    "binary": Workload("binary", (5, 4, 4, 2), 2, 2, 8, 2, (40, 5, 10)),
    "classes": Workload("classes", (5, 4, 4, 3), 2, 2, 8, 2, (41, 5, 10)),
}


@pytest.mark.parametrize("name", CONTENDERS)
@pytest.mark.parametrize("workload", TINY.values(), ids=TINY)
@pytest.mark.filterwarnings("default")
def test_each_contender_trains(name, workload, tmp_path):
    package = NEEDS.get(CONTENDERS[name], "numpy")
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install 'initbench[bench]'")
    for place in (0, 1):
        CONTENDERS[name](workload, (place, 2), tmp_path)()


def test_ratios_are_of_the_others_to_initbench():
    found = {"tab": {"initbench": 2.0, "bare matrix products": 1.0, "JAX vmap + jit": 3.0}}
    assert table(found).splitlines()[2:] == [
        "| initbench, seconds | 2.00 |",
        "| initbench ÷ bare matrix products | 2.00 |",
        "| JAX vmap + jit ÷ initbench | 1.50 |",
    ]


def test_the_page_keeps_what_stands_around_the_table(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    command = [sys.executable, str(BENCHMARKS / "compare.py"), "--workload", "tab", "--repeat", "1"]
    command += ["--contender", "initbench", "--output", str(page)]
    subprocess.run(command, check=True, capture_output=True)
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{BEGIN}\n| | tab |\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text


def test_simulated_seeds_choose_apart_unless_one_choice_is_made_for_all():
    truth = simulate_tuning.arms("three rates nearly as good", (0, 0))
    rates = simulate_tuning.chosen_rates(np.random.default_rng(0), 3, truth, 8, 1)
    assert rates.shape == (3, 2, 8)
    assert all(len(set(arm)) > 1 for experiment in rates.tolist() for arm in experiment)
    shared = simulate_tuning.chosen_rates(np.random.default_rng(0), 3, truth, 8, 1, one_choice=True)
    assert all(len(set(arm)) == 1 for experiment in shared.tolist() for arm in experiment)


def test_simulated_verdicts_show_arms_that_differ_by_much_and_not_those_that_are_the_same():
    rng = np.random.default_rng(0)
    shown = [
        simulate_tuning.share_better(rng, 10, simulate_tuning.arms("one best rate", by), 8, 1)
        for by in ((0, 0), (0, -0.3))
    ]
    assert float(shown[0].split()[0]) <= 20
    assert shown[1].startswith("100.0 [")


def test_two_versions_are_timed_in_turn_and_the_first_turn_does_not_count():
    class Clock:
        def __init__(self, step):
            self.step, self.turns = step, 0

        def time(self, row):
            self.turns += 1
            return 100.0 if self.turns == 1 else self.step * self.turns

    found = commands.measure([Clock(2.0), Clock(1.0)], ["smoke"], 3)
    assert found == {"smoke": [[4.0, 6.0, 8.0], [2.0, 3.0, 4.0]]}
    assert commands.table(found).splitlines()[-1] == "| initbench run smoke | 6.00 | 3.00 | 0.50 |"


@pytest.mark.long
def test_a_command_is_timed_with_two_versions(tmp_path):
    command = [sys.executable, str(BENCHMARKS / "commands.py"), ".", ".", "list", "--repeat", "1"]
    command += ["--output", str(tmp_path / "times.json")]
    done = subprocess.run(command, cwd=BENCHMARKS.parent, check=True, capture_output=True, text=True)
    assert "| initbench list initializers | " in done.stdout
    assert len(json.loads((tmp_path / "times.json").read_text())["seconds"]["list"][0]) == 1

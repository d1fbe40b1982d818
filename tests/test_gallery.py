"""The gallery shows what its numbers say, and its numbers can be made again."""

import importlib.util
import json
import math
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import initbench
from initbench.config import find_config, read_experiment

REPOSITORY = Path(initbench.__file__).parents[1]
GALLERY = REPOSITORY / "docs" / "gallery"
PAPERS = sorted(path.stem for path in (REPOSITORY / "configs" / "papers").glob("*.yaml"))
MOST_BYTES = 2_000_000


def load_draw():
    spec = importlib.util.spec_from_file_location("draw", GALLERY / "draw.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


draw = load_draw()
NUMBERS = json.loads(draw.NUMBERS.read_text(encoding="utf-8"))


def page(paper):
    return (GALLERY / f"{paper}.md").read_text(encoding="utf-8")


def linked_images(text):
    return set(re.findall(r"\((images/[^)]+)\)", text))


# Pages, configs, images


@pytest.mark.parametrize("paper", PAPERS)
def test_each_config_reads_and_has_its_page_in_the_index(paper):
    assert read_experiment(find_config(paper)).size > 0
    assert f"({paper}.md)" in page("README")
    assert f"(../../configs/papers/{paper}.yaml)" in page(paper)


@pytest.mark.parametrize("paper", PAPERS)
def test_the_commands_of_a_page_are_those_that_made_it(paper):
    (block,) = re.findall(r"```console\n(.*?)```", page(paper), re.DOTALL)
    assert block.splitlines() == [f"$ {command}" for command in draw.COMMANDS[paper]]


@pytest.mark.parametrize(
    "command",
    [c for commands in draw.COMMANDS.values() for c in commands if shlex.split(c)[1] in ("run", "probe")],
)
def test_the_commands_fit_the_configs(command):
    _, _, config, *options = shlex.split(command)
    pairs = list(zip(options[::2], options[1::2], strict=True))
    changes = [f"seeds={value}" if option == "--seeds" else value for option, value in pairs]
    assert {option for option, _ in pairs} <= {"-s", "--seeds"}
    assert read_experiment(find_config(config), changes).size > 0


def test_pages_and_folder_hold_the_same_images():
    shown = set().union(*(linked_images(page(name)) for name in [*PAPERS, "README"]))
    assert shown == {f"images/{path.name}" for path in (GALLERY / "images").iterdir()}
    assert all(linked_images(page("README")) & linked_images(page(paper)) for paper in PAPERS)


def test_images_are_small():
    assert sum(path.stat().st_size for path in (GALLERY / "images").iterdir()) < MOST_BYTES


# Tables


@pytest.mark.parametrize("paper", PAPERS)
def test_the_tables_of_a_page_are_the_numbers(paper):
    assert draw.with_tables(page(paper), NUMBERS[paper]) == page(paper), "run: make gallery"


@pytest.mark.parametrize("paper", PAPERS)
def test_a_wrong_digit_in_a_table_is_caught(paper):
    text = page(paper)
    head, mark, rest = text.partition("| --: |\n")
    wrong = head + mark + re.sub(r"\d(?=[^\d]*\|\n)", lambda digit: str((int(digit[0]) + 1) % 10), rest, count=1)
    assert wrong != text
    assert draw.with_tables(wrong, NUMBERS[paper]) != wrong


@pytest.mark.parametrize("paper", PAPERS)
def test_a_page_has_a_place_for_each_table_and_no_other(paper):
    assert set(re.findall(r"<!-- Made by make gallery: (\w+) -->", page(paper))) == set(NUMBERS[paper])


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("text", "text"),
        (22.0, "22"),
        (0.75903, "0.759"),
        (3.0517e-05, "3.1e-05"),
        ([9.0, 8.0, 10.0], "9 [8, 10]"),
        ([75.77, 65.9, 85.64], "76 [66, 86]"),
        ([0.33321, 0.3308, 0.33564], "0.3332 [0.3308, 0.3356]"),
        ([4.8e-05, 3.7e-05, 6.1e-05], "4.8e-05 [3.7e-05, 6.1e-05]"),
    ],
)
def test_numbers_are_shown_with_the_digits_that_they_bear_out(cell, text):
    assert draw.shown(cell) == text


# What the pages say in words


def column(paper, table, name, **where):
    rows = [row for row in NUMBERS[paper][table] if all(row[key] == value for key, value in where.items())]
    assert rows, where
    return [row[name] for row in rows]


def holds(interval, value):
    return interval[1] <= value <= interval[2]


def verdict_glorot2010(numbers):
    sinks, signals, errors = numbers["sinks"], numbers["signals"], numbers["errors"]
    last = list(sinks[0])[-1]
    assert sinks[4]["after epoch 1"][0] < 0.2
    assert sinks[4][last][0] < 0.05
    assert sinks[3][last][0] > 0.6
    assert all(abs(row[last][0] - 0.5) < 0.05 for row in sinks[:3])
    for row in signals:
        paper = {"1": 1.0, "1/3": 1 / 3}[row["paper, linear regime"]]
        assert row["ours"][0] == pytest.approx(row["our theory"], rel=0.015)
        normalized_tanh = (row["activation"], row["initializer"]) == ("tanh", "glorot_uniform")
        if normalized_tanh and not row["variance of"].startswith("gradients of weights"):
            assert 0.78 < row["ours"][0] < 0.85
        else:
            assert row["ours"][0] == pytest.approx(paper, rel=0.035)
    ours = {(row["activation"], row["initializer"]): row[list(row)[-1]][0] for row in errors}
    for activation in ("tanh", "softsign"):
        assert ours[activation, "glorot_uniform"] < ours[activation, "bengio_uniform"] < 10
    assert ours["sigmoid", "bengio_uniform"] > 85


def verdict_he2015(numbers):
    for row in numbers["shrinks"]:
        if row["what"].startswith("logits"):
            assert row["ours"] == pytest.approx(row["theory, our widths"], rel=0.01)
        else:
            assert row["ours"][0] == pytest.approx(row["theory, our widths"], rel=0.3)
    learns = {(row["weight layers"], row["initializer"]): row for row in numbers["learns"]}
    short, long = list(numbers["learns"][0])[-2:]
    assert learns["22", "he_normal"][long][0] - learns["22", "glorot_normal"][long][0] < 2
    assert learns["30", "he_normal"][short][0] > 85
    assert learns["30", "glorot_normal"][short][0] < 30 < 50 < learns["30", "glorot_normal"][long][0] < 80
    assert [learns[layers, "glorot_normal"]["ours: epochs to 50 %"][0] for layers in ("22", "30")] == [9, 19]


def verdict_schoenholz2017(numbers):
    for row in numbers["signals"]:
        for name in ("chi", "q*", "c at layer 50"):
            assert holds(row[f"{name}: ours"], row[f"{name}: theory"])
    over = {row["phase"]: [] for row in numbers["reach"]}
    for row in numbers["reach"]:
        over[row["phase"]].append(row["over xi_c"])
    assert over.pop("critical") == ["–"]
    assert 6.5 < min(over["ordered"]) < max(over["ordered"]) < 8
    assert 4.5 < min(over["chaotic"]) < max(over["chaotic"]) < 5.6


def verdict_pennington2017(numbers):
    for row in numbers["variances"]:
        assert row["ours"][0] == pytest.approx(row["theory, infinite width"], rel=0.06)
    steps = {(row["activation"], row["initializer"], row["depth"]): row for row in numbers["steps"]}
    for rate in ("rate 0.01", "rate 0.03", "rate 0.1"):
        shallow, deep = (steps["tanh", "orthogonal_critical", depth][rate][0] for depth in ("4", "64"))
        assert deep <= 1.2 * shallow
    others = [("tanh", "critical"), ("relu", "critical"), ("relu", "orthogonal_critical")]
    deep = [steps[activation, weights, "64"] for activation, weights in others]
    assert {row[rate] for row in deep for rate in row if rate.startswith("rate")} == {"none in 50"}


def verdict_saxe2014(numbers):
    for row in numbers["variances"]:
        theory, ours = row["theory, infinite width"], row["ours"]
        assert holds(ours, theory) or ours[0] == pytest.approx(theory, rel=0.045)
    slopes = {row["initializer"]: row["ours: slope of log steps on log depth"] for row in numbers["slopes"]}
    assert holds(slopes["orthogonal"], 0)
    assert slopes["lecun_normal"][1] > 0.5


VERDICTS = {name.removeprefix("verdict_"): f for name, f in list(globals().items()) if name.startswith("verdict_")}


@pytest.mark.parametrize("paper", PAPERS)
def test_the_verdicts_hold_in_the_numbers(paper):
    VERDICTS[paper](NUMBERS[paper])


FAULTS = {
    "glorot2010": ("signals", 0, "ours", [0.5, 0.49, 0.51]),
    "he2015": ("shrinks", 0, "ours", 0.001),
    "schoenholz2017": ("reach", 0, "over xi_c", 3.0),
    "pennington2017": ("variances", 0, "ours", [8.0, 7.9, 8.1]),
    "saxe2014": ("slopes", 1, "ours: slope of log steps on log depth", [0.5, 0.4, 0.6]),
}


@pytest.mark.parametrize("paper", PAPERS)
def test_a_number_that_says_otherwise_is_caught(paper):
    table, row, name, wrong = FAULTS[paper]
    numbers = json.loads(json.dumps(NUMBERS[paper]))
    numbers[table][row][name] = wrong
    with pytest.raises(AssertionError):
        VERDICTS[paper](numbers)


# How the numbers are made


def curves(first_epochs, last=5):
    """Cells that reach 0.9 at these epochs, by (depth, rate, seed)."""
    rows = [
        (f"{depth} {rate} {seed}", depth, rate, epoch, 0.9 if epoch >= first else 0.1)
        for (depth, rate, seed), first in first_epochs.items()
        for epoch in range(last + 1)
    ]
    return pd.DataFrame(rows, columns=["cell", "depth", "learning_rate", "epoch", "valid_accuracy"])


def test_the_best_rate_is_where_all_seeds_get_there_soonest():
    never = math.inf
    frame = curves({(4, 0.1, 0): 1, (4, 0.1, 1): never, (4, 0.01, 0): 3, (4, 0.01, 1): 4, (8, 0.1, 0): never})
    tried = draw.steps_by_rate(frame, ["depth"], 0.5)
    assert tried["first"].tolist() == [[3, 4], [1, never], [never]]
    best = draw.best_rates(tried, ["depth"])
    assert best[["depth", "learning_rate"]].to_numpy().tolist() == [[4, 0.01], [8, 0.1]]
    cells = [draw.steps_cell(first, 5) for first in tried["first"]]
    assert cells == [[3.5, 3, 4], "1 of 2 in 5", "none in 5"]


@pytest.mark.parametrize(
    ("accuracies", "depth"),
    [([0.9, 0.7, 0.3], 30), ([0.9, 0.9, 0.9], math.inf), ([0.1, 0.1, 0.1], 10), ([0.4, 0.6, 0.2], 25)],
)
def test_the_depth_at_which_half_is_right_lies_between_two_depths(accuracies, depth):
    assert draw.crossing([10, 20, 40], accuracies) == pytest.approx(depth)


@pytest.mark.parametrize(
    ("activation", "gaussian", "expected"),
    [("linear", True, 3.5), ("linear", False, 0), ("relu", True, 7.5), ("relu", False, 4)],
)
def test_the_relative_variance_of_a_product_adds_up_its_layers(activation, gaussian, expected):
    assert draw.relative_variance(activation, gaussian, [20, 10, 10, 10, 10], [1.0] * 4) == expected


def test_slopes_of_tanh_add_nothing_for_faint_signals_and_much_for_strong_ones():
    assert draw.tanh_excess(1e-8) == pytest.approx(0, abs=1e-6)
    z = np.random.default_rng(0).standard_normal(200_000)
    squares = (1 - np.tanh(z) ** 2) ** 2
    assert draw.tanh_excess(1.0) == pytest.approx((squares**2).mean() / squares.mean() ** 2 - 1, rel=0.02)


def test_the_factor_a_layer_is_found_in_both_directions():
    layers = pd.DataFrame({"cell": "a", "layer": range(1, 6), "square": [2.0**-layer for layer in range(1, 6)]})
    assert draw.factor_a_layer(layers, "square", 1, 5)["a"] == pytest.approx(0.5)
    assert draw.factor_a_layer(layers, "square", 5, 2)["a"] == pytest.approx(2)


def test_a_slope_has_the_interval_of_least_squares():
    x, noise = [0.0, 1.0, 2.0, 3.0], [0.1, -0.1, -0.1, 0.1]
    slope, low, high = draw.slope_interval(x, [2 * a + b for a, b in zip(x, noise, strict=True)])
    assert slope == pytest.approx(2)
    assert (high - low) / 2 == pytest.approx(4.302653 * math.sqrt(0.04 / 2 / 5))

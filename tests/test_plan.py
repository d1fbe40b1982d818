"""The plan: every choice spelled out, keys that name numbers, stacks of equal shape."""

import dataclasses

import pytest

from initbench.config import read_experiment
from initbench.engine.blocks.dense import Dense
from initbench.plan import FACTORS, DataFacts, choose_tuned, make_plan, make_stacks, network_of
from initbench.registry import architecture

FACTS = DataFacts("c0ffee", 1000, 200, (20,), 3)


@pytest.fixture
def plan(tmp_path):
    def make(text, facts=FACTS):
        path = tmp_path / "some.yaml"
        path.write_text(text)
        experiment = read_experiment(path)
        return make_plan(experiment, dict.fromkeys(experiment.choices["dataset"], facts))

    return make


def test_the_plan_is_the_product_of_all_lists_and_seeds(plan):
    cells = plan("depth: [1, 2]\ninitializer: [zeros, he_normal, {normal: {std: 0.1}}]\nseeds: 4")
    assert len(cells) == 2 * 3 * 4
    assert len({cell.key for cell in cells}) == len(cells)
    assert [cell.seed for cell in cells[:5]] == [0, 1, 2, 3, 0]
    assert dict(cells[-1].factors) == {
        "dataset": "digits",
        "depth": 2,
        "width": 64,
        "activation": "relu",
        "initializer": "normal(std=0.1)",
        "optimizer": "sgd",
        "learning_rate": 0.05,
        "batch_size": 64,
    }


def test_nothing_is_left_to_default(plan):
    (cell,) = plan("seeds: 1")
    assert cell.output_initializer == cell.initializer
    assert ("gain", 2.0) in cell.initializer.parameters
    with pytest.raises(dataclasses.FrozenInstanceError):
        cell.seed = 1


def test_further_swept_keys_become_factors(plan):
    cells = plan("weight_decay: [0, 0.1]\nscaling: [standard]\nseeds: 1")
    assert [dict(cell.factors)["weight_decay"] for cell in cells] == [0.0, 0.1]
    assert "scaling" not in dict(cells[0].factors)


def test_hidden_reads_as_widths_and_their_number(plan):
    cells = plan("hidden: [[512, 256, 64], [8]]\nseeds: 1")
    assert [(dict(c.factors)["depth"], dict(c.factors)["width"]) for c in cells] == [(3, "512-256-64"), (1, "8")]
    fans = [[slot.fans for slot in network_of(cell).layers] for cell in cells]
    assert fans == [[(20, 512), (512, 256), (256, 64), (64, 3)], [(20, 8), (8, 3)]]


def test_two_classes_have_one_output(plan):
    (cell,) = plan("seeds: 1\ndepth: 1\nwidth: 4", dataclasses.replace(FACTS, classes=2))
    assert cell.outputs == network_of(cell).outputs == 1


BASE = "seeds: [3]\ndepth: 2\nwidth: 8\n"


@pytest.mark.parametrize(
    "same",
    [
        "name: other",
        "description: words",
        "target: 0.9",
        "initializer: {he_normal: {gain: 2}}",
        "output_initializer: he_normal",
        "learning_rate: 5.0e-2",
        "weight_decay: 0.0",
    ],
)
def test_what_cannot_change_numbers_leaves_the_key(plan, same):
    assert plan(BASE + same)[0].key == plan(BASE)[0].key


def test_a_key_does_not_depend_on_what_else_is_swept(plan):
    alone = plan(BASE)[0].key
    assert alone in {
        cell.key for cell in plan("seeds: 5\ndepth: [1, 2]\nwidth: [8, 9]\ninitializer: [zeros, he_normal]")
    }
    assert plan("seeds: [3]\nhidden: [8, 8]")[0].key == alone


@pytest.mark.parametrize(
    "other",
    [
        "activation: tanh",
        "activation: {leaky_relu: {slope: 0.2}}",
        "initializer: zeros",
        "initializer: {he_normal: {gain: 2.1}}",
        "output_initializer: zeros",
        "bias: normal",
        "normalization: batch",
        "residual: plain",
        "dropout: 0.1",
        "schedule: cosine",
        "schedule: {step: {every: 9}}",
        "optimizer: adam",
        "optimizer: {momentum: {momentum: 0.8}}",
        "learning_rate: 0.1",
        "batch_size: 65",
        "epochs: 11",
        "clip_norm: 1",
        "weight_decay: 0.1",
        "scaling: unit",
        "train_rows: 100",
        "dtype: float64",
    ],
)
def test_what_can_change_numbers_changes_the_key(plan, other):
    assert plan(BASE + other)[0].key != plan(BASE)[0].key


def test_a_clock_and_its_target_belong_to_the_key(plan):
    texts = ["", "target: 0.9\nclock: 5", "target: 0.9\nclock: 6", "target: 0.8\nclock: 5"]
    assert len({plan(BASE + text)[0].key for text in texts}) == len(texts)
    assert plan(BASE + "target: 0.9\nclock: null")[0].key == plan(BASE)[0].key
    assert plan(BASE)[0].key == "b8f87a522ff452cc"  # as it was before there were clocks
    usual = "architecture: mlp\ndropout: 0.0\nschedule: constant"
    assert plan(BASE + usual)[0].key == "b8f87a522ff452cc"  # as it was before there were such keys


CLIPPED = {  # the keys as they were when a layer without activation had a slope that nothing used
    "activation: prelu\nresidual: fixup\nclip_norm: 1\ndepth: 3": "0c23389f98f88dc7",
    "activation: prelu\nresidual: fixup\ndepth: 3": "19a2b41bc8c140dc",
    "activation: prelu\nresidual: plain\nclip_norm: 1\ndepth: 3": "3db0629820b93351",
    "activation: relu\nresidual: fixup\nclip_norm: 1\ndepth: 3": "ca5e30a68d4f40a5",
    "activation: prelu\nresidual: fixup\nclip_norm: 1\ndepth: 2": "3db371150541310f",
}


@pytest.mark.parametrize("text", CLIPPED)
def test_cells_have_a_new_key_where_clipping_adds_up_other_numbers_than_before(plan, text):
    has_unused_slopes = text == next(iter(CLIPPED))  # a slope that is trained, a branch that ends in none, and clipping
    assert (plan(f"width: 8\nseeds: 1\n{text}")[0].key != CLIPPED[text]) == has_unused_slopes


def test_the_architecture_is_a_factor_where_it_is_not_an_mlp_alone(plan):
    assert "architecture" not in dict(plan(BASE)[0].factors)

    @architecture("no_hidden")
    def no_hidden(rows, outputs, *, hidden, activation):
        return [Dense(outputs)]

    assert dict(plan(BASE + "architecture: no_hidden")[0].factors)["architecture"] == "no_hidden"
    cells = plan(BASE + "architecture: [mlp, no_hidden]")
    assert {dict(cell.factors)["architecture"] for cell in cells} == {"mlp", "no_hidden"}
    assert len(make_stacks(cells)) == 2


def test_other_data_change_the_key(plan):
    assert plan(BASE, dataclasses.replace(FACTS, checksum="other"))[0].key != plan(BASE)[0].key


@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize(
    "text",
    [
        "seeds: 5\ninitializer: [zeros, he_normal, glorot_normal]",
        "seeds: 30\ndepth: [1, 20]\nwidth: [4, 500]\nlearning_rate: [0.1, 0.2]\noptimizer: [sgd, adam]",
        "seeds: 3\nclip_norm: [null, 1]\nweight_decay: [0, 0.1, 0.2]\nbatch_size: [32, 64]",
        "seeds: 2\nwidth: [3000]\ndepth: 5",
    ],
)
def test_stacks_hold_each_cell_once_in_equal_rows_of_seeds(plan, text, workers):
    cells = plan(text)
    stacks = make_stacks([*cells, *cells[:3]], workers)
    assert sorted(cell.key for stack in stacks for cell in stack.cells) == sorted(cell.key for cell in cells)
    for stack in stacks:
        seeds = [cell.seed for cell in stack.cells]
        assert seeds == sorted(seeds, key=stack.seeds.index)
        assert len({seeds.count(seed) for seed in seeds}) == 1
        shapes = {(c.data.features, c.hidden, c.outputs) for c in stack.cells}
        assert len({(c.optimizer, c.batch_size, c.clip_norm is None, c.weight_decay > 0) for c in stack.cells}) == 1
        assert len(shapes) == 1


def test_a_stack_that_mixes_shapes_is_noticed(plan):
    with pytest.raises(AssertionError):
        test_stacks_hold_each_cell_once_in_equal_rows_of_seeds(lambda text: plan("depth: 1") + plan("depth: 1"), "", 1)


def test_uneven_rows_of_seeds_do_not_share_a_stack(plan):
    cells = plan("seeds: 4\ninitializer: [zeros, he_normal, glorot_normal]")
    lacking = [cell for cell in cells if not (cell.seed == 2 and cell.initializer.name == "zeros")]
    assert sorted(len(stack.cells) for stack in make_stacks(lacking)) == [2, 9]


@pytest.mark.parametrize(("seeds", "workers", "heaviest"), [(5, 2, 15), (3, 2, 9), (30, 4, 46), (7, 3, 14), (1, 6, 1)])
def test_workers_are_dealt_nearly_equal_shares(plan, seeds, workers, heaviest):
    cells = plan(f"seeds: {seeds}\ninitializer: [zeros, ones, he_normal, he_uniform, glorot_normal, glorot_uniform]")
    dealt = [0] * workers
    for stack in make_stacks(cells, workers):
        dealt[dealt.index(min(dealt))] += len(stack.cells)
    assert max(dealt) == heaviest


def test_large_networks_make_low_stacks_and_large_data_few_seeds(plan):
    assert {len(s.cells) for s in make_stacks(plan("width: 3000\nseeds: 3"))} == {1}
    large = dataclasses.replace(FACTS, row=(784,), train_rows=60_000, test_rows=10_000)
    assert {len(stack.seeds) for stack in make_stacks(plan("width: 8\nseeds: 3", large))} == {1}


def test_chosen_cells_are_those_of_the_plan_and_only_their_factors_differ(plan):
    cells = plan("initializer: [zeros, he_normal]\nlearning_rate: {tune: [0.1, 0.2]}\nwidth: {tune: [4, 5]}\nseeds: 2")
    assert len(cells) == 2 * 4 * 2
    fixed = [name for name in FACTORS if name not in ("width", "learning_rate")]
    settings = {dict(c.factors)["initializer"]: tuple(dict(c.factors)[name] for name in fixed) for c in cells}
    zeros, he_normal = settings["zeros"], settings["he_normal"]
    own = {(zeros, 0): (5, 0.2), (zeros, 1): (4, 0.1), (he_normal, 0): (4, 0.1), (he_normal, 1): (5, 0.1)}
    chosen = choose_tuned(cells, ("width", "learning_rate"), own, dict.fromkeys(own, (5, 0.1)))
    shown = [dict(cell.factors) for cell in chosen]
    assert [(f["initializer"], f["width"], f["learning_rate"]) for f in shown[::2]] == [
        ("zeros", "common", "common"),
        ("he_normal", "common", "common"),
        ("zeros", "tuned", "tuned"),
        ("he_normal", "tuned", "tuned"),
    ]
    assert [cell.seed for cell in chosen] == [0, 1] * 4
    assert {cell.key for cell in chosen} < {cell.key for cell in cells}
    assert len({cell.key for cell in chosen}) == 7  # those of he_normal at seed 1 are the common ones
    assert [(c.hidden[0], c.learning_rate) for c in chosen[4:]] == [(5, 0.2), (4, 0.1), (4, 0.1), (5, 0.1)]
    assert sum(len(stack.cells) for stack in make_stacks(chosen)) == 7
    assert choose_tuned(cells, ("width", "learning_rate"), {}, {}) == ()
    assert len(choose_tuned(cells, ("width", "learning_rate"), {(zeros, 1): (4, 0.2)}, {})) == 1

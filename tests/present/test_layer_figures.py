"""Figures of layers and of what predicts success, from made-up signals that grow or fade from layer to layer."""

from itertools import combinations, product

import frames
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from initbench.analysis.layers import layer_means
from initbench.contracts import LAYER_METRICS
from initbench.present.figures import save_figure
from initbench.present.figures.layers import layer_figures
from initbench.present.figures.predictors import predictor_panels

FACTORS = list(frames.DEFAULTS)
GROWTH = {"he_normal": 1.0, "glorot_uniform": 0.8, "orthogonal": 1.1}
KINDS = ["activations", "gradients", "updates", "distance", "saturated", "dead", "histograms-activation"]
ALL = [f"layers-{kind}" for kind in [*KINDS, "histograms-gradient"]]


def recorded(growth=GROWTH, *, epochs=4, seeds=2, dead=0.1, diverged=(), **swept):
    """Layers and histograms: in each layer, signals are ``growth[initializer]`` times as large as in the one below."""
    layers, histograms = [], []
    sweeps = {"depth": [3], **swept}
    for values in product(*sweeps.values()):
        setting = frames.DEFAULTS | dict(zip(sweeps, values, strict=True))
        depth = setting["depth"]
        for (name, factor), seed in product(growth.items(), range(seeds)):
            head = setting | {"initializer": name, "seed": seed, "cell": f"{values}{name}{seed}"}
            for epoch, layer in product(range(epochs + 1), range(1, depth + 2)):
                size = factor**layer * (1 + 0.1 * seed + 0.05 * epoch)
                signals = dict.fromkeys(LAYER_METRICS, 0.1 * size) | {
                    "saturated": 0.3,
                    "dead": dead,
                    "activation_std": size,
                }
                signals["distance"] = 0.01 * epoch * (factor > 0)
                if factor == 0:
                    signals |= {"update_ratio": np.nan, "distance": np.nan}
                if layer == depth + 1:
                    signals |= {"saturated": np.nan, "dead": np.nan}
                if name in diverged and epoch > 0:
                    signals = dict.fromkeys(LAYER_METRICS, np.nan)
                elif seed == 0:
                    counts = np.round(1000 * np.exp(-(np.linspace(-3, 3, 41) ** 2) / 2)).astype(int)
                    some = {"epoch": epoch, "layer": layer, "limit": 3 * size, "counts": counts}
                    histograms += [head | some | {"quantity": quantity} for quantity in ("activation", "gradient")]
                layers.append(head | {"epoch": epoch, "layer": layer} | signals)
    return pd.DataFrame(layers), pd.DataFrame(histograms)


def drawn(*arguments, **options):
    layers, histograms = recorded(*arguments, **options)
    return layer_figures(layer_means(layers, FACTORS), histograms, FACTORS)


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def crowded(figure):
    """Texts, but for the numbers along axes, that overlap another or leave the figure."""
    figure.draw_without_rendering()
    axes = [axis for panel in figure.axes for axis in (panel.xaxis, panel.yaxis)]
    ticks = {label for axis in axes for tick in axis.get_major_ticks() for label in (tick.label1, tick.label2)}
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    boxes = {text: text.get_window_extent().padded(-1) for text in shown if text not in ticks}
    out = [text.get_text() for text, box in boxes.items() if figure.bbox.count_contains(box.corners()) < 4]
    return out + [a.get_text() for (a, one), (b, other) in combinations(boxes.items(), 2) if one.overlaps(other)]


@pytest.fixture(scope="module")
def three():
    return drawn()


def test_one_setting_has_a_figure_of_each_kind_and_names_every_initializer(three):
    assert list(three) == ALL
    for name, figure in three.items():
        titles = " ".join(axes.get_title() for axes in figure.axes)
        assert all(initializer in titles for initializer in GROWTH), name


def test_a_few_settings_have_their_own_figures():
    figures = drawn({"he_normal": 1.0}, learning_rate=[0.1, 1.0], epochs=1)
    assert list(figures) == [f"{name}-learning_rate={rate}" for rate in ("0.1", "1") for name in ALL]
    assert "learning rate 0.1" in figures["layers-dead-learning_rate=0.1"].get_suptitle()


def test_many_settings_share_pages_and_none_is_dropped():
    figures = drawn(learning_rate=list(range(1, 8)), depth=[1], epochs=1, seeds=1)
    kinds = [name for name in ALL if "histograms" not in name]
    assert list(figures) == [f"{kind}-{page}" for kind in kinds for page in (1, 2)]
    titles = [axes.get_title() for page in (1, 2) for axes in figures[f"layers-gradients-{page}"].axes]
    wanted = {f"{name}\nlearning rate {rate}" for name in GROWTH for rate in range(1, 8)}
    assert wanted <= set(titles)
    assert max(figure.get_figheight() for figure in figures.values()) <= 8


def test_there_is_no_figure_of_what_never_happens():
    assert "layers-dead" not in drawn({"he_normal": 1.0}, dead=0.0, epochs=1)


def lines_of(axes):
    return [line for line in axes.lines if len(line.get_xdata()) > 2]


def test_lines_are_the_means_they_are_given(three):
    means = layer_means(recorded()[0], FACTORS)
    for kind, metric in [
        ("gradients", "gradient_std"),
        ("updates", "update_ratio"),
        ("activations", "activation_mean"),
    ]:
        rows = means[(means["initializer"] == "glorot_uniform") & (means["metric"] == metric)]
        for layer, line in enumerate(lines_of(three[f"layers-{kind}"].axes[0]), start=1):
            np.testing.assert_allclose(line.get_ydata().astype(float), rows.loc[rows["layer"] == layer, "mean"])
        wrong = rows.loc[rows["layer"] == 2, "mean"]
        assert not np.allclose(lines_of(three[f"layers-{kind}"].axes[0])[0].get_ydata().astype(float), wrong)


def test_bars_reach_one_deviation_to_both_sides(three):
    means = layer_means(recorded()[0], FACTORS)
    first = means[(means["initializer"] == "glorot_uniform") & (means["layer"] == 1) & (means["epoch"] == 0)]
    value = first.set_index("metric")["mean"]
    low, high = three["layers-activations"].axes[0].collections[0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx(value["activation_mean"] + value["activation_std"] * np.array([-1, 1]))


def test_a_layer_has_one_colour_in_all_figures_and_its_name_in_the_legend(three):
    for kind in ("gradients", "updates", "distance"):
        figure = three[f"layers-{kind}"]
        (legend,) = figure.legends
        assert [text.get_text() for text in legend.get_texts()] == ["layer 1", "layer 2", "layer 3", "output layer"]
        colors = [line.get_color() for line in legend.get_lines()]
        for axes in figure.axes:
            assert [line.get_color() for line in lines_of(axes) if line.get_linestyle() != ":"] == colors
    assert len(set(colors)) == 4


def test_many_layers_get_a_colour_bar_and_bars_of_some_of_them():
    figures = drawn({"he_normal": 1.0}, depth=[50], epochs=2, seeds=1)
    for name, figure in figures.items():
        assert not figure.legends, name
    assert "hidden layer" in words(figures["layers-gradients"])
    assert len(lines_of(figures["layers-gradients"].axes[0])) == 51
    assert len(figures["layers-activations"].axes[0].collections) == 8
    assert "8 of 50 layers" in figures["layers-activations"].get_suptitle()


def test_shares_are_drawn_as_they_are_with_the_first_layer_below():
    figure = drawn({"he_normal": 1.0}, dead=0.25)["layers-dead"]
    (mesh,) = figure.axes[0].collections
    assert np.asarray(mesh.get_array()).shape == (3, 5)
    assert np.asarray(mesh.get_array()) == pytest.approx(25)
    low, high = figure.axes[0].get_ylim()
    assert (low, high) == (0.5, 3.5)


def areas(axes):
    """What lies under each density."""
    return [np.sum(values * np.diff(edges)) for values, edges, _ in (patch.get_data() for patch in axes.patches)]


def test_densities_have_the_area_1(three):
    for quantity in ("activation", "gradient"):
        for axes in three[f"layers-histograms-{quantity}"].axes:
            assert areas(axes) == pytest.approx([1, 1, 1])
            axes.patches[0].set_data(values=2 * axes.patches[0].get_data().values)
            assert areas(axes) == pytest.approx([2, 1, 1])


def test_densities_that_differ_much_have_a_logarithmic_axis():
    scales = {growth: drawn({"he_normal": growth}, epochs=1)["layers-histograms-gradient"] for growth in (1.1, 0.1)}
    assert [scales[growth].axes[0].get_yscale() for growth in (1.1, 0.1)] == ["linear", "log"]


def test_panels_with_nothing_to_draw_say_why(three):
    figures = drawn({"he_normal": 1.0, "zeros": 0.0, "orthogonal": 9.0}, diverged=["orthogonal"])
    assert [text.get_text() for axes in figures["layers-gradients"].axes for text in axes.texts] == [
        *["every seed diverged", "0 in every hidden layer"]
    ]
    assert "no ratio to weights of 0" in words(figures["layers-updates"])
    assert "a seed leaves where it diverges" in figures["layers-updates"].get_suptitle()
    assert {"0 in every hidden layer", "diverged"} <= set(words(figures["layers-histograms-activation"]))
    layers, histograms = recorded({"he_normal": 1.0})
    histograms.loc[histograms["layer"] == 2, "limit"] = 0
    some = layer_figures(layer_means(layers, FACTORS), histograms, FACTORS)
    assert words(some["layers-histograms-gradient"]).count("only 0 in layer 2") == 2
    histograms["counts"] = [0 * counts for counts in histograms["counts"]]
    none = layer_figures(layer_means(layers, FACTORS), histograms, FACTORS)
    assert words(none["layers-histograms-gradient"]).count("diverged") == 2
    calm = [text for figure in three.values() for axes in figure.axes for text in axes.texts]
    assert calm == []


def test_activations_share_an_axis_where_they_are_alike():
    def heights(growth):
        axes = drawn(growth, depth=[2], epochs=1)["layers-activations"].axes
        return {panel.get_ylim() for panel in axes}

    assert len(heights({"he_normal": 1.0, "orthogonal": 1.2})) == 1
    assert len(heights({"he_normal": 1.0, "orthogonal": 9.0})) == 2


def test_layers_that_run_off_do_not_press_the_others_flat():
    brief = {"epochs": 1, "seeds": 1}

    def scales(growth):
        return [axes.get_yscale() for axes in drawn(growth, depth=[20], **brief)["layers-activations"].axes[:2]]

    assert scales({"he_normal": 1.0, "normal(std=1)": 7.0}) == ["linear", "symlog"]
    assert scales({"he_normal": 1.0, "normal(std=0.01)": 0.1}) == ["linear", "linear"]


def test_where_nothing_is_left_from_the_start_no_axis_has_numbers():
    layers, histograms = recorded(seeds=1)
    layers[[*LAYER_METRICS, "distance"]] = np.nan
    figures = layer_figures(layer_means(layers, FACTORS), histograms.iloc[:0], FACTORS)
    for name, figure in figures.items():
        assert crowded(figure) == [], name
        assert "every seed diverged at the start" in figure.get_suptitle()
        for axes in figure.axes[: len(GROWTH)]:
            assert "every seed diverged" in [text.get_text() for text in axes.texts]
            assert len(axes.get_yticks()) == 0
            assert axes.get_xlim()[1] > 4


UNUSUAL = {
    "one layer and epoch": {"growth": {"he_normal": 1.0}, "depth": [1], "seeds": 1},
    "fifty layers": {
        "growth": {"he_normal": 1.0, "zeros": 0.0, "explodes": 9.0},
        "depth": [50],
        "diverged": ["explodes"],
    },
    "six": {"growth": {f"uniform(low=-0.{i}, high=0.{i})": i / 10 for i in range(5, 11)}, "depth": [2], "seeds": 1},
    "all diverged": {"diverged": list(GROWTH)},
    "odd names": {"growth": {"normal(std=$x^$)": 1.0}, "dataset": ["csv(x^$.csv)", "a/b"], "dead": 0.0},
    "nothing but zeros": {"growth": {"zeros": 0.0}},
}


APART = ("activations", "updates", "saturated", "histograms-gradient")  # a kind for each way to draw


def test_figures_of_every_kind_have_room_enough(three):
    for name, figure in three.items():
        assert crowded(figure) == [], name


@pytest.mark.parametrize("case", UNUSUAL)
def test_unusual_experiments_are_drawn_in_room_enough(case):
    for name, figure in drawn(**{"epochs": 1} | UNUSUAL[case]).items():
        if name.startswith(tuple(f"layers-{kind}" for kind in APART)):
            assert crowded(figure) == [], name
        assert min(text.get_fontsize() for text in figure.findobj(Text)) >= 7
        assert figure.get_figheight() <= 8


def test_the_check_catches_texts_that_overlap_or_leave_the_figure():
    figure = drawn({"he_normal": 1.0, "orthogonal": 1.1}, epochs=1)["layers-gradients"]
    assert crowded(figure) == []
    figure.axes[0].set_title("a title that is far too long for its panel, as anyone sees")
    assert crowded(figure)
    figure = Figure(figsize=(2, 2))
    figure.supylabel("what is written here is longer than the figure is high")
    assert crowded(figure)


def test_saving_twice_gives_the_same_bytes(tmp_path):
    suffixes = {"layers-gradients": "svg", "layers-dead": "pdf", "layers-histograms-activation": "png"}
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        figures = drawn({"he_normal": 1.0}, depth=[2], epochs=1)
        for name, suffix in suffixes.items():
            save_figure(figures[name], tmp_path / folder / f"{name}.{suffix}")
    files = [sorted((tmp_path / folder).iterdir()) for folder in ("a", "b")]
    assert len(files[0]) == 3
    assert [file.read_bytes() for file in files[0]] == [file.read_bytes() for file in files[1]]


PREDICTORS = [
    ("abs_signal_slope", "final_accuracy", -0.8, -0.9, -0.6),
    ("tries_of_mine", "final_accuracy", 0.3, -0.2, 0.7),
    ("least_distinct", "final_accuracy", np.nan, np.nan, np.nan),
]


def predictors(rows=PREDICTORS, trained=0.2):
    """A table of predictors, and as the other outcome the same with other numbers in another order."""
    both = [*rows, *((name, "trained", trained * value, np.nan, np.nan) for name, _, value, *_ in reversed(rows))]
    table = pd.DataFrame(both, columns=["diagnostic", "outcome", "correlation", "low", "high"])
    return table.assign(cells=60, settings=12)


def test_predictors_are_drawn_in_their_order_and_filled_where_the_interval_leaves_out_0():
    figure = predictor_panels(predictors())
    left, right = figure.axes
    names = ["|log growth of the signal a layer|", "tries of mine", "distinct units, worst layer"]
    assert [label.get_text() for label in left.get_yticklabels()] == names
    dots = [line for line in left.lines if line.get_marker() == "o"]
    assert [(*line.get_xdata(), *line.get_ydata()) for line in dots] == [(-0.8, 0), (0.3, 1)]
    assert [line.get_markerfacecolor() == "white" for line in dots] == [False, True]
    assert [text.get_text() for text in left.texts] == ["constant"]
    assert [line.get_xdata()[0] for line in right.lines if line.get_marker() == "o"] == pytest.approx([-0.16, 0.06])
    assert "60 cells of 12 settings" in figure.get_suptitle()


def test_an_outcome_that_never_differs_is_told_once():
    assert words(predictor_panels(predictors(trained=np.nan))).count("the same in all cells") == 1


def test_few_settings_are_told():
    told = predictor_panels(predictors([(*row[:3], np.nan, np.nan) for row in PREDICTORS])).get_suptitle()
    assert "too few settings for intervals" in told
    assert "too few" not in predictor_panels(predictors()).get_suptitle()


def test_a_dozen_predictors_have_room_enough():
    rows = [
        (f"diagnostic number {i} of a dozen", "final_accuracy", 0.9 - i / 10, 0.8 - i / 10, 1 - i / 10)
        for i in range(12)
    ]
    assert crowded(predictor_panels(predictors(rows))) == []

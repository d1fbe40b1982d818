"""The figures of a probe."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from initbench.analysis.signals import METRICS, signal_bands
from initbench.present.figures import save_figure
from initbench.present.figures.probe import probe_figures
from initbench.present.figures.signals import signal_figure
from initbench.present.figures.style import series_styles

SCALES = {"he_normal": 1.0, "glorot_normal": 0.5, "n001": 1e-3, "zeros": 0.0}
VERDICTS = {"he_normal": "healthy", "glorot_normal": "healthy", "n001": "vanishing", "zeros": "symmetric"}
FACTORS = ["depth", "activation", "initializer"]


def probe_frames(depths=(10,), activations=("relu",), seeds=3, predicted=True):
    """What a probe hands over: a verdict table, bands, singular values; signals change by a factor a layer."""
    rows, table, spectrum = [], [], []
    for depth, activation, (name, scale) in product(depths, activations, SCALES.items()):
        setting = {"depth": depth, "activation": activation, "initializer": name}
        for seed, layer in product(range(seeds), range(1, depth + 2)):
            square = 2 * scale**layer * (1 + 0.1 * seed)
            shares = {"correlation": 1 - 0.9 / layer, "saturated": 0.5, "dead": 0.01 * layer}
            squares = dict.fromkeys(("preactivation_square", "gradient_square", "weight_gradient_norm"), square)
            theory = 2 * scale**layer if predicted and scale else np.nan
            rows.append(
                {**setting, "seed": seed, "cell": f"{setting}{seed}", "layer": layer, **squares, **shares}
                | {"predicted_preactivation_square": theory, "predicted_gradient_square": theory}
                | {"predicted_correlation": theory}
            )
        ratio = scale**depth if scale else np.nan
        table.append({**setting, "draws": seeds, "verdict": VERDICTS[name]})
        table[-1] |= {"forward_ratio": ratio, "backward_ratio": ratio, "gradient_ratio": 2 * ratio}
        spectrum.append(scale * np.random.default_rng(0).lognormal(sigma=2, size=200))
    return pd.DataFrame(table), signal_bands(pd.DataFrame(rows), FACTORS), spectrum, FACTORS


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def lines(figure, panel):
    return figure.axes[panel].lines


@pytest.fixture(scope="module")
def one():
    return probe_figures(*probe_frames())


def test_one_setting_has_a_figure_of_each_kind(one):
    assert list(one) == ["probe-verdicts", "probe-signals", "probe-spectra"]


def test_a_few_settings_have_their_own_signals_and_many_share_them_a_quantity_each():
    few = probe_figures(*probe_frames(depths=[2, 5], activations=["relu", "tanh"]))
    assert [name for name in few if "signals" in name] == [
        f"probe-signals-depth={depth}-activation={activation}" for depth in (2, 5) for activation in ("relu", "tanh")
    ]
    table, bands, _, factors = probe_frames(depths=range(2, 9), seeds=1)
    many = probe_figures(table, bands, [np.empty(0)] * len(table), factors)
    assert list(many) == ["probe-verdicts", *(f"probe-{m}" for m in METRICS)]
    titles = {axes.get_title() for axes in many["probe-correlation"].axes}
    assert {f"depth {depth}" for depth in range(2, 9)} <= titles
    assert max(figure.get_figheight() for figure in (*few.values(), *many.values())) <= 8.3


def test_medians_are_drawn_with_their_theory_dashed_over_them(one):
    drawn = [np.asarray(line.get_ydata()) for line in lines(one["probe-signals"], 0)]
    wanted = 2 * 0.5 ** np.arange(1.0, 11)
    assert sum(y.shape == (10,) and np.allclose(y, 1.1 * wanted) for y in drawn) == 1, "the median draw of three"
    assert sum(y.shape == (10,) and np.allclose(y, wanted) for y in drawn) == 1, "theory"
    assert "theory" in words(one["probe-signals"])
    without = probe_figures(*probe_frames(predicted=False))["probe-signals"]
    assert "theory" not in words(without)


def test_squares_stand_on_a_logarithmic_axis_and_what_is_0_is_named(one):
    scales = [axes.get_yscale() for axes in one["probe-signals"].axes]
    assert scales == ["log", "log", "linear", "log", "linear", "linear"]
    assert any("not on logarithmic axes: zeros" in text for text in words(one["probe-signals"]))
    table, bands, _, _ = probe_frames()
    fine = signal_figure(bands[bands["initializer"] != "zeros"], series_styles(table["initializer"]), "")
    assert not any("logarithmic" in text for text in words(fine))


def test_a_signal_that_runs_off_does_not_press_the_others_flat():
    table, bands, _, factors = probe_frames()
    runs_off = bands["initializer"] == "n001"
    bands.loc[runs_off, ["median", "low", "high"]] = bands.loc[runs_off, ["median", "low", "high"]] ** 20
    figure = probe_figures(table, bands, [np.empty(0)] * 4, factors)["probe-signals"]
    low, high = figure.axes[0].get_ylim()
    assert 1e-18 < low < 1e-12
    assert high < 1e3


def test_the_range_that_theory_expects_is_dotted_where_it_is_known():
    table, bands, _, factors = probe_frames()
    assert "95 % at this width" not in words(probe_figures(table, bands, [np.empty(0)] * 4, factors)["probe-signals"])
    known = (bands["metric"] == "preactivation_square") & (bands["initializer"] == "he_normal")
    bands.loc[known, ["predicted_low", "predicted_high"]] = [0.5, 7.0]
    figure = probe_figures(table, bands, [np.empty(0)] * 4, factors)["probe-signals"]
    dotted = [line.get_ydata()[0] for line in lines(figure, 0) if line.get_linewidth() == 0.9]
    assert dotted == [0.5, 7.0]
    assert "95 % at this width" in words(figure)


def test_every_ratio_that_may_decide_has_a_mark(one):
    marks = {line.get_marker(): float(line.get_xdata()[0]) for line in one["probe-verdicts"].axes[0].lines[1:4]}
    assert set(marks) == {"<", ">", "D"}
    assert marks["D"] == pytest.approx(2 * marks["<"])
    assert "weight gradient: first layer / last" in words(one["probe-verdicts"])


def test_many_initializers_share_pages_and_theory_has_their_colours():
    table, bands, _, factors = probe_frames()
    names = [f"i{i:02}" for i in range(30)]
    tables, all_bands = (
        pd.concat([frame[frame["initializer"] == "he_normal"].assign(initializer=name) for name in names])
        for frame in (table, bands)
    )
    drawn = probe_figures(tables, all_bands, [np.empty(0)] * 30, factors)
    assert [name for name in drawn if "signals" in name] == [f"probe-signals-{page}" for page in (1, 2, 3)]
    dashed = [line.get_color() for line in lines(drawn["probe-signals-1"], 0) if line.get_linewidth() == 0.8]
    assert dashed == [series_styles(names)[name].color for name in names[:10]]


def test_figures_of_a_quantity_hold_no_more_initializers_than_can_be_told_apart():
    table, bands, _, factors = probe_frames(depths=range(2, 9), seeds=1, predicted=False)
    names = [f"i{i:02}" for i in range(14)]
    tables, all_bands = (
        pd.concat([frame[frame["initializer"] == "he_normal"].assign(initializer=name) for name in names])
        for frame in (table, bands)
    )
    drawn = probe_figures(tables, all_bands, [np.empty(0)] * len(tables), factors)
    pages = [figure for name, figure in drawn.items() if name.startswith("probe-correlation-")]
    told = [[text.get_text() for text in figure.legends[0].get_texts()] for figure in pages]
    assert [set(names) & set(some) for some in told] == [set(names[:7]), set(names[7:])]
    assert all({f"depth {depth}" for depth in range(2, 9)} <= set(words(figure)) for figure in pages)


def test_each_verdict_stands_beside_its_initializer(one):
    figure = one["probe-verdicts"]
    places = {text.get_text(): text.xy[1] for text in figure.axes[0].texts}
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert {names[round(y)]: word for word, y in places.items() if word in ("vanishing", "symmetric")} == {
        "n001": "vanishing",
        "zeros": "symmetric",
    }


def test_spectra_without_a_value_above_0_have_no_panel(one):
    titles = [axes.get_title() for axes in one["probe-spectra"].axes]
    assert [title.partition("\n")[0] for title in titles if title] == ["he_normal", "glorot_normal", "n001"]
    table, bands, _, factors = probe_frames()
    assert "probe-spectra" not in probe_figures(table, bands, [np.empty(0)] * 4, factors)


def test_equal_probes_give_equal_bytes(one, tmp_path):
    for folder, figures in (("a", one), ("b", probe_figures(*probe_frames()))):
        (tmp_path / folder).mkdir()
        for name, figure in figures.items():
            save_figure(figure, tmp_path / folder / f"{name}.png")
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    other = probe_figures(*probe_frames(seeds=2))["probe-signals"]
    save_figure(other, tmp_path / "other.png")
    assert (tmp_path / "other.png").read_bytes() != (tmp_path / "a" / "probe-signals.png").read_bytes()

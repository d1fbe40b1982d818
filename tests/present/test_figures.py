import frames
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import same_color
from matplotlib.text import Text

from initbench.analysis.bands import curve_bands
from initbench.analysis.summaries import accuracy_table
from initbench.analysis.tuning import choices_table, how_often, tried_table
from initbench.errors import UsageError
from initbench.present.figures import experiment_figures, save_figure
from initbench.present.figures.style import series_styles
from initbench.present.figures.tuning import tuning_figures
from initbench.registry import names

THREE = ["he_normal", "glorot_uniform", "orthogonal"]


def drawn(f):
    return experiment_figures(f.runs, accuracy_table(*f), curve_bands(f.curves, f.factors), f.baselines, f.factors)


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.fixture(scope="module")
def eight():
    return drawn(frames.experiment(frames.eight, initializer=frames.EIGHT))


@pytest.fixture(scope="module")
def grid():
    return drawn(
        frames.experiment(frames.gridded, initializer=THREE, depth=[2, 5, 20], learning_rate=[0.01, 0.3, 1.0], seeds=4)
    )


def test_an_experiment_without_a_sweep_has_three_figures(eight):
    assert list(eight) == ["curves", "accuracy", "speed"]


def test_a_sweep_has_figures_for_each_setting_and_key():
    f = frames.experiment(frames.gridded, initializer=THREE, learning_rate=[0.01, 0.3], seeds=4, epochs=3)
    assert len(f.runs) == 24
    assert list(drawn(f)) == [
        *["curves-learning_rate=0.01", "accuracy-learning_rate=0.01", "curves-learning_rate=0.3"],
        *["accuracy-learning_rate=0.3", "accuracy-by-learning_rate"],
    ]


def test_many_settings_share_figures_and_none_is_dropped(grid):
    assert list(grid) == [
        *["curves", "accuracy", "accuracy-by-depth", "accuracy-by-learning_rate", "heatmap-depth-learning_rate"]
    ]
    for name in ("curves", "accuracy"):
        titles = {axes.get_title() for axes in grid[name].axes}
        assert {f"depth {d}\nlearning rate {r}" for d in (2, 5, 20) for r in ("0.01", "0.3", "1")} <= titles


def test_more_settings_than_a_page_holds_get_more_pages():
    figures = drawn(frames.experiment(initializer=THREE, depth=list(range(1, 17)), seeds=2, epochs=1))
    assert list(figures) == ["curves-1", "curves-2", "accuracy-1", "accuracy-2", "accuracy-by-depth"]
    assert max(figure.get_figheight() for figure in figures.values()) <= 8


def test_diverged_and_failed_seeds_are_written_on_the_picture(eight, grid):
    assert "diverged 3/5" in words(eight["accuracy"])
    assert "uniform(low=-0.3, high=0.3) (diverged 3/5)" in words(eight["curves"])
    assert "failed 1/4" in words(grid["accuracy"])
    assert "he_normal 2/4" in words(grid["curves"])
    assert "4/4" in words(grid["accuracy-by-depth"])
    assert any("4/4 div" in text for text in words(grid["heatmap-depth-learning_rate"]))
    steady = drawn(frames.experiment(initializer=THREE, epochs=2))
    assert not any("diverged" in text or "failed" in text for figure in steady.values() for text in words(figure))


def test_every_seed_and_the_line_of_chance_are_to_be_seen(eight):
    axes = eight["accuracy"].axes[0]
    dots = [line for line in axes.lines if line.get_markersize() < 3]
    assert sum(len(line.get_xdata()) for line in dots if line.get_marker() == "o") == 37
    assert sum(len(line.get_xdata()) for line in dots if line.get_marker() == "x") == 3
    assert "chance" in words(eight["accuracy"])
    assert any(np.allclose(line.get_xdata(), 11.35) for line in axes.lines)


def test_lines_are_the_means_they_are_given():
    f = frames.experiment(frames.deep, initializer=THREE, depth=[2, 5, 20], epochs=2)
    accuracy = accuracy_table(*f).query("initializer == 'he_normal'").sort_values("depth")
    color = series_styles(THREE)["he_normal"].color
    lines = [line for line in drawn(f)["accuracy-by-depth"].axes[0].lines if same_color(line.get_color(), color)]
    np.testing.assert_allclose(lines[0].get_ydata(), 100 * accuracy["test_accuracy_mean"])


def test_one_colour_an_initializer_whatever_the_figure(eight):
    styles = series_styles(frames.EIGHT)
    assert len({look.color for look in styles.values()}) == 8
    for name, figure in eight.items():
        used = {line.get_color() for axes in figure.axes for line in axes.lines} - {"0.45"}
        assert used == {look.color for look in styles.values()}, name
    assert len(set(map(str, series_styles(f"part_{i}" for i in range(32)).values()))) == 32


@given(st.sets(st.sampled_from([*names("initializer"), "normal(std=0.1)", *(f"mine_{i}" for i in range(20))])))
def test_an_initializer_has_the_same_colour_whatever_it_stands_beside(some):
    colors = {name: look.color for name, look in series_styles(some).items()}
    assert colors == {name: series_styles([name])[name].color for name in some}
    assert len(set(colors.values())) == len(some)


def test_no_text_is_smaller_than_seven_points(eight, grid):
    for figure in [*eight.values(), *grid.values()]:
        assert min(text.get_fontsize() for text in figure.findobj(Text)) >= 7


def test_text_does_not_overlap_the_legend(eight, grid):
    for figure in (eight["curves"], grid["curves"], grid["accuracy-by-depth"]):
        figure.draw_without_rendering()
        (legend,) = figure.legends
        box = legend.get_window_extent()
        assert not any(box.overlaps(axes.get_tightbbox()) for axes in figure.axes if axes.get_visible() and axes.axison)
        assert figure.bbox.padded(1).containsx(box.x0)
        assert figure.bbox.padded(1).containsx(box.x1)


@pytest.mark.parametrize(
    "f",
    [
        frames.experiment(seeds=1, epochs=1),
        frames.experiment(lambda **setting: frames.Outcome(0.5, status="diverged"), seeds=3),
        frames.experiment(initializer=[f"part_{i}" for i in range(20)], seeds=2, epochs=2),
        frames.experiment(dataset=["csv(Churn_Modelling.csv, target=Exited)", "a/b"], seeds=2, epochs=1),
        frames.experiment(
            activation=["relu", "tanh"], clip_norm=[None, 1.0], weight_decay=[0, 1e-4], seeds=2, epochs=1
        ),
        frames.experiment(width=[64, "512-256"], seeds=2, epochs=1),
        frames.experiment(
            lambda depth, seed, **setting: frames.Outcome(0.9, status="failed" if depth == 5 else "ok"),
            initializer=THREE,
            depth=[2, 5],
            learning_rate=[0.1, 1.0],
            seeds=2,
            epochs=1,
        ),
    ],
    ids=["one seed", "all diverged", "twenty", "odd names", "three keys", "mixed widths", "all of a setting failed"],
)
def test_unusual_experiments_are_drawn_without_a_warning(f):
    figures = drawn(f)
    for name, figure in figures.items():
        assert "/" not in name
        figure.draw_without_rendering()


SUFFIXES = {"curves": "svg", "accuracy": "pdf", "speed": "png"}


def test_saving_twice_gives_the_same_bytes(tmp_path):
    f = frames.experiment(seeds=2, epochs=2)
    for name in ("a", "b"):
        figures = drawn(f)
        for kind, suffix in SUFFIXES.items():
            save_figure(figures[kind], tmp_path / f"{name}.{suffix}")
    for suffix in SUFFIXES.values():
        first, second = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("a", "b"))
        assert first == second
    assert b">he_normal</text>" in (tmp_path / "a.svg").read_bytes()


def test_an_unknown_suffix_is_told(eight, tmp_path):
    with pytest.raises(UsageError, match=r"'\.gif'.*\.png, \.svg, \.pdf"):
        save_figure(eight["curves"], tmp_path / "x.gif")


def test_names_with_dollars_are_written_as_they_are_even_outside_of_save_figure():
    f = frames.experiment(initializer=["x^$", "$a$"], dataset=["csv($x^$.csv)", "b"], learning_rate=[0.1, 1.0], seeds=2)
    for figure in drawn(f).values():
        figure.draw_without_rendering()


def test_file_names_are_short_and_distinct_and_keep_the_letters_of_every_script():
    datasets = ["csv(数据.csv)", "csv(表格.csv)", "a/b", "a|b", f"csv(x.csv, drop={'column ' * 90})"]
    names = list(drawn(frames.experiment(dataset=datasets, seeds=2, epochs=1)))
    assert "curves-dataset=csv_数据.csv_" in names
    assert len({name.casefold() for name in names}) == 11
    assert max(len(name.encode()) for name in names) <= 120


def test_letters_that_the_font_lacks_bring_no_warning(tmp_path):
    for kind, figure in drawn(frames.experiment(initializer=["数据", "he_normal"], seeds=2, epochs=1)).items():
        save_figure(figure, tmp_path / f"x.{SUFFIXES[kind]}")


def test_logarithmic_losses_are_plain_numbers(eight):
    eight["curves"].draw_without_rendering()
    assert {"0.1", "10"} <= {label.get_text() for label in eight["curves"].axes[0].get_yticklabels()}


def test_an_epoch_0_far_below_lies_outside_and_the_heading_says_so():
    fast = drawn(frames.experiment(lambda **setting: frames.Outcome(0.86, 3), initializer=THREE, epochs=5))
    for name in ("curves", "speed"):
        assert "epoch 0 and chance lie below" in fast[name].get_suptitle()
        assert "chance" not in words(fast["curves"])
    assert fast["curves"].axes[2].get_ylim()[0] > 70
    near = frames.experiment(lambda **setting: frames.Outcome(0.86, 3), initializer=THREE, epochs=5, majority=0.8)
    assert "epoch 0 lies below" in drawn(near)["curves"].get_suptitle()
    assert "below" not in drawn(frames.experiment(initializer=THREE))["curves"].get_suptitle()


def test_panels_with_nothing_to_draw_say_why():
    f = frames.experiment(lambda **setting: frames.Outcome(0.5, status="diverged"), seeds=3)
    f.curves[frames.METRICS] = np.nan
    why = "every seed diverged\nbefore the first epoch"
    assert words(drawn(f)["curves"]).count(why) == 4
    f.runs["status"] = "failed"
    assert "every seed failed" in words(drawn(f)["curves"])


def test_who_diverged_is_written_in_its_row_of_the_left_panel_or_beside_it(eight):
    f = frames.experiment(
        lambda initializer, seed, **setting: frames.Outcome(
            0.9 + 0.01 * np.sin(seed), status="diverged" if initializer == "orthogonal" else "ok"
        ),
        initializer=THREE,
    )
    figure = drawn(f)["accuracy"]
    figure.draw_without_rendering()
    left, right = figure.axes
    (note,) = [text for text in left.texts if text.get_text() == "diverged 5/5"]
    assert note.get_window_extent().x1 < right.get_window_extent().x0
    assert [text.xy[0] for text in eight["accuracy"].axes[1].texts] == [0]


def test_the_speed_figure_promises_no_interval_on_the_right(eight):
    assert "(right: mean only)" in eight["speed"].get_suptitle()


def test_many_bands_are_pale():
    def opacity(count):
        figure = drawn(frames.experiment(initializer=[f"part_{i}" for i in range(count)], seeds=2, epochs=1))["curves"]
        return figure.axes[0].collections[0].get_alpha()

    assert opacity(10) == 2 * opacity(20)


def test_the_figure_of_a_tuned_key_marks_what_was_chosen_and_how_often():
    rates = [0.01, 0.3, 1.0]
    f = frames.experiment(frames.gridded, initializer=THREE, depth=[2, 5], learning_rate=rates, seeds=3, epochs=2)
    f.runs["valid_accuracy"] = f.runs["valid_accuracy"].mask(
        (f.runs["seed"] == 0) & (f.runs["learning_rate"] == 0.01), 1
    )
    tried = tried_table(f.runs, f.baselines, f.factors)
    choices = choices_table(f.runs, f.baselines, f.factors, ["learning_rate"], {seed: [seed] for seed in range(3)})
    own, common = how_often(choices, "tuned"), how_often(choices, "common")
    (figure,) = tuning_figures({"learning_rate": tried}, own, common, f.factors).values()
    assert [axes.get_title() for axes in figure.axes] == ["depth 2", "depth 5"]
    assert len(own) > 2 * len(THREE)
    for axes, depth in zip(figure.axes, (2, 5), strict=True):
        chosen = own[own["depth"] == depth].merge(
            tried, left_on=["initializer", "depth", "value"], right_on=["initializer", "depth", "learning_rate"]
        )
        rings = [line for line in axes.lines if line.get_markersize() == 9]
        seen = [line.get_ydata()[0] for line in rings]
        np.testing.assert_allclose(seen, 100 * chosen["valid_accuracy_mean"])
        assert [text.get_text() for text in axes.texts if text.xyann in ((4.5, 4.5), (-4.5, 4.5))] == [
            str(count) for count in chosen["chosen"]
        ]
        shared = common[common["depth"] == depth].drop_duplicates("value")
        dotted = [line for line in axes.lines if line.get_linestyle() == ":" and len(set(line.get_xdata())) == 1]
        assert sorted(line.get_xdata()[0] for line in dotted) == pytest.approx(
            sorted(np.log10(shared["value"].astype(float))), abs=1e-12
        )
        low, high = axes.get_xlim()
        grey = [patch.get_extents().transformed(axes.transData.inverted()) for patch in axes.patches]
        spans = sorted((box.xmin, box.xmax) for box in grey)
        np.testing.assert_allclose([spans[0][0], spans[1][1]], [low, high])
        assert spans[0][1] < np.log10(0.01)
        assert spans[1][0] > 0
    assert "validation accuracy (%)" in words(figure)
    assert "ringed: best of each" in figure.get_suptitle()

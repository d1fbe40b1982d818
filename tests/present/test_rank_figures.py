"""Critical-difference diagrams and performance profiles."""

from itertools import combinations

import frames
import numpy as np
import pytest
from matplotlib.colors import same_color
from matplotlib.text import Text

from initbench.analysis.ranks import ranking
from initbench.present.figures import save_figure
from initbench.present.figures.ranks import critical_difference_diagram, group_bars, rank_figures
from initbench.present.figures.style import series_styles

LONG = "truncated_normal(std=0.0{}, bounds=2, clipped)"


def ranked(names, settings=12, *, noise=0.05, short=0, key="dataset", seeds=2):
    """A ranking in which later names are worse; some settings lack the first one."""
    values = [f"d{i}" for i in range(settings)] if key == "dataset" else list(range(settings))

    def outcome(initializer, seed, **setting):
        place = values.index(setting[key])
        shift = noise * np.sin(7 * names.index(initializer) + 3 * place + seed)
        status = "failed" if initializer == names[0] and place < short else "ok"
        return frames.Outcome(0.9 - 0.4 * names.index(initializer) / len(names) + shift, status=status)

    f = frames.experiment(outcome, initializer=names, seeds=seeds, epochs=1, **{key: values})
    return ranking(f.runs, f.baselines, f.factors)


def named(count, pattern="part_{}"):
    return [pattern.format(i) for i in range(count)]


def drawn(found, scale="test_accuracy"):
    return rank_figures(found.table, found.profiles, scale)


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.fixture(scope="module")
def six():
    return ranked(named(6))


def test_there_is_a_diagram_from_three_initializers_on_and_nothing_without_settings(six):
    assert list(drawn(six)) == ["performance-profiles", "critical-difference"]
    assert list(drawn(ranked(named(2)))) == ["performance-profiles"]
    assert drawn(ranked(named(3), settings=1)) == {}


def test_each_name_stands_in_the_diagram_with_its_rank_and_colour(six):
    figure = drawn(six)["critical-difference"]
    axes, styles = figure.axes[0], series_styles(six.table["initializer"])
    for row in six.table.itertuples():
        assert any(row.initializer in text and f"{row.mean_rank:.2f}" in text for text in words(figure))
    marks = {line.get_color(): line.get_xdata()[0] for line in axes.lines if line.get_markersize() == 4.5}
    places = np.array([marks[styles[name].color] for name in six.table["initializer"]])
    ticks = {text.get_text(): text.get_position()[0] for text in axes.texts}
    per_rank = (ticks["6"] - ticks["1"]) / 5
    np.testing.assert_allclose((places - ticks["1"]) / per_rank + 1, six.table["mean_rank"], atol=1e-10)


def test_bars_join_those_that_share_a_letter_and_the_critical_difference_is_to_scale(six):
    figure = drawn(six)["critical-difference"]
    axes = figure.axes[0]
    ticks = {text.get_text(): text.get_position()[0] for text in axes.texts}
    per_rank = (ticks["6"] - ticks["1"]) / 5
    difference = six.table["critical_difference"].iloc[0]
    assert f"critical difference {difference:.2f}" in words(figure)
    (scale,) = [line for line in axes.lines if line.get_marker() == "|"]
    assert np.ptp(scale.get_xdata()) / per_rank == pytest.approx(difference)

    bars = group_bars(six.table)
    assert len(bars) > 1
    assert len([line for line in axes.lines if same_color(line.get_color(), "0.2")]) == len(bars)
    letters = six.table["groups"].str.split().map(set)
    for a, b in combinations(six.table.index, 2):
        ends = six.table.loc[[a, b], "mean_rank"]
        is_joined = any(first <= ends.min() and ends.max() <= last for first, last, _ in bars)
        assert is_joined == bool(letters[a] & letters[b])


@pytest.mark.parametrize(
    ("seeds", "noise", "heading"),
    [
        (8, 0.02, "permuting 8 seeds; those that share a letter are not shown to differ at 5 %"),
        (5, 0.02, "not all are alike; to show which differ takes 6 seeds"),
        (8, 9.0, "permuting 8 seeds: no difference shown"),
        (1, 0.02, "no test: it takes two seeds"),
    ],
)
def test_where_settings_share_seeds_letters_stand_in_place_of_bars(seeds, noise, heading):
    found = ranked(named(6), settings=3, key="depth", seeds=seeds, noise=noise)
    figure = drawn(found)["critical-difference"]
    assert heading in " ".join(figure.get_suptitle().split())
    assert not any("critical difference" in text for text in words(figure))
    axes = figure.axes[0]
    assert not [line for line in axes.lines if line.get_marker() == "|" or same_color(line.get_color(), "0.2")]
    for row in found.table.itertuples():
        first, last = row.groups.split()[0], row.groups.split()[-1]
        span = first if first == last else f"{first}-{last}"
        assert any(row.initializer in text and f"{row.mean_rank:.2f} {span}" in text for text in words(figure))


def test_bars_of_one_level_do_not_touch():
    bars = group_bars(ranked(named(15), settings=40, noise=0.1).table)
    assert len(bars) > 3
    for (a, b, level), (c, d, other) in combinations(bars, 2):
        assert level != other or b < c or d < a


def test_the_heading_tells_what_friedman_found_and_which_settings_do_not_count():
    clear = drawn(ranked(named(4), short=2))
    assert "over 10 settings (2 left out" in clear["critical-difference"].get_suptitle()
    assert "over 10 settings (2 left out" in clear["performance-profiles"].get_suptitle()
    assert "no difference shown" not in clear["critical-difference"].get_suptitle()
    assert "no difference shown" in drawn(ranked(named(4), settings=2))["critical-difference"].get_suptitle()
    assert "left out" not in drawn(ranked(named(4)))["critical-difference"].get_suptitle()


def test_profiles_are_the_lines_and_bands_they_are_given(six):
    axes = drawn(six)["performance-profiles"].axes[0]
    mine = six.profiles[(six.profiles["initializer"] == "part_0") & (six.profiles["metric"] == "test_accuracy")]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), 100 * mine["threshold"])
    np.testing.assert_allclose(axes.lines[0].get_ydata(), 100 * mine["share"])
    assert len(axes.collections) == 6
    assert axes.get_xlabel() == "test accuracy (%)"
    assert "from chance" in drawn(six, "score")["performance-profiles"].axes[0].get_xlabel()


@pytest.mark.parametrize(
    ("count", "key"), [(3, "dataset"), (4, "dataset"), (9, "dataset"), (20, "dataset"), (40, "dataset"), (20, "depth")]
)
def test_no_words_overlap_or_leave_the_figure(count, key):
    shape = {"settings": 8} if key == "dataset" else {"settings": 2, "seeds": 7}
    table = ranked(named(count, "{}"), key=key, **shape).table
    for pattern in ("a{}", "part_{}", LONG):
        renamed = table.assign(initializer=[pattern.format(name) for name in table["initializer"]])
        figure = critical_difference_diagram(renamed, series_styles(renamed["initializer"]))
        assert misplaced(figure) == [], pattern
        assert min(text.get_fontsize() for text in figure.findobj(Text)) >= 7
        assert len(figure.axes[0].texts) > count


def misplaced(figure):
    """Words of a diagram that leave it, or overlap others or its heading."""
    figure.draw_without_rendering()
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    boxes = {text: text.get_window_extent() for text in [*texts, figure.texts[0]]}
    edge = figure.bbox
    left = [t for t in texts if not (edge.x0 <= boxes[t].x0 and boxes[t].x1 <= edge.x1 and edge.y0 <= boxes[t].y0)]
    both = [pair for pair in combinations(boxes, 2) if boxes[pair[0]].overlaps(boxes[pair[1]])]
    return [text.get_text() for text in left] + [tuple(text.get_text() for text in pair) for pair in both]


def test_the_check_catches_words_that_overlap_or_leave_the_figure(six):
    figure = critical_difference_diagram(six.table, series_styles(six.table["initializer"]))
    assert misplaced(figure) == []
    first, second = figure.axes[0].texts[-2:]
    second.set_position(first.get_position())
    assert misplaced(figure) == [(first.get_text(), second.get_text())]
    second.set_position((-100, 0))
    assert misplaced(figure) == [second.get_text()]


def test_equal_rankings_give_equal_bytes(six, tmp_path):
    again = ranked(named(6))
    for name, found in (("a", six), ("b", again)):
        for kind, figure in drawn(found).items():
            save_figure(figure, tmp_path / f"{kind}-{name}.png")
    for kind in ("critical-difference", "performance-profiles"):
        assert (tmp_path / f"{kind}-a.png").read_bytes() == (tmp_path / f"{kind}-b.png").read_bytes()

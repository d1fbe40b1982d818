"""The phase diagram: its regions, its line, and the numbers of its marks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from initbench.present.figures.phase import phase_diagram, spread
from initbench.present.figures.style import STYLE

X, Y = np.linspace(0, 4, 81), np.linspace(0, 0.6, 41)
CHI = np.add.outer(-Y, X / 2) + 0.01
PLACES = [0.001, 0.01, 0.02, 0.3, 0.35, 1.0, 1.0, 1.88, 1.89, 2.0, 3.0, 2.5, 9.0]
BIASES = [0.0] * 6 + [0.004] + [0.0] * 4 + [0.4, 0.0]
NAMES = [[f"name_{i}"] for i in range(len(PLACES))]
NAMES[5] = [f"a_rather_long_name_{i}" for i in range(15)]


def drawn(q=None, is_stable=(True, True), places=PLACES, biases=BIASES, names=NAMES):
    marks = pd.DataFrame({"sigma_w2": places, "sigma_b2": biases, "names": names})
    line = pd.DataFrame({"sigma_w2": [2.0, 3.0], "sigma_b2": [0.0, 0.6], "is_stable": is_stable})
    unmarked = {"they look at the whole network": ["lsuv", "autoinit"]}
    q = np.ones_like(CHI) if q is None else q
    figure = phase_diagram("tanh", X, Y, CHI, q, line, marks, unmarked, 256)
    with rc_context(STYLE):
        FigureCanvasAgg(figure)
        figure.draw_without_rendering()
    return figure


@pytest.fixture(scope="module")
def figure():
    return drawn()


def texts(figure):
    return [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]


def words(figure):
    return [text.get_text() for text in texts(figure)]


def test_regions_have_their_names_on_their_side_of_the_line(figure):
    (ordered,) = [text for text in texts(figure) if text.get_text().startswith("ordered")]
    (chaotic,) = [text for text in texts(figure) if text.get_text().startswith("chaotic")]
    for text, is_there in ((ordered, CHI < 1), (chaotic, CHI > 1)):
        x, y = text.get_position()
        assert is_there[np.abs(Y - y).argmin(), np.abs(X - x).argmin()]


def test_the_heading_explains_the_lines_and_hatching_that_there_are(figure):
    assert figure.get_suptitle() == "Phase diagram of tanh\nblack: critical, chi = 1"
    endless = np.where(CHI > 1, np.inf, 1.0)
    heading = drawn(endless, (False, True)).get_suptitle()
    assert all(
        word in heading for word in ("black: critical", "dashed: critical, but unstable", "hatched: signals grow")
    )
    assert "black" not in drawn(is_stable=(False, False)).get_suptitle()


def test_marks_have_numbers_in_order_and_neighbours_share_one(figure):
    found = words(figure)
    assert {"1–3", "4", "5", "6–7", "8–9", "10", "11", "12"} <= set(found)


def test_the_list_says_whose_the_numbers_are_and_what_is_beyond_the_edge(figure):
    found = words(figure)
    assert {*map(str, range(1, 13)), "off"} <= set(found)
    assert all(any(name in text for text in found) for some in NAMES for name in some)
    assert "name_6 (biases 0.004)" in found
    assert "9" in found[found.index("off") :] or "9" in found
    assert any("Not marked, as they look at the whole network: lsuv, autoinit." in text for text in found)
    assert any("256 × 256" in text for text in found)


def overlapping(figure):
    """Pairs of texts whose boxes overlap, and texts that leave the figure."""
    boxes = {text.get_text(): text.get_window_extent() for text in texts(figure) if text.get_bbox_patch() is None}
    numbers = [text.get_window_extent() for text in texts(figure) if "–" in text.get_text()]
    pairs = list(boxes.items())
    found = [
        (a, b) for i, (a, box) in enumerate(pairs) for b, other in pairs[:i] if box.shrunk(0.9, 0.7).overlaps(other)
    ]
    found += [("numbers", "numbers") for i, a in enumerate(numbers) for b in numbers[:i] if a.overlaps(b)]
    inside = figure.bbox.padded(1)
    return found + [
        (text, "edge") for text, box in pairs if not (inside.contains(*box.min) and inside.contains(*box.max))
    ]


def test_nothing_written_overlaps_or_leaves_the_figure(figure):
    assert overlapping(figure) == []


def test_the_check_catches_a_list_whose_lines_are_too_close(monkeypatch):
    monkeypatch.setattr("initbench.present.figures.phase.LINE", 4.0)
    assert overlapping(drawn())


def test_numbers_that_would_touch_move_apart_in_order_and_stay_on_the_axis():
    places, labels = np.array([0.0, 1.0, 2.0, 3.0, 120.0, 274.0, 275.0]), ["1", "2–5", "6", "7", "8", "9", "10"]
    widths = np.array([4.5 * len(label) + 3.5 for label in labels])
    at = places + spread(places, labels)
    assert (np.diff(at) >= (widths[1:] + widths[:-1]) / 2 - 1e-9).all()
    assert at[0] >= widths[0] / 2 - 1e-9
    assert at[-1] <= 275
    assert spread(np.array([100.0]), ["1"])[0] == pytest.approx(0)


def test_an_empty_diagram_can_be_drawn():
    found = words(drawn(places=[], biases=[], names=[]))
    assert not any(text.startswith("name") for text in found)

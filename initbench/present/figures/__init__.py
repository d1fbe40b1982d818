"""The figures of an experiment, ready for a paper."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from PIL import Image

from initbench.errors import UsageError
from initbench.process import own_matplotlib

with own_matplotlib():  # before any other module imports it
    from matplotlib import rc_context
    from matplotlib.figure import Figure

from initbench.present.figures import curves, final, heat, sweeps
from initbench.present.figures.curves import curve_panels, learning_curves, learning_speed
from initbench.present.figures.final import Final, final_accuracy
from initbench.present.figures.heat import heat_map
from initbench.present.figures.naming import MOST_SINGLE, file_names, file_part, pages
from initbench.present.figures.style import STYLE, SeriesStyle, series_styles
from initbench.present.figures.sweeps import accuracy_by
from initbench.present.labels import ordered, setting_order, settings, swept, title

DPI = 200
UNDATED: dict[str, dict[str, str | None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
MARKED = {".png": "Description", ".svg": "Description", ".pdf": "Keywords"}  # what holds a mark of where it came from


def experiment_figures(
    runs: pd.DataFrame,
    accuracy: pd.DataFrame,
    bands: pd.DataFrame,
    baselines: pd.DataFrame,
    factors: Sequence[str],
) -> dict[str, Figure]:
    """All figures of an experiment.

    Parameters
    ----------
    runs, accuracy : DataFrame
        With the columns of runs.csv and accuracy.csv.
    bands : DataFrame
        From `curve_bands`.
    baselines : DataFrame
        A row a cell, with ``cell, test_majority``.
    factors : sequence of str
        The columns that make a setting; ``initializer`` is among them.

    Returns
    -------
    dict of str to Figure
        By file name without its suffix; one that would be long or like another ends with a hash. Always ``curves`` and
        ``accuracy``, one of each a setting
        (``curves-depth=5``) up to 6 settings, and beyond that pages of panels that show them all. Without a sweep also
        ``speed``; with one, ``accuracy-by-KEY`` for each swept key, and for two or more ``heatmap-KEY-KEY`` over the
        two with the most values. An initializer has the same colour in all of them.
    """
    keys = swept(accuracy, factors)
    styles = series_styles(accuracy["initializer"])
    majority = runs["cell"].map(baselines.drop_duplicates("cell").set_index("cell")["test_majority"])
    diverged = runs["status"] == "diverged"
    score = runs["test_accuracy"].astype(float).mask(diverged, majority)
    runs = runs.assign(majority=majority, diverged=diverged, score=score)
    experiment = DrawnFrames(runs, accuracy, bands)
    parts = experiment.split(keys)

    figures: dict[str, Figure] = {}
    if len(parts) <= MOST_SINGLE:
        for name, part in parts.items():
            where = file_part(part.accuracy, keys)
            figures |= {f"{kind}{where}": figure for kind, figure in _of_setting(name, part, styles).items()}
    else:
        lines = {name: (part.bands, part.accuracy, part.chances()) for name, part in parts.items()}
        for page, some in pages("curves", lines, curves.panels_a_page(lines, list(styles))):
            figures[page] = curve_panels(some, list(styles), styles, "Learning curves: test accuracy")
        finals = {name: part.final() for name, part in parts.items()}
        for page, panels in pages("accuracy", finals, final.panels_a_page(finals)):
            figures[page] = final_accuracy(panels, styles, "Final test accuracy")
    if not keys:
        figures["speed"] = learning_speed(bands, accuracy, experiment.chances(), styles, "Speed of learning")
    for key in keys:
        facets = experiment.split([other for other in keys if other != key])
        shown = {name: (part.accuracy, part.chances()) for name, part in facets.items()}
        for page, tables in pages(f"accuracy-by-{key}", shown, sweeps.panels_a_page(key, shown)):
            figures[page] = accuracy_by(key, tables, styles, f"Test accuracy by {title(key)}")
    if len(keys) >= 2:
        y, x = sorted(keys, key=lambda key: accuracy[key].nunique(dropna=False))[-2:]
        others = [key for key in keys if key not in (x, y)]
        for name, part in experiment.split(others).items():
            table = part.accuracy
            heading = " · ".join(filter(None, [f"Test accuracy by {title(x)} and {title(y)}", name]))
            rows = {str(name): rows for name, rows in table.groupby("initializer")}
            stem = f"heatmap-{y}-{x}{file_part(table, others)}"
            for page, maps in pages(stem, rows, heat.panels_a_page(x, y, table)):
                figures[page] = heat_map(x, y, pd.concat(maps.values()), heading)
    return dict(zip(file_names(list(figures)), figures.values(), strict=True))


class DrawnFrames(NamedTuple):
    """The frames that are drawn, of a whole experiment or of one setting."""

    runs: pd.DataFrame
    accuracy: pd.DataFrame
    bands: pd.DataFrame

    def split(self, keys: Sequence[str]) -> dict[str, DrawnFrames]:
        """The rows of each setting of the keys, by the setting in words."""
        groups = [dict(list(frame.groupby(settings(frame, keys)))) for frame in self]
        return {
            name: DrawnFrames(*(group.get(name, frame.iloc[:0]) for group, frame in zip(groups, self, strict=True)))
            for name in setting_order(self.accuracy, keys)
        }

    def chances(self) -> list[float]:
        """The accuracies of always answering the majority class; more than one if the data sets differ."""
        return ordered(self.runs["majority"].dropna())

    def failed(self) -> dict[str, int]:
        """How many cells of each initializer failed."""
        names = self.runs.loc[self.runs["status"] == "failed", "initializer"]
        return dict(Counter(names))

    def final(self) -> Final:
        """What the figure of final accuracies shows of one setting."""
        return Final(self.accuracy, self.runs, self.failed(), self.chances())


def _of_setting(setting: str, part: DrawnFrames, styles: dict[str, SeriesStyle]) -> dict[str, Figure]:
    heading = " · ".join(filter(None, ["Learning curves", setting]))
    return {
        "curves": learning_curves(part.bands, part.accuracy, part.failed(), part.chances(), styles, heading),
        "accuracy": final_accuracy({setting: part.final()}, styles, "Final test accuracy"),
    }


@rc_context(STYLE)
def save_figure(figure: Figure, path: str | Path, mark: str = "") -> None:
    """Write a figure, the same bytes each time.

    Parameters
    ----------
    figure : Figure
        From `experiment_figures`.
    path : str or Path
        Ends with ``.png`` (200 dots an inch), ``.svg`` or ``.pdf`` (text stays text).
    mark : str, optional
        What the file is to say of where it came from, in its metadata.

    Raises
    ------
    UsageError
        When the ending is none of these.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in UNDATED:
        raise UsageError(f"unknown figure format {suffix!r} of {path}; one of: {', '.join(UNDATED)}")
    _save(figure, path, DPI, UNDATED[suffix] | ({MARKED[suffix]: mark} if mark else {}))


@rc_context(STYLE)
def png_bytes(figure: Figure, dots_an_inch: int) -> bytes:
    """A figure as a small PNG of at most 128 colours, the same bytes each time."""
    drawn, packed = BytesIO(), BytesIO()
    _save(figure, drawn, dots_an_inch, UNDATED[".png"])
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(128).save(packed, "PNG", optimize=True)
    return packed.getvalue()


def _save(figure: Figure, target: str | Path | BytesIO, dots_an_inch: int, metadata: dict[str, str | None]) -> None:
    with warnings.catch_warnings():
        # A name may hold letters that the font lacks: they are drawn as boxes, and a warning would not help.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from (current )?font", UserWarning)
        figure.savefig(target, dpi=dots_an_inch, metadata=metadata)

"""Figures as pictures inside of the page, each with its finding in words."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from initbench.present.figures import png_bytes
from initbench.present.labels import settings, swept, title
from initbench.present.report.chapters import Chapter

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_AN_INCH = 144
MOST_NAMED = 12  # initializers in one text alternative
SECTIONS = {  # the beginning of a figure's name -> where it stands; the first that fits
    "curves": "",
    "speed": "curves",
    "accuracy-by-learning_rate": "rates",
    "tuning": "rates",
    "accuracy-by-": "sweep",
    "heatmap-": "sweep",
    "accuracy": "intervals",
    "layers-": "layers",
    "predictors": "layers",
    "critical-difference": "ranks",
    "performance-profiles": "ranks",
}
LAYER_METRICS = {
    "layers-activations": "activation_std",
    "layers-gradients": "gradient_std",
    "layers-updates": "update_ratio",
    "layers-distance": "distance",
    "layers-saturated": "saturated",
    "layers-dead": "dead",
}


class Picture(NamedTuple):
    """A figure to be shown: its name, its heading, its finding in words, and the picture."""

    name: str
    heading: str
    finding: str
    source: str
    width: int
    height: int


def pictures(chapter: Chapter, most_bytes: int) -> tuple[dict[str, list[Picture]], list[str]]:
    """The figures of a chapter by section, and the names of those that ``most_bytes`` have no room for.

    Learning curves are left out: the page draws them itself.
    """
    found: dict[str, list[Picture]] = {}
    left_out = []
    room = most_bytes
    for name, figure in chapter.figures.items():
        section = section_of(name)
        if not section:
            continue
        picture = picture_of(name, figure, _finding(name, _heading(figure), chapter))
        room -= len(picture.source) * 3 // 4  # base64 writes three bytes as four letters
        if room < 0:
            left_out.append(name)
            continue
        found.setdefault(section, []).append(picture)
    return found, left_out


def picture_of(name: str, figure: Figure, finding: str) -> Picture:
    """A figure as a picture inside of the page."""
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    source = f"data:image/png;base64,{base64.b64encode(png_bytes(figure, DOTS_AN_INCH)).decode()}"
    return Picture(name, _heading(figure), finding, source, width, height)


def section_of(name: str) -> str:
    """Where a figure of that name stands; empty for those that the page replaces."""
    return next((section for start, section in SECTIONS.items() if name.startswith(start)), "further")


def _heading(figure: Figure) -> str:
    return " ".join(figure.get_suptitle().split())


def _finding(name: str, heading: str, chapter: Chapter) -> str:
    """What a figure shows, in words with numbers."""
    if name.startswith("predictors"):
        return _strongest(chapter.tables["predictors"])
    if name.startswith("tuning"):
        return _chosen(chapter.tables["tuning"])
    metric = next((metric for start, metric in LAYER_METRICS.items() if name.startswith(start)), None)
    if metric:
        return _last_layer(_setting_rows(chapter.layers, heading, chapter), metric)
    if name.startswith("layers-"):
        return "Histograms of the first seed, before and after training; layers.csv holds their deviations."
    if section_of(name) == "ranks" and not chapter.tables.get("ranking", pd.DataFrame()).empty:
        return "The numbers are in the table above."
    return _best_and_last(_setting_rows(chapter.accuracy, heading, chapter), chapter.factors)


def _setting_rows(frame: pd.DataFrame, heading: str, chapter: Chapter) -> pd.DataFrame:
    """The rows of the setting that a heading names; all rows if it names none."""
    words = settings(frame, swept(chapter.accuracy, chapter.factors))
    named = [setting for setting in words.unique() if setting and f"{setting} " in f"{heading} "]
    return frame[words == max(named, key=len)] if named else frame


def _best_and_last(accuracy: pd.DataFrame, factors: Sequence[str]) -> str:
    known = accuracy.dropna(subset="test_accuracy_mean")
    where = settings(known, swept(known, factors))
    told = [
        f"{name}{f' ({setting})' if setting else ''} {100 * mean:.1f} %"
        for name, setting, mean in zip(known["initializer"], where, known["test_accuracy_mean"], strict=True)
    ]
    if not told:
        return "No cell has finished."
    return f"Best: {told[0]}; last: {told[-1]}." if len(told) > 1 else f"{told[0]}."


def _last_layer(layers: pd.DataFrame, metric: str) -> str:
    rows = layers[layers["metric"] == metric]
    depth = int(rows["layer"].max()) - 1
    rows = rows[(rows["layer"] == depth) & (rows["epoch"] == rows["epoch"].max())].dropna(subset="mean")
    told = [f"{name} {mean:.2g}" for name, mean in zip(rows["initializer"], rows["mean"], strict=True)]
    more = f", and {len(told) - MOST_NAMED} more" if len(told) > MOST_NAMED else ""
    return f"{title(metric)} in hidden layer {depth} after the last epoch: {', '.join(told[:MOST_NAMED])}{more}."


def _chosen(tuning: pd.DataFrame) -> str:
    rows = tuning.head(MOST_NAMED)
    told = [f"{name} {words or 'nothing'}" for name, words in zip(rows["initializer"], rows["chosen"], strict=True)]
    more = f", and {len(tuning) - MOST_NAMED} more in the table above" if len(tuning) > MOST_NAMED else ""
    return f"Chosen: {'; '.join(told)}{more}."


def _strongest(predictors: pd.DataFrame) -> str:
    known = predictors.dropna(subset="correlation")
    if known.empty:
        return "No diagnostic varies."
    row = known.iloc[int(known["correlation"].abs().argmax())]
    return (
        f"Closest to the outcome {title(row['outcome'])}: {title(row['diagnostic'])}, "
        f"rank correlation {row['correlation']:.2f}."
    )

"""Learning curves as the page's script draws them, and how each initializer looks in all of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from initbench.present.figures.style import SeriesStyle
from initbench.present.labels import ordered, setting_order, settings, swept

METRICS = {
    "test_accuracy": "test accuracy (%)",
    "train_accuracy": "training accuracy (%)",
    "valid_accuracy": "validation accuracy (%)",
    "test_loss": "test loss",
    "train_loss": "training loss",
    "valid_loss": "validation loss",
}
FEWEST_METRICS = ["test_accuracy", "train_loss"]
FIRST_SHOWN = 10  # initializers; more lines at once cannot be distinguished
# Matplotlib's markers as SVG paths that reach from -1 to 1.
SHAPES = {
    "o": "M-.9,0a.9,.9 0 1,0 1.8,0a.9,.9 0 1,0 -1.8,0z",
    "s": "M-.8,-.8h1.6v1.6h-1.6z",
    "^": "M0,-1L1,.8H-1z",
    "D": "M0,-1.1L1.1,0L0,1.1L-1.1,0z",
    "v": "M0,1L1,-.8H-1z",
    "P": "M-.4,-1h.8v.6h.6v.8h-.6v.6h-.8v-.6h-.6v-.8h.6z",
    "X": "M-1,-.5L-.5,-1L0,-.5L.5,-1L1,-.5L.5,0L1,.5L.5,1L0,.5L-.5,1L-1,.5L-.5,0z",
    "<": "M-1,0L.8,-1V1z",
    "p": "M0,-1L.95,-.3L.6,.8H-.6L-.95,-.3z",
    ">": "M1,0L-.8,-1V1z",
}


class Swatch(NamedTuple):
    """How an initializer looks: its symbol's id, the digits of its colour, its marker's path, its dashes in pixels."""

    id: str
    color: str
    shape: str
    dash: list[float]


def swatches(styles: Mapping[str, SeriesStyle], part: str) -> dict[str, Swatch]:
    """The looks of the figures, for the page; ``part`` begins the ids."""
    found = {}
    for i, (name, look) in enumerate(styles.items()):
        dash = [] if look.line == "-" else [2 * length for length in look.line[1]]
        found[name] = Swatch(f"{part}-s{i}", look.color.removeprefix("#"), SHAPES[look.marker], dash)
    return found


def curve_data(
    bands: pd.DataFrame,
    accuracy: pd.DataFrame,
    chances: Mapping[str, Sequence[float]],
    factors: Sequence[str],
    styles: Mapping[str, Swatch],
    most_numbers: int,
) -> dict[str, Any]:
    """What the script needs to draw every curve, ready for JSON.

    Parameters
    ----------
    bands : DataFrame
        From `curve_bands`.
    accuracy : DataFrame
        The accuracy table; initializers are listed in its order.
    chances : mapping of str to sequence of float
        Setting in words -> accuracies of always answering the majority class (fractions).
    factors : sequence of str
        The columns that make a setting.
    styles : mapping of str to Swatch
    most_numbers : int
        Where there would be more, there are only test accuracy and training loss.

    Returns
    -------
    dict
        ``names`` with their series_styles, ``metrics`` in words, ``settings``: ``name, chance, epochs, lines``, where
        ``lines[metric][initializer]`` are three lists, mean, low and high by epoch, accuracies in percent; null where
        there is none. Numbers have six digits.
    """
    keys = swept(accuracy, factors)
    metrics = list(METRICS) if 3 * len(bands) <= most_numbers else FEWEST_METRICS
    label = settings(bands, keys)
    names = list(dict.fromkeys(accuracy["initializer"]))
    by_setting = dict(list(bands.groupby(label)))
    told = []
    for setting in setting_order(accuracy, keys):
        rows = by_setting.get(setting, bands.iloc[:0])
        epochs = ordered(rows["epoch"])
        lines = {
            metric: {str(name): _line(line, metric, epochs) for name, line in some.groupby("initializer")}
            for metric, some in rows.groupby("metric")
            if metric in metrics
        }
        chance = [_digits(100 * c) for c in chances.get(setting, [])]
        told.append({"name": setting, "chance": chance, "epochs": epochs, "lines": lines})
    looks = [{"name": name, **styles[name]._asdict()} for name in names]
    return {"names": looks, "metrics": {metric: METRICS[metric] for metric in metrics}, "settings": told}


def _line(rows: pd.DataFrame, metric: Any, epochs: list[int]) -> list[list[float | None]]:
    scale = 100 if str(metric).endswith("accuracy") else 1
    by_epoch = rows.set_index("epoch")[["mean", "low", "high"]].reindex(epochs)
    return [[_digits(scale * value) for value in by_epoch[end]] for end in by_epoch]


def _digits(value: float) -> float | None:
    return float(f"{value:.6g}") if abs(value) < float("inf") else None

"""What goes on in each layer while networks train: a panel an initializer, a colour a layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize, to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from initbench.present.figures.naming import MOST_SINGLE, file_names, file_part, pages
from initbench.present.figures.style import (
    MARKERS,
    STYLE,
    TALLEST,
    SeriesStyle,
    finish_grid,
    grid_shape,
    legend_below,
    legend_rows,
    most_title_lines,
    new_figure,
    panel_points,
    panel_title,
)
from initbench.present.labels import setting_order, settings, swept

MOST_APART = 8  # layers that can be distinguished; more get a colour bar, and where lines would hide others, gaps
COLUMNS = 3
HEADING = 1.4  # inches, with what stands below the panels
HISTOGRAM_HEIGHT = 1.1  # inches
BARS = 6  # of each layer
COMPARABLE = 4  # panels whose ranges differ by a larger factor have an axis each
RUNAWAY = 1e3  # times the middle layer; panels with larger ones are logarithmic far from 0
LOG_PEAKS = 30  # histograms whose peaks differ by a larger factor are drawn on a logarithmic axis,
FLANK, FEWEST_BINS = 0.1, 7  # as are those with fewer bins above so much of their peak
FAINT = 0.01  # of the highest peak; what is below it all along is left out of a linear axis
LEAST_SCALE = 20.0  # percent at which the colours of shares end, or above
LAYERS = ListedColormap(colormaps["viridis"](np.linspace(0, 0.9, 256)))  # without the yellow, pale on white
OUTPUT = SeriesStyle("0.35", ".", (0, (4, 1.5)))
RULE_OF_THUMB = 1e-3  # of an update ratio

AxesGrid = npt.NDArray[Any]


class Panel(NamedTuple):
    """What one panel shows: one initializer in one setting, with so many hidden layers."""

    means: pd.DataFrame
    histograms: pd.DataFrame
    depth: int

    def of(self, metric: str, *, output: bool = False) -> pd.DataFrame:
        """The means of a metric in the hidden layers, and in the output layer where asked for."""
        return self.means[(self.means["metric"] == metric) & (self.means["layer"] <= self.depth + output)]


Panels = dict[str, Panel]
Draw = Callable[[Panels, str], Figure]


class Lines(NamedTuple):
    """What a figure of lines by epoch shows: a metric, from which epoch on, words on it, the height of a guide."""

    metric: str
    heading: str
    label: str
    first_epoch: int = 0
    guide: float | None = None


LINES = {
    "gradients": Lines("gradient_std", "Gradients by preactivations", "deviation over rows and units"),
    "updates": Lines("update_ratio", "Update ratios", "next step over weights (norms)", guide=RULE_OF_THUMB),
    "distance": Lines("distance", "Distance from the start", "change over first weights (norms)", first_epoch=1),
}
SHARES = {"saturated": "Saturated activations", "dead": "Dead units"}
HISTOGRAMS = {"activation": "Activations of hidden layers", "gradient": "Gradients by preactivations of hidden layers"}


def layer_figures(means: pd.DataFrame, histograms: pd.DataFrame, factors: Sequence[str]) -> dict[str, Figure]:
    """All figures of what goes on in layers.

    Parameters
    ----------
    means : DataFrame
        From `layer_means`.
    histograms : DataFrame
        Of one seed: factors, ``epoch, layer, quantity`` (``activation`` or ``gradient``), and ``counts`` in bins of
        equal width from minus to plus ``limit``. From a divergence on, rows are missing or all counts are 0.
    factors : sequence of str
        The columns that make a setting; ``initializer`` is among them.

    Returns
    -------
    dict of str to Figure
        By file name without its suffix: ``layers-activations``, ``layers-gradients``, ``layers-updates``,
        ``layers-distance``, ``layers-saturated`` and ``layers-dead`` if anything is, ``layers-histograms-activation``
        and ``layers-histograms-gradient``. One of each a setting (``layers-gradients-depth=5``) up to 6 settings;
        beyond that panels for all of them, and no histograms. What does not fit a page has several.
    """
    keys = swept(means, factors)
    names = setting_order(means, keys)
    own = len(names) <= MOST_SINGLE
    parts: dict[tuple[str, str], Panels] = {}
    for setting in names:
        rows, binned = (frame[settings(frame, keys) == setting] for frame in (means, histograms))
        part = (file_part(rows, keys), setting) if own else ("", "")
        hidden = rows[rows.groupby("initializer")["layer"].transform("max") > 1]  # depth 0 has nothing to show
        for name, mine in hidden.groupby("initializer"):
            counts = binned[binned["initializer"] == name] if own else binned.iloc[:0]
            panel = Panel(mine, counts, int(mine["layer"].max()) - 1)
            parts.setdefault(part, {})[str(name) if own else f"{name} · {setting}"] = panel
    figures = {
        page: draw(some, setting)
        for (where, setting), panels in parts.items()
        for kind, draw, most in _kinds(panels)
        for page, some in pages(f"layers-{kind}{where}", panels, most)
    }
    return dict(zip(file_names(list(figures)), figures.values(), strict=True))


def _kinds(panels: Panels) -> list[tuple[str, Draw, int]]:
    """The figures that there is something to draw for, by name, with how many panels a page of it holds."""
    most = COLUMNS * max(1, int((TALLEST - HEADING) / _row_height(panels)))
    kinds: list[tuple[str, Draw, int]] = [("activations", activations, most)]
    kinds += [(kind, partial(lines_by_epoch, lines), most) for kind, lines in LINES.items()]
    for metric in SHARES:
        if any((panel.of(metric)["mean"] > 0).any() for panel in panels.values()):
            kinds.append((metric, partial(shares, metric), most))
    if any(len(panel.histograms) for panel in panels.values()):
        most = int((TALLEST - HEADING) / HISTOGRAM_HEIGHT)
        kinds += [(f"histograms-{quantity}", partial(densities, quantity), most) for quantity in HISTOGRAMS]
    return kinds


@rc_context(STYLE)
def activations(panels: Panels, setting: str) -> Figure:
    """Mean and standard deviation of each hidden layer's activations by epoch.

    As figure 2 of Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks".
    """
    deepest = _deepest(panels)
    told = f"mean and deviation (bars) over rows and units{_few_told(deepest)}\n{_seeds_told(panels)}"
    figure, grid = _panel_grid(panels, _heading("Activations of hidden layers", setting, told), _looks(deepest))
    ends = []
    for axes, panel in zip(grid.flat, panels.values(), strict=False):
        means, deviations = (panel.of(f"activation_{name}") for name in ("mean", "std"))
        shown = _few(panel.depth)
        for place, layer in enumerate(shown):
            line, deviation = (rows[rows["layer"] == layer].sort_values("epoch") for rows in (means, deviations))
            every = -(-len(line) // BARS)
            shift = 0.6 * every * ((place + 0.5) / len(shown) - 0.5)  # so that bars do not hide one another
            look = _look(layer, deepest)
            axes.errorbar(
                line["epoch"] + shift,
                line["mean"],
                deviation["mean"],
                color=look.color,
                marker=look.marker,
                markersize=2.2,
                linewidth=0.9,
                elinewidth=0.7,
                markevery=every,
                errorevery=every,
            )
        if _say_why_empty(axes, panel, deviations):
            axes.set_yticks([])
        elif not _runs_off(axes, (means["mean"].abs() + deviations["mean"].to_numpy()).groupby(means["layer"]).max()):
            ends.append((axes, *axes.get_ylim()))
    sizes = [high - low for _, low, high in ends]
    low, high = min((low for _, low, _ in ends), default=0), max((high for _, _, high in ends), default=1)
    for axes, *_ in ends if high - low <= COMPARABLE * min(sizes, default=0) else []:
        axes.set_ylim(low, high)
    if all(panel.of("activation_std")["mean"].isna().all() for panel in panels.values()):
        axes.set_xlim(-0.5, panel.means["epoch"].max() + 0.5)
    finish_grid(grid, len(panels), "epoch", "activation")
    return figure


@rc_context(STYLE)
def lines_by_epoch(lines: Lines, panels: Panels, setting: str) -> Figure:
    """One metric by epoch on a logarithmic axis, a line a layer."""
    deepest = _deepest(panels)
    is_few = deepest <= MOST_APART
    told = _seeds_told(panels)
    if not is_few:
        told += "; dashed: output layer"
    elif told != "one seed":
        told += "; pale: from the smallest to the largest"
    told += f"\ndotted: the rule of thumb of {lines.guide:g}" if lines.guide else ""
    looks = _looks(deepest) | {"output layer": OUTPUT}
    figure, grid = _panel_grid(panels, _heading(lines.heading, setting, told), looks, share_y=True)
    is_empty = []
    for axes, panel in zip(grid.flat, panels.values(), strict=False):
        rows = panel.of(lines.metric, output=True)
        rows = rows[rows["epoch"] >= lines.first_epoch].sort_values("epoch")
        if (rows["mean"] > 0).any():
            _scale_by_logarithm(axes)
        if lines.guide:
            axes.axhline(lines.guide, color="0.3", linestyle=":", linewidth=0.9, zorder=1)
        table = rows[["epoch", "layer", "mean", "least", "most"]].to_numpy(dtype=float)
        table[:, 2:][table[:, 2:] <= 0] = np.nan  # not on a logarithmic axis
        for layer in np.unique(table[:, 1]):
            look = OUTPUT if layer == panel.depth + 1 else _look(int(layer), deepest)
            epochs, _, mean, least, most = table[table[:, 1] == layer].T
            axes.plot(
                epochs,
                mean,
                color=look.color,
                linestyle=look.line,
                marker=look.marker,
                markersize=2.5,
                markevery=max(1, len(epochs) // 8),
                linewidth=1 if is_few else 0.7,
            )
            if is_few:
                axes.fill_between(epochs, least, most, color=look.color, alpha=0.13, linewidth=0)
        is_empty.append(_say_why_empty(axes, panel, rows[rows["layer"] <= panel.depth]))
        axes.set_xlim(lines.first_epoch - 0.5, panel.means["epoch"].max() + 0.5)
    if all(is_empty):
        axes.set_yticks([])
    finish_grid(grid, len(panels), "epoch", "")
    figure.supylabel(lines.label, fontsize=STYLE["axes.labelsize"])
    return figure


@rc_context(STYLE)
def shares(metric: str, panels: Panels, setting: str) -> Figure:
    """A share by epoch and hidden layer, as a heat map."""
    figure, grid = _panel_grid(panels, _heading(SHARES[metric], setting, _seeds_told(panels)), {}, share_y=True)
    tables = [100 * panel.of(metric).pivot(index="layer", columns="epoch", values="mean") for panel in panels.values()]
    scale = Normalize(0, max(LEAST_SCALE, *(100 * float(panel.of(metric)["mean"].max()) for panel in panels.values())))
    for axes, panel, table in zip(grid.flat, panels.values(), tables, strict=False):
        axes.grid(False)
        axes.set_facecolor("0.93")
        edges = [
            np.append(places - 0.5, places.max() + 0.5) for places in map(np.asarray, (table.columns, table.index))
        ]
        image = axes.pcolormesh(*edges, table, cmap="cividis", norm=scale)
        _count_along(axes.yaxis)
        _say_why_empty(axes, panel, panel.of("activation_std").assign(mean=1))
    finish_grid(grid, len(panels), "epoch", "hidden layer")
    figure.colorbar(image, ax=grid, label="share (%)", aspect=30, shrink=0.9)
    return figure


@rc_context(STYLE)
def densities(quantity: str, panels: Panels, setting: str) -> Figure:
    """How activations or gradients of each hidden layer are spread before and after training.

    As figures 4, 6 and 7 of Glorot & Bengio (2010).
    """
    deepest = _deepest(panels)
    told = f"density over rows and units, one seed{_few_told(deepest)}; logarithmic where one is a spike"
    looks = {name: look._replace(marker="") for name, look in _looks(deepest).items()}
    heading = _heading(HISTOGRAMS[quantity], setting, told)
    figure, grid = _grid((len(panels), 2), 0.6 + HISTOGRAM_HEIGHT * len(panels), heading, looks)
    for row, (title, panel) in zip(grid, panels.items(), strict=True):
        rows = panel.histograms[panel.histograms["quantity"] == quantity]
        last = panel.means["epoch"].max()
        for axes, epoch, when in zip(row, (0, last), (f"{title}: before training", f"after epoch {last}"), strict=True):
            axes.set_title(when)
            _draw_densities(axes, panel.depth, deepest, rows[rows["epoch"] == epoch])
    figure.supylabel("density", fontsize=STYLE["axes.labelsize"])
    return figure


def _draw_densities(axes: Axes, depth: int, deepest: int, rows: pd.DataFrame) -> None:
    """The densities of some layers at one epoch; names those in which everything is 0."""
    has_counts = np.array([counts.any() for counts in rows["counts"]], dtype=bool)
    rows = rows[rows["layer"].isin(_few(depth)) & has_counts].sort_values("layer")
    drawn, empty = rows[rows["limit"] > 0], rows[rows["limit"] == 0]
    if drawn.empty:
        axes.set(xticks=[], yticks=[])
        _write_inside(axes, "0 in every hidden layer" if len(rows) else "diverged")
        return
    counts = np.stack(drawn["counts"].tolist())
    edges = np.outer(drawn["limit"], np.linspace(-1, 1, counts.shape[1] + 1))
    heights = counts / counts.sum(axis=1, keepdims=True) / np.diff(edges)
    for layer, height, ends in zip(drawn["layer"], heights, edges, strict=True):
        axes.stairs(height, ends, color=_look(layer, deepest).color, linewidth=0.9)
    peaks = heights.max(axis=1, keepdims=True)
    has_spike = (heights > FLANK * peaks).sum(axis=1).min() < FEWEST_BINS
    is_wide = has_spike or peaks.max() > LOG_PEAKS * peaks.min()
    if is_wide:
        _scale_by_logarithm(axes)
    is_shown = heights > (0 if is_wide else FAINT * peaks.max())
    axes.set_xlim(edges[:, :-1][is_shown].min(), edges[:, 1:][is_shown].max())
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if len(empty):
        _write_inside(axes, f"only 0 in layer{'s' * (len(empty) > 1)} {', '.join(map(str, empty['layer']))}")


def _panel_grid(
    panels: Panels, heading: str, looks: dict[str, SeriesStyle], *, share_y: bool = False
) -> tuple[Figure, AxesGrid]:
    """A figure with a titled panel each."""
    rows, columns = grid_shape(len(panels), COLUMNS)
    height = 0.75 + rows * _row_height(panels) + (0.7 if len(panels) == 1 else 0)
    figure, grid = _grid((rows, columns), height, heading, looks, share_x=True, share_y=share_y)
    for axes, title in zip(grid.flat, panels, strict=False):
        axes.set_title(panel_title(title, panel_points(columns)))
        _count_along(axes.xaxis)
    return figure, grid


def _grid(
    shape: tuple[int, int],
    height: float,
    heading: str,
    looks: dict[str, SeriesStyle],
    *,
    share_x: bool = False,
    share_y: bool = False,
) -> tuple[Figure, AxesGrid]:
    """A figure with empty panels, and below them the key to the layers: a legend, or a colour bar if many."""
    deepest = len(looks) - ("output layer" in looks)
    labels = {name: name for name in looks}
    if looks:
        height += 0.45 if deepest > MOST_APART else 0.15 * legend_rows(labels)
    figure = new_figure(height, heading)
    grid: AxesGrid = figure.subplots(*shape, sharex=share_x, sharey=share_y, squeeze=False)
    if deepest > MOST_APART:
        layers = ScalarMappable(Normalize(1, deepest), LAYERS)
        bar = figure.colorbar(layers, ax=grid, location="bottom", aspect=50, shrink=0.6, label="hidden layer")
        bar.ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    elif looks:
        legend_below(figure, labels, looks)
    return figure, grid


def _row_height(panels: Panels) -> float:
    return 1.15 + 0.12 * most_title_lines(panels, panel_points(COLUMNS))


def _heading(heading: str, setting: str, told: str) -> str:
    return f"{' · '.join(filter(None, [heading, setting]))}\n{told}"


def _deepest(panels: Panels) -> int:
    return max(panel.depth for panel in panels.values())


def _few(depth: int) -> list[int]:
    """All layers, or as many as can be distinguished, the first and the last among them."""
    return [round(layer) for layer in np.linspace(1, depth, min(depth, MOST_APART))]


def _few_told(deepest: int) -> str:
    return f"; {MOST_APART} of {deepest} layers" if deepest > MOST_APART else ""


def _looks(deepest: int) -> dict[str, SeriesStyle]:
    return {f"layer {layer}": _look(layer, deepest) for layer in range(1, deepest + 1)}


def _look(layer: int, deepest: int) -> SeriesStyle:
    """How a hidden layer is drawn in a figure of so many."""
    color = to_hex(LAYERS((layer - 1) / max(1, deepest - 1)))
    return SeriesStyle(color, MARKERS[layer - 1] if deepest <= MOST_APART else ".", "-")


def _seeds_told(panels: Panels) -> str:
    """``mean over 3 seeds``, and what becomes of diverged ones if there are any."""
    seeds = [panel.of("activation_std")["seeds"] for panel in panels.values()]
    counts = [some.max() for some in seeds if some.any()]
    if not counts:
        return "every seed diverged at the start"
    few, many = min(counts), max(counts)
    told = f"mean over {few if few == many else f'{few} to {many}'} seeds" if many > 1 else "one seed"
    return told + ("; a seed leaves where it diverges" if any(some.min() < some.max() for some in seeds) else "")


def _say_why_empty(axes: Axes, panel: Panel, rows: pd.DataFrame) -> bool:
    """Say so if all seeds diverged or nothing in the rows of hidden layers is above 0; return whether nothing is."""
    signal, is_empty = panel.of("activation_std"), not (rows["mean"] > 0).any()
    if signal.loc[signal["epoch"] == signal["epoch"].max(), "seeds"].max() == 0:
        _write_inside(axes, "every seed diverged")
    elif is_empty:
        _write_inside(axes, "0 in every hidden layer" if rows["seeds"].any() else "no ratio to weights of 0")
    return is_empty


def _write_inside(axes: Axes, words: str) -> None:
    behind = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    axes.text(0.97, 0.6, words, transform=axes.transAxes, ha="right", va="center", fontsize=7, bbox=behind)


def _count_along(axis: Axis) -> None:
    """Whole numbers, even if there is but one."""
    axis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))


def _runs_off(axes: Axes, sizes: pd.Series[float]) -> bool:
    """Whether some layers are so large that others would be pressed flat; then the axis is logarithmic far from 0."""
    is_wide = bool(sizes.max() > RUNAWAY * max(sizes.median(), sizes.iloc[0]))
    if is_wide:
        near, far = (math.floor(math.log10(size)) for size in (sizes[sizes > 0].min(), sizes.max()))
        axes.set_yscale("symlog", linthresh=10.0**near)
        middle = 10.0 ** ((near + far + 1) // 2)
        axes.set_yticks([-(10.0**far), -middle, 0, middle, 10.0**far])
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0e}" if value else "0"))
    return is_wide


def _scale_by_logarithm(axes: Axes) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())

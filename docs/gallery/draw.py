"""Make the gallery: python docs/gallery/draw.py [FOLDER].

Runs, plots and probes the configs of five papers, with results in FOLDER/results (without FOLDER, the current one; what
is there already is not trained again). Then the figures go to images/, the numbers to numbers.json, and from there into
the tables of the pages.
"""

from __future__ import annotations

import json
import math
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from scipy import stats

from initbench.analysis.intervals import t_interval
from initbench.present.figures import save_figure
from initbench.present.figures.style import STYLE, legend_below, new_figure, series_styles
from initbench.theory.outlook import outlook

HERE = Path(__file__).parent
NUMBERS = HERE / "numbers.json"
BEGIN, END = "<!-- Made by make gallery: {} -->", "<!-- End -->"
Rows = list[dict[str, Any]]  # of a table: heading -> text, a number, or [number, low, high]
Tables = dict[str, Rows]

COMMANDS = {
    "glorot2010": [
        "initbench run glorot2010",
        "initbench plot results/glorot2010",
        "initbench probe glorot2010",
        "initbench probe glorot2010 --seeds 20 -s 'activation=[linear, tanh]' -s name=glorot2010_start",
    ],
    "he2015": [
        "initbench run he2015",
        "initbench plot results/he2015",
        "initbench probe he2015",
        "initbench run he2015 -s epochs=40 -s 'record=[curves]' -s name=he2015_longer",
    ],
    "saxe2014": [
        "initbench run saxe2014",
        "initbench plot results/saxe2014",
        "initbench probe saxe2014 -s learning_rate=0.1",
    ],
    "schoenholz2017": [
        "initbench run schoenholz2017",
        "initbench plot results/schoenholz2017",
        "initbench phase tanh",
        "initbench theory tanh --sigma-w2 1.4 --sigma-b2 0.05",
        "initbench probe schoenholz2017 --seeds 5 -s depth=50 -s width=600 -s name=schoenholz2017_wide",
    ],
    "pennington2017": [
        "initbench run pennington2017",
        "initbench plot results/pennington2017",
        "initbench probe pennington2017 -s learning_rate=0.1",
        "initbench probe pennington2017 --seeds 6 -s 'dataset={gaussian: {features: 400}}' -s width=400"
        " -s 'depth=[4, 16]' -s 'activation=[linear, relu, tanh]' -s learning_rate=0.1 -s name=pennington2017_wide",
    ],
}
COPIED = {
    "glorot2010-activations": "glorot2010/figures/layers-activations-activation=sigmoid",
    "glorot2010-histograms": "glorot2010/figures/layers-histograms-activation-activation=tanh",
    "glorot2010-gradients": "glorot2010/figures/layers-histograms-gradient-activation=tanh",
    "he2015-22": "he2015/figures/curves-depth=21",
    "he2015-30": "he2015/figures/curves-depth=29",
    "he2015-signals": "he2015/figures/probe-signals-depth=29",
    "schoenholz2017-phase": "phase_tanh",
    "schoenholz2017-signals": "schoenholz2017_wide/figures/probe-signals",
    "pennington2017-spectra": "pennington2017/figures/probe-spectra",
    "saxe2014-spectra": "saxe2014/figures/probe-spectra",
}
SIGMA_B2 = 0.05
TARGETS = {"saxe2014": 0.7, "pennington2017": 0.6}  # validation accuracies, as in the configs
HALF = 0.5  # of the rows right: a network that has begun to learn


# What the numbers are made of


def interval(values: Iterable[float]) -> list[float]:
    """Mean and Student's 95 % interval."""
    values = np.asarray(list(values), dtype=float)
    low, high = t_interval(values.mean(), values.std(ddof=1), len(values))
    return [float(values.mean()), float(low), float(high)]


def geometric(values: Iterable[float]) -> list[float]:
    """Geometric mean, and Student's 95 % interval of the logarithm."""
    return [math.exp(x) for x in interval(np.log(list(values)))]


def factor_a_layer(layers: pd.DataFrame, column: str, first: int, last: int) -> pd.Series[float]:
    """By what factor a column changes from layer to layer, on the way from the first to the last of these, by cell."""
    ends = layers.pivot_table(index="cell", columns="layer", values=column)
    return (ends[last] / ends[first]) ** (1 / abs(last - first))


def steps_by_rate(curves: pd.DataFrame, keys: Sequence[str], target: float) -> pd.DataFrame:
    """How soon each setting reaches a validation accuracy at each learning rate.

    Parameters
    ----------
    curves : DataFrame
        With the columns of curves.csv.
    keys : sequence of str
        The columns that make a setting, without the learning rate.
    target : float
        A fraction.

    Returns
    -------
    DataFrame
        A row a setting and rate: ``keys``, ``learning_rate``, ``first`` (a list: of each seed the first epoch that
        reaches the target, inf for never).
    """
    reached = curves[curves["valid_accuracy"] >= target].groupby("cell")["epoch"].min()
    cells = curves.drop_duplicates("cell")
    cells = cells.assign(first=cells["cell"].map(reached).fillna(math.inf))
    return cells.groupby([*keys, "learning_rate"])["first"].agg(list).reset_index()


def best_rates(tried: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Of `steps_by_rate` the best rate of each setting: where most seeds get there, then where their mean is least."""
    finite = [[epoch for epoch in first if epoch < math.inf] for first in tried["first"]]
    tried = tried.assign(
        missed=[len(first) - len(some) for first, some in zip(tried["first"], finite, strict=True)],
        mean=[np.mean(some) if some else math.inf for some in finite],
    )
    return tried.sort_values(["missed", "mean"], kind="stable").drop_duplicates(keys).sort_values(keys)


def steps_cell(first: Sequence[float], epochs: int) -> Any:
    """Median, least and greatest number of epochs; how many seeds got there if some did not."""
    if max(first) < math.inf:
        return [float(np.median(first)), float(min(first)), float(max(first))]
    reached = sum(epoch < math.inf for epoch in first)
    return f"{reached} of {len(first)} in {epochs}" if reached else f"none in {epochs}"


def crossing(depths: Sequence[float], accuracies: Sequence[float]) -> float:
    """The depth at which accuracy falls below one half for good, between two depths on a straight line; or inf."""
    above = [accuracy >= HALF for accuracy in accuracies]
    if above[-1]:
        return math.inf
    if not any(above):
        return float(depths[0])
    last = max(i for i, is_above in enumerate(above) if is_above)
    share = (accuracies[last] - HALF) / (accuracies[last] - accuracies[last + 1])
    return depths[last] + share * (depths[last + 1] - depths[last])


def slope_interval(x: Sequence[float], y: Sequence[float]) -> list[float]:
    """Least-squares slope of y on x, and its 95 % interval."""
    line = stats.linregress(x, y)
    half = float(stats.t.ppf(0.975, len(x) - 2) * line.stderr)
    return [float(line.slope), float(line.slope) - half, float(line.slope) + half]


def tanh_excess(q: float) -> float:
    """E[φ'⁴] / E[φ'²]² - 1 of tanh for z ~ N(0, q): what its slopes add to the relative variance, a layer."""
    z, weights = np.polynomial.hermite_e.hermegauss(200)
    squares = (1 - np.tanh(math.sqrt(q) * z) ** 2) ** 2
    mean = weights / weights.sum()
    return float(mean @ squares**2 / (mean @ squares) ** 2 - 1)


def relative_variance(activation: str, gaussian: bool, widths: Sequence[int], q: Sequence[float]) -> float:
    """The relative variance of the Jacobian's squared singular values at infinite width.

    Slopes and weights of every layer add their own: slopes E[φ'⁴] / E[φ'²]² - 1, Gaussian weights fan_out / fan_in, as
    the law of Marchenko & Pastur has it, and orthogonal weights nothing (Pennington et al. 2017).
    """
    slopes = sum({"linear": 0.0, "relu": 1.0}.get(activation, tanh_excess(x)) for x in q)
    weights = sum(b / a for a, b in pairwise(widths)) if gaussian else 0.0
    return slopes + weights


def sigma_w2(initializer: pd.Series[str]) -> pd.Series[float]:
    """Of ``mean_field(sigma_w=…)``; its default is 1."""
    return initializer.str.extract(r"sigma_w=([\d.]+)")[0].astype(float).fillna(1.0) ** 2


def read(folder: Path, name: str) -> pd.DataFrame:
    """A CSV file of an experiment; ``networks`` is the table of that name in probe.json."""
    if name == "networks":
        return pd.DataFrame(json.loads((folder / "probe.json").read_text(encoding="utf-8"))[name])
    return pd.read_csv(folder / f"{name}.csv")


# The tables, a function a paper


def glorot2010(results: Path) -> Tables:
    """Signals at the start, sigmoid's layers while training, errors."""
    start, runs = read(results / "glorot2010_start", "probe"), results / "glorot2010"
    hidden = start[start["layer"] <= 5]
    kinds = {
        "activations, forward": ("preactivation_square", 1, 5),
        "gradients, backward": ("gradient_square", 5, 1),
        "gradients of weights, backward": ("weight_gradient_square", 5, 2),
    }
    hidden = hidden.assign(
        weight_gradient_square=hidden["weight_gradient_norm"] ** 2,
        predicted_weight_gradient_square=hidden["predicted_preactivation_square"] * hidden["predicted_gradient_square"],
    )
    signals = []
    for (activation, initializer), layers in hidden.groupby(["activation", "initializer"]):
        for kind, (column, first, last) in kinds.items():
            both = {c: factor_a_layer(layers, c, first, last) for c in (column, f"predicted_{column}")}
            said = "1" if initializer == "glorot_uniform" or column.startswith("weight") else "1/3"
            signals.append(
                {
                    "activation": activation,
                    "initializer": initializer,
                    "variance of": kind,
                    "paper, linear regime": said,
                    "our theory": float(both[f"predicted_{column}"].mean()),
                    "ours": geometric(both[column]),
                }
            )
    layers = read(runs, "layers")
    sigmoid = layers[(layers["activation"] == "sigmoid") & (layers["initializer"] == "bengio_uniform")]
    means = sigmoid.groupby(["layer", "epoch"])["activation_mean"].agg(list)
    last = int(sigmoid["epoch"].max())
    sinks = [
        {
            "hidden layer": str(layer),
            "before training": interval(means[layer, 0]),
            "after epoch 1": interval(means[layer, 1]),
            f"after epoch {last}": interval(means[layer, last]),
        }
        for layer in range(1, 6)
    ]
    said = {("tanh", "bengio_uniform"): 1.76, ("tanh", "glorot_uniform"): 1.64, ("sigmoid", "bengio_uniform"): 2.21}
    errors = []
    for (activation, initializer), cells in read(runs, "runs").groupby(["activation", "initializer"]):
        row = {"activation": activation, "initializer": initializer}
        row["paper, MNIST: test error %"] = said.get((activation, initializer), "–")
        errors.append(row | {"ours, 10,000 digits: test error %": interval(100 * (1 - cells["test_accuracy"]))})
    return {"signals": signals, "sinks": sinks, "errors": errors}


def he2015(results: Path) -> Tables:
    """How the signal shrinks, and who learns when."""
    experiment, longer = results / "he2015", results / "he2015_longer"
    layers, networks = read(experiment, "probe"), read(experiment, "networks")
    shrinks, learns = [], []
    for depth, rows in layers.groupby("depth"):
        logits = rows[rows["layer"] == depth + 1].set_index(["seed", "initializer"])["preactivation_square"].unstack()
        widths = [784, *[100] * depth, 10]
        exact = math.prod(a / (a + b) for a, b in pairwise(widths)) ** 0.5
        shrinks.append(
            {
                "weight layers L": str(depth + 1),
                "what": "logits, Glorot's over He's",
                "paper, 2^(-L/2)": 2 ** (-(depth + 1) / 2),
                "theory, our widths": exact,
                "ours": float((logits["glorot_normal"] / logits["he_normal"]).mean() ** 0.5),
            }
        )
        for initializer, cells in networks[networks["depth"] == depth].groupby("initializer"):
            is_he = initializer == "he_normal"
            shrinks.append(
                {
                    "weight layers L": str(depth + 1),
                    "what": f"gradients, first over last hidden layer, {'He' if is_he else 'Glorot'}",
                    "paper, 2^(-L/2)": "–",
                    "theory, our widths": 1.0 if is_he else 2 ** (-(depth - 1) / 2),
                    "ours": geometric(cells["backward_ratio"]),
                }
            )
    said = {
        (21, "glorot_normal"): "learns, later",
        (21, "he_normal"): "learns",
        (29, "glorot_normal"): "stands still",
        (29, "he_normal"): "learns",
    }
    keys = ["depth", "initializer"]
    first = steps_by_rate(read(longer, "curves"), keys, HALF).set_index(keys)["first"]
    ends = {int(read(x, "curves")["epoch"].max()): read(x, "accuracy").set_index(keys) for x in (experiment, longer)}
    for setting, epochs in first.items():
        row = {"weight layers": str(setting[0] + 1), "initializer": setting[1], "paper": said[setting]}
        row["ours: epochs to 50 %"] = steps_cell(epochs, max(ends))
        for end, accuracy in ends.items():
            columns = [f"test_accuracy_{name}" for name in ("mean", "low", "high")]
            row[f"test accuracy % after {end}"] = [100 * float(accuracy.loc[setting, name]) for name in columns]
        learns.append(row)
    return {"shrinks": shrinks, "learns": learns}


def schoenholz2017(results: Path) -> Tables:
    """Depths that train beside 6 xi_c, and the signals that make it so."""
    runs = read(results / "schoenholz2017", "runs")
    trained = training_accuracy(runs)
    depths = list(trained.columns)
    reach = []
    for s, accuracies in trained.iterrows():
        found = outlook("tanh", s, SIGMA_B2)
        xi, edge = xi_c(found), crossing(depths, list(accuracies))
        is_finite = xi < 1000 and edge < math.inf
        reach.append(
            {
                "sigma_w²": f"{s:.3g}",
                "phase": found.verdict.phase,
                "xi_c": xi if xi < 1000 else "infinite",
                "paper: 6 xi_c": 6 * xi if xi < 1000 else "infinite",
                "ours: half right at": edge if edge < math.inf else f"beyond {depths[-1]}",
                "over xi_c": edge / xi if is_finite else "–",
            }
        )
    layers = read(results / "schoenholz2017_wide", "probe")
    layers = layers[layers["layer"] <= 50].assign(s=lambda frame: sigma_w2(frame["initializer"]))
    signals = []
    for s, rows in layers.groupby("s"):
        found, deep = outlook("tanh", s, SIGMA_B2), rows[rows["layer"] > 25]
        signals.append(
            {
                "sigma_w²": f"{s:.3g}",
                "chi: theory": found.verdict.chi,
                "chi: ours": geometric(factor_a_layer(rows, "gradient_square", 50, 10)),
                "q*: theory": found.verdict.q,
                "q*: ours": interval(deep.groupby("cell")["preactivation_square"].mean()),
                "c at layer 50: theory": float(rows.loc[rows["layer"] == 50, "predicted_correlation"].mean()),
                "c at layer 50: ours": interval(rows.loc[rows["layer"] == 50, "correlation"]),
            }
        )
    return {"reach": reach, "signals": signals}


def training_accuracy(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean training accuracy, a row a sigma_w² and a column a depth; a network that diverged is at chance."""
    runs = runs.assign(s=sigma_w2(runs["initializer"]), train_accuracy=runs["train_accuracy"].fillna(0.1))
    return runs.groupby(["s", "depth"])["train_accuracy"].mean().unstack()


def xi_c(found: Any) -> float:
    """The depth scale of correlations."""
    slope = found.limit.slope
    return math.inf if slope >= 1 else -1 / math.log(slope)


def pennington2017(results: Path) -> Tables:
    """Relative variances of the spectra, and steps to the target by depth."""
    wide, experiment = results / "pennington2017_wide", results / "pennington2017"
    variances = variance_rows(wide, [400], ["activation", "depth", "initializer"])
    tried = steps_by_rate(read(experiment, "curves"), ["activation", "initializer", "depth"], TARGETS["pennington2017"])
    return {"variances": variances, "steps": step_rows(experiment, tried)}


def saxe2014(results: Path) -> Tables:
    """Relative variances of the products' spectra, and steps to the target by depth."""
    experiment = results / "saxe2014"
    variances = variance_rows(experiment, [784], ["depth", "initializer"])
    tried = steps_by_rate(read(experiment, "curves"), ["initializer", "depth"], TARGETS["saxe2014"])
    said = {"lecun_normal": "grows with depth", "orthogonal": "0"}
    slopes = []
    for initializer, rows in best_rates(tried, ["initializer", "depth"]).groupby("initializer"):
        points = [(math.log(row.depth), math.log(first)) for row in rows.itertuples() for first in row.first]
        row = {"initializer": initializer, "paper": said[initializer]}
        slopes.append(row | {"ours: slope of log steps on log depth": slope_interval(*zip(*points, strict=True))})
    return {"variances": variances, "steps": step_rows(experiment, tried), "slopes": slopes}


def variance_rows(experiment: Path, inputs: Sequence[int], keys: list[str]) -> Rows:
    """Measured relative variances of the Jacobian's squared singular values beside those at infinite width."""
    layers, networks = read(experiment, "probe"), read(experiment, "networks")
    rows = []
    for values, cells in networks.groupby(keys):
        setting = dict(zip(keys, values, strict=True))
        one = cells.iloc[0]
        of_cell = layers[(layers["cell"] == one["cell"]) & (layers["layer"] <= one["depth"])].sort_values("layer")
        gaussian = not one["initializer"].startswith("orthogonal")
        widths = [*inputs, *of_cell["units"]]
        q = of_cell["predicted_preactivation_square"]
        theory = relative_variance(one["activation"], gaussian, widths, list(q))
        ours = interval(cells["jacobian_relative_variance"])
        ours = [0.0 if abs(x) < 1e-9 else x for x in ours]  # rounding
        rows.append({k: str(v) for k, v in setting.items()} | {"theory, infinite width": theory, "ours": ours})
    return rows


def step_rows(experiment: Path, tried: pd.DataFrame) -> Rows:
    """The steps to the target at each learning rate, a row a setting, and the best final accuracy of any rate."""
    keys = list(tried.columns[: list(tried.columns).index("learning_rate")])
    epochs = int(read(experiment, "curves")["epoch"].max())
    best = read(experiment, "accuracy").sort_values("rank").drop_duplicates(keys).set_index(keys)
    rows = []
    for setting, at_rates in tried.groupby(keys):
        row = {key: str(value) for key, value in zip(keys, setting, strict=True)}
        for rate, first in zip(at_rates["learning_rate"], at_rates["first"], strict=True):
            row[f"rate {rate:g}"] = steps_cell(first, epochs)
        ends = [best.loc[setting, f"test_accuracy_{end}"] for end in ("mean", "low", "high")]
        rows.append(row | {f"test accuracy % after {epochs}, best rate": [100 * float(end) for end in ends]})
    return rows


TABLES = {
    "glorot2010": glorot2010,
    "he2015": he2015,
    "schoenholz2017": schoenholz2017,
    "pennington2017": pennington2017,
    "saxe2014": saxe2014,
}


# Figures that no command draws


@rc_context(STYLE | {"text.parse_math": True})
def trainable_depths(runs: pd.DataFrame) -> Figure:
    """Training accuracy over sigma_w² and depth, with 6 xi_c over it: figure 5 of Schoenholz et al."""
    trained = 100 * training_accuracy(runs)
    s, depths = trained.index.to_numpy(), trained.columns.to_numpy(dtype=float)
    across, up = np.exp(edges(np.log(s))), edges(depths)
    figure = new_figure(3.6, "Training accuracy of tanh networks\nmean over 3 seeds; dashed: $6\\,\\xi_c$ of theory")
    axes = figure.subplots()
    axes.grid(False)
    colors = matplotlib.colormaps["cividis"]
    mesh = axes.pcolormesh(across, up, trained.to_numpy().T, cmap=colors, vmin=0, vmax=100, edgecolors="w", lw=0.5)
    fine = np.geomspace(across[0], across[-1], 121)
    axes.plot(fine, [6 * xi_c(outlook("tanh", x, SIGMA_B2)) for x in fine], color="#D55E00", ls="--", lw=1.8)
    for x, accuracies in trained.iterrows():
        for depth, value in accuracies.items():
            behind = {
                "facecolor": colors(value / 100),
                "edgecolor": "none",
                "pad": 0.8,
            }  # keeps the line off the number
            ink = "w" if value < 50 else "k"
            axes.text(x, depth, f"{value:.0f}", ha="center", va="center", color=ink, bbox=behind)
    axes.set(xlabel=r"$\sigma_w^2$ (log scale), with $\sigma_b^2 = 0.05$", ylabel="hidden layers", xscale="log")
    axes.set(xlim=(across[0], across[-1]), ylim=(up[0], up[-1]))
    axes.set_xticks(s, [f"{x:.3g}" for x in s])
    axes.minorticks_off()
    axes.set_yticks(depths)
    figure.colorbar(mesh, ax=axes, label="training accuracy (%)")
    return figure


def edges(centres: Any) -> Any:
    """Edges of cells around these places: half-way between them, the outermost as far as their other edge."""
    between = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - between[0]], between, [2 * centres[-1] - between[-1]]])


@rc_context(STYLE)
def steps_by_depth(panels: dict[str, pd.DataFrame], heading: str, epochs: int) -> Figure:
    """Steps to a target by depth, each at its best learning rate; where a seed never got there, an open marker."""
    names = sorted({name for rows in panels.values() for name in rows["initializer"]})
    styles = series_styles(names)
    figure = new_figure(3.0, heading)
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (panel, best) in zip(grid, panels.items(), strict=True):
        for initializer, rows in best.groupby("initializer"):
            look, first = styles[initializer], np.array(rows["first"].tolist())
            reached = np.isfinite(first).all(axis=1)
            middle = np.median(np.where(np.isfinite(first), first, 1.3 * epochs), axis=1)
            axes.plot(rows["depth"], middle, color=look.color, ls="-", lw=0.8)
            axes.fill_between(
                rows["depth"][reached],
                first[reached].min(axis=1),
                first[reached].max(axis=1),
                color=look.color,
                alpha=0.2,
                lw=0,
            )
            for inside in (True, False):
                fill = look.color if inside else "w"
                at = reached == inside
                axes.plot(rows["depth"][at], middle[at], color=look.color, marker=look.marker, ls="", mfc=fill)
        axes.axhline(epochs, color="0.45", ls="--", lw=0.8)
        axes.set(xscale="log", yscale="log", title=panel, xlabel="hidden layers (log scale)")
        depths = sorted(set(best["depth"]))
        axes.set_xticks(depths, [str(depth) for depth in depths])
        axes.minorticks_off()
        axes.set_yticks([2, 5, 10, 20, 50], ["2", "5", "10", "20", "50"])
    grid[0].set(ylabel="steps to target (log scale)", ylim=(1.5, 1.7 * epochs))
    legend_below(figure, {name: name for name in names}, styles)
    return figure


def draw_own(results: Path) -> dict[str, Figure]:
    """The figures that no command draws, by name."""
    told = "median and range of the seeds, best learning rate; open: not all there by the end, dashed"
    curves = {name: read(results / name, "curves") for name in TARGETS}
    keys = ["activation", "initializer", "depth"]
    panels, epochs = {}, {}
    for name, target in TARGETS.items():
        best = best_rates(steps_by_rate(curves[name], keys, target), keys)
        panels[name] = {f"activation {activation}": rows for activation, rows in best.groupby("activation")}
        epochs[name] = int(curves[name]["epoch"].max())
    return {
        "schoenholz2017-depths": trainable_depths(read(results / "schoenholz2017", "runs")),
        **{
            f"{name}-steps": steps_by_depth(
                panels[name],
                f"Steps of gradient descent to {100 * target:.0f} % of the validation rows\n{told}",
                epochs[name],
            )
            for name, target in TARGETS.items()
        },
    }


# From numbers to pages


def rounded(cell: Any) -> Any:
    """Numbers to six digits, so that the file is the same wherever the last bits differ."""
    if isinstance(cell, list):
        return [rounded(x) for x in cell]
    return float(f"{cell:.6g}") if isinstance(cell, float) else cell


def markdown(rows: Rows) -> str:
    """A table of the gallery as Markdown; three numbers are a value and its interval."""
    headings = list(rows[0])
    ruled = [":--" if all(isinstance(row[key], str) for row in rows) else "--:" for key in headings]
    lines = [headings, ruled, *([shown(row[key]) for key in headings] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def shown(cell: Any) -> str:
    """A cell as its reader sees it: a number with three digits, an interval with as many as its width bears out."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, list) and 0 < abs(cell[0]) < 0.001:
        value, low, high = (f"{x:.2g}" for x in cell)
        return f"{value} [{low}, {high}]"
    if isinstance(cell, list):
        half = 0.0 if all(x == int(x) for x in cell) else (cell[2] - cell[1]) / 2
        decimals = max(0, math.ceil(-math.log10(half / 5))) if half else 0
        value, low, high = (f"{x:.{decimals}f}" for x in cell)
        return f"{value} [{low}, {high}]"
    if cell == int(cell):
        return f"{cell:.0f}"
    return f"{cell:.3g}" if 0.001 <= abs(cell) < 100 else f"{cell:.2g}"


def with_tables(page: str, tables: Tables) -> str:
    """The page with the tables in their places."""
    for name, rows in tables.items():
        begin = BEGIN.format(name)
        head, found, rest = page.partition(begin)
        if not found:
            raise SystemExit(f"a page lacks {begin}")
        page = f"{head}{begin}\n\n{markdown(rows)}\n\n{END}{rest.partition(END)[2]}"
    return page


def main(folder: Path) -> None:
    """Run what has not been run, and write images, numbers and tables."""
    for command in (command for commands in COMMANDS.values() for command in commands):
        print("$", command, flush=True)
        arguments = shlex.split(command)[1:]
        subprocess.run([sys.executable, "-m", "initbench", *arguments], cwd=folder, check=True)
    results, images = folder / "results", HERE / "images"
    images.mkdir(exist_ok=True)
    for name, source in COPIED.items():
        shutil.copyfile(results / f"{source}.png", images / f"{name}.png")
    for name, figure in draw_own(results).items():
        save_figure(figure, images / f"{name}.png")
    numbers = {
        paper: {
            name: [{key: rounded(cell) for key, cell in row.items()} for row in rows]
            for name, rows in tables(results).items()
        }
        for paper, tables in TABLES.items()
    }
    NUMBERS.write_text(json.dumps(numbers, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    for paper, tables in numbers.items():
        page = HERE / f"{paper}.md"
        page.write_text(with_tables(page.read_text(encoding="utf-8"), tables), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve())

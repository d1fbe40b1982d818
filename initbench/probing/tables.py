"""What was seen of networks -> the tables of a probe, with the theory of wide networks beside the measurements."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
import pandas as pd

from initbench.contracts import PROBED_LAYERS, PROBED_NETWORKS, Activation, Array
from initbench.engine.block import Block
from initbench.engine.blocks.activation import Activate
from initbench.engine.blocks.dense import Dense
from initbench.engine.blocks.dropout import Dropout
from initbench.plan import Cell, network_of
from initbench.probing.networks import Look
from initbench.registry import find
from initbench.theory import predicted_correlations, predicted_gradients, predicted_lengths, predicted_spreads

PREDICTED = ("predicted_preactivation_square", "predicted_gradient_square", "predicted_correlation")
SPREAD = "predicted_preactivation_spread"
EVEN = 1.000001  # ratio of singular values up to which all are equal
ERRORS = 4.0  # standard errors that the mean of draws may be from 0 and still pass for one of mean 0


def probe_tables(
    plan: Sequence[Cell], starts: Sequence[Cell], looks: Sequence[tuple[Sequence[Cell], Look]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables of layers and of networks.

    Parameters
    ----------
    plan : sequence of Cell
    starts : sequence of Cell
        What of each bears on its start; cells that share it were looked at once.
    looks : sequence of (sequence of Cell, Look)
        Distinct starts, and what was seen of them; one that failed is not among them, and its cells are left out.

    Returns
    -------
    layers, networks : DataFrame
        In the order of the plan: factors, ``seed, cell``, then ``layer, units``, all of ``PROBED_LAYERS``,
        ``PREDICTED`` and ``SPREAD``, or all of ``PROBED_NETWORKS``.
    """
    factors = [name for name, _ in plan[0].factors]
    cells = pd.DataFrame([[value for _, value in cell.factors] for cell in plan], columns=factors)
    cells = cells.assign(seed=[cell.seed for cell in plan], cell=[cell.key for cell in plan])
    cells = cells.assign(start=[start.key for start in starts], rate=[cell.learning_rate for cell in plan])

    draws: dict[str, list[Cell]] = {}
    for cell in chain.from_iterable(some for some, _ in looks):
        draws.setdefault(replace(cell, seed=0).key, []).append(cell)
    setting = {cell.key: key for key, some in draws.items() for cell in some}
    measured = pd.concat([_layer_rows(some, look) for some, look in looks], ignore_index=True)
    measured["setting"] = measured["start"].map(setting)
    predicted = [predict(draws[str(key)][0], rows) for key, rows in measured.groupby("setting", sort=False)]
    layers = cells.merge(measured.merge(pd.concat(predicted), on=["setting", "layer"]), on="start")
    layers["update_ratio"] = layers["rate"] * layers["weight_gradient_norm"] / layers["weight_norm"]

    networks = cells.merge(pd.concat([_network_rows(some, look) for some, look in looks]), on="start")
    shown = [*factors, "seed", "cell"]
    return layers[[*shown, "layer", "units", *PROBED_LAYERS, *PREDICTED, SPREAD]], networks[[*shown, *PROBED_NETWORKS]]


def _layer_rows(cells: Sequence[Cell], look: Look) -> pd.DataFrame:
    units = [slot.shape[1] for slot in network_of(cells[0]).layers]
    rows = {name: values.ravel() for name, values in look.layers.items()}
    places = {"layer": np.tile(np.arange(1, len(units) + 1), len(cells)), "units": np.tile(units, len(cells))}
    return pd.DataFrame({"start": np.repeat([cell.key for cell in cells], len(units)), **places, **rows})


def _network_rows(cells: Sequence[Cell], look: Look) -> pd.DataFrame:
    uniform = [math.log(max(2, cell.data.classes)) for cell in cells]
    return pd.DataFrame({"start": [cell.key for cell in cells], "loss_uniform": uniform, **look.networks})


@np.errstate(all="ignore")  # what runs off leaves theory too
def predict(cell: Cell, rows: pd.DataFrame) -> pd.DataFrame:
    """What the theory of wide networks says of the layers of a setting, with the variances that were drawn.

    Parameters
    ----------
    cell : Cell
        One draw of it.
    rows : DataFrame
        What was measured of all draws, with the columns ``setting, layer`` and those of `Look.layers`.

    Returns
    -------
    DataFrame
        ``setting, layer``, ``PREDICTED`` and ``SPREAD``. Signals and correlations start from the mean of the first
        layer, gradients from that of the last hidden one. nan where theory does not hold: where there is anything but
        one activation between every two dense layers (and dropout, which waits for training), and from the first
        layer on whose weights and biases are not drawn independently of mean 0. The spread is nan with biases too, and
        where weights depend on one another or on the data.
    """
    network = network_of(cell)
    sizes = np.array([network.layers[0].shape[0], *(slot.shape[1] for slot in network.layers)])
    count = len(network.layers)
    found = pd.DataFrame(np.nan, index=range(count), columns=[*PREDICTED, SPREAD])
    found = found.assign(setting=rows["setting"].iloc[0], layer=range(1, count + 1))
    means = rows.groupby("layer").mean(numeric_only=True)
    drawn = _is_drawn(means, sizes, rows["start"].nunique())
    known = count if drawn.all() else int(drawn.argmin())
    activation = _activation_between([block for block in network.blocks if not isinstance(block, Dropout)])
    if activation is None or known == 0:
        return found
    weights = (means["weight_square"] * sizes[:-1]).to_numpy()[:known]
    biases = means["bias_square"].to_numpy()[:known]
    lengths = predicted_lengths(activation, weights, biases, means["preactivation_square"].iloc[0])
    found.loc[: known - 1, PREDICTED[0]] = lengths
    found.loc[: known - 1, PREDICTED[2]] = predicted_correlations(
        activation, weights, biases, lengths, float(np.clip(means["correlation"].iloc[0], -1, 1))
    )
    drawers = {cell.initializer.at(i, count).name for i in range(count - 1)}
    is_free = all(find("initializer", name).scope == "layer" for name in drawers) and not biases.any()
    is_free &= bool((means["singular_max"] > EVEN * means["singular_min"])[:known].all())  # as with orthogonal weights
    if is_free:
        alike = min(1.0, means["input_likeness"].iloc[0])
        found.loc[: known - 1, SPREAD] = predicted_spreads(activation, sizes[1 : known + 1].tolist(), alike)
    if known >= count - 1:
        hidden = count - 1
        relative = predicted_gradients(activation, weights[:hidden], lengths[:hidden], sizes[: hidden + 1].tolist())
        found.loc[: hidden - 1, PREDICTED[1]] = relative * means["gradient_square"].iloc[hidden - 1]
    return found


def _activation_between(blocks: Sequence[Block]) -> Activation | None:
    """The activation that stands between every two dense blocks, or None where something else does."""
    dense, between = blocks[::2], blocks[1::2]
    found = {block.activation for block in between if isinstance(block, Activate)}
    if not between and len(dense) == 1:
        found = {find("activation", "linear").function()}
    is_like_this = all(type(block) is Dense for block in dense) and all(type(block) is Activate for block in between)
    return found.pop() if is_like_this and len(found) == 1 and len(dense) == len(between) + 1 else None


def _is_drawn(means: pd.DataFrame, sizes: Array, draws: int) -> Array:
    """Whether the weights and biases of each layer pass for independent draws of mean 0."""
    drawn = means["is_independent"] == 1
    for kind, count in (("weight", sizes[:-1] * sizes[1:]), ("bias", sizes[1:])):
        drawn &= means[f"{kind}_mean"].abs() <= ERRORS * np.sqrt(means[f"{kind}_square"] / (count * draws))
    return drawn.to_numpy()

"""The phase diagram of an activation, and where the initializers lie on it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from initbench.catalogue.explain import draw_layer
from initbench.contracts import Activation, Array
from initbench.errors import InitbenchError
from initbench.registry import Entry, entries, find
from initbench.theory.mean_field import (
    NEAR_INFINITY,
    NEAR_ZERO,
    ROUNDING,
    SETTLED,
    critical_point,
    is_homogeneous,
    moments,
)

LAYER = 256  # inputs and units of the square layer that initializers are drawn for
REACH, TOP = 4.0, 0.6  # sigma_w² and sigma_b² at the far edges of the diagram
ACROSS, UP = 241, 121  # its points
SAME = 2e-3  # relative; marks whose sigma_w² differ by less share a place
LINE_Q = np.geomspace(1e-6, 1e6, 601)  # of the critical line; beyond, it stands still or is but rounding


class Diagram(NamedTuple):
    """A phase diagram, and where the initializers lie on it.

    Attributes
    ----------
    name : str
        Of the activation.
    sigma_w2, sigma_b2 : ndarray, shapes (a,) and (b,)
        Of columns and rows.
    chi, q : ndarray, shape (b, a)
        chi, and the variance q* that a signal of variance 1 leads to; 0 and inf are possible.
    critical : DataFrame
        Points of the critical line, in order: ``sigma_w2, sigma_b2, is_stable``.
    marks : DataFrame
        A row a place, by sigma_w2: ``sigma_w2, sigma_b2, names``, the last a list of the initializers there.
    unmarked : dict of str to list of str
        Reason, and the initializers that have no place.
    layer : int
        Inputs and units of the hidden layer that they were drawn for.
    """

    name: str
    sigma_w2: Array
    sigma_b2: Array
    chi: Array
    q: Array
    critical: pd.DataFrame
    marks: pd.DataFrame
    unmarked: dict[str, list[str]]
    layer: int = LAYER


def diagram(name: str) -> Diagram:
    """The phase diagram of an activation.

    Parameters
    ----------
    name : str
        Of the activation, or an alias.

    Returns
    -------
    Diagram
        From 0 to sigma_w² = 4 and sigma_b² = 0.6, or farther, to twice the critical point.

    Raises
    ------
    UsageError
        When there is no such activation.
    """
    entry = find("activation", name)
    phi: Activation = entry.function()
    point = critical_point(phi)
    reach = REACH if point is None or point.sigma_w**2 < REACH else 2 * point.sigma_w**2
    sigma_w2, sigma_b2 = np.linspace(0, reach, ACROSS), np.linspace(0, TOP * reach / REACH, UP)
    chi, q = _chi_map(phi, sigma_w2, sigma_b2)
    marks, unmarked = _places(entry.name)
    return Diagram(entry.name, sigma_w2, sigma_b2, chi, q, _critical_line(phi, sigma_b2), marks, unmarked)


def _chi_map(activation: Activation, sigma_w2: Array, sigma_b2: Array) -> tuple[Array, Array]:
    """Values of chi and q*, shape (b, a): what `fixed_point` finds, between the rows of a table of moments."""
    variances = np.unique([*np.geomspace(NEAR_ZERO, NEAR_INFINITY, 201), *LINE_Q, 1.0])
    values, slopes, _ = np.transpose([moments(activation, q) for q in variances.tolist()])
    start, logs = int(np.searchsorted(variances, 1.0)), np.log(variances)
    q = np.empty((len(sigma_b2), len(sigma_w2)))
    for place in np.ndindex(q.shape):
        excess = (sigma_w2[place[1]] * values + sigma_b2[place[0]]) / variances - 1
        grows = excess[start] > SETTLED
        outward = slice(start, None) if grows else slice(start, None, -1)
        path, at = excess[outward], logs[outward]
        turned = np.flatnonzero(path <= 0 if grows else path >= -SETTLED)
        if len(turned) == 0:
            q[place] = math.inf if grows else 0.0
        elif turned[0] == 0:
            q[place] = 1.0
        else:
            last = turned[0] - 1
            q[place] = math.exp(at[last] + (at[last + 1] - at[last]) * path[last] / (path[last] - path[last + 1]))
    chi = sigma_w2 * np.interp(np.log(np.clip(q, NEAR_ZERO, NEAR_INFINITY)), logs, slopes)
    return chi, q


def _critical_line(activation: Activation, sigma_b2: Array) -> pd.DataFrame:
    """Points with chi = 1, in order: ``sigma_w2, sigma_b2, is_stable``; see `critical_point`."""
    values, slopes, mixed = np.transpose([moments(activation, q) for q in LINE_Q.tolist()])
    line = np.column_stack([1 / slopes, LINE_Q - values / slopes, mixed / slopes <= 1 + ROUNDING])
    line = line[line[:, 1] > -ROUNDING * LINE_Q]
    if is_homogeneous(activation):  # the line is straight
        line = np.array([[1 / slopes[0], biases, True] for biases in sigma_b2[[0, -1]]])
    return pd.DataFrame(line, columns=["sigma_w2", "sigma_b2", "is_stable"]).astype({"is_stable": bool})


def _places(activation: str) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Where the registered initializers lie, those at one place together, and why some have none."""
    points, unmarked = [], dict[str, list[str]]()
    for entry in entries("initializer"):
        found = _place(entry, activation)
        if isinstance(found, str):
            unmarked.setdefault(found, []).append(entry.name)
        else:
            points.append((*found, entry.name))
    rows: list[tuple[float, float, list[str]]] = []
    for sigma_w2, sigma_b2, name in sorted(points):
        place = (sigma_w2, sigma_b2)
        together = [names for *other, names in rows if np.allclose(other, place, rtol=SAME, atol=SAME / 2)]
        if together:
            together[0].append(name)
        else:
            rows.append((*place, [name]))
    for *_, names in rows:
        names.sort()
    return pd.DataFrame(rows, columns=["sigma_w2", "sigma_b2", "names"]), unmarked


def _place(entry: Entry, activation: str) -> tuple[float, float] | str:
    """sigma_w² and sigma_b² of an initializer in a hidden layer of ``LAYER`` × ``LAYER``, or why there are none."""
    if entry.scope == "network":
        return "they look at the whole network"
    try:
        weights, biases, _ = draw_layer(entry, LAYER, LAYER, activation)
    except (InitbenchError, TypeError, ValueError, ArithmeticError, AttributeError):
        return f"they cannot be drawn behind {activation}"
    if np.ptp(weights) == 0 or abs(weights.mean()) > 5 * weights.std() / weights.size**0.5:
        return "they are not random with mean zero"
    return LAYER * float(np.mean(weights**2)), float(np.mean(biases**2))

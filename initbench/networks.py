"""The names that a config gives of a network -> the network."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, Protocol

from initbench.contracts import RowShape
from initbench.engine.network import BlockNetwork
from initbench.errors import ParameterError, ShapeError
from initbench.registry import SHAPE_KEYS, Entry, find


class Named(Protocol):
    """A part as a config names it, such as `initbench.config.Part`."""

    @property
    def name(self) -> str:
        """Its name or an alias."""

    @property
    def parameters(self) -> Iterable[tuple[str, Any]]:
        """Those that are given, by name."""


def build_network(
    architecture: Named,
    rows: RowShape,
    outputs: int,
    *,
    hidden: tuple[int, ...],
    activation: Named,
    normalization: str = "none",
    residual: str = "none",
    dropout: float = 0.0,
) -> BlockNetwork:
    """Build the network of an architecture for rows of a shape.

    Parameters
    ----------
    architecture : Named
    rows : tuple of int
        The shape of a row of the data.
    outputs : int
        Classes, or 1 for two classes.
    hidden : tuple of int
        Units of each hidden layer.
    activation : Named
        Of the hidden layers.
    normalization, residual : str
    dropout : float

    Raises
    ------
    ParameterError
        When the architecture does not know one of these and it is not ``"none"`` or 0.
    ShapeError
        When it gives another number of outputs.
    """
    entry = find("architecture", architecture.name)
    values: dict[str, Any] = {
        "hidden": hidden,
        "activation": find("activation", activation.name).function(**dict(activation.parameters)),
        "normalization": normalization,
        "residual": residual,
        "dropout": dropout,
    }
    asked = shape_keys(entry)
    for key, none in (("normalization", "none"), ("residual", "none"), ("dropout", 0.0)):
        if key not in asked and values[key] != none:
            raise ParameterError(f"architecture {architecture.name} takes no {key}; leave the key out")
    given = {key: values[key] for key in asked}
    network = BlockNetwork(entry.function(rows, outputs, **given, **dict(architecture.parameters)), rows)
    if network.outputs != outputs:
        raise ShapeError(f"architecture {architecture.name} gives {network.outputs} outputs where {outputs} are needed")
    return network


def shape_keys(entry: Entry) -> list[str]:
    """The config keys that an architecture asks for beside its own parameters."""
    parameters = inspect.signature(entry.function).parameters
    return [key for key in SHAPE_KEYS if key in parameters]

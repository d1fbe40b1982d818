"""The signature of each kind of part, and the shape letters. Read this first.

Shape letters mean one thing everywhere: ``n`` rows, ``d`` inputs, ``h`` hidden units, ``k`` classes, ``m`` networks in
a stack, ``p`` trained numbers of one network. So ``x`` is ``(n, d)``, ``logits`` is ``(m, n, k)``, one network's
``weights`` are ``(fan_in, fan_out)``, and a layer is ``x @ weights + bias``.

A part is what a config may name. Its parameters are keyword-only, and their annotations say which values they take:
``std: NonNegative = 0.05``. The config reader, ``initbench list`` and the documentation read them from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Shape = tuple[int, int]
RowShape = tuple[int, ...]
Generator = np.random.Generator

METRICS = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy", "test_loss", "test_accuracy")

OPTIONAL_METRICS = ("test_auc", "steps_to_target")
"""Columns of runs.csv that only some experiments have: those on two classes, and those with a clock."""

LAYER_METRICS = (
    *("activation_mean", "activation_std", "preactivation_std", "gradient_std", "weight_std", "weight_gradient_norm"),
    *("update_ratio", "saturated", "dead", "distinct_units", "distance"),
)
"""Those of layers.csv, and how far the weights are from their start: the norm of the difference over theirs."""

PROBED_LAYERS = (
    *("preactivation_square", "activation_mean", "activation_std", "gradient_square", "gradient_std"),
    *("weight_std", "weight_gradient_norm", "update_ratio", "saturated", "dead", "nearly_dead", "distinct_units"),
    *("correlation", "singular_max", "singular_min", "singular_mean_square"),
)
"""Those of probe.csv, a layer before training."""

PROBED_NETWORKS = (
    *("loss", "loss_uniform", "forward_ratio", "backward_ratio", "gradient_ratio", "signal_slope", "saturated", "dead"),
    *("born_dead", "distinct_units", "stays_alike", "is_finite", "jacobian_mean_square", "jacobian_relative_variance"),
    *("jacobian_max", "jacobian_min", "jacobian_condition"),
)
"""Those of a whole network before training, in probe.json."""


class Range(NamedTuple):
    """Which numbers a parameter takes: ``low`` to ``high``, the ends belonging to it unless they are open."""

    low: float = -np.inf
    high: float = np.inf
    open_low: bool = False
    open_high: bool = False

    def holds(self, value: float) -> bool:
        """Whether ``value`` lies in the range; nan and the infinities never do."""
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return bool(above and below and -np.inf < value < np.inf)  # np.isfinite refuses whole numbers beyond 64 bits

    def __str__(self) -> str:
        words = []
        if np.isfinite(self.low):
            words.append(f"{'above' if self.open_low else 'at least'} {self.low:g}")
        if np.isfinite(self.high):
            words.append(f"{'below' if self.open_high else 'at most'} {self.high:g}")
        return " and ".join(words) or "finite"


Real = Annotated[float, Range()]
NonNegative = Annotated[float, Range(low=0)]
Positive = Annotated[float, Range(low=0, open_low=True)]
Fraction = Annotated[float, Range(low=0, high=1, open_high=True)]
Count = Annotated[int, Range(low=1)]


class Initializer(Protocol):
    """Draws the weights of one layer: float64, shape ``(fan_in, fan_out)``; ``rng`` is the only source of chance.

    One that sets the biases too returns ``(weights, biases)``, and the config's ``bias`` then has no say.
    """

    def __call__(self, shape: Shape, rng: Generator, **parameters: Any) -> Array: ...


class BiasInitializer(Protocol):
    """Draws the biases of one layer whose weights have ``shape``: float64, shape ``(fan_out,)``."""

    def __call__(self, shape: Shape, rng: Generator, **parameters: Any) -> Array: ...


class Activation(NamedTuple):
    """An elementwise nonlinearity and what backpropagation needs of it.

    ``out`` is a buffer of the shape of ``z`` to fill and return. At a kink, ``slope`` takes one of the two sides.
    A trained activation has its one number per layer passed as a further argument ``parameter``, shape ``(m, 1, 1)``.

    Attributes
    ----------
    value : callable ``(z, *parameter, out) -> ndarray``
        phi(z); must not change ``z``.
    slope : callable ``(z, value, *parameter, out) -> ndarray``
        phi'(z), where ``value`` is phi(z); may return a boolean mask of the same shape where the slope is 0 or 1.
    start : float, optional
        Where a trained parameter starts; None for an activation that trains nothing.
    parameter_slope : callable ``(z, out) -> ndarray``, optional
        d phi / d parameter.
    by_value : bool
        Whether ``slope`` looks at ``value`` alone, and ``value`` may overwrite ``z``: it can be computed in place.
    torch_gain : float, optional
        What ``torch.nn.init.calculate_gain`` gives for it; None where that raises.
    """

    value: Callable[..., Array]
    slope: Callable[..., Array]
    start: float | None = None
    parameter_slope: Callable[..., Array] | None = None
    torch_gain: float | None = None
    by_value: bool = False


@dataclass(frozen=True)
class Layer:
    """Where the weights to draw stand, for an initializer that asks for it with the keyword ``layer``.

    Attributes
    ----------
    index, count : int
        The layer, counted from 0, of so many.
    activation : Activation, optional
        Of the hidden layers.
    inputs : ndarray of float64, shape (n, d), optional
        A batch of at most 1024 training rows, scaled; for the first layer only.
    targets : ndarray of float64, shape (n, k), optional
        The classes of all training rows, one-hot, or 0 and 1 with k = 1; for the last layer only.
    branches : int
        How many residual branches the network has.
    branch_place, branch_length : int
        The layer's place in its branch, counted from 1, or 0 outside of branches; and how many layers a branch has.
    """

    index: int = 0
    count: int = 1
    activation: Activation | None = None
    inputs: Array | None = None
    targets: Array | None = None
    branches: int = 0
    branch_place: int = 0
    branch_length: int = 1

    @property
    def is_last(self) -> bool:
        """Whether it gives the logits."""
        return self.index == self.count - 1


def wrong_draw(weights: Any, biases: Any, shape: Shape) -> str:
    """What is wrong with the weights or biases that a part drew for a layer, in words; empty where nothing is.

    Examples
    --------
    >>> wrong_draw(np.zeros((4, 3)), np.zeros(1), (4, 3))
    'drew biases of shape (1,) where (3,) was asked for'
    """
    for what, drawn, wanted in (("weights", weights, shape), ("biases", biases, shape[1:])):
        array = np.asarray(drawn)
        if array.shape != wanted:
            return f"drew {what} of shape {array.shape} where {wanted} was asked for"
        if array.dtype.kind != "f":
            return f"drew {what} of type {array.dtype} where real floating-point numbers were asked for"
    return ""


class Branch(NamedTuple):
    """How a hidden layer of a residual network ends: its own output times ``factor`` plus that of layer ``source``.

    ``is_linear`` is True where its own output is its preactivation, without the activation.
    """

    source: int
    factor: float
    is_linear: bool


class Network(Protocol):
    """One network before training, for an initializer that looks at all of it.

    Attributes
    ----------
    weights : list of ndarray of float64, each of shape (fan_in, fan_out)
        Zeros, to be filled in place.
    biases : list of ndarray of float64, each of shape (fan_out,)
        Drawn as the config's ``bias`` says; may be changed in place.
    trained : list of dict of str to ndarray of float64
        All numbers that each layer trains: its ``weights`` and ``biases``, and where it has them ``gains`` and
        ``offsets`` of normalization, ``slopes`` of the activation, ``scales`` of the branch that it ends, and what
        blocks of a plugin train, by the names of their slots. A second one of a name is ``gains_2``, and so on.
    activation : Activation
        Of the hidden layers.
    x : ndarray of float64, shape (n, d)
        A batch of training rows, scaled as in training; never validation or test rows.
    targets : ndarray of float64, shape (n, k)
        Their classes, one-hot, or 0 and 1 with k = 1.
    """

    weights: list[Array]
    biases: list[Array]
    trained: list[dict[str, Array]]
    activation: Activation
    x: Array
    targets: Array

    def rng(self, layer: int) -> Generator:
        """The stream of a layer's draws, from its beginning: the one that any other initializer of the seed gets."""

    def preactivation(self, layer: int) -> Array:
        """``inputs(layer) @ weights + biases`` of a layer, shape (n, fan_out), with the numbers as they stand."""

    def inputs(self, layer: int) -> Array:
        """What a layer is given for ``x``, shape (n, fan_in), with the numbers as they stand."""

    def branch(self, layer: int) -> Branch | None:
        """How a hidden layer adds an earlier one to its output, or None where it does not."""

    def gradients(self, x: Array | None = None, targets: Array | None = None) -> tuple[float, list[Array], list[Array]]:
        """Mean loss, and its derivatives by the weights and by the biases of each layer; for other rows if given."""

    def slopes(self, top: Array) -> tuple[list[Array], list[Array]]:
        """Derivatives of ``sum(top * logits)`` on ``x`` by weights and biases; ``top`` has the logits' shape (n, k)."""


class Optimizer(NamedTuple):
    """How gradients become steps.

    Attributes
    ----------
    states : int
        How many arrays of the weights' shape it keeps between steps; they start at zero.
    step : callable ``(weights, gradients, states, learning_rate, count) -> None``
        Changes ``weights`` in place, shape ``(m, p)``; may overwrite ``gradients``. ``learning_rate`` has shape
        ``(m, 1)``, and ``count`` is 1 at the first step.
    decoupled_decay : bool
        True where weight decay shrinks the weights themselves (AdamW) and does not enter the gradient.
    by_weight : bool
        True where the step of a weight follows from its own numbers alone. The engine then takes the step for as many
        columns at a time as fit the processor's cache.
    """

    states: int
    step: Callable[[Array, Array, list[Array], Array, int], None]
    decoupled_decay: bool = False
    by_weight: bool = False


class Schedule(Protocol):
    """What the learning rate of a step is multiplied by: a number from 0 to 1."""

    def __call__(self, count: int, steps: int) -> float:
        """The factor of step ``count`` of ``steps``; the first step is 1."""


class ColumnAccount(NamedTuple):
    """What a reader of tables made of a column.

    Attributes
    ----------
    name : str
    role : ``"feature"``, ``"target"`` or ``"dropped"``
    kind : ``"number"``, ``"boolean"``, ``"date"``, ``"category"``, ``"empty"``, or ``""`` where it was not looked at
    missing : int
        How many rows have no value.
    low, high : float or None
        The least and the greatest number; of a date the days since 1970.
    labels : tuple of str
        Its categories; of a boolean the words for 0 and 1; of a target with two classes the second is class 1.
    counts : tuple of int
        How many rows each category has.
    """

    name: str
    role: str
    kind: str = ""
    missing: int = 0
    low: float | None = None
    high: float | None = None
    labels: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()


class Dataset(NamedTuple):
    """A classification task as it lies on disk: split once and for all, neither scaled nor filled.

    Attributes
    ----------
    x_train, x_test : ndarray, shape (n, d)
        uint8 for images, float64 for tables, where nan marks a missing value.
    y_train, y_test : ndarray of int64, shape (n,)
        Index of the class.
    classes : tuple of str
        Their names, in the order of the indices.
    kind : ``"image"`` or ``"table"``
        Images are scaled by one mean and deviation over all pixels, tables column by column.
    features : tuple of str
        Names of the columns of a table; empty for images.
    notes : tuple of str
        What the reader assumed about the files, a sentence each. They are no part of the data: no checksum has them.
    columns : tuple of ColumnAccount
        What the reader made of each column of a file, dropped ones included; no part of the data either.
    shape : tuple of int
        ``(height, width, channels)`` of images; empty for rows that are just so many numbers.
    """

    x_train: Array
    y_train: Array
    x_test: Array
    y_test: Array
    classes: tuple[str, ...]
    kind: Literal["image", "table"]
    features: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    columns: tuple[ColumnAccount, ...] = ()
    shape: RowShape = ()

    @property
    def row(self) -> RowShape:
        """The shape of a row; its numbers lie flat in ``x_train`` and ``x_test``."""
        return self.shape or (self.x_train.shape[1],)


class Loader(Protocol):
    """Loads a data set; ``folders`` are the places to look for files and to keep downloads, the first one first."""

    def __call__(self, folders: tuple[Path, ...], **parameters: Any) -> Dataset: ...

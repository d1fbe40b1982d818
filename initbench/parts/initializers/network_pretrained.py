"""Transfer learning: start where another network ended."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from initbench.contracts import Array, Network
from initbench.errors import DataError, ParameterError
from initbench.parts.archives import read_arrays
from initbench.parts.initializers.draws import draw_normal, fans
from initbench.registry import network_initializer

MOST_DIGITS = 6  # of the number of a layer in the name of an array


@network_initializer(
    "pretrained",
    family="data-driven",
    formula="all that the first layers train as another network had it in the end; N(0, 2 / fan_in) beyond",
    cites=("yosinski2014",),
    note="Of a results folder, each seed starts from the cell of the same seed.",
)
def pretrained(network: Network, *, file: str, cell: str = "", layers: int = 0) -> None:
    """Start the first layers from all that they had learned in another network, and the others from He's weights.

    A layer takes over its weights, and where both networks have them its biases, normalization's gains and offsets, the
    slope of its activation, the scale of its residual branch and what blocks of a plugin train. What only one of them
    has is left as it starts.

    Parameters
    ----------
    network : Network
        Filled in place.
    file : str
        A folder of results, or an ``.npz`` with ``weights_0``, ``biases_0``, ``weights_1`` ... and, where there are,
        ``gains_0``, ``offsets_0``, ``slopes_0``, ``scales_1`` ... as ``record: [curves, weights]`` leaves one for each
        cell in ``results/NAME/weights/``.
    cell : str, default ""
        The id, or how it begins, of one cell of a results folder, as ``runs.csv`` has it, from which every seed then
        starts; without, each seed starts from the cell of its own seed. A config is read with the cell's ``.npz`` in
        place of folder and cell.
    layers : int, default 0
        How many layers to take over; 0 takes those that have the same shape, from the first on until one has not.

    Raises
    ------
    ParameterError
        When the file holds no such arrays, or a layer that was asked for has another shape.

    Notes
    -----
    One cell or file trained on rows that are validation rows of other seeds, so the validation accuracy of those seeds
    is flattered; test accuracy is not, as no seed trains on test rows.

    References
    ----------
    Yosinski, Clune, Bengio & Lipson (2014), "How transferable are features in deep neural networks?", arXiv:1411.1792.
    """
    theirs = _read(Path(file), network.trained)
    taken = 0
    for ours, trained in zip(network.trained, theirs, strict=False):
        shared = ours.keys() & trained.keys()
        if any(ours[kind].shape != trained[kind].shape for kind in shared):
            break
        for kind in shared:
            ours[kind][:] = trained[kind]
        taken += 1
        if taken == layers:
            break
    if taken < max(1, layers):
        raise ParameterError(
            f"{file}: {taken} of its {len(theirs)} layers fit, from the first on; its weights have the shapes "
            f"{_shapes(theirs)}, this network's {_shapes(network.trained)}"
        )
    for layer in range(taken, len(network.weights)):
        weights = network.weights[layer]
        shape = (weights.shape[0], weights.shape[1])
        weights[:] = draw_normal(shape, network.rng(layer), variance=2 / fans(shape)[0])


def _shapes(layers: list[dict[str, Array]]) -> str:
    shown = ["x".join(map(str, numbers["weights"].shape)) for numbers in layers]
    return ", ".join(shown if len(shown) <= 6 else [*shown[:3], "...", *shown[-2:]])


def _read(path: Path, ours: list[dict[str, Array]]) -> list[dict[str, Array]]:
    """The layers of a file: of each, its weights and whatever else a layer of ours trains under the same name."""
    kinds = {kind for layer in ours for kind in layer}

    def wanted(names: Collection[str]) -> list[str]:
        count = sum(kind == "weights" for kind, _ in map(_split, names))
        lacking = [name for i in range(count) if (name := f"weights_{i}") not in names]
        if lacking:
            raise DataError(f"it lacks {lacking[0]}")
        return [name for name in names if (found := _split(name))[0] in kinds and found[1] < count]

    try:
        arrays = read_arrays(path, wanted)
    except DataError as error:
        raise ParameterError(f"{path}: no file of trained weights: {str(error).removeprefix(f'{path}: ')}") from None
    layers: dict[int, dict[str, Array]] = {}
    for name, values in arrays.items():
        kind, layer = _split(name)
        layers.setdefault(layer, {})[kind] = values
    if not layers or not all(_is_right(kind, values) for layer in layers.values() for kind, values in layer.items()):
        raise ParameterError(f"{path}: no file of trained weights: it must hold finite real weights_0, biases_0 ...")
    return [layers[i] for i in range(len(layers))]


def _split(name: str) -> tuple[str, int]:
    """What an array of a file is, and of which layer: ``("gains", 2)`` for ``"gains_2"``."""
    kind, _, layer = name.rpartition("_")
    return (kind, int(layer)) if layer.isdecimal() and len(layer) < MOST_DIGITS else ("", 0)


def _is_right(kind: str, values: Array) -> bool:
    is_matrix = values.ndim == 2 or kind != "weights"
    return values.dtype.kind == "f" and is_matrix and bool(np.isfinite(values).all())

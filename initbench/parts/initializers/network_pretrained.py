"""Transfer learning: start where another network ended."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from initbench.contracts import Array, Network
from initbench.errors import ParameterError
from initbench.parts.initializers.draws import draw_normal, fans
from initbench.registry import network_initializer


@network_initializer(
    "pretrained",
    family="data-driven",
    formula="weights and biases of the first layers as another network had them in the end; N(0, 2 / fan_in) beyond",
    cites=("yosinski2014",),
)
def pretrained(network: Network, *, file: str, layers: int = 0) -> None:
    """Start the first layers from trained weights, and the others from He's.

    What else a network trains starts anew: normalization's gains and offsets, slopes, scales of residual branches.

    Parameters
    ----------
    network : Network
        Filled in place.
    file : str
        An ``.npz`` with ``weights_0``, ``biases_0``, ``weights_1`` ...; ``record: [curves, weights]`` leaves one for
        each cell in ``results/NAME/weights/``.
    layers : int, default 0
        How many layers to take over; 0 takes those that have the same shape, from the first on until one has not.

    Raises
    ------
    ParameterError
        When the file holds no such arrays, or a layer that was asked for has another shape.

    References
    ----------
    Yosinski, Clune, Bengio & Lipson (2014), "How transferable are features in deep neural networks?", arXiv:1411.1792.
    """
    theirs = _read(Path(file))
    taken = 0
    for weights, biases, (w, b) in zip(network.weights, network.biases, theirs, strict=False):
        if w.shape != weights.shape or b.shape != biases.shape:
            break
        weights[:], biases[:] = w, b
        taken += 1
        if taken == layers:
            break
    if taken < max(1, layers):
        raise ParameterError(
            f"{file}: {taken} of its {len(theirs)} layers have the shapes of this network's, from the first on"
        )
    for layer in range(taken, len(network.weights)):
        weights = network.weights[layer]
        shape = (weights.shape[0], weights.shape[1])
        weights[:] = draw_normal(shape, network.rng(layer), variance=2 / fans(shape)[0])


def _read(path: Path) -> list[tuple[Array, Array]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            count = sum(name.startswith("weights_") for name in arrays)
            found = [(arrays[f"weights_{i}"], arrays[f"biases_{i}"]) for i in range(count)]
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise ParameterError(f"{path}: no file of trained weights: {error}") from None
    if not found or not all(a.dtype.kind == "f" and np.isfinite(a).all() for pair in found for a in pair):
        raise ParameterError(f"{path}: no file of trained weights: it must hold finite real weights_0, biases_0 ...")
    return found

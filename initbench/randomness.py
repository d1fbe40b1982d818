"""Where chance comes from: a stream of random numbers for each seed and purpose."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def stream(seed: int, purpose: str, layer: int = 0) -> np.random.Generator:
    """Make the generator of a seed for one purpose and layer.

    It depends on nothing else: not on what else is trained, nor on the order in which streams are made. So all
    initializers of a seed see the same split and batches, and a layer's draws do not move when the depth changes.

    Parameters
    ----------
    seed : int
        The seed id of the config, at least 0.
    purpose : str
        ``"split"``, ``"batches"``, ``"weights"`` or ``"bias"``.
    layer : int, default 0

    Returns
    -------
    numpy.random.Generator

    Examples
    --------
    >>> stream(0, "weights", 1).random() == stream(0, "weights", 1).random()
    True
    >>> stream(0, "weights", 1).random() == stream(0, "weights", 2).random()
    False
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(crc32(purpose.encode()), layer)))

"""Cosine annealing."""

from __future__ import annotations

from math import cos, pi

from initbench.contracts import Schedule
from initbench.registry import schedule


@schedule(
    "cosine",
    family="schedules",
    formula="(1 + cos(pi (count - 1) / steps)) / 2",
    cites=("loshchilov2017",),
    elsewhere=(("PyTorch", "optim.lr_scheduler.CosineAnnealingLR"), ("Keras", "schedules.CosineDecay")),
)
def cosine() -> Schedule:
    """Lower the learning rate along half a cosine, from its full size at the first step to near 0 at the last.

    Returns
    -------
    Schedule

    References
    ----------
    Loshchilov & Hutter (2017), "SGDR: Stochastic Gradient Descent with Warm Restarts", arXiv:1608.03983, equation 5,
    without restarts.
    """
    return lambda count, steps: (1 + cos(pi * (count - 1) / steps)) / 2

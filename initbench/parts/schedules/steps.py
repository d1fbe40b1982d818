"""Schedules that keep the learning rate, or change it at some steps."""

from __future__ import annotations

from typing import Annotated, Literal

from initbench.contracts import Count, Range, Schedule
from initbench.parts.schedules.cosine import cosine
from initbench.registry import schedule


@schedule("constant", family="schedules", formula="1")
def constant() -> Schedule:
    """The same learning rate at every step.

    Returns
    -------
    Schedule
    """
    return lambda count, steps: 1.0


@schedule(
    "step",
    family="schedules",
    formula="factor^floor((count - 1) / every)",
    elsewhere=(("PyTorch", "optim.lr_scheduler.StepLR"), ("Keras", "schedules.ExponentialDecay(staircase=True)")),
    trial={"every": 3},
)
def step(*, every: Count, factor: Annotated[float, Range(low=0, high=1, open_low=True)] = 0.1) -> Schedule:
    """Multiply the learning rate by a factor again and again.

    Parameters
    ----------
    every : int
        After so many steps of the optimizer (not epochs).
    factor : float, default 0.1
        What it is multiplied by (dimensionless).

    Returns
    -------
    Schedule
    """
    return lambda count, steps: factor ** ((count - 1) // every)


@schedule(
    "warmup",
    family="schedules",
    formula="count / steps up to step ``steps``, then another schedule",
    cites=("goyal2017",),
    elsewhere=(("PyTorch", "optim.lr_scheduler.LinearLR"), ("Keras", "schedules.CosineDecay(warmup_target=...)")),
    trial={"steps": 3},
)
def warmup(*, steps: Count, then: Literal["constant", "cosine"] = "constant") -> Schedule:
    """Raise the learning rate in a straight line from near 0, then follow another schedule.

    Parameters
    ----------
    steps : int
        In so many steps of the optimizer it reaches the rate of the config.
    then : ``"constant"`` or ``"cosine"``, default ``"constant"``
        What it follows for the remaining steps.

    Returns
    -------
    Schedule

    References
    ----------
    Goyal et al. (2017), "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", arXiv:1706.02677, section 2.2.
    """
    rest = {"constant": constant, "cosine": cosine}[then]()
    return lambda count, total: count / steps if count <= steps else rest(count - steps, max(1, total - steps))

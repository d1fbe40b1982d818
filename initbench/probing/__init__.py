"""Looks at the networks of an experiment before training."""

from initbench.probing.run import Probe, probe, write_figures

__all__ = ["Probe", "probe", "write_figures"]

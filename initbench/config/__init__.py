"""YAML text -> Experiment, or every fault at once with its line and column."""

from initbench.config.experiment import Experiment, Part
from initbench.config.files import bundled, describe_file, describe_files, files_in, find_config
from initbench.config.reader import read_experiment, read_seeds

__all__ = [
    "Experiment",
    "Part",
    "bundled",
    "describe_file",
    "describe_files",
    "files_in",
    "find_config",
    "read_experiment",
    "read_seeds",
]

"""Reads all configs of a command, reports the faults of all of them at once, and what their data were read as."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from initbench.errors import ConfigError, Fault, UsageError

if TYPE_CHECKING:
    from initbench.config import Experiment
    from initbench.training.runner import Progress


def read_all(
    configs: Sequence[str],
    changes: Sequence[str],
    data_dir: Path | None,
    progress: Progress,
    reserve: int | None = None,
) -> list[Experiment]:
    """Read configs by file or bare name, with a reserve of so many seeds for races, and the data that they need.

    Raises
    ------
    ConfigError
        With the faults of all of them.
    UsageError
        When one is not there, or two would write to the same folder.
    """
    from initbench.config import find_config, read_experiment
    from initbench.parts.datasets.places import data_folders

    faults: list[Fault] = []
    others: list[str] = []
    experiments: list[Experiment] = []
    folders = data_folders(data_dir)
    with progress.working(f"reading {', '.join(configs)}"):
        for config in configs:
            try:
                experiments.append(read_experiment(find_config(config), changes, folders, reserve))
            except ConfigError as error:
                faults += [fault for fault in error.faults if fault not in faults]
            except UsageError as error:
                others.append(str(error))
    if faults:
        raise ConfigError(faults, others)
    if others:
        raise UsageError("\n".join(dict.fromkeys(others)))
    names = [experiment.name for experiment in experiments]
    for config, name in zip(configs, names, strict=True):
        alike = [other for other in names if other.lower() == name.lower()]  # one folder on Windows and macOS
        if len(alike) > 1:
            other = next((other for other in alike if other != name), name)
            raise UsageError(f"{config}: another config is named '{other}' too, and would write to the same folder")
    return experiments


def note_if_empty(config: str, experiment: Experiment, changes: Sequence[str]) -> None:
    """Say on stderr that a config holds no key, where that is so."""
    if experiment.is_empty:
        keys = "every key that -s does not set" if changes else "every key"
        click.echo(f"{config}: the file is empty; {keys} is at its default", err=True)


def describe_files(experiments: Sequence[Experiment], folders: tuple[Path, ...]) -> list[str]:
    """What was made of the user's own files that experiments use, a text each."""
    from initbench.parts.datasets.loading import load_dataset
    from initbench.present.datasets import describe_dataset

    found = {}
    for part in (part for experiment in experiments for part in experiment.choices["dataset"]):
        values = dict(part.parameters)
        if "file" in values:
            data = load_dataset(part.name, values, folders)
            found[part] = describe_dataset(
                Path(values["file"]).name,
                rows=len(data.y_train) + len(data.y_test),
                features=data.x_train.shape[1],
                classes=data.classes,
                columns=data.columns,
                notes=data.notes,
            )
    return list(found.values())

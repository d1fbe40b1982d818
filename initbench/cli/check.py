"""``initbench check``."""

from __future__ import annotations

from pathlib import Path

import click

from initbench.cli import options


@click.command(epilog="\b\nExample:\n  initbench check configs/*.yaml\n")
@click.argument("configs", metavar="CONFIG...", nargs=-1, required=True)
@options.changes
@options.data_dir
@options.plugin
def check(configs: tuple[str, ...], changes: tuple[str, ...], data_dir: Path | None, plugins: tuple[str, ...]) -> None:
    """Validate configs; exit 0 when all are fine, 2 with every fault located when one is not."""
    from initbench.config import find_config, read_experiment
    from initbench.data import data_folders
    from initbench.errors import ConfigError, Fault
    from initbench.registry import load_plugin

    for plugin in plugins:
        load_plugin(plugin)
    faults: list[Fault] = []
    for config in configs:
        try:
            experiment = read_experiment(find_config(config), changes, data_folders(data_dir))
        except ConfigError as error:
            faults += error.faults
            continue
        click.echo(f"{config}: fine; {experiment.size} cells")
    if faults:
        raise ConfigError(faults)

"""``initbench cite``."""

from __future__ import annotations

from pathlib import Path

import click

from initbench.cli import options


@click.command(epilog="\b\nExample:\n  initbench cite relu_deep > references.bib\n")
@options.config_argument("config", "CONFIG")
@options.changes
@options.data_dir
@options.plugin
def cite(config: str, changes: tuple[str, ...], data_dir: Path | None, plugins: tuple[str, ...]) -> None:
    """Print BibTeX entries for the parts and data sets that CONFIG uses, and for initbench.

    A comment names each data set that has no entry, such as your own files.
    """
    from initbench.catalogue.explain import bibliography, citations, uncited_data
    from initbench.config import find_config, read_experiment
    from initbench.parts.datasets.places import data_folders
    from initbench.registry import load_plugin

    for plugin in plugins:
        load_plugin(plugin)
    entries = bibliography()
    experiment = read_experiment(find_config(config), changes, data_folders(data_dir))
    for sentence in uncited_data(experiment):
        click.echo(f"% data set {sentence}\n")
    for key in citations(experiment):
        if key in entries:
            click.echo(entries[key] + "\n")
        else:
            click.echo(f"initbench: no BibTeX entry for '{key}', which a plugin cites", err=True)

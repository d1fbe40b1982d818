"""``initbench export``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    epilog="\b\nExamples:\n  initbench export results/depth_sweep\n  initbench export results/depth_sweep -o shared\n"
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to.  [default: PATH/export]",
)
def export(path: Path, output: Path | None) -> None:
    """Write the scores of the results in PATH for autorank, scikit-posthocs and rliable.

    scores.csv has one column per initializer and one row per setting, described in settings.csv; for a single setting
    it has one row per seed. scores.npz has one array per initializer, of shape (seeds, settings).

    autorank and scikit-posthocs take the rows of scores.csv for independent. Settings of one data set are not, as they
    share their seeds: then give them the means over settings of scores.npz, one row per seed.
    """
    from initbench.cli.progress import ProgressBar
    from initbench.results.files import write_export
    from initbench.results.tables import load

    with ProgressBar().working(f"reading {path}"):
        results = load(path)
    if results.caption:
        click.echo(f"initbench: {results.caption}", err=True)
    for file in write_export(results, output or path / "export"):
        click.echo(file)
    if results.scores.has_shared_seeds:
        click.echo(
            "initbench: settings share seeds, so the rows of scores.csv are not independent blocks; for tests that need"
            " them, take the means over settings of scores.npz, one row per seed",
            err=True,
        )

"""``initbench phase``."""

from __future__ import annotations

from pathlib import Path

import click

from initbench.cli import completing, options


@click.command(epilog="\b\nExamples:\n  initbench phase tanh\n  initbench phase relu -o figures --format pdf\n")
@click.argument("activation", shell_complete=completing.activations)
@click.option(
    "-o",
    "--results",
    default="results",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to. [results]",
)
@click.option("--format", "form", type=click.Choice(["png", "svg", "pdf"]), default="png", show_default=True)
@options.plugin
def phase(activation: str, results: Path, form: str, plugins: tuple[str, ...]) -> None:
    """Draw the phase diagram of ACTIVATION and mark the initializers on it."""
    from initbench.catalogue.phase_diagram import diagram
    from initbench.cli.progress import ProgressBar
    from initbench.errors import StoreError
    from initbench.present.figures import save_figure
    from initbench.present.figures.phase import phase_diagram
    from initbench.registry import load_plugin
    from initbench.storage.files import write_aside

    for plugin in plugins:
        load_plugin(plugin)
    with ProgressBar().working(f"computing the phase diagram of {activation}"):
        found = diagram(activation)
    try:
        results.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{results}: cannot be made: {error.strerror}") from error
    file = results / f"phase_{found.name}.{form}"
    with ProgressBar().working("drawing it"), write_aside(file) as partial:
        save_figure(phase_diagram(**found._asdict()), partial)
    click.echo(file)

"""``initbench explain``."""

from __future__ import annotations

import click

from initbench.cli import completing, options
from initbench.cli.wrapping import text_columns


@click.command(
    epilog="\b\nExamples:\n  initbench explain he_normal\n  initbench explain xavier --fan-in 784 --activation tanh\n"
)
@click.argument("name", shell_complete=completing.parts_or_keys)
@click.option(
    "--fan-in", type=click.IntRange(1, 4096), default=256, show_default=True, help="Number of inputs of the layer."
)
@click.option(
    "--fan-out", type=click.IntRange(1, 4096), default=256, show_default=True, help="Number of units of the layer."
)
@click.option(
    "--activation",
    default="relu",
    show_default=True,
    shell_complete=completing.activations,
    help="Activation of the hidden layers.",
)
@options.plugin
def explain(name: str, fan_in: int, fan_out: int, activation: str, plugins: tuple[str, ...]) -> None:
    """Describe a part: formula, parameters, source, aliases, and its effect on a layer."""
    from initbench.catalogue.explain import explain_part
    from initbench.registry import load_plugin

    for plugin in plugins:
        load_plugin(plugin)
    click.echo(explain_part(name, fan_in, fan_out, activation, text_columns()))

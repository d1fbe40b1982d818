"""``initbench theory``."""

from __future__ import annotations

import json

import click

from initbench.cli import completing, options


@click.command(
    epilog="\b\nExamples:\n  initbench theory tanh --sigma-w2 2.25 --sigma-b2 0.04\n"
    "  initbench theory relu --format json\n"
)
@click.argument("activation", shell_complete=completing.activations)
@click.option("--sigma-w2", type=float, help="fan_in × variance of the weights.  [default: the critical point, or 1]")
@click.option("--sigma-b2", type=float, default=0.0, show_default=True, help="Variance of the biases.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.plugin
def theory(activation: str, sigma_w2: float | None, sigma_b2: float, form: str, plugins: tuple[str, ...]) -> None:
    """Predict signals and gradients in a deep, wide network of ACTIVATION (mean-field theory)."""
    from initbench.registry import load_plugin
    from initbench.theory.outlook import outlook, outlook_record, outlook_text

    for plugin in plugins:
        load_plugin(plugin)
    found = outlook(activation, sigma_w2, sigma_b2)
    if form == "json":
        click.echo(json.dumps(outlook_record(found), indent=2, ensure_ascii=False))
    else:
        click.echo(outlook_text(found))

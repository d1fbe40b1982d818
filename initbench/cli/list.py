"""``initbench list``."""

from __future__ import annotations

import json

import click

from initbench.cli import options

KINDS = {
    "initializers": "initializer",
    "activations": "activation",
    "optimizers": "optimizer",
    "datasets": "dataset",
}


@click.command("list", epilog="\b\nExample:\n  initbench list initializers\n")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.plugin
def list_parts(kind: str, form: str, plugins: tuple[str, ...]) -> None:
    """List the names that a config can use, with a line about each."""
    from initbench.registry import entries, load_plugin

    for plugin in plugins:
        load_plugin(plugin)
    found = entries(KINDS[kind])
    if form == "json":
        rows = [
            {
                "name": entry.name,
                "family": entry.about.family,
                "summary": entry.summary,
                "formula": entry.about.formula,
                "aliases": list(entry.about.aliases),
                "parameters": {p.name: None if p.is_required else p.default for p in entry.parameters.values()},
            }
            for entry in found
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    widest = max(len(entry.name) for entry in found)
    families = sorted({entry.about.family for entry in found})
    for family in families:
        if len(families) > 1:
            click.secho(f"{family}:", bold=True)
        for entry in found:
            if entry.about.family == family:
                click.echo(f"{entry.name:<{widest}}  {entry.summary}")

"""``initbench schema``."""

from __future__ import annotations

import click

from initbench.cli import options


@click.command(epilog="\b\nExample:\n  initbench schema > initbench.schema.json\n")
@options.plugin
def schema(plugins: tuple[str, ...]) -> None:
    """Print the JSON Schema (draft-07) of configs, for editors.

    Editors with YAML support use it to check and complete a config that begins with this line:

    # yaml-language-server: $schema=initbench.schema.json
    """
    import json

    from initbench.config.schema import config_schema
    from initbench.registry import load_plugin

    for plugin in plugins:
        load_plugin(plugin)
    click.echo(json.dumps(config_schema(), indent=2, ensure_ascii=False))

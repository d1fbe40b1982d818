"""``initbench list``."""

from __future__ import annotations

import json
from typing import Any

import click

from initbench.cli import options
from initbench.cli.wrapping import list_names
from initbench.conventions import FOLDERS

KINDS = {folder: kind for kind, folder in FOLDERS.items()}
FAMILIES = {"configs": "experiments", "papers": "from papers", "replicate": "replications"}  # by folder
EPILOG = """\b
Examples:
  initbench list configs
  initbench list initializers --format json
"""


@click.command("list", epilog=EPILOG)
@click.argument("kind", type=click.Choice([*KINDS, "configs", "claims"]))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.plugin
def list_parts(kind: str, form: str, plugins: tuple[str, ...]) -> None:
    """List the names that a config can use, or the bundled configs and claims, with a line about each."""
    from initbench.registry import load_plugin

    for plugin in plugins:
        load_plugin(plugin)
    found = _configs() if kind == "configs" else _claims() if kind == "claims" else _parts(KINDS[kind])
    if form == "json":
        found.sort(key=lambda row: row["name"])
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        click.echo(describe_rows(found))


def describe_rows(rows: list[dict[str, Any]]) -> str:
    """Names and summaries, under their families where there are several."""
    families = dict.fromkeys(row["family"] for row in rows)
    blocks = []
    for family in families:
        if len(families) > 1:
            blocks.append(click.style(f"{family}:", bold=True))
        blocks.append(list_names({row["name"]: row["summary"] for row in rows if row["family"] == family}))
    return "\n".join(blocks)


def _parts(kind: str) -> list[dict[str, Any]]:
    from initbench.registry import entries

    return [
        {
            "name": entry.name,
            "family": entry.about.family,
            "summary": entry.summary,
            "formula": entry.about.formula,
            "aliases": list(entry.about.aliases),
            "parameters": {p.name: None if p.is_required else p.default for p in entry.parameters.values()},
        }
        for entry in sorted(entries(kind), key=lambda entry: (entry.about.family, entry.name))
    ]


def _configs() -> list[dict[str, Any]]:
    from initbench.config import bundled, describe_file

    return [
        {"name": name, "family": FAMILIES[file.parent.name], "summary": describe_file(file), "file": str(file)}
        for name, file in bundled().items()
    ]


def _claims() -> list[dict[str, Any]]:
    from initbench.claims.read import GROUPS
    from initbench.cli.claims import read_claims

    return [
        {"name": c.name, "family": c.group, "summary": c.sentence, "suite": c.suite, "source": c.source}
        for c in sorted(read_claims((), "full", None), key=lambda claim: GROUPS.index(claim.group))
    ]

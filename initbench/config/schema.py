"""Configs as JSON Schema, for editors that complete and check while one types.

It refuses nothing that the reader takes; the reader knows more, and has the last word.
"""

from __future__ import annotations

from typing import Any

import yaml

from initbench.config.keys import FILE_DATASETS, KEYS, ROLES, one_or_many, tuned
from initbench.registry import FOLDERS, entries


def config_schema() -> dict[str, Any]:
    """The schema of a config file, draft-07."""
    properties = {}
    for key in KEYS.values():
        schema = one_or_many(key.read.schema) if key.sweeps else key.read.schema
        if key.tunes:
            schema = {"anyOf": [*schema["anyOf"], tuned(key.read.schema)]}
        properties[key.name] = {"description": key.doc, "default": yaml.safe_load(key.default), **schema}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "initbench config",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "definitions": {kind: _part(kind) for kind in FOLDERS},
    }


def _part(kind: str) -> dict[str, Any]:
    """A name, ``{name: {parameter: value}}`` or ``{name: NAME, parameter: value}``; other spellings are no fault."""
    known: dict[str, Any] = {}
    for entry in entries(kind):
        parameters = {
            p.name: {} if p.is_required else {"default": list(p.default) if isinstance(p.default, tuple) else p.default}
            for p in entry.parameters.values()
        }
        known[entry.name] = {
            "description": entry.summary,
            "properties": parameters,
            "additionalProperties": False,
        }
    mapping = {name: schema | {"type": ["object", "null"]} for name, schema in known.items()}
    if kind == "initializer":
        mapping |= {role: {"$ref": "#/definitions/initializer"} for role in ROLES}
    if kind == "dataset":
        mapping |= {name: {"description": mapping[name]["description"]} for name in FILE_DATASETS}
    return {
        "anyOf": [
            {"enum": list(known)},
            {"type": "string"},
            {"type": "object", "properties": {"name": {"type": "string"}, **mapping}, "minProperties": 1},
        ]
    }

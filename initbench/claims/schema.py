"""A claim's file as JSON Schema, for editors."""

from __future__ import annotations

from typing import Any

from initbench.claims.read import GROUPS, OURS, REQUIRED, RULES, SUITES, metric_names
from initbench.config.keys import COUNT_OF_SEEDS
from initbench.config.schema import config_schema


def claim_schema() -> dict[str, Any]:
    """The schema of a claim's file, draft-07."""
    config = config_schema()
    network = {
        "type": "object",
        "properties": {name: schema for name, schema in config["properties"].items() if name not in OURS},
        "additionalProperties": False,
    }
    line: dict[str, Any] = {"type": "string"}
    return {
        "$schema": config["$schema"],
        "title": "initbench claim",
        "type": "object",
        "properties": {
            **dict.fromkeys(("claim", "source", "instead", "note"), line),
            "group": {"enum": list(GROUPS)},
            "suite": {"enum": list(SUITES), "default": "full"},
            "network": network,
            "arms": {"type": "object", "minProperties": 1, "additionalProperties": network},
            "seeds": COUNT_OF_SEEDS.schema,
            "metric": {"anyOf": [{"enum": metric_names()}, {"type": "object", "minProperties": 1}]},
            "expect": {
                "type": "object",
                "properties": {word: {} for rule, others in RULES.items() for word in (rule, *others)},
                "additionalProperties": False,
                "anyOf": [{"required": [rule]} for rule in RULES],
            },
        },
        "required": list(REQUIRED),
        "additionalProperties": False,
        "definitions": config["definitions"],
    }

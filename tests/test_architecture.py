"""Imports point one way: each room may import the rooms that its row names."""

import ast
from pathlib import Path

import initbench

PACKAGE = Path(initbench.__file__).parent
GROUND = {"contracts", "errors", "registry", "streams", "surroundings", "theory"}
MAY_IMPORT = {
    "contracts": set(),
    "errors": set(),
    "registry": {"contracts", "errors", "parts"},
    "streams": set(),
    "surroundings": {"errors"},
    "theory": {"contracts", "errors"},
    "parts": GROUND,
    "drawing": GROUND,
    "conformance": {"start", "engine", *GROUND},
    "explaining": {"conformance", "config", *GROUND},
    "phases": {"explaining", *GROUND},
    "config": {"parts", *GROUND},
    "data": {"parts", *GROUND},
    "plan": {"config", *GROUND},
    "engine": {"contracts", "errors"},
    "store": {"plan", *GROUND},
    "freshness": {"store", "plan", "config", *GROUND},
    "start": {"plan", "engine", *GROUND},
    "stacks": {"start", "store", "plan", "engine", "data", *GROUND},
    "estimate": {"stacks", "plan", "engine", *GROUND},
    "workers": {"stacks", "store", "plan", "data", *GROUND},
    "runner": {"freshness", "workers", "stacks", "store", "plan", "config", "data", *GROUND},
    "race": {"runner", "store", "plan", "config", "analysis", *GROUND},
    "analysis": {"errors"},
    "present": {"errors", "surroundings"},
    "comparing": {"parts", "analysis", "present", *GROUND},
    "probing": {
        "freshness",
        "runner",
        "store",
        "start",
        "plan",
        "engine",
        "config",
        "data",
        "analysis",
        "present",
        *GROUND,
    },
    "results": {"freshness", "race", "runner", "store", "plan", "config", "data", "analysis", "present", *GROUND},
    "evidence": {"results", "probing", "runner", "store", "plan", "config", "analysis", "present", *GROUND},
    "cli": {
        "freshness",
        "comparing",
        "evidence",
        "parts",
        "conformance",
        "explaining",
        "phases",
        "probing",
        "results",
        "race",
        "runner",
        "workers",
        "estimate",
        "store",
        "plan",
        "config",
        "data",
        "analysis",
        "present",
        "drawing",
        *GROUND,
    },
    "__init__": {"comparing", "drawing", "results"},
    "__main__": {"cli", "surroundings"},
}


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rooms_imported(source):
    """Rooms that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [
                node.module,
                *(f"{node.module}.{alias.name}" for alias in node.names if node.module == "initbench"),
            ]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("initbench.")}
    return found


def turned_back(files):
    """Imports that point the wrong way, as text, of ``{path: source}``."""
    return [
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path, source in files.items()
        for other in sorted(rooms_imported(source) - MAY_IMPORT[room_of(path)] - {room_of(path)})
    ]


def test_imports_point_one_way():
    assert turned_back({path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}) == []


def test_the_check_catches_an_engine_that_reads_the_store():
    planted = {PACKAGE / "engine" / "train.py": "def f():\n    from initbench.store import Store\n"}
    assert turned_back(planted) == ["engine/train.py imports store"]


def test_every_room_is_described():
    readme = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rooms = {room_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__", "__main__", "drawing"}
    assert {room for room in rooms if f"`{room}" not in readme} == set()

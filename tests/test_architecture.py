"""Imports point one way: each room may import the rooms that its row names. A name of a class means one thing."""

import ast
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import initbench

PACKAGE = Path(initbench.__file__).parent
GROUND = {"contracts", "conventions", "errors", "process", "randomness", "registry", "theory"}
PLANNED = {"plan", "config", "parts", *GROUND}
TRAINED = {"training", "storage", "networks", "engine", "analysis", *PLANNED}
MAY_IMPORT = {
    "contracts": set(),
    "conventions": set(),
    "errors": set(),
    "randomness": set(),
    "process": {"errors"},
    "registry": {"contracts", "conventions", "errors"},
    "theory": {"contracts", "errors", "registry"},
    "engine": {"contracts", "errors"},
    "networks": {"engine", *GROUND},
    "parts": {"engine", *GROUND},
    "config": {"networks", "engine", "parts", *GROUND},
    "plan": {"config", "networks", "engine", *GROUND},
    "storage": PLANNED,
    "training": TRAINED - {"training"},
    "analysis": {"conventions", "errors"},
    "present": {"conventions", "errors", "process"},
    "results": {"present", *TRAINED} - {"engine"},
    "probing": {"results", "present", *TRAINED},
    "claims": {"probing", "results", "present", *TRAINED} - {"engine"},
    "catalogue": {"probing", *TRAINED},
    "api": {"results", *TRAINED} - {"engine"},
    "cli": {"api", "catalogue", "claims", "probing", "results", "present", *TRAINED} - {"engine"},
    "__init__": {"api", "catalogue", "results"},
    "__main__": {"cli", "process"},
}
BY_NAME = {"registry": {"parts"}}  # loaded when a part is asked for, by the name of its folder


def sources():
    """Each file of the package and its text."""
    return {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rooms_imported(path, source):
    """Rooms that a file imports, anywhere in it: by a statement, by name, or as an attribute of the package."""
    nodes = list(ast.walk(ast.parse(source)))
    names, bound = [], set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            above = ["initbench", *path.relative_to(PACKAGE).parts[:-1]]
            start = above[: len(above) + 1 - node.level] if node.level else []
            module = ".".join([*start, *filter(None, [node.module])])
            names += [module, *(f"{module}.{alias.name}" for alias in node.names if module == "initbench")]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
            bound |= {alias.asname or "initbench" for alias in node.names if alias.name.split(".")[0] == "initbench"}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in bound:
            names += [f"initbench.{node.attr}"] if node.attr in MAY_IMPORT else []
        elif isinstance(node, ast.Call) and node.args and called(node) in ("import_module", "__import__"):
            names.append(beginning(node.args[0]))
    rooms = {name.split(".")[1] for name in names if name.startswith("initbench.")}
    return rooms - BY_NAME.get(room_of(path), set()) - {""}


def called(node):
    """The last word of what is called."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def beginning(node):
    """The text that an expression begins with, as far as it stands in the source."""
    first = node.values[0] if isinstance(node, ast.JoinedStr) else node
    return str(first.value) if isinstance(first, ast.Constant) else ""


def turned_back(files):
    """Imports that point the wrong way, as text, of ``{path: source}``."""
    return [
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path, source in files.items()
        for other in sorted(rooms_imported(path, source) - MAY_IMPORT[room_of(path)] - {room_of(path)})
    ]


def doubled(files):
    """Names of classes, and of aliases of types, that mean several things, with their files, of ``{path: source}``."""
    meanings = {}
    for path, source in files.items():
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                meanings.setdefault(node.name, []).append((path, f"{path}:{node.lineno}"))
        for node in tree.body:
            if not isinstance(node, ast.Assign | ast.AnnAssign):
                continue
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            name = getattr(target, "id", "")
            if name[:1].isupper() and not name.isupper() and node.value is not None:
                meanings.setdefault(name, []).append((path, ast.unparse(node.value)))  # one definition may stand twice
    return {
        name: sorted(str(path.relative_to(PACKAGE)) for path, _ in found)
        for name, found in meanings.items()
        if len({meaning for _, meaning in found}) > 1
    }


def test_imports_point_one_way():
    assert turned_back(sources()) == []


def test_no_way_leads_back():
    assert set(TopologicalSorter(MAY_IMPORT).static_order()) == MAY_IMPORT.keys()


def test_the_check_catches_an_engine_that_reads_the_store_and_a_config_that_knows_claims():
    planted = {
        PACKAGE / "engine" / "train.py": "def f():\n    from initbench.storage.store import Store\n",
        PACKAGE / "config" / "files.py": "from initbench import claims\n",
        PACKAGE / "training" / "race.py": "import initbench.results.tables\n",
        PACKAGE / "engine" / "blocks" / "dense.py": "from ...storage import store\n",
        PACKAGE / "engine" / "losses.py": "from .. import parts\nfrom . import blocks\n",
        PACKAGE
        / "theory"
        / "outlook.py": 'from importlib import import_module\nimport_module("initbench.storage.store")\n',
        PACKAGE / "theory" / "__init__.py": "import importlib\nimportlib.import_module(f'initbench.plan{name}')\n",
        PACKAGE / "errors.py": "import initbench\ninitbench.storage.store.Store\n",
        PACKAGE / "process.py": "import initbench as package\npackage.cli.main()\n",
    }
    assert turned_back(planted) == [
        "engine/train.py imports storage",
        "config/files.py imports claims",
        "training/race.py imports results",
        "engine/blocks/dense.py imports storage",
        "engine/losses.py imports parts",
        "theory/outlook.py imports storage",
        "theory/__init__.py imports plan",
        "errors.py imports storage",
        "process.py imports cli",
    ]


def test_a_name_of_a_class_means_one_thing():
    assert doubled(sources()) == {}


def test_the_check_catches_a_second_cell():
    planted = {PACKAGE / "plan.py": "class Cell:\n    pass\n", PACKAGE / "cli" / "run.py": "Cell = tuple[int, int]\n"}
    assert doubled(planted) == {"Cell": ["cli/run.py", "plan.py"]}
    plan = PACKAGE / "plan.py"
    assert doubled({plan: "class Cell:\n    pass\nclass Cell:\n    pass\n"}) == {"Cell": ["plan.py", "plan.py"]}
    hidden = {plan: "class Cell:\n    pass\n", PACKAGE / "api.py": "def run():\n    class Cell:\n        pass\n"}
    assert doubled(hidden) == {"Cell": ["api.py", "plan.py"]}
    annotated = {plan: "class Cell:\n    pass\n", PACKAGE / "api.py": "Cell: TypeAlias = tuple[int, int]\n"}
    assert doubled(annotated) == {"Cell": ["api.py", "plan.py"]}
    same = dict.fromkeys((PACKAGE / "plan.py", PACKAGE / "api.py"), "Floats = tuple[float, ...]\n")
    assert doubled(same) == {}


def test_every_room_is_described():
    rooms = {room_of(path) for path in sources()} - {"__init__", "__main__"}
    for page in ("CONTRIBUTING.md", "docs/architecture.md"):
        text = (PACKAGE.parent / page).read_text(encoding="utf-8")
        assert {room for room in rooms if f"`{room}" not in text} == set(), page


def code_lines(source):
    """The lines of code of a file, without docstrings, imports, comments and blank lines: ``(number, text)``."""
    tree, left_out = ast.parse(source), set()
    for node in ast.walk(tree):
        is_text = (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
        if is_text or isinstance(node, ast.Import | ast.ImportFrom):
            left_out |= set(range(node.lineno, node.end_lineno + 1))
    lines = ((number, " ".join(line.split())) for number, line in enumerate(source.splitlines(), 1))
    return [(number, line) for number, line in lines if line and line[0] != "#" and number not in left_out]


def repeated(files, run=12):
    """Runs of so many equal lines of code that stand twice, as text, of ``{path: source}``."""
    places = {}
    for path, source in files.items():
        lines = code_lines(source)
        for begin in range(len(lines) - run + 1):
            text = tuple(line for _, line in lines[begin : begin + run])
            places.setdefault(text, []).append(f"{path.relative_to(PACKAGE)}:{lines[begin][0]}")
    return [" and ".join(found) for found in places.values() if len(found) > 1]


def long_functions(files, most=60):
    """Functions of more lines than that, without their docstring, as text, of ``{path: source}``."""
    found = []
    for path, source in files.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[0]
                text = first.end_lineno - first.lineno + 1 if ast.get_docstring(node, clean=False) else 0
                if node.end_lineno - node.lineno + 1 - text > most:
                    found.append(f"{path.relative_to(PACKAGE)}: {node.name}")
    return found


def test_no_run_of_twelve_lines_stands_twice():
    files = sources()
    assert repeated(files) == []
    path = PACKAGE / "plan.py"
    assert repeated({path: files[path], PACKAGE / "copy.py": files[path]})


def test_no_function_is_longer_than_sixty_lines():
    assert long_functions(sources()) == []
    body = "\n".join(f"    x = {i}" for i in range(60))
    assert long_functions({PACKAGE / "plan.py": f'def long():\n    """Text."""\n{body}\n'}) == ["plan.py: long"]
    assert long_functions({PACKAGE / "plan.py": f"async def slow():\n{body}\n"}) == ["plan.py: slow"]
    assert long_functions({PACKAGE / "plan.py": f"def short():\n{body[:-7]}\n"}) == []


def shared_names(files):
    """Names that several test files have; pytest collects only one of these."""
    return {name for name, count in Counter(file.name for file in files).items() if count > 1}


def test_no_two_test_files_share_a_name():
    assert not shared_names(Path(__file__).parent.rglob("test_*.py"))
    assert shared_names([Path("a/test_b.py"), Path("c/test_b.py"), Path("c/test_d.py")]) == {"test_b.py"}

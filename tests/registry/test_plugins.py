"""Parts from outside: by which code they count, and what is said of code that fails."""

import os
import subprocess
import sys

import pytest

HEAD = "from initbench.registry import initializer, find\n"
PART = "@initializer('theirs')\ndef theirs(shape, rng):\n    'Theirs.'\n    return SCALE * rng.normal(size=shape)\n"
SHOW = "print(repr(registry.find('initializer', 'theirs').fingerprint))"


def python(folder, code, code_wanted=0):
    """What code prints in a new process whose modules lie in ``folder``, and what it complains of."""
    done = subprocess.run(
        [sys.executable, *code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code_wanted, done.stderr
    return done.stdout + done.stderr


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def package(folder, module="theirs.parts"):
    """An installed package with an entry point."""
    write(
        folder,
        {
            "their_package-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n",
            "their_package-1.0.dist-info/entry_points.txt": f"[initbench.parts]\nall_of_them = {module}\n",
        },
    )


def plugin(*names):
    loads = "".join(f"registry.load_plugin('{name}'); " for name in names)
    return ["-c", f"from initbench import registry; {loads}{SHOW}"]


FROM_HELPER = HEAD + "from helper import SCALE\n" + PART
WRAPPED = """import functools
def twice(function):
    @functools.wraps(function)
    def wrapper(*arguments, **parameters):
        return 2 * function(*arguments, **parameters)
    return wrapper
"""
ARRIVALS = {  # files, the command, and which file must count
    "plugin": ({"imp.py": HEAD + "SCALE = 1\n" + PART}, plugin("imp.py"), "imp.py"),
    "module": ({"imp.py": FROM_HELPER, "helper.py": "SCALE = 1\n"}, plugin("imp.py"), "helper.py"),
    "module of a module": (
        {"imp.py": FROM_HELPER, "helper.py": "from other import SCALE\n", "other.py": "SCALE = 1\n"},
        plugin("imp.py"),
        "other.py",
    ),
    "module that another plugin imported": (
        {"imp.py": FROM_HELPER, "helper.py": "SCALE = 1\n", "first.py": "import helper\n"},
        plugin("first.py", "imp.py"),
        "helper.py",
    ),
    "module imported when it draws": (
        {"imp.py": HEAD + PART.replace("return", "from helper import SCALE; return"), "helper.py": "SCALE = 1\n"},
        plugin("imp.py"),
        "helper.py",
    ),
    "module imported by text": (
        {
            "imp.py": HEAD + "import importlib\nSCALE = importlib.import_module('helper').SCALE\n" + PART,
            "helper.py": "SCALE = 1\n",
        },
        plugin("imp.py"),
        "helper.py",
    ),
    "namespace package": (
        {"imp.py": FROM_HELPER.replace("helper", "folder.helper"), "folder/helper.py": "SCALE = 1\n"},
        plugin("imp.py"),
        "folder/helper.py",
    ),
    "wrapped function": (
        {
            "wraps.py": WRAPPED,
            "imp.py": HEAD + "from wraps import twice\nSCALE = 1\n" + PART.replace("def", "@twice\ndef"),
        },
        plugin("imp.py"),
        "imp.py",
    ),
    "our function": (
        {"imp.py": HEAD + "initializer('theirs')(find('initializer', 'he_normal').function)\n"},
        plugin("imp.py"),
        "imp.py",
    ),
    "script": (
        {
            "wraps.py": WRAPPED,
            "script.py": HEAD
            + "from initbench import registry\nfrom wraps import twice\nSCALE = 1\n"
            + PART.replace("def", "@twice\ndef")
            + SHOW,
        },
        ["script.py"],
        "script.py",
    ),
}


@pytest.mark.parametrize("name", ARRIVALS)
def test_a_part_counts_by_its_file_and_by_what_it_imports(name, tmp_path):
    files, command, counting = ARRIVALS[name]
    write(tmp_path, {"unrelated.py": "", **files})
    before = python(tmp_path, command)
    write(tmp_path, {"unrelated.py": "# changed"})
    assert before == python(tmp_path, command) != "''\n"
    with (tmp_path / counting).open("a") as file:
        file.write("\n# changed\n")
    assert before != python(tmp_path, command)


@pytest.mark.parametrize("place", ["", "site-packages"], ids=["beside", "installed"])
def test_a_part_of_a_package_counts_by_all_of_it_and_not_by_other_packages(place, tmp_path):
    folder = tmp_path / place
    package(folder)
    write(
        folder,
        {
            "theirs/__init__.py": "",
            "theirs/core.py": "SCALE = 1\n",
            "theirs/parts.py": HEAD + "import others\nfrom .core import SCALE\n" + PART,
            "others/__init__.py": "",
        },
    )
    found = [python(folder, plugin())]
    for name in ("theirs/core.py", "others/__init__.py"):
        write(folder, {name: "SCALE = 3\n"})
        found.append(python(folder, plugin()))
    assert found[0] != found[1]
    assert (found[1] == found[2]) == bool(place)
    ours = "from initbench import registry; print({e.fingerprint for k in registry.FOLDERS for e in registry.entries(k)"
    assert python(folder, ["-c", f"{ours} if e.name != 'theirs'}})"]) == "{''}\n"


def test_our_function_under_a_users_name_is_the_users_part(tmp_path):
    again = "registry.initializer('theirs')(registry.find('initializer', 'he_normal').function); "
    assert python(tmp_path, ["-c", f"from initbench import registry; {again}{SHOW}"]) != "''\n"


def test_a_part_whose_code_nobody_can_read_counts_as_new(tmp_path):
    command = ["-c", "from initbench import registry\nSCALE = 1\n" + HEAD + PART + SHOW]
    assert python(tmp_path, command) != python(tmp_path, command)


@pytest.mark.parametrize(
    ("code", "said"),
    [("raise RuntimeError('boom')", "RuntimeError: boom"), ("import sys; sys.exit(3)", "SystemExit: 3")],
)
def test_code_that_fails_is_named(code, said, tmp_path):
    write(tmp_path, {"bad.py": code})
    text = python(tmp_path, ["-m", "initbench", "list", "initializers", "--plugin", "bad.py"], 2)
    assert text == f"initbench: --plugin bad.py: {said}\n"
    package(tmp_path, "bad")
    text = python(tmp_path, ["-m", "initbench", "list", "initializers"], 2)
    assert text == (
        "initbench: the installed package 'their-package' fails to bring its parts along, by the entry point "
        f"'all_of_them = bad': {said}; fix it, or: pip uninstall their-package\n"
    )

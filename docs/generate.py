"""Write pages of docs/ from the commands, keys and parts themselves: python docs/generate.py."""

from pathlib import Path

import click

from initbench.catalogue.explain import activation_table, bias_table, initializer_table
from initbench.cli import main
from initbench.config.keys import KEYS
from initbench.registry import entries

DOCS = Path(__file__).parent
NOTE = "<!-- Made by docs/generate.py; change the code, then run it again. -->\n\n"


def commands_page() -> str:
    """Every command's help text."""
    parts = ["# Commands\n\n", NOTE, section("initbench", main)]
    for name, command in sorted(main.commands.items()):
        parts.append(section(f"initbench {name}", command))
        if isinstance(command, click.Group):
            parts += [section(f"initbench {name} {n}", c) for n, c in sorted(command.commands.items())]
    return "".join(parts)


def section(title: str, command: click.Command) -> str:
    """One command's help text as Markdown."""
    context = click.Context(command, info_name=title, terminal_width=100, help_option_names=["-h", "--help"])
    return f"## {title}\n\n```text\n{command.get_help(context)}\n```\n\n"


def config_page() -> str:
    """Every key of a config."""
    lines = [
        "# Config\n\n",
        NOTE,
        "A config is flat YAML. A key marked • also takes a list of values; the experiment is the product of all\n"
        "lists × seeds. A part with parameters is written `{normal: {std: 0.01}}` or `{name: normal, std: 0.01}`.\n"
        "A key marked ◦ can be [tuned](tuning.md) for each initializer: `learning_rate: {tune: [0.01, 0.1]}`.\n"
        "Relative paths of data files are looked for in `--data-dir`, in the current folder and beside the config.\n"
        "Numbers are decimal: `0100`, `1:30` and `1_000`, which YAML 1.1 reads as 64, 90 and 1000, are refused.\n"
        "Names and other texts are taken as they are written, with or without quotes: `010`, `no`, `1e3`.\n\n",
        "| key | meaning | default |\n| --- | --- | --- |\n",
    ]
    for key in KEYS.values():
        mark = (" •" if key.sweeps else "") + (" ◦" if key.tunes else "")
        default = {"null": "none", "''": "none"}.get(key.default, f"`{key.default}`")
        default = "`null`" if key.name == "clip_norm" else default
        lines.append(f"| `{key.name}`{mark} | {key.doc} | {default} |\n")
    return "".join(lines)


def initializers_page() -> str:
    """Every initializer, bias and activation, with its formula, source and counterparts."""
    count = sum(not entry.fingerprint for entry in entries("initializer"))
    intro = (
        f"The {count} initializers of initbench, one name each, and what other libraries call them, then the\n"
        "[initial biases](#initial-biases) and the [activations](#activations). A dash means that a library lacks it.\n"
        "`initbench explain NAME` prints more: parameters, aliases, effect on a layer.\n\n"
        "Names of other libraries work too, in any spelling: `xavier_uniform_`, `HeNormal`, `kaiming`. Libraries mean\n"
        "different things by one name, so a name with its module is refused; `initbench explain\n"
        "keras.initializers.HeNormal` names the nearest part and the difference.\n\n"
        "In Python, `initbench.initializer(NAME)` is a function of shape and generator that returns the weights. An\n"
        "initializer that also sets the biases, such as `torch_linear`, returns weights and biases. One that looks at\n"
        "a whole network gets a network of this one layer, with standard normal rows.\n\n"
        "W is a matrix of shape (fan_in, fan_out); N(m, v) has variance v; U(±a) is uniform.\n\n"
        "The column of laws shows what a part states of one weight (or bias) of a hidden ReLU layer of 256 × 128, or\n"
        "of the whole layer. `initbench check NAME` and the tests compare its draws with that.\n\n"
    )
    factors = (
        "Var W = c / fan_in holds the variance of signals on their way forward with c = c2 = 1 / E[φ²], that of\n"
        "gradients on their way back with c = c1 = 1 / E[φ′²], both over z ~ N(0, 1); torch² is the square\n"
        "of PyTorch's `calculate_gain`. At the critical sigma_w² neither fades or grows in a deep network with zero\n"
        "biases.\n\n"
    )
    tables = [initializer_table(), "## Initial biases\n\n" + bias_table()]
    tables.append("## Activations\n\n" + factors + activation_table())
    return "# Initializers\n\n" + NOTE + intro + "\n".join(tables)


PAGES = {"commands.md": commands_page, "config.md": config_page, "initializers.md": initializers_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")

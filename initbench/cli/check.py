"""``initbench check``."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import click

from initbench.cli import completing, options


@click.command(
    epilog="\b\nExamples:\n  initbench check configs/*.yaml\n  initbench check my_init --plugin my_init.py\n"
)
@options.config_argument("configs", "CONFIG|PART...", nargs=-1, complete=completing.configs_or_parts)
@options.changes
@options.data_dir
@options.plugin
def check(configs: tuple[str, ...], changes: tuple[str, ...], data_dir: Path | None, plugins: tuple[str, ...]) -> None:
    """Validate configs, or check registered parts against the rules for their kind.

    Prints every fault with its line and column, and exits with 2 if there are any. Nothing is trained or written. Of
    a part that passes, prints each check and what it found.
    """
    from initbench.catalogue.laws import check_laws, remarks, why_unchecked
    from initbench.cli.progress import ProgressBar, count_cells
    from initbench.cli.reading import describe_files, note_if_empty, read_all
    from initbench.config import bundled
    from initbench.errors import ConfigError, UsageError, nearest
    from initbench.parts.datasets.places import data_folders
    from initbench.registry import FOLDERS, load_plugin, lookup_any, names

    for plugin in plugins:
        load_plugin(plugin)
    is_broken = False
    files = []
    for name in configs:
        entry = None if os.path.exists(name) or name in bundled() else lookup_any(name)
        if entry is None:
            files.append(name)
            continue
        reason = why_unchecked(entry)
        if reason:
            click.echo(f"{entry.name}: not checked; {reason}")
            continue
        findings = check_laws(entry)
        broken = [str(finding) for finding in findings if not finding.holds]
        is_broken |= bool(broken)
        count = f"{len(broken)} check{'s' if len(broken) > 1 else ''}"
        click.echo(f"{entry.name}: " + (f"fails {count} of its kind" if broken else "passes every check of its kind"))
        for line in broken or [*map(str, findings), *remarks(entry)]:
            click.echo(textwrap.indent(line, "  "))
    wrong = []
    for name in files:
        try:
            (experiment,) = read_all([name], changes, data_dir, ProgressBar())
        except UsageError as error:
            if not isinstance(error, ConfigError) and name == Path(name).stem:
                parts = {part for kind in FOLDERS for part in names(kind)}
                close = nearest(name, [*bundled(), *sorted(parts)])
                known = f"nearest part: {close}; all names: initbench list KIND"
                what = f"no config or part '{name}'; {known}" if close in parts else str(error)
                error = UsageError(f"{what}; a part of your own needs --plugin FILE.py")
            wrong.append(error)
            continue
        note_if_empty(name, experiment, changes)
        click.echo(f"{name}: {'empty' if experiment.is_empty else 'fine'}; {count_cells(experiment)}")
        for text in describe_files([experiment], data_folders(data_dir)):
            click.echo(textwrap.indent(text, "  "))
    if wrong:
        faults = [fault for error in wrong if isinstance(error, ConfigError) for fault in error.faults]
        others = [str(error) for error in wrong if not isinstance(error, ConfigError)]
        raise ConfigError(dict.fromkeys(faults), dict.fromkeys(others))
    if is_broken:
        click.get_current_context().exit(2)

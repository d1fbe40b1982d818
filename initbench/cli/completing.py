"""What the shell offers for an argument when the user presses the tab key."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from initbench.errors import InitbenchError

if TYPE_CHECKING:
    from initbench.config.files import FileKind

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
Offer = Callable[[str], Iterable[CompletionItem]]
SUFFIXES = (".yaml", ".yml")


def _completer(offer: Offer) -> Complete:
    """Offer what begins with the word on the command line, and nothing where that cannot be found out."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            return [item for item in offer(incomplete) if item.value.startswith(incomplete)]
        except (InitbenchError, OSError):
            return []

    return complete


def _files(incomplete: str, suffixes: tuple[str, ...]) -> Iterable[CompletionItem]:
    for path in sorted(glob.glob(f"{glob.escape(incomplete)}*")):
        if os.path.isdir(path):
            yield CompletionItem(f"{path}{os.sep}")
        elif path.endswith(suffixes):
            yield CompletionItem(path)


def _configs(incomplete: str) -> Iterable[CompletionItem]:
    from initbench.config.files import CONFIG

    return _bundled(CONFIG, incomplete)


def _claims(incomplete: str) -> Iterable[CompletionItem]:
    from initbench.claims.read import CLAIM

    return _bundled(CLAIM, incomplete)


def _bundled(kind: FileKind, incomplete: str) -> Iterable[CompletionItem]:
    from initbench.config import bundled, describe_file

    for name, file in bundled(kind).items():
        if name.startswith(incomplete):
            yield CompletionItem(name, help=describe_file(file, kind))


def _parts(kinds: Iterable[str]) -> Iterable[CompletionItem]:
    from initbench.registry import entries

    for kind in kinds:
        for entry in entries(kind):
            yield CompletionItem(entry.name, help=entry.summary)


def _parts_or_keys(incomplete: str) -> Iterable[CompletionItem]:
    from initbench.config.keys import KEYS

    keys = {key.name: CompletionItem(key.name, help=key.doc) for key in KEYS.values()}
    return (keys | {item.value: item for item in _all_parts(incomplete)}).values()


def _all_parts(incomplete: str) -> Iterable[CompletionItem]:
    from initbench.registry import FOLDERS

    found = {item.value: item for item in _parts(FOLDERS)}  # a name of several kinds comes once
    return found.values()


def _keys(incomplete: str) -> Iterable[CompletionItem]:
    from initbench.config.keys import KEYS

    return [CompletionItem(f"{key.name}=", help=key.doc) for key in KEYS.values()]


def _data_sets(incomplete: str) -> Iterable[CompletionItem]:
    from initbench.parts.datasets.facts import FACTS
    from initbench.registry import names

    return [CompletionItem(name, help=FACTS[name].origin) for name in names("dataset") if name in FACTS]


configs = _completer(lambda incomplete: [*_configs(incomplete), *_files(incomplete, SUFFIXES)])
configs_or_parts = _completer(
    lambda incomplete: [*_configs(incomplete), *_all_parts(incomplete), *_files(incomplete, SUFFIXES)]
)
configs_or_files = _completer(lambda incomplete: [*_configs(incomplete), *_files(incomplete, ("",))])
claims = _completer(lambda incomplete: [*_claims(incomplete), *_files(incomplete, SUFFIXES)])
parts_or_keys = _completer(_parts_or_keys)
activations = _completer(lambda incomplete: _parts(["activation"]))
keys = _completer(_keys)
data_sets = _completer(_data_sets)
plugins = _completer(lambda incomplete: _files(incomplete, (".py",)))

"""How figures are shared out over files, and what these are called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

import pandas as pd

from initbench.present.labels import show

MOST_SINGLE = 6  # settings that get a figure each; more of them share pages of panels
MOST_BYTES = 120  # of a file's name; file systems take 255, but folders and archives add to it
T = TypeVar("T")


def pages(stem: str, panels: dict[str, T], most: int) -> list[tuple[str, dict[str, T]]]:
    """Panels in even groups that fit one figure, each with its file's name; a lone page has no number."""
    names = list(panels)
    size = max(1, -(-len(names) // -(-len(names) // most)) if names else 1)
    groups = [{name: panels[name] for name in names[i : i + size]} for i in range(0, len(names), size)]
    return [(f"{stem}-{i}" if len(groups) > 1 else stem, group) for i, group in enumerate(groups, start=1)]


def file_part(table: pd.DataFrame, keys: Sequence[str]) -> str:
    """``-depth=5-learning_rate=0.1``, from a table in which the keys are constant."""
    return "".join(f"-{key}={show(table[key].iloc[0])}" for key in keys)


def file_names(stems: list[str]) -> list[str]:
    """The stems as names that every file system takes and keeps apart."""
    plain = [re.sub(r"[^\w.=-]+", "_", stem) for stem in stems]
    alike = Counter(name.casefold() for name in plain)  # macOS and Windows take a and A for the same
    return [
        name
        if alike[name.casefold()] == 1 and len(name.encode()) <= MOST_BYTES
        else f"{name.encode()[: MOST_BYTES - 9].decode(errors='ignore')}-{sha256(stem.encode()).hexdigest()[:8]}"
        for name, stem in zip(plain, stems, strict=True)
    ]

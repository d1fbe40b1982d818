"""Tables on the pages of the documentation."""

from __future__ import annotations

from pathlib import Path


def put(page: Path, begin: str, text: str, end: str) -> None:
    """Put a text between two marks of a page, in place of what stands there."""
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n{text}{end}{after}", encoding="utf-8")

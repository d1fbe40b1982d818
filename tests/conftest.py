"""What every test starts from."""

import pytest

from initbench import registry


@pytest.fixture(autouse=True)
def forgetful_registry(monkeypatch):
    """Takes parts and plugins that a test registers out of the registry again."""
    for kind in registry.FOLDERS:
        registry.names(kind)  # our own parts are there before anything is put aside
        for table in (registry._entries, registry._spellings):
            monkeypatch.setitem(table, kind, dict(table[kind]))
    monkeypatch.setattr(registry, "_plugins", dict(registry._plugins))

"""Commands as a user types them, in a folder of their own."""

import pytest
from click.testing import CliRunner

from initbench.cli import main


@pytest.fixture
def invoke(request, tmp_path, monkeypatch):
    """Runs a command beside the ``FILES`` of the test's module, all of whose commands begin with its ``COMMAND``."""
    monkeypatch.chdir(tmp_path)
    for name, text in getattr(request.module, "FILES", {}).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    begin = getattr(request.module, "COMMAND", ())

    def run_command(*arguments, code=0):
        result = CliRunner().invoke(main, [*begin, *map(str, arguments)])
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    return run_command

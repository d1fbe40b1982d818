"""The command, with worker processes also for work that one process soon does."""

import sys

CODE = "import initbench.training.runner as r; r.START_SECONDS = -1.0; from initbench.__main__ import main; main()"
COMMAND = [sys.executable, "-c", CODE]

"""The learning rate schedules that a config may name, one a file."""

from initbench.parts import import_all

import_all(__name__, __path__)

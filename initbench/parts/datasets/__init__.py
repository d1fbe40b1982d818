"""The datasets that a config may name; one part, or one family of relatives, a file."""

from initbench.parts import import_all

import_all(__name__, __path__)

"""The fixed ranges of the tutorials, by the short names that comparisons give them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from initbench.contracts import Array, Generator, Shape
from initbench.parts.initializers import stated
from initbench.parts.initializers.fixed_scale import normal, uniform
from initbench.registry import initializer

UNIFORM = {"u01": (0.0, 1.0), "u11": (-1.0, 1.0), "u03": (-0.3, 0.3), "u05": (-0.5, 0.5)}
NORMAL = {"n01": 1.0, "n001": 0.01}


def _register(
    name: str,
    formula: str,
    same_as: str,
    elsewhere: dict[str, str],
    draw: Callable[[Shape, Generator], Array],
    distribution: Callable[[int, int], Any],
) -> None:
    note = "Its mean of 1/2 drives all units alike, by about fan_in / 2 times the mean input." if name == "u01" else ""

    def fixed(shape: Shape, rng: Generator) -> Array:
        return draw(shape, rng)

    fixed.__doc__ = f"A range that tutorials try, the same for every layer: {formula}; short for {same_as}."
    about: dict[str, Any] = {"elsewhere": tuple(elsewhere.items()), "note": note, "distribution": distribution}
    initializer(name, family="fixed scale", formula=formula, **about)(fixed)


def _between(low: float, high: float) -> Callable[[int, int], Any]:
    return lambda fan_in, fan_out: stated.between(low, high)


def _gaussian(std: float) -> Callable[[int, int], Any]:
    return lambda fan_in, fan_out: stated.normal(std**2)


def _uniform(low: float, high: float) -> Callable[[Shape, Generator], Array]:
    return lambda shape, rng: uniform(shape, rng, low=low, high=high)


def _normal(std: float) -> Callable[[Shape, Generator], Array]:
    return lambda shape, rng: normal(shape, rng, std=std)


for _name, (_low, _high) in UNIFORM.items():
    _same = f"{{uniform: {{low: {_low:g}, high: {_high:g}}}}}"
    _elsewhere = {"Keras": f"RandomUniform({_low:g}, {_high:g})", "PyTorch": f"uniform_(a={_low:g}, b={_high:g})"}
    _register(_name, f"U({_low:g}, {_high:g})", _same, _elsewhere, _uniform(_low, _high), _between(_low, _high))
for _name, _std in NORMAL.items():
    _elsewhere = {
        "Keras": f"RandomNormal(0, {_std:g})",
        "PyTorch": f"normal_(std={_std:g})",
        "JAX": f"normal({_std:g})",
    }
    _register(_name, f"N(0, {_std:g}²)", f"{{normal: {{std: {_std:g}}}}}", _elsewhere, _normal(_std), _gaussian(_std))

"""Fixup and residual scaling inside of residual branches."""

import numpy as np
import pytest

from initbench.contracts import Layer
from initbench.registry import find

SHAPE = (400, 300)


def drawn(name, **place):
    return find("initializer", name).function(SHAPE, np.random.default_rng(0), layer=Layer(1, 9, **place))


@pytest.mark.parametrize("branches", [4, 9])
def test_fixup_scales_the_first_layer_of_a_branch_and_clears_its_end(branches):
    first = drawn("fixup", branches=branches, branch_place=1, branch_length=2)
    assert first.var() == pytest.approx(2 / SHAPE[0] / branches, rel=0.01)  # L^(-1/2) of the deviation for m = 2
    assert not drawn("fixup", branches=branches, branch_place=2, branch_length=2).any()
    assert not find("initializer", "fixup").function(SHAPE, np.random.default_rng(0), layer=Layer(8, 9)).any()
    assert drawn("fixup").var() == pytest.approx(2 / SHAPE[0], rel=0.01)


def test_residual_scaling_divides_the_end_of_a_branch():
    assert drawn("residual_scaled", branches=5, branch_place=2, branch_length=2).var() == pytest.approx(
        2 / SHAPE[0] / 5, rel=0.01
    )
    assert drawn("residual_scaled", branches=5, branch_place=1, branch_length=2).var() == pytest.approx(
        2 / SHAPE[0], rel=0.01
    )

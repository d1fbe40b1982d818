"""``initbench theory`` and ``initbench phase``, as a user types them."""

from __future__ import annotations

import json
import math
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import initbench
from initbench.catalogue import phase_diagram
from initbench.catalogue.phase_diagram import diagram
from initbench.registry import find, names
from initbench.theory import critical_point, regime
from initbench.theory.outlook import ROUNDING, WIDTH, outlook, outlook_record, outlook_text


def lines_of(text):
    """Each line of the text by its symbol."""
    return {line.split()[0]: " ".join(line.split()[1:]) for line in text.splitlines() if line.strip()}


def test_theory_tells_every_number_with_what_it_means(invoke):
    text = invoke("theory", "tanh", "--sigma-w2", 2.25, "--sigma-b2", 0.04).stdout
    assert text.startswith("tanh, sigma_w² = 2.25, sigma_b² = 0.04: chaotic\n")
    lines = lines_of(text)
    assert {"q*", "V′(q*)", "xi_q", "chi", "xi_grad", "c*", "chi_1(c*)", "xi_c", "V(q)", "C(c)", "critical"} <= set(
        lines
    )
    assert lines["q*"].startswith("0.8709 the variance that preactivations settle at")
    assert lines["xi_c"].startswith("14.54 layers in which a deviation from c* shrinks to 1/e: a network deeper")
    assert max(map(len, text.splitlines())) <= WIDTH


def test_the_same_numbers_come_as_json(invoke):
    found = json.loads(invoke("theory", "tanh", "--sigma-w2", 2.25, "--sigma-b2", 0.04, "--format", "json").stdout)
    assert found["phase"] == "chaotic"
    assert found["q"] == pytest.approx(0.8709, abs=1e-4)
    assert found["xi_grad"] == pytest.approx(1 / math.log(found["chi"]))
    assert found["xi_c"] == pytest.approx(-1 / math.log(found["correlation_slope"]))
    assert found["critical"]["sigma_w2"] == pytest.approx(1.3041**2, rel=1e-4)
    assert (found["infinite"], found["any"], found["warnings"]) == ([], [], [])


def test_what_is_infinite_or_arbitrary_is_null_and_named(invoke):
    found = json.loads(invoke("theory", "relu", "--sigma-w2", 3, "--format", "json").stdout)
    assert found["q"] is found["xi_q"] is found["xi_c"] is None
    assert (found["infinite"], found["any"]) == (["q", "xi_q", "xi_c"], [])
    found = json.loads(invoke("theory", "linear", "--format", "json").stdout)
    assert found["q"] is found["c"] is found["critical"]["q"] is None
    assert found["any"] == ["q", "c"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("relu",), {"q*": "any signals keep whatever variance", "c*": "1 signals of any two inputs become alike"}),
        (
            ("relu", "--sigma-w2", 1),
            {"q*": "0 signals fade: a layer multiplies their variance by 0.5", "C(c)": "every q"},
        ),
        (
            ("relu", "--sigma-w2", 3),
            {"q*": "infinite signals grow without end: a layer multiplies their variance by 1.5"},
        ),
        (("relu", "--sigma-w2", 2, "--sigma-b2", 0.1), {"q*": "grow without end: more slowly than exponentially"}),
        (
            ("relu", "--sigma-w2", 2, "--sigma-b2", 0.1),
            {
                "relu": "sigma_b² = 0.1: critical",
                "critical": "at sigma_b² = 0.1, chi = 1 for sigma_w² = 2 (q* = infinite, V′(q*) = 1)",
                "beware": "on the critical line signals grow without end, but more slowly than exponentially",
            },
        ),
        (
            ("linear", "--sigma-w2", 1, "--sigma-b2", 0.1),
            {
                "c*": "1 signals of any two inputs become alike",
                "xi_c": "infinite inputs become alike, but not exponentially fast",
            },
        ),
        (("tanh",), {"q*": "0 signals fade: more slowly than exponentially", "xi_grad": "infinite gradients neither"}),
        (
            ("linear",),
            {"q*": "any", "c*": "any each pair of inputs keeps a correlation of its own", "xi_c": "infinite"},
        ),
        (("sigmoid", "--sigma-w2", 1), {"xi_grad": "0.3463 layers", "xi_c": "cannot tell inputs apart"}),
        (("gelu",), {"critical": "none", "beware": "gelu has no stable critical point without biases"}),
        (("silu", "--sigma-b2", 0.04), {"beware": "the critical point is unstable"}),
        (("mish", "--sigma-w2", 2.2), {"beware": "is an unstable fixed point: signals that start below it shrink"}),
        (("softplus",), {"beware": "softplus has no critical point here"}),
    ],
)
def test_cases_without_a_number_are_told_in_words(arguments, said, invoke):
    text = invoke("theory", *arguments).stdout
    joined = re.sub(r"\n {2,}", " ", text)
    for symbol, words in said.items():
        assert any(line.startswith(symbol) and words in " ".join(line.split()) for line in joined.splitlines()), text


def test_without_a_variance_it_is_the_stable_critical_point_or_one():
    for name in names("activation"):
        found = outlook(name)
        point = critical_point(find("activation", name).function())
        assert found.sigma_w2 == (point.sigma_w**2 if point else 1)
        assert abs(found.regime.chi - 1) < 1e-6 or not point
    assert outlook("gelu", sigma_b2=0.04).sigma_w2 == 1


@pytest.mark.parametrize("name", ["linear", "relu", "leaky_relu", "prelu", "tanh", "gelu", "softplus"])
@pytest.mark.usefixtures("no_draws")
def test_the_outlook_and_the_diagram_have_one_critical_line(name):
    line = diagram(name).critical
    for sigma_b2 in (0.1, 0.5):
        found = outlook(name, sigma_b2=sigma_b2)
        if line.empty:
            assert found.critical is outlook_record(found)["critical"] is None
            continue
        sigma_w2 = np.interp(sigma_b2, line["sigma_b2"], line["sigma_w2"])
        assert found.critical.sigma_w**2 == pytest.approx(sigma_w2, rel=1e-3)
        if found.critical.slope <= 1 + ROUNDING:
            assert found.sigma_w2 == found.critical.sigma_w**2
            assert found.regime.phase == "critical"
        assert "none" not in outlook_text(found)


@pytest.mark.parametrize("name", names("activation"))
@pytest.mark.parametrize(("sigma_w2", "sigma_b2"), [(1e-6, 0.0), (1.0, 0.04), (2.0, 0.0), (3.0, 0.5), (1e6, 1e6)])
def test_there_is_an_outlook_for_every_activation_everywhere(name, sigma_w2, sigma_b2):
    found = outlook(name, sigma_w2, sigma_b2)
    assert "nan" not in outlook_text(found)
    assert "NaN" not in json.dumps(outlook_record(found), allow_nan=False)


def test_an_alias_and_a_plugin_are_known_and_another_name_gets_the_nearest(invoke, tmp_path):
    assert invoke("theory", "Swish").stdout.startswith("silu, ")
    (tmp_path / "mine.py").write_text(
        "import numpy as np\nfrom initbench.contracts import Activation\nfrom initbench.registry import activation\n\n"
        '@activation("sine_of_mine")\ndef sine_of_mine():\n    """Sine."""\n'
        "    return Activation(lambda z, out: np.sin(z, out=out), lambda z, value, out: np.cos(z, out=out))\n"
    )
    text = invoke("theory", "sine_of_mine", "--plugin", "mine.py").stdout
    assert text.startswith("sine_of_mine, sigma_w² = 1, sigma_b² = 0: critical")
    for command in ("theory", "phase"):
        assert "unknown activation 'tahn'; nearest name: tanh" in invoke(command, "tahn", code=2).stderr


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "1e9"])
def test_a_variance_that_is_none_is_wrong_usage(value, invoke):
    told = invoke("theory", "tanh", "--sigma-w2", value, code=2).stderr
    assert "sigma_w2 is" in told
    assert "must be above 0 and at most 1e+06" in told
    assert "sigma_b2 is -1 and must be at least 0" in invoke("theory", "tanh", "--sigma-b2", "-1", code=2).stderr
    invoke("theory", "tanh", "--sigma-w2", "wide", code=2)


# The phase diagram


@pytest.fixture
def no_draws(monkeypatch):
    """Initializers are few and need not be drawn."""
    few = pd.DataFrame({"sigma_w2": [1.0, 2.0, 9.0], "sigma_b2": 0.0, "names": [["one"], ["two", "too"], ["nine"]]})
    monkeypatch.setattr(phase_diagram, "_places", lambda activation: (few, {"they are left out": ["zero"]}))


@pytest.fixture(scope="module")
def tanh_diagram():
    return diagram("tanh")


def off_theory(found, chi):
    """How far a grid of chi is from the regime at some of its points, relatively."""
    phi = find("activation", found.name).function()
    points = [(i, j) for i in range(0, len(found.sigma_b2), 24) for j in range(20, len(found.sigma_w2), 44)]
    said = [regime(phi, found.sigma_w2[j] ** 0.5, found.sigma_b2[i] ** 0.5).chi for i, j in points]
    return max(abs(chi[point] / wanted - 1) for point, wanted in zip(points, said, strict=True))


@pytest.mark.parametrize("name", ["tanh", "relu", "gelu", "softplus", "sigmoid"])
@pytest.mark.usefixtures("no_draws")
def test_the_diagram_has_the_chi_of_the_theory(name):
    found = diagram(name)
    assert off_theory(found, found.chi) < 1e-3
    assert off_theory(found, np.roll(found.chi, 1, axis=1)) > 1e-3


def test_the_critical_line_of_the_diagram_is_made_of_critical_points(tanh_diagram):
    tanh = find("activation", "tanh").function()
    line = tanh_diagram.critical
    for sigma_b2 in (0.04, 0.3):
        sigma_w2 = np.interp(sigma_b2, line["sigma_b2"], line["sigma_w2"])
        assert sigma_w2 == pytest.approx(critical_point(tanh, sigma_b2**0.5).sigma_w ** 2, rel=1e-3)
    assert line["is_stable"].all()


@pytest.mark.usefixtures("no_draws")
def test_lines_of_smooth_rectifiers_are_unstable_below_and_softplus_has_none():
    gelu = diagram("gelu").critical
    unstable, stable = (gelu[gelu["is_stable"] == is_stable]["sigma_b2"] for is_stable in (False, True))
    assert unstable.max() == pytest.approx(0.1729, abs=0.005)  # where both chi and V' are 1
    assert stable.min() == pytest.approx(0.1729, abs=0.005)
    assert diagram("softplus").critical.empty


def place_of(found, initializer):
    (row,) = [row for row in found.marks.itertuples() if initializer in row.names]
    return row.sigma_w2, row.sigma_b2


def test_initializers_stand_where_their_formula_puts_them(tanh_diagram):
    for initializer, wanted in {
        "he_normal": (2, 0),
        "glorot_uniform": (1, 0),
        "orthogonal": (1, 0),
        "torch_linear": (1 / 3, 1 / 3 / 256),
        "mean_field": (1, 0.01),
        "n01": (256, 0),
    }.items():
        assert place_of(tanh_diagram, initializer) == pytest.approx(wanted, rel=5e-3), initializer


def test_every_initializer_has_a_place_or_a_reason_once(tanh_diagram):
    placed = [name for row in tanh_diagram.marks["names"] for name in row]
    left_out = [name for some in tanh_diagram.unmarked.values() for name in some]
    assert sorted(placed + left_out) == names("initializer")
    reasons = {name: reason for reason, some in tanh_diagram.unmarked.items() for name in some}
    assert "mean zero" in reasons["identity"]
    assert "whole network" in reasons["lsuv"]
    place = tanh_diagram.marks[["sigma_w2", "sigma_b2"]].round(3)
    assert not place.duplicated().any()


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
@pytest.mark.usefixtures("no_draws")
def test_phase_writes_the_file_that_it_names_the_same_each_time(form, invoke, monkeypatch):
    monkeypatch.setattr(phase_diagram, "ACROSS", 61)
    monkeypatch.setattr(phase_diagram, "UP", 31)
    assert invoke("phase", "swish", "-o", "a", "--format", form).stdout == f"a/phase_silu.{form}\n"
    invoke("phase", "silu", "--results", "b/c", "--format", form)
    with open(f"a/phase_silu.{form}", "rb") as one, open(f"b/c/phase_silu.{form}", "rb") as other:
        assert one.read() == other.read()


@pytest.mark.usefixtures("no_draws")
def test_phase_says_in_a_line_what_cannot_be_made_or_written(invoke, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "taken" / "phase_relu.png").mkdir(parents=True)
    told = invoke("phase", "relu", "-o", "file/x", code=1).stderr
    assert told == "initbench: file/x: cannot be made: Not a directory\n"
    told = invoke("phase", "relu", "-o", "taken", code=1).stderr
    assert told == "initbench: taken/phase_relu.png: cannot be written: Is a directory; what was there is kept\n"


PAGE = (Path(initbench.__file__).parents[1] / "docs" / "theory.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("no_draws")
def test_the_examples_of_the_page_give_what_it_says(invoke):
    examples = re.findall(r"```console\n\$ initbench (.*?)\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 3
    for command, output in examples:
        assert invoke(*shlex.split(command)).stdout == output

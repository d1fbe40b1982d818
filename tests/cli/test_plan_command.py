"""``initbench plan``, as a user types it."""

import json

SMALL = """\
dataset: digits
depth: 1
width: 8
initializer: [he_normal, zeros]
learning_rate: 0.1
epochs: 2
seeds: 3
train_rows: 200
"""
FILES = {"small.yaml": SMALL}


def test_plan_tells_seeds_in_a_sentence_and_in_every_format(invoke):
    invoke("run", "small.yaml", "-q", "-j", "1", "-s", "initializer=[he_normal, he_uniform, zeros]")
    text = invoke("plan", "results/small", "--detect", "1%").stdout
    assert text.startswith("detecting 1 point between he_")
    assert "with 3 this run could detect" in text
    assert invoke("plan", "results/small", "--detect", "0.01").stdout == text
    assert "power 0.95" in invoke("plan", "results/small", "--power", "0.95").stdout
    for form, sign in {"markdown": "| seeds needed |", "csv": "needed_adjusted_upper", "latex": r"\toprule"}.items():
        assert sign in invoke("plan", "results/small", "--format", form).stdout, form
    rows = json.loads(invoke("plan", "results/small", "--format", "json").stdout)
    assert len(rows) == 3
    assert all(isinstance(row["needed"], int) and row["needed_upper"] >= row["needed"] >= 2 for row in rows)


def test_plan_refuses_what_it_cannot_use(invoke):
    assert "write 0.5% or 0.005" in invoke("plan", "results/small", "--detect", "5", code=2).stderr
    invoke("plan", "results/small", "--power", "2", code=2)
    invoke("plan", "nowhere", code=1)
    invoke("run", "small.yaml", "-q", "-j", "1", "--seeds", "1")
    assert "initbench run CONFIG --seeds 5" in invoke("plan", "results/small", code=2).stderr

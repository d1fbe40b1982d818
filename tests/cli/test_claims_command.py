"""``initbench claims`` as a user types it."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator

from initbench.claims.read import CLAIM
from initbench.claims.schema import claim_schema
from initbench.cli import main
from initbench.config import bundled

MINE = """\
claim: Mine ends above zeros on my table.
source: me
group: table
network: {dataset: {csv: mine.csv, target: left}, depth: 1, width: 8, epochs: 6, batch_size: 16, learning_rate: 0.3}
arms:
  mine: {initializer: halves}
  zeros: {initializer: zeros}
seeds: 8
metric: test_auc
expect: {higher: mine, than: zeros, by: 0.05}
"""
PLUGIN = """\
from initbench.registry import initializer


@initializer("halves")
def halves(shape, rng):
    \"\"\"Draw half a unit.\"\"\"
    return rng.normal(0, 0.5, shape)
"""
ROWS = "".join(f"{i % 7},{(i * 5) % 11},{int((i % 7) + (i * 5) % 11 > 8)}\n" for i in range(240))
COMMAND, FILES = ("claims",), {"mine.yaml": MINE, "halves.py": PLUGIN, "mine.csv": f"a,b,left\n{ROWS}"}


def test_a_claim_of_ones_own_on_a_table_and_an_initializer_of_ones_own(invoke, tmp_path):
    told = invoke("run", "mine.yaml", "--plugin", "halves.py", "-j", 1)
    assert "Supported: test_auc of mine less that of zeros is" in told.stdout
    table = pd.read_csv(tmp_path / "results" / "claims" / "claims.csv")
    assert table[["claim", "verdict", "seeds", "planned"]].to_numpy().tolist() == [["mine", "supported", 8, "planned"]]
    repeated = invoke("run", "mine.yaml", "--plugin", "halves.py", "-j", 1, "--seeds", "100:", "--format", "json")
    assert json.loads(repeated.stdout)[0]["seeds"] == 8
    report = CliRunner().invoke(main, ["report", "results"])
    assert report.exit_code == 0, report.output
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    assert "Mine ends above zeros on my table." in page
    assert "1 claims" not in page


def test_faults_of_several_claims_are_told_at_once_and_nothing_is_run(invoke, tmp_path):
    (tmp_path / "other.yaml").write_text(MINE.replace("higher", "hihger"), encoding="utf-8")
    told = invoke("run", "mine.yaml", "other.yaml", code=2).stderr  # without the plugin
    assert "mine.yaml:6:23: unknown initializer 'halves'" in told
    assert "other.yaml:10:9: " in told
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "zeros_fial_on_relu"), "nearest bundled claim: zeros_fail_on_relu"),
        (
            ("run", "mine.yaml", "--plugin", "halves.py", "--seeds", "9:5"),
            "seeds is 9:5 and must be FROM:TO",
        ),
        (
            ("run", "mine.yaml", "--plugin", "halves.py", "--seeds", "many"),
            "--seeds many: seeds is many",
        ),
        (("show", "nothing_like_it"), "no claim 'nothing_like_it'"),
        (("run", "mine.yaml", "mine.yaml", "--plugin", "halves.py"), "another claim is named 'mine'"),
    ],
)
def test_wrong_usage_is_told_and_ends_with_2(invoke, arguments, words):
    assert words in invoke(*arguments, code=2).stderr


def test_list_and_show_know_the_collection(invoke):
    told = invoke("list", "--suite", "quick").stdout
    assert "moments:" in told
    assert "(full)" not in told
    name = next(iter(bundled(CLAIM)))
    assert invoke("show", name).stdout.startswith("claim: ")


def test_every_claim_of_the_collection_fits_the_schema(invoke):
    import yaml

    schema = json.loads(invoke("schema").stdout)
    assert schema == json.loads(json.dumps(claim_schema()))
    Draft7Validator.check_schema(schema)
    valid = Draft7Validator(schema)
    for file in bundled(CLAIM).values():
        assert not list(valid.iter_errors(yaml.safe_load(file.read_text(encoding="utf-8")))), file
    broken = yaml.safe_load(MINE) | {"group": "tables"}
    assert list(valid.iter_errors(broken))
    assert list(valid.iter_errors(yaml.safe_load(MINE.replace("arms", "arm"))))

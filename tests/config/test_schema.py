"""The schema that editors check with: it takes what the reader takes, and sees the commonest slips."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

import initbench
from initbench.cli import main
from initbench.config.keys import KEYS
from initbench.config.schema import config_schema

CONFIGS = sorted((Path(initbench.__file__).parents[1] / "configs").rglob("*.yaml"))


@pytest.fixture(scope="module")
def validator():
    schema = config_schema()
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def faults(validator, text):
    return [error.json_path for error in validator.iter_errors(yaml.safe_load(text))]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_bundled_config_is_valid(validator, path):
    assert faults(validator, path.read_text(encoding="utf-8")) == []


def test_a_new_config_and_every_default_are_valid(validator):
    text = CliRunner().invoke(main, ["new"]).output
    assert faults(validator, text) == []
    for key in KEYS.values():
        assert faults(validator, f"{key.name}: {key.default}") == [], key.name


@pytest.mark.parametrize(
    "text",
    [
        "initializer: [xavier_uniform_, {name: normal, std: 0.01}]",
        "initializer: {first: he_normal, hidden: {orthogonal: {gain: 2}}}",
        "dataset: {csv: churn.csv, target: Exited, drop: [RowNumber]}",
        "hidden: [[8, 4], [16]]",
        "seeds: [3, 5]",
        "record: curves",
        "clip_norm: [null, 1]",
        "train_rows: [all, 100]",
        "learning_rate: {tune: [0.01, 0.1]}",
        "clip_norm: {tune: [null, 1], seeds: 5}",
    ],
)
def test_every_way_of_writing_is_valid(validator, text):
    assert faults(validator, text) == []


@pytest.mark.parametrize(
    "text",
    [
        *("initialiser: zeros", "depth: -1", "epochs: [1, 2]", "scaling: standart", "initializer: {normal: {sdt: 1}}"),
        *("width: {tune: [4]}", "width: {tune: [4, 0]}", "width: {tune: [4, 5], seeds: 0}", "scaling: {tune: [unit]}"),
        "width: {tunes: [4, 5]}",
    ],
)
def test_common_slips_are_seen(validator, text):
    assert faults(validator, text) != []


def test_the_command_prints_the_schema():
    assert json.loads(CliRunner().invoke(main, ["schema"]).output) == json.loads(json.dumps(config_schema()))

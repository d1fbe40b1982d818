"""What explain, cite and list tell."""

import json

import pytest
from click.testing import CliRunner

from initbench.cli import main
from initbench.config import find_config, read_experiment
from initbench.explaining import bibliography
from initbench.registry import entries, find, lookup, plain

PARTS = [entry for kind in ("initializer", "activation") for entry in entries(kind)]


def invoke(*arguments, code=0):
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result.stdout + result.stderr


@pytest.mark.parametrize("entry", PARTS, ids=lambda entry: entry.name)
def test_every_part_is_explained_with_formula_source_and_family(entry):
    text = invoke("explain", entry.name)
    assert text.startswith(f"{entry.name}: {entry.kind}, {entry.about.family}")
    assert entry.about.family != "other"
    assert "formula      " in text
    assert entry.about.cites or entry.about.family in ("fixed scale", "library defaults", "bounded", "linear"), (
        entry.name
    )


def test_the_receipt_tells_scale_and_verdict():
    text = invoke("explain", "kaiming_normal_", "--fan-in", 400, "--fan-out", 300)
    assert "'kaiming_normal_' is another name for it" in text
    assert "a hidden layer of 400 × 300 behind relu, as drawn" in text
    assert "mean field: critical" in text
    assert "mean field: critical" in invoke("explain", "he_normal", "--fan-in", 8, "--fan-out", 8)
    assert "unknown activation 'nosuch'" in invoke("explain", "he_normal", "--activation", "nosuch", code=2)
    assert "mean field: ordered" in invoke("explain", "glorot_normal")
    assert "all units of a layer are and stay one unit" in invoke("explain", "constant")
    assert "the mean is not zero" in invoke("explain", "positive_unitball")
    assert "nearest name: he_normal" in invoke("explain", "he_norml", code=2)


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("xavier_uniform", "glorot_uniform"),
        ("GlorotUniform", "glorot_uniform"),
        ("kaiming_normal_", "he_normal"),
        ("msra", "he_normal"),
        ("he-uniform", "he_uniform"),
    ],
)
def test_aliases_resolve_to_the_canonical_name(alias, name):
    assert find("initializer", alias).name == name


def test_no_alias_hides_another_part():
    for kind in ("initializer", "activation", "optimizer", "bias"):
        for entry in entries(kind):
            for word in (entry.name, *entry.about.aliases):
                assert lookup(kind, word) is entry, word
                assert plain(word), word


def test_every_citation_is_in_the_bibliography_and_every_entry_is_cited():
    cited = {
        key
        for kind in ("initializer", "bias", "activation", "optimizer")
        for e in entries(kind)
        for key in e.about.cites
    }
    assert cited == set(bibliography())


def test_cite_prints_what_a_config_uses(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("initializer: [he_normal, {hidden: he_normal, last: fixup}]\nactivation: relu\n")
    text = invoke("cite", path)
    assert text.count("{he2015,") == 1
    assert "{zhang2019," in text


def test_list_groups_by_family_and_gives_aliases_as_json():
    text = invoke("list", "initializers")
    assert "variance scaling:\n" in text
    assert "data-driven:\n" in text
    rows = {row["name"]: row for row in json.loads(invoke("list", "initializers", "--format", "json"))}
    assert "xavier_uniform" in rows["glorot_uniform"]["aliases"]
    assert len(rows) >= 45
    assert len(entries("activation")) >= 14


def test_one_config_trains_every_initializer_that_needs_no_file():
    experiment = read_experiment(find_config("all_initializers"))
    needing_none = [e for e in entries("initializer") if not any(p.is_required for p in e.parameters.values())]
    assert {part.name for part in experiment.choices["initializer"]} == {
        e.name for e in needing_none if not e.fingerprint
    }

"""What explain, cite and list tell."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

import initbench
from initbench.catalogue.explain import bibliography, draw_layer, effect, explain_part, linear_gain, stated_law
from initbench.cli import main
from initbench.config import find_config, read_experiment
from initbench.contracts import Activation, Count
from initbench.registry import FOLDERS, About, Entry, architecture, entries, find, lookup, plain

PARTS = [entry for kind in ("initializer", "activation") for entry in entries(kind)]


def invoke(*arguments, code=0):
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result.stdout + result.stderr


@pytest.mark.parametrize("entry", PARTS, ids=lambda entry: entry.name)
def test_every_part_is_explained_with_formula_source_and_family(entry):
    text = invoke("explain", entry.name, "--fan-in", 32, "--fan-out", 32)
    assert text.startswith(f"{entry.name}: {entry.kind}, {entry.about.family}")
    assert entry.about.family != "other"
    assert "formula      " in text
    assert entry.about.cites or entry.about.family in ("fixed scale", "library defaults", "bounded", "linear"), (
        entry.name
    )


def test_the_effect_shows_scale_and_verdict():
    text = invoke("explain", "kaiming_normal_", "--fan-in", 400, "--fan-out", 300)
    assert "'kaiming_normal_' is another name for it" in text
    assert "a hidden layer of 400 × 300 behind relu, as drawn:" in text
    assert "of 360,000" in text
    assert "mean field: critical" in text
    assert "mean field: critical" in invoke("explain", "he_normal", "--fan-in", 8, "--fan-out", 8)
    assert "unknown activation 'nosuch'" in invoke("explain", "he_normal", "--activation", "nosuch", code=2)
    assert "mean field: ordered" in invoke("explain", "glorot_normal")
    assert "all units of a layer are the same and stay so in training" in invoke("explain", "constant")
    told = explained("positive_unitball", "effect")
    assert "the mean is not zero" in told[-2]
    assert not [line for line in told if line.startswith("mean field")]
    assert "nearest name: he_normal" in invoke("explain", "he_norml", code=2)


def explained(name, title, *options):
    """The lines under a title of what is explained."""
    lines = invoke("explain", name, *options).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"{title} "))
    end = next((i for i, line in enumerate(lines) if i > start and line[:1] != " "), len(lines))
    return [line[13:] for line in lines[start:end]]


@pytest.mark.parametrize("fan", [1, 7, 256])
@pytest.mark.parametrize(("name", "std"), [("he_normal", (2 / 1) ** 0.5), ("he_uniform", 2**0.5), ("flax_dense", 1.0)])
def test_moments_and_bounds_are_told_as_they_are(name, std, fan):
    weights, _, is_even = draw_layer(find("initializer", name), fan, fan, "relu")
    assert is_even
    assert weights.std() * fan**0.5 == pytest.approx(std, rel=3e-5)
    assert abs(weights.mean()) < 1e-9
    bound = {"he_uniform": 6**0.5, "flax_dense": 2 / 0.87962566103423978}.get(name)
    assert bound is None or weights.max() * fan**0.5 == pytest.approx(bound, rel=2e-4)
    last = explained(name, "effect", "--fan-in", fan, "--fan-out", fan)[-2]
    assert last.startswith("mean field: ordered;" if name == "flax_dense" else "mean field: critical;")


@pytest.mark.parametrize("scale", [0.95, 1.0, 1.05])
def test_what_draws_otherwise_is_judged_with_the_error_of_its_sample(scale):
    def normal(shape, rng):
        return rng.normal(0, scale * (2 / shape[0]) ** 0.5, shape)

    def masked(shape, rng):
        return scale * find("initializer", "he_normal").function(shape, rng) * 2**0.5 * (rng.random(shape) < 0.5)

    for function in (normal, masked):
        lines = effect(Entry("initializer", "theirs", function, {}, About()), 200, 200, "relu")
        phase = {0.95: "ordered", 1.0: "critical, within sampling error", 1.05: "chaotic"}[scale]
        assert lines[-1].startswith(f"mean field: {phase};")


def test_the_gain_is_the_root_mean_square():
    assert "gain: rms × √fan_in = 0.5774" in explained("u01", "effect", "--fan-in", 1, "--fan-out", 1)


def test_a_name_with_its_library_is_explained_as_the_nearest_and_what_differs():
    text = invoke("explain", "mlx.nn.init.he_normal")
    assert " ".join(text.splitlines()[1:3]) == (
        "('mlx.nn.init.he_normal' is not a name here, and this is the closest part; libraries differ: see "
        "elsewhere and beware)"
    )
    assert "elsewhere    Keras: HeNormal (truncated)" in text
    assert "MLX and neupy have gain" in text
    assert invoke("explain", "torch.nn.ReLU").startswith("relu: activation")
    assert "no part 'foo.bar'" in invoke("explain", "foo.bar", code=2)


def test_relu_is_explained_as_the_activation_that_it_names():
    text = invoke("explain", "relu")
    assert text.startswith("relu: activation, rectifiers\n(as an initializer it is he_normal)\n")


def test_an_activation_is_told_its_gains():
    of_tanh = dict(line.split()[:2] for line in explained("tanh", "gains")[1:])
    assert {name: float(number) for name, number in of_tanh.items()} == pytest.approx(
        {"torch": 5 / 3, "forward": 1.5925, "backward": 1.4673, "geometric": 1.5287, "linear": 1.0}, rel=1e-3
    )
    assert "linear     4 (16)  1/|φ′(0)|" in explained("sigmoid", "gains")
    assert "torch      none  calculate_gain of PyTorch does not know it" in explained("gelu", "gains")


def test_an_architecture_names_the_config_keys_that_it_takes():
    @architecture("bare")
    def bare(rows, outputs, *, units: Count = 3):
        """One layer and another."""

    keys = "depth and width, or hidden; activation; normalization; residual; dropout"
    assert explained("mlp", "config keys") == [keys]
    assert explained("bare", "config keys") == ["none"]
    assert explained("bare", "parameters") == ["units: default 3, at least 1"]


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "prelu", "selu", "squared"])
def test_a_kink_or_a_flat_at_0_has_no_linear_gain(name):
    squared = Activation(lambda z, out: z * z, lambda z, value, out: 2 * z)
    assert linear_gain(squared if name == "squared" else find("activation", name).function()) is None


def test_an_activation_is_told_its_critical_points_or_why_it_has_none():
    assert explained("tanh", "critical") == [
        "sigma_b = 0: sigma_w = 1 (sigma_w² = 1), q* = 0, V′(q*) = 1",
        "sigma_b = 0.2: sigma_w = 1.304 (sigma_w² = 1.701), q* = 0.5121, V′(q*) = 0.5426",
    ]
    assert explained("relu", "critical") == [
        "sigma_b = 0: sigma_w = 1.414 (sigma_w² = 2), q* = any, V′(q*) = 1",
        "sigma_b = 0.2: sigma_w = 1.414 (sigma_w² = 2), q* = infinite, V′(q*) = 1",
    ]
    without, *with_biases = explained("gelu", "critical")
    assert without == "sigma_b = 0: none: chi = 1 only at q = 0, and from there any signal grows"
    assert " ".join(with_biases).endswith("V′(q*) = 1.095, unstable")
    assert explained("softplus", "critical")[0] == "sigma_b = 0: none: no fixed point of the length map has chi = 1"


def test_a_scheme_for_networks_shows_what_it_did_to_each_layer():
    told = explained("lsuv", "effect", "--fan-in", 40, "--fan-out", 30, "--activation", "tanh")
    assert " ".join(told[:2]) == (
        "measured on a tanh network of 40 inputs and two hidden layers of 30 units with biases 0, "
        "on 256 standard normal rows with 10 random classes:"
    )
    assert [line.partition(":")[0] for line in told[2:]] == ["layer 1, 40 × 30", "layer 2, 30 × 30", "layer 3, 30 × 10"]
    assert all(0.95 < float(line.split()[-1]) < 1.05 for line in told[2:])
    assert "biases std" in explained("weight_norm", "effect")[2]
    cut = explained("lsuv", "effect", "--fan-in", 2000, "--fan-out", 300)
    assert cut[0] == "fans are cut to 256 to save time"
    assert cut[3].startswith("layer 1, 256 × 256: ")
    assert "must have an even number" in " ".join(explained("antisymmetric", "effect", "--fan-out", 33))


def test_a_stated_distribution_stands_beside_what_was_drawn(tmp_path):
    (tmp_path / "plain.py").write_text(
        "from scipy import stats\nfrom initbench.registry import initializer\n\n"
        "@initializer('plain_uniform', distribution=lambda fan_in, fan_out, limit: stats.uniform(-limit, 2 * limit))\n"
        "def plain_uniform(shape, rng, *, limit: float = 0.3):\n    'Plain.'\n"
        "    return rng.uniform(-limit, limit, shape)\n"
    )
    done = [sys.executable, "-m", "initbench", "explain", "plain_uniform", "--plugin", "plain.py"]
    text = subprocess.run(done, cwd=tmp_path, capture_output=True, text=True).stdout
    assert "mean 0, std 0.1732, from -0.3 to 0.3, by its distribution; drawn:" in text
    exact = explained("he_normal", "effect", "--fan-in", 256, "--fan-out", 128)[1]
    assert exact == "mean 0, std 0.08839, from -inf to inf, by its distribution; drawn:"
    assert explained("orthogonal_critical", "exactly") == ["the singular values are sigma_w √max(1, fan_out / fan_in)"]
    assert "by its distribution" not in invoke("explain", "zeros")


@pytest.mark.parametrize(
    ("kind", "name", "law"),
    [
        ("initializer", "he_uniform", "uniform from -0.153 to 0.153, std 0.0884"),
        ("initializer", "glorot_normal", "normal, std 0.0722"),
        ("initializer", "gaussian_row_normalized", "std 0.0625; the weights of a unit have the length gain"),
        ("initializer", "antisymmetric", "all logits are 0"),
        ("initializer", "gradinit", "–"),
        ("bias", "constant", "0.01"),
    ],
)
def test_the_tables_show_the_stated_law(kind, name, law):
    assert stated_law(find(kind, name)) == law


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
    cited = {key for kind in FOLDERS for e in entries(kind) for key in e.about.cites}
    assert cited | {"initbench"} == set(bibliography())


def test_cite_prints_what_a_config_uses(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("initializer: [he_normal, {hidden: he_normal, last: fixup}]\nactivation: relu\n")
    text = invoke("cite", path)
    assert text.count("{he2015,") == 1
    assert "{zhang2019," in text


@pytest.mark.parametrize(
    ("dataset", "keys", "note"),
    [
        ("digits", ["alpaydin1998"], ""),
        ("[mnist-10k, mnist]", ["lecun1998mnist"], ""),
        ("churn", [], "% data set churn: generated by initbench; "),
        ("[digits, {line: {rows: 20}}]", ["alpaydin1998"], "% data set line(rows=20): generated by initbench; "),
        ("{csv: mine.csv, target: y}", [], ": not from initbench; cite its source\n"),
    ],
)
def test_cite_names_data_sets_and_initbench(tmp_path, monkeypatch, dataset, keys, note):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i},{i % 3},{'ab'[i % 2]}\n" for i in range(40))
    (tmp_path / "mine.csv").write_text(f"u,v,y\n{rows}", encoding="utf-8")
    (tmp_path / "c.yaml").write_text(f"dataset: {dataset}\ninitializer: zeros\nactivation: linear\n", encoding="utf-8")
    text = invoke("cite", "c.yaml")
    assert re.findall(r"^@\w+\{([^,]+)", text, re.MULTILINE) == [*keys, "saxe2014", "initbench"]
    assert note in text
    assert text.count("%") == bool(note)


def test_the_entry_of_initbench_agrees_with_the_citation_file():
    facts = yaml.safe_load((Path(initbench.__file__).parents[1] / "CITATION.cff").read_text(encoding="utf-8"))
    entry = bibliography()["initbench"]
    fields = dict(re.findall(r"^  (\w+) = \{(.*)\},?$", entry, re.MULTILINE))
    assert fields["title"].replace("{", "").replace("}", "") == facts["title"]
    assert fields["note"] == f"Version {facts['version']}" == f"Version {initbench.__version__}"
    assert fields["year"] == str(facts["date-released"].year)
    assert fields["author"] == f"{{{facts['authors'][0]['name']}}}"


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


@pytest.mark.parametrize("name", ["he_normal", "lsuv", "tanh", "positive_unitball", "torch.nn.init.kaiming_normal_"])
@pytest.mark.parametrize("width", [40, 60, 100])
def test_an_explanation_fits_the_width_and_loses_no_word(name, width):
    whole, narrow = (explain_part(name, 16, 16, "relu", columns) for columns in (10_000, width))
    assert "".join(narrow.split()) == "".join(whole.split())
    assert max(map(len, narrow.splitlines())) <= width
    assert "`" not in whole

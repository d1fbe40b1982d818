"""What a claim's file may hold, and that each fault is told where it stands."""

from pathlib import Path

import pytest

from initbench.claims.read import CLAIM, GROUPS, KEYS_OF_A_CLAIM, REQUIRED, RULES, read_claim
from initbench.config import bundled
from initbench.contracts import PROBED_LAYERS, PROBED_NETWORKS
from initbench.errors import ConfigError

GOOD = """\
claim: He's weights end above zeros.
source: a test
group: scale
suite: quick
network: {dataset: digits, depth: 2, width: 8, epochs: 3}
arms:
  He: {initializer: he_normal}
  zeros: {initializer: zeros}
seeds: 4
metric: test_accuracy
expect: {higher: He, than: zeros, by: 0.05}
"""


def read(folder, text):
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return read_claim(file)


def test_a_claim_is_read_with_the_keys_of_each_arm_on_those_of_all(tmp_path):
    claim = read(tmp_path, GOOD.replace("He: {initializer: he_normal}", "He: {initializer: he_normal, hidden: [4, 5]}"))
    assert (claim.name, claim.group, claim.suite, claim.seeds) == ("mine", "scale", "quick", (0, 1, 2, 3))
    assert claim.arms["zeros"].choices["depth"] == (2,)
    assert claim.arms["He"].choices["hidden"] == ((4, 5),)  # in place of depth and width
    assert claim.expect == ("higher", ("He", "zeros"), 0.05, None)
    assert {arm.epochs for arm in claim.arms.values()} == {3}


def test_the_plan_changes_with_all_that_is_settled_before_the_first_look_and_with_nothing_else(tmp_path):
    plan = read(tmp_path, GOOD).plan
    for old, new in [
        ("ends above", "end over"),
        ("by: 0.05", "by: 0.04"),
        ("epochs: 3", "epochs: 4"),
        ("seeds: 4", "seeds: 5"),
        ("test_accuracy", "valid_accuracy"),
        ("width: 8", "width: {tune: [8, 9]}"),
        ("end above", "end over"),
    ]:
        assert (read(tmp_path, GOOD.replace(old, new)).plan == plan) == (old not in GOOD)
    assert read(tmp_path, GOOD.replace("quick", "full").replace("a test", "another")).plan == plan
    assert read(tmp_path, GOOD).at_seeds((9, 8, 7, 6)).plan == plan


def test_an_arm_may_have_a_long_name_and_a_ratio_its_geometric_mean(tmp_path):
    name = "He " * 40 + "He"
    text = GOOD.replace(
        "{higher: He, than: zeros, by: 0.05}", f"{{matches: {name}, value: 1, mean: geometric, within: 1}}"
    )
    text = text.replace("  zeros: {initializer: zeros}\n", "").replace("  He:", f"  {name}:")
    assert read(tmp_path, text).expect == ("geometric", (name,), 1.0, 1.0)
    assert read(tmp_path, text.replace("geometric", "arithmetic")).expect.rule == "matches"
    with pytest.raises(ConfigError, match="unknown mean 'harmonic'"):
        read(tmp_path, text.replace("geometric", "harmonic"))


def test_theory_cannot_be_held_against_the_layer_that_it_starts_from(tmp_path):
    text = GOOD.replace("{higher: He, than: zeros, by: 0.05}", "{matches: He, value: theory, within: 0.1}")
    text = text.replace("  zeros: {initializer: zeros}\n", "").replace("test_accuracy", "METRIC")
    for metric in ("{preactivation_square: {layer: 1}}", "gradient_square", "{correlation: {layer: 1}}"):
        with pytest.raises(ConfigError, match="theory starts from"):
            read(tmp_path, text.replace("METRIC", metric))
    for metric in ("preactivation_square", "{gradient_square: {layer: 1}}"):
        assert read(tmp_path, text.replace("METRIC", metric)).expect.value is None


def test_the_plan_goes_by_the_content_of_files_and_not_by_their_place(tmp_path):
    (tmp_path / "sub").mkdir()
    text = GOOD.replace("dataset: digits", "dataset: {csv: t.csv, target: y}")
    for folder in (tmp_path, tmp_path / "sub"):
        (folder / "t.csv").write_text("a,y\n" + "1,0\n2,1\n" * 20, encoding="utf-8")
    plan = read(tmp_path, text).plan
    assert read(tmp_path / "sub", text).plan == plan
    (tmp_path / "t.csv").write_text("a,y\n" + "1,0\n3,1\n" * 20, encoding="utf-8")
    assert read(tmp_path, text).plan != plan


FAULTS = [  # old, new, line, words
    ("claim:", "clam:", 1, "unknown key 'clam' of a claim"),
    ("seeds: 4\n", "", 1, "needs the key 'seeds'"),
    ("group: scale", "group: scales", 3, "unknown group 'scales'"),
    ("suite: quick", "suite: quik", 4, "unknown suite 'quik'"),
    ("epochs: 3", "epocs: 3", 5, "unknown key 'epocs'"),
    ("epochs: 3", "seeds: 3", 5, "'seeds' is no key of a claim's networks"),
    ("he_normal", "he_norml", 7, "unknown initializer 'he_norml'"),
    ("initializer: he_normal", "initializer: [he_normal, zeros]", 7, "sweeps initializer"),
    ("initializer: he_normal", "epochs: {tune: [1, 2]}", 7, "epochs cannot be tuned"),
    (
        "zeros}\nseeds: 4\nmetric: test_accuracy",
        "zeros, depth: {tune: [1, 2]}}\nseeds: 4\nmetric: is_finite",
        7,
        "tunes a key",
    ),
    (
        "zeros}\nseeds: 4\nmetric: test_accuracy",
        "zeros, depth: {tune: [1, 2]}}\nseeds: 4\nmetric: {slope: test_loss, over: depth}",
        7,
        "sweeps no key",
    ),
    ("seeds: 4", "seeds: 0", 9, "must be at least 1"),
    ("metric: test_accuracy", "metric: test_acuracy", 10, "unknown metric"),
    ("metric: test_accuracy", "metric: {test_loss: {epoch: 9}}", 10, "epoch is 9"),
    ("metric: test_accuracy", "metric: {correlation: {layer: 9}}", 10, "layer is 9"),
    ("metric: test_accuracy", "metric: {test_loss: {layer: 1}}", 10, "no metric of a layer"),
    ("metric: test_accuracy", "metric: {slope: test_loss}", 10, "needs the key 'over'"),
    ("metric: test_accuracy", "metric: {slope: test_loss, over: width}", 7, "sweeps no key"),
    ("metric: test_accuracy", "metric: steps_to_target", 10, "needs a target"),
    ("than: zeros", "than: zero", 11, "'zero' is no arm"),
    ("than: zeros", "than: He", 11, "with itself"),
    (", by: 0.05", "", 11, "needs by"),
    ("by: 0.05", "by: 0", 11, "by is 0"),
    ("by: 0.05", "by: 5", 11, "by is 5, and test_accuracy is a fraction: that would be 500 points"),
    ("by: 0.05", "by: 1", 11, "that would be 100 points"),
    (
        "test_accuracy\nexpect: {higher: He, than: zeros, by: 0.05}",
        "test_auc\nexpect: {lower: He, than: zeros, by: 2.5}",
        11,
        "250",
    ),
    (
        "test_accuracy\nexpect: {higher: He, than: zeros, by: 0.05}",
        "trains\nexpect: {equal: [He, zeros], within: 5}",
        11,
        "500",
    ),
    (
        "test_accuracy\nexpect: {higher: He, than: zeros, by: 0.05}",
        "dead\nexpect: {matches: He, value: 9, within: 2}",
        11,
        "value is 9, and dead",
    ),
    ("by: 0.05", "buy: 0.05", 11, "unknown key 'buy'"),
    ("higher: He", "hihger: He", 11, "holds 0 rules"),
    ("{higher: He, than: zeros, by: 0.05}", "{share: He, at_least: 0.9}", 10, "a share is one of networks"),
    ("{higher: He, than: zeros, by: 0.05}", "{share: He}", 11, "needs at_least or at_most"),
    ("{higher: He, than: zeros, by: 0.05}", "{equal: [He], within: 1}", 11, "must be two arms"),
    ("{higher: He, than: zeros, by: 0.05}", "{matches: He, value: theory, within: 0.1}", 11, "theory says nothing"),
    ("{higher: He, than: zeros, by: 0.05}", "{matches: He, value: -1, within: 0.1}", 11, "must be above 0"),
    ("{higher: He, than: zeros, by: 0.05}", "{sooner: He, than: zeros}", 11, "belong together"),
    ("{higher: He, than: zeros, by: 0.05}", "[]", 11, "holds 0 rules"),
    ("metric: test_accuracy", "metric: {best_valid_accuracy: {epoch: 1}}", 10, "has no epoch"),
    ("metric: test_accuracy", "metric: {slope: test_loss, over: width, exponential: some}", 10, "true or false"),
    ("{higher: He, than: zeros, by: 0.05}", "{share: He, at_least: 1}", 11, "at_least is 1"),
    ("network: {dataset: digits, depth: 2, width: 8, epochs: 3}", "network: 3", 5, "holds no keys"),
]


@pytest.mark.parametrize(("old", "new", "line", "words"), FAULTS, ids=lambda value: str(value)[:30])
def test_each_fault_is_told_where_it_stands(tmp_path, old, new, line, words):
    assert old in GOOD
    with pytest.raises(ConfigError) as told:
        read(tmp_path, GOOD.replace(old, new, 1))
    places = [(fault.line, fault.message) for fault in told.value.faults]
    assert any(at == line and words in message for at, message in places), places


def test_a_bound_in_points_is_refused_with_the_way_to_write_them(tmp_path):
    with pytest.raises(ConfigError) as told:
        read(tmp_path, GOOD.replace("by: 0.05", "by: 5"))
    (fault,) = told.value.faults
    assert fault.excerpt[fault.column - 1 :].startswith("5}")
    assert fault.hint == "for 5 points write by: 0.05"


@pytest.mark.parametrize("metric", ["test_loss", "weight_std", "{slope: test_accuracy, over: depth}", "distinct_units"])
def test_what_is_no_fraction_takes_any_bound(tmp_path, metric):
    text = GOOD.replace("metric: test_accuracy", f"metric: {metric}").replace("by: 0.05", "by: 5")
    text = text.replace("depth: 2", "depth: [2, 3]") if "slope" in metric else text
    assert read(tmp_path, text).expect.bound == 5


def test_all_faults_are_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as told:
        read(tmp_path, GOOD.replace("he_normal", "he_norml").replace("scale", "scales").replace("by: 0.05", "by: -1"))
    assert len(told.value.faults) == 3


def test_text_that_is_no_claim_is_refused_without_a_traceback(tmp_path):
    for text in ("", "[]", "claim", "arms: 3", "a: &a [*a]", "claim: !!python/object:os.system x"):
        with pytest.raises(ConfigError):
            read(tmp_path, text)


@pytest.mark.parametrize("name", bundled(CLAIM))
def test_the_collection_is_valid_and_says_where_each_claim_stands(name):
    claim = read_claim(bundled(CLAIM)[name])
    assert claim.sentence.endswith(".")
    assert len(claim.source) > 5
    assert name == name.lower()


def test_docs_name_every_key_group_and_rule():
    page = (Path(__file__).parents[2] / "docs" / "claims.md").read_text(encoding="utf-8")
    for word in (*KEYS_OF_A_CLAIM, *GROUPS, *RULES):
        assert f"`{word}`" in page or f"{word}:" in page or f"`{{{word}:" in page, word
    assert set(REQUIRED) <= set(KEYS_OF_A_CLAIM)
    assert not {"test_accuracy"} & {*PROBED_LAYERS, *PROBED_NETWORKS}


@pytest.mark.parametrize("arms", [("no", "yes"), ("010", "1e3"), ("2024-01-01", "1:30"), ("true", "~"), ("1", "2")])
def test_arms_are_named_as_they_are_written(tmp_path, arms):
    text = GOOD.replace("  He:", f"  {arms[0]}:").replace("  zeros:", f"  {arms[1]}:")
    claim = read(tmp_path, text.replace("higher: He, than: zeros", f"higher: {arms[0]}, than: {arms[1]}"))
    assert tuple(claim.arms) == claim.expect.arms == arms


@pytest.mark.parametrize("written", ["0100", "1:30", "0_1", "1_0", "0x10"])
def test_the_numbers_of_a_claim_are_decimal(tmp_path, written):
    for old, new in (
        ("seeds: 4", f"seeds: {written}"),
        ("by: 0.05", f"by: {written}"),
        ("depth: 2", f"depth: {written}"),
    ):
        with pytest.raises(ConfigError) as caught:
            read(tmp_path, GOOD.replace(old, new))
        assert any(written in fault.message for fault in caught.value.faults)

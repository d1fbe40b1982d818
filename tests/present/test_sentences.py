import re

import frames
import numpy as np
import pytest

from initbench.analysis.comparisons import comparison_table
from initbench.analysis.summaries import accuracy_table
from initbench.present.sentences import pair_sentence, setting_sentences


def concluded(f, margin=None):
    evidence = comparison_table(f.runs, f.baselines, f.factors, margin)
    evidence["sentence"] = [pair_sentence(row) for row in evidence.to_dict("records")]
    return evidence, setting_sentences(evidence, accuracy_table(*f), f.factors)


@pytest.fixture(scope="module")
def eight():
    return frames.experiment(frames.eight, initializer=frames.EIGHT, seeds=10, epochs=3)


def test_a_sentence_holds_the_numbers_of_its_row(eight):
    evidence, _ = concluded(eight)
    for row in evidence.itertuples():
        numbers = [f"{100 * value:.1f}" for value in (row.low, row.high)]
        assert f"[{numbers[0]}, {numbers[1]}] over {row.seeds} seeds" in row.sentence
        assert row.better in row.sentence
        assert row.worse in row.sentence
        words = {"better": "is better than", "no difference shown": "No difference shown between"}
        assert words[row.verdict] in row.sentence


def test_the_verdict_names_leader_beaten_and_undecided(eight):
    evidence, verdicts = concluded(eight)
    (sentence,) = verdicts
    assert sentence.startswith("he_normal leads with 95.5 % [")
    pairs = evidence[evidence["better"] == "he_normal"]
    beaten = set(pairs.loc[pairs["verdict"] == "better", "worse"])
    undecided = set(pairs["worse"]) - beaten
    shown, _, open_ = sentence.partition("not shown to differ from")
    assert all(name in open_ and name not in shown for name in undecided)
    assert "is better than" in shown


def test_a_verdict_for_each_setting_in_the_order_of_the_evidence():
    names = ["he_normal", "glorot_uniform", "zeros"]
    f = frames.experiment(frames.deep, initializer=names, depth=[2, 40], seeds=6, epochs=2)
    _, verdicts = concluded(f)
    assert [sentence.partition(": ")[0] for sentence in verdicts] == ["depth 2", "depth 40"]
    assert "it is better than zeros" in verdicts[1]


def test_where_none_trains_nobody_leads():
    f = frames.experiment(lambda **cell: frames.Outcome(0.1135), initializer=["a", "b"], seeds=5, epochs=2)
    _, verdicts = concluded(f)
    assert verdicts == [
        "None is shown to train: the best, a and b, tie at 11.3 %, not shown to beat chance on 2,000 test rows."
    ]


def test_few_test_rows_are_named_where_they_show_nothing():
    f = frames.experiment(
        lambda **cell: frames.Outcome(0.75), initializer=["a", "b"], seeds=5, epochs=2, majority=7 / 12
    )
    few = f._replace(baselines=f.baselines.assign(test_rows=12))
    assert "at 75.0 %, not shown to beat chance on 12 test rows" in concluded(few)[1][0]
    assert concluded(f)[1][0].startswith("a and b tie for first place with 75.0 %; a, [75.0, 75.0] over 5")  # on 2,000


def test_one_seed_shows_nothing():
    f = frames.experiment(initializer=["a", "bb"], seeds=1, epochs=2)
    evidence, verdicts = concluded(f)
    assert "One seed in common does not separate bb from a" in evidence["sentence"][0]
    assert "one seed in common shows nothing" in verdicts[0]


def test_equivalence_is_told_with_its_margin():
    rng = np.random.default_rng(0)
    f = frames.experiment(
        lambda initializer, seed, **cell: frames.Outcome(0.9 + 0.001 * rng.standard_normal()),
        initializer=["a", "b"],
        seeds=10,
        epochs=2,
    )
    evidence, verdicts = concluded(f, margin=0.01)
    assert re.search(r"equivalent within 1 point: they differ by", evidence["sentence"][0])
    assert verdicts[0].endswith("equivalent to b within 1 point.")


def test_long_lists_of_names_are_cut():
    names = [f"n{i:02}" for i in range(12)]
    f = frames.experiment(lambda **cell: frames.Outcome(0.9), initializer=names, seeds=5, epochs=2)
    _, verdicts = concluded(f)
    assert "and 7 more" in verdicts[0]


def test_failed_cells_leave_a_sentence():
    f = frames.experiment(
        lambda initializer, **cell: frames.Outcome(0.9, status="failed" if initializer == "a" else "ok"),
        initializer=["a", "b"],
        seeds=3,
        epochs=2,
    )
    evidence, verdicts = concluded(f)
    assert "have no seed in common" in evidence["sentence"][0]
    assert len(verdicts) == 1


def test_who_did_not_train_is_told_with_wilson_intervals():
    f = frames.experiment(frames.eight, initializer=["he_normal", "uniform(low=-0.3, high=0.3)"], seeds=10)
    evidence, _ = concluded(f)
    assert "trained: 10 of 10 [72, 100] % against 7 of 10 [40, 89] %" in evidence["sentence"][0]


def mixed(**accuracies):
    def outcome(initializer, seed, **cell):
        return frames.Outcome(accuracies[initializer][seed])

    seeds = len(next(iter(accuracies.values())))
    return concluded(frames.experiment(outcome, initializer=list(accuracies), seeds=seeds, epochs=2))


def test_who_trains_at_more_seeds_is_named_first_though_its_mean_is_lower():
    sentence = mixed(some=[0.98] * 4 + [0.1] * 6, all=[0.2] * 10)[0]["sentence"][0]
    assert sentence.startswith(
        "all trains in 10 of 10 seeds and some in 4 (60 points more [20, 83], McNemar's adjusted p 0.031). "
        "No difference shown between some and all: "
    )


def test_a_lead_by_the_seeds_that_train_is_adjusted_for_all_pairs():
    accuracies = {"a": [0.98] * 6, "b": [0.1] * 6}
    assert mixed(**accuracies)[0]["sentence"][0].startswith("a trains in 6 of 6 seeds and b in 0 (100 points more")
    evidence, _ = mixed(**accuracies, c=[0.98] * 6)  # three pairs, each with p 0.031
    assert evidence["trained_p"].min() == 2 / 2**6
    assert not evidence["sentence"].str.contains("trains in").any()


def test_a_small_p_beside_an_interval_that_holds_0_is_explained():
    evidence, verdicts = mixed(
        a=[0.95, 0.952, 0.947, 0.955, 0.95, 0.949, 0.951, 0.953],
        b=[0.948, 0.1, 0.103, 0.098, 0.101, 0.099, 0.104, 0.102],
    )
    assert evidence["p"][0] <= 0.05
    assert evidence["low"][0] <= 0
    assert (
        "Its p is small, but its interval reaches to 0 or below, and a verdict takes both." in evidence["sentence"][0]
    )
    assert ", but the interval is not above 0" in verdicts[0]
    evidence, verdicts = mixed(a=[0.98] * 8, b=[0.1, 0.11] * 4)
    assert "verdict takes" not in evidence["sentence"][0] + verdicts[0]


def test_a_difference_within_the_noise_of_the_test_rows_warns():
    def outcome(initializer, seed, **cell):
        return frames.Outcome(
            {"a": 0.981, "b": 0.9805, "c": 0.9}[initializer] + 1e-5 * (seed if initializer < "c" else 0)
        )

    evidence, _ = concluded(frames.experiment(outcome, initializer=["a", "b", "c"], seeds=10, epochs=2))
    warned = {(row.better, row.worse): "2,000 test rows alone" in row.sentence for row in evidence.itertuples()}
    assert warned == {("a", "b"): True, ("a", "c"): False, ("b", "c"): False}


@pytest.mark.parametrize(("rows", "seeds", "words"), [(1, 2, "(1 test row)"), (6, 2, "(6 test rows)"), (1, 4, "(1 te")])
def test_a_difference_that_is_the_same_at_every_seed_is_explained(rows, seeds, words):
    f = frames.experiment(
        lambda initializer, seed, **cell: frames.Outcome(0.9 + seed / 50 - rows / 2000 * (initializer == "b")),
        initializer=["a", "b"],
        seeds=seeds,
        epochs=1,
    )
    evidence, (verdict,) = concluded(f)
    sentence = evidence["sentence"][0]
    assert f"The difference is the same at every seed {words}" in sentence
    assert "its interval has no width, and p goes by signs alone. All seeds agree but are too few: 6 like" in sentence
    assert "the same at every seed, adjusted p " in verdict
    assert "; 6 seeds like these would show it)" in verdict


def test_seeds_that_agree_and_are_too_few_say_how_many_would_do():
    f = frames.experiment(
        lambda initializer, **cell: frames.Outcome({"a": 0.9, "b": 0.4}[initializer]), initializer=["a", "b"], seeds=5
    )
    evidence, (verdict,) = concluded(f)
    assert evidence["seeds_to_show"].tolist() == [6]
    assert "50.0 points [50.0, 50.0], the same at every seed, adjusted p 0.062; 6 seeds like these" in verdict
    six = frames.experiment(
        lambda initializer, **cell: frames.Outcome({"a": 0.9, "b": 0.4}[initializer]), initializer=["a", "b"], seeds=6
    )
    assert concluded(six)[0]["verdict"].tolist() == ["better"]
    apart = frames.experiment(
        lambda initializer, seed, **cell: frames.Outcome(0.8 + 0.1 * (seed % 2 == (initializer == "a"))),
        initializer=["a", "b"],
        seeds=4,
    )
    assert concluded(apart)[0]["seeds_to_show"].isna().all()  # their seeds do not agree


def test_who_leads_by_seeds_that_the_other_lacks_is_not_called_better():
    def outcome(initializer, seed, **cell):
        if initializer == "a" and seed < 5:
            return frames.Outcome(0, status="failed")
        return frames.Outcome({"a": 0.8, "b": 0.86 + 0.001 * (seed % 3) if seed >= 5 else 0.6}[initializer])

    evidence, (sentence,) = concluded(frames.experiment(outcome, initializer=["a", "b"], seeds=10, epochs=2))
    assert evidence["better"].tolist() == ["b"]
    assert sentence.startswith("a leads")
    assert "at the seeds that both have, better than it: b (by" in sentence
    assert "it is better than" not in sentence


def test_wins_and_ties_are_counted():
    f = frames.experiment(
        lambda initializer, seed, **cell: frames.Outcome(0.9 + 0.01 * (initializer == "a" and seed < 3)),
        initializer=["a", "b"],
        seeds=8,
        epochs=2,
    )
    evidence, _ = concluded(f)
    assert "a wins 3 of 8, 5 ties" in evidence["sentence"][0]

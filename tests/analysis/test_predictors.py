import frames
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from initbench.analysis.predictors import COLUMNS, correlation_interval, predictor_table, spearman, step_zero
from initbench.analysis.summaries import accuracy_table
from initbench.contracts import LAYER_METRICS

DEPTH, WIDTH = 3, 4
HEALTHY = {
    "weight_gradient_norm": [0.5, 0.5, 0.5, 0.5],
    "gradient_std": [0.01, 0.01, 0.01, 0.3],
    "preactivation_std": [2.0, 2.0, 2.0, 9.0],
    "dead": [0, 0, 0, np.nan],
    "saturated": [0, 0, 0, np.nan],
    "distinct_units": [4, 4, 4, 2],
    "update_ratio": [1e-3] * 4,
    "weight_std": [7.0, 0.5, 0.5, 0.5],
}
SILENT = {
    **dict.fromkeys(["log_gradient_ratio", "log_backward_ratio", "signal_slope"], 0),
    **dict.fromkeys(["abs_log_gradient_ratio", "abs_log_backward_ratio", "abs_signal_slope"], 0),
    **{"most_dead": 0, "mean_saturated": 0, "least_distinct": 1, "log_update_spread": 0, "log_weight_scale": 0},
    "loss_at_start": 2.3,
}
FIVE = ["he_normal", "he_uniform", "glorot_normal", "orthogonal", "zeros"]


def described(loss=2.3, width=WIDTH, cell="a", **metrics):
    """The diagnostics of one network, from what is told of its layers before training; afterwards all is different."""
    columns = {name: np.asarray(values, float) for name, values in (HEALTHY | metrics).items()}
    count = len(columns["dead"])
    start = pd.DataFrame(columns).reindex(columns=LAYER_METRICS).assign(epoch=0, layer=range(1, count + 1))
    layers = pd.concat([start, start.assign(epoch=1, **dict.fromkeys(LAYER_METRICS, 0.123))])
    curves = pd.DataFrame({"cell": cell, "epoch": [0, 1], "train_loss": [loss, 0.123]})
    found = step_zero(layers.assign(cell=cell, width=width), curves)
    assert found.pop("cell").tolist() == [cell]
    return found.iloc[0].to_dict()


def test_diagnostics_are_silent_on_a_healthy_network():
    assert described() == pytest.approx(SILENT, abs=1e-12)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (
            {"weight_gradient_norm": [5e-4, 1, 1, 0.5]},
            {"log_gradient_ratio": -3, "abs_log_gradient_ratio": 3},
        ),
        ({"gradient_std": [1, 9, 0.01, 9]}, {"log_backward_ratio": 2, "abs_log_backward_ratio": 2}),
        ({"preactivation_std": np.exp([1, 0.5, 0, 9])}, {"signal_slope": -1, "abs_signal_slope": 1}),
        ({"dead": [0.25, 0.5, 0, np.nan]}, {"most_dead": 0.5}),
        ({"saturated": [0.6, 0.3, 0, np.nan]}, {"mean_saturated": 0.3}),
        ({"distinct_units": [4, 1, 3, 1]}, {"least_distinct": 0.25}),
        ({"update_ratio": [1e-4, 1e-3, 1e-3, 1e-2]}, {"log_update_spread": 2}),
        ({"weight_std": [9, 5, 0.5, 50]}, {"log_weight_scale": 1}),
        ({"loss": 7.5}, {"loss_at_start": 7.5}),
    ],
)
def test_each_fault_is_told_by_its_own_diagnostic_and_no_other(fault, told):
    assert described(**fault) == pytest.approx(SILENT | told, abs=1e-12)


def test_the_slope_is_that_of_least_squares():
    deviations = np.exp(np.random.default_rng(0).normal(size=30))
    many = {name: [values[1]] * 29 + values[-2:] for name, values in HEALTHY.items()}
    slope = described(**many | {"preactivation_std": [*deviations, 9]})["signal_slope"]
    assert slope == pytest.approx(np.polyfit(range(30), np.log(deviations**2), 1)[0], abs=1e-12)
    assert abs(slope - np.log(deviations[-1] ** 2 / deviations[0] ** 2) / 29) > 1e-3


def test_what_vanishes_altogether_is_infinitely_far_from_healthy():
    nothing = dict.fromkeys(("weight_gradient_norm", "gradient_std", "preactivation_std"), np.zeros(4))
    found = described(**nothing)
    for name in ("log_gradient_ratio", "log_backward_ratio", "signal_slope"):
        assert (found[name], found[f"abs_{name}"]) == (-np.inf, np.inf)
    fading = described(preactivation_std=[1, 1e-30, 0, 0])["signal_slope"]
    assert -np.inf < fading < -40


def test_layers_may_differ_in_width():
    found = described(width="16-4-2", distinct_units=[16, 4, 1, 1], weight_std=[9, 0.25, 0.5, 0.5**0.5])
    assert found["least_distinct"] == 0.5
    assert found["log_weight_scale"] == pytest.approx(0, abs=1e-12)


def test_a_single_hidden_layer_has_no_slope_and_a_network_without_numbers_no_diagnostics():
    one = {name: values[-2:] for name, values in HEALTHY.items()}
    assert {name for name, value in described(**one).items() if np.isnan(value)} == {"signal_slope", "abs_signal_slope"}
    lost = described(loss=np.nan, **{name: [np.nan] * 4 for name in HEALTHY})
    assert np.isnan(list(lost.values())).all()


def steps(f, value):
    """A diagnostic named ``steps`` for each run, from its row."""
    return pd.DataFrame({"cell": f.runs["cell"], "steps": [value(row) for row in f.runs.itertuples()]})


def predicted(f, value, **changes):
    """The rows of one diagnostic, by outcome."""
    table = predictor_table(steps(f, value), f.runs, f.baselines, f.factors, **changes)
    assert list(table) == COLUMNS
    return {str(row.outcome): row for row in table.itertuples()}


@pytest.fixture(scope="module")
def mixed():
    """Sixty cells, of which some diverge, some fail and some learn nothing."""

    def outcome(initializer, seed, depth, **setting):
        if initializer == "zeros":
            return frames.Outcome(0.1135)
        status = "diverged" if initializer == "he_uniform" and seed < 2 else "failed" if depth + seed == 8 else "ok"
        return frames.Outcome(
            0.95 - 0.01 * depth - 0.003 * FIVE.index(initializer) + 0.001 * np.sin(seed), status=status
        )

    return frames.experiment(outcome, initializer=FIVE, depth=[2, 5, 6], seeds=4, epochs=4)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_diagnostic_that_settles_accuracy_has_correlation_1(mixed, sign):
    found = predicted(mixed, lambda row: sign * (0.1135 if row.status == "diverged" else row.test_accuracy) ** 3)
    row = found["final_accuracy"]
    assert row.correlation == pytest.approx(sign, abs=1e-12)
    assert sorted([sign * row.low, sign * row.high]) == pytest.approx([0.99, 1])
    assert abs(predicted(mixed, lambda row: row.test_accuracy)["final_accuracy"].correlation) < 0.99


def test_the_outcomes_are_those_of_the_accuracy_table(mixed):
    table = accuracy_table(mixed.runs, mixed.curves, mixed.baselines, mixed.factors)
    counted = table["trained"].sum(), table["seeds"].sum()
    assert 0 < counted[0] < counted[1] < len(mixed.runs)
    is_trained = predicted(mixed, lambda row: float(row.status == "ok" and row.initializer != "zeros"))["trained"]
    assert is_trained.correlation == pytest.approx(1)
    assert is_trained.cells == counted[1]
    fault = predicted(mixed, lambda row: float(row.initializer != "zeros"))["trained"]
    assert fault.correlation < 0.95


def test_correlations_are_those_of_scipy_with_ties_infinities_and_gaps(mixed):
    rng = np.random.default_rng(1)
    values = dict(
        zip(mixed.runs["cell"], rng.choice([-np.inf, -1, 0, 0.5, np.inf, np.nan], len(mixed.runs)), strict=True)
    )
    row = predicted(mixed, lambda run: values[run.cell])["final_accuracy"]
    runs = mixed.runs[(mixed.runs["status"] != "failed") & ~np.isnan(mixed.runs["cell"].map(values))]
    accuracy = runs["test_accuracy"].mask(runs["status"] == "diverged", 0.1135)
    ranks = runs["cell"].map(values).replace({-np.inf: -9, np.inf: 9})
    assert row.correlation == pytest.approx(stats.spearmanr(ranks, accuracy)[0], abs=1e-12)
    assert row.cells == len(runs)
    assert row.settings == runs.groupby(["initializer", "depth"]).ngroups


def test_resampling_a_value_is_repeating_it():
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 5, (2, 30)).astype(float)
    weights = rng.integers(0, 4, (30, 8))
    repeated = [stats.spearmanr(np.repeat(x, w), np.repeat(y, w))[0] for w in weights.T]
    np.testing.assert_allclose(spearman(x, y, weights.astype(float)), repeated, atol=1e-12)
    assert np.abs(spearman(x, y, np.ones((30, 8))) - repeated).min() > 1e-4


def covered(settings, seeds, repetitions=250, *, as_if_independent=False):
    """How often the interval of noise that the cells of a setting share holds 0."""
    rng = np.random.default_rng(3)
    setting = np.repeat(np.arange(settings), seeds)
    hits = 0
    for _ in range(repetitions):
        shared, own = rng.normal(size=(2, settings)), 0.3 * rng.normal(size=(2, settings * seeds))
        x, y = np.repeat(shared, seeds, axis=1) + own
        _, low, high = correlation_interval(x, y, np.arange(len(x)) if as_if_independent else setting)
        hits += low <= 0 <= high
    return hits / repetitions


@pytest.mark.parametrize("settings", [5, 12, 30])
def test_the_interval_of_noise_covers_0_as_often_as_it_says(settings):
    assert 0.91 <= covered(settings, 4) <= 0.99


def test_the_check_catches_an_interval_that_takes_seeds_for_settings():
    assert covered(12, 4, as_if_independent=True) < 0.85


def test_few_settings_have_no_interval_and_constants_no_correlation():
    f = frames.experiment(initializer=FIVE[:4], seeds=5, epochs=2)
    row = predicted(f, lambda row: row.seed)["final_accuracy"]
    assert abs(row.correlation) > 0
    assert np.isnan([row.low, row.high]).all()
    assert np.isnan(predicted(f, lambda row: 3.0)["final_accuracy"].correlation)
    assert np.isnan(predicted(f, lambda row: row.seed)["trained"].correlation)
    assert np.isfinite(predicted(frames.experiment(initializer=FIVE), lambda row: row.seed)["final_accuracy"].low)


@pytest.mark.parametrize("rows", [0, 1])
def test_results_that_are_hardly_begun_are_no_error(rows):
    f = frames.experiment(initializer=FIVE[:1], seeds=1, epochs=1)
    table = predictor_table(steps(f, lambda row: 1.0), f.runs[:rows], f.baselines, f.factors)
    assert table["cells"].tolist() == [rows, rows]
    assert table["correlation"].isna().all()


def test_the_strongest_come_first_and_further_diagnostics_join_them(mixed):
    noise = np.random.default_rng(4).normal(size=len(mixed.runs))
    diagnostics = steps(mixed, lambda row: -row.depth).assign(noise=noise, same=1.0)
    extra = pd.DataFrame({"cell": mixed.runs["cell"][::-1], "far": -mixed.runs["test_accuracy"][::-1]})
    table = predictor_table(diagnostics, mixed.runs, mixed.baselines, mixed.factors, extra)
    assert table["outcome"].tolist() == ["final_accuracy"] * 4 + ["trained"] * 4
    first = table[:4]
    assert first["diagnostic"].tolist() == ["far", "steps", "noise", "same"]
    assert first["correlation"][0] < -0.9
    assert np.isnan(first["correlation"][3])


def test_all_settings_of_a_thousand_cells_count():
    rng = np.random.default_rng(5)
    f = frames.experiment(initializer=FIVE, learning_rate=list(range(1, 51)), seeds=4, epochs=1)
    runs = f.runs.assign(test_accuracy=rng.uniform(size=1000))
    diagnostics = pd.DataFrame(rng.normal(size=(1000, 12))).assign(cell=runs["cell"])
    table = predictor_table(diagnostics, runs, f.baselines, f.factors)
    assert table["settings"].eq(250).all()

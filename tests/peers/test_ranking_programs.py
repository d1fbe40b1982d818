"""autorank, scikit-posthocs and rliable read what `initbench export` writes, and find what we find."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from click.testing import CliRunner
from scipy import stats
from sklearn.datasets import make_classification

import initbench
from initbench.cli import main

CONFIG = """\
name: ranked
dataset: [{csv: t0.csv, target: y}, {csv: t1.csv, target: y}, {csv: t2.csv, target: y}, {csv: t3.csv, target: y},
  {csv: t4.csv, target: y}, {csv: t5.csv, target: y}]
depth: 2
width: 8
initializer: [he_normal, zeros, {normal: {std: 0.01}}, {normal: {std: 1}}]
learning_rate: 0.1
epochs: 4
seeds: 3
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    (folder / "ranked.yaml").write_text(CONFIG)
    for i in range(6):  # data sets of their own, so that settings are independent
        rows, classes = make_classification(300, 6, n_informative=4, n_classes=4, class_sep=1.5, random_state=i)
        pd.DataFrame(rows).assign(y=classes).to_csv(folder / f"t{i}.csv", index=False)
    initbench.run(folder / "ranked.yaml", results=folder)
    result = CliRunner().invoke(main, ["export", str(folder / "ranked")])
    assert result.exit_code == 0, result.output
    assert [Path(line).name for line in result.stdout.split()] == ["scores.csv", "settings.csv", "scores.npz"]
    return folder / "ranked"


@pytest.fixture(scope="module")
def ours(folder):
    return initbench.load(folder).ranking.table.set_index("initializer")


@pytest.mark.filterwarnings("ignore")
def test_autorank_finds_our_mean_ranks_p_and_critical_difference(folder, ours):
    autorank = pytest.importorskip("autorank", reason="autorank is not installed, so nothing is compared with it")
    result = autorank.autorank(pd.read_csv(folder / "export/scores.csv"), force_mode="nonparametric")
    autorank.create_report(result)
    assert (result.omnibus, result.posthoc) == ("friedman", "nemenyi")
    np.testing.assert_allclose(result.rankdf["meanrank"].loc[ours.index], ours["mean_rank"], atol=1e-10)
    assert result.pvalue == pytest.approx(ours["friedman_p"].iloc[0], abs=1e-10)
    # Its critical values are those of a table with three decimals.
    assert result.cd == pytest.approx(ours["critical_difference"].iloc[0], abs=2e-3)


def test_scikit_posthocs_tells_the_same_pairs_apart(folder, ours):
    p = scikit_posthocs.posthoc_nemenyi_friedman(pd.read_csv(folder / "export/scores.csv"))
    spread = ours["critical_difference"].iloc[0] / stats.studentized_range.ppf(0.95, len(ours), np.inf)
    letters = ours["groups"].str.split().map(set)
    assert ours["friedman_p"].iloc[0] < 0.05
    for a, b in combinations(ours.index, 2):
        apart = abs(ours["mean_rank"][a] - ours["mean_rank"][b])
        assert p.loc[a, b] == pytest.approx(stats.studentized_range.sf(apart / spread, len(ours), np.inf), abs=1e-10)
        assert (p.loc[a, b] <= 0.05) == (not letters[a] & letters[b])
    assert {letter for found in letters for letter in found} > {"a"}


@pytest.mark.filterwarnings("ignore")
def test_rliable_finds_our_interquartile_means(folder, ours):
    metrics = pytest.importorskip("rliable.metrics", reason="rliable is not installed, so nothing is compared with it")
    for name, array in np.load(folder / "export/scores.npz").items():
        assert array.shape == (3, 6)
        assert metrics.aggregate_iqm(array) == pytest.approx(ours.loc[name, "score_iqm"], abs=1e-10)
        assert abs(metrics.aggregate_iqm(array) - ours.loc[name, "test_accuracy_iqm"]) > 1e-3


@pytest.mark.skipif(pd.__version__ >= "3", reason="rliable 1.2 needs arch below 8, which does not import with pandas 3")
@pytest.mark.filterwarnings("ignore")
def test_rliable_finds_our_profiles(folder, ours):
    library = pytest.importorskip("rliable.library", reason="rliable is not installed, so nothing is compared with it")
    scores = dict(np.load(folder / "export/scores.npz"))
    profiles = initbench.load(folder).ranking.profiles.query("metric == 'score'").set_index("initializer")
    thresholds = profiles["threshold"].loc[ours.index[0]].to_numpy() + 1e-9  # beside the scores, not on them
    shares, _ = library.create_performance_profile(scores, thresholds, reps=10)
    for name in ours.index:
        mine = np.array([(scores[name] > threshold).mean() for threshold in thresholds])
        np.testing.assert_allclose(shares[name], mine, atol=1e-12)
        assert np.mean(np.abs(shares[name] - profiles["share"].loc[name]) < 1e-10) > 0.9

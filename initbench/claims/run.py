"""Claims -> the cells and probes that they ask for -> a verdict on each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from functools import partial
from itertools import product
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

from initbench.claims.read import THEORY, Claim
from initbench.config import Experiment
from initbench.config.experiment import tuning_seeds
from initbench.errors import StoreError
from initbench.plan import Cell, Choices, choose_tuned
from initbench.probing.run import Seen, look_at_starts
from initbench.probing.tables import probe_tables
from initbench.results.files import save_figures, write_manifest
from initbench.storage.files import write_text
from initbench.storage.folders import PLANNED, TUNING
from initbench.storage.lock import Lock
from initbench.storage.store import Frames, Store
from initbench.training.runner import Choose, Outcome, Request, Runner, RunOptions
from initbench.training.shared import SharedData

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "claims"  # the folder under the results root
ROWS_OF = 0  # the seed whose rows all probes see, so that other seeds are other draws of weights and nothing else


ArmName = tuple[str, str]  # of a claim, and of one of its arms


@dataclass(frozen=True)
class Verdicts:
    """What became of claims.

    Attributes
    ----------
    folder : Path
    claims : list of Claim
    table : pandas.DataFrame
        With the columns of ``claims.csv``, a row a claim; see ``docs/claims.md``.
    values : dict of str to pandas.DataFrame
        By the name of a claim, its numbers: ``arm, seed, value``, a row a network, or a seed where it is a slope.
    failed : int
        Cells without a result.
    """

    folder: Path
    claims: list[Claim]
    table: pd.DataFrame
    values: dict[str, pd.DataFrame]
    failed: int


def run_claims(
    claims: Sequence[Claim],
    *,
    results: str | Path = "results",
    options: RunOptions | None = None,
) -> Verdicts:
    """Train and probe what is missing of the networks that claims speak of, and hold the claims against them.

    Writes ``claims.csv``, ``claims.md`` and figures into ``results/claims``, and ``tuning.csv``, ``choices.csv`` and
    ``tried.csv`` where arms tune a key.

    Parameters
    ----------
    claims : sequence of Claim
        Their verdicts are adjusted for one another.
    results : str or Path, default "results"
    options : RunOptions, optional

    Returns
    -------
    Verdicts

    Raises
    ------
    InitbenchError
        When data or results cannot be used.
    """
    from initbench.claims.judging import Effect, claims_table, judge, slopes
    from initbench.claims.sentences import sentence

    folder = Path(results) / FOLDER
    if (folder / "config.yaml").exists() or (folder / TUNING / "config.yaml").exists():
        raise StoreError(f"{folder} holds an experiment of that name; choose another folder with --results")
    options = options or RunOptions()
    progress = options.progress
    with Runner(options) as runner, Lock(folder) as lock, (outcome := Outcome(lock)).explain_interrupt():
        lock.acquire(progress.wait)
        planned = _remember_plans(folder, claims)
        source, tuning = _train(claims, outcome, runner)
        values: dict[str, pd.DataFrame] = {}
        findings: dict[str, Effect] = {}
        with progress.working("probing networks and judging claims", len(claims)) as step:
            for claim in claims:
                found = source.values_of(claim)
                if claim.metric.over:
                    found = slopes(found, is_exponential=claim.metric.is_exponential)
                if claim.expect.rule in ("matches", "geometric"):
                    found["value"] = found["value"] / (claim.expect.value or found["expected"])
                values[claim.name] = found[["arm", "seed", "value"]]
                findings[claim.name] = judge(
                    values[claim.name], claim.expect.rule, claim.expect.arms, claim.expect.bound
                )
                step()
        table = claims_table(findings)
        about = [_about(claim, tuning.chosen) | {"planned": planned[claim.name]} for claim in claims]
        for column in about[0]:
            table[column] = [row[column] for row in about]
        table["sentence"] = [sentence(row) for row in table.to_dict("records")]
        counts = (tuning.failed, outcome.counts.get("failed", 0), *(len(p[0].failed) for p in source.probes.values()))
        verdicts = Verdicts(folder, list(claims), table, values, sum(counts))
        _write(verdicts, tuning)
    return verdicts


@dataclass(frozen=True)
class Networks:
    """Where the numbers of claims come from.

    Attributes
    ----------
    cells : mapping of (str, str) to tuple of Cell
        Those of each arm that is trained, by the names of claim and arm.
    frames : Frames or None
        Of all trained cells.
    probes : dict
        What was probed already.
    data : SharedData
    jobs : int
    layers : DataFrame, optional
        With the columns of layers.csv.
    """

    cells: Mapping[tuple[str, str], tuple[Cell, ...]]
    frames: Frames | None
    probes: dict[tuple[str, bool], tuple[Seen, pd.DataFrame, pd.DataFrame]]
    data: SharedData
    jobs: int
    layers: pd.DataFrame | None = None

    def values_of(self, claim: Claim) -> pd.DataFrame:
        """The numbers of a claim: ``arm, seed, over, value, expected``, a row a network."""
        import pandas as pd

        parts = []
        for arm in claim.expect.arms:
            experiment = claim.arms[arm]
            found = self._probed(claim, experiment) if claim.metric.is_probed else self._trained(claim, arm)
            parts.append(found.assign(arm=arm))
        return pd.concat(parts, ignore_index=True)

    def _trained(self, claim: Claim, arm: str) -> pd.DataFrame:
        import pandas as pd

        from initbench.claims.judging import trained_values

        plan, metric, experiment = self.cells[claim.name, arm], claim.metric, claim.arms[arm]
        if metric.name == "distinct_units":
            by_cell = self._distinct_units(experiment.epochs)
        else:
            by_cell = trained_values(*self._tables(experiment.target), metric.name, metric.epoch)
        keys = {(cell.seed, metric.over and dict(cell.factors)[metric.over]): cell.key for cell in plan}
        wanted = list(product(experiment.seeds, experiment.choices[metric.over] if metric.over else [None]))
        frame = pd.DataFrame(wanted, columns=["seed", "over"])  # also where no value could be chosen
        return frame.assign(value=by_cell.reindex([keys.get(one) for one in wanted]).to_numpy(), expected=None)

    def _tables(self, target: float | None) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """Runs, curves and baselines, with what stands in no table: whether a target was reached, and ln k."""
        assert self.frames is not None
        runs, curves, baselines = self.frames[:3]
        classes = {cell.key: cell.data.classes for plan in self.cells.values() for cell in plan}
        baselines = baselines.assign(loss_uniform=baselines["cell"].map(classes).map(log))
        best = curves.groupby("cell")["valid_accuracy"].max()
        return runs.assign(reached=runs["cell"].map(best) >= (target or 0.0)), curves, baselines

    def _distinct_units(self, epochs: int) -> pd.Series[float]:
        """The least of the hidden layers after the last epoch, by cell."""
        assert self.layers is not None
        last = self.layers.groupby("cell")["layer"].transform("max")
        then = self.layers[(self.layers["layer"] < last) & (self.layers["epoch"] == epochs)]
        return then.groupby("cell")["distinct_units"].min().astype(float)

    def _probed(self, claim: Claim, experiment: Experiment) -> pd.DataFrame:
        import pandas as pd

        metric = claim.metric
        jacobians = metric.name.startswith("jacobian")
        same = (replace(experiment, name="", epochs=1, record=("curves",), target=None).to_yaml(), jacobians)
        if same not in self.probes:
            seen = look_at_starts(experiment, self.data, self.jobs, jacobians=jacobians, rows_of=ROWS_OF)
            self.probes[same] = (seen, *probe_tables(*seen[:3]))
        seen, layers, networks = self.probes[same]
        table = networks
        if metric.is_of_layer:
            last = layers.groupby("cell", sort=False)["layer"].transform("max")
            table = layers[layers["layer"] == (metric.layer or last - 1)]
        by_cell = table.set_index("cell").reindex([cell.key for cell in seen.plan])
        frame = pd.DataFrame({"seed": [cell.seed for cell in seen.plan], "value": by_cell[metric.name].to_numpy(float)})
        expected = by_cell[THEORY[metric.name]].to_numpy() if metric.is_of_layer and metric.name in THEORY else None
        over = [dict(cell.factors)[metric.over] for cell in seen.plan] if metric.over else None
        return frame.assign(over=over, expected=expected)


def _train(claims: Sequence[Claim], outcome: Outcome, runner: Runner) -> tuple[Networks, Tuning]:
    """Train the networks of the claims that speak of trained ones; those that tune a key at the values they choose."""
    import pandas as pd

    trained = [claim for claim in claims if not claim.metric.is_probed]
    arms = {(claim.name, arm): experiment for claim in trained for arm, experiment in claim.arms.items()}
    tuned = {name: experiment for name, experiment in arms.items() if experiment.tuned}
    nothing = pd.DataFrame(columns=["claim"])
    tuning = Tuning({}, nothing, nothing, nothing, 0)
    if not arms:
        return Networks({}, None, {}, runner.data, runner.options.jobs), tuning
    if tuned:
        tuning = _tune(tuned, outcome.folder / TUNING, runner)
    requests = [Request(experiment, tuning.choose.get(name, tuple)) for name, experiment in arms.items()]
    plans = runner.train(requests, outcome)
    write_manifest(outcome, runner.options.jobs)
    with Store(outcome.folder) as store:
        trained_cells = dict(zip(arms, plans, strict=True))
        networks = Networks(trained_cells, store.frames(), {}, runner.data, runner.options.jobs)
        if any("layers" in experiment.record for experiment in arms.values()):
            networks = replace(networks, layers=store.layers(of_all=False)[0])
    return networks, tuning


@dataclass(frozen=True)
class Tuning:
    """What the arms that tune a key have chosen.

    Attributes
    ----------
    choose : dict of (str, str) to callable
        By claim and arm: of all cells those at the values that were chosen. None where a cell failed at each value.
    chosen, choices, tried : DataFrame
        ``claim, arm`` and the columns of tuning.csv, choices.csv and tried.csv, without those on values in common.
    failed : int
        Cells without a result.
    """

    choose: dict[ArmName, Choose]
    chosen: pd.DataFrame
    choices: pd.DataFrame
    tried: pd.DataFrame
    failed: int


def _tune(arms: Mapping[ArmName, Experiment], folder: Path, runner: Runner) -> Tuning:
    """Try the values of tuned keys, with tuning seeds of each seed; the best mean validation accuracy decides."""
    import pandas as pd

    from initbench.analysis.tuning import choices_table, chosen_values, how_often, tried_table, tuning_table
    from initbench.present.labels import show
    from initbench.present.tuning import add_words

    with Lock(folder) as lock, (outcome := Outcome(lock)).explain_interrupt():
        plans = runner.train([Request(experiment.tuning) for experiment in arms.values()], outcome)
        with Store(folder) as store:
            runs, _, baselines, factors = store.frames()
    write_manifest(outcome, runner.options.jobs)
    choose: dict[ArmName, Choose] = {}
    tables: dict[str, list[pd.DataFrame]] = {"chosen": [], "choices": [], "tried": []}
    for (name, experiment), plan in zip(arms.items(), plans, strict=True):
        own = pd.DataFrame([{"cell": cell.key, **dict(cell.factors)} for cell in plan])  # in its own words
        cells = own.merge(runs.drop(columns=factors).drop_duplicates("cell"), on="cell"), baselines, factors
        by_seed = tuning_seeds(experiment.seeds, experiment.tuning_count)
        choices, tried = choices_table(*cells, experiment.tuned, by_seed), tried_table(*cells)
        best = tuning_table(choices, tried, factors, experiment.tuned)
        best = add_words(best, how_often(choices, "tuned"), how_often(choices, "common"))
        best["tried"] = [", ".join(map(show, tried[key].unique())) for key in best["key"]]
        choose[name] = partial(_at_own_values, experiment.tuned, chosen_values(choices)[0])
        for kind, table in (("chosen", best), ("choices", choices), ("tried", tried)):
            named = pd.DataFrame({"claim": name[0], "arm": name[1]}, index=table.index).join(table)
            tables[kind].append(named.loc[:, ~named.columns.str.contains("common")].astype(object))  # whole stay whole
    return Tuning(choose, **{kind: pd.concat(some) for kind, some in tables.items()}, failed=outcome.counts["failed"])


def _at_own_values(tuned: Sequence[str], own: Choices, cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    at_own = {cell.key for cell in choose_tuned(cells, tuned, own, {})}
    return tuple(cell for cell in cells if cell.key in at_own)


def _about(claim: Claim, chosen: pd.DataFrame) -> dict[str, Any]:
    from initbench.claims.sentences import budget

    epochs = [] if claim.metric.is_probed else [arm.epochs for arm in claim.arms.values()]
    of_claim = chosen[chosen["claim"] == claim.name]
    told = {"text": claim.sentence, "source": claim.source, "group": claim.group, "suite": claim.suite}
    told |= {
        "metric": str(claim.metric),
        "budget": budget(epochs, of_claim, claim.metric.over),
        "instead": claim.instead,
        "note": claim.note,
    }
    first_arm, second_arm = claim.expect.arms[0], claim.expect.arms[-1]
    return told | {"rule": claim.expect.rule, "first": first_arm, "second": second_arm, "bound": claim.expect.bound}


def _remember_plans(folder: Path, claims: Sequence[Claim]) -> dict[str, str]:
    """Note what each claim is before its first look; tell whether that is still what it is."""
    file = folder / PLANNED
    try:
        known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        told = {}
        for claim in claims:
            versions = known.setdefault(claim.name, {})
            versions.setdefault(claim.plan, datetime.now(timezone.utc).isoformat(timespec="seconds"))
            is_first = next(iter(versions)) == claim.plan
            told[claim.name] = "planned" if is_first else "changed after looking"
            if is_first and len(claim.seeds) != claim.count:
                told[claim.name] = f"planned with {claim.count} seeds"
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise StoreError(f"{file}: not as initbench claims writes it ({error}); remove it to begin anew") from None
    write_text(file, json.dumps(known, indent=1) + "\n")
    return told


def _write(verdicts: Verdicts, tuning: Tuning) -> None:
    from initbench.claims.figures import claim_figures
    from initbench.claims.sentences import markdown
    from initbench.present.tables import csv_text

    write_text(verdicts.folder / "claims.csv", csv_text(verdicts.table))
    write_text(verdicts.folder / "claims.md", markdown(verdicts.table))
    for name, table in {"tuning": tuning.chosen, "choices": tuning.choices, "tried": tuning.tried}.items():
        file = verdicts.folder / f"{name}.csv"
        if table.empty:
            file.unlink(missing_ok=True)
        else:
            write_text(file, csv_text(table))
    save_figures(verdicts.folder, claim_figures(verdicts.table))

"""Looks at the networks of an experiment before training, and reports what becomes of signals and gradients in them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from initbench.config import Experiment, Part, find_config, read_experiment
from initbench.config.experiment import CONSTANT
from initbench.contracts import Array
from initbench.engine.losses import one_hot
from initbench.engine.network import with_ones
from initbench.engine.train import Rows
from initbench.errors import InitbenchError, StoreError
from initbench.parts.datasets.places import data_folders
from initbench.plan import Cell, factor_columns, make_plan, make_stacks
from initbench.probing.networks import Look, look_at
from initbench.probing.tables import probe_tables
from initbench.process import scratch_folder
from initbench.randomness import stream
from initbench.results.files import save_figures
from initbench.storage.files import write_text
from initbench.storage.freshness import differences, probe_mark
from initbench.storage.store import Store
from initbench.training.runner import Progress, RunOptions
from initbench.training.shared import SharedData
from initbench.training.splits import split
from initbench.training.untrained import BATCH_ROWS

if TYPE_CHECKING:
    import pandas as pd

ROWS = 512  # training rows that are sent through the networks
JACOBIANS = 16  # at least, a setting
FEWEST_JACOBIANS = 2  # a draw
LATER = (  # keys without a bearing on the start
    *("dropout", "optimizer", "learning_rate", "schedule", "batch_size", "clip_norm", "weight_decay", "dtype"),
)


class Probe(NamedTuple):
    """What `probe` found.

    Attributes
    ----------
    folder : Path
    layers : pandas.DataFrame
        With the columns of ``probe.csv``, a row a cell and layer.
    networks : pandas.DataFrame
        A row a cell.
    settings : pandas.DataFrame
        A row a setting, which is all factors but the seed: its verdict.
    spectra : list of ndarray
        For each setting, the singular values of the Jacobians of its first draw; empty where a layer is too wide.
    failures : dict of str to str
        Cell -> why it could not be drawn.
    mark : str
        Of its plan; see `initbench.storage.freshness`.
    """

    folder: Path
    layers: pd.DataFrame
    networks: pd.DataFrame
    settings: pd.DataFrame
    spectra: list[Array]
    failures: dict[str, str]
    mark: str

    @property
    def factors(self) -> list[str]:
        """The factors that bear on the start of training."""
        columns = list(self.settings.columns)
        return [name for name in columns[: columns.index("draws")] if name not in LATER]

    @property
    def distinct(self) -> pd.DataFrame:
        """The settings without those that differ from an earlier one in later steps alone."""
        return self.settings.drop_duplicates(self.factors)


def probe(
    config: str | Path,
    *,
    results: str | Path = "results",
    jobs: int = 1,
    changes: Sequence[str] = (),
    data_dir: str | Path | None = None,
    progress: Progress | None = None,
) -> Probe:
    """Draw the network of every cell of a config, look at it without training, and write ``probe.csv, probe.json``.

    Every network sees the same rows: the first 512 training rows of the config's first seed. Initializers that look
    at data look at that seed's too. Numbers are those of float64 arithmetic.

    Parameters
    ----------
    config : str or Path
        A file, or the bare name of a bundled config.
    results : str or Path, default "results"
        The root under which the experiment has its folder.
    jobs : int, default 1
        Threads.
    changes : sequence of str
        ``KEY=VALUE`` each, as ``--set`` takes them.
    data_dir : str or Path, optional
        A folder to look for data files in.
    progress : Progress, optional

    Returns
    -------
    Probe

    Raises
    ------
    ConfigError
        With every fault of the config.
    InitbenchError
        When data cannot be used, no network can be drawn, or nothing can be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     smoke = probe("smoke", results=folder)
    >>> smoke.settings.set_index("initializer")["verdict"].to_dict()
    {'he_normal': 'healthy', 'zeros': 'symmetric'}
    """
    folders = data_folders(Path(data_dir) if data_dir else None)
    experiment = read_experiment(find_config(str(config)), changes, folders)
    return probe_experiment(experiment, Path(results), RunOptions(jobs, folders, progress=progress or Progress()))


def probe_experiment(experiment: Experiment, results: Path, options: RunOptions) -> Probe:
    """As `probe`, of an experiment that is read already.

    Parameters
    ----------
    experiment : Experiment
    results : Path
        The root under which it has its folder.
    options : RunOptions
        Of which jobs, folders and progress count.

    Returns
    -------
    Probe

    Raises
    ------
    InitbenchError
        As `probe`.
    """
    from initbench.analysis.verdicts import verdict_table

    progress = options.progress
    with scratch_folder() as place:
        data = SharedData(place, options.folders)
        plan, starts, looks, failed = look_at_starts(experiment, data, options.jobs, progress=progress)
    layers, networks = probe_tables(plan, starts, looks)
    factors = list(factor_columns(experiment))
    parts = {
        key: {str(part): (part.name, dict(part.parameters)) for part in values if isinstance(part, Part)}
        for key, values in experiment.choices.items()
    }
    settings = verdict_table(networks, factors, parts)
    spectra = {cell.key: look.spectra[i] for some, look in looks for i, cell in enumerate(some)}
    start_of = {cell.key: start.key for cell, start in zip(plan, starts, strict=True)}
    first = networks.groupby(factors, sort=False, dropna=False)["cell"].first()
    probed = Probe(
        results / experiment.name,
        layers,
        networks,
        settings,
        [np.sort(spectra[start_of[cell]].ravel())[::-1] for cell in first],
        {cell: failed[start] for cell, start in start_of.items() if start in failed},
        probe_mark(plan),
    )
    with suppress(StoreError), Store(probed.folder) as store:  # there may be none, or a damaged one
        changes = differences(store, experiment, probed.mark)
        if changes:
            progress.wait(
                f"{probed.folder} has the results of another plan, which stay as they are. The probe has {changes}."
                " To keep the two apart, write the probe to another folder: -o DIR"
            )
    _write_tables(probed)
    return probed


class Seen(NamedTuple):
    """What was seen of the cells of an experiment before training.

    Attributes
    ----------
    plan, starts : sequence of Cell
        Each cell, and what of it bears on its start.
    looks : list of (sequence of Cell, Look)
        Distinct starts, and what was seen of them.
    failed : dict of str to str
        Start -> why it could not be drawn.
    """

    plan: Sequence[Cell]
    starts: Sequence[Cell]
    looks: list[tuple[Sequence[Cell], Look]]
    failed: dict[str, str]


def look_at_starts(
    experiment: Experiment,
    data: SharedData,
    jobs: int = 1,
    *,
    jacobians: bool = True,
    rows_of: int | None = None,
    progress: Progress | None = None,
) -> Seen:
    """Draw the network of every cell of an experiment and look at it without training.

    Parameters
    ----------
    experiment : Experiment
    data : SharedData
    jobs : int, default 1
        Threads.
    jacobians : bool, default True
        Whether to look at Jacobians, which take most of the time.
    rows_of : int, optional
        The seed whose training rows all networks see; the experiment's first one by default.
    progress : Progress, optional

    Raises
    ------
    InitbenchError
        When data cannot be used, or no network can be drawn.
    """
    progress = progress or Progress()
    with progress.working("loading data"):
        plan = make_plan(experiment, data.facts_of(experiment))
        starts = [_start_of(cell, plan[0]) for cell in plan]
        origins = {_origin(start): start for start in starts}
        seed = experiment.seeds[0] if rows_of is None else rows_of
        rows = {o: _training_rows(start, data, seed) for o, start in origins.items()}
    differentiated = max(FEWEST_JACOBIANS, math.ceil(JACOBIANS / len(experiment.seeds))) if jacobians else 0
    failed: dict[str, str] = {}
    stacks = make_stacks(starts, jobs)
    with threadpool_limits(1), progress.working("looking at networks", len(stacks)) as step:
        found = []
        with ThreadPoolExecutor(jobs) as threads:
            look = partial(_look_at, rows=rows, differentiated=differentiated, failed=failed)
            for some in threads.map(look, (stack.cells for stack in stacks)):
                found.append(some)
                step()
    looks = [look for some in found for look in some]
    if not looks:
        raise InitbenchError(f"no network could be drawn: {next(iter(failed.values()))}")
    return Seen(plan, starts, looks, failed)


def _start_of(cell: Cell, other: Cell) -> Cell:
    """The cell with all that has no bearing on its start made equal to that of any other."""
    alike = replace(cell, optimizer=other.optimizer, learning_rate=1.0, batch_size=ROWS, epochs=1, clip_norm=None)
    return replace(alike, dropout=0.0, schedule=CONSTANT, weight_decay=0.0, dtype="float64", factors=())


def _origin(cell: Cell) -> tuple[Any, ...]:
    """What the rows of a cell depend on beside the seed."""
    return cell.dataset, cell.scaling, cell.train_rows


def _training_rows(cell: Cell, data: SharedData, seed: int) -> Rows:
    """The training rows of a seed, in random order: those that an initializer may look at, and the targets of all."""
    dataset, rng = data.open(cell.data.checksum), stream(seed, "split")
    parts = split(dataset, rng, scaling=cell.scaling, train_rows=cell.train_rows, dtype=np.float64)
    targets = one_hot(parts.y_train, cell.data.classes, np.dtype(np.float64))
    return Rows(with_ones(parts.x_train[:BATCH_ROWS])[None], targets[None])


def _look_at(
    cells: Sequence[Cell], rows: Mapping[tuple[Any, ...], Rows], differentiated: int, failed: dict[str, str]
) -> list[tuple[Sequence[Cell], Look]]:
    """Look at a stack; when something fails, at one cell after the other, so that only its cause is left out."""
    try:
        return [(cells, look_at(cells, rows[_origin(cells[0])], ROWS, differentiated))]
    except Exception as error:
        if len(cells) == 1:
            kind = "" if isinstance(error, InitbenchError) else f"{type(error).__name__}: "
            failed[cells[0].key] = " ".join(f"{kind}{error}".split())
            return []
    return [look for cell in cells for look in _look_at((cell,), rows, differentiated, failed)]


def _write_tables(probed: Probe) -> None:
    from initbench.present.tables import csv_text

    try:
        probed.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{probed.folder}: cannot be made: {error.strerror}") from error
    write_text(probed.folder / "probe.csv", csv_text(probed.layers))
    settings = _records(probed.settings)
    for setting, spectrum in zip(settings, probed.spectra, strict=True):
        setting["singular_values"] = [_or_null(value) for value in spectrum.tolist()]
    tables = {"settings": settings, "networks": _records(probed.networks)}
    lines = (f'"{name}": [\n{_json_lines(records)}\n]' for name, records in tables.items())
    write_text(probed.folder / "probe.json", "{" + ",\n".join([f'"plan": "{probed.mark}"', *lines]) + "}\n")


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    columns = [[_or_null(value) for value in frame[name].tolist()] for name in frame]
    return [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def _or_null(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _json_lines(records: list[dict[str, Any]]) -> str:
    return ",\n".join(json.dumps(record, ensure_ascii=False, allow_nan=False) for record in records)


def write_figures(probed: Probe) -> list[Path]:
    """Draw the figures of a probe into ``figures/``, in place of earlier ones; files of a user's own stay.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    StoreError
        When a file cannot be written.
    """
    from initbench.analysis.signals import signal_bands
    from initbench.present.figures.probe import probe_figures

    table, factors = probed.distinct, probed.factors
    bands = signal_bands(probed.layers.drop_duplicates([*factors, "seed", "layer"]), factors)
    figures = probe_figures(table, bands, [probed.spectra[i] for i in table.index], factors)
    return save_figures(probed.folder, figures, "png", probed.mark, lambda name: name.startswith("probe-"))

"""The cells that the store lacks -> stacks -> worker processes -> store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from initbench.config import Experiment, Part
from initbench.contracts import Dataset
from initbench.parts.datasets.facts import FACTS, checksum
from initbench.parts.datasets.loading import load_dataset
from initbench.plan import SWEEPABLE, Cell, DataFacts, Stack, make_plan, make_stacks
from initbench.process import scratch_folder
from initbench.registry import Entry, lookup
from initbench.storage.files import write_text
from initbench.storage.freshness import differences, probe_mark
from initbench.storage.lock import Lock
from initbench.storage.store import Record, Store
from initbench.training.cluster import Cluster
from initbench.training.splits import save_shared
from initbench.training.stack import Keep
from initbench.training.workers import count_epochs, require_parts, train_here, train_in_processes

if TYPE_CHECKING:
    import pandas as pd

Choose = Callable[[tuple[Cell, ...]], tuple[Cell, ...]]


class Progress:
    """What a run reports while it works; this one reports nothing.

    ``start`` gets the number of cells to train and of epochs in all of them, ``advance`` how many of these epochs
    are over, ``wait`` what else there is to know, such as why nothing is trained for now, ``finish`` the records of a
    stack that is done, with its cells, ``decide`` at which look of a race, at how many seeds, what has been decided so
    far and how it stands; see `initbench.analysis.racing.Race`. ``working`` is for all work but training.
    """

    def start(self, cells: int, epochs: int) -> None:
        """Training begins."""

    def advance(self, epochs: int) -> None:
        """So many epochs are over."""

    def wait(self, message: str) -> None:
        """Nothing can be trained for now, what was trained is lost, or the plan is another one than before."""

    def finish(self, cells: Sequence[Cell], records: Sequence[Record]) -> None:
        """A stack is done and stored."""

    def stop(self) -> None:
        """Training is over, or was interrupted."""

    @contextmanager
    def working(self, what: str, steps: int = 0) -> Iterator[Callable[[], None]]:
        """Do other work, of so many steps where that is known; each is told to the function that this gives."""
        yield lambda: None

    def decide(self, look: int, seeds: int, decisions: pd.DataFrame, standings: pd.DataFrame) -> None:
        """A round of a race is over."""


@dataclass
class Outcome:
    """What ``run_experiment`` did.

    Attributes
    ----------
    lock : Lock
        On the folder that the results are in; the run takes it before it writes.
    counts : dict of str to int
        ``planned, done, diverged, failed, missing`` after the run.
    trained : int
        Cells trained now, in all rounds of a race; the others were there already.
    checksums : dict of str to str
        SHA-256 of the content of each data set.
    started, ended : float
        Seconds since 1970; the start is that of the tuning where keys are tuned.
    is_fresh : bool
        Whether earlier results were forgotten.
    """

    lock: Lock
    counts: dict[str, int] = field(default_factory=dict)
    trained: int = 0
    checksums: dict[str, str] = field(default_factory=dict)
    started: float = 0.0
    ended: float = 0.0
    is_fresh: bool = False

    @property
    def folder(self) -> Path:
        """``results/<name>``."""
        return self.lock.folder

    @contextmanager
    def explain_interrupt(self) -> Iterator[None]:
        """Let a KeyboardInterrupt say what is kept, once training has begun."""
        try:
            yield
        except KeyboardInterrupt:
            if not self.counts:
                raise
            again = "the same command without --fresh" if self.is_fresh else "the same command"
            raise KeyboardInterrupt(f"what has finished is kept, and {again} resumes") from None


def load_data(experiment: Experiment, folders: tuple[Path, ...], shared: Path) -> dict[Part, DataFacts]:
    """Load each data set of an experiment once and put it where workers can map it, in ``shared``.

    Raises
    ------
    DataError, MissingDataError
        As the data sets raise them.
    """
    facts = {}
    for part in experiment.choices["dataset"]:
        dataset = load_dataset(part.name, dict(part.parameters), folders)
        digest = checksum(dataset)
        if not (shared / digest).exists():
            save_shared(dataset, shared / digest)
        facts[part] = _facts(digest, dataset)
    return facts


def _facts(digest: str, dataset: Dataset) -> DataFacts:
    rows, columns = dataset.x_train.shape
    return DataFacts(digest, rows, len(dataset.x_test), columns, len(dataset.classes))


class Preview(NamedTuple):
    """What an experiment would train.

    Attributes
    ----------
    plan : tuple of Cell
        All cells that it asks for, those in the results included.
    stacks : list of Stack
        What they would be trained in.
    absent : dict of str to DataFacts
        The data sets that a run would fetch; the plan takes what is known of them.
    """

    plan: tuple[Cell, ...]
    stacks: list[Stack]
    absent: dict[str, DataFacts]


def preview(experiment: Experiment, jobs: int, folders: tuple[Path, ...]) -> Preview:
    """Plan an experiment; nothing is fetched or written."""
    data, absent = {}, {}
    for part in experiment.choices["dataset"]:
        known = FACTS.get(part.name)
        if known and known.place(folders) is None:
            train_rows = known.rows - known.test_rows
            data[part] = DataFacts(known.checksum, train_rows, known.test_rows, known.features, known.classes)
            absent[part.name] = data[part]
        else:
            dataset = load_dataset(part.name, dict(part.parameters), folders)
            data[part] = _facts(checksum(dataset), dataset)
    plan = make_plan(experiment, data)
    return Preview(plan, make_stacks(plan, jobs), absent)


def parts_of(experiments: Iterable[Experiment]) -> list[Entry]:
    """What experiments name for workers to use: all but data sets, which they get as arrays."""
    waiting: list[Any] = [value for some in experiments for values in some.choices.values() for value in values]
    found: list[Entry] = []
    while waiting:
        part = waiting.pop()
        if isinstance(part, Part) and part.kind != "dataset":
            waiting += [value for _, value in part.parameters]  # that of a layer may be an initializer of its own
            found += filter(None, [lookup(part.kind, part.name)])
    return found


def run_experiment(
    experiment: Experiment,
    outcome: Outcome,
    *,
    jobs: int = 1,
    folders: tuple[Path, ...] = (),
    fresh: bool = False,
    fail_fast: bool = False,
    progress: Progress | None = None,
    scheduler: str | None = None,
    choose: Choose = tuple,
    first: Experiment | None = None,
    race: Mapping[str, Any] | None = None,
) -> None:
    """Train every cell that is not in the store yet.

    Parameters
    ----------
    experiment : Experiment
    outcome : Outcome
        Names the folder, ``results/<name>``, which is made if it is missing; told what was done, also when interrupted.
    jobs : int, default 1
        Worker processes; with 1, training happens in this process. With a scheduler, how many workers to expect at
        least.
    folders : tuple of Path
        Where data sets are looked for.
    fresh : bool, default False
        Whether to forget what the store holds.
    fail_fast : bool, default False
        Whether to stop at the first cell that fails.
    progress : Progress, optional
    scheduler : str, optional
        Address of a Dask scheduler, whose workers then train instead.
    choose : callable ``(cells) -> cells``, default all
        Which cells of the product of all lists × seeds the experiment has.
    first : Experiment, optional
        What ``config.yaml`` is to say, where a race goes on from it to the seeds of ``experiment``.
    race : mapping, optional
        The design of a race, for the store to remember.

    Raises
    ------
    InitbenchError
        When data, store or scheduler cannot be used. KeyboardInterrupt passes through; what has finished is kept.
    """
    folder, outcome.started = outcome.folder, outcome.started or time.time()
    progress = progress or Progress()
    with ExitStack() as resources:
        shared = resources.enter_context(scratch_folder())
        cluster = resources.enter_context(Cluster(scheduler)) if scheduler is not None else None
        if cluster or jobs > 1:
            require_parts(parts_of([experiment]), cluster)
        with progress.working("loading data"):
            facts = load_data(experiment, folders, shared)
        outcome.checksums = {str(part): fact.checksum for part, fact in facts.items()}
        plan, shown = choose(make_plan(experiment, facts)), first or experiment
        mark = probe_mark(make_plan(shown, facts))
        outcome.lock.acquire(progress.wait)
        with Store(folder, create=True) as store:
            if fresh:
                store.clear()
                outcome.is_fresh = True
            changes = differences(store, shown, mark, race)
            tuned = dict.fromkeys(experiment.tuned, experiment.tuning_count)
            store.set_plan(plan, experiment.target, tuned=tuned, race=race, probe=mark)
            write_text(folder / "config.yaml", shown.to_yaml())
            if changes:
                kept = f"; {store.unplanned()} cells of earlier plans are kept" if store.unplanned() else ""
                progress.wait(
                    f"{folder}: plan changed: {changes}. Tables show the {len(plan)} cells of this plan{kept}"
                )
            keep = Keep("weights" in experiment.record, "layers" in experiment.record, experiment.seeds[0])
            _fill(store, plan, keep, outcome, shared, jobs, progress, cluster, fail_fast=fail_fast)


def run_together(
    experiments: Sequence[Experiment],
    outcome: Outcome,
    *,
    jobs: int = 1,
    folders: tuple[Path, ...] = (),
    fresh: bool = False,
    progress: Progress | None = None,
    choose: Sequence[Choose] | None = None,
) -> list[tuple[Cell, ...]]:
    """Train the cells of several experiments into one store; those that some of them share are trained once.

    Parameters
    ----------
    experiments : sequence of Experiment
    outcome, jobs, folders, fresh, progress
        As of `run_experiment`.
    choose : sequence of callable ``(cells) -> cells``, optional
        Which cells of the product of all lists × seeds each experiment has; by default all.

    Returns
    -------
    list of tuple of Cell
        Those of each experiment, with all keys that can be swept as factors.

    Raises
    ------
    InitbenchError
        As `run_experiment`.
    """
    outcome.started = outcome.started or time.time()
    progress = progress or Progress()
    if jobs > 1:
        require_parts(parts_of(experiments))
    with scratch_folder() as shared:
        plans = []
        for experiment, chosen in zip(experiments, choose or [tuple] * len(experiments), strict=True):
            with progress.working("loading data"):
                facts = load_data(experiment, folders, shared)
            outcome.checksums |= {str(part): fact.checksum for part, fact in facts.items()}
            plans.append(chosen(make_plan(experiment, facts, columns=SWEEPABLE)))
        whole = tuple({cell.key: cell for plan in plans for cell in plan}.values())
        detailed = {c.key for e, plan in zip(experiments, plans, strict=True) if "layers" in e.record for c in plan}
        outcome.lock.acquire(progress.wait)
        with Store(outcome.folder, create=True) as store:
            if fresh:
                store.clear()
                outcome.is_fresh = True
            store.set_plan(whole, None)
            for layers in (True, False):
                some = tuple(cell for cell in whole if layers == (cell.key in detailed))
                if not some:
                    continue
                keep = Keep(False, layers, experiments[0].seeds[0])
                _fill(store, some, keep, outcome, shared, jobs, progress)
    return plans


def _fill(
    store: Store,
    plan: Sequence[Cell],
    keep: Keep,
    outcome: Outcome,
    shared: Path,
    jobs: int,
    progress: Progress,
    cluster: Cluster | None = None,
    *,
    fail_fast: bool = False,
) -> None:
    """Train the cells of a plan that the store lacks."""
    damaged = store.forget_damaged()
    if damaged:
        progress.wait(f"{store.file}: {damaged} damaged records are forgotten, all others are kept")
    finished = store.finished() - ({cell.key for cell in plan if cell.further} - store.with_further())
    if keep.weights:
        finished = {cell for cell in finished if store.weights_file(cell).exists()}
    if keep.layers:
        finished &= store.with_layers()
    missing = [cell for cell in plan if cell.key not in finished]
    stacks = make_stacks(missing, max(jobs, cluster.threads) if cluster else jobs)
    cells = sum(len(stack.cells) for stack in stacks)
    outcome.trained += cells
    progress.start(cells, count_epochs(stacks))
    if cluster:
        training = cluster.train(stacks, shared, progress.advance, progress.wait, keep)
    elif jobs == 1 or (len(stacks) < 2 and not store.failures()):  # what failed may kill its process again
        training = train_here(stacks, shared, progress.advance, keep)
    else:
        training = train_in_processes(stacks, shared, jobs, progress.advance, progress.wait, keep)
    try:
        with closing(training):  # workers end here, also when an interruption strikes outside of them
            for stack, records in training:
                store.add(records)
                progress.finish(stack.cells, records)
                if fail_fast and any(record.status == "failed" for record in records):
                    break
    finally:
        progress.stop()
        outcome.counts, outcome.ended = store.counts(), time.time()

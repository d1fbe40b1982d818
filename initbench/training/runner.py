"""The cells that the store lacks -> stacks -> worker processes -> store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from initbench.config import Experiment, Part
from initbench.parts.datasets.facts import FACTS
from initbench.parts.datasets.loading import load_dataset
from initbench.plan import SWEEPABLE, Cell, DataFacts, Stack, make_plan, make_stacks
from initbench.process import scratch_folder
from initbench.registry import Entry, lookup
from initbench.storage.files import write_text
from initbench.storage.freshness import differences, probe_mark
from initbench.storage.lock import Lock
from initbench.storage.store import Record, Store
from initbench.training.cluster import Cluster
from initbench.training.estimate import seconds_without_trial
from initbench.training.shared import SharedData, facts_of
from initbench.training.stack import Keep
from initbench.training.workers import Finished, count_epochs, require_parts, train_here, train_in_processes

if TYPE_CHECKING:
    import pandas as pd

START_SECONDS = (
    1.5  # what worker processes take to start: Python, NumPy, SciPy and initbench, at once with their parent
)

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
        """Nothing can be trained for now, what was trained is lost, or the plan is not what one would expect."""

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
    """What a run did with one store.

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
            data[part] = DataFacts(known.checksum, train_rows, known.test_rows, known.row, known.classes)
            absent[part.name] = data[part]
        else:
            data[part] = facts_of(load_dataset(part.name, dict(part.parameters), folders))
    plan = make_plan(experiment, data)
    return Preview(plan, make_stacks(plan, jobs), absent)


def too_long_warmups(cells: Iterable[Cell]) -> list[str]:
    """A sentence for each warmup that ends after training does, with the least steps that networks take."""
    least: dict[Part, int] = {}
    for cell in cells:
        if cell.schedule.name == "warmup":
            rows = cell.train_rows or cell.data.train_rows - ceil(cell.data.train_rows / 10)
            steps = cell.epochs * ceil(rows / cell.batch_size)
            if steps < dict(cell.schedule.parameters)["steps"]:
                least[cell.schedule] = min(steps, least.get(cell.schedule, steps))
    result = "the learning rate stays below that of the config"
    return [
        f"schedule: {schedule} ends after training, which takes {steps} steps of the optimizer: {result}"
        for schedule, steps in least.items()
    ]


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


@dataclass(frozen=True)
class RunOptions:
    """How a run trains, whatever it trains.

    Attributes
    ----------
    jobs : int, default 1
        Worker processes; with 1, training happens in this process. With a scheduler, how many workers to expect at
        least.
    folders : tuple of Path
        Where data sets are looked for.
    fresh : bool, default False
        Whether to forget what the stores hold.
    fail_fast : bool, default False
        Whether to stop at the first cell that fails.
    progress : Progress
    scheduler : str, optional
        Address of a Dask scheduler, whose workers then train instead.
    """

    jobs: int = 1
    folders: tuple[Path, ...] = ()
    fresh: bool = False
    fail_fast: bool = False
    progress: Progress = field(default_factory=Progress)
    scheduler: str | None = None


class Request(NamedTuple):
    """An experiment to train, and which cells of the product of all lists × seeds it has; by default all."""

    experiment: Experiment
    choose: Choose = tuple


class Settled(NamedTuple):
    """What a store notes of the one experiment that it is about.

    Attributes
    ----------
    shown : Experiment
        What ``config.yaml`` says. A race goes on from it to more seeds.
    race : mapping, optional
        The design of the race.
    """

    shown: Experiment
    race: Mapping[str, Any] | None = None


class Runner:
    """Trains what stores lack, once or several times in one run, which loads each data set once.

    Parameters
    ----------
    options : RunOptions

    Raises
    ------
    InitbenchError
        When there is no room for data, or no scheduler answers.
    """

    def __init__(self, options: RunOptions) -> None:
        self.options = options
        self._resources = ExitStack()
        self._emptied: set[Path] = set()
        self._noted: set[str] = set()
        self._has_foreign_parts = True

    def __enter__(self) -> Runner:
        with ExitStack() as resources:
            self.data = SharedData(resources.enter_context(scratch_folder()), self.options.folders)
            scheduler = self.options.scheduler
            self.cluster = None if scheduler is None else resources.enter_context(Cluster(scheduler))
            self._resources = resources.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def train(
        self, requests: Sequence[Request], outcome: Outcome, settled: Settled | None = None
    ) -> list[tuple[Cell, ...]]:
        """Train every cell of some experiments that is not in a store yet; those that some of them share, once.

        Parameters
        ----------
        requests : sequence of Request
        outcome : Outcome
            Names the folder of the store, made if it is missing; is given what was done, also when interrupted.
        settled : Settled, optional
            Of the one experiment that the store is about. Without it, all keys that can be swept are factors.

        Returns
        -------
        list of tuple of Cell
            Those of each experiment.

        Raises
        ------
        InitbenchError
            When data or store cannot be used. KeyboardInterrupt passes through; what has finished is kept.
        """
        outcome.started = outcome.started or time.time()
        progress, parts = self.options.progress, parts_of(request.experiment for request in requests)
        self._has_foreign_parts = any(part.fingerprint for part in parts)
        if self.cluster or self.options.jobs > 1:
            require_parts(parts, self.cluster)
        plans = [self._plan(request, outcome, () if settled else SWEEPABLE) for request in requests]
        self._note(too_long_warmups(cell for plan in plans for cell in plan))
        whole = tuple({cell.key: cell for plan in plans for cell in plan}.values()) if not settled else plans[0]
        outcome.lock.acquire(progress.wait)
        with Store(outcome.folder, create=True) as store:
            self._empty(store, outcome)
            if settled:
                self._settle(store, requests[0].experiment, whole, settled)
            else:
                store.set_plan(whole, None)
            for keep, cells in _by_keep(requests, plans, whole).items():
                self._fill(store, cells, keep, outcome)
        return plans

    def _plan(self, request: Request, outcome: Outcome, columns: tuple[str, ...]) -> tuple[Cell, ...]:
        with self.options.progress.working("loading data"):
            facts = self.data.facts_of(request.experiment)
        outcome.checksums |= {str(part): fact.checksum for part, fact in facts.items()}
        return request.choose(make_plan(request.experiment, facts, columns))

    def _note(self, messages: Iterable[str]) -> None:
        """Report what has not been reported in this run."""
        for message in messages:
            if message not in self._noted:
                self.options.progress.wait(message)
            self._noted.add(message)

    def _empty(self, store: Store, outcome: Outcome) -> None:
        """Forget what a store holds, if that is asked for and has not been done in this run."""
        if self.options.fresh and store.folder not in self._emptied:
            store.clear()
            self._emptied.add(store.folder)
        outcome.is_fresh = store.folder in self._emptied

    def _settle(self, store: Store, experiment: Experiment, plan: tuple[Cell, ...], settled: Settled) -> None:
        """Note the plan of an experiment, and report how it differs from the one before."""
        shown, race = settled
        mark = probe_mark(make_plan(shown, self.data.facts_of(shown)))
        changes = differences(store, shown, mark, race)
        tuned = dict.fromkeys(experiment.tuned, experiment.tuning_count)
        store.set_plan(plan, experiment.target, tuned=tuned, race=race, probe=mark)
        write_text(store.folder / "config.yaml", shown.to_yaml())
        if changes:
            kept = f"; {store.unplanned()} cells of earlier plans are kept" if store.unplanned() else ""
            self.options.progress.wait(
                f"{store.folder}: plan changed: {changes}. Tables show the {len(plan)} cells of this plan{kept}"
            )

    def _fill(self, store: Store, plan: Sequence[Cell], keep: Keep, outcome: Outcome) -> None:
        """Train the cells of a plan that the store lacks."""
        progress = self.options.progress
        missing = _missing(store, plan, keep, progress)
        jobs = self._jobs(missing, store)
        stacks = make_stacks(missing, jobs)
        cells = sum(len(stack.cells) for stack in stacks)
        outcome.trained += cells
        progress.start(cells, count_epochs(stacks))
        try:
            with closing(self._training(stacks, jobs, keep)) as training:  # workers end here, also when interrupted
                for stack, records in training:
                    store.add(records)
                    progress.finish(stack.cells, records)
                    if self.options.fail_fast and any(record.status == "failed" for record in records):
                        break
        finally:
            progress.stop()
            outcome.counts, outcome.ended = store.counts(), time.time()

    def _jobs(self, cells: Sequence[Cell], store: Store) -> int:
        """In how many processes cells are trained: in this one alone where others would save less than their start.

        A part from outside may kill its process, and so may a cell that failed before: these get one of their own.
        """
        jobs = self.options.jobs
        if self.cluster:
            return max(jobs, int(self.cluster.threads))
        if jobs == 1 or store.failures():
            return jobs
        if len(make_stacks(cells, jobs)) < 2:
            return 1
        if self._has_foreign_parts:
            return jobs
        saved = (1 - 1 / jobs) * seconds_without_trial(make_stacks(cells))
        return jobs if saved > START_SECONDS else 1

    def _training(self, stacks: list[Stack], jobs: int, keep: Keep) -> Finished:
        """The records of stacks, from where they are trained."""
        progress, place = self.options.progress, self.data.place
        if self.cluster:
            return self.cluster.train(stacks, place, progress.advance, progress.wait, keep)
        if jobs == 1:
            return train_here(stacks, place, progress.advance, keep)
        return train_in_processes(stacks, place, jobs, progress.advance, progress.wait, keep)


def _by_keep(
    requests: Sequence[Request], plans: Sequence[tuple[Cell, ...]], whole: tuple[Cell, ...]
) -> dict[Keep, tuple[Cell, ...]]:
    """All cells by what is to be kept of them; those of which most is kept come first."""
    recorded: dict[str, set[str]] = {"weights": set(), "layers": set()}
    for request, plan in zip(requests, plans, strict=True):
        for name in recorded.keys() & set(request.experiment.record):
            recorded[name] |= {cell.key for cell in plan}
    found: dict[Keep, list[Cell]] = {}
    for cell in whole:
        kinds = (cell.key in recorded["weights"], cell.key in recorded["layers"])
        found.setdefault(Keep(*kinds, requests[0].experiment.seeds[0]), []).append(cell)
    return {keep: tuple(found[keep]) for keep in sorted(found, reverse=True)}


def _missing(store: Store, plan: Sequence[Cell], keep: Keep, progress: Progress) -> list[Cell]:
    """The cells of a plan that the store lacks, or of which it lacks what is to be kept."""
    damaged = store.forget_damaged()
    if damaged:
        progress.wait(f"{store.file}: {damaged} damaged records are forgotten, all others are kept")
    finished = store.finished() - ({cell.key for cell in plan if cell.further} - store.with_further())
    if keep.weights:
        finished = {cell for cell in finished if store.weights_file(cell).exists()}
    if keep.layers:
        finished &= store.with_layers()
    return [cell for cell in plan if cell.key not in finished]

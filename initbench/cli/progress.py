"""What commands show: progress on stderr while they work; the plan and results of ``initbench run`` on stdout."""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import click
from tqdm import tqdm

from initbench.cli.wrapping import list_names, paragraphs
from initbench.config import Experiment
from initbench.errors import command_line
from initbench.plan import Cell, Stack
from initbench.process import shows_bars, usable_cores
from initbench.results.tables import Results
from initbench.storage.freshness import is_drawn, out_of_date
from initbench.storage.store import Record
from initbench.training.estimate import timed_epoch, training_seconds
from initbench.training.runner import Preview, Progress
from initbench.training.workers import count_epochs

if TYPE_CHECKING:
    import pandas as pd

    from initbench.analysis.racing import RaceDesign

SECONDS_BETWEEN_LINES = 5.0
SECONDS_OF_SILENCE = 1.0  # what takes less says nothing
TERMINAL_SILENCE = 0.3  # there a bar goes away again, and with the imports it comes within 0.5 s
WRITTEN = (".csv", ".json", ".md", ".sqlite", ".yaml")
MOST_TOLD = 6  # sentences at the end of a run
START_SECONDS = 4.0  # of a run besides training: imports, worker processes, data, tables


class ProgressBar(Progress):
    """A progress bar on a terminal; elsewhere a line every few seconds."""

    def __init__(self) -> None:
        self.done = self.cells = 0
        self.scores: dict[tuple[tuple[str, Any], ...], list[float]] = defaultdict(list)
        self.is_terminal = shows_bars()
        self.bar: Any = None

    def start(self, cells: int, epochs: int) -> None:
        """Open the bar."""
        self.cells, self.epochs, self.over, self.done = cells, epochs, 0, 0
        self.spoke = self.began = time.monotonic()
        self.scores.clear()
        if not cells:
            click.echo("nothing to train: every cell is in the results already", err=True)
        elif self.is_terminal:
            layout = "{percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} epochs, {remaining} left{postfix}"
            self.bar = tqdm(total=epochs, bar_format=layout, dynamic_ncols=True, file=sys.stderr)
            self.bar.set_postfix_str(self.words())
        else:
            click.echo(f"training {cells} cells, {epochs} epochs in total", err=True)

    def words(self) -> str:
        """Cells done, and the best mean accuracy so far."""
        text = f"{self.done}/{self.cells} cells"
        if self.scores:
            means = {factors: sum(scores) / len(scores) for factors, scores in self.scores.items()}
            best = max(means, key=lambda factors: means[factors])
            text += f", best so far {dict(best)['initializer']} {means[best]:.1%}"
        return text

    def advance(self, epochs: int) -> None:
        """Move the bar, or write a line if the last one is some seconds old."""
        self.over = epochs
        if self.bar is not None:
            self.bar.update(epochs - self.bar.n)
        elif time.monotonic() - self.spoke > SECONDS_BETWEEN_LINES:
            self.say()

    def say(self) -> None:
        """Write a plain line."""
        self.spoke = time.monotonic()
        left = ""
        if self.over:
            left = f"{(self.spoke - self.began) * (self.epochs - self.over) / self.over:.0f} s left, "
        click.echo(f"{self.over}/{self.epochs} epochs, {left}{self.words()}", err=True)

    def wait(self, message: str) -> None:
        """Write what is waited for, above the bar if there is one."""
        tqdm.write(message, file=sys.stderr)

    def finish(self, cells: Sequence[Cell], records: Sequence[Record]) -> None:
        """Count a stack that is done."""
        self.done += len(cells)
        for cell, record in zip(cells, records, strict=True):
            if record.status == "ok" and record.curves is not None:
                self.scores[cell.factors].append(float(record.curves[-1, -1]))
        if self.bar is not None:
            self.bar.set_postfix_str(self.words())

    def stop(self) -> None:
        """Close the bar."""
        if self.bar is not None:
            self.bar.close()
            self.bar = None
        elif self.cells:
            self.say()

    @contextmanager
    def working(self, what: str, steps: int = 0) -> Iterator[Callable[[], None]]:
        """Show that work goes on: a bar on a terminal, else a line now and then; the steps are counted if known."""
        is_over, done = Event(), [0]

        def step() -> None:
            done[0] += 1

        def show() -> None:
            if is_over.wait(TERMINAL_SILENCE if self.is_terminal else SECONDS_OF_SILENCE):
                return
            if self.is_terminal:
                layout = "{desc} |{bar}| {n_fmt}/{total_fmt}, {elapsed}" if steps else "{desc}, {elapsed}"
                with tqdm(total=steps, desc=what, bar_format=layout, dynamic_ncols=True, leave=False) as bar:
                    while not is_over.wait(SECONDS_OF_SILENCE):
                        bar.n = done[0]
                        bar.refresh()
                return
            began, text = time.monotonic(), what
            while True:
                click.echo(text, err=True)
                if is_over.wait(SECONDS_BETWEEN_LINES):
                    return
                counted = f", {done[0]}/{steps}" if steps else ""
                text = f"{what}{counted}, {time.monotonic() - began + SECONDS_OF_SILENCE:.0f} s"

        watcher = Thread(target=show, daemon=True)
        watcher.start()
        try:
            yield step
        finally:
            is_over.set()
            watcher.join()

    def decide(self, look: int, seeds: int, decisions: pd.DataFrame, standings: pd.DataFrame) -> None:
        """Write who was dropped in a round, and why."""
        from initbench.present.races import round_sentence  # here, since it takes longer to import than a small run

        click.echo(round_sentence(look, seeds, decisions, standings), err=True)


def describe_plan(experiment: Experiment, preview: Preview, jobs: int) -> str:
    """What ``--dry-run`` prints: totals and the time first, then the choices and each cell."""
    first = experiment.tuning if experiment.tuned else experiment
    settings = prod(map(len, first.choices.values()))
    stacks, networks = preview.stacks, sum(len(stack.cells) for stack in preview.stacks)
    lines = [f"{experiment.name}: {count_cells(experiment)}"] if experiment.tuned else []
    if experiment.tuned:
        combinations = prod(len(experiment.choices[key]) for key in experiment.tuned)
        each = f"{combinations} × {experiment.tuning_count} tuning cells and up to 2 at the chosen values"
        lines.append(f"cost: {each} for each initializer, setting and seed")
    lines += [
        f"{first.name}: {len(preview.plan)} cells (settings × seeds: {settings} × {len(first.seeds)})",
        f"totals: {len(preview.plan)} cells, {len(stacks)} stacks, {networks} networks, {count_epochs(stacks)} epochs",
        f"time: {_time(stacks, jobs, experiment.size / first.size if experiment.tuned else 0)}",
    ]
    lines += [
        f"data: {name} is not downloaded yet; it has {facts.train_rows:,} + {facts.test_rows:,} rows,"
        f" {facts.features} features, {facts.classes} classes"
        for name, facts in preview.absent.items()
    ]
    choices = {
        key: ", ".join("all" if key == "train_rows" and v is None else _plain(v) for v in values)
        for key, values in first.choices.items()
    }
    lines.append(list_names(choices | {"epochs": str(first.epochs)}, indent="  "))
    heights = Counter(len(stack.cells) for stack in stacks)
    shown = ", ".join(f"{count} × {height} networks" for height, count in sorted(heights.items(), reverse=True))
    lines += [f"stacks: {shown}", "cells:"]
    for cell in preview.plan:
        factors = ", ".join(f"{key} {_plain(value)}" for key, value in cell.factors)
        lines.append(f"  {cell.key}  {factors}, seed {cell.seed}")
    return "\n".join(lines)


def _time(stacks: Sequence[Stack], jobs: int, second_stage: float) -> str:
    """How long a run takes, in words; ``second_stage`` is what follows tuning, in units of the latter."""
    workers = min(jobs, usable_cores())
    try:
        seconds = training_seconds(stacks, workers, timed_epoch)
    except Exception as error:  # a part from outside may fail, as it would in the run
        return f"unknown; timing a few steps failed: {type(error).__name__}: {error}"
    words = duration(START_SECONDS + (1 + second_stage) * seconds)
    return f"roughly {words} with {jobs} job{'s' if jobs > 1 else ''}, estimated from a few training steps timed here"


def duration(seconds: float) -> str:
    """A rough time.

    Examples
    --------
    >>> duration(3.3), duration(52), duration(312), duration(40_000)
    ('3 s', '52 s', '5 min', '11 h')
    """
    if seconds < 90:
        return f"{max(1, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.0f} h"


def describe_design(design: RaceDesign, experiment: Experiment) -> str:
    """What ``--dry-run`` prints of a race."""
    most = design.max_seeds * design.initializers * design.settings
    tuning = design.max_seeds * experiment.tuning.size // len(experiment.seeds) if experiment.tuned else 0
    return (
        f"these are the first round of a race of {design.looks} rounds at most, up to {design.max_seeds} seeds or"
        f" {most} cells{f' and {tuning} to tune' if tuning else ''}; each single test is at level {design.level:.2g}"
    )


def count_cells(experiment: Experiment) -> str:
    """How many cells an experiment has, where keys are tuned of both its stages."""
    if not experiment.tuned:
        return f"{experiment.size} cells"
    keys = " and ".join(experiment.tuned)
    return f"{experiment.tuning.size} cells to tune {keys}, then {experiment.size} cells at the chosen values"


def _plain(value: object) -> str:
    if value is None:
        return "null"
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


def describe_results(results: Results) -> str:
    """The accuracy table, what it shows, and where everything lies."""
    from initbench.results.summary import summary_of

    names = ", ".join(sorted(file.name for file in results.folder.iterdir() if file.suffix in WRITTEN))
    summary = summary_of(results)
    told = summary.sentences
    if len(told) > MOST_TOLD:
        told[MOST_TOLD:] = [f"{len(told) - MOST_TOLD} more: {command_line('compare', results.folder)}"]
    stale = out_of_date(results.folder)
    lines = [f"results: {results.folder}/ ({names})", *map(str, stale)]
    plot = command_line("plot", results.folder)
    if summary.has_curves and not is_drawn(results.folder) and plot not in [each.command for each in stale]:
        lines.append(f"figures: {plot}")
    tuning = f"{summary.tuning}\n" if summary.tuning else ""
    return f"{summary.accuracy['text']}\n{tuning}{paragraphs(told)}" + "\n".join(lines)

"""The results of an experiment as tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from initbench.config.experiment import tuning_seeds
from initbench.errors import StoreError, command_line
from initbench.plan import TUNED
from initbench.storage.folders import TUNING
from initbench.storage.freshness import has_probe, tables_mark
from initbench.storage.store import Frames, Store

if TYPE_CHECKING:
    import pandas as pd

    from initbench.analysis.racing import Race, RaceDesign
    from initbench.analysis.ranks import Ranking, Scores


class Results:
    """The tables of one experiment.

    Attributes
    ----------
    folder : Path
    runs, curves, accuracy, comparison : pandas.DataFrame
        With the columns of ``runs.csv``, ``curves.csv``, ``accuracy.csv`` and ``comparison.csv``.
    evidence : pandas.DataFrame
        ``comparison`` and what stands behind it, with a sentence a pair; see
        `initbench.analysis.comparisons.comparison_table`.
    layers : pandas.DataFrame
        With the columns of ``layers.csv``, and ``distance``, that of the weights from their start over the norm of
        these; empty where no layers were recorded.
    histograms : pandas.DataFrame
        Of the first seed: factors, ``seed, cell, epoch, layer, quantity`` (``activation`` or ``gradient``), ``limit``
        and ``counts`` in 41 bins of equal width from minus to plus the limit.
    predictors : pandas.DataFrame
        With the columns of ``predictors.csv``.
    decisions : pandas.DataFrame
        With the columns of ``decisions.csv``; empty where nothing raced or nothing is decided yet.
    race : initbench.analysis.racing.Race or None
        Its decisions and how it stands, of a run until decided.
    design : initbench.analysis.racing.RaceDesign or None
        What was settled before that race began.
    ranking : initbench.analysis.ranks.Ranking
        The initializers over all settings: ``ranking.table`` with the columns of ``ranks.csv``, and
        ``ranking.profiles``; empty where there are fewer than two settings or initializers.
    tuning, choices, tried : pandas.DataFrame
        With the columns of ``tuning.csv``, ``choices.csv`` and ``tried.csv``: how often each value of a tuned key was
        chosen, what each seed has chosen, and what each value that was tried gave; empty where nothing was tuned.
    tuning_results : Results or None
        Of the experiment that tuned, ``results/<name>/tuning``.
    tuning_count : int or None
        How many tuning seeds each seed has; None where nothing was tuned, or one choice was made for all seeds, as
        initbench once did.
    mark : str
        Of what the tables show; see `initbench.storage.freshness`.
    """

    def __init__(
        self,
        folder: Path,
        read: Callable[[], tuple[Frames, tuple[pd.DataFrame, pd.DataFrame]]],
        target: float | None,
        counts: dict[str, int],
        design: RaceDesign | None = None,
        tuned: Sequence[str] = (),
        tuning_count: int | None = None,
        mark: str = "",
    ) -> None:
        self.folder, self._read, self.target, self.counts = folder, read, target, counts
        self.design, self.tuned, self.tuning_count, self.mark = design, tuned, tuning_count, mark

    @cached_property
    def _tables(self) -> tuple[Frames, tuple[pd.DataFrame, pd.DataFrame]]:
        return self._read()

    def read(self) -> Results:
        """Read the store now, so that what a run adds later is not seen; the results themselves."""
        self._tables = self._read()
        return self

    @property
    def frames(self) -> Frames:
        """The tables of the store, before any statistics."""
        return self._tables[0]

    @property
    def runs(self) -> pd.DataFrame:
        """A row a cell."""
        return self.frames.runs

    @property
    def curves(self) -> pd.DataFrame:
        """A row a cell and epoch."""
        return self.frames.curves

    @property
    def layers(self) -> pd.DataFrame:
        """A row a cell, epoch and layer."""
        return self._tables[1][0]

    @property
    def histograms(self) -> pd.DataFrame:
        """A row a cell of the first seed, epoch, layer and quantity."""
        return self._tables[1][1]

    @property
    def caption(self) -> str:
        """The warning above a table of incomplete results; empty for complete ones."""
        lacking = self.counts["missing"] + self.counts["failed"]
        planned = self.counts["planned"]
        return f"incomplete: {planned - lacking} of {planned} cells are done" if lacking else ""

    @property
    def cautions(self) -> list[str]:
        """What the comparison of these results takes no account of."""
        found = []
        if self.design is not None:
            found.append(
                "a race looks at its results in rounds, and these p take no account of it: quote decisions.csv"
            )
        if self.tuned and self.tuning_count is None:
            found.append(
                f"{', '.join(self.tuned)} tuned once for all seeds, so the luck of that choice may look like a "
                "difference of the initializers; run it again to tune each seed"
            )
        return found

    @property
    def failure(self) -> str:
        """How many cells failed, tuning included, and why the first did; empty where none did."""
        tuning = self.tuning_results if (self.folder / TUNING / "runs.sqlite").is_file() else None
        errors = [error for part in (tuning, self) if part for error in part.runs["error"].dropna()]
        look = f"all reasons: {command_line('status', self.folder)}"
        return f"{len(errors)} cells failed: {errors[0]} ({look})" if errors else ""

    @cached_property
    def accuracy(self) -> pd.DataFrame:
        """A row an initializer and setting, best first."""
        from initbench.analysis.summaries import accuracy_table

        frames = self.frames
        return accuracy_table(frames.runs, frames.curves, frames.baselines, frames.factors, self.target)

    @property
    def comparison(self) -> pd.DataFrame:
        """A row a pair of initializers within a setting."""
        from initbench.analysis.comparisons import DETAILS

        return self.evidence.drop(columns=[*DETAILS, "sentence"])

    @cached_property
    def evidence(self) -> pd.DataFrame:
        """The comparison with effect sizes, how many trained, the noise of the test rows, and a sentence a pair."""
        return self.compare()

    def compare(self, margin: float | None = None) -> pd.DataFrame:
        """The evidence, where a pair whose difference surely lies within the margin (a fraction) is ``equivalent``."""
        from initbench.analysis.comparisons import comparison_table
        from initbench.present.labels import settings, swept
        from initbench.present.sentences import pair_sentence

        table = comparison_table(self.frames.runs, self.frames.baselines, self.frames.factors, margin)
        where = settings(table, swept(table, [factor for factor in self.frames.factors if factor != "initializer"]))
        sentences = [pair_sentence(row) for row in table.to_dict("records")]
        told = [f"{name}: {sentence}" if name else sentence for name, sentence in zip(where, sentences, strict=True)]
        return table.assign(sentence=told)

    def conclude(self, evidence: pd.DataFrame) -> list[str]:
        """What each setting ends with, a sentence each: by the evidence that `compare` gives, or as its race ended."""
        from initbench.present.races import race_sentences
        from initbench.present.sentences import setting_sentences

        if self.race and self.design:  # its decisions allow for repeated looks, which the evidence knows nothing of
            return race_sentences(*self.race[:2], self.design.max_seeds, self.design.margin)
        return setting_sentences(evidence, self.accuracy, self.frames.factors)

    @cached_property
    def race(self) -> Race | None:
        """Its decisions and how it stands, of a run until decided."""
        from initbench.analysis.racing import race_table

        if self.design is None:
            return None
        frames, is_complete = self.frames, not self.counts["missing"]
        return race_table(frames.runs, frames.baselines, frames.factors, self.design, is_complete=is_complete)

    @property
    def decisions(self) -> pd.DataFrame:
        """A row a decision of a race."""
        import pandas as pd

        return self.race.decisions if self.race else pd.DataFrame()

    @cached_property
    def ranking(self) -> Ranking:
        """The initializers over all settings: ranks, interquartile means, performance profiles."""
        from initbench.analysis.ranks import ranking

        return ranking(self.runs_to_rank, self.frames.baselines, self.frames.factors)

    @cached_property
    def scores(self) -> Scores:
        """The scores of the settings that count, as `write_export` writes them for other programs."""
        from initbench.analysis.ranks import scores_for_others

        return scores_for_others(self.runs_to_rank, self.frames.baselines, self.frames.factors)

    @property
    def runs_to_rank(self) -> pd.DataFrame:
        """The runs without those at common values of tuned keys, whose settings are the same as the tuned ones."""
        runs = self.runs
        for key in self.tuned:
            runs = runs[runs[key] == TUNED]
        return runs

    @cached_property
    def predictors(self) -> pd.DataFrame:
        """A row a diagnostic of the start and an outcome: how well the one ranks the cells by the other."""
        from initbench.analysis.predictors import predictor_table, step_zero

        frames = self.frames
        diagnostics = step_zero(self.layers, frames.curves)
        return predictor_table(diagnostics, frames.runs, frames.baselines, frames.factors, self._probed())

    @cached_property
    def tuning_results(self) -> Results | None:
        """What the tuned keys were chosen by."""
        return load(self.folder / TUNING) if self.tuned else None

    @cached_property
    def tried(self) -> pd.DataFrame:
        """A row an initializer, setting and combination of tuned values."""
        import pandas as pd

        from initbench.analysis.tuning import tried_table

        if self.tuning_results is None:
            return pd.DataFrame()
        frames = self.tuning_results.frames
        return tried_table(frames.runs, frames.baselines, frames.factors)

    @cached_property
    def choices(self) -> pd.DataFrame:
        """A row an initializer, setting, tuned key and seed."""
        import pandas as pd

        from initbench.analysis.tuning import choices_table

        if self.tuning_results is None:
            return pd.DataFrame()
        frames, seeds = self.tuning_results.frames, self.runs["seed"].unique().tolist()
        if self.tuning_count is None:
            by_seed = dict.fromkeys(seeds, tuple(frames.runs["seed"].unique().tolist()))
        else:
            by_seed = tuning_seeds(seeds, self.tuning_count)
        return choices_table(frames.runs, frames.baselines, frames.factors, self.tuned, by_seed)

    @cached_property
    def tuning(self) -> pd.DataFrame:
        """A row an initializer, setting and tuned key."""
        from initbench.analysis.tuning import how_often, tuning_table
        from initbench.present.tuning import add_words

        if self.tuning_results is None:
            return self.tried
        table = tuning_table(self.choices, self.tried, self.tuning_results.frames.factors, self.tuned)
        return add_words(table, how_often(self.choices, "tuned"), how_often(self.choices, "common"))

    def _probed(self) -> pd.DataFrame | None:
        """What ``initbench probe`` adds to the diagnostics, if it has looked at this plan: Jacobians of its cells."""
        import pandas as pd

        file = self.folder / "probe.json"
        if not file.is_file():
            return None
        names = ["jacobian_mean_square", "jacobian_relative_variance", "jacobian_condition"]
        try:
            networks = json.loads(file.read_text(encoding="utf-8"))["networks"]
            probed = pd.DataFrame(networks, columns=["cell", *names]).drop_duplicates("cell")
            probed = probed[probed["cell"].isin(self.runs["cell"])].astype(dict.fromkeys(names, float))
            return probed if has_probe(self.folder) else None
        except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
            raise StoreError(f"{file}: not as initbench probe writes it ({error}); run that again") from None

    def __repr__(self) -> str:
        return f"<initbench.Results {str(self.folder)!r}: {len(self.runs)} cells>"


def load(path: str | Path) -> Results:
    """Read the results of an experiment.

    Parameters
    ----------
    path : str or Path
        ``results/<name>``.

    Returns
    -------
    Results

    Raises
    ------
    StoreError
        When there are none.
    """
    results = open_results(Path(path))
    return results.read()


def open_results(folder: Path) -> Results:
    """Results whose store is read when a table is asked for; `load` reads it at once."""

    def read() -> tuple[Frames, tuple[pd.DataFrame, pd.DataFrame]]:
        with Store(folder) as store:
            return store.frames(), store.layers()

    with Store(folder) as store:
        mark = tables_mark(folder)  # first, so that what a run adds meanwhile leaves it behind
        target, race, tuned = (json.loads(store.about(key) or "null") for key in ("target", "race", "tuned"))
        design = None
        if race:
            from initbench.analysis.racing import RaceDesign

            design = RaceDesign(**race)
        # Stores from before each seed tuned for itself hold a list of the keys.
        count = next(iter(tuned.values()), None) if isinstance(tuned, dict) else None
        return Results(folder, read, target, store.counts(), design, tuple(tuned or ()), count, mark)

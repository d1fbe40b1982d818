"""The store of an experiment: one SQLite file, a transaction for what has finished."""

from __future__ import annotations

import json
import math
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from initbench.contracts import LAYER_METRICS, METRICS, OPTIONAL_METRICS, Array
from initbench.errors import StoreError, command_line
from initbench.plan import Cell

if TYPE_CHECKING:
    import pandas as pd
from initbench.storage.files import write_aside
from initbench.storage.folders import results_nearby

LAYOUT = 2  # of the file; a higher one was written by a newer initbench, and 1 had no checksums
SCHEMA = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS plan (
    position INTEGER PRIMARY KEY, cell TEXT NOT NULL, seed INTEGER NOT NULL, epochs INTEGER NOT NULL,
    factors TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS records (
    cell TEXT PRIMARY KEY, status TEXT NOT NULL, diverged_epoch INTEGER, wall_seconds REAL NOT NULL, error TEXT,
    test_majority REAL, valid_majority REAL, test_rows INTEGER, curves BLOB, checksum TEXT
);
CREATE TABLE IF NOT EXISTS layers (
    cell TEXT PRIMARY KEY, count INTEGER NOT NULL, metrics BLOB NOT NULL, limits BLOB, bins BLOB, checksum TEXT
);
CREATE TABLE IF NOT EXISTS further (
    cell TEXT PRIMARY KEY, test_auc REAL, steps_to_target INTEGER, checksum TEXT
);
"""
# What checksums are of; a text is taken as bytes, since a damaged one may be no text.
SEALED = {
    "records": "CAST(cell AS BLOB), CAST(status AS BLOB), diverged_epoch, wall_seconds, CAST(error AS BLOB),"
    " test_majority, valid_majority, test_rows, curves",
    "layers": "CAST(cell AS BLOB), count, metrics, limits, bins",
    "further": "CAST(cell AS BLOB), test_auc, steps_to_target",
}
LOST = "put a copy in its place, or move it away and run again to train all anew"
PLAN_DAMAGED = "the plan is damaged; the records are kept, and to plan anew"
# What a forged file can hold beside plain tables, and a query would run: a view may have no end.
STRANGE = """
SELECT type || ' ' || name FROM sqlite_master WHERE type IN ('view', 'trigger')
UNION ALL SELECT 'virtual table ' || name FROM sqlite_master WHERE type = 'table' AND rootpage = 0
UNION ALL SELECT 'computed column ' || c.name FROM sqlite_master t JOIN pragma_table_xinfo(t.name) c
    WHERE t.type = 'table' AND c.hidden != 0
"""
STEPS_A_LOOK = 100_000  # of SQLite's machine, after which it asks whether to go on
STEPS_A_BYTE = 2  # of the file, that a query may take; ours take less than 0.1
FEWEST_STEPS = 1_000_000
NOTES = ("target", "tuned", "race")  # of the plan, beside its cells
# What has failed now does not take the place of what was finished before.
KEEP = """
INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL) ON CONFLICT (cell) DO UPDATE SET
    status = excluded.status, diverged_epoch = excluded.diverged_epoch, wall_seconds = excluded.wall_seconds,
    error = excluded.error, test_majority = excluded.test_majority, valid_majority = excluded.valid_majority,
    test_rows = excluded.test_rows, curves = excluded.curves, checksum = NULL
    WHERE excluded.status != 'failed' OR records.status = 'failed'
"""


class LayerRecord(NamedTuple):
    """What was told of a network's layers; see `initbench.engine.diagnostics.LayerLog`.

    Attributes
    ----------
    metrics : ndarray of float64, shape (epochs + 1, layers, 11)
        ``LAYER_METRICS``.
    limits, bins : ndarray, shapes (2, layers, 2) of float64 and (2, layers, 2, 41) of int32, or None
        Histograms of activations and of gradients, before training and after the last epoch.
    """

    metrics: Array
    limits: Array | None = None
    bins: Array | None = None


class Record(NamedTuple):
    """What training one cell gave.

    Attributes
    ----------
    cell : str
        The cell's key.
    status : ``"ok"``, ``"diverged"`` or ``"failed"``
    curves : ndarray of float64, shape (epochs + 1, 6), or None for a failed cell
        ``METRICS``; nan from the epoch of divergence on.
    diverged_epoch : int or None
    wall_seconds : float
        The cell's share of its stack's time.
    test_majority, valid_majority : float or None
        Accuracy of always answering the majority class of the training rows.
    test_rows : int or None
    error : str
        Why a failed cell failed.
    weights : dict of str to ndarray, optional
        All that the network trains, in the end: ``weights_0, biases_0, weights_1 ...``, and where it has them
        ``gains_0, offsets_0, slopes_0, scales_1 ...``; a second one of the same layer is ``gains_2_0``. See
        `initbench.contracts.Network`.
    layers : LayerRecord, optional
    further : mapping of str to float, optional
        The cell's numbers among ``OPTIONAL_METRICS``: nan where there is none, -1 steps for a target never reached.
    """

    cell: str
    status: str
    curves: Array | None
    diverged_epoch: int | None
    wall_seconds: float
    test_majority: float | None = None
    valid_majority: float | None = None
    test_rows: int | None = None
    error: str = ""
    weights: dict[str, Array] | None = None
    layers: LayerRecord | None = None
    further: Mapping[str, float] | None = None


class Frames(NamedTuple):
    """The tables of an experiment, with the columns of docs/contract.md, and what summaries need besides.

    Attributes
    ----------
    runs : DataFrame
        A row a finished cell, in the order of the plan; ends with the ``OPTIONAL_METRICS`` that the experiment has.
    curves : DataFrame
        A row a cell and epoch.
    baselines : DataFrame
        A row a cell: ``cell, test_majority, valid_majority, test_rows``.
    factors : list of str
        The columns that every table begins with.
    """

    runs: pd.DataFrame
    curves: pd.DataFrame
    baselines: pd.DataFrame
    factors: list[str]


class Store:
    """The results of one experiment.

    Parameters
    ----------
    folder : Path
        ``results/<name>``.
    create : bool
        Whether to make what is missing.

    Raises
    ------
    StoreError
        When there is nothing there, or it cannot be read or written.
    """

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        self.folder, self.file = folder, folder / "runs.sqlite"
        if not create and not self.file.is_file():
            what = "is no folder of results (it has no runs.sqlite)" if folder.exists() else "does not exist"
            raise StoreError(f"{folder} {what}; {results_nearby(folder)}")
        try:
            if create:
                folder.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.file, timeout=60, isolation_level=None)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{self.file}: cannot be opened: {error}") from error
        self._steps = math.inf  # that are left to the present query
        self._connection.set_progress_handler(self._is_over, STEPS_A_LOOK)
        try:
            self._connection.create_function("checksum", -1, _checksum, deterministic=True)
            if self.file.is_symlink():
                raise StoreError(
                    f"{self.file}: is a link, and nothing is written through one; put the file itself there"
                )
            if not self._has("about") and self._rows("SELECT 1 FROM sqlite_master"):
                raise StoreError(f"{self.file}: is a database of another program; move it away")
            for (name,) in self._rows(STRANGE):
                raise StoreError(f"{self.file}: holds the {name}, which initbench never makes; {LOST}")
            layout = (self.about("layout") if self._has("about") else None) or "0"
            if not str(layout).isdecimal():
                raise StoreError(f"{self.file}: cannot be read: its layout is {layout!r}; {LOST}")
            self.layout = int(layout)
            if self.layout > LAYOUT:
                hint = "update initbench to read it; nothing was changed"
                raise StoreError(f"{self.file}: written by a newer initbench (layout {self.layout}); {hint}")
            if create:
                self._prepare()
            elif not self.layout:
                raise StoreError(f"{self.file}: is empty; to train what it lost or never had: initbench run CONFIG")
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        """Make what is missing, and bring the layout up to date; records are durable once their transaction ends.

        SQLite's journal (not WAL, which needs shared memory that network folders lack) is one file beside the store;
        EXTRA also syncs the folder after a transaction, so that not even a power cut takes a finished one back.
        """
        with self._transaction() as connection:
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            if self.layout < LAYOUT:
                for table, columns in SEALED.items():
                    if not self._rows("SELECT 1 FROM pragma_table_info(?) WHERE name = 'checksum'", (table,)):
                        connection.execute(f"ALTER TABLE {table} ADD COLUMN checksum TEXT")
                    connection.execute(f"UPDATE {table} SET checksum = checksum({columns})")
                connection.execute("INSERT OR REPLACE INTO about VALUES ('layout', ?)", (str(LAYOUT),))
        self.layout = LAYOUT
        self._rows("PRAGMA synchronous = EXTRA")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        self._steps = max(FEWEST_STEPS, STEPS_A_BYTE * self.file.stat().st_size)
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            reason = "a query runs longer than the whole file could take" if self._steps < 0 else error
            if str(reason) == "interrupted":  # a signal came as SQLite asked whether to go on
                raise KeyboardInterrupt from None
            raise StoreError(f"{self.file}: cannot be read: {reason}; {LOST}") from error
        finally:
            self._steps = math.inf

    def _is_over(self) -> bool:
        """Whether the present query has taken more steps than an honest one."""
        self._steps -= STEPS_A_LOOK
        return self._steps < 0

    def _has(self, table: str) -> bool:
        return bool(self._rows("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # else SQLite has rolled it back itself
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            hint = "what was stored before is kept; fix that and run the same command to resume"
            raise StoreError(f"{self.file}: cannot be written: {error}; {hint}") from error

    def about(self, key: str) -> str | None:
        """A note that the store keeps about itself, such as ``target``."""
        rows = self._rows("SELECT value FROM about WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def set_plan(
        self,
        cells: Sequence[Cell],
        target: float | None,
        *,
        tuned: Mapping[str, int] | None = None,
        race: Mapping[str, Any] | None = None,
        probe: str = "",
    ) -> None:
        """Note which cells the experiment has now, its tuned keys with their tuning seeds, and the design of a race.

        ``probe`` is the mark of a probe of the whole product of all lists × seeds; see `initbench.storage.freshness`.

        Records of other cells stay, and count again when planned again.
        """
        rows = [(i, c.key, c.seed, c.epochs, json.dumps(dict(c.factors))) for i, c in enumerate(cells)]
        notes = dict(zip(NOTES, map(json.dumps, (target, tuned or [], race)), strict=True))  # [] as in older stores
        having = {name: sum(name in cell.further for cell in cells) for name in OPTIONAL_METRICS}
        further = {name: count == len(cells) for name, count in having.items() if count}  # whether all cells have it
        if further:
            notes["further"] = json.dumps(further)
        notes["plan"] = _checksum(*(value for row in rows for value in row), *notes.values())
        with self._transaction() as connection:
            connection.execute("DELETE FROM plan")
            connection.execute("DELETE FROM about WHERE key = 'further'")
            connection.executemany("INSERT INTO plan VALUES (?, ?, ?, ?, ?)", rows)
            connection.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", [*notes.items(), ("probe", probe)])

    def note(self, key: str, value: str) -> None:
        """Keep a note, which `about` reads."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (key, value))

    def clear(self) -> None:
        """Forget all records."""
        with self._transaction() as connection:
            for table in SEALED:
                connection.execute(f"DELETE FROM {table}")

    def forget_damaged(self) -> int:
        """Forget the records that `damaged` names; return their number."""
        damaged = self.damaged()
        if damaged:
            with self._transaction() as connection:
                for table, columns in SEALED.items():
                    connection.executemany(f"DELETE FROM {table} WHERE cell = ?", [(cell,) for cell in damaged])
                    connection.execute(f"DELETE FROM {table} WHERE checksum IS NOT checksum({columns})")
        return len(damaged)

    def damaged(self) -> list[str]:
        """Keys of the cells whose records are not as they were written, or not as long as the plan says, sorted."""
        found = self._rows(
            "SELECT cell FROM plan p JOIN records r USING (cell)"
            " WHERE r.status != 'failed' AND length(r.curves) IS NOT (p.epochs + 1) * ?",
            (8 * len(METRICS),),
        )
        if self.layout == LAYOUT:
            for table, columns in SEALED.items():
                if table != "further" or self._has(table):
                    found += self._rows(f"SELECT cell FROM {table} WHERE checksum IS NOT checksum({columns})")
        if json.loads(self.about("further") or "{}").get("steps_to_target"):
            found += self._rows(
                "SELECT cell FROM plan p JOIN records r USING (cell)"
                " WHERE r.status != 'failed' AND cell NOT IN (SELECT cell FROM further)"
            )
        return sorted({str(row[0]) for row in found})

    def faults(self) -> list[str]:
        """What is wrong with the plan and its records, and what to do; nothing where all is as it was written."""
        if not self._is_plan_whole():
            return [f"{PLAN_DAMAGED}: {self._again}"]
        damaged = self.damaged()
        if not damaged:
            return []
        count = f"{len(damaged)} damaged record{'s' if len(damaged) > 1 else ''}, first that of {damaged[0]}"
        return [f"{count}; all others are kept, and to train anew: {self._again}"]

    @property
    def _again(self) -> str:
        config = self.folder / "config.yaml"
        ours = command_line("run", config, "-o", self.folder.parent)
        return ours if config.exists() else "initbench claims run"

    def _is_plan_whole(self) -> bool:
        values = [value for row in self._rows("SELECT * FROM plan ORDER BY position") for value in row]
        notes = [*map(self.about, NOTES), *filter(None, [self.about("further")])]  # older plans do not count the last
        return self.about("plan") in (None, _checksum(*values, *notes))

    def verify(self) -> list[str]:
        """As `faults`, and what is wrong with the file itself and the trained weights beside it."""
        found = [row[0] for row in self._rows("PRAGMA integrity_check(10)") if row[0] != "ok"]
        found = [f"SQLite: {' '.join(line.split())}" for line in found] + self.faults()
        for file in filter(Path.is_file, map(self.weights_file, sorted(self.finished()))):
            try:
                with zipfile.ZipFile(file) as archive:
                    is_whole = archive.testzip() is None
            except (OSError, zipfile.BadZipFile):
                is_whole = False
            if not is_whole:
                found.append(f"{file} is damaged; remove it, and the next run trains its cell anew")
        return found

    def finished(self) -> set[str]:
        """Keys of the cells that need no training: ``ok`` and ``diverged``; a failed one is tried again."""
        return {row[0] for row in self._rows("SELECT cell FROM records WHERE status != 'failed'")}

    def with_layers(self) -> set[str]:
        """Keys of the planned cells whose layers were recorded, with histograms where they are of the first seed."""
        if not self._has("layers"):  # an older store has none
            return set()
        return {
            row[0]
            for row in self._rows(
                "SELECT cell FROM layers JOIN plan USING (cell)"
                " WHERE bins IS NOT NULL OR seed != (SELECT seed FROM plan WHERE position = 0)"
            )
        }

    def with_further(self) -> set[str]:
        """Keys of the cells of which the numbers among ``OPTIONAL_METRICS`` are kept."""
        return {row[0] for row in self._rows("SELECT cell FROM further")}

    def weights_file(self, cell: str) -> Path:
        """Where the trained weights of a cell lie, if they are kept."""
        return self.folder / "weights" / f"{cell}.npz"

    def add(self, records: Iterable[Record]) -> None:
        """Keep what has finished, all of it or none; weights come first, so that a record is never without its own."""
        records = list(records)
        for record in records:
            if record.weights is not None:
                file = self.weights_file(record.cell)
                with write_aside(file) as partial:
                    partial.parent.mkdir(exist_ok=True)
                    np.savez(partial, allow_pickle=False, **record.weights)
        rows = [
            (
                *(r.cell, r.status, r.diverged_epoch, r.wall_seconds, r.error or None),
                *(r.test_majority, r.valid_majority, r.test_rows),
                _bytes(r.curves),
            )
            for r in records
        ]
        layers = [(r.cell, r.layers.metrics.shape[1], *map(_bytes, r.layers)) for r in records if r.layers]
        further = [(r.cell, *map(r.further.get, OPTIONAL_METRICS)) for r in records if r.further]
        with self._transaction() as connection:
            connection.executemany(KEEP, rows)
            connection.executemany("INSERT OR REPLACE INTO layers VALUES (?, ?, ?, ?, ?, NULL)", layers)
            connection.executemany("INSERT OR REPLACE INTO further VALUES (?, ?, ?, NULL)", further)
            for table, columns in SEALED.items():
                seal = f"UPDATE {table} SET checksum = checksum({columns}) WHERE cell = ? AND checksum IS NULL"
                connection.executemany(seal, [(record.cell,) for record in records])

    def counts(self) -> dict[str, int]:
        """How many cells are planned, and of them done, diverged, failed and missing; diverged ones are done too."""
        if not self._is_plan_whole():
            raise StoreError(f"{self.file}: {PLAN_DAMAGED}: {self._again}")
        rows = self._rows("SELECT r.status, COUNT(*) FROM plan p LEFT JOIN records r USING (cell) GROUP BY r.status")
        by_status: dict[str | None, int] = dict(rows)
        ok, diverged = by_status.get("ok", 0), by_status.get("diverged", 0)
        return {
            "planned": sum(by_status.values()),
            "done": ok + diverged,
            "diverged": diverged,
            "failed": by_status.get("failed", 0),
            "missing": by_status.get(None, 0),
        }

    def planned(self) -> list[str]:
        """Keys of the cells of the present plan, in its order."""
        return [row[0] for row in self._rows("SELECT cell FROM plan ORDER BY position")]

    def fingerprint(self) -> str:
        """Hash of what the tables show: the plan, and which of its cells are done; equal cells have equal numbers."""
        rows = self._rows(
            "SELECT p.cell, p.seed, p.factors, r.status, hex(r.error)"  # in hex, since a damaged one may be no text
            " FROM plan p LEFT JOIN records r USING (cell) ORDER BY p.position"
        )
        return _checksum(json.dumps([rows, len(self.with_layers()), *map(self.about, NOTES)]))

    def unplanned(self) -> int:
        """How many records are kept of cells that the present plan does not have."""
        rows = self._rows("SELECT COUNT(*) FROM records WHERE cell NOT IN (SELECT cell FROM plan)")
        return int(rows[0][0])

    def failures(self) -> list[tuple[str, str]]:
        """Cell and reason of each failed cell of the plan."""
        return self._rows(
            "SELECT cell, error FROM plan JOIN records USING (cell) WHERE status = 'failed' ORDER BY position"
        )

    def frames(self) -> Frames:
        """Read the tables of the present plan."""
        import pandas as pd

        for fault in self.faults():
            raise StoreError(f"{self.file}: {fault}")
        rows = self._rows(
            "SELECT p.factors, p.seed, p.cell, p.epochs, r.status, r.diverged_epoch, r.wall_seconds, r.error,"
            " r.test_majority, r.valid_majority, r.test_rows, r.curves"
            " FROM plan p JOIN records r USING (cell) ORDER BY p.position"
        )
        names = (
            "factors seed cell planned status diverged_epoch wall_seconds error test_majority valid_majority test_rows"
        )
        table = pd.DataFrame([row[:-1] for row in rows], columns=names.split())
        factors = self._spread_factors(table)
        curves = [_curve(row[-1], row[3]) for row in rows]
        runs = table[[*factors, "seed", "cell", "status"]].copy()
        summary_columns = ["epochs", *METRICS, "best_epoch", "best_valid_accuracy"]
        runs[summary_columns] = pd.DataFrame(_summaries(curves), columns=summary_columns, index=runs.index, dtype=float)
        runs[["diverged_epoch", "wall_seconds", "error"]] = table[["diverged_epoch", "wall_seconds", "error"]]
        for name, values in self._further().items():
            runs[name] = table["cell"].map(values).astype(float)
        trained = table["status"] != "failed"
        kept = [curve for curve, keep in zip(curves, trained, strict=True) if keep]
        lengths = [len(curve) for curve in kept]
        long = table.loc[trained, [*factors, "seed", "cell"]]
        long = long.loc[long.index.repeat(lengths)].reset_index(drop=True)
        long["epoch"] = np.concatenate([np.arange(n) for n in lengths]) if lengths else np.zeros(0, int)
        long[list(METRICS)] = np.concatenate(kept) if kept else np.zeros((0, len(METRICS)))
        numbers = {"test_majority": float, "valid_majority": float, "test_rows": float}
        baselines = table[["cell", *numbers]].astype(numbers).drop_duplicates("cell", ignore_index=True)
        return Frames(runs, long, baselines, factors)

    def _further(self) -> dict[str, dict[str, float]]:
        """The numbers of cells for each of ``OPTIONAL_METRICS`` that the plan has; a step that never came is nan."""
        names = json.loads(self.about("further") or "{}")
        rows = self._rows(f"SELECT cell, {', '.join(OPTIONAL_METRICS)} FROM further") if names else []
        found = {name: {row[0]: row[1 + OPTIONAL_METRICS.index(name)] for row in rows} for name in names}
        return {name: {cell: np.nan if n == -1 else n for cell, n in values.items()} for name, values in found.items()}

    def _spread_factors(self, table: pd.DataFrame) -> list[str]:
        """Turn the JSON text of the column ``factors`` into a column a factor; return their names."""
        first = self._rows("SELECT factors FROM plan WHERE position = 0")
        factors = list(json.loads(first[0][0])) if first else []
        known = {text: json.loads(text) for text in table["factors"].unique()}
        for factor in factors:
            values = {text: value[factor] for text, value in known.items()}
            table[factor] = table["factors"].map(values).astype(object).infer_objects()
        return factors

    def layers(self, *, of_all: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Read what was told of layers in the present plan.

        Parameters
        ----------
        of_all : bool, default True
            Whether to read nothing if a finished cell has nothing told of it.

        Returns
        -------
        layers : DataFrame
            Factors, ``seed, cell, epoch, layer`` (counted from 1, the last one gives the logits), ``LAYER_METRICS``.
        histograms : DataFrame
            Factors, ``seed, cell, epoch, layer, quantity`` (``activation`` or ``gradient``), ``limit, counts``.
        """
        import pandas as pd

        rows = []
        if self._has("layers"):  # an older store has none
            rows = self._rows(
                "SELECT p.factors, p.seed, p.cell, l.count, l.metrics, l.limits, l.bins"
                " FROM plan p JOIN records r USING (cell) LEFT JOIN layers l USING (cell)"
                " WHERE r.status != 'failed' ORDER BY p.position"
            )
        told = [row for row in rows if row[4] is not None]
        rows = [] if of_all and len(told) < len(rows) else told
        table = pd.DataFrame([row[:3] for row in rows], columns=["factors", "seed", "cell"])
        shown = [*self._spread_factors(table), "seed", "cell"]

        def long(places: list[int], shapes: list[tuple[int, ...]], names: tuple[str, ...]) -> pd.DataFrame:
            lengths = [int(np.prod(shape)) for shape in shapes]
            frame = table.loc[table.index[places].repeat(lengths), shown].reset_index(drop=True)
            places_in = [np.indices(shape).reshape(len(shape), -1) for shape in shapes]
            columns = np.concatenate(places_in, axis=1) if places_in else np.zeros((len(names), 0), int)
            frame[list(names)] = columns.T
            frame["layer"] += 1
            return frame

        metrics = [np.frombuffer(row[4], "<f8").reshape(-1, row[3], len(LAYER_METRICS)) for row in rows]
        layers = long(list(range(len(rows))), [m.shape[:2] for m in metrics], ("epoch", "layer"))
        values = [np.zeros((0, len(LAYER_METRICS))), *(m.reshape(-1, len(LAYER_METRICS)) for m in metrics)]
        layers[list(LAYER_METRICS)] = np.concatenate(values)
        first = self._rows("SELECT seed FROM plan WHERE position = 0")
        binned = [i for i, row in enumerate(rows) if row[6] is not None and (row[1],) == first[0]]
        limits = [np.frombuffer(rows[i][5], "<f8").reshape(-1, rows[i][3], 2) for i in binned]
        histograms = long(binned, [limit.shape for limit in limits], ("epoch", "layer", "quantity"))
        histograms["quantity"] = histograms["quantity"].map({0: "activation", 1: "gradient"})
        last = dict(zip(table["cell"], (len(m) - 1 for m in metrics), strict=True))
        histograms["epoch"] *= histograms["cell"].map(last).astype(int)
        histograms["limit"] = np.concatenate([np.zeros(0), *(limit.ravel() for limit in limits)])
        bins = [
            np.frombuffer(rows[i][6], "<i4").reshape(limit.size, -1) for i, limit in zip(binned, limits, strict=True)
        ]
        histograms["counts"] = pd.Series([counts for cell in bins for counts in cell], dtype=object)
        return layers, histograms


def _bytes(array: Array | None) -> bytes | None:
    if array is None:
        return None
    return np.ascontiguousarray(array, "<f8" if array.dtype.kind == "f" else "<i4").tobytes()


def _curve(blob: bytes | None, planned: int) -> Array:
    if blob is None:
        return np.full((planned + 1, len(METRICS)), np.nan)
    return np.frombuffer(blob, "<f8").reshape(-1, len(METRICS))


def _summaries(curves: Sequence[Array]) -> Array:
    """Of each curve its epochs with finite numbers, the metrics after the last, the best epoch and its accuracy.

    Curves of one length are looked at together: one by one, those of 100,000 cells take 1.5 s.
    """
    found = np.full((len(curves), len(METRICS) + 3), np.nan)
    by_length: dict[int, list[int]] = {}
    for row, curve in enumerate(curves):
        by_length.setdefault(len(curve), []).append(row)
    for length, rows in by_length.items():
        together = np.stack([curves[row] for row in rows])
        finite = np.isfinite(together[:, :, 0])
        last = length - 1 - np.argmax(finite[:, ::-1], axis=1)
        valid = np.where(np.arange(length) <= last[:, None], together[:, :, METRICS.index("valid_accuracy")], -np.inf)
        best, each = np.argmax(valid, axis=1), np.arange(len(rows))
        numbers = np.column_stack([last, together[each, last], best, valid[each, best]])
        has_any = finite.any(axis=1)
        found[np.array(rows)[has_any]] = numbers[has_any]
    return found


def _checksum(*values: bytes | str | float | None) -> str:
    contents = [value if isinstance(value, bytes) else _json(value) for value in values]
    return sha256(b"".join([b"%d:%b" % (len(content), content) for content in contents])).hexdigest()[:16]


def _json(value: str | float | None) -> bytes:
    """As ``json.dumps`` writes it, which takes ten times as long for texts and numbers."""
    if type(value) is str:
        return encode_basestring_ascii(value).encode()
    if type(value) is int:
        return b"%d" % value
    is_plain = type(value) is float and math.isfinite(value)
    return repr(value).encode() if is_plain else json.dumps(value).encode()


def verify(folder: Path) -> list[str]:
    """What is wrong with the store of an experiment, as `Store.verify` says it; nothing where all is well."""
    try:
        with Store(folder) as store:
            return store.verify()
    except StoreError as error:
        return [str(error)]

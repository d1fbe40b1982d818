"""A config file and the options of the command line -> Experiment."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from initbench.config.experiment import TUNING_COUNT, TUNING_DISTANCE, Experiment, Part, tuning_seeds
from initbench.config.keys import COUNT_OF_SEEDS, KEYS, Context, why_no_folder
from initbench.config.located import LARGEST, Value, decimal, locate
from initbench.config.quotes import in_quotes
from initbench.config.trials import find_impossible
from initbench.errors import ConfigError, Fault, UsageError, nearest

MOST_CELLS = 1_000_000
MOST_FAULTS = 1000
REPLACES = {"hidden": ("depth", "width"), "depth": ("hidden",), "width": ("hidden",)}
TUNE = "write {tune: [VALUE, VALUE]}, or {tune: [VALUE, VALUE], seeds: 3} for three tuning seeds of each seed"
Tuned = dict[str, tuple[Value, int] | None]  # tuned keys, each with the number of seeds if the config tells it


def read_experiment(
    path: Path, changes: Sequence[str] = (), folders: tuple[Path, ...] = (), reserve: int | None = None
) -> Experiment:
    """Read a config.

    Parameters
    ----------
    path : Path
    changes : sequence of str
        ``KEY=VALUE`` each, VALUE in YAML; a later one overrides an earlier one and the file.
    folders : tuple of Path
        Where data files are looked for, before the config's own folder.
    reserve : int, optional
        How many seeds a race may use. Parts are read for all of these; a config that lists ids has no reserve.

    Returns
    -------
    Experiment

    Raises
    ------
    ConfigError
        With every fault of the file and of the changes.
    """
    faults: list[Fault] = []
    given = _pairs(locate(read_text(path), str(path), faults), faults)
    is_empty = not given
    for key, value in read_changes(changes, faults):
        for other in REPLACES.get(key.data, ()):
            given.pop(other, None)
        enter(given, key, value, faults)
    experiment = make_experiment(given, path, folders, faults, reserve)
    return replace(experiment, is_empty=is_empty)


def read_changes(changes: Sequence[str], faults: list[Fault]) -> list[tuple[Value, Value]]:
    """The keys and values of ``-s KEY=VALUE``, each where it stands in the option.

    Raises
    ------
    UsageError
        When one has no key.
    """
    pairs = []
    for change in changes:
        key, equals, text = change.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"-s {change}: write KEY=VALUE, for example -s 'depth=[5,20]'")
        source, quoted = f"-s {change}", f"{key}={in_quotes(text)}"
        option = shlex.quote(quoted) if set('"$`\\!') & set(quoted) else f'"{quoted}"'
        remedy = f"for a text, put it in quotes that the shell leaves alone: -s {option}"
        value = locate(text, source, faults, remedy)
        if value.is_blank:
            faults.append(value.fault(f"{key.strip()} is empty", "write KEY=VALUE, for example -s depth=5"))
            value = replace(value, is_refused=True)
        pairs.append((Value(key.strip(), source, 1, 1, change, len(key)), value))
    return pairs


def make_experiment(
    given: Mapping[str, tuple[Value, Value]],
    path: Path,
    folders: tuple[Path, ...],
    faults: list[Fault],
    reserve: int | None = None,
) -> Experiment:
    """Read the values of a config's keys.

    Parameters
    ----------
    given : mapping of str to (Value, Value)
        Known keys -> the key and the value, where they stand.
    path : Path
        The file that they stand in.
    folders : tuple of Path
        Where data files are looked for, before the file's own folder.
    faults : list of Fault
        What was found to be wrong already.
    reserve : int, optional
        As of `read_experiment`.

    Returns
    -------
    Experiment

    Raises
    ------
    ConfigError
        With ``faults`` and every other one.
    """
    context = Context((*folders, path.resolve().parent))
    read: dict[str, Any] = {}
    tuned: Tuned = {}
    for name in sorted(KEYS, key=lambda name: (name != "seeds", not KEYS[name].tunes)):  # seeds come before parts
        read[name] = () if KEYS[name].sweeps else None
        if name not in given and (name in ("name", "hidden") or ("hidden" in given and name in REPLACES["hidden"])):
            continue
        value = given[name][1] if name in given else locate(KEYS[name].default, "default", faults)
        if value.is_refused:
            continue
        try:
            read[name] = _read(name, value, context, faults, tuned)
        except ConfigError as error:
            faults.extend(error.faults)
        if name == "seeds" or name in tuned:
            context.seeds = _all_seeds(_with_reserve(read["seeds"] or (), reserve), tuned)
    faults += _differing_counts(tuned)
    if tuned and len(set(context.seeds)) < len(context.seeds):
        message = f"seeds is {given['seeds'][1]}, and some of these would be tuning seeds of others or share theirs"
        hint = f"tuning seeds are {TUNING_DISTANCE:,} above their seed, twice that and so on: list seeds below it"
        faults.append(given["seeds"][1].fault(message, hint))
    lists = [read[key] for key in KEYS if KEYS[key].sweeps or (key == "seeds" and not tuned)]
    _refuse_too_many(str(path), prod(len(values) for values in lists if values))
    faults += find_impossible(read, context)
    if "hidden" in given:
        for other in ("depth", "width"):
            if other in given:
                faults.append(
                    given[other][0].fault(f"{other} cannot stand beside hidden", "hidden gives both: keep one")
                )
    if read["clock"] is not None and ("target" not in given or given["target"][1].data is None):
        message = "clock needs a target, a validation accuracy to look for"
        faults.append(given["clock"][0].fault(message, "for example: target: 0.9"))
    if "name" not in given:
        read["name"] = path.stem
        reason = why_no_folder(path.stem)
        if reason:
            message = f"the file's name '{path.stem}' cannot be a folder"
            hint = f"{reason}; or add a line: name: my_run"
            faults.append(Value(None, str(path), 1, 1).fault(message, hint))
    if faults:
        raise ConfigError(faults)
    names = tuple(name for name in KEYS if name in tuned)
    return _experiment(read | {"tuned": names, "tuning_count": _tuning_count(tuned)}, reserve)


def read_seeds(text: str, count: int | None = None) -> tuple[int, ...]:
    """Read what the option ``--seeds`` says, in the spellings of the key ``seeds``.

    Parameters
    ----------
    text : str
    count : int, optional
        With it, ``100:`` means so many from 100 on.

    Returns
    -------
    tuple of int

    Raises
    ------
    ConfigError
        When the key would not take it.

    Examples
    --------
    >>> read_seeds("3"), read_seeds("100:103"), read_seeds("100:", count=2)
    ((0, 1, 2), (100, 101, 102), (100, 101))
    """
    typed = text or "''"
    source, begin = f"--seeds {typed}", decimal(text.removesuffix(":"))
    if text.endswith(":"):
        if count is None or not isinstance(begin, int):
            place = Value(None, source, 1, 1, text, len(text))
            raise place.error(f"the range {text} has no end", "for example 100:120, which means 100 to 119")
        text = f"{begin}:{begin + count}"
    faults: list[Fault] = []
    value = locate(text, source, faults, "for example 5, or 100:120 for 100 to 119")
    if value.is_blank:
        faults.append(value.fault("seeds is empty", "for example 5, or 100:120, which means 100 to 119"))
    if faults:
        raise ConfigError(faults)
    read: tuple[int, ...] = KEYS["seeds"].read(value, Context())
    return read


def read_text(path: Path) -> str:
    """The text of a config file."""
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path}: a config of {path.stat().st_size:,} bytes; the largest is {LARGEST:,}")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        column = error.start - (before.rfind(b"\n") + 1) + 1
        message = f"not UTF-8 text: byte {error.object[error.start]:#04x}"
        raise ConfigError(
            [Fault(str(path), before.count(b"\n") + 1, column, message, hint="save the file as UTF-8")]
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def _pairs(value: Value, faults: list[Fault]) -> dict[str, tuple[Value, Value]]:
    if value.pairs is None:
        raise value.error(
            "a config is a mapping of keys to values", "for example: depth: 20; to write one: initbench new"
        )
    given: dict[str, tuple[Value, Value]] = {}
    for key, inner in value.pairs:
        enter(given, key, inner, faults)
    return given


def enter(given: dict[str, tuple[Value, Value]], key: Value, value: Value, faults: list[Fault]) -> None:
    """Take a key and its value among those of a config, if a config has it."""
    if key.data in KEYS:
        given[key.data] = (key, value)
        return
    close = nearest(str(key), KEYS)
    hint = f"nearest name: {close}" if close else f"all names: {', '.join(KEYS)}"
    faults.append(key.fault(f"unknown key '{key}'", hint))


def _read(name: str, value: Value, context: Context, faults: list[Fault], tuned: Tuned) -> Any:
    """The value of a key, for one that sweeps all that are without fault; those of a list are told to ``faults``.

    Where they are to be tuned, ``tuned`` is told, with the number of seeds if it stands beside.
    """
    key = KEYS[name]
    if value.pairs and "tune" in {inner.data for inner, _ in value.pairs}:
        value = _grid(name, value, context, faults, tuned)
        if value.is_refused:
            return ()
    if not key.sweeps:
        return key.read(value, context)
    is_list = isinstance(value.data, list)
    if name == "hidden":
        is_list = is_list and bool(value.data) and all(isinstance(item.data, list) for item in value.data)
    if not is_list:
        return (key.read(value, context),)
    if not value.data:
        raise value.error(f"{name} is an empty list", "give one value or more")
    found: dict[Any, None] = {}
    for item in value.data:
        if item.is_refused:
            continue
        if len(faults) >= MOST_FAULTS:
            raise item.error(f"from here on {name} was not read: {len(faults)} faults stand before")
        try:
            made = key.read(item, context)
        except ConfigError as error:
            faults.extend(error.faults)
            continue
        if made in found:
            same = f" ('{made}')" if isinstance(made, Part) else f" ({made})" if str(made) != str(item) else ""
            faults.append(item.fault(f"{item}{same} stands twice in {name}", "keep one"))
        found[made] = None
    return tuple(found)


def _grid(name: str, value: Value, context: Context, faults: list[Fault], tuned: Tuned) -> Value:
    """The list of ``{tune: [...], seeds: N}``."""
    if not KEYS[name].tunes:
        able = ", ".join(key.name for key in KEYS.values() if key.tunes)
        raise value.error(f"{name} cannot be tuned", f"keys that can: {able}")
    grid, tuned[name] = value, None
    for key, inner in value.pairs or ():
        if key.data == "tune":
            grid = inner
        elif key.data == "seeds":
            try:
                tuned[name] = (inner, COUNT_OF_SEEDS(inner, context))
            except ConfigError as error:
                faults.extend(error.faults)
        else:
            faults.append(key.fault(f"unknown key '{key}' beside tune", TUNE))
    if not grid.is_refused and (not isinstance(grid.data, list) or len(grid.data) < 2):
        message = f"{name} is tuned over {grid} and needs a list of two values or more"
        raise grid.error(message, TUNE)
    return grid


def _with_reserve(seeds: tuple[int, ...], reserve: int | None) -> tuple[int, ...]:
    """The seeds of an experiment, and those that a race may add to them."""
    can_grow = reserve is not None and reserve > len(seeds) and seeds == tuple(range(len(seeds)))
    return tuple(range(reserve)) if can_grow and reserve is not None else seeds


def _all_seeds(seeds: tuple[int, ...], tuned: Tuned) -> tuple[int, ...]:
    """The seeds that report, then their tuning seeds if keys are tuned."""
    number = _tuning_count(tuned)
    if not tuned or len(seeds) * number > MOST_CELLS:  # the latter is refused when all keys are read
        return seeds
    return (*seeds, *(seed for own in tuning_seeds(seeds, number).values() for seed in own))


def _tuning_count(tuned: Tuned) -> int:
    """How many tuning seeds each reporting seed has."""
    return next((told[1] for told in tuned.values() if told), TUNING_COUNT)


def _differing_counts(tuned: Tuned) -> list[Fault]:
    """The faults of keys that are to be tuned with another number of seeds than the first."""
    first, number = next(((name, told[1]) for name, told in tuned.items() if told), ("", 0))
    hint = "tuned keys make one grid, which is tried with the same seeds: keep one number"
    return [
        told[0].fault(f"{name} is tuned with {told[1]} seeds, and {first} with {number}", hint)
        for name, told in tuned.items()
        if told and told[1] != number
    ]


def _experiment(read: dict[str, Any], reserve: int | None) -> Experiment:
    left_out = ("depth", "width") if read["hidden"] else ("hidden",)
    choices = {key: read[key] for key in KEYS if KEYS[key].sweeps and key not in left_out}
    others = [key for key in read if key not in KEYS or not KEYS[key].sweeps]
    experiment = Experiment(choices=choices, **{key: read[key] for key in others})
    size = replace(experiment, tuned=(), seeds=_with_reserve(experiment.seeds, reserve)).size
    _refuse_too_many(experiment.name, size * experiment.tuning_count if experiment.tuned else size)
    return experiment


def _refuse_too_many(name: str, cells: int) -> None:
    if cells > MOST_CELLS:
        raise UsageError(f"{name}: its lists make {cells:,} cells; the most is {MOST_CELLS:,}")

"""The keys of a config: what each takes, its default, whether a list of values sweeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any

from initbench.config.experiment import TUNING_COUNT, Part
from initbench.config.located import Value, decimal, why_no_number
from initbench.config.quotes import in_quotes
from initbench.config.sources import weights_by_seed, weights_file
from initbench.contracts import Range, RowShape
from initbench.errors import ConfigError, DataError, Fault, InitbenchError, ParameterError, nearest
from initbench.parts.datasets.facts import FACTS
from initbench.parts.datasets.loading import load_dataset
from initbench.registry import FOLDERS, Entry, Parameter, advice, find, lookup, names

FILE_DATASETS = ("csv", "idx", "npz")
PLACES = ("first", "hidden", "last")
ROLES = (*PLACES, "recurrent")  # of the matrices that an initializer mapping may name
RESIDUAL = ("plain", "scaled", "rezero", "fixup")
MOST_SEEDS = 1_000_000
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{digit}" for port in ("COM", "LPT") for digit in "0123456789¹²³")}
NO_FOLDER = (
    "letters, digits, spaces and . _ + - = @ (), beginning with a letter, a digit or _ and not ending with a space or"
    " a dot: it becomes a folder"
)
FLAGS = {"yes": True, "on": True, "no": False, "off": False}  # also spellings of true and false


@dataclass
class Context:
    """What is known while a config is read; the readers of parts add where these stand and what their data hold.

    Attributes
    ----------
    folders : tuple of Path
        In which data files are looked for.
    seeds : tuple of int
        Of the experiment and of its tuning; empty where they are at fault.
    ends : dict of Part to (tuple of int, int)
        The shape of a row and the number of classes of data sets, where they are known without fetching anything.
    drawn : dict of Part to Value
        Where the name of each initializer, bias and architecture stands.
    """

    folders: tuple[Path, ...] = ()
    seeds: tuple[int, ...] = ()
    ends: dict[Part, tuple[RowShape, int]] = field(default_factory=dict)
    drawn: dict[Part, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Reader:
    """Reads a value, or raises ConfigError; ``schema`` tells editors in JSON Schema (draft-07) what it takes."""

    read: Callable[[Value, Context], Any]
    schema: dict[str, Any]

    def __call__(self, value: Value, context: Context) -> Any:
        """Read a value."""
        return self.read(value, context)


@dataclass(frozen=True)
class Key:
    """A key of the config.

    Attributes
    ----------
    name, doc : str
    read : Reader
    default : str
        As YAML text.
    sweeps : bool
        Whether a list of values is allowed.
    tunes : bool
        Whether ``{tune: [...]}`` is.
    """

    name: str
    doc: str
    read: Reader
    default: str
    sweeps: bool = True
    tunes: bool = False


TEXT = {"type": ["string", "number", "boolean"]}  # what editors take for a number or a boolean is a text as written


def as_number(value: Value) -> Any:
    """The number that a value is, in quotes or not; else its data."""
    number = decimal(value.data.strip()) if isinstance(value.data, str) else None
    return value.data if number is None else number


def as_flag(value: Value) -> Any:
    """What a value means where true or false is asked for; its data if it is neither."""
    return FLAGS.get(value.data.lower(), value.data) if isinstance(value.data, str) else value.data


def whole(key: str, low: int, high: int, example: str) -> Reader:
    """A reader of whole numbers from ``low`` to ``high``."""

    def read(value: Value, context: Context) -> int:
        number = as_number(value)
        if isinstance(number, float) and isfinite(number):
            exact = Decimal(value.written.strip())
            number = int(exact) if exact == exact.to_integral_value() else number
        if not isinstance(number, int) or isinstance(number, bool):
            raise value.error(f"{key} is {value} and must be a whole number", _number_hint(value, key, example))
        if not low <= number <= high:
            limit = f"at least {low}" if number < low else f"at most {high:,}"
            raise value.error(f"{key} is {value} and must be {limit}", f"for example: {key}: {example}")
        return number

    return Reader(read, {"type": "integer", "minimum": low, "maximum": high})


def number(key: str, limits: Range, example: str) -> Reader:
    """A reader of numbers within ``limits``, and within those of any part's parameter."""
    parameter = Parameter(key, None, (float,), limits)

    def read(value: Value, context: Context) -> float:
        try:
            return float(parameter.check(_plain(value, parameter), _shown(value)))
        except ParameterError as error:
            raise value.error(str(error), _number_hint(value, key, example)) from None

    bounds = {
        "exclusiveMinimum" if limits.open_low else "minimum": limits.low,
        "exclusiveMaximum" if limits.open_high else "maximum": limits.high,
    }
    finite = {name: bound for name, bound in bounds.items() if isfinite(bound)}
    return Reader(read, {"type": "number", **finite})


def _why_no_number(value: Value) -> str:
    """Why a value that looks like a number is none; empty for any other value."""
    reason = why_no_number(value.written)
    return f"'{value}' in quotes is a text" if reason and value.is_quoted else reason


def _number_hint(value: Value, key: str, example: str) -> str:
    """What to write in place of a value that is no number."""
    reason = _why_no_number(value)
    if reason and not value.is_quoted:
        return reason
    return f"{reason}; for example: {key}: {example}" if reason else f"for example: {key}: {example}"


def choice(key: str, *options: str) -> Reader:
    """A reader of one of a few words."""

    def read(value: Value, context: Context) -> str:
        if value.written in options:
            return value.written
        close = nearest(str(value), options)
        hint = f"nearest name: {close}    all names: {', '.join(options)}" if close else f"one of: {', '.join(options)}"
        raise value.error(f"unknown {key} '{value}'", hint)

    return Reader(read, {"enum": list(options)})


def or_word(read: Reader, word: Any, meaning: Any) -> Reader:
    """A reader that also takes ``word``, which stands for ``meaning``."""

    def read_either(value: Value, context: Context) -> Any:
        if value.pairs is None and value.data == word:
            return meaning
        try:
            return read(value, context)
        except ConfigError as error:
            other = f", or {'null' if word is None else word}"
            faults = [
                replace(fault, hint=fault.hint + other) if fault.hint.startswith("for example") else fault
                for fault in error.faults
            ]
            raise ConfigError(faults) from None

    return Reader(read_either, {"anyOf": [{"const": word}, read.schema]})


def text(key: str) -> Reader:
    """A reader of a line of text, as it is written."""

    def read(value: Value, context: Context) -> str:
        if not _is_written(value) or "\n" in value.written.strip():
            raise value.error(f"{key} must be one line of text", _in_quotes(value))
        return value.written.strip()

    return Reader(read, TEXT)


def part(kind: str) -> Reader:
    """A reader of a part: ``name``, ``{name: {parameter: value}}`` or ``{name: name, parameter: value}``."""

    def read(value: Value, context: Context) -> Part:
        if kind == "initializer" and any(key.data in ROLES for key, _ in value.pairs or ()):
            return _by_layer(value, context)
        name, given = _name_and_parameters(kind, value)
        entry = lookup(kind, str(name))
        if entry is None:
            close = advice(kind, str(name))
            hint = (f"{close}    " if close else "") + f"all names: initbench list {FOLDERS[kind]}"
            if kind == "bias":
                hint = f"one of: {', '.join(names(kind))}"
            if kind == "dataset" and Path(str(name)).suffix:
                hint = "a file is written {csv: FILE, target: COLUMN}, {idx: FOLDER} or {npz: FILE}"
            elif not close:
                hint += "; one of your own needs --plugin FILE.py"
            raise name.error(f"unknown {kind} '{name}'", hint)
        return _build(entry, name, given, context)

    return Reader(read, {"$ref": f"#/definitions/{kind}"})


def drawn_by_layer(layers: str, hint: str) -> Reader:
    """A reader of an initializer for some ``layers`` alone, hence of none that looks at the whole network."""

    def read(value: Value, context: Context) -> Part:
        recurrent = next((key for key, _ in value.pairs or () if key.data == "recurrent"), None)
        if recurrent is not None:
            message = f"'recurrent' has no effect where an initializer is given to {layers}"
            raise recurrent.error(message, "write it beside hidden, in the mapping of the key initializer")
        made: Part = part("initializer")(value, context)
        entry = lookup("initializer", made.name)
        if entry is not None and entry.scope == "network":
            message = f"'{made.name}' looks at the whole network and cannot be given to {layers}"
            raise value.error(message, hint.format(made.name))
        return made

    return Reader(read, {"$ref": "#/definitions/initializer"})


def _by_layer(value: Value, context: Context) -> Part:
    """Read ``{first: PART, hidden: PART, last: PART, recurrent: PART}``; what is left out is as the hidden layers."""
    read = drawn_by_layer("some of its layers", "write initializer: {}, and output_initializer beside it")
    found: dict[str, Part] = {}
    faults: list[Fault] = []
    given = {str(key): key for key, _ in value.pairs or ()}
    for key, inner in value.pairs or ():
        if key.data not in ROLES:
            close = nearest(str(key), ROLES)
            hint = f"did you mean '{close}'?" if close else f"one of: {', '.join(ROLES)}"
            faults.append(key.fault(f"'{key}' is no layer that an initializer can be given to", hint))
            continue
        try:
            found[str(key)] = read(inner, context)
        except ConfigError as error:
            faults.extend(error.faults)
    if "hidden" not in given:
        named = ", ".join(role for role in ROLES if role in given)
        faults.append(value.fault(f"{named} without hidden, for the other layers", "write {first: PART, hidden: PART}"))
    if faults:
        raise ConfigError(faults)
    label = f"by_layer({', '.join(f'{role}={found[role]}' for role in ROLES if role in found)})"
    # Only a mapping that names recurrent matrices holds them: the hashes of older cells stay as they are.
    chosen = [(role, found.get(role, found["hidden"])) for role in ROLES if role in PLACES or role in found]
    made = Part("initializer", "by_layer", tuple(chosen), label)
    if "recurrent" in given:
        context.drawn.setdefault(made, given["recurrent"])
    return made


def _name_and_parameters(kind: str, value: Value) -> tuple[Value, list[tuple[Value, Value]]]:
    if value.pairs is None:
        if not isinstance(value.data, str):
            shown = value if isinstance(value.data, list) else f"'{value}'"
            raise value.error(f"{shown} is not the name of a part", "write a name, or {name: {parameter: value}}")
        return value, []
    keys = {key.data: (key, inner) for key, inner in value.pairs}
    if "name" in keys:
        return keys["name"][1], [pair for pair in value.pairs if pair[0].data != "name"]
    files = [name for name in FILE_DATASETS if kind == "dataset" and name in keys]
    if files and keys[files[0]][1].pairs is None:
        key, file = keys[files[0]]
        return key, [
            (replace(key, data="file", written="file"), file),
            *(pair for pair in value.pairs if pair[0] is not key),
        ]
    if len(value.pairs) != 1:
        hint = "write {name: {parameter: value}} or {name: NAME, parameter: value}"
        raise value.error(f"{kind} takes one name, and this mapping has {len(value.pairs)} keys", hint)
    key, inner = value.pairs[0]
    if inner.pairs is None and inner.data is not None:
        raise inner.error(
            f"the parameters of '{key}' must be a mapping", f"for example: {{{key}: {{parameter: value}}}}"
        )
    return key, inner.pairs or []


def _find_file(value: Value, context: Context) -> str:
    if not _is_written(value):
        raise value.error(f"{value} is not the name of a file or folder")
    try:
        typed = Path(value.written).expanduser()  # an absolute path stays itself when it is put behind a folder
        for place in context.folders:
            file = place / typed
            if file.is_file() or file.is_dir():  # a pipe or a device would be read for ever
                return str(file.resolve())
    except (OSError, RuntimeError) as error:
        raise value.error(f"no file or folder '{value}': {error}") from None
    looked = "looked in: " + ", ".join(dict.fromkeys(map(str, context.folders)))
    raise value.error(
        f"no file or folder '{value}'", "" if typed.is_absolute() else f"{looked}; or name its folder with --data-dir"
    )


def _build(entry: Entry, name: Value, given: list[tuple[Value, Value]], context: Context) -> Part:
    if any(item.is_refused for _, value in given for item in (value, *_items(value))):
        raise ConfigError([])  # their faults have been reported
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    shown: dict[str, Any] = {}
    for key, value in given:
        parameter = entry.parameters.get(str(key))
        if parameter is None:
            close = nearest(str(key), entry.parameters)
            known = ", ".join(entry.parameters) or "it has none"
            hint = (f"nearest name: {close}    " if close else "") + f"its parameters: {known}"
            faults.append(key.fault(f"'{entry.name}' has no parameter '{key}'", hint))
            continue
        try:
            found = parameter.check(_plain(value, parameter), _shown(value))
            shown[parameter.name] = found
            values[parameter.name] = _find_file(value, context) if parameter.name == "file" else found
        except ParameterError as error:
            place = next((item for item in _items(value) if not item.written), value)
            hint = _in_quotes(place) if parameter.is_text else _why_no_number(value)
            faults.append(place.fault(str(error), hint))
        except ConfigError as error:
            faults.extend(error.faults)
    for parameter in entry.parameters.values():
        if parameter.is_required and parameter.name not in {str(key) for key, _ in given}:
            faults.append(name.fault(f"'{entry.name}' needs the parameter '{parameter.name}'"))
    if faults:
        raise ConfigError(faults)
    full = {p.name: values.get(p.name, p.default) for p in entry.parameters.values()}
    words = [_show(k, shown[k]) for k in entry.parameters if k in shown and shown[k] != entry.parameters[k].default]
    label = f"{entry.name}({', '.join(words)})" if words else entry.name
    places = {str(key): value for key, value in given}
    fingerprint = entry.fingerprint
    by_seed: tuple[tuple[int, str, str], ...] = ()
    if entry.kind != "dataset" and full.get("file"):
        sources = _files(entry, places, full, context)
        contents = {file: sha256(file.read_bytes()).hexdigest() for file in sorted(set(sources.values()))}
        by_seed = tuple((seed, str(file), fingerprint + contents[file]) for seed, file in sources.items())
        fingerprint += "".join(contents.values())
        if by_seed and (full.get("cell") or Path(full["file"]).is_file()):  # every seed starts from the same
            full, by_seed = full | {"file": by_seed[0][1]}, ()
            full |= {"cell": ""} if "cell" in full else {}
    made = Part(entry.kind, entry.name, tuple(sorted(full.items())), label, fingerprint, by_seed)
    if entry.kind == "dataset":
        if "file" in full:
            context.ends[made] = _ends(entry, full, places)
        elif entry.name in FACTS:
            context.ends[made] = (FACTS[entry.name].row, FACTS[entry.name].classes)
    elif entry.kind in ("initializer", "bias", "architecture"):
        context.drawn[made] = name  # these are tried out when the layers are known
    else:
        try:
            entry.function(**full)
        except Exception as error:  # whatever a part from outside may raise
            told = str(error) if isinstance(error, InitbenchError) else f"{type(error).__name__}: {error}"
            raise name.error(f"'{made}': {told}") from None
    return made


def read_parameters(kind: str, name: str, given: Sequence[tuple[Value, Value]]) -> dict[str, Any]:
    """The values of some parameters of a part, without the part itself.

    Raises
    ------
    ConfigError
        With every fault of them.
    """
    entry = find(kind, name)
    values, faults = {}, []
    for key, value in given:
        parameter = entry.parameters.get(str(key))
        try:
            if parameter is None:
                close = nearest(str(key), entry.parameters)
                hint = f"nearest name: {close}" if close else f"its parameters: {', '.join(entry.parameters)}"
                raise key.error(f"'{name}' has no parameter '{key}'", hint)
            values[parameter.name] = parameter.check(_plain(value, parameter), _shown(value))
        except ParameterError as error:
            faults.append(value.fault(str(error)))
        except ConfigError as error:
            faults += error.faults
    if faults:
        raise ConfigError(faults)
    return values


def _ends(entry: Entry, full: dict[str, Any], places: Mapping[str, Value]) -> tuple[RowShape, int]:
    """Load a data set from the user's files; the shape of a row, and how many classes it has."""
    try:
        dataset = load_dataset(entry.name, full, (Path(full["file"]).parent,))
    except DataError as error:
        named = ("target", "drop", "date")
        words = [word for word in named if word in places and f"which {word} names" in str(error)]
        raise places[words[0] if words else "file"].error(str(error)) from None
    except ParameterError as error:
        raise places["file"].error(str(error)) from None
    except OSError as error:
        raise places["file"].error(f"{error.filename}: {error.strerror}") from None
    return dataset.row, len(dataset.classes)


def _files(entry: Entry, given: Mapping[str, Value], full: dict[str, Any], context: Context) -> dict[int, Path]:
    """The files that each seed uses of a part with a ``file``; of a results folder they are its cells' weights."""
    file, cell = Path(full["file"]), full.get("cell", "")
    try:
        if file.is_file():
            if cell:
                raise ParameterError(f"cell chooses from a folder of results, and '{file}' is a file; leave it out")
            return dict.fromkeys(context.seeds, file)
        if "cell" not in full:
            raise ParameterError(f"'{file}' is a folder; '{entry.name}' needs a file")
        if cell:
            return dict.fromkeys(context.seeds, weights_file(file, cell))
        return weights_by_seed(file, context.seeds)
    except ParameterError as error:
        raise given["cell" if cell else "file"].error(str(error)) from None


def _plain(value: Value, parameter: Parameter) -> Any:
    """The data of a value for a parameter: texts as they are written, numbers in any decimal spelling."""
    if value.pairs is not None:
        return dict(value.pairs)  # which no parameter takes
    if isinstance(value.data, list):
        return [item.written if item.written else item.data for item in value.data]
    if bool in parameter.types and isinstance(as_flag(value), bool):
        return as_flag(value)
    if parameter.is_text:
        return value.written if _is_written(value) else None
    return as_number(value)


def _items(value: Value) -> list[Value]:
    return value.data if isinstance(value.data, list) else []


def _is_written(value: Value) -> bool:
    """Whether it is a text, or another scalar that can stand for one; null stands for no value."""
    return value.data is not None and not isinstance(value.data, list)


def _in_quotes(value: Value) -> str:
    """What to write where a text is meant and YAML sees null, a comment, a list or a mapping."""
    rest = value.excerpt[value.column - 1 :].strip()
    if _is_written(value):
        return ""
    if value.pairs is not None or isinstance(value.data, list):
        word = rest[: value.length] if value.length > 1 else rest  # one in a block ends on another line
    else:
        word = value.written or (rest if rest.startswith("#") else "")
    return f"for a text, write {in_quotes(word)}" if word else ""


def _shown(value: Value) -> str:
    return f"'{value}'" if isinstance(value.data, str) or value.pairs is not None else str(value)


def _show(name: str, value: Any) -> str:
    if isinstance(value, float):
        value = f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, tuple):
        value = "[" + ", ".join(map(str, value)) + "]"
    return str(value) if name == "file" else f"{name}={value}"


WIDTH = whole("a width in hidden", 1, 100_000, "[512, 256, 64]")
COUNT_OF_SEEDS = whole("seeds", 1, MOST_SEEDS, "5")
SEED = whole("a seed", 0, 2**63 - 1, "[0, 1, 2]")
RECORDED = choice("record", "curves", "layers", "weights")


def tuned(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of ``{tune: [...], seeds: N}``."""
    values = {"type": "array", "items": schema, "minItems": 2, "uniqueItems": True}
    properties = {"tune": values, "seeds": COUNT_OF_SEEDS.schema | {"default": TUNING_COUNT}}
    return {"type": "object", "properties": properties, "required": ["tune"], "additionalProperties": False}


def one_or_many(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value or a list of such values."""
    return {"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1}]}


def widths(value: Value, context: Context) -> tuple[int, ...]:
    """Read the widths of the hidden layers one by one."""
    if not isinstance(value.data, list) or not value.data:
        raise value.error(f"hidden is {value} and must be a list of widths", "for example: hidden: [512, 256, 64]")
    found = []
    faults: list[Fault] = []
    for item in value.data:
        try:
            found.append(WIDTH(item, context))
        except ConfigError as error:
            faults.extend(error.faults)
    if faults:
        raise ConfigError(faults)
    return tuple(found)


def seeds(value: Value, context: Context) -> tuple[int, ...]:
    """Read a count of seeds, a range ``FROM:TO`` without its end, or a list of seed ids."""
    if ":" in value.written:
        begin, _, end = value.written.partition(":")
        first, stop = decimal(begin), decimal(end)
        if isinstance(first, int) and isinstance(stop, int) and 0 <= first < stop <= min(first + MOST_SEEDS, 2**63):
            return tuple(range(first, stop))
        message = f"seeds is {value} and must be FROM:TO, with TO above FROM by at most {MOST_SEEDS:,}"
        raise value.error(message, "for example 100:120, which means 100 to 119")
    if not isinstance(value.data, list):
        return tuple(range(COUNT_OF_SEEDS(value, context)))
    ranges = [item for item in value.data if ":" in item.written]
    if ranges:
        raise ranges[0].error(f"the range {ranges[0]} stands in a list", f"write it alone: seeds: {ranges[0]}")
    found = [SEED(item, context) for item in value.data]
    if not found:
        raise value.error("seeds is an empty list", "for example: seeds: 5")
    seen: set[int] = set()
    for seed, item in zip(found, value.data, strict=True):
        if seed in seen:
            raise item.error(f"the seed {item} stands twice")
        seen.add(seed)
    return tuple(found)


def record(value: Value, context: Context) -> tuple[str, ...]:
    """Read what to keep a row of for each epoch."""
    items = value.data if isinstance(value.data, list) else [value]
    found = tuple(dict.fromkeys(RECORDED(item, context) for item in items))
    if "curves" not in found:
        raise value.error("record must hold curves", "for example: record: [curves]")
    return found


def name(value: Value, context: Context) -> str:
    """Read the name of the results folder."""
    reason = why_no_folder(value.written) if _is_written(value) else NO_FOLDER
    if not reason:
        return value.written
    raise value.error(f"the name '{value}' cannot be a folder under the results", _in_quotes(value) or reason)


def why_no_folder(word: str) -> str:
    """Why a name cannot be a folder on every system; empty if it can.

    Examples
    --------
    >>> why_no_folder("relu_deep"), why_no_folder("nul.txt")
    ('', 'NUL is a device on Windows, whatever the case and the suffix; choose another name')
    """
    device = word.partition(".")[0].rstrip().upper()
    if device in DEVICES:
        return f"{device} is a device on Windows, whatever the case and the suffix; choose another name"
    is_fine = all(c.isalnum() or c in " ._+-=@()" for c in word) and 0 < len(word.encode()) <= 150
    return "" if is_fine and (word[0].isalnum() or word[0] == "_") and word[-1] not in " ." else NO_FOLDER


WIDTHS = {"type": ["array", "null"], "items": WIDTH.schema, "minItems": 1}
SEEDS = {
    "anyOf": [
        COUNT_OF_SEEDS.schema,
        {"type": "string", "pattern": "^[0-9]+:[0-9]+$"},
        {"type": "array", "items": SEED.schema, "minItems": 1, "uniqueItems": True},
    ]
}
KEYS = {
    key.name: key
    for key in (
        Key(
            "name",
            "folder under the results root (default: the file's stem)",
            Reader(name, {"type": [*TEXT["type"], "null"]}),
            "null",
            sweeps=False,
        ),
        Key("description", "one line, shown in the report", text("description"), "''", sweeps=False),
        Key("dataset", "a name, or {csv: FILE, target: COLUMN}, {idx: FOLDER}, {npz: FILE}", part("dataset"), "digits"),
        Key(
            "architecture",
            "the kind of network: initbench list architectures; depth and width are its hidden layers and their units",
            part("architecture"),
            "mlp",
        ),
        Key("depth", "hidden layers", whole("depth", 0, 10_000, "3"), "3", tunes=True),
        Key("width", "units in each hidden layer", whole("width", 1, 100_000, "64"), "64", tunes=True),
        Key(
            "hidden",
            "the widths of the hidden layers one by one, in place of depth and width",
            Reader(widths, WIDTHS),
            "null",
        ),
        Key("activation", "of the hidden layers", part("activation"), "relu"),
        Key(
            "initializer",
            "of all weights, or of layers: {first: A, hidden: B, last: C, recurrent: D}; hidden serves those left out",
            part("initializer"),
            "he_normal",
        ),
        Key(
            "output_initializer",
            "of the last layer's weights",
            or_word(drawn_by_layer("its last layer alone", "write initializer: {}"), "same", "same"),
            "same",
        ),
        Key("bias", "initial biases", part("bias"), "zeros"),
        Key("normalization", "none, batch, layer", choice("normalization", "none", "batch", "layer"), "none"),
        Key("residual", "none, " + ", ".join(RESIDUAL), choice("residual", "none", *RESIDUAL), "none"),
        Key(
            "dropout",
            "share of the hidden units dropped in training",
            number("dropout", Range(low=0, high=1, open_high=True), "0.2"),
            "0",
            tunes=True,
        ),
        Key("optimizer", "sgd, momentum, nesterov, rmsprop, adam, adamw", part("optimizer"), "sgd"),
        Key("learning_rate", "a number", number("learning_rate", Range(low=0), "0.05"), "0.05", tunes=True),
        Key(
            "schedule",
            "of the learning rate: constant, cosine, {step: {every: N, factor: X}}, {warmup: {steps: N, then: cosine}};"
            " N counts steps of the optimizer",
            part("schedule"),
            "constant",
        ),
        Key("batch_size", "rows a step", whole("batch_size", 1, 10_000_000, "64"), "64", tunes=True),
        Key("epochs", "passes over the training rows", whole("epochs", 1, 1_000_000, "10"), "10", sweeps=False),
        Key(
            "clip_norm",
            "largest global gradient norm, or null",
            or_word(number("clip_norm", Range(low=0, open_low=True), "1.0"), None, None),
            "null",
            tunes=True,
        ),
        Key("weight_decay", "L2 coefficient", number("weight_decay", Range(low=0), "0.0001"), "0", tunes=True),
        Key("scaling", "standard, unit, none", choice("scaling", "standard", "unit", "none"), "standard"),
        Key(
            "train_rows",
            "use only so many training rows",
            or_word(whole("train_rows", 1, 1_000_000_000, "1000"), "all", None),
            "all",
            tunes=True,
        ),
        Key(
            "seeds",
            "a count (5 means 0 to 4), FROM:TO (100:120 means 100 to 119) or a list of ids",
            Reader(seeds, SEEDS),
            "5",
            sweeps=False,
        ),
        Key(
            "target",
            "a validation accuracy; tables report how many cells reached it and when",
            or_word(number("target", Range(low=0, high=1, open_low=True), "0.9"), None, None),
            "null",
            sweeps=False,
        ),
        Key(
            "clock",
            "steps of the optimizer between two looks at the validation accuracy; tables report at which step target"
            " was reached",
            or_word(whole("clock", 1, 1_000_000_000, "10"), None, None),
            "null",
            sweeps=False,
        ),
        Key("dtype", "float32, float64", choice("dtype", "float32", "float64"), "float32"),
        Key(
            "record",
            "what to keep: curves; layers, what goes on in each after each epoch; weights, those in the end, as .npz",
            Reader(record, one_or_many(RECORDED.schema)),
            "[curves]",
            sweeps=False,
        ),
    )
}

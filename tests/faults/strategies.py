"""Hypothesis strategies: configs and data files as a stranger, a slip of the hand or a broken disk would leave them."""

from __future__ import annotations

import datetime
import gzip
import io
import struct
import zipfile
from collections.abc import Callable
from math import inf, nan
from typing import Any, NamedTuple

import numpy as np
import yaml
from hypothesis import strategies as st

from initbench.config import bundled
from initbench.parts.datasets.images import IDX_FILES
from initbench.registry import names

TABLE = b"size,kind,y\n" + b"".join(f"{i},{'ab'[i % 2]},{'no' if i % 3 else 'yes'}\n".encode() for i in range(60))

# Configs

HOSTILE_TEXT = (
    *("", " ", "nan", "null", "~", "~root/x", "../../x", "/etc/passwd", "..", "a/b", "a\\b", "CON", "name", "first"),
    *("-", "=1+1", "@x", "<script>alert(1)</script>", "$x^{", "%s%n", "{0}", "\\input{x}", "`id`", "; rm -rf x", "|"),
    *("x" * 300, "\u202e\u0645", "é" * 90, "\U0001f600", "a\nb", "\x07\x1b[2J", "\x00", "\ud800", "\ufeff", "\u2028"),
    *("1e400", "0x10", "1_000", "1:30", "yes", "2001-01-01", "he_norml", "torch.nn.init.kaiming_normal_", "9" * 5000),
)
HOSTILE_NUMBERS = (
    *(0, 1, -1, 2, 7, 8, 300, 10_000, 100_000, 2**31, 2**63, -(2**63), 10**30, 10**101, 10**400, 10**4000),
    *(0.0, -0.0, 0.5, 1e-320, 5e-324, 1e-50, 1e38, 1e100, 1e101, 1.7e308, -1e308, inf, -inf, nan),
)
HOSTILE = st.one_of(
    st.sampled_from(HOSTILE_TEXT),
    st.sampled_from(HOSTILE_NUMBERS),
    st.sampled_from(
        [None, True, False, b"\x00\xff", datetime.date(2001, 1, 1), {"a"}, [], {}, [[]], [None], {"": None}]
    ),
    st.text(max_size=20),
    st.integers(),
    st.floats(),
)
ODD = st.recursive(
    HOSTILE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["name", "file", "std", "gain", "csv", "first", "hidden", "x", ""]), inner),
    ),
    max_leaves=8,
)


SCALAR_WORDS = (
    *(
        "yes",
        "Yes",
        "YES",
        "no",
        "No",
        "n",
        "y",
        "on",
        "On",
        "ON",
        "off",
        "Off",
        "true",
        "True",
        "TRUE",
        "false",
        "False",
    ),
    *(
        "null",
        "Null",
        "NULL",
        "~",
        "=",
        "<<",
        "nan",
        ".inf",
        "-.Inf",
        "+.INF",
        ".nan",
        ".NaN",
        "inf",
        "Infinity",
        "NaN",
    ),
    *("-0", "+0", "00", "0.", ".0", ".", "-", "+", "e1", "1e", "1e5", "1E-3", "\u0663", "\uff11"),
)
SCALARS = st.one_of(
    st.from_regex(r"[-+]?[0-9_.]{1,6}([eE][-+]?[0-9]{1,2})?", fullmatch=True),
    st.from_regex(r"[-+]?0[bxo]?[0-9a-fA-F_]{1,6}", fullmatch=True),
    st.from_regex(r"[-+]?[0-9_]{1,3}(:[0-9]{1,2}){1,2}(\.[0-9]*)?", fullmatch=True),
    st.from_regex(r"[0-9]{1,3}([,._'\u00a0][0-9]{3}){1,2}", fullmatch=True),
    st.from_regex(r"(19|20)[0-9]{2}-[01]?[0-9]-[0-3]?[0-9]([Tt ][0-9:]{5,8}Z?)?", fullmatch=True),
    st.sampled_from(SCALAR_WORDS),
)


def parts(kind: str) -> st.SearchStrategy[Any]:
    """A part of the kind, mostly one that there is, with or without parameters that fit or do not."""
    some = st.sampled_from(names(kind))
    values = st.one_of(st.sampled_from([0, 1, 2, 0.1, 0.5, 3, "tanh"]), HOSTILE)
    words = st.sampled_from(
        ["std", "gain", "mode", "value", "low", "high", "scale", "file", "alpha", "activation", "x"]
    )
    given = st.dictionaries(words, values, max_size=2)
    return st.one_of(
        some, st.builds(lambda n, v: {n: v}, some, given), st.builds(lambda n, v: {"name": n, **v}, some, given)
    )


DATASETS = st.sampled_from(
    [
        *("digits", "digits", "churn", {"line": {"rows": 40}}, {"gaussian": {"features": 4, "classes": 3, "rows": 90}}),
        *({"csv": "table.csv", "target": "y"}, {"csv": "table.csv", "target": "y", "drop": ["kind"]}),
        *({"csv": "table.csv", "target": "z"}, {"csv": "nowhere.csv", "target": "y"}, {"csv": "../table.csv"}),
        *({"csv": "folder", "target": "y"}, {"npz": "table.csv"}, {"idx": "folder"}, {"idx": "table.csv"}),
    ]
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["case", "a b", "é", "x@1", 7]),
    "description": st.text(max_size=30),
    "dataset": DATASETS,
    "depth": st.integers(0, 30),
    "width": st.integers(1, 64),
    "hidden": st.lists(st.integers(1, 64), min_size=1, max_size=6),
    "activation": parts("activation"),
    "initializer": parts("initializer"),
    "output_initializer": st.one_of(st.just("same"), parts("initializer")),
    "bias": parts("bias"),
    "normalization": st.sampled_from(["none", "batch", "layer"]),
    "residual": st.sampled_from(["none", "plain", "scaled", "rezero", "fixup"]),
    "optimizer": parts("optimizer"),
    "learning_rate": st.floats(0, 10),
    "batch_size": st.integers(1, 1000),
    "epochs": st.integers(1, 20),
    "clip_norm": st.one_of(st.none(), st.floats(0.1, 10)),
    "weight_decay": st.floats(0, 1),
    "scaling": st.sampled_from(["standard", "unit", "none"]),
    "train_rows": st.one_of(st.just("all"), st.integers(1, 50)),
    "seeds": st.one_of(st.integers(1, 5), st.lists(st.integers(0, 100), min_size=1, max_size=5)),
    "target": st.one_of(st.none(), st.floats(0, 1)),
    "clock": st.one_of(st.none(), st.integers(1, 100)),
    "dtype": st.sampled_from(["float32", "float64"]),
    "record": st.sampled_from([["curves"], ["curves", "layers"], ["weights", "curves"]]),
}


class Verbatim(str):
    """YAML text that stands in a config as it is."""


VERBATIM = tuple(
    map(
        Verbatim,
        [
            "!!python/object/apply:os.system ['touch owned']",
            "!!python/name:os.system",
            "!!python/object/new:subprocess.Popen [[touch, owned]]",
            "!tag 1",
            "!!int x",
            "!!int ''",
            "!!bool maybe",
            "!!float ''",
            "!!float [1]",
            "!!null 1",
            "!!seq x",
            "!!map x",
            "!!str {a: b}",
            "!!set {a, b}",
            "!!omap [a: 1]",
            "!!binary '%'",
            "!!timestamp x",
            "!<tag:yaml.org,2002:python/none> x",
            "&a [*a]",
            "&a {x: *a}",
            "*nowhere",
            "&a [1, 2]",
            "*a",
            "{<<: {std: 1}}",
            "{<<: *a, x: 1}",
            "{? [a, b] : c}",
            "{1: 2, null: 3, true: 4, 1.5: 6}",
            "{a: 1, a: 2}",
            "=",
            "<<",
            "0b" + "1" * 20_000,
            "0x" + "f" * 5000,
            "-0x" + "f" * 5000,
            "1" + "0" * 4400,
            "1" + ":59" * 250,
            "1" + ":59" * 250 + ".5",
            "0_",
            "+_1",
            "._",
            "[" * 500 + "]" * 500,
            "[" * 20_000,
            "{a: " * 400 + "1" + "}" * 400,
            "- " * 3000 + "x",
            "[" + "1," * 3000 + "]",
            "\n" + "  - 1\n" * 3000,
            "[" + ", ".join(map(str, range(1, 3000))) + "]",
            "|\n  a\n  b",
            ">\n  a\n\n  b",
            "'it''s'",
            '"\\x1b]0;x\\x07"',
            '"\\ud800"',
            '"\\0"',
            '"open',
            "[1, 2",
            "{a: 1",
            "\t1",
            "@x",
            "`x`",
            "%x",
            "? ",
            "- ",
            ": : :",
            "a: b: c",
            "'" + "x" * 100_000 + "'",
        ],
    )
)


def bomb(levels: int, width: int) -> str:
    """A text whose aliases unfold to ``width ** levels`` values."""
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, levels)]
    return "\n".join([*lines, f"depth: *a{levels - 1}"]) + "\n"


WHOLE = (
    b"",
    b"\n\n",
    b"# nothing\n",
    b"null\n",
    b"[1, 2]\n",
    b"x\n",
    b"--- \n...\n--- \n",
    b"depth: 1\n---\ndepth: 2\n",
    b"%YAML 9.9\n---\ndepth: 1\n",
    b"%TAG ! tag:yaml.org,2002:python/\n---\ndepth: !object/apply:os.system [touch owned]\n",
    b"\x00" * 100,
    b"\xff\xfe",
    b"\xef\xbb\xbfdepth: 1\n",
    b"depth: 1\r\nwidth: 8\r\n",
    b"depth: 1\rwidth: 8\r",
    b"depth: 1\n" * 3000,
    b"".join(b"k%d: 1\n" % i for i in range(3000)),
    b"depth: [" + b",".join(b"%d" % i for i in range(20_000)) + b"]\n",
    b"learning_rate: [" + b",".join(b"%d" % i for i in range(20_000)) + b"]\n",
    b"seeds: [" + b",".join(b"%d" % i for i in range(20_000)) + b"]\n",
    b"depth: ["
    + b",".join(b"%d" % i for i in range(1, 1500))
    + b"]\nwidth: &w ["
    + b",".join(b"%d" % i for i in range(1, 3000))
    + b"]\nseeds: 1\n",
    b"initializer: [" + b",".join(b"{normal: {std: %d}}" % i for i in range(1, 1500)) + b"]\n",
    b"initializer: [" + b"he_normal," * 1500 + b"]\n",
    b"initializer: [" + b"x," * 1500 + b"]\n",
    b"hidden: [" + b",".join([b"100000"] * 3000) + b"]\n",
    b"depth: 10000\nwidth: 100000\ninitializer: [orthogonal, lsuv, {sparse: {nonzeros: 90000}}]\n",
    b"dataset: {gaussian: {rows: 100000000, features: 1, classes: 100}}\n",
    b"dataset: {line: {rows: 100000000}}\nseeds: 1\n",
    b"depth: 1\n" + b"#" * 999_000,
    b"description: " + b"x" * 999_000 + b"\n",
    b"x" * 999_000,
    b"#" * 10_000_000,
    bomb(9, 9).encode(),
    bomb(60, 2).encode(),
)


def _dump(config: list[tuple[str, Any]], is_flow: bool, keep_unicode: bool) -> str:
    lines = []
    for key, value in config:
        if isinstance(value, Verbatim):
            lines.append(f"{key}: {value}\n")
            continue
        try:
            lines.append(yaml.safe_dump({key: value}, default_flow_style=is_flow, allow_unicode=keep_unicode))
        except (yaml.YAMLError, ValueError):  # a number of more digits than Python writes
            lines.append(f"{key}: {value!s:.50}\n")
    return "".join(lines)


@st.composite
def structures(draw: st.DrawFn) -> str:
    """A config with some keys of docs/contract.md, of which up to three hold what they must not."""
    keys = draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=8))
    if draw(st.booleans()):
        keys = list(dict.fromkeys(keys))
        if "hidden" in keys:
            keys = [key for key in keys if key not in ("depth", "width")]
    config = []
    for key in keys:
        value = draw(VALUES[key])
        if (
            key not in ("name", "description", "epochs", "seeds", "target", "clock", "record")
            and draw(st.integers(0, 3)) == 0
        ):
            value = [value, *draw(st.lists(VALUES[key], max_size=2))]
            if draw(st.integers(0, 3)) == 0:
                value = {
                    "tune": value,
                    **draw(st.dictionaries(st.just("seeds"), st.one_of(st.integers(1, 4), HOSTILE))),
                }
        config.append((key, value))
    for _ in range(draw(st.integers(0, 3))):
        value = draw(st.one_of(ODD, st.sampled_from(VERBATIM), SCALARS.map(Verbatim)))
        config.append((draw(st.one_of(st.sampled_from(sorted(VALUES)), st.text(min_size=1, max_size=8))), value))
    return _dump(draw(st.permutations(config)), draw(st.booleans()), draw(st.booleans()))


SNIPPETS = st.one_of(
    st.sampled_from(VERBATIM).filter(lambda text: len(text) < 200),
    st.sampled_from(
        ["\n", "\t", ": ", "- ", "[", "]", "{", "}", "'", '"', "#", "&a ", "*a", "!!", "|", "\x00", "\x1b", "\r"]
    ),
    st.text(max_size=3),
)


@st.composite
def slips(draw: st.DrawFn, text: str) -> str:
    """The text with a few places cut out, doubled or written over."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 2, 10, 100])))
        middle = draw(st.one_of(SNIPPETS, st.just(text[start:end] * 2)))
        text = text[:start] + middle + text[end:]
    return text


BUNDLED = [path.read_text(encoding="utf-8") for path in bundled().values()]


@st.composite
def configs(draw: st.DrawFn) -> bytes:
    """The content of a config file."""
    way = draw(st.integers(0, 19))
    if way == 0:
        return draw(st.one_of(st.sampled_from(WHOLE), st.binary(max_size=200)))
    text = draw(st.sampled_from(BUNDLED)) if way < 4 else draw(structures())
    if way < 10:
        text = draw(slips(text))
    encoding = draw(st.sampled_from(["utf-8"] * 12 + ["utf-8-sig", "utf-16", "latin-1", "cp037"]))
    content = text.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace")
    return draw(damaged(content)) if way == 10 else content


@st.composite
def changes(draw: st.DrawFn) -> list[str]:
    """Options ``-s KEY=VALUE``, mostly none."""
    if draw(st.integers(0, 4)):
        return []
    key = draw(st.one_of(st.sampled_from(sorted(VALUES)), st.text(max_size=5)))
    odd = (SCALARS, st.sampled_from(VERBATIM), st.sampled_from(HOSTILE_TEXT), st.sampled_from(HOSTILE_NUMBERS))
    value = draw(st.one_of(odd))
    written = draw(st.sampled_from(["{}={}", "{}", "={1}", "{} = {}"])).format(key, str(value)[:2000])
    return ["-s", written.replace("\0", "").encode("utf-8", "replace").decode()]


# Data files


class DataCase(NamedTuple):
    """Data files and a config that names them.

    Attributes
    ----------
    config : str
    files : dict of str to bytes or str
        Path in the folder of the case -> content, or what is there in place of a file: ``"fifo"``, ``"folder"``,
        ``"loop"`` and ``"dangling"`` (symbolic links), ``"endless"`` (a link to ``/dev/zero``).
    """

    config: str
    files: dict[str, bytes | str]


IN_PLACE_OF_A_FILE = ("fifo", "folder", "loop", "dangling", "endless")
NET = "depth: 1\nwidth: 4\nepochs: 1\nseeds: 1\n"


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """The bytes with some places cut off, flipped, doubled or written over."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        way = draw(st.integers(0, 4))
        if way == 0:
            content = content[:start]
        elif way == 1:
            content = content[:start] + draw(st.binary(max_size=8)) + content[start + draw(st.integers(0, 8)) :]
        elif way == 2:
            content = content[:start] + content[start : start + 40] * 2 + content[start + 40 :]
        else:  # in the first bytes, where the headers are
            start = draw(st.integers(0, min(len(content), 200)))
            content = content[:start] + draw(st.binary(min_size=1, max_size=4)) + content[start + 4 :]
    return content


WORDS = st.one_of(
    st.sampled_from(
        [
            "a",
            "b",
            "c d",
            "é",
            "=1",
            "NA",
            "nan",
            "inf",
            "-inf",
            "1e999",
            "1,5",
            '"',
            "'",
            ";",
            "\x1b[2J",
            "\x00",
            "",
            "?",
            "1_0",
            "٣",
        ]
    ),
    st.text(max_size=6),
)
GOOD_CELLS: tuple[Callable[[int], str], ...] = (
    lambda i: str(i),
    lambda i: str(i / 7),
    lambda i: "1",
    lambda i: "" if i % 3 else str(i),
    lambda i: "ab"[i % 2],
    lambda i: f"id{i}",
    lambda i: "x" if i == 17 else str(i),
    lambda i: "1e308" if i % 2 else "-1e308",
    lambda i: "1e-320",
    lambda i: "true" if i % 2 else "False",
)
BAD_CELLS: tuple[Callable[[int], str], ...] = (
    lambda i: "",
    lambda i: "nan",
    lambda i: "inf" if i == 17 else str(i),
    lambda i: "w" * (20_000 if i == 3 else 1),
)
CELLS = st.one_of(*[st.sampled_from(GOOD_CELLS)] * 7, st.sampled_from(BAD_CELLS))


@st.composite
def tables(draw: st.DrawFn) -> DataCase:
    """A CSV file."""
    rows = draw(st.sampled_from([0, 1, 2, 9, 40, 40, 40, 40, 300]))
    columns = draw(st.lists(CELLS, max_size=5))
    header = [
        draw(st.one_of(st.just(f"c{i}"), WORDS)) if draw(st.integers(0, 4)) == 0 else f"c{i}"
        for i in range(len(columns))
    ]
    classes = draw(st.sampled_from([1, 2, 2, 2, 2, 3, 5, 30, 1000]))
    lines = [[*header, "y"], *([*(cell(i) for cell in columns), f"k{i % classes}"] for i in range(rows))]
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        line = lines[draw(st.integers(0, len(lines) - 1))]
        way = draw(st.integers(0, 2))
        if way == 0 and line:
            line.pop()
        elif way == 1:
            line.append(draw(WORDS))
        elif line:
            line[draw(st.integers(0, len(line) - 1))] = draw(WORDS)
    separator, end = (
        draw(st.sampled_from([",", ",", ";", "\t", "|"])),
        draw(st.sampled_from(["\n", "\n", "\r\n", "\r"])),
    )
    text = "".join(separator.join(line) + end for line in lines)
    content = text.encode(draw(st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "latin-1"])), "replace")
    if draw(st.integers(0, 3)) == 0:
        content = draw(damaged(content))
    target = draw(st.sampled_from(["y", "y", "y", "c0", "", "c"]))
    drop = draw(st.sampled_from(["", ", drop: [c0]", ", drop: c1", ", drop: [y]"]))
    return DataCase(f"dataset: {{csv: data.csv, target: '{target}'{drop}}}\n{NET}", {"data.csv": content})


SHAPES = st.sampled_from([(20, 3, 3), (20, 9), (20,), (0, 3, 3), (20, 0), (), (1, 1, 1), (20, 3, 3, 3), (2000, 2)])
DTYPES = st.sampled_from(
    ["u1", "u1", "f4", "f8", "f2", "i8", ">f8", "?", "c16", "U3", "S2", "M8[s]", "O", "f16", "V0", "u8"]
)


@st.composite
def arrays(draw: st.DrawFn) -> dict[str, np.ndarray[Any, Any]]:
    """Four arrays in Keras' layout, or nearly."""
    with np.errstate(all="ignore"):
        return _arrays(draw)


def _arrays(draw: st.DrawFn) -> dict[str, np.ndarray[Any, Any]]:
    found = {}
    for part, rows in (("train", 20), ("test", 10)):
        x, y = np.arange(rows * 9).reshape(rows, 3, 3) % 251, np.arange(rows) % 3
        found |= {f"x_{part}": x.astype("u1"), f"y_{part}": y.astype("u1")}
    for _ in range(draw(st.integers(0, 2))):
        key = draw(st.sampled_from(sorted(found)))
        way = draw(st.integers(0, 4))
        if way == 0:
            found[key] = np.zeros(draw(SHAPES)).astype(draw(DTYPES))
        elif way == 1:
            found[key] = found[key].real.astype(draw(st.sampled_from(["f8", "f4", "i8", "u8"])))
        elif way == 2:
            values = found[key].real.astype("f8")
            values.flat[3 % values.size if values.size else slice(0)] = draw(
                st.sampled_from([nan, inf, -1, 1e308, -1e308, 7.5, 1e18])
            )
            found[key] = values
        elif way == 3:
            found[key] = np.full(found[key].shape, draw(st.sampled_from([0, 1, 255])), found[key].dtype)
        else:
            found[key] = np.atleast_1d(found[key])[: draw(st.integers(0, 20))]
    if draw(st.integers(0, 9)) == 0:
        found.pop(draw(st.sampled_from(sorted(found))))
    return found


HEADERS = (
    "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000, 3, 3), }",
    "{'descr': '<f8', 'fortran_order': True, 'shape': (99999999999999999999999, 2), }",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -9), }",
    "{'descr': '|V0', 'fortran_order': False, 'shape': (1000000000000000000,), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (20, 3, 3), }",
    "{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (20,), }",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (2.5, True), }",
    "{'descr': __import__('os').system('touch owned'), 'fortran_order': False, 'shape': (20, 3, 3), }",
    "{'descr': '|u1', 'shape': (20, 3, 3)}",
    "[" * 3000,
    "x" * 20_000,
    "",
)


def npy(header: str, content: bytes, version: bytes = b"\x01\x00") -> bytes:
    """An npy file with a header as it is told."""
    size = struct.pack("<H" if version == b"\x01\x00" else "<I", len(header))
    return b"\x93NUMPY" + version + size + header.encode() + content


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as packed:
        for name, content in members.items():
            packed.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


@st.composite
def archives(draw: st.DrawFn) -> DataCase:
    """An npz file."""
    members = {}
    for name, values in draw(arrays()).items():
        out = io.BytesIO()
        np.save(out, values, allow_pickle=True)
        members[f"{name}.npy"] = out.getvalue()
    if draw(st.integers(0, 3)) == 0 and members:
        version = draw(st.sampled_from([b"\x01\x00", b"\x02\x00", b"\x03\x00", b"\x09\x09"]))
        key = draw(st.sampled_from(sorted(members)))
        members[key] = npy(draw(st.sampled_from(HEADERS)), bytes(draw(st.sampled_from([0, 20, 180]))), version)
    if draw(st.integers(0, 4)) == 0 and members:
        key = draw(st.sampled_from(sorted(members)))
        members[key] = draw(damaged(members[key]))
    methods = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    if draw(st.integers(0, 3)) == 0:
        return _kmnist(members, draw(st.sampled_from(["mnist", "mnist/kmnist-train-imgs.npz"])))
    content = archive(members, draw(st.sampled_from(methods)))
    if draw(st.integers(0, 2)) == 0:
        content = draw(damaged(content))
    return DataCase(f"dataset: {{npz: data.npz}}\n{NET}", {"data.npz": content})


def _kmnist(members: dict[str, bytes], named: str) -> DataCase:
    """The members of an npz file, each in a file of its own."""
    files: dict[str, bytes | str] = {"mnist/about.txt": b"four files"}
    for member, content in members.items():
        axis, part = member.removesuffix(".npy").split("_")
        files[f"mnist/kmnist-{part}-{'imgs' if axis == 'x' else 'labels'}.npz"] = archive({"arr_0.npy": content})
    return DataCase(f"dataset: {{npz: {named}}}\n{NET}", files)


IDX_NAMES = st.sampled_from(["{}-idx{}", "{}.idx{}", "emnist-letters-{}-idx{}", "raw/{}-idx{}", "a-{}-idx{}"])


@st.composite
def images(draw: st.DrawFn) -> DataCase:
    """A folder of IDX files, now and then of other names, other types, or with a twin."""
    files: dict[str, bytes | str] = {}
    usual = draw(IDX_NAMES)
    for key, values in draw(arrays()).items():
        stem, magic = IDX_FILES[key]
        magic = magic[:2] + bytes([draw(st.sampled_from([8] * 8 + [9, 10, 11, 12, 13, 14])), magic[3]])
        name = draw(IDX_NAMES) if draw(st.integers(0, 9)) == 0 else usual
        stem = name.format(*stem.split("-idx"))
        values = np.nan_to_num(values) if values.dtype.kind == "f" else values
        with np.errstate(all="ignore"):
            raw = values.astype("u1").tobytes() if values.dtype.kind in "buif" and values.dtype != "f16" else b""
        shape = values.shape if draw(st.integers(0, 9)) else draw(st.sampled_from([(2**32 - 1,) * 3, (2**31, 2, 2)]))
        content = magic + b"".join(struct.pack(">I", size) for size in shape) + raw
        if draw(st.integers(0, 5)) == 0:
            content = draw(damaged(content))
        is_packed = draw(st.booleans())
        content = gzip.compress(content, mtime=0) if is_packed else content
        if draw(st.integers(0, 5)) == 0:
            content = draw(damaged(content))
        files[f"mnist/{stem}{'.gz' if is_packed else ''}"] = content
        if draw(st.integers(0, 9)) == 0:
            files[f"mnist/{stem.replace('-idx', '.idx')}"] = draw(damaged(content))
    return DataCase(f"dataset: {{idx: mnist}}\n{NET}", files)


@st.composite
def data_files(draw: st.DrawFn) -> DataCase:
    """Data files of any kind, now and then with something else in place of one."""
    case = draw(st.one_of(tables(), archives(), images()))
    if draw(st.integers(0, 15)) == 0 and case.files:
        case.files[draw(st.sampled_from(sorted(case.files)))] = draw(st.sampled_from(IN_PLACE_OF_A_FILE))
    return case

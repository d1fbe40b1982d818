"""Image files: IDX, the layout of MNIST and its relatives, and npz, the layouts of Keras and of KMNIST."""

from __future__ import annotations

import gzip
import io
import math
import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection
from itertools import islice
from pathlib import Path

import numpy as np

from initbench.contracts import Array, Dataset
from initbench.errors import DataError, nearest
from initbench.parts.archives import MOST_BYTES, read_arrays
from initbench.parts.datasets.arrays import KEYS, image_dataset

IMAGES, LABELS = b"\x00\x00\x08\x03", b"\x00\x00\x08\x01"  # unsigned bytes, with three axes and with one
AXES = {IMAGES: (2, 3, 4), LABELS: (1, 2)}
TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
IDX_FILES = {
    "x_train": ("train-images-idx3-ubyte", IMAGES),
    "y_train": ("train-labels-idx1-ubyte", LABELS),
    "x_test": ("t10k-images-idx3-ubyte", IMAGES),
    "y_test": ("t10k-labels-idx1-ubyte", LABELS),
}
START = r"(?:(?P<set>.+)[-_.])?(?P<part>train|t10k|test)[-_.]"
IDX_END = r"(?P<kind>images|labels)[-_.]idx[1-4][-_.](?:ubyte|byte|short|int|float|double)(?:\.gz)?"
NPZ_END = r"(?P<kind>imgs|images|labels)\.npz"
IDX_NAME, NPZ_NAME = re.compile(START + IDX_END, re.IGNORECASE), re.compile(START + NPZ_END, re.IGNORECASE)
OTHER_PART = r".+[-_.]"  # such as validation-
SUBFOLDERS = ("raw", "gzip", "*/raw")  # of torchvision, and of EMNIST's archive
DEPTHS = ("*", "*/*", "*/*/*")  # at which files are looked for, where a folder lacks the four
MOST_LOOKED_AT = 2000  # files and folders at each
OTHER_FILES = {
    ".npz": "an npz file is read by dataset: {{npz: {file}}}",
    ".pt": "{file} is PyTorch's own, which is not read; name the folder of the raw files",
    ".zip": "unpack {file}, and name the folder with the four files",
    ".tar": "unpack {file}, and name the folder with the four files",
    ".tgz": "unpack {file}, and name the folder with the four files",
}

Sets = dict[str, dict[str, list[Path]]]


def find_sets(folder: Path, name: re.Pattern[str] = IDX_NAME) -> Sets:
    """The data sets whose files lie in a folder.

    Parameters
    ----------
    folder : Path
        Its subfolders are not looked into.
    name : re.Pattern, default IDX_NAME
        Which files belong to a data set: ``IDX_NAME`` or ``NPZ_NAME``.

    Returns
    -------
    dict of str to dict of str to list of Path
        By what their names begin with, ``emnist-letters`` or nothing, and then by ``KEYS``: the files in all spellings
        that are there. Hidden files, such as macOS makes beside each (``._train-images-idx3-ubyte``), are left out.

    Raises
    ------
    DataError
        When the folder cannot be read.
    """
    sets: Sets = defaultdict(lambda: defaultdict(list))
    try:
        files = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror or error}); allow to list it") from error
    for file in files:
        match = None if file.name.startswith(".") else name.fullmatch(file.name)
        if match and file.is_file():
            axis = "y" if match["kind"].lower() == "labels" else "x"
            part = "train" if match["part"].lower() == "train" else "test"
            sets[match["set"] or ""][f"{axis}_{part}"].append(file)
    return sets


def read_idx(file: Path, magic: bytes) -> Array:
    """Read one IDX file, gzipped or not.

    Parameters
    ----------
    file : Path
        Unpacked if it begins like gzip, whatever its name.
    magic : bytes
        ``IMAGES`` or ``LABELS``: the four bytes that such a file begins with. Other types of numbers and one axis more
        or less do as well.

    Returns
    -------
    ndarray, shape (n, rows, columns) or (n,)
        Of uint8 or what the file holds. Read-only.

    Raises
    ------
    DataError
        When the file is cut off, damaged or of another kind.

    References
    ----------
    LeCun, Cortes & Burges (1998), "The MNIST database", section "File formats".
    """
    kind = "images" if magic == IMAGES else "labels"
    try:
        with file.open("rb") as packed:
            is_packed = packed.read(2) == b"\x1f\x8b"  # not by the name: browsers unpack files without renaming them
            packed.seek(0)
            with gzip.open(packed) if is_packed else packed as content:
                start = content.read(4)
                is_idx = len(start) == 4 and start[:2] == b"\0\0" and start[2] in TYPES and start[3] in AXES[magic]
                header = content.read(4 * start[3]) if is_idx else b""
                if not is_idx or len(header) < 4 * start[3]:
                    raise DataError(
                        f"{file}: begins with the bytes '{start.hex(' ')}', and IDX {kind} begin with "
                        f"'{magic.hex(' ')}'; it may be another file under this name"
                    )
                dtype = np.dtype(TYPES[start[2]])
                shape = tuple(map(int, np.frombuffer(header, ">u4")))
                promised = math.prod(shape) * dtype.itemsize
                size = " x ".join(map(str, shape))
                size += " bytes" if dtype.itemsize == 1 else f" numbers of {dtype.itemsize} bytes"
                if promised > MOST_BYTES:
                    raise DataError(f"{file}: its header promises {size}; the most is {MOST_BYTES:,}")
                numbers = _read_at_most(content, promised + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{file}: cannot be read ({error}); fetch it again") from error
    if promised != len(numbers):
        present = "more" if len(numbers) > promised else len(numbers)
        raise DataError(f"{file}: its header promises {size} and {present} follow; fetch it again")
    values = np.frombuffer(numbers, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
    values.flags.writeable = False
    return values


def _read_at_most(content: io.BufferedIOBase, count: int) -> bytearray:
    """The next bytes, in pieces: a file may promise more than it holds, or than fits in memory."""
    found = bytearray()
    while len(found) < count and (piece := content.read(min(count - len(found), 2**20))):
        found += piece
    return found


def write_idx(folder: Path, arrays: dict[str, Array]) -> None:
    """Write a folder that ``read_idx_folder`` reads; the same arrays give the same bytes.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    arrays : dict of str to ndarray of uint8
        ``x_train`` and ``x_test``, shape (n, rows, columns); ``y_train`` and ``y_test``, shape (n,).
    """
    folder.mkdir(parents=True, exist_ok=True)
    for key, (stem, magic) in IDX_FILES.items():
        content = magic + np.array(arrays[key].shape, ">u4").tobytes() + arrays[key].tobytes()
        (folder / f"{stem}.gz").write_bytes(gzip.compress(content, 9, mtime=0))


def read_idx_folder(folder: Path, prefix: str = "") -> Dataset:
    """Read the four IDX files of a data set, any image size.

    Parameters
    ----------
    folder : Path
        Holds the files of ``IDX_FILES``, gzipped or not, in any spelling that ``find_sets`` knows, or a subfolder of
        ``SUBFOLDERS`` does.
    prefix : str, default ""
        What the names of the files begin with. It may be left out where some have none or all have the same.

    Returns
    -------
    Dataset
        x of shape (n, rows * columns). Files of EMNIST, whose names begin with ``emnist``, have their images stored
        with rows and columns swapped; these are swapped back.

    Raises
    ------
    DataError
        When a file is missing, damaged, comes twice with different contents, or does not fit the others; when there
        are several data sets.
    """
    if folder.is_file():
        raise DataError(f"{folder}: is a file; name the folder that holds the four: dataset: {{idx: {folder.parent}}}")
    place, sets, twins, notes = _look_below(folder)
    name = prefix.rstrip("-_.") or _only_set(place, sets, "{{idx: {folder}, prefix: {name}}}")
    if name and sets and name not in sets:
        raise DataError(f"{place}: holds no IDX files that begin with '{name}'; {_known_prefixes(place, sets, name)}")
    for key, (stem, _) in IDX_FILES.items():
        if key not in sets.get(name, {}):
            stem = f"{name}-{stem}" if name else stem
            remedy = _find_elsewhere(place) or "the MNIST layout has four files"
            raise DataError(f"{place}: {stem} or {stem}.gz is missing; {remedy}")
    notes += _note_left_out(place, sets, name, IDX_NAME, IDX_END, is_named=bool(prefix))
    found = {
        key: sets[name][key] + [file for twin in twins for file in twin.get(name, {}).get(key, [])] for key in KEYS
    }
    arrays, files = _read_four(found, lambda file, key: read_idx(file, IDX_FILES[key][1]))
    if name.lower().startswith("emnist") and all(arrays[key].ndim == 3 for key in ("x_train", "x_test")):
        arrays |= {key: arrays[key].swapaxes(1, 2) for key in ("x_train", "x_test")}
        notes.append("images: EMNIST stores rows as columns, and they are swapped back")
    return image_dataset(arrays, place, {key: f"{file}: its array" for key, file in files.items()}, notes)


def _look_below(folder: Path) -> tuple[Path, Sets, list[Sets], list[str]]:
    """Where in a folder IDX files are: itself, or the one subfolder that has some; their twins; and what was assumed.

    The ``raw`` and ``gzip`` of a folder with files may hold other copies of these. The ``raw`` of a subfolder may
    be another data set's.
    """
    sets = find_sets(folder)
    below = {place: find_sets(place) for pattern in SUBFOLDERS for place in sorted(folder.glob(pattern))}
    places = [place for place, found in below.items() if found]
    if sets:
        twins = [below[place] for place in places if place.parent == folder]
        return folder, sets, twins, [f"files: those in {place} are not read" for place in places]
    if len(places) > 1:
        ways = " or ".join(f"dataset: {{idx: {place}}}" for place in places)
        raise DataError(f"{folder}: several folders in it hold IDX files; name one: {ways}")
    if not places:
        return folder, {}, [], []
    return places[0], below[places[0]], [], [f"files: read in {places[0]}"]


def _known_prefixes(folder: Path, sets: Sets, name: str) -> str:
    """What to write in place of a prefix that no file has."""
    prefixes = [known for known in sets if known]
    close = nearest(name, prefixes)
    if not prefixes:
        return f"those there have no prefix; leave it out: dataset: {{idx: {folder}}}"
    known = f"nearest name: {close}" if close else f"there are: {', '.join(prefixes)}"
    return known + ("; others have no prefix, and are read without one" if "" in sets else "")


def _find_elsewhere(folder: Path) -> str:
    """Where below a folder, or in which other form, its files may be, and how a config names them; or nothing."""
    npz_sets = find_sets(folder, NPZ_NAME)
    if npz_sets:
        return f"its npz files are read by dataset: {{npz: {folder}}}"
    paths = [path for pattern in DEPTHS for path in sorted(islice(folder.glob(pattern), MOST_LOOKED_AT))]
    files = [path for path in paths if not path.name.startswith(".") and path.is_file()]
    for file in files:
        if file.parent != folder and IDX_NAME.fullmatch(file.name):
            if IDX_NAME.fullmatch(file.parent.name):
                return f"{file} lies in a folder of its own; move the four files into {folder}"
            return f"IDX files are in {file.parent}: write dataset: {{idx: {file.parent}}}"
    for file in files:
        if file.suffix.lower() in OTHER_FILES:
            return OTHER_FILES[file.suffix.lower()].format(file=file)
    return ""


def _note_left_out(
    folder: Path, sets: Sets, name: str, pattern: re.Pattern[str], end: str, *, is_named: bool
) -> list[str]:
    """The other data sets of a folder, if none was asked for by name, and files of parts that are not used."""
    notes = (
        []
        if is_named
        else [f"'{other or 'train-*'}' in the same folder is not read" for other in sets if other != name]
    )
    for file in sorted(folder.iterdir()):
        is_other = re.fullmatch(OTHER_PART + end, file.name, re.IGNORECASE) and not pattern.fullmatch(file.name)
        if is_other and not file.name.startswith(".") and (not is_named or file.name.startswith(name)):
            notes.append(f"'{file.name}' in the same folder is not read")
    return notes


def _only_set(folder: Path, sets: Sets, way: str) -> str:
    """The name of the data set to read: the one without a name, or the only one; ``way`` is how a config names one."""
    if len(sets) > 1 and "" not in sets:
        name, files = next(iter(sets.items()))
        example = way.format(folder=folder, name=name, file=next(iter(files.values()))[0])
        raise DataError(f"{folder}: holds {' and '.join(sets)}; name one, for example dataset: {example}")
    return "" if "" in sets else next(iter(sets), "")


def _read_four(
    found: dict[str, list[Path]], read: Callable[[Path, str], Array]
) -> tuple[dict[str, Array], dict[str, Path]]:
    """Read the files of one data set; those that are there twice must be equal."""
    arrays, files = {}, {}
    for key in KEYS:
        files[key], *others = found[key]
        arrays[key] = read(files[key], key)
        for other in others:
            if not np.array_equal(arrays[key], read(other, key)):
                twin = other.relative_to(files[key].parent)
                raise DataError(
                    f"{files[key]}: {twin} is the same file once more, and they differ; "
                    "one may be out of date: move it away"
                )
    for part in ("train", "test"):
        images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if images.ndim and labels.ndim == 1 and len(images) != len(labels):
            raise DataError(
                f"{files[f'x_{part}']}: {len(images)} images, but {len(labels)} labels in {files[f'y_{part}'].name}; "
                "the two must belong together"
            )
    return arrays, files


def read_npz(file: Path) -> Dataset:
    """Read an npz file with x_train, y_train, x_test and y_test, the layout of ``keras.datasets``.

    Parameters
    ----------
    file : Path
        Never unpickled. Or one of four files named like ``kmnist-train-imgs.npz``, each with one array, or the folder
        that holds them: the layout of KMNIST.

    Returns
    -------
    Dataset
        x of shape (n, d), images flattened; uint8, float32 and float64 stay, other numbers become float64.

    Raises
    ------
    DataError
        When a file is damaged, holds pickled objects, or its arrays are missing or do not fit each other.
    """
    match = NPZ_NAME.fullmatch(file.name)
    notes: list[str] = []
    if file.is_dir():
        sets = find_sets(file, NPZ_NAME)
        if not sets:
            is_idx = find_sets(file)
            idx = f"its IDX files are read by dataset: {{idx: {file}}}"
            remedy = idx if is_idx else _find_elsewhere(file) or "name the file itself"
            raise DataError(
                f"{file}: not a readable npz file but a folder, and without KMNIST's four (kmnist-train-imgs.npz ...); "
                f"{remedy}"
            )
        return _read_npz_set(file, sets, _only_set(file, sets, "{{npz: {file}}}"))

    def wanted(names: Collection[str]) -> tuple[str, ...]:
        missing = [key for key in KEYS if key not in names]
        if missing and match and len(names) == 1:
            return ()  # one of four files
        if missing:
            raise DataError(
                f"{file}: lacks {', '.join(missing)}; it holds {', '.join(list(names)[:12]) or 'nothing'}, "
                "and the Keras layout has x_train, y_train, x_test and y_test; "
                "numpy.savez_compressed(FILE, x_train=..., y_train=..., x_test=..., y_test=...) writes it"
            )
        notes.extend(f"'{name}' in the file is not read" for name in names if name not in KEYS)
        return KEYS

    arrays = read_arrays(file, wanted)
    if match and not arrays:
        return _read_npz_set(file.parent, find_sets(file.parent, NPZ_NAME), match["set"] or "")
    return image_dataset(arrays, file, notes=notes)


def _read_npz_set(folder: Path, sets: Sets, name: str) -> Dataset:
    """Read four npz files of one array each."""
    found = sets[name]
    for key in KEYS:
        if key not in found:
            stem = f"{key[2:]}-{'imgs' if key[0] == 'x' else 'labels'}.npz"
            stem = f"{name}-{stem}" if name else stem
            raise DataError(f"{folder}: {stem} is missing; the KMNIST layout has four files")

    def read(file: Path, key: str) -> Array:
        def wanted(names: Collection[str]) -> Collection[str]:
            if len(names) != 1:
                raise DataError(f"{file}: holds {len(names)} arrays, and files named like this hold one")
            return names

        (array,) = read_arrays(file, wanted).values()
        return array

    arrays, files = _read_four(found, read)
    notes = [f"files: read {', '.join(file.name for file in files.values())}"]
    notes += _note_left_out(folder, sets, name, NPZ_NAME, NPZ_END, is_named=False)
    return image_dataset(arrays, folder, {key: f"{file}: its array" for key, file in files.items()}, notes)

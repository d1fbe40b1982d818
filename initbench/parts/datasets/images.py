"""Image files: IDX, the layout of MNIST, and npz, the layout of Keras."""

from __future__ import annotations

import gzip
import io
import math
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np

from initbench.contracts import Array, Dataset
from initbench.errors import DataError
from initbench.parts.archives import MOST_BYTES, read_arrays
from initbench.parts.datasets.facts import LARGEST

IMAGES, LABELS = b"\x00\x00\x08\x03", b"\x00\x00\x08\x01"  # unsigned bytes, with three axes and with one
IDX_FILES = {
    "x_train": ("train-images-idx3-ubyte", IMAGES),
    "y_train": ("train-labels-idx1-ubyte", LABELS),
    "x_test": ("t10k-images-idx3-ubyte", IMAGES),
    "y_test": ("t10k-labels-idx1-ubyte", LABELS),
}


def find_idx(folder: Path, stem: str) -> Path | None:
    """The file in any of its spellings: ``-idx3`` or ``.idx3``, with ``.gz`` or without; None if there is none."""
    spellings = (stem, stem.replace("-idx", ".idx"))
    files = (folder / f"{name}{end}" for name in spellings for end in (".gz", ""))
    return next((file for file in files if file.is_file()), None)


def read_idx(file: Path, magic: bytes) -> Array:
    """Read one IDX file, gzipped or not.

    Parameters
    ----------
    file : Path
        Unpacked if it begins like gzip, whatever its name.
    magic : bytes
        ``IMAGES`` or ``LABELS``: the four bytes that the file must begin with.

    Returns
    -------
    ndarray of uint8, shape (n, rows, columns) or (n,)
        Read-only.

    Raises
    ------
    DataError
        When the file is cut off, damaged or of another kind.

    References
    ----------
    LeCun, Cortes & Burges (1998), "The MNIST database", section "File formats".
    """
    try:
        with file.open("rb") as packed:
            is_packed = packed.read(2) == b"\x1f\x8b"  # not by the name: browsers unpack files without renaming them
            packed.seek(0)
            with gzip.open(packed) if is_packed else packed as content:
                header = content.read(4 * (1 + magic[3]))
                if header[:4] != magic or len(header) < 4 * (1 + magic[3]):
                    kind = "images" if magic == IMAGES else "labels"
                    raise DataError(
                        f"{file}: begins with the bytes '{header[:4].hex(' ')}', and IDX {kind} begin with "
                        f"'{magic.hex(' ')}'; it may be another file under this name"
                    )
                shape = tuple(map(int, np.frombuffer(header, ">u4", offset=4)))
                promised = math.prod(shape)
                size = " x ".join(map(str, shape))
                if promised > MOST_BYTES:
                    raise DataError(f"{file}: its header promises {size} bytes; the most is {MOST_BYTES:,}")
                pixels = _read_at_most(content, promised + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise DataError(f"{file}: cannot be read ({error}); fetch it again") from error
    if promised != len(pixels):
        present = "more" if len(pixels) > promised else len(pixels)
        raise DataError(f"{file}: its header promises {size} bytes and {present} follow; fetch it again")
    values = np.frombuffer(pixels, np.uint8).reshape(shape)
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


def read_idx_folder(folder: Path) -> Dataset:
    """Read the four IDX files of a folder, any image size.

    Parameters
    ----------
    folder : Path
        Holds the files of ``IDX_FILES``, in any spelling that ``find_idx`` knows.

    Returns
    -------
    Dataset
        x of uint8, shape (n, rows * columns).

    Raises
    ------
    DataError
        When a file is missing, damaged, or does not fit the others.
    """
    arrays, files = {}, {}
    for key, (stem, magic) in IDX_FILES.items():
        file = find_idx(folder, stem)
        if file is None:
            raise DataError(f"{folder}: {stem} or {stem}.gz is missing; the MNIST layout has four files")
        arrays[key], files[key] = read_idx(file, magic), file
    for part in ("train", "test"):
        images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if len(images) != len(labels):
            raise DataError(
                f"{files[f'x_{part}']}: {len(images)} images, but {len(labels)} labels in {files[f'y_{part}'].name}; "
                "the two must belong together"
            )
    return image_dataset(arrays, folder)


def read_npz(file: Path) -> Dataset:
    """Read an npz file with x_train, y_train, x_test and y_test, the layout of ``keras.datasets``.

    Parameters
    ----------
    file : Path
        Never unpickled.

    Returns
    -------
    Dataset
        x of shape (n, d), images flattened; uint8, float32 and float64 stay, other numbers become float64.

    Raises
    ------
    DataError
        When the file is damaged, holds pickled objects, or its arrays are missing or do not fit each other.
    """

    def wanted(names: Collection[str]) -> tuple[str, ...]:
        missing = [key for key in IDX_FILES if key not in names]
        if missing:
            raise DataError(
                f"{file}: lacks {', '.join(missing)}; it holds {', '.join(list(names)[:12]) or 'nothing'}, "
                "and the Keras layout has x_train, y_train, x_test and y_test"
            )
        return tuple(IDX_FILES)

    return image_dataset(read_arrays(file, wanted), file)


def image_dataset(arrays: dict[str, Array], source: Path) -> Dataset:
    """Check four arrays against each other, and flatten the images.

    Parameters
    ----------
    arrays : dict of str to ndarray
        ``x_train`` and ``x_test``, shape (n, ...); ``y_train`` and ``y_test``, shape (n,) or (n, 1).
    source : Path
        What an error names.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        When shapes or types do not fit, a pixel is not finite, or the labels are not 0 to k - 1.
    """
    x, y = {}, {}
    for part in ("train", "test"):
        images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
        if images.ndim < 2 or images.size == 0 or images.dtype.kind not in "buif":
            raise DataError(
                f"{source}: x_{part} is {images.dtype.name} of shape {images.shape}, and must be numbers of shape "
                "(images, pixels) or (images, rows, columns)"
            )
        if labels.shape not in [(len(images),), (len(images), 1)] or labels.dtype.kind not in "ui":
            raise DataError(
                f"{source}: y_{part} is {labels.dtype.name} of shape {labels.shape}, and must be {len(images)} "
                f"whole numbers, one for each image of x_{part}"
            )
        if images.dtype.kind == "f" and not (np.abs(images) <= LARGEST).all():
            raise DataError(f"{source}: x_{part} has pixels that are nan, infinite or beyond {LARGEST:g}; replace them")
        keep = images.dtype in (np.uint8, np.float32, np.float64)
        x[part] = images.reshape(len(images), -1).astype(images.dtype if keep else np.float64, copy=False)
        y[part] = labels.reshape(-1).astype(np.int64)
    if arrays["x_train"].shape[1:] != arrays["x_test"].shape[1:]:
        shapes = f"{arrays['x_train'].shape[1:]} and test images {arrays['x_test'].shape[1:]}"
        raise DataError(f"{source}: training images have the shape {shapes}; they must be equal")
    present = np.unique(y["train"])
    if len(present) < 2 or not np.array_equal(present, np.arange(len(present))):
        seen = ", ".join(map(str, present[:12])) + (", ..." if len(present) > 12 else "")
        raise DataError(f"{source}: the training labels are {seen}, and must be 0 to k - 1 for k >= 2 classes")
    strange = np.setdiff1d(y["test"], present)
    if strange.size:
        raise DataError(f"{source}: the test label {strange[0]} is none of the training labels 0 to {present[-1]}")
    return Dataset(x["train"], y["train"], x["test"], y["test"], tuple(map(str, present)), "image")

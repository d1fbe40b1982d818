"""Reads .npz files that a stranger may have made: nothing is unpickled, and nothing grows beyond what it claims."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import numpy as np

from initbench.contracts import Array
from initbench.errors import DataError

MOST_BYTES = 2**31  # of an array
MOST_SHOWN = 20


def read_arrays(file: Path, wanted: Callable[[Collection[str]], Iterable[str]]) -> dict[str, Array]:
    """Read arrays of an .npz file.

    Parameters
    ----------
    file : Path
        As ``numpy.savez`` or ``numpy.savez_compressed`` write it.
    wanted : callable ``(names) -> names``
        Those to read of the names in the file; it may raise DataError.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    DataError
        When the file is damaged, holds pickled objects, or an array is larger than 2 GiB or than its header says.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
            if len(members) < len(archive.infolist()):
                raise DataError(f"{file}: holds two arrays of one name; write it with numpy.savez_compressed")
            names = wanted(members)
            return {name: _read_array(archive, members[name], f"{file}: {name}") for name in names}
    except (DataError, MemoryError):
        raise
    except Exception as error:  # a damaged archive makes zipfile and NumPy raise nearly anything
        raise DataError(f"{file}: not a readable npz file; write it with numpy.savez_compressed") from error


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: str) -> Array:
    """Read an array whose header promises what the archive has of it, before any memory is taken."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{place} is compressed in a way that NumPy does not write; use numpy.savez_compressed")
    with archive.open(member) as content:
        version = np.lib.format.read_magic(content)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, is_fortran, dtype = read_header[version](content)
        if dtype.hasobject:
            raise DataError(
                f"{place} holds pickled objects, which are refused because a pickle can run code; "
                "save plain arrays with numpy.savez_compressed, of numbers for example x.astype(float)"
            )
        promised, present = math.prod(shape) * dtype.itemsize, member.file_size - content.tell()
        if promised != present or min(shape, default=0) < 0:
            size = " x ".join(map(str, (*shape, f"{dtype.itemsize} bytes")))
            raise DataError(f"{place}: its header promises {size} and {present} bytes follow; write it again")
        if promised > MOST_BYTES:
            raise DataError(f"{place} has {promised:,} bytes; the most is {MOST_BYTES:,}")
        values = np.frombuffer(content.read(promised), dtype) if promised else np.zeros(0, dtype)
    return values.reshape(shape, order="F" if is_fortran else "C").copy()

"""Data of the user's own: a CSV table, images in the layout of MNIST or of Keras."""

from __future__ import annotations

from pathlib import Path

from initbench.contracts import Dataset
from initbench.parts.datasets.images import read_idx_folder, read_npz
from initbench.parts.datasets.places import find_path
from initbench.parts.datasets.tables import read_csv
from initbench.registry import dataset


@dataset("csv")
def csv(folders: tuple[Path, ...], *, file: str, target: str, drop: tuple[str, ...] = ()) -> Dataset:
    """Your own table, a CSV file with one header line: {csv: FILE, target: COLUMN, drop: [COLUMN, ...]}.

    Parameters
    ----------
    folders : tuple of Path
        Where a relative ``file`` is looked for.
    file : str
        Separated by comma, semicolon or tab, in UTF-8.
    target : str
        Column of the classes; two classes make a logistic output, the second in sorted order being class 1.
    drop : tuple of str, default ()
        Columns to leave out, such as ids.

    Returns
    -------
    Dataset
        Four fifths of the rows for training, a stratified fifth for the test, split by ``fixed_split``.

    Raises
    ------
    DataError
        When there is no such file, or it does not hold what is said of it.
    """
    return read_csv(find_path(file, folders), target, drop)


@dataset("idx")
def idx(folders: tuple[Path, ...], *, file: str) -> Dataset:
    """Your own images, a folder with the four IDX files of MNIST's layout: {idx: FOLDER}.

    Parameters
    ----------
    folders : tuple of Path
        Where a relative ``file`` is looked for.
    file : str
        The folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
        t10k-labels-idx1-ubyte, gzipped or not.

    Returns
    -------
    Dataset
        x of uint8.

    Raises
    ------
    DataError
        When there is no such folder, or its files are damaged or do not fit each other.
    """
    return read_idx_folder(find_path(file, folders))


@dataset("npz")
def npz(folders: tuple[Path, ...], *, file: str) -> Dataset:
    """Your own images, an npz file with x_train, y_train, x_test and y_test, Keras' layout: {npz: FILE}.

    Parameters
    ----------
    folders : tuple of Path
        Where a relative ``file`` is looked for.
    file : str
        Written with ``numpy.savez`` or ``numpy.savez_compressed``, without pickled objects.

    Returns
    -------
    Dataset
        Images flattened to (n, d).

    Raises
    ------
    DataError
        When there is no such file, or its arrays are missing, pickled, or do not fit each other.
    """
    return read_npz(find_path(file, folders))

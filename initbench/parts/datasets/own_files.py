"""Data of the user's own: a CSV table, images in the layout of MNIST or of Keras."""

from __future__ import annotations

from pathlib import Path

from initbench.contracts import Dataset
from initbench.parts.datasets.images import read_idx_folder, read_npz
from initbench.parts.datasets.places import find_path
from initbench.registry import dataset


@dataset("csv")
def csv(
    folders: tuple[Path, ...],
    *,
    file: str,
    target: str,
    drop: tuple[str, ...] = (),
    separator: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    encoding: str | None = None,
    header: bool | tuple[str, ...] | None = None,
    missing: tuple[str, ...] = (),
    positive: str | None = None,
    date: tuple[str, ...] = (),
) -> Dataset:
    """Your own table, a CSV file: {csv: FILE, target: COLUMN, drop: [COLUMN, ...]}.

    What is left out of ``separator`` to ``date`` is found out, and `initbench data describe` reports it.

    Parameters
    ----------
    folders : tuple of Path
        Where a relative ``file`` is looked for.
    file : str
    target : str
        Column of the classes; two classes make a logistic output, the second in sorted order being class 1.
    drop : tuple of str, default ()
        Columns to leave out, such as ids.
    separator : str, optional
        One character between cells, or ``tab``.
    decimal, thousands : str, optional
        The marks in numbers: ``"."`` or ``","``; between thousands also ``" "``, ``"'"``, or ``""`` for none.
    encoding : str, optional
        Such as ``utf-8`` or ``windows-1252``.
    header : bool or tuple of str, optional
        Whether the first row holds the names, or the names of the columns of a file without such a row.
    missing : tuple of str, default ()
        Words that stand for a missing value, beside the usual ones.
    positive : str, optional
        Which of two classes is 1.
    date : tuple of str, default ()
        Columns of dates, read as days since 1970.

    Returns
    -------
    Dataset
        Four fifths of the rows for training, a stratified fifth for the test, split by ``fixed_split``.

    Raises
    ------
    DataError
        When there is no such file, or it does not hold what is said of it.
    """
    from initbench.parts.datasets.tables import Options, read_csv  # here: readers of tables take 30 ms to import

    options = Options(target, drop, separator, decimal, thousands, encoding, header, missing, positive, date)
    return read_csv(find_path(file, folders), options)


@dataset("idx")
def idx(folders: tuple[Path, ...], *, file: str, prefix: str = "") -> Dataset:
    """Your own images, a folder with the four IDX files of MNIST's layout: {idx: FOLDER}.

    Parameters
    ----------
    folders : tuple of Path
        Where a relative ``file`` is looked for.
    file : str
        The folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
        t10k-labels-idx1-ubyte, gzipped or not, or with a folder ``raw`` of these.
    prefix : str, default ""
        Where the folder holds several data sets: what the names of the files begin with, such as emnist-letters.

    Returns
    -------
    Dataset
        x of uint8, or of float32 or float64 where the files hold other numbers.

    Raises
    ------
    DataError
        When there is no such folder, or its files are damaged or do not fit each other.
    """
    return read_idx_folder(find_path(file, folders), prefix)


@dataset("npz")
def npz(folders: tuple[Path, ...], *, file: str) -> Dataset:
    """Your own images, an npz file with x_train, y_train, x_test and y_test, Keras' layout: {npz: FILE}.

    Parameters
    ----------
    folders : tuple of Path
        Where a relative ``file`` is looked for.
    file : str
        Written with ``numpy.savez`` or ``numpy.savez_compressed``, without pickled objects. Or KMNIST's four files:
        one of them, or their folder.

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

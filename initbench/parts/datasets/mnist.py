"""MNIST: all of it, and the ten thousand digits that come with the package."""

from __future__ import annotations

import os
import socket
import warnings
from http.client import HTTPException
from pathlib import Path
from urllib import request

import numpy as np

from initbench.contracts import Dataset
from initbench.errors import DataError, MissingDataError
from initbench.parts.datasets.arrays import image_dataset
from initbench.parts.datasets.facts import FACTS, Facts, checksum
from initbench.parts.datasets.images import find_sets, read_idx_folder, read_npz
from initbench.registry import dataset

PACKAGED = Path(__file__).parent / "mnist10k"
PATIENCE_SECONDS = 30.0
SUBFOLDERS = ("mnist", "mnist/raw", "MNIST", "MNIST/raw", "raw")  # MNIST/raw is torchvision's


def find_mnist(folders: tuple[Path, ...]) -> Path | None:
    """The first folder with IDX files, or file ``mnist.npz``, in ``folders`` or those of ``SUBFOLDERS`` in them."""
    for folder in folders:
        for place in (folder, *(folder / name for name in SUBFOLDERS)):
            if "" in find_sets(place):
                return place
            if (place / "mnist.npz").is_file():
                return place / "mnist.npz"
    return None


def _place(folders: tuple[Path, ...]) -> str | None:
    found = find_mnist(folders)
    return None if found is None else str(found)


FACTS["mnist"] = Facts(
    rows=70000,
    test_rows=10000,
    features=784,
    classes=10,
    checksum="f014980c75cf3db9e21d3992ec57a0c52b6d20a5a34641003a48023099e87c8e",
    origin="LeCun, Cortes & Burges, by way of OpenML; CC BY-SA 3.0",
    place=_place,
    shape=(28, 28, 1),
)
FACTS["mnist-10k"] = Facts(
    rows=10000,
    test_rows=2000,
    features=784,
    classes=10,
    checksum="9bb628a8c09a56caa7f74c5f1f1f311480630025b637fe8b5d90449ca5d52bab",
    origin="the first 10,000 MNIST training images; CC BY-SA 3.0",
    place=lambda folders: "comes with initbench",
    shape=(28, 28, 1),
)


@dataset("mnist", cites=("lecun1998mnist",))
def mnist(folders: tuple[Path, ...]) -> Dataset:
    """70,000 handwritten digits of 28 x 28 pixels, with the official split; fetched from OpenML once.

    Parameters
    ----------
    folders : tuple of Path
        Where IDX files or Keras' ``mnist.npz`` are looked for, there and in the folders of ``SUBFOLDERS``; what is
        fetched is kept in the last one.

    Returns
    -------
    Dataset
        Pixels 0 to 255 as uint8; 60,000 training and 10,000 test rows in the original order.

    Raises
    ------
    DataError
        When a copy is not MNIST to the byte.
    MissingDataError
        When there is no copy, and OpenML cannot be reached.

    References
    ----------
    LeCun, Bottou, Bengio & Haffner (1998), "Gradient-based learning applied to document recognition",
    doi:10.1109/5.726791.
    """
    found = find_mnist(folders)
    if found is None:
        return _download(folders[-1])
    data = read_npz(found) if found.suffix == ".npz" else read_idx_folder(found)
    if checksum(data) != FACTS["mnist"].checksum:
        layout = "npz" if found.suffix == ".npz" else "idx"
        raise DataError(
            f"{found}: not the original MNIST, its checksum differs; move it away to have the original fetched, "
            f"or use it under its own name: dataset: {{{layout}: {found}}}"
        )
    return data


@dataset("mnist-10k", cites=("lecun1998mnist",))
def mnist_10k(folders: tuple[Path, ...]) -> Dataset:
    """10,000 of MNIST's training digits, which come with the package.

    Parameters
    ----------
    folders : tuple of Path
        Not used: the digits come with the package.

    Returns
    -------
    Dataset
        Pixels 0 to 255 as uint8; 8,000 training and 2,000 test rows, split by ``fixed_split``. Test accuracy here
        is not accuracy on the official test set, none of whose images is among them.

    References
    ----------
    LeCun, Bottou, Bengio & Haffner (1998), "Gradient-based learning applied to document recognition",
    doi:10.1109/5.726791.
    """
    return read_idx_folder(PACKAGED)


def _https_only() -> request.OpenerDirector:
    """Opens addresses of HTTPS; a redirect to any other scheme, or a description that names one, is refused."""
    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler,
        request.UnknownHandler,
        request.HTTPDefaultErrorHandler,
        request.HTTPRedirectHandler,
        request.HTTPErrorProcessor,
        request.HTTPSHandler,
    ):
        opener.add_handler(handler())
    return opener


def _download(folder: Path) -> Dataset:
    from sklearn.datasets import fetch_openml

    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE_SECONDS)  # otherwise a network that swallows packets is waited for in vain
    opener = getattr(request, "_opener", None)
    request.install_opener(_https_only())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its word on a retry; the error below says all
            pixels, labels = fetch_openml(
                "mnist_784", version=1, as_frame=False, return_X_y=True, cache=False, n_retries=1, delay=0.1
            )
    except (OSError, ValueError, HTTPException) as error:
        raise MissingDataError(
            f"mnist is not at hand, and OpenML cannot be reached ({error})\n"
            "  put its four IDX files or Keras' mnist.npz into a folder that --data-dir or INITBENCH_DATA names\n"
            "  or go online once: initbench data get mnist\n"
            "  or use 10,000 of its digits, which come with the package: dataset: mnist-10k"
        ) from error
    finally:
        socket.setdefaulttimeout(patience)
        request.install_opener(opener)
    x, y = pixels.astype(np.uint8), labels.astype(np.uint8)
    arrays = {"x_train": x[:60000], "y_train": y[:60000], "x_test": x[60000:], "y_test": y[60000:]}
    data = image_dataset(arrays, Path("mnist_784"))
    if checksum(data) != FACTS["mnist"].checksum:
        raise DataError("mnist_784: what OpenML sent is not the original MNIST, its checksum differs; nothing was kept")
    partial = folder / f"mnist-{os.getpid()}.partial.npz"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(partial, **arrays)
        os.replace(partial, folder / "mnist.npz")  # atomic: an interrupted download leaves a whole copy or none
    except OSError as error:
        raise MissingDataError(f"{folder}: cannot keep mnist there ({error}); make it a writable folder") from error
    finally:
        partial.unlink(missing_ok=True)
    return data

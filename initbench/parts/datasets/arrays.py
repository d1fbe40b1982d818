"""Four arrays of images and labels → a data set, or what to change in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from initbench.contracts import Array, Dataset
from initbench.errors import DataError
from initbench.parts.datasets.facts import LARGEST

KEYS = ("x_train", "y_train", "x_test", "y_test")
LARGEST_LABEL = 2**53  # beyond it a float64 skips whole numbers
MOST_NAMED = 12
LARGEST_RATIO = 50  # of the brightness of training and of test images: 255 where pixels of 0 to 255 became 0 to 1
FEWEST_COMPARED = 10  # images; of fewer the typical brightness says little
AS_NUMBERS = {
    "c": "; numpy.abs(x) makes complex numbers real",
    "S": "; x.astype(float) turns text into numbers",
    "U": "; x.astype(float) turns text into numbers",
}


def image_dataset(
    arrays: Mapping[str, Array], source: Path, places: Mapping[str, str] | None = None, notes: Sequence[str] = ()
) -> Dataset:
    """Check four arrays against each other, flatten the images, and number the classes from 0.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        ``x_train`` and ``x_test``, shape (n, ...); ``y_train`` and ``y_test``, shape (n,) or (n, 1).
    source : Path
        What an error about more than one array names.
    places : mapping of str to str, optional
        What an error names of each array, by default ``source: x_train`` and so on.
    notes : sequence of str, default ()
        What was assumed so far.

    Returns
    -------
    Dataset
        x of uint8, float32 or float64 as it was, and of float64 for all other numbers. Labels 0 to k - 1 stay, and
        labels 1 to k become classes 0 to k - 1 that keep their names; booleans and whole floats count as whole numbers.

    Raises
    ------
    DataError
        When shapes, types or scales do not fit, a pixel is not finite, or the labels are neither 0 to k - 1 nor 1 to k.
    """
    places = places or {key: f"{source}: {key}" for key in KEYS}
    x = {part: _check_images(arrays[f"x_{part}"], places[f"x_{part}"]) for part in ("train", "test")}
    y = {part: _check_labels(arrays[f"y_{part}"], places[f"y_{part}"], x[part]) for part in ("train", "test")}
    shapes = [images.shape[1:] for images in x.values()]
    if shapes[0] != shapes[1]:
        raise DataError(
            f"{source}: training images have the shape {shapes[0]} and test images {shapes[1]}; they must be equal"
        )
    types = f"training images are {arrays['x_train'].dtype.name} and test images {arrays['x_test'].dtype.name}"
    _check_scales(x, f"{source}: {types}")
    notes = [*notes, *_note_types(arrays)]
    present = np.unique(y["train"])
    seen = ", ".join(map(str, present[:MOST_NAMED].tolist())) + (", ..." if len(present) > MOST_NAMED else "")
    first = int(present[0])
    if len(present) < 2 or first not in (0, 1) or not np.array_equal(present, np.arange(first, first + len(present))):
        remedy = "numpy.unique(numpy.concatenate([y_train, y_test]), return_inverse=True) numbers them so"
        raise DataError(
            f"{source}: the training labels are {seen}, and must be 0 to k - 1 for k >= 2 classes, or 1 to k"
            + (f"; {remedy}" if len(present) > 1 else "")
        )
    strange = np.setdiff1d(y["test"], present)
    if strange.size:
        raise DataError(
            f"{source}: the test label {strange[0]} is none of the training labels {first} to {present[-1]}; "
            "number the labels of both alike"
        )
    if first:
        notes.append(f"labels: 1 to {present[-1]} are read as classes 0 to {present[-1] - 1}, which keep their names")
    flat = {part: images.reshape(len(images), -1) for part, images in x.items()}
    classes = tuple(map(str, present.tolist()))
    shape = (*x["train"].shape[1:], 1)[:3] if x["train"].ndim in (3, 4) else ()
    return Dataset(
        flat["train"],
        y["train"] - first,
        flat["test"],
        y["test"] - first,
        classes,
        "image",
        notes=tuple(notes),
        shape=shape,
    )


def _check_scales(x: Mapping[str, Array], types: str) -> None:
    """Refuse training and test images of which one seems to be scaled and the other not."""
    remedy = "one of them may be scaled; save both in one type, on one scale"
    is_whole = [
        images.dtype.kind != "f" or all((np.trunc(image) == image).all() for image in images) for images in x.values()
    ]
    if is_whole[0] != is_whole[1]:
        fractions = "test" if is_whole[0] else "training"
        raise DataError(f"{types}, not all whole: only the {fractions} images have fractions; {remedy}")
    low, high = sorted(_typical_brightness(images) for images in x.values())
    if high > LARGEST_RATIO * low and min(map(len, x.values())) >= FEWEST_COMPARED:
        train, test = (f"{_typical_brightness(images):g}" for images in x.values())
        raise DataError(
            f"{types}, and the largest pixel of a typical image is {train} in training and {test} in test; {remedy}"
        )


def _typical_brightness(images: Array) -> float:
    """The median over the images of each one's largest absolute pixel, which a few odd images do not change."""
    flat = images.reshape(len(images), -1)
    return float(np.median(np.maximum(flat.max(axis=1).astype(float), -flat.min(axis=1).astype(float))))


def _check_images(images: Array, place: str) -> Array:
    """Images as uint8, float32 or float64, of any shape that begins with their number."""
    if images.ndim < 2 or images.dtype.kind not in "buif":
        raise DataError(
            f"{place} is {images.dtype.name} of shape {images.shape}, and must be numbers of shape (images, pixels) or "
            f"(images, rows, columns){AS_NUMBERS.get(images.dtype.kind, '')}"
        )
    if images.size == 0:
        raise DataError(f"{place} is empty: its shape is {images.shape}; save one image or more")
    native = images.dtype.newbyteorder("=")
    keep = native in (np.uint8, np.float32, np.float64)
    with np.errstate(over="ignore"):  # a long double may be beyond float64, and is refused as infinite
        numbers: Array = images.astype(native if keep else np.float64, copy=False)
    if numbers.dtype.kind == "f" and not -LARGEST <= numbers.min() <= numbers.max() <= LARGEST:
        bad = np.argwhere(~(np.abs(numbers) <= LARGEST))[0].tolist()
        raise DataError(
            f"{place} has pixels that are nan, infinite or beyond {LARGEST:g}, the first at {bad}: "
            f"{numbers[tuple(bad)]:g}; replace them, for example by numpy.where(numpy.isfinite(x), x, 0)"
        )
    return numbers


def _check_labels(labels: Array, place: str, images: Array) -> Array:
    """Labels as whole numbers, int64 of shape (n,)."""
    n = len(images)
    is_wrong = f"{place} is {labels.dtype.name} of shape {labels.shape}"
    rows = labels if labels.ndim == 2 else labels.squeeze()
    squeezed = "y" if rows is labels else "y.squeeze()"
    if rows.ndim == 2 and len(rows) == n and rows.shape[1] > 1:
        kind = "one-hot rows" if _is_one_hot(rows, 1) else "more than a number an image"
        raise DataError(
            f"{is_wrong}: {kind}; save class numbers: {squeezed}.argmax(axis=1) of one-hot rows or scores, "
            f"or a column, {squeezed}[:, 0]"
        )
    if rows.ndim == 2 and rows.shape[1] == n and _is_one_hot(rows, 0):
        raise DataError(f"{is_wrong}: one-hot columns; save class numbers: {squeezed}.argmax(axis=0)")
    if labels.shape not in [(n,), (n, 1)]:
        wanted = f", and must be {n} whole numbers, one for each image of shape {images.shape[1:]}"
        if labels.shape == (1, n):
            wanted += "; y.reshape(-1) makes them so"
        elif labels.ndim == 1 and len(labels) in images.shape[1:]:
            axis = images.shape.index(len(labels), 1)
            wanted += f"; if the images lie along axis {axis}, numpy.moveaxis(x, {axis}, 0) puts them first"
        raise DataError(is_wrong + wanted)
    if labels.dtype.kind not in "buif":
        hint = ": classes, y = numpy.unique(numpy.concatenate([y_train, y_test]), return_inverse=True)"
        raise DataError(f"{is_wrong}, and must be whole numbers; save class numbers{hint}")
    values = labels.reshape(-1)
    if values.dtype.kind in "uf":
        with np.errstate(over="ignore"):
            wide = values.astype(np.float64)
        is_whole = (np.abs(wide) < LARGEST_LABEL) & (np.trunc(wide) == wide)
        if not is_whole.all():
            bad = int(np.flatnonzero(~is_whole)[0])
            raise DataError(
                f"{is_wrong}, and holds {values[bad]:g} at [{bad}]; labels are the whole numbers of classes: save "
                "y.round().astype(int) if these are meant"
            )
    return values.astype(np.int64)


def _is_one_hot(labels: Array, axis: int) -> bool:
    """Whether there are two classes or more along an axis, and one 1 among zeros for each image."""
    if labels.dtype.kind not in "buif" or labels.shape[axis] < 2:
        return False
    return bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=axis) == 1).all())


def _note_types(arrays: Mapping[str, Array]) -> list[str]:
    """What is assumed of labels that are not whole numbers by their type."""
    notes = []
    for key in ("y_train", "y_test"):
        if arrays[key].dtype.kind == "b":
            notes.append(f"{key}: False is read as class 0 and True as class 1")
        elif arrays[key].dtype.kind == "f":
            notes.append(f"{key}: its values are {arrays[key].dtype.name}, and read as the whole numbers that they are")
    return notes

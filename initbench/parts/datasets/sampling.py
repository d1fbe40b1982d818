"""Stratified choices of rows whose sizes depend on the labels alone, never on chance."""

from __future__ import annotations

import numpy as np

from initbench.contracts import Array

SPLIT_SEED = 1998
"""Seeds the split into training and test rows of a data set that comes without one."""


def take_stratified(rows: Array, labels: Array, count: int) -> tuple[Array, Array]:
    """Take ``count`` rows so that each class gives its share, to within one row.

    Systematic sampling: the rows are lined up class by class, and every ``len(rows) / count``-th is taken.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        Indices of rows in random order; the order decides which rows of a class are taken.
    labels : ndarray of int
        Class of every row, indexed by ``rows``.
    count : int
        At most n.

    Returns
    -------
    taken, rest : ndarray of int, shapes (count,) and (n - count,)
        Both in the order of ``rows``.

    Examples
    --------
    >>> take_stratified(np.array([3, 1, 2, 0]), np.array([0, 0, 1, 1]), 2)
    (array([2, 0]), array([3, 1]))
    """
    by_class = np.argsort(labels[rows], kind="stable")
    places = (2 * np.arange(count) + 1) * len(rows) // (2 * count)
    taken = np.zeros(len(rows), dtype=bool)
    taken[by_class[places]] = True
    return rows[taken], rows[~taken]


def fixed_split(labels: Array) -> tuple[Array, Array]:
    """Split rows once and for all: a stratified fifth for the test, in an order that depends on ``SPLIT_SEED`` only.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Class of every row.

    Returns
    -------
    train, test : ndarray of int
        Indices of rows. Every class of five or more rows has a test row.
    """
    rows = np.random.default_rng(SPLIT_SEED).permutation(len(labels))
    test, train = take_stratified(rows, labels, -(-len(labels) // 5))
    return train, test

"""Cross-entropy in forms that never overflow: softmax over ``k`` logits, logistic for one.

Targets are one-hot rows, shape ``(s, n, k)``, or the class itself, 0 or 1, shape ``(s, n, 1)``: the ``m`` networks of
the logits are ``s`` groups, and those of a group share the targets. Both are best laid out class by class in memory, as
`class_first` does: a reduction over the classes then goes over long rows.
"""

from __future__ import annotations

import numpy as np

from initbench.contracts import Array


def one_hot(labels: Array, classes: int, dtype: np.dtype) -> Array:
    """Turn labels, shape (n,), into targets, shape (n, classes), or (n, 1) for two classes."""
    targets: Array = labels[:, None] == np.arange(classes) if classes > 2 else labels[:, None]
    return targets.astype(dtype)


def class_first(array: Array) -> Array:
    """Logits or targets, shape (m, n, k), laid out class by class in memory."""
    laid_out: Array = np.ascontiguousarray(array.transpose(2, 0, 1)).transpose(1, 2, 0)
    return laid_out


def _grouped(logits: Array, targets: Array) -> tuple[Array, Array]:
    """Views of logits as (k, s, m / s, n), and of targets as (k, s, 1, n)."""
    by_class = logits.transpose(2, 0, 1)
    groups = by_class.reshape(len(by_class), len(targets), -1, by_class.shape[2])
    return groups, targets.transpose(2, 0, 1)[:, :, None]


def _sum_over_classes(scores: Array) -> Array:
    """Add up one class after the other; NumPy would add a single column in pairs, which may change the last bit."""
    total: Array = np.add.accumulate(scores)[-1] if scores[0].size == 1 else scores.sum(axis=0)
    return total


def loss_slope(logits: Array, targets: Array) -> Array:
    """Turn logits, shape (m, n, k), into the derivative by them of the mean loss over the rows, in place.

    For both losses it is ``(probability - target) / n``.
    """
    scores, wanted = _grouped(logits, targets)
    if len(scores) == 1:
        scores *= 0.5  # the logistic function is (1 + tanh(z / 2)) / 2, which has no large exponential in it
        np.tanh(scores, out=scores)
        scores += 1
        scores *= 0.5
    else:
        scores -= scores.max(axis=0)
        np.exp(scores, out=scores)
        scores /= _sum_over_classes(scores)
    scores -= wanted
    scores *= 1 / logits.shape[1]
    return logits


def losses_and_hits(logits: Array, targets: Array) -> tuple[Array, Array]:
    """Loss of each row, and whether its class has the largest logit, being the first that has it.

    Parameters
    ----------
    logits : ndarray, shape (m, n, k)
        Overwritten.
    targets : ndarray, shape (s, n, k)

    Returns
    -------
    losses : ndarray of float64, shape (m, n)
        In nats; not finite where a logit is not.
    hits : ndarray of bool, shape (m, n)
    """
    scores, wanted = _grouped(logits, targets)
    if len(scores) == 1:
        hits = (scores > 0) == (wanted > 0.5)
        scores *= 1 - 2 * wanted
        losses = np.maximum(scores, 0) + np.log1p(np.exp(-np.abs(scores)))  # keeps the digits of confident rows
        return losses.reshape(logits.shape[:2]).astype(np.float64), hits.reshape(logits.shape[:2])
    scores -= scores.max(axis=0)
    mine = _sum_over_classes(scores * wanted)
    is_lower = scores < 0
    hits = mine == 0
    ties = len(scores) - 1 - is_lower.sum(axis=0)
    if ties.any():
        before = np.cumsum(wanted, axis=0) == 0
        hits &= (is_lower | ~before).all(axis=0)
    np.exp(scores, out=scores)
    scores *= is_lower  # log1p of the others' sum keeps the digits of confident rows
    losses = np.log1p(_sum_over_classes(scores) + ties.astype(scores.dtype)) - mine
    return losses.reshape(logits.shape[:2]).astype(np.float64), hits.reshape(logits.shape[:2])

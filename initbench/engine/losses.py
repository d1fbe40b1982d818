"""Losses: the value and the score of each row, and the slope by the outputs.

Outputs have shape ``(m, n, k)``, targets ``(s, n, k)``: the ``m`` networks are ``s`` groups, and those of a group share
the targets. Both are best laid out class by class in memory, as `class_first` does: a reduction over the classes then
goes over long rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from initbench.contracts import Array


class Loss(Protocol):
    """What a network is trained to make small: the mean of a number a row."""

    def slope(self, outputs: Array, targets: Array) -> Array:
        """Turn outputs, shape (m, n, k), into the derivative by them of the mean loss over the rows, in place."""

    def values_and_scores(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        """The loss and the score of each row; their means are what tables show.

        Parameters
        ----------
        outputs : ndarray, shape (m, n, k)
            Overwritten.
        targets : ndarray, shape (s, n, k)

        Returns
        -------
        values : ndarray of float64, shape (m, n)
            Not finite where an output is not.
        scores : ndarray, shape (m, n)
        """


@dataclass(frozen=True)
class LogisticCrossEntropy:
    """For two classes: one output ``z``, targets 0 or 1, loss ``-log`` of the target's probability, in nats.

    The score is whether ``z > 0`` is right, so its mean is the accuracy.
    """

    def slope(self, outputs: Array, targets: Array) -> Array:
        """``(probability - target) / n``, in place."""
        scores, wanted = _grouped(outputs, targets)
        scores *= 0.5  # the logistic function is (1 + tanh(z / 2)) / 2, which has no large exponential in it
        np.tanh(scores, out=scores)
        scores += 1
        scores *= 0.5
        scores -= wanted
        scores *= 1 / outputs.shape[1]
        return outputs

    def values_and_scores(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        """See `Loss.values_and_scores`."""
        scores, wanted = _grouped(outputs, targets)
        hits = (scores > 0) == (wanted > 0.5)
        scores *= 1 - 2 * wanted
        losses = np.maximum(scores, 0) + np.log1p(np.exp(-np.abs(scores)))  # keeps the digits of confident rows
        return losses.reshape(outputs.shape[:2]).astype(np.float64), hits.reshape(outputs.shape[:2])


@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """For more classes: an output a class, one-hot targets, loss ``-log`` of the target's probability, in nats.

    The score is whether the target has the largest output, being the first that has it, so its mean is the accuracy.
    """

    def slope(self, outputs: Array, targets: Array) -> Array:
        """``(probability - target) / n``, in place."""
        scores, wanted = _grouped(outputs, targets)
        scores -= scores.max(axis=0)
        np.exp(scores, out=scores)
        scores /= _sum_over_classes(scores)
        scores -= wanted
        scores *= 1 / outputs.shape[1]
        return outputs

    def values_and_scores(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        """See `Loss.values_and_scores`."""
        scores, wanted = _grouped(outputs, targets)
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
        return losses.reshape(outputs.shape[:2]).astype(np.float64), hits.reshape(outputs.shape[:2])


@dataclass(frozen=True)
class SquaredError:
    """For numbers: the mean over the outputs of ``(output - target)²``.

    The score of a row is ``1 - loss / variance``, so its mean is R² where ``variance`` is that of the rows' targets.
    """

    variance: float = 1.0

    def slope(self, outputs: Array, targets: Array) -> Array:
        """``2 (output - target) / (n k)``, in place."""
        scores, wanted = _grouped(outputs, targets)
        scores -= wanted
        scores *= 2 / (outputs.shape[1] * outputs.shape[2])
        return outputs

    def values_and_scores(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        """See `Loss.values_and_scores`."""
        scores, wanted = _grouped(outputs, targets)
        scores -= wanted
        squares = np.square(scores, dtype=np.float64)
        losses = squares.mean(axis=0).reshape(outputs.shape[:2])
        return losses, 1 - losses / self.variance


def cross_entropy(outputs: int) -> Loss:
    """The cross-entropy of networks with so many outputs; one output is for two classes."""
    return LogisticCrossEntropy() if outputs == 1 else SoftmaxCrossEntropy()


def one_hot(labels: Array, classes: int, dtype: np.dtype) -> Array:
    """Turn labels, shape (n,), into targets, shape (n, classes), or (n, 1) for two classes."""
    targets: Array = labels[:, None] == np.arange(classes) if classes > 2 else labels[:, None]
    return targets.astype(dtype)


def class_first(array: Array) -> Array:
    """Outputs or targets, shape (m, n, k), laid out class by class in memory."""
    laid_out: Array = np.ascontiguousarray(array.transpose(2, 0, 1)).transpose(1, 2, 0)
    return laid_out


def _grouped(outputs: Array, targets: Array) -> tuple[Array, Array]:
    """Views of outputs as (k, s, m / s, n), and of targets as (k, s, 1, n)."""
    by_class = outputs.transpose(2, 0, 1)
    groups = by_class.reshape(len(by_class), len(targets), -1, by_class.shape[2])
    return groups, targets.transpose(2, 0, 1)[:, :, None]


def _sum_over_classes(scores: Array) -> Array:
    """Add up one class after the other; NumPy would add a single column in pairs, which may change the last bit."""
    total: Array = np.add.accumulate(scores)[-1] if scores[0].size == 1 else scores.sum(axis=0)
    return total

"""Cross-entropy in forms that never overflow: softmax over ``k`` logits, logistic for one.

Targets are one-hot rows, shape ``(s, n, k)``, or the class itself, 0 or 1, shape ``(s, n, 1)``: the ``m`` networks of
the logits are ``s`` groups, and those of a group share the targets.
"""

from __future__ import annotations

import numpy as np

from initbench.contracts import Array


def one_hot(labels: Array, classes: int, dtype: np.dtype) -> Array:
    """Turn labels, shape (n,), into targets, shape (n, classes), or (n, 1) for two classes."""
    targets: Array = labels[:, None] == np.arange(classes) if classes > 2 else labels[:, None]
    return targets.astype(dtype)


def loss_slope(logits: Array, targets: Array) -> Array:
    """Turn logits, shape (m, n, k), into the derivative by them of the mean loss over the rows, in place.

    For both losses it is ``(probability - target) / n``.
    """
    if logits.shape[2] == 1:
        logits *= 0.5  # the logistic function is (1 + tanh(z / 2)) / 2, which has no large exponential in it
        np.tanh(logits, out=logits)
        logits += 1
        logits *= 0.5
    else:
        logits -= logits.max(axis=2, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=2, keepdims=True)
    grouped = logits.reshape(len(targets), -1, *logits.shape[1:])
    grouped -= targets[:, None]
    logits *= 1 / logits.shape[1]
    return logits


def losses_and_hits(logits: Array, targets: Array) -> tuple[Array, Array]:
    """Loss of each row, and whether its class has the largest logit.

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
    grouped = logits.reshape(len(targets), -1, *logits.shape[1:])
    wanted = targets[:, None]
    if logits.shape[2] == 1:
        hits = (grouped > 0) == (wanted > 0.5)
        losses = np.logaddexp(0, (1 - 2 * wanted) * grouped)  # keeps the digits of confident rows
        return losses.reshape(logits.shape[:2]).astype(np.float64), hits.reshape(logits.shape[:2])
    top = np.argmax(grouped, axis=3, keepdims=True)
    hits = top[..., 0] == np.argmax(wanted, axis=3)
    grouped -= np.take_along_axis(grouped, top, axis=3)
    mine = np.sum(grouped, axis=3, where=wanted > 0.5)
    np.exp(grouped, out=grouped)
    np.put_along_axis(grouped, top, 0, axis=3)  # log1p of the others' sum keeps the digits of confident rows
    losses = np.log1p(grouped.sum(axis=3)) - mine
    return losses.reshape(logits.shape[:2]).astype(np.float64), hits.reshape(logits.shape[:2])

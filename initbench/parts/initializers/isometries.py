"""Weights that keep lengths and angles: all singular values are one number."""

from __future__ import annotations

import numpy as np

from initbench.contracts import Array, Generator, NonNegative, Real, Shape
from initbench.parts.initializers.draws import checked, draw_normal
from initbench.registry import initializer


@initializer("orthogonal")
def orthogonal(shape: Shape, rng: Generator, *, gain: NonNegative = 1.0) -> Array:
    """A random rotation: signals and gradients of a deep linear network keep their length exactly.

    Orthonormal columns where the layer narrows, orthonormal rows where it widens, drawn evenly from all such matrices
    (Haar's measure).

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    gain : float, default 1.0
        The singular values (dimensionless): a factor of the weights, so the variance has its square. sqrt(2) suits
        ReLU.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        W with W.T @ W = gain**2 I where fan_in >= fan_out, and W @ W.T = gain**2 I elsewhere; the variance of a weight
        is gain**2 / max(fan_in, fan_out).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Saxe, McClelland & Ganguli (2013), "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", arXiv:1312.6120.
    Mezzadri (2007), "How to generate random matrices from the classical compact groups", arXiv:math-ph/0609050.
    """
    gaussian = draw_normal(shape, rng)
    is_wide = gaussian.shape[0] < gaussian.shape[1]
    q, r = np.linalg.qr(gaussian.T if is_wide else gaussian)
    # LAPACK fixes signs its own way, which is not Haar's. copysign, since sign(0) = 0 would blot out a column.
    q = gain * q * np.copysign(1.0, np.diag(r))
    return q.T if is_wide else q


@initializer("identity")
def identity(shape: Shape, rng: Generator, *, gain: Real = 1.0) -> Array:
    """Each unit passes on one input as it is; with ReLU and zero biases, a deep stack starts as the identity.

    A layer that widens has units without input, which start alike and so stay alike.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        Not used.
    gain : float, default 1.0
        The number on the diagonal (dimensionless).

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        ``gain`` on the main diagonal, 0 elsewhere.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Le, Jaitly & Hinton (2015), "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units",
    arXiv:1504.00941.

    Examples
    --------
    >>> identity((2, 3), np.random.default_rng(0), gain=2.0).tolist()
    [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    """
    return gain * np.eye(*checked(shape))

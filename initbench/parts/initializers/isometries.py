"""Weights that keep lengths and angles: all singular values are one number."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from initbench.contracts import Array, Generator, Layer, Real, Shape
from initbench.parts.initializers import stated
from initbench.parts.initializers.draws import checked, draw_normal, fans
from initbench.parts.initializers.gains import ANYWHERE, Gain, deviation_factor
from initbench.registry import initializer

Scale = Literal["isometry", "fan_in"]


def _length(fan_in: int, fan_out: int, gain: Gain, scale: Scale, layer: Layer) -> float:
    """The singular values of orthogonal."""
    widening = math.sqrt(max(1.0, fan_out / fan_in)) if scale == "fan_in" else 1.0
    return deviation_factor(gain, layer) * widening


@initializer(
    "orthogonal",
    family="orthogonal and identity",
    formula="gain Q, Q Haar: WᵀW or WWᵀ = gain² I; with scale fan_in, times √(fan_out / fan_in) where it widens",
    aliases=("ortho", "haar", "orthogonal_initializer"),
    cites=("saxe2014", "mezzadri2007"),
    elsewhere=(
        ("Keras", "Orthogonal"),
        ("PyTorch", "orthogonal_"),
        ("JAX", "orthogonal"),
    ),
    note="With signs corrected, as in Keras, PyTorch and JAX; MXNet, lasagne and LSUV take U of an SVD, which is not "
    "Haar. gain is a factor of the weights; it is 1 in Keras, PyTorch and JAX, 1.1 in Chainer and 1.414 in MXNet.",
    distribution=lambda fan_in, fan_out, gain, scale, layer: stated.coordinate(
        max(fan_in, fan_out), _length(fan_in, fan_out, gain, scale, layer)
    ),
    properties={
        "the singular values are gain, or with scale fan_in gain √max(1, fan_out / fan_in)": lambda weights, **given: (
            stated.isometry_error(weights, _length(*weights.shape, **given))
        )
    },
)
def orthogonal(
    shape: Shape,
    rng: Generator,
    *,
    gain: Gain = 1.0,
    scale: Scale = "isometry",
    layer: Layer = ANYWHERE,
) -> Array:
    """A random rotation: signals and gradients of a deep linear network keep their length exactly.

    Orthonormal columns where the layer narrows, orthonormal rows where it widens, drawn evenly from all such matrices
    (Haar's measure).

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    gain : float or rule, default 1.0
        The singular values (dimensionless): a factor of the weights, so the variance has its square. sqrt(2) suits
        ReLU; a rule computes it for the activation.
    scale : ``"isometry"`` or ``"fan_in"``
        An isometry shrinks the mean square of a unit by fan_in / fan_out where the layer widens; ``"fan_in"`` makes up
        for that, so that a weight has the variance gain**2 / fan_in in every layer.
    layer : Layer, optional
        Tells a rule the activation.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        W with W.T @ W = gain**2 I where fan_in >= fan_out, and W @ W.T = gain**2 I elsewhere; the variance of a weight
        is gain**2 / max(fan_in, fan_out), or gain**2 / fan_in with ``scale="fan_in"``.

    Raises
    ------
    ParameterError
        When a rule has no answer for the activation.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Saxe, McClelland & Ganguli (2013), "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", arXiv:1312.6120.
    Mezzadri (2007), "How to generate random matrices from the classical compact groups", arXiv:math-ph/0609050.
    """
    factor = _length(*fans(shape), gain, scale, layer)
    gaussian = draw_normal(shape, rng)
    is_wide = gaussian.shape[0] < gaussian.shape[1]
    q, r = np.linalg.qr(gaussian.T if is_wide else gaussian)
    # LAPACK fixes signs its own way, which is not Haar's. copysign, since sign(0) = 0 would blot out a column.
    q = factor * q * np.copysign(1.0, np.diag(r))
    return q.T if is_wide else q


@initializer(
    "identity",
    family="orthogonal and identity",
    formula="W[i, i] = gain, the rest 0",
    aliases=("eye", "irnn"),
    cites=("le2015",),
    elsewhere=(
        ("Keras", "Identity"),
        ("PyTorch", "eye_"),
    ),
    note="Where the layer is not square, it is filled up with zeros, as in Keras and PyTorch; Chainer and DL4J refuse,"
    " and old versions of Keras repeat the identity, which is partial_identity_tiled but for its scale.",
    properties={"the diagonal is gain, the rest 0": lambda weights, gain: weights - gain * np.eye(*weights.shape)},
)
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


@initializer(
    "partial_identity_tiled",
    family="orthogonal and identity",
    formula="identities side by side, each 1 of which is gain / √c where the shorter side's index comes c times",
    aliases=("tiled_identity",),
    cites=("pan2025",),
    elsewhere=(("Keras", "Identity up to 2.2, without the scale"),),
    properties={"the singular values are gain": stated.isometry_error},
)
def partial_identity_tiled(shape: Shape, rng: Generator, *, gain: Real = 1.0) -> Array:
    """The identity repeated along the longer side, so that a layer that widens leaves no unit without input.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        Not used.
    gain : float, default 1.0
        Up to sign, the singular values (dimensionless).

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        W[i, j] is not 0 where i = j modulo the shorter side; the shorter side's vectors are orthogonal, of length gain.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Pan et al. (2025), "IDInit: A Universal and Stable Initialization Method for Neural Network Training",
    arXiv:2503.04626, which pads with identities too; this is the plain tiling.

    Examples
    --------
    >>> partial_identity_tiled((1, 4), np.random.default_rng(0)).tolist()
    [[0.5, 0.5, 0.5, 0.5]]
    """
    fan_in, fan_out = checked(shape)
    shorter = max(1, min(fan_in, fan_out))
    tiled = (np.arange(fan_in)[:, None] - np.arange(fan_out)) % shorter == 0
    copies = tiled.sum(axis=1 if fan_in <= fan_out else 0, keepdims=True)
    return np.asarray(gain * tiled / np.sqrt(np.maximum(copies, 1)))


@initializer(
    "zero_hadamard",
    family="orthogonal and identity",
    formula="identity where fan_out ≤ fan_in, else the corner of H_p / √p, p the next power of two from fan_out",
    aliases=("ZerO", "zero_initialization", "hadamard"),
    cites=("zhao2022",),
    note="The authors call it ZerO, a name that counts as it is spelt: zero, in small letters, is zeros. Written with "
    "their code's 2^(-m/2), p = 2^m; singular values are 1 where fan_out is a power of two and below 1 elsewhere.",
    properties={
        "the identity, or the corner of a Hadamard matrix": stated.hadamard_error,
        "of full rank": lambda weights: min(weights.shape) - np.linalg.matrix_rank(weights),
    },
)
def zero_hadamard(shape: Shape, rng: Generator) -> Array:
    """No chance at all: the identity, and a Hadamard matrix where the layer widens, so that units differ.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Of full rank.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Zhao, Schäfer & Anandkumar (2022), "ZerO Initialization: Initializing Neural Networks with only Zeros and Ones",
    arXiv:2110.12661.

    Examples
    --------
    >>> zero_hadamard((1, 4), np.random.default_rng(0)).tolist()
    [[0.5, 0.5, 0.5, 0.5]]
    """
    fan_in, fan_out = checked(shape)
    if fan_out <= fan_in:
        return np.eye(fan_in, fan_out)
    from scipy.linalg import hadamard  # here, since it takes longer to import than NumPy

    p = 2 ** math.ceil(math.log2(fan_out))
    return hadamard(p)[:fan_in, :fan_out] / math.sqrt(p)

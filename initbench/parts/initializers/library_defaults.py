"""What a dense layer starts with when nobody chose: weights and biases together, by library."""

from __future__ import annotations

import math

import numpy as np

from initbench.contracts import Array, Generator, Layer, Shape
from initbench.parts.initializers import stated
from initbench.parts.initializers.draws import draw_scaled, draw_truncated, draw_uniform, fans
from initbench.parts.initializers.gains import ANYWHERE, is_activation
from initbench.parts.initializers.variance_scaling import glorot_uniform, lecun_normal
from initbench.registry import initializer


@initializer(
    "torch_linear",
    family="library defaults",
    formula="W and b ~ U(±1 / √fan_in)",
    aliases=("torch", "pytorch", "nn.Linear", "mlx", "mlx_linear"),
    cites=("paszke2019",),
    elsewhere=(("PyTorch", "nn.Linear"), ("MLX", "nn.Linear")),
    note="Not He's, although PyTorch writes it as kaiming_uniform_(a=√5).",
    distribution=lambda fan_in, fan_out: 2 * (stated.uniform(fan_in**-0.5),),
)
def torch_linear(shape: Shape, rng: Generator) -> tuple[Array, Array]:
    """The default of PyTorch's Linear: a third of LeCun's variance, and random biases.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    weights : ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-1 / sqrt(fan_in), 1 / sqrt(fan_in)).
    biases : ndarray of float64, shape (fan_out,)
        Likewise.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Paszke et al. (2019), "PyTorch: An Imperative Style, High-Performance Deep Learning Library", arXiv:1912.01703.
    """
    fan_in, _ = fans(shape)
    variance = 1.0 / (3.0 * fan_in)
    return draw_uniform(shape, rng, variance=variance), draw_uniform((1, shape[1]), rng, variance=variance).ravel()


@initializer(
    "keras_dense",
    family="library defaults",
    formula="W ~ U(±√(6 / (fan_in + fan_out))), b = 0",
    aliases=("keras", "tf_keras_dense", "thinc", "thinc_linear", "lasagne", "matlab"),
    cites=("chollet2015",),
    elsewhere=(
        ("Keras", "Dense"),
        ("thinc", "Linear, Relu, Maxout, Mish"),
        ("lasagne", "DenseLayer"),
        ("MATLAB", "fullyConnectedLayer"),
    ),
    note="thinc has he_normal for its layers Gelu, Swish and HardSwish, and zeros for Softmax and Sigmoid.",
    distribution=lambda fan_in, fan_out: (stated.uniform((6 / (fan_in + fan_out)) ** 0.5), 0.0),
)
def keras_dense(shape: Shape, rng: Generator) -> tuple[Array, Array]:
    """The default of Keras's Dense: Glorot's uniform weights, whatever the activation, and zero biases.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    weights : ndarray of float64, shape (fan_in, fan_out)
        As `glorot_uniform`.
    biases : ndarray of float64, shape (fan_out,)
        Zeros.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Chollet et al. (2015), Keras.
    """
    return glorot_uniform(shape, rng), np.zeros(shape[1])


@initializer(
    "flax_dense",
    family="library defaults",
    formula="W ~ N(0, 1 / fan_in) cut at 2σ and widened to that variance, b = 0",
    aliases=("flax", "nnx_linear"),
    cites=("heek2020",),
    elsewhere=(("Flax", "linen.Dense, nnx.Linear"),),
    distribution=lambda fan_in, fan_out: (stated.truncated(1 / fan_in), 0.0),
)
def flax_dense(shape: Shape, rng: Generator) -> tuple[Array, Array]:
    """The default of Flax's Dense: LeCun's truncated Gaussian, and zero biases.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    weights : ndarray of float64, shape (fan_in, fan_out)
        Independent draws from a Gaussian of variance 1 / fan_in after truncation.
    biases : ndarray of float64, shape (fan_out,)
        Zeros.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Heek et al. (2020), Flax.
    """
    fan_in, _ = fans(shape)
    weights = draw_scaled(shape, rng, variance=1.0 / fan_in, distribution="truncated_normal")
    return weights, np.zeros(shape[1])


@initializer(
    "haiku_linear",
    family="library defaults",
    formula="W ~ N(0, 1 / fan_in) cut at 2σ, so of variance 0.774 / fan_in; b = 0",
    aliases=("haiku",),
    cites=("hennigan2020",),
    elsewhere=(("Haiku", "Linear"),),
    distribution=lambda fan_in, fan_out: (stated.cut(fan_in**-0.5), 0.0),
)
def haiku_linear(shape: Shape, rng: Generator) -> tuple[Array, Array]:
    """The default of Haiku's Linear: a Gaussian truncated without making up for it, and zero biases.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    weights : ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(0, 1 / fan_in) given that they lie within two deviations.
    biases : ndarray of float64, shape (fan_out,)
        Zeros.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Hennigan, Cai, Norman & Babuschkin (2020), Haiku.
    """
    fan_in, _ = fans(shape)
    return draw_truncated(shape, rng) / math.sqrt(fan_in), np.zeros(shape[1])


@initializer(
    "chainer_linear",
    family="library defaults",
    formula="W ~ N(0, 1 / fan_in), b = 0",
    aliases=("chainer",),
    cites=("tokui2019",),
    elsewhere=(("Chainer", "Linear"),),
    distribution=lambda fan_in, fan_out: (stated.normal(1 / fan_in), 0.0),
)
def chainer_linear(shape: Shape, rng: Generator) -> tuple[Array, Array]:
    """The default of Chainer's Linear: LeCun's Gaussian, not truncated, and zero biases.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    weights : ndarray of float64, shape (fan_in, fan_out)
        As `lecun_normal`.
    biases : ndarray of float64, shape (fan_out,)
        Zeros.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Tokui et al. (2019), "Chainer: A Deep Learning Framework for Accelerating the Research Cycle", KDD.
    """
    return lecun_normal(shape, rng), np.zeros(shape[1])


@initializer(
    "mxnet_dense",
    family="library defaults",
    formula="W ~ U(±0.07), b = 0",
    aliases=("mxnet",),
    cites=("chen2015",),
    elsewhere=(("MXNet", "gluon.nn.Dense"),),
    distribution=lambda fan_in, fan_out: (stated.uniform(0.07), 0.0),
)
def mxnet_dense(shape: Shape, rng: Generator) -> tuple[Array, Array]:
    """The default of MXNet's Dense: one range for layers of all sizes, and zero biases.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    weights : ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-0.07, 0.07).
    biases : ndarray of float64, shape (fan_out,)
        Zeros.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Chen et al. (2015), "MXNet: A Flexible and Efficient Machine Learning Library for Heterogeneous Distributed
    Systems", arXiv:1512.01274.
    """
    return draw_uniform(shape, rng, variance=0.07**2 / 3.0), np.zeros(shape[1])


@initializer(
    "sklearn_mlp",
    family="library defaults",
    formula="W and b ~ U(±√(f / (fan_in + fan_out))), f = 2 for logistic hidden units, else 6",
    aliases=("sklearn", "scikit_learn", "_init_coef"),
    cites=("pedregosa2011",),
    elsewhere=(("scikit-learn", "MLPClassifier, MLPRegressor"),),
    note="The factor 2 gives logistic units a third of Glorot's variance, where they need more, not less.",
    distribution=lambda fan_in, fan_out, layer: (
        2 * (stated.uniform(((2 if is_activation(layer.activation, "sigmoid") else 6) / (fan_in + fan_out)) ** 0.5),)
    ),
)
def sklearn_mlp(shape: Shape, rng: Generator, *, layer: Layer = ANYWHERE) -> tuple[Array, Array]:
    """The default of scikit-learn's MLPClassifier, biases included; smaller for logistic units.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    layer : Layer
        Tells the activation of the hidden layers.

    Returns
    -------
    weights : ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-c, c), c = sqrt(f / (fan_in + fan_out)).
    biases : ndarray of float64, shape (fan_out,)
        Likewise.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Pedregosa et al. (2011), "Scikit-learn: Machine Learning in Python", JMLR 12.
    """
    factor = 2.0 if is_activation(layer.activation, "sigmoid") else 6.0
    variance = factor / 3.0 / sum(fans(shape))
    return draw_uniform(shape, rng, variance=variance), draw_uniform((1, shape[1]), rng, variance=variance).ravel()

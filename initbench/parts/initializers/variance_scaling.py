"""Random weights whose variance follows from the fans: one rule, variance = gain / fan, under the names of its authors.

``gain`` is a factor of the variance (Keras calls it ``scale``), not of the standard deviation, as in PyTorch; a rule,
such as ``gain: forward``, computes it for the activation of the hidden layers and is used in every layer. The
Gaussians are not truncated, as in PyTorch; those of Keras and JAX are cut at two standard deviations and widened until
the variance is the same, so their tails end at 2.27 standard deviations.
"""

from __future__ import annotations

import math
from typing import Literal

from initbench.contracts import Array, Generator, Layer, Real, Shape
from initbench.parts.initializers import stated
from initbench.parts.initializers.draws import Distribution, draw_normal, draw_scaled, draw_uniform, fans
from initbench.parts.initializers.gains import ANYWHERE, Gain, deviation_factor, variance_factor
from initbench.registry import initializer


@initializer(
    "lecun_normal",
    family="variance scaling",
    formula="N(0, gain / fan_in)",
    aliases=("lecun", "xavier_in_tutorial", "xavier_fan_in", "snn", "selu_init"),
    cites=("lecun1998", "klambauer2017"),
    elsewhere=(
        ("Keras", "LecunNormal (truncated)"),
        ("PyTorch", "kaiming_normal_(nonlinearity='linear')"),
        ("JAX", "lecun_normal (truncated)"),
    ),
    note="Keras, JAX and Haiku cut it at two deviations and widen it to the same variance: {variance_scaling: {scale: "
    "1, mode: fan_in, distribution: truncated_normal}}. Flux documents truncation but cuts at the weights -2 and "
    "2. What lasagne, MLX and neupy call He has this variance by default.",
    distribution=lambda fan_in, fan_out, gain, layer: stated.normal(variance_factor(gain, layer) / fan_in),
)
def lecun_normal(shape: Shape, rng: Generator, *, gain: Gain = 1.0, layer: Layer = ANYWHERE) -> Array:
    """Gaussian weights that hold the forward variance of a linear layer level; made for scaled tanh, and for SELU.

    The "Xavier" of many tutorials, N(0, 1 / fan_in) or ``randn(n) / sqrt(n)``, is this one.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    gain : float or rule, default 1.0
        Variance factor (dimensionless), or a rule.
    layer : Layer, optional
        Tells a rule the activation.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(0, gain / fan_in), not truncated; Keras truncates.

    Raises
    ------
    ParameterError
        When a rule has no answer for the activation.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), "Efficient BackProp", in Neural Networks: Tricks of the Trade.
    Klambauer, Unterthiner, Mayr & Hochreiter (2017), "Self-Normalizing Neural Networks", arXiv:1706.02515.
    """
    fan_in, _ = fans(shape)
    return draw_normal(shape, rng, variance=variance_factor(gain, layer) / fan_in)


@initializer(
    "lecun_uniform",
    family="variance scaling",
    formula="U(±√(3 gain / fan_in))",
    aliases=("caffe_xavier",),
    cites=("lecun1998",),
    elsewhere=(
        ("Keras", "LecunUniform"),
        ("PyTorch", "kaiming_uniform_(nonlinearity='linear')"),
        ("JAX", "lecun_uniform"),
    ),
    note="Caffe calls it xavier. tiny-dnn's lecun is bengio_uniform, a third of the variance; DL4J's LECUN_UNIFORM is "
    "boers, three times the variance.",
    distribution=lambda fan_in, fan_out, gain, layer: stated.uniform(
        (3 * variance_factor(gain, layer) / fan_in) ** 0.5
    ),
)
def lecun_uniform(shape: Shape, rng: Generator, *, gain: Gain = 1.0, layer: Layer = ANYWHERE) -> Array:
    """Evenly spread weights that hold the forward variance of a linear layer level; made for scaled tanh.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    gain : float or rule, default 1.0
        Variance factor (dimensionless), or a rule.
    layer : Layer, optional
        Tells a rule the activation.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-a, a), a = sqrt(3 gain / fan_in), of variance gain / fan_in.

    Raises
    ------
    ParameterError
        When a rule has no answer for the activation.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    LeCun, Bottou, Orr & Müller (1998), "Efficient BackProp", in Neural Networks: Tricks of the Trade.
    """
    fan_in, _ = fans(shape)
    return draw_uniform(shape, rng, variance=variance_factor(gain, layer) / fan_in)


@initializer(
    "bengio_uniform",
    family="variance scaling",
    formula="U(±1 / √fan_in)",
    aliases=("commonly_used_heuristic", "tiny_dnn_lecun"),
    cites=("glorot2010",),
    elsewhere=(
        ("Keras", "VarianceScaling(1/3, 'fan_in', 'uniform')"),
        ("PyTorch", "kaiming_uniform_(a=sqrt(5)), the weights of nn.Linear"),
        ("JAX", "variance_scaling(1/3, 'fan_in', 'uniform')"),
    ),
    note="The biases of nn.Linear are drawn likewise; torch_linear sets both. DL4J calls this UNIFORM, tiny-dnn lecun.",
    distribution=lambda fan_in, fan_out: stated.uniform(fan_in**-0.5),
)
def bengio_uniform(shape: Shape, rng: Generator) -> Array:
    """The old heuristic, PyTorch's default: a third of LeCun's variance, so that signals fade from layer to layer.

    Glorot & Bengio describe it as the common choice of their day and argue against it; some tutorials call it "Xavier"
    all the same. PyTorch's ``nn.Linear`` writes it as ``kaiming_uniform_(a=sqrt(5))``.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-a, a), a = 1 / sqrt(fan_in), of variance 1 / (3 fan_in).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", AISTATS.
    """
    fan_in, _ = fans(shape)
    return draw_uniform(shape, rng, variance=1.0 / (3.0 * fan_in))


@initializer(
    "glorot_normal",
    family="variance scaling",
    formula="N(0, 2 gain / (fan_in + fan_out))",
    aliases=("xavier_normal", "xavier_gaussian", "glorot_gaussian"),
    cites=("glorot2010",),
    elsewhere=(
        ("Keras", "GlorotNormal (truncated)"),
        ("PyTorch", "xavier_normal_"),
        ("JAX", "glorot_normal (truncated)"),
    ),
    note="gain here is a factor of the variance, in PyTorch of the deviation. Keras and JAX truncate: "
    "{variance_scaling: {scale: 1, mode: fan_avg, distribution: truncated_normal}}. MXNet's Gaussian Xavier has "
    "three times the variance (gain: 3), neupy's half of it (gain: 0.5). With a gain as in PyTorch: glorot_gain.",
    distribution=lambda fan_in, fan_out, gain, layer: stated.normal(
        2 * variance_factor(gain, layer) / (fan_in + fan_out)
    ),
)
def glorot_normal(shape: Shape, rng: Generator, *, gain: Gain = 1.0, layer: Layer = ANYWHERE) -> Array:
    """Gaussian weights between what holds signals and what holds gradients level; for tanh and other units linear at 0.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    gain : float or rule, default 1.0
        Variance factor (dimensionless), the square of PyTorch's ``gain``, or a rule.
    layer : Layer, optional
        Tells a rule the activation.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(0, 2 gain / (fan_in + fan_out)), not truncated; Keras truncates.

    Raises
    ------
    ParameterError
        When a rule has no answer for the activation.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", AISTATS.
    """
    return draw_normal(shape, rng, variance=2.0 * variance_factor(gain, layer) / sum(fans(shape)))


@initializer(
    "glorot_uniform",
    family="variance scaling",
    formula="U(±√(6 gain / (fan_in + fan_out)))",
    aliases=("xavier_uniform", "xavier", "glorot", "normalized_init", "normalized_initialization"),
    cites=("glorot2010",),
    elsewhere=(
        ("Keras", "GlorotUniform, the default of Dense"),
        ("PyTorch", "xavier_uniform_"),
        ("JAX", "glorot_uniform"),
        ("scikit-learn", "MLPClassifier, unless the activation is logistic"),
    ),
    note="xavier alone means this one in MXNet, lecun_uniform in Caffe, and N(0, 1 / fan_in), lecun_normal, in many "
    "tutorials. gain is a factor of the variance, in PyTorch of the deviation. neupy has half the variance (gain:"
    " 0.5), Encog two thirds. With a gain as in PyTorch: glorot_gain.",
    distribution=lambda fan_in, fan_out, gain, layer: stated.uniform(
        (6 * variance_factor(gain, layer) / (fan_in + fan_out)) ** 0.5
    ),
)
def glorot_uniform(shape: Shape, rng: Generator, *, gain: Gain = 1.0, layer: Layer = ANYWHERE) -> Array:
    """Evenly spread weights between what holds signals and what holds gradients level; for tanh, and Keras's default.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    gain : float or rule, default 1.0
        Variance factor (dimensionless), the square of PyTorch's ``gain``, or a rule.
    layer : Layer, optional
        Tells a rule the activation.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-a, a), a = sqrt(6 gain / (fan_in + fan_out)).

    Raises
    ------
    ParameterError
        When a rule has no answer for the activation.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", AISTATS.
    """
    return draw_uniform(shape, rng, variance=2.0 * variance_factor(gain, layer) / sum(fans(shape)))


@initializer(
    "glorot_gain",
    family="variance scaling",
    formula="variance = 2 gain² / (fan_in + fan_out), uniform by default: U(±gain √(6 / (fan_in + fan_out)))",
    aliases=("xavier_gain",),
    cites=("glorot2010", "paszke2019"),
    elsewhere=(
        ("Keras", "VarianceScaling(gain², 'fan_avg', 'uniform')"),
        ("PyTorch", "xavier_uniform_(gain), xavier_normal_(gain)"),
        ("JAX", "variance_scaling(gain², 'fan_avg', 'uniform')"),
    ),
    note="gain is a factor of the deviation, as in PyTorch, Flux, MLX and burn; that of glorot_uniform and "
    "glorot_normal is one of the variance. So {glorot_gain: {gain: 4}} is {glorot_uniform: {gain: 16}}.",
    distribution=lambda fan_in, fan_out, gain, distribution, layer: stated.scaled(
        2 * deviation_factor(gain, layer) ** 2 / (fan_in + fan_out), distribution
    ),
)
def glorot_gain(
    shape: Shape,
    rng: Generator,
    *,
    gain: Gain = 1.0,
    distribution: Distribution = "uniform",
    layer: Layer = ANYWHERE,
) -> Array:
    """Glorot's weights times a gain that makes up for the activation, as PyTorch's ``xavier_uniform_(gain)`` takes it.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    gain : float or rule, default 1.0
        Factor of the standard deviation (dimensionless), or a rule: ``torch`` is ``calculate_gain``, 5/3 for tanh.
    distribution : ``"uniform"``, ``"normal"`` or ``"truncated_normal"``, default ``"uniform"``
        Of the weights; all have the same variance.
    layer : Layer, optional
        Tells a rule the activation.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws of mean 0 and variance 2 gain**2 / (fan_in + fan_out).

    Raises
    ------
    ParameterError
        When a rule has no answer for the activation.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", AISTATS.
    Paszke et al. (2019), "PyTorch: An Imperative Style, High-Performance Deep Learning Library", arXiv:1912.01703.
    """
    variance = 2.0 * deviation_factor(gain, layer) ** 2 / sum(fans(shape))
    return draw_scaled(shape, rng, variance=variance, distribution=distribution)


@initializer(
    "he_normal",
    family="variance scaling",
    formula="N(0, gain / ((1 + a²) fan_in)), gain = 2",
    aliases=("kaiming_normal", "kaiming", "he", "msra", "he_gaussian", "caffe_msra", "RELU"),
    cites=("he2015",),
    elsewhere=(
        ("Keras", "HeNormal (truncated)"),
        ("PyTorch", "kaiming_normal_"),
        ("JAX", "he_normal (truncated)"),
    ),
    note="Keras and JAX cut it at two deviations and widen it to the same variance: {variance_scaling: {scale: 2, "
    "mode: fan_in, distribution: truncated_normal}}. PyTorch's default nonlinearity is a leaky ReLU of slope a = "
    "0, and a is ignored with any other. MXNet's MSRAPrelu is msra_prelu, DL4J's RELU this one; lasagne, MLX "
    "and neupy have gain 1 by default.",
    distribution=lambda fan_in, fan_out, gain, a, layer: stated.normal(
        variance_factor(gain, layer) / (1 + a**2) / fan_in
    ),
)
def he_normal(shape: Shape, rng: Generator, *, gain: Gain = 2.0, a: Real = 0.0, layer: Layer = ANYWHERE) -> Array:
    """Gaussian weights that hold the forward variance of a ReLU network level.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    gain : float or rule, default 2.0
        Variance factor (dimensionless); 2 makes up for the half that ReLU cuts away.
    a : float, default 0
        Slope of a leaky ReLU where z < 0 (dimensionless). Leave it at 0 with a rule, which knows the slope.
    layer : Layer, optional
        Tells a rule the activation.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(0, gain / ((1 + a**2) fan_in)), not truncated; Keras truncates.

    Raises
    ------
    ParameterError
        When a rule has no answer for the activation.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    He, Zhang, Ren & Sun (2015), "Delving Deep into Rectifiers", eq. (10), arXiv:1502.01852.
    """
    fan_in, _ = fans(shape)
    return draw_normal(shape, rng, variance=variance_factor(gain, layer) / (1.0 + a**2) / fan_in)


@initializer(
    "he_uniform",
    family="variance scaling",
    formula="U(±√(3 gain / ((1 + a²) fan_in))), gain = 2",
    aliases=("kaiming_uniform",),
    cites=("he2015",),
    elsewhere=(
        ("Keras", "HeUniform"),
        ("PyTorch", "kaiming_uniform_"),
        ("JAX", "he_uniform"),
    ),
    note="nn.Linear of PyTorch calls kaiming_uniform_ with a = √5, which is bengio_uniform and a sixth of this "
    "variance.",
    distribution=lambda fan_in, fan_out, gain, a, layer: stated.uniform(
        (3 * variance_factor(gain, layer) / (1 + a**2) / fan_in) ** 0.5
    ),
)
def he_uniform(shape: Shape, rng: Generator, *, gain: Gain = 2.0, a: Real = 0.0, layer: Layer = ANYWHERE) -> Array:
    """Evenly spread weights that hold the forward variance of a ReLU network level.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
        Of the weights; either may be 0.
    rng : numpy.random.Generator
        The only source of chance.
    gain : float or rule, default 2.0
        Variance factor (dimensionless); 2 makes up for the half that ReLU cuts away.
    a : float, default 0
        Slope of a leaky ReLU where z < 0 (dimensionless). Leave it at 0 with a rule, which knows the slope.
    layer : Layer, optional
        Tells a rule the activation.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-a, a), a = sqrt(3 gain / fan_in), of variance gain / fan_in.

    Raises
    ------
    ParameterError
        When a rule has no answer for the activation.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    He, Zhang, Ren & Sun (2015), "Delving Deep into Rectifiers", eq. (10), arXiv:1502.01852.
    """
    fan_in, _ = fans(shape)
    return draw_uniform(shape, rng, variance=variance_factor(gain, layer) / (1.0 + a**2) / fan_in)


Mode = Literal["fan_in", "fan_out", "fan_avg", "fan_geo_avg"]


def _fan(mode: Mode, fan_in: int, fan_out: int) -> float:
    return {
        "fan_in": fan_in,
        "fan_out": fan_out,
        "fan_avg": (fan_in + fan_out) / 2.0,
        "fan_geo_avg": math.sqrt(fan_in * fan_out),
    }[mode]


@initializer(
    "variance_scaling",
    family="variance scaling",
    formula="variance = scale / fan; normal, uniform, or normal cut at 2σ and widened to that variance",
    cites=("he2015", "glorot2010"),
    elsewhere=(
        ("Keras", "VarianceScaling"),
        ("JAX", "variance_scaling"),
    ),
    note="normal is not truncated, as in JAX; Keras reads normal as truncated_normal and calls this one "
    "untruncated_normal. fan_geo_avg is JAX's alone.",
    distribution=lambda fan_in, fan_out, scale, mode, distribution, layer: stated.scaled(
        variance_factor(scale, layer) / _fan(mode, fan_in, fan_out), distribution
    ),
)
def variance_scaling(
    shape: Shape,
    rng: Generator,
    *,
    scale: Gain = 1.0,
    mode: Mode = "fan_in",
    distribution: Distribution = "truncated_normal",
    layer: Layer = ANYWHERE,
) -> Array:
    """The rule behind LeCun's, Glorot's and He's initializers, with every choice open.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    scale : float or rule, default 1.0
        Variance factor (dimensionless), or a rule.
    mode : ``"fan_in"``, ``"fan_out"``, ``"fan_avg"`` or ``"fan_geo_avg"``
        The fan to divide by: inputs, outputs, their mean, or their geometric mean.
    distribution : ``"truncated_normal"``, ``"normal"`` or ``"uniform"``
        Of the weights; all have the same variance.
    layer : Layer, optional
        Tells a rule the activation.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws of mean 0 and variance scale / fan; truncated ones reach 2.2737 sqrt(scale / fan).

    Raises
    ------
    ParameterError
        When a rule has no answer for the activation.
    ShapeError
        When the shape is not two whole numbers, or one is below 0.
    """
    variance = variance_factor(scale, layer) / _fan(mode, *fans(shape))
    return draw_scaled(shape, rng, variance=variance, distribution=distribution)


@initializer(
    "he_fan_out",
    family="variance scaling",
    formula="variance = 2 / ((1 + a²) fan_out)",
    aliases=("kaiming_fan_out", "kaiming_normal_fan_out"),
    cites=("he2015",),
    elsewhere=(
        ("Keras", "VarianceScaling(2, 'fan_out')"),
        ("PyTorch", "kaiming_normal_(mode='fan_out')"),
        ("JAX", "variance_scaling(2, 'fan_out', ...)"),
    ),
    distribution=lambda fan_in, fan_out, a, distribution: stated.scaled(2 / (1 + a**2) / fan_out, distribution),
)
def he_fan_out(shape: Shape, rng: Generator, *, a: Real = 0.0, distribution: Distribution = "normal") -> Array:
    """Random weights that hold the backward variance of a ReLU network level: gradients neither fade nor grow.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    a : float, default 0
        Slope of a leaky ReLU where z < 0 (dimensionless).
    distribution : ``"normal"``, ``"truncated_normal"`` or ``"uniform"``
        Of the weights; all have the same variance.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws of mean 0 and variance 2 / ((1 + a**2) fan_out).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    He, Zhang, Ren & Sun (2015), "Delving Deep into Rectifiers", arXiv:1502.01852.
    """
    _, fan_out = fans(shape)
    return draw_scaled(shape, rng, variance=2.0 / (1.0 + a**2) / fan_out, distribution=distribution)


@initializer(
    "he_fan_avg",
    family="variance scaling",
    formula="variance = 4 / ((1 + a²)(fan_in + fan_out))",
    aliases=("kaiming_fan_avg", "msra_avg"),
    cites=("he2015",),
    elsewhere=(
        ("Keras", "VarianceScaling(2, 'fan_avg')"),
        ("JAX", "variance_scaling(2, 'fan_avg', ...)"),
        ("MXNet", "MSRAPrelu(slope=0)"),
    ),
    note="MXNet's MSRAPrelu, its He initializer, has a slope of 0.25 by default: msra_prelu.",
    distribution=lambda fan_in, fan_out, a, distribution: stated.scaled(
        4 / (1 + a**2) / (fan_in + fan_out), distribution
    ),
)
def he_fan_avg(shape: Shape, rng: Generator, *, a: Real = 0.0, distribution: Distribution = "normal") -> Array:
    """Random weights between what holds signals and what holds gradients of a ReLU network level.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    a : float, default 0
        Slope of a leaky ReLU where z < 0 (dimensionless).
    distribution : ``"normal"``, ``"truncated_normal"`` or ``"uniform"``
        Of the weights; all have the same variance.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws of mean 0 and variance 4 / ((1 + a**2) (fan_in + fan_out)).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    He, Zhang, Ren & Sun (2015), "Delving Deep into Rectifiers", arXiv:1502.01852.
    """
    variance = 4.0 / (1.0 + a**2) / sum(fans(shape))
    return draw_scaled(shape, rng, variance=variance, distribution=distribution)


@initializer(
    "msra_prelu",
    family="variance scaling",
    formula="N(0, 4 / ((1 + a²)(fan_in + fan_out))), a = 0.25",
    aliases=("mxnet_msra_prelu", "msra_prelu_avg"),
    cites=("he2015", "chen2015"),
    elsewhere=(("MXNet", "MSRAPrelu"), ("Keras", "VarianceScaling(1.8824, 'fan_avg', 'untruncated_normal')")),
    note="MXNet's He initializer is not he_normal: it divides by the mean of the fans and reckons with a slope.",
    distribution=lambda fan_in, fan_out, a: stated.normal(4 / (1 + a**2) / (fan_in + fan_out)),
)
def msra_prelu(shape: Shape, rng: Generator, *, a: Real = 0.25) -> Array:
    """He's weights as MXNet has them: between signals and gradients, for a PReLU that starts at a slope of 0.25.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    a : float, default 0.25
        Slope of the PReLU where z < 0 (dimensionless).

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from N(0, 4 / ((1 + a**2) (fan_in + fan_out))), as of `he_fan_avg`.

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    He, Zhang, Ren & Sun (2015), "Delving Deep into Rectifiers", arXiv:1502.01852.
    Chen et al. (2015), "MXNet: A Flexible and Efficient Machine Learning Library for Heterogeneous Distributed
    Systems", arXiv:1512.01274.
    """
    return he_fan_avg(shape, rng, a=a)


@initializer(
    "glorot_sigmoid4",
    family="variance scaling",
    formula="U(±4 √(6 / (fan_in + fan_out)))",
    aliases=("sigmoid_uniform",),
    cites=("glorot2010",),
    elsewhere=(
        ("DL4J", "SIGMOID_UNIFORM"),
        ("Keras", "VarianceScaling(16, 'fan_avg', 'uniform')"),
        ("PyTorch", "xavier_uniform_(gain=4)"),
        ("JAX", "variance_scaling(16, 'fan_avg', 'uniform')"),
    ),
    note="From the Theano deep learning tutorials. scikit-learn goes the other way: for logistic units it takes a "
    "third of Glorot's variance, 48 times less than this one; PyTorch's gain for the sigmoid is 1.",
    distribution=lambda fan_in, fan_out: stated.uniform(4 * (6 / (fan_in + fan_out)) ** 0.5),
)
def glorot_sigmoid4(shape: Shape, rng: Generator) -> Array:
    """Glorot's weights four times as wide, for logistic units, whose slope at 0 is a quarter.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws from U(-c, c), c = 4 sqrt(6 / (fan_in + fan_out)), of variance 32 / (fan_in + fan_out).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", AISTATS.
    """
    return draw_uniform(shape, rng, variance=32.0 / sum(fans(shape)))


@initializer(
    "glorot_geo",
    family="variance scaling",
    formula="variance = 1 / √(fan_in fan_out)",
    aliases=("fan_geo_avg",),
    cites=("bradbury2018",),
    elsewhere=(("JAX", "variance_scaling(1, 'fan_geo_avg', ...)"),),
    distribution=lambda fan_in, fan_out, distribution: stated.scaled((fan_in * fan_out) ** -0.5, distribution),
)
def glorot_geo(shape: Shape, rng: Generator, *, distribution: Distribution = "normal") -> Array:
    """Glorot's compromise by the geometric mean of the fans, so that signal and gradient err by the same factor.

    Parameters
    ----------
    shape : tuple of int, ``(fan_in, fan_out)``
    rng : numpy.random.Generator
        The only source of chance.
    distribution : ``"normal"``, ``"truncated_normal"`` or ``"uniform"``
        Of the weights; all have the same variance.

    Returns
    -------
    ndarray of float64, shape (fan_in, fan_out)
        Independent draws of mean 0 and variance 1 / sqrt(fan_in fan_out).

    Raises
    ------
    ShapeError
        When the shape is not two whole numbers, or one is below 0.

    References
    ----------
    Bradbury et al. (2018), "JAX: composable transformations of Python+NumPy programs".
    """
    variance = 1.0 / math.sqrt(math.prod(fans(shape)))
    return draw_scaled(shape, rng, variance=variance, distribution=distribution)

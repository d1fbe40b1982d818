"""Names: every one that the literature and the libraries use leads to one of ours, or to what to write instead."""

import re

import numpy as np
import pytest

from initbench import registry
from initbench.errors import ParameterError, UsageError
from initbench.registry import (
    activation,
    advice,
    bias,
    dataset,
    find,
    initializer,
    lookup,
    lookup_any,
    lookup_end,
    network_initializer,
    optimizer,
)

# What the tables of the literature and of other libraries call each part, as they spell it.
NAMES = {
    "zeros": "zeros, zero, zero_init, Zeros, zeros_, caffe",
    "ones": "ones, one, ones_",
    "constant": "constant, full, const, fill, constant_",
    "uniform": "uniform, random_uniform, rand, RandomUniform",
    "normal": "normal, random_normal, gaussian, RandomNormal",
    "truncated_normal": "truncated_normal, trunc_normal, trunc_normal_, TruncatedNormal",
    "variance_scaling": "variance_scaling, VarianceScaling",
    "lecun_normal": "lecun_normal, lecun, selu_init, selu init, snn, XAVIER_FAN_IN, LecunNormal, xavier_in_tutorial",
    "lecun_uniform": "lecun_uniform, caffe_xavier, LecunUniform",
    "glorot_normal": "glorot_normal, xavier_normal, xavier_normal_",
    "glorot_uniform": "glorot_uniform, glorot, xavier, xavier_uniform, normalized_init, normalized init",
    "glorot_gain": "glorot_gain, xavier(gain), xavier_gain",
    "he_normal": "he_normal, RELU, relu, he, msra, kaiming, kaiming_normal, caffe_msra",
    "he_uniform": "he_uniform, kaiming_uniform",
    "he_fan_out": "he_fan_out, kaiming_fan_out, kaiming fan_out",
    "he_fan_avg": "he_fan_avg, kaiming_fan_avg",
    "msra_prelu": "msra_prelu, MSRAPrelu, MSRAPrelu(avg)",
    "glorot_sigmoid4": "glorot_sigmoid4, SIGMOID_UNIFORM",
    "glorot_geo": "glorot_geo, fan_geo_avg",
    "bengio_uniform": "bengio_uniform, tiny-dnn_lecun, tiny-dnn lecun, commonly used heuristic",
    "torch_linear": "torch_linear, torch, nn.Linear, mlx, MLX_Linear, MLX Linear",
    "keras_dense": "keras_dense, keras, thinc, lasagne, matlab",
    "flax_dense": "flax_dense, flax",
    "chainer_linear": "chainer_linear, chainer",
    "mxnet_dense": "mxnet_dense, mxnet",
    "sklearn_mlp": "sklearn_mlp, sklearn, _init_coef",
    "kumar": "kumar",
    "random_walk": "random_walk, Sussillo-Abbott",
    "uniform_unit_scaling": "uniform_unit_scaling, tf.uniform_unit_scaling, UniformScaling",
    "fan_in_haykin": "fan_in_haykin, FanIn",
    "bottou": "bottou",
    "boers": "boers, dl4j_lecun_uniform, DL4J lecun_uniform",
    "wessels": "wessels",
    "thimm_fiesler": "thimm_fiesler",
    "scawi": "scawi, SCAWI",
    "oivs": "oivs, Shimodaira",
    "kathirvalavakumar": "kathirvalavakumar, Cauchy",
    "siren": "siren, sine",
    "mup": "mup, muP_readout, muP readout",
    "ntk_param": "ntk_param, ntk",
    "orthogonal": "orthogonal, orthogonal_, Orthogonal",
    "identity": "identity, eye, IRNN",
    "partial_identity_tiled": "partial_identity_tiled",
    "zero_hadamard": "zero_hadamard, ZerO",
    "looks_linear": "looks_linear, LL, mirrored",
    "gaussian_submatrix": "GSM, gaussian_submatrix, gaussian submatrix",
    "antisymmetric": "antisymmetric, ASI, doubling",
    "sparse": "sparse, Martens",
    "gaussian_row_normalized": "gaussian_row_normalized",
    "positive_unitball": "positive_unitball",
    "rai": "rai, randomized_asymmetric, randomized asymmetric",
    "nguyen_widrow": "nguyen_widrow, initnw, Nguyen-Widrow",
    "mean_field": "mean_field",
    "critical": "critical, edge_of_chaos, edge of chaos",
    "orthogonal_critical": "orthogonal_critical",
    "lsuv": "lsuv, LSUV",
    "weight_norm": "weight_norm_init",
    "krahenbuhl": "data_dependent, Krahenbuhl",
    "autoinit": "autoinit, AutoInit",
    "metainit": "metainit",
    "gradinit": "gradinit",
    "sylvester": "sylvester",
    "fixup": "fixup",
    **{name: name for name in ("u01", "u11", "u03", "u05", "n01", "n001")},
}
# A library's name with its module stands for what that library has, which may be another thing.
OF_LIBRARIES = {
    "zeros": "keras.initializers.Zeros, foo.zeros",
    "uniform": "torch.nn.init.uniform_",
    "normal": "torch.nn.init.normal_",
    "truncated_normal": "jax.nn.initializers.truncated_normal",
    "variance_scaling": "tf.keras.initializers.VarianceScaling",
    "glorot_normal": "keras.initializers.GlorotNormal, neupy.XavierNormal",
    "glorot_uniform": "torch.nn.init.xavier_uniform_, keras.initializers.GlorotUniform",
    "he_normal": "jax.nn.initializers.he_normal, nn.init.kaiming_normal_, mlx.nn.init.he_normal, WeightInit.RELU",
    "he_uniform": "torch.nn.init.kaiming_uniform_",
    "msra_prelu": "mxnet.initializer.MSRAPrelu",
    "torch_linear": "torch.nn.Linear",
    "identity": "torch.nn.init.eye_",
    "sparse": "torch.nn.init.sparse_",
}
# What the tables name and no initializer here answers to, with the reason.
WRITTEN_OTHERWISE = {
    "rezero": "write residual: rezero",
    "skipinit": "write residual: rezero",
    "SkipInit": "write residual: rezero",
    "residual_1/sqrt(L)": "write residual: scaled",
    "xavier_half": "write {glorot_normal: {gain: 0.5}}",
    "output_prior": "write bias: output_prior",
}
NOT_HERE = {
    "torch default Linear": "a description of torch_linear",
    "3.6/sqrt N": "a formula, kumar's",
    "randn/sqrt(n)": "a formula, lecun_normal's",
    "delta_orthogonal": "for convolutions",
    "dirac_": "for convolutions",
    "STFT": "for convolutions",
    "Bilinear": "for convolutions",
    "mimetic": "for attention",
    "stiefel_relu": "an optimization that is known from its abstract alone",
    "deep_narrow": "known from its abstract alone",
}


@pytest.mark.parametrize(("name", "alias"), [(name, a) for name, text in NAMES.items() for a in text.split(", ")])
def test_every_name_in_use_leads_to_its_part(name, alias):
    assert find("initializer", alias).name == name


def test_the_names_cover_every_initializer_that_a_name_can_stand_for():
    ours = {e.name for e in registry.entries("initializer") if not e.fingerprint}
    assert ours - NAMES.keys() == {"haiku_linear", "residual_scaled", "pretrained"}
    assert NAMES.keys() <= ours


@pytest.mark.parametrize("name", WRITTEN_OTHERWISE)
def test_a_name_that_is_written_otherwise_says_how(name):
    assert advice("initializer", name).startswith(WRITTEN_OTHERWISE[name])
    with pytest.raises(UsageError, match=r"unknown initializer .*; write "):
        find("initializer", name)


@pytest.mark.parametrize("name", NOT_HERE)
def test_a_name_that_is_not_here_is_not_mistaken_for_another(name):
    assert lookup("initializer", name) is None


def test_zero_as_the_paper_spells_it_is_not_zero():
    assert find("initializer", "ZerO").name == "zero_hadamard"
    assert {find("initializer", word).name for word in ("zero", "Zero", "ZERO", "ZERO_")} == {"zeros"}
    assert advice("initializer", "zer") == "nearest name: zeros"


@pytest.mark.parametrize(
    ("name", "dotted"), [(name, word) for name, text in OF_LIBRARIES.items() for word in text.split(", ")]
)
def test_a_name_with_its_library_is_unknown_and_told_its_nearest(name, dotted):
    said = f"nearest name: {name}    a library's may differ: initbench explain {dotted}"
    assert advice("initializer", dotted) == said
    with pytest.raises(UsageError, match=re.escape(f"unknown initializer '{dotted}'; {said}")):
        find("initializer", dotted)
    assert lookup_end(dotted).name == name or dotted == "WeightInit.RELU"


def test_dots_lead_nowhere_else():
    assert lookup("activation", "torch.nn.ReLU") is lookup("initializer", "torch.nn.init") is None
    assert advice("optimizer", "torch.optim.Adam").startswith("nearest name: adam    ")
    assert lookup("initializer", "he_normal.") is lookup("initializer", "he.normal") is None
    assert lookup("dataset", "rows.csv") is lookup_end("rows.csv") is None
    assert find("initializer", "tf.uniform_unit_scaling").name == "uniform_unit_scaling"


def test_relu_is_an_initializer_of_dl4j_and_an_activation():
    assert find("initializer", "RELU").name == "he_normal"
    assert lookup_any("relu") is lookup_any("ReLU") is find("activation", "RELU")


FAULTS = {
    "def f(shape, rng, std=1.0): 'F.'": r"f: write \* before std: def f\(shape, rng, \*, std\)",
    "def f(shape, rng, layer): 'F.'": r"f: write \* before layer",
    "def f(shape): 'F.'": r"f takes \(shape\) and must take \(shape, rng\)",
    "def f(shape, rng, *, std='a'): 'F.'": r"default of std is 'a' and must be a number, or annotate .* std: str = 'a'",
    "def f(shape, rng, *, std: int = 0.5): 'F.'": "the default of std is 0.5 and must be a whole number",
    "def f(shape, rng, *, std: list = ()): 'F.'": "'std' must be a number, a text, true or false",
    "f = np.zeros": "'of_a_test' must be a function written with def",
}


@pytest.mark.parametrize("code", FAULTS)
def test_a_function_that_cannot_be_a_part_is_told_so_when_it_is_registered(code):
    names = {"np": np}
    exec(code, names)
    with pytest.raises(UsageError, match=FAULTS[code]):
        initializer("of_a_test")(names["f"])
    assert lookup("initializer", "of_a_test") is None


@pytest.mark.parametrize("decorator", [initializer, network_initializer, bias, activation, optimizer, dataset])
def test_a_decorator_without_a_name_says_what_to_write(decorator):
    with pytest.raises(UsageError, match=rf'@{decorator.__name__} stands .*; write @{decorator.__name__}\("part"\)'):
        decorator(part)


def test_two_functions_of_one_name_in_one_file_are_told_and_one_function_may_come_twice():
    def other(shape, rng):
        """Another."""

    initializer("of_a_test")(part)
    initializer("of_a_test")(part)
    with pytest.raises(UsageError, match="'of_a_test' is there already"):
        initializer("of_a_test")(other)
    assert find("initializer", "of_a_test").function is part


def test_numbers_of_numpy_are_numbers_and_truths_are_none():
    sparse = find("initializer", "sparse")
    assert sparse.check({"nonzero": np.int64(2), "std": np.float32(2)}) == {"nonzero": 2, "std": 2.0}
    for wrong in ({"nonzero": np.bool_(True)}, {"nonzero": np.float64(2)}, {"std": True}, {"std": np.ones(2)}):
        with pytest.raises(ParameterError, match="and must be a"):
            sparse.check(wrong)
    with pytest.raises(ParameterError, match=r"gain is array\(\[1., 1.\]\) and must be a number.*, or one of: torch"):
        find("initializer", "he_normal").check({"gain": np.ones(2)})


def part(shape, rng):
    """Does nothing."""


@pytest.mark.parametrize("key", ["aliases", "cites"])
def test_a_text_where_a_tuple_of_names_belongs_says_what_to_write(key):
    with pytest.raises(UsageError, match=rf"{key} is one text; write a tuple: {key}=\('abc',\)"):
        initializer("of_a_test", **{key: "abc"})(part)
    assert initializer("of_a_test", **{key: ("abc",)})(part) is part


@pytest.mark.parametrize(("name", "aliases"), [("He-Normal", ()), ("of_a_test", ("he_normal_",)), ("zero_", ())])
def test_a_name_that_is_taken_is_refused(name, aliases):
    with pytest.raises(UsageError, match=r"is there already, as '(he_normal|zeros)'; choose another name"):
        initializer(name, aliases=aliases)(part)


@pytest.mark.parametrize(
    ("value", "wish"), [(1e200, "at most 1e100"), (-1e101, "at most"), (1e-200, "at least 1e-100")]
)
def test_numbers_that_overflow_when_squared_are_told_by_the_name_of_their_parameter(value, wish):
    for name, parameter in [("mean_field", "sigma_w"), ("siren", "w0"), ("glorot_gain", "gain")]:
        with pytest.raises(ParameterError, match=rf"{parameter} is .* and must be .*{wish}"):
            find("initializer", name).check({parameter: value})
    assert find("initializer", "mean_field").check({"sigma_w": 0.0}) == {"sigma_w": 0.0}


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("positive", None, None),
        ("positive", "a", "a"),
        ("header", True, True),
        ("header", False, False),
        ("header", None, None),
        ("header", "a", ("a",)),
        ("header", ["a", "true"], ("a", "true")),
        ("missing", [], ()),
    ],
)
def test_a_parameter_of_several_types_takes_each(name, value, found):
    (checked,) = find("dataset", "csv").check({name: value}).values()
    assert checked == found
    assert type(checked) is type(found)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("positive", 1, "positive is 1 and must be a text, or null"),
        ("positive", ["a"], r"positive is \['a'\] and must be a text, or null"),
        ("header", 1, "header is 1 and must be true or false, or a list of names, or null"),
        ("header", ["a", 1], r"header is \['a', 1\] and must be true or false, or a list of names, or null"),
        ("header", {"a": 1}, "header is {'a': 1} and must be true or false"),
        ("missing", None, "missing is None and must be a list of names"),
    ],
)
def test_a_parameter_of_several_types_says_which_it_takes(name, value, message):
    with pytest.raises(ParameterError, match=message):
        find("dataset", "csv").check({name: value})

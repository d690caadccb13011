"""Tensors of networks of different forms."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import parser

from parity.diagnosis.graphs import Network
from parity.diagnosis.matching import (
    Described,
    are_equal,
    fingerprint,
    in_order,
    likeness,
    same_names,
    unexplained,
)

SHAPE = (1, 8, 4, 4)


def _all(*kinds: str) -> list[Described]:
    return [Described(kind, SHAPE) for kind in kinds]


def test_layers_are_matched_with_the_operators_that_are_named_like_them() -> None:
    layers = _all("Conv2d", "BatchNorm2D", "LeakyReLU")
    tensors = _all("Conv", "Add", "BatchNormalization", "LeakyRelu", "Add")
    assert in_order(layers, tensors) == [(0, 0), (1, 2), (2, 3)]


def test_a_layer_of_several_operators_is_matched_with_the_last_of_them() -> None:
    layers = _all("GELU", "Conv2d")
    tensors = _all("Div", "Erf", "Add", "Mul", "Mul", "Conv", "Add")
    assert in_order(layers, tensors) == [(0, 4), (1, 5)]


def test_layers_that_no_operator_shows_are_left_out() -> None:
    layers = [Described("Linear", (1, 16, 24)), *_all("Conv2d"), Described("Linear", (1, 10))]
    tensors = [*_all("Conv", "Relu"), Described("Gemm", (1, 10))]
    assert in_order(layers, tensors) == [(1, 0), (2, 2)]


def test_a_window_that_makes_fewer_values_is_matched_by_its_kind() -> None:
    layers = [Described("MaxPool2d", (1, 8, 5, 5)), Described("Linear", (1, 10))]
    assert in_order(layers, [Described("MaxPool", (1, 8, 4, 4)), Described("Gemm", (1, 10))]) == [
        (0, 0),
        (1, 1),
    ]
    assert in_order(layers, [Described("Relu", (1, 8, 4, 4))]) == []
    assert in_order(layers, []) == []


def test_kinds_are_alike_whose_names_begin_alike() -> None:
    assert likeness("BatchNorm2D", "BatchNormalization") == 2
    assert likeness("Linear", "Gemm") == 2
    assert likeness("Hardswish", "HardSigmoid") == 0
    assert likeness("ReLU", "Relu") == 2
    assert likeness("SiLU", "Sigmoid") == 0


def test_values_are_found_in_another_shape_and_not_in_another_order() -> None:
    array = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    assert are_equal(array, array.reshape(3, 4), 1e-4)
    assert not are_equal(array, array.transpose(0, 2, 1), 1e-4)
    assert not are_equal(array, array[..., :2], 1e-4)
    near = fingerprint(array + np.float32(1e-5))
    assert fingerprint(array).is_near(near, 1e-4)
    assert not fingerprint(array).is_near(fingerprint(array + 1), 1e-4)
    wild = np.array([np.nan, np.inf, 1], np.float32)
    assert fingerprint(wild).is_near(fingerprint(wild), 1e-4)


def _network(text: str) -> Network:
    return Network(
        parser.parse_model(f'<ir_version: 8, opset_import: ["": 17]> g (float[N] x) => (float[N] y) {text}')
    )


def test_what_leads_from_good_tensors_to_the_output_is_unexplained() -> None:
    network = _network("{ a = Relu(x) b = Abs(a) c = Neg(x) d = Add(b, c) y = Exp(d) }")
    assert unexplained(network, {"a", "c"}) == ["b", "d", "y"]
    assert unexplained(network, {"a", "b", "c", "y"}) == []


def test_names_are_believed_where_the_same_operators_make_most_of_them() -> None:
    first = _network("{ a = Relu(x) b = Abs(a) y = Exp(b) }")
    assert same_names(first, first) == {"a": "a", "b": "b", "y": "y"}
    assert same_names(first, _network("{ a = Relu(x) b = Abs(a) y = Log(b) }")) == {
        "a": "a",
        "b": "b",
        "y": "y",
    }
    assert same_names(first, _network("{ q = Neg(x) a = Abs(q) b = Relu(a) y = Exp(b) }")) == {}


def test_the_nodes_of_a_network_are_left_as_they_are() -> None:
    model = parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> g (float[N] x) => (float[N] y) { a = Relu(x) y = Abs(a) }'
    )
    before = onnx.ModelProto()
    before.CopyFrom(model)
    Network(model).part(["a", "y"], {})
    assert model == before

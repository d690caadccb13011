"""Our figures beside a document's: when they agree, what explains a difference, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from pipeline.config.documents import Counts, Document, Explanations, ReportedModel
from pipeline.errors import FiguresError
from pipeline.stages.comparison import figures_of

WEIGHTS = {"w": (500, 3, 3, 3), "b": (500,), "f": (500, 1000)}
PARAMETERS = 500 * 27 + 500 + 500_000  # 0.514 million
CONVOLUTION, CONNECTED = 62 * 62 * 500 * 27, 500 * 1000


@pytest.fixture(scope="module")
def graph() -> onnx.ModelProto:
    model = parser.parse_model(
        """<ir_version: 7, opset_import: ["": 12]>
        net (float[N, 3, 64, 64] x) => (float[N, 1000] y) {
          c = Conv (x, w, b)  p = GlobalAveragePool (c)  f1 = Flatten (p)  y = MatMul (f1, f) }"""
    )
    generator = np.random.default_rng(0)
    for name, shape in WEIGHTS.items():
        array = generator.normal(size=shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return model


def document(decimals: int = 9, counts: Counts | None = None, **reported: Any) -> Document:
    models = {"timm/net": ReportedModel(**reported)}
    return Document(title="a table", decimals=decimals, counts=counts or Counts(), models=models)


def figures(graph: onnx.ModelProto, *documents: Document, framework: int = PARAMETERS) -> dict[str, Any]:
    return figures_of("timm/net", graph, documents, height=64, framework_parameters=framework)


def refused(graph: onnx.ModelProto, described: Document) -> str:
    with pytest.raises(FiguresError) as caught:
        figures(graph, described)
    return str(caught.value)


def test_without_a_document_the_figures_are_those_of_the_graph(graph: onnx.ModelProto) -> None:
    assert figures(graph) == {
        "parameters": PARAMETERS,
        "multiply_adds": {
            "convolutions": CONVOLUTION,
            "fully_connected": CONNECTED,
            "matrix_products": 0,
            "total": CONVOLUTION + CONNECTED,
        },
        "unknown": None,
        "reported": [],
    }


def test_figures_within_the_limits_need_no_explanation(graph: onnx.ModelProto) -> None:
    described = document(input_size=64, parameters=0.5144, operations=0.053, top1=70.5)
    [compared] = figures(graph, described)["reported"]
    assert compared["parameters"] == {
        "ours": PARAMETERS,
        "reported": 0.5144,
        "difference_percent": pytest.approx(-0.0778, abs=1e-4),
        "explanation": None,
    }
    assert compared["operations"]["explanation"] is None
    assert compared["top1"] == 70.5


def test_operations_are_counted_as_the_document_counts_them(graph: onnx.ModelProto) -> None:
    counts = Counts(convolutions=2, fully_connected=0)
    operations = 2 * CONVOLUTION / 1e9
    [compared] = figures(graph, document(counts=counts, operations=operations))["reported"]
    assert compared["operations"]["ours"] == 2 * CONVOLUTION
    assert compared["operations"]["difference_percent"] == 0
    assert "operations are" in refused(graph, document(operations=operations))


@pytest.mark.parametrize(
    ("decimals", "reported", "does"),
    [(2, 0.51, "rounds to 2 decimals"), (3, 0.514, None), (1, 0.5, "rounds to 1 decimals")],
)
def test_fewer_digits_explain_a_difference(
    graph: onnx.ModelProto, decimals: int, reported: float, does: str | None
) -> None:
    [compared] = figures(graph, document(decimals=decimals, parameters=reported))["reported"]
    explanation = compared["parameters"]["explanation"]
    assert explanation is None if does is None else does in explanation


def test_digits_that_are_cut_explain_a_difference_and_wrong_ones_do_not(graph: onnx.ModelProto) -> None:
    [compared] = figures(graph, document(decimals=3, operations=0.052))["reported"]
    assert compared["operations"]["explanation"] is None  # 0.0524
    assert "parameters are 0.514 million, and 0.52 million" in refused(
        graph, document(decimals=2, parameters=0.52)
    )
    assert "0.51 million in 'a table': +0.78%" in refused(graph, document(decimals=3, parameters=0.51))


def test_the_framework_own_number_explains_what_an_exporter_folds(graph: onnx.ModelProto) -> None:
    [compared] = figures(graph, document(parameters=0.515), framework=515_000)["reported"]
    assert "network has 515000 parameters, as the document says" in compared["parameters"]["explanation"]
    assert "0.515 million" in refused(graph, document(parameters=0.515))


def test_a_written_explanation_is_for_the_figure_that_it_names(graph: onnx.ModelProto) -> None:
    explained = document(
        parameters=0.6,
        operations=0.1,
        explanations=Explanations(parameters="with a second head", operations="of both heads"),
    )
    [compared] = figures(graph, explained)["reported"]
    assert compared["parameters"]["explanation"] == "with a second head"
    assert compared["operations"]["explanation"] == "of both heads"
    half = Explanations(parameters="two heads")
    message = refused(graph, document(parameters=0.6, operations=0.1, explanations=half))
    assert "parameters are" not in message
    assert "operations are 0.05239 billion, and 0.1 billion in 'a table': -47.61%" in message
    assert "say in the file of figures, under explanations of timm/net, why they differ" in message


def test_another_input_size_has_to_be_explained(graph: onnx.ModelProto) -> None:
    assert "64 pixels high, and 224 in 'a table'" in refused(graph, document(input_size=224))
    described = document(input_size=224, explanations=Explanations(input_size="made smaller on purpose"))
    [compared] = figures(graph, described)["reported"]
    assert compared["input_size"] == {
        "ours": 64,
        "reported": 224,
        "explanation": "made smaller on purpose",
    }


def test_every_document_is_compared(graph: onnx.ModelProto) -> None:
    compared = figures(graph, document(parameters=0.514), document(top1=70.0))["reported"]
    assert ["parameters" in one for one in compared] == [True, False]
    with pytest.raises(FiguresError):
        figures(graph, document(parameters=0.514), document(parameters=0.6))


def test_operations_that_nobody_can_count_have_to_be_explained() -> None:
    model = parser.parse_model(
        """<ir_version: 7, opset_import: ["": 12]>
        net (float[N, L, 4] x) => (float[N, L, 4] y) { y = MatMul (x, x) }"""
    )
    assert figures(model)["multiply_adds"] is None
    assert "operations are unknown, and 1.0 billion" in refused(model, document(operations=1.0))

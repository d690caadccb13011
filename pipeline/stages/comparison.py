"""Ours beside theirs: what was counted in a file, and what documents say of the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from pipeline.config.documents import Document
from pipeline.errors import FiguresError

if TYPE_CHECKING:
    import onnx

    from evaluation.counting import Figures

LARGEST_DIFFERENCE = {"parameters": 0.1, "operations": 2.0}
"""Percent that a figure may be off without an explanation."""

_UNITS = {"parameters": (10**6, "million"), "operations": (10**9, "billion")}


def figures_of(
    model: str,
    graph: onnx.ModelProto,
    documents: Sequence[Document],
    *,
    height: int,
    framework_parameters: int,
) -> dict[str, Any]:
    """Count a model's figures in its graph, and hold them against the documents; the record's form.

    ``height`` is that of the model's input, in pixels, and ``framework_parameters`` what the source
    framework counts. Raises FiguresError where a difference is not explained.
    """
    from evaluation.counting import count_figures

    figures = count_figures(graph)
    reported = [_beside(figures, document, model, height, framework_parameters) for document in documents]
    if unexplained := list(_unexplained(reported)):
        raise FiguresError(
            f"{model} is not what its document describes: {'; '.join(unexplained)}. Not published. Correct "
            "the entry in the pipeline file, or the figures; or say in the file of figures, under "
            f"explanations of {model}, why they differ"
        )
    counted = figures.multiply_adds
    return {
        "parameters": figures.parameters,
        "multiply_adds": asdict(counted) | {"total": counted.total} if counted else None,
        "unknown": figures.unknown or None,
        "reported": reported,
    }


def _beside(
    figures: Figures, document: Document, model: str, height: int, framework_parameters: int
) -> dict[str, Any]:
    reported = document.models[model]
    comparison: dict[str, Any] = {"document": document.title, "top1": reported.top1, "top5": reported.top5}
    comparison["files"] = [file.model_dump() | {"megabyte": document.megabyte} for file in reported.files]
    if reported.input_size is not None:
        comparison["input_size"] = {
            "ours": height,
            "reported": reported.input_size,
            "explanation": reported.explanations.input_size if reported.input_size != height else None,
        }
    if reported.parameters is not None:
        comparison["parameters"] = _compared(
            "parameters", figures.parameters, reported.parameters, document, model
        )
        _ask_framework(comparison["parameters"], framework_parameters)
    if reported.operations is not None:
        operations = _operations(figures, document)
        comparison["operations"] = _compared("operations", operations, reported.operations, document, model)
        comparison["operations"]["counts"] = document.counts.model_dump()
    return comparison


def _operations(figures: Figures, document: Document) -> int | None:
    """Our multiply-adds in the document's way to count."""
    if figures.multiply_adds is None:
        return None
    counted, times = figures.multiply_adds, document.counts
    return (
        times.convolutions * counted.convolutions
        + times.fully_connected * counted.fully_connected
        + times.matrix_products * counted.matrix_products
    )


def _compared(what: str, ours: int | None, theirs: float, document: Document, model: str) -> dict[str, Any]:
    unit, _ = _UNITS[what]
    percent = None if ours is None else round(100 * (ours / (theirs * unit) - 1), 4)
    explanation = None
    if percent is None or abs(percent) > LARGEST_DIFFERENCE[what]:
        explanation = getattr(document.models[model].explanations, what)
        if explanation is None and ours is not None:
            explanation = _digits(Decimal(ours) / unit, Decimal(str(theirs)), document.decimals)
    return {"ours": ours, "reported": theirs, "difference_percent": percent, "explanation": explanation}


def _digits(ours: Decimal, theirs: Decimal, decimals: int) -> str | None:
    """Whether ``theirs`` is ``ours`` with fewer digits."""
    step = Decimal(1).scaleb(-decimals)
    for does, rounding in (("rounds", ROUND_HALF_UP), ("cuts", ROUND_DOWN)):
        if ours.quantize(step, rounding) == theirs:
            return f"the document {does} to {decimals} decimals, and {ours.normalize():f} is {theirs} there"
    return None


def _ask_framework(compared: dict[str, Any], framework: int) -> None:
    """Explain a number of parameters by the framework's own, where that is the document's."""
    theirs = compared["reported"] * 10**6
    off = abs(100 * (framework / theirs - 1)) > LARGEST_DIFFERENCE["parameters"]
    if compared["explanation"] is None and _is_off(compared, "parameters") and not off:
        compared["explanation"] = (
            f"the framework's network has {framework} parameters, as the document says; the exported graph, "
            f"which computes the same, does with {compared['ours']}"
        )


def _is_off(compared: dict[str, Any], what: str) -> bool:
    percent = compared["difference_percent"]
    return percent is None or abs(percent) > LARGEST_DIFFERENCE[what]


def _unexplained(reported: Sequence[dict[str, Any]]) -> Iterator[str]:
    for document in reported:
        title, size = repr(document["document"]), document.get("input_size")
        if size and size["ours"] != size["reported"] and size["explanation"] is None:
            yield f"its pictures are {size['ours']} pixels high, and {size['reported']} in {title}"
        for what, (unit, name) in _UNITS.items():
            compared = document.get(what)
            if compared and compared["explanation"] is None and _is_off(compared, what):
                ours = "unknown" if compared["ours"] is None else f"{compared['ours'] / unit:.4g} {name}"
                yield (
                    f"{what} are {ours}, and {compared['reported']} {name} in {title}"
                    f"{_by(compared['difference_percent'])}, which is more than {LARGEST_DIFFERENCE[what]}%"
                )


def _by(percent: float | None) -> str:
    return "" if percent is None else f": {percent:+.2f}%"

"""The matrix of verdicts, the plot that is drawn of it, and the numbers as they are written."""

from __future__ import annotations

import re

import pytest

from publishing.pages import formatting
from publishing.pages.error_plot import Plot, plot
from publishing.pages.verdict_matrix import matrix
from tests.publishing.pages.card_records import comparison, runtime
from tests.publishing.pages.catalogue_zoo import unit, zoo


def drawn(*errors: dict[str, float | None]) -> Plot:
    """Draw opsets from 7 on, with the relative error of each runtime at each."""
    records = [
        unit(
            f"timm/a@{opset}",
            runtimes={
                name: runtime(comparisons={"noise-1": comparison(value)})
                for name, value in errors_by_runtime.items()
            },
        )
        for opset, errors_by_runtime in enumerate(errors, 7)
    ]
    drawing = plot(matrix(records))
    assert drawing
    return drawing


def test_judges_come_first_and_every_outcome_has_a_sign_and_a_word() -> None:
    lite = [record for record in zoo() if record.model == "tf_efficientnet_lite0" and record.opset < 7]
    verdicts = matrix(lite)
    assert verdicts.runtimes == ("openvino", "caffe2", "opencv")
    outcomes = {
        record.opset: [(cell.symbol, cell.outcome) if cell else None for cell in cells]
        for record, cells in verdicts.rows
    }
    assert outcomes[4] == [("✓", "agrees"), None, ("✓", "agrees")]
    assert outcomes[5] == [("✓", "agrees"), None, ("✗", "disagrees")]
    assert outcomes[3] == [("✓", "agrees"), ("–", "missing"), ("–", "unsupported")]


@pytest.mark.parametrize("outcome", ["invalid", "crashed", "timed out"])
def test_what_speaks_against_a_file_looks_so(outcome: str) -> None:
    runtimes = {"opencv": runtime(outcome=outcome, comparisons={}, judge=False)}
    [(_, [cell])] = matrix([unit("timm/a@4", runtimes=runtimes)]).rows
    assert cell
    assert (cell.symbol, cell.outcome, cell.worst) == ("✗", outcome, None)


def test_a_decade_is_as_high_as_another() -> None:
    drawing = drawn({"openvino": 1e-6}, {"openvino": 1e-5}, {"openvino": 1e-4})
    heights = [mark.y for mark in drawing.series[0].marks]
    assert heights[0] - heights[1] == pytest.approx(heights[1] - heights[2], abs=0.2)
    assert {label: y for y, label in drawing.decades}["1e-5"] == heights[1]
    assert heights[0] > heights[2], "a larger error is further up"


def test_the_tolerance_is_a_line_at_its_height() -> None:
    drawing = drawn({"openvino": 3e-6}, {"openvino": 3e-6})
    height = {label: y for y, label in drawing.decades}["1e-4"]
    assert drawing.tolerance_label == (height, "tolerance 1e-4")
    assert set(re.findall(r"V([\d.]+)", drawing.tolerance)) == {str(height)}
    assert drawing.tolerance.startswith(f"M{drawing.left} {height}V")
    assert drawing.tolerance.endswith(f"H{drawing.right}.0")


def test_no_error_at_all_has_a_line_of_its_own_at_the_bottom() -> None:
    drawing = drawn({"openvino": 0.0}, {"openvino": 2e-6})
    assert drawing.decades[0] == (drawing.bottom, "0")
    assert drawing.series[0].marks[0].y == drawing.bottom > drawing.series[0].marks[1].y


def test_a_gap_stays_a_gap() -> None:
    drawing = drawn({"openvino": 1e-6}, {"onnxruntime": 1e-6}, {"openvino": 1e-6}, {"openvino": 2e-6})
    line = next(series.line for series in drawing.series if series.name == "OpenVINO")
    assert re.sub(r"[\d. ]", "", line) == "MML"


def test_runtimes_have_shapes_of_their_own_and_do_not_hide_each_other() -> None:
    drawing = drawn({"a": 1e-6, "b": 1e-6, "c": 1e-6})
    assert len({series.shape for series in drawing.series}) == 3
    assert len({series.marks[0].x for series in drawing.series}) == 3


def test_without_an_error_there_is_no_plot() -> None:
    runtimes = {"openvino": runtime(comparisons={"noise-1": comparison(None)})}
    assert plot(matrix([unit("timm/a@7", runtimes=runtimes)])) is None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (formatting.size(999), "999 B"),
        (formatting.size(20_000), "20.0 kB"),
        (formatting.size(33_249_217), "33.2 MB"),
        (formatting.size(553_438_000), "553 MB"),
        (formatting.size_range([33_200_000, 33_240_000]), "33.2 MB"),
        (formatting.size_range([33_200_000, 5_100_000]), "5.10–33.2 MB"),
        (formatting.size_range([900_000, 5_100_000]), "900 kB–5.10 MB"),
        (formatting.amount(8_309_384), "8.31 M"),
        (formatting.amount(12), "12"),
        (formatting.error(1.4367e-6), "1.4e-6"),
        (formatting.error(0.83), "8.3e-1"),
        (formatting.error(0.0), "0"),
        (formatting.error(None), "–"),
        (formatting.bound(1e-4), "1e-4"),
        (formatting.bound(0.05), "5e-2"),
        (formatting.percent(0.7131), "71.3%"),
        (formatting.percent(0.00098), "0.098%"),
        (formatting.percent(0.0), "0.0%"),
        (formatting.agreement(1.0), "all"),
        (formatting.agreement(0.0), "none"),
        (formatting.agreement(1 / 3), "33.3%"),
        (formatting.agreement(None), "–"),
        (formatting.spelled([3, 4, 5, 7, 8, 12]), "3 to 5, 7, 8, 12"),
    ],
)
def test_numbers_read_well(written: str, expected: str) -> None:
    assert written == expected


def test_names_are_sorted_as_people_do() -> None:
    names = ["vgg16_bn", "VGG9", "vgg16", "repvgg-A0_4xb64", "RepVGG_A0"]
    assert sorted(names, key=formatting.natural) == [
        "RepVGG_A0",
        "repvgg-A0_4xb64",
        "VGG9",
        "vgg16",
        "vgg16_bn",
    ]

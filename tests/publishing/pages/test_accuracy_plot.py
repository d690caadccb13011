"""The places of models by accuracy, size and latency, and the rows of measured times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from publishing.pages.accuracy_plot import accuracy_plots
from publishing.pages.cards import cards
from publishing.pages.catalogue_model import models_of
from publishing.pages.latency import milliseconds, times_of
from publishing.record import Record
from tests.publishing.pages.card_records import REDUCTION, figure
from tests.publishing.pages.catalogue_zoo import timed, unit, zoo


def _known(name: str, megabytes: float, top1: float) -> Record:
    reported = [{"document": "a table", "files": [], "top1": top1, "top5": 90.0}]
    return unit(name, megabytes, reported=reported, origin="a file")


def test_smaller_is_to_the_left_and_more_accurate_above() -> None:
    models = models_of([_known("timm/a@12", 10, 70.0), _known("timm/b@12", 100, 80.0)])
    [plot] = accuracy_plots(models)
    a, b = plot.points
    assert plot.left < a.x < b.x < plot.right
    assert plot.top <= b.y < a.y <= plot.bottom
    assert a.text == "a of timm: 70% reported, 10.0 MB"
    assert a.path == "timm/repvgg/a.html"
    labels = [label for _, label in plot.ticks]
    assert labels == ["10.0 MB", "20.0 MB", "50.0 MB", "100 MB"]
    assert [x for x, _ in plot.ticks] == sorted(x for x, _ in plot.ticks)
    assert {label: x for x, label in plot.ticks}["10.0 MB"] == a.x


def test_models_without_accuracy_or_with_random_weights_are_not_drawn() -> None:
    assert accuracy_plots(models_of([unit("timm/a@12")])) == []
    reported = [{"document": "a table", "files": [], "top1": 70.0, "top5": 90.0}]
    random = unit("timm/b@12", reported=reported, origin="random weights, seed 0")
    assert accuracy_plots(models_of([random])) == []


def test_times_of_another_machine_are_left_out_and_that_is_said() -> None:
    names = ("timm/a@12", "timm/b@12", "timm/c@12")
    records = [_known(name, 10, 70.0) for name in names]
    there = [timed(names[0]), timed(names[1], scale=2.0), timed(names[2], processor="Another")]
    _, plot = accuracy_plots(models_of(records, there))
    assert [point.text for point in plot.points] == [
        "a of timm: 70% reported, 4.00 ms",
        "b of timm: 70% reported, 8.00 ms",
    ]
    assert "on Some Processor with 2 threads" in plot.note
    assert "1 measured on other machines or threads" in plot.note


def _lower(name: str, megabytes: float, *figures: dict[str, Any]) -> Record:
    reported = [{"document": "a table", "files": [], "top1": 70.0, "top5": 90.0}]
    return unit(
        name, megabytes, reported=reported, origin="a file", accuracy=list(figures), reduction=REDUCTION
    )


def test_a_lower_precision_has_a_mark_where_its_accuracy_was_measured() -> None:
    whole = replace(_known("timm/a@12", 10, 70.0), accuracy=[figure(71, 100)])
    small = _lower("timm/a@12-int8", 3, figure(69, 100))
    names = ("timm/a@12", "timm/a@12-int8")
    benchmarks = [timed(names[0]), timed(names[1], scale=0.5)]
    by_size, by_latency = accuracy_plots(models_of([small, whole], benchmarks))
    main, lower = by_size.points
    assert main.text == "a of timm: 71% measured on val (100 pictures), 10.0 MB"
    assert lower.text == "a of timm in int8: 69% measured on val (100 pictures), 3.00 MB"
    assert [point.text.rpartition(", ")[2] for point in by_latency.points] == ["4.00 ms", "2.00 ms"]
    assert (main.precision, main.line, main.place) == ("", "", "")
    assert (lower.precision, lower.place) == ("int8", "#accuracy")
    assert (lower.shape, lower.number, lower.path) == (main.shape, main.number, main.path)
    assert lower.line == f"M{main.x - lower.x:.1f} {main.y - lower.y:.1f}L0 0"
    assert by_size.precisions == by_latency.precisions == ("int8",)
    assert not by_size.other_pictures


def test_what_a_document_reports_is_of_no_lower_precision() -> None:
    [plot] = accuracy_plots(models_of([_known("timm/a@12", 10, 70.0), _lower("timm/a@12-int8", 3)]))
    [point] = plot.points
    assert (point.text, plot.precisions) == ("a of timm: 70% reported, 10.0 MB", ())
    [alone] = models_of([_lower("timm/a@12-int8", 3)])
    assert alone.top1 is None
    assert accuracy_plots([alone]) == []


def test_a_model_in_a_lower_precision_alone_has_a_mark_that_says_so() -> None:
    models = models_of([_lower("timm/a@12-fp16", 5, figure(69, 100))])
    [[point]] = [plot.points for plot in accuracy_plots(models)]
    assert point.text == "a of timm in fp16: 69% measured on val (100 pictures), 5.00 MB"
    assert (point.precision, point.line) == ("fp16", "")


def test_each_precision_has_a_mark_of_its_newest_measured_file() -> None:
    records = [
        _known("timm/a@12", 10, 70.0),
        _lower("timm/a@10-int8", 3, figure(60, 100)),
        _lower("timm/a@11-int8", 4, figure(61, 100)),
        _lower("timm/a@12-int8", 5),
        _lower("timm/a@12-int8-qdq", 3, figure(62, 100)),
        _lower("timm/a@12-fp16", 6, figure(63, 100)),
        replace(unit("timm/a@12-sim", 10), accuracy=[figure(64, 100)]),
    ]
    [plot] = accuracy_plots(models_of(records))
    assert [point.text.partition(" measured")[0] for point in plot.points] == [
        "a of timm: 70% reported, 10.0 MB",
        "a of timm in fp16: 63%",
        "a of timm in int8: 61%",
        "a of timm in int8-qdq: 62%",
    ]


def test_accuracies_of_the_same_pictures_are_beside_each_other_and_others_are_told() -> None:
    whole = replace(_known("timm/a@12", 10, 70.0), accuracy=[figure(71, 100), figure(10, 20, "few")])
    both = _lower("timm/a@12-int8", 3, figure(600, 1000, "more"), figure(69, 100))
    [same] = accuracy_plots(models_of([whole, both]))
    assert "69% measured on val (100 pictures)" in same.points[1].text
    assert not same.other_pictures
    [other] = accuracy_plots(models_of([whole, replace(both, accuracy=[figure(600, 1000, "more")])]))
    assert "60% measured on more (1000 pictures)" in other.points[1].text
    assert other.other_pictures
    reported = accuracy_plots(models_of([replace(whole, accuracy=[]), both]))[0]
    assert not reported.points[1].same_pictures


def test_colour_is_not_all_that_tells_sources_apart() -> None:
    models = models_of([_known(f"{source}/a@12", 10, 70.0) for source in ("timm", "paddle", "mxnet")])
    [plot] = accuracy_plots(models)
    assert len({point.shape for point in plot.points}) == 3
    assert len(plot.sources) == 3


def test_rows_have_units_ratios_and_bars_in_proportion() -> None:
    shown = times_of(timed("timm/a@12"))
    [(one, rows), *others] = shown.batches
    assert one == 1
    assert [number for number, _ in others] == [4, 8]
    assert [(row.title, row.median, row.ratio, row.share) for row in rows] == [
        ("PyTorch Image Models", "8.00 ms", "", 1.0),
        ("ONNX Runtime", "4.00 ms", "0.50×", 0.5),
        ("OpenVINO", "4.80 ms", "0.60×", pytest.approx(0.6)),
    ]
    assert rows[1].rate == "250 pictures/s"
    assert rows[1].memory == "123 MB"
    assert shown.reasons == ("OpenCV: it does not load the model",)
    for words in ("Some Processor (avx2, avx512_vnni)", "2 threads", "its 4 processors", "10 rounds"):
        assert words in shown.machine


def test_the_fastest_runtime_stands_for_a_model() -> None:
    [model] = [model for model in models_of(zoo(), [timed("paddle/RepVGG_A0@12")]) if model.latency]
    assert model.latency == ("ONNX Runtime", 0.004)


def test_a_file_that_no_runtime_timed_has_no_latency() -> None:
    empty = replace(timed("paddle/RepVGG_A0@12"), runtimes={})
    assert not any(model.latency for model in models_of(zoo(), [empty]))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.5, "1500 ms"), (0.0123, "12.3 ms"), (0.00487, "4.87 ms"), (0.0000081, "0.0081 ms")],
)
def test_a_time_has_a_unit_and_three_digits(seconds: float, text: str) -> None:
    assert milliseconds(seconds) == text


def test_a_card_has_the_times_with_units_bars_and_the_machine() -> None:
    text = cards(zoo(), [timed("timm/tf_efficientnet_lite0@12")])["timm/efficientnet/README.md"]
    assert "| tf_efficientnet_lite0 | 12 | ONNX Runtime | 1 | 4.00 ms | ██████████ | 4.40 ms" in text
    assert "0.50× |" in text
    assert "Some Processor (avx2, avx512_vnni)" in text
    assert "ONNX Runtime 1.32.0, OpenVINO 2026.4.1" in text


def test_a_card_without_times_does_not_speak_of_them() -> None:
    written = cards(zoo(), [timed("timm/tf_efficientnet_lite0@12")])
    without = cards(zoo())
    assert "## Latency" not in "".join(without.values())
    assert {path for path in written if written[path] != without[path]} == {"timm/efficientnet/README.md"}

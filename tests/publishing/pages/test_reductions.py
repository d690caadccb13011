"""What cards and pages say of files in lower precisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from publishing.pages.reductions import told_of
from publishing.record import Record
from tests.publishing.pages.card_records import REDUCTION
from tests.publishing.pages.card_records import record as example


def _record(version: str, **changes: Any) -> Record:
    record = example()
    name = record.name.partition("@")[0]
    return replace(record, name=f"{name}@{version}", opset=12, **changes)


def test_a_file_in_float32_has_nothing_to_tell() -> None:
    assert told_of([_record("12")]) == []


def test_calibration_tries_kept_nodes_gate_and_runtimes_are_told() -> None:
    [(stem, told)] = told_of([_record("12-int8", reduction=REDUCTION)])
    assert stem.endswith("-12-int8")
    how, measured = told.split(". On ")
    assert how == (
        "QLinearConv and QLinearMatMul, with a scale for each channel; calibrated (percentile) on 1000 "
        "pictures, weights in uint8, batch normalisation folded; 2 nodes left in float32; try 3"
    )
    assert measured == (
        "100 other pictures, beside the file in float32: the same class on 98.5%, mean cosine 0.9971 in "
        "exact arithmetic and top-1 71.0% after 72.0%, the same class on 98.5%, mean cosine 0.9971 in "
        "onnxruntime 1.32 (A processor, which does not saturate when it adds products of bytes up). The "
        "test data's outputs are those of exact arithmetic"
    )


def test_nothing_is_said_of_batch_normalisation_where_there_is_none() -> None:
    chosen = {key: value for key, value in REDUCTION["chosen"].items() if key != "batch normalisation"}
    [(_, told)] = told_of([_record("12-int8", reduction=REDUCTION | {"chosen": chosen})])
    assert "calibrated (percentile) on 1000 pictures, weights in uint8; 2 nodes left" in told
    assert "normalisation" not in told


def test_a_file_in_float16_says_what_it_takes() -> None:
    reduction = REDUCTION | {
        "form": "fp16",
        "chosen": {"kept in float32": [], "gate": REDUCTION["chosen"]["gate"]},
    }
    record = _record("12-fp16", reduction=reduction)
    [(_, told)] = told_of([record])
    assert "computation in float16; input and output in float32; no node left in float32" in told
    record.io_ports["inputs"][0]["type"] = "tensor(float16)"
    [(_, told)] = told_of([record])
    assert "computation in float16; input and output in float16; no node left in float32" in told


def test_a_fixed_batch_says_how_many_pictures_it_takes() -> None:
    record = _record("12-batch2")
    record.io_ports["inputs"][0]["shape"][0] = 2
    [(stem, told)] = told_of([record])
    assert stem.endswith("-12-batch2")
    assert told.startswith(
        "takes 2 pictures at a time and no other number; what follows from that is computed"
    )


def test_the_simplified_form_says_that_its_weights_differ() -> None:
    [(_, told)] = told_of([_record("12-sim")])
    assert "its weights are not those of the source by construction" in told

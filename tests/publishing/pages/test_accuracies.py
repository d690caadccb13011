"""Measured accuracies in words, beside what documents report of the same weights."""

from __future__ import annotations

from typing import Any

import pytest

from publishing.pages.accuracies import LIKELY_CAUSES, first_measured, remarks_on
from publishing.pages.cards import cards
from publishing.record import Record
from tests.publishing.pages.card_records import figure, record

REPORTED = {"document": "A paper", "top1": 72.38, "top5": None, "files": []}


def trained(*figures: dict[str, Any]) -> Record:
    return record(origin="trained.pth", reported=[REPORTED], accuracy=list(figures))


def test_more_than_half_a_point_is_pointed_out_with_the_likely_causes() -> None:
    measured = figure(35500, 50000)
    [remark] = remarks_on(trained(measured), measured)
    assert "top-1 differs by -1.38 points from the 72.38% that A paper reports" in remark
    assert LIKELY_CAUSES in remark


@pytest.mark.parametrize("right", [35950, 36430])
def test_half_a_point_is_not(right: int) -> None:
    measured = figure(right, 50000)
    assert remarks_on(trained(measured), measured) == []


def test_of_few_pictures_it_is_said_that_they_are_few() -> None:
    measured = figure(15, 24)
    [remark] = remarks_on(trained(measured), measured)
    assert "the interval of 24 pictures has the reported figure in it" in remark
    assert LIKELY_CAUSES not in remark


def test_random_weights_are_not_held_against_a_document() -> None:
    measured = figure(1, 1000)
    assert remarks_on(record(reported=[REPORTED], accuracy=[measured]), measured) == []


def test_a_lower_precision_is_not_held_against_what_is_reported_of_float32() -> None:
    reported, measured = [REPORTED], figure(1, 50000)
    lower = record("timm/repvgg_a0@12-int8", origin="trained.pth", reported=reported, accuracy=[measured])
    assert remarks_on(lower, measured) == []
    rows = cards([trained(), lower])["timm/repvgg/README.md"].splitlines()
    [whole] = [row for row in rows if "repvgg_a0-12.onnx" in row and "MB" in row]
    [reduced] = [row for row in rows if "repvgg_a0-12-int8.onnx" in row and "MB" in row]
    assert "72.38% [reported" in whole
    assert "| 0.00% [measured](#validation-accuracy) |" in reduced


def test_ties_are_told_and_the_figure_on_the_most_pictures_stands_for_a_file() -> None:
    few, many = figure(20, 24, "few"), figure(36190, 50000, "many", tied=2)
    assert first_measured(trained(few, many)) == many
    [remark] = remarks_on(trained(many), many)
    assert "on 2 pictures the right class shares its logit with another" in remark


def test_a_card_has_measured_and_reported_figures() -> None:
    card = next(text for path, text in cards([trained(figure(36190, 50000))]).items() if "repvgg" in path)
    assert "72.38% [measured](#validation-accuracy), 72.38% [reported (1)](#references)" in card
    assert "72.38% (71.99 to 72.77), 36190 of 50000" in card
    assert "None was measured here" not in card

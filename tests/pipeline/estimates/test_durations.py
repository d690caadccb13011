"""About how long a model takes: as long as before, or as follows from its size."""

from __future__ import annotations

import pytest

from converters.registry import SOURCES
from pipeline.estimates.durations import Durations, export_seconds, unit_seconds


def test_a_model_takes_as_long_as_before_and_others_by_their_size() -> None:
    entry = {"when": "2026", "bytes": 10**9, "seconds": {"export": 100.0, "unit": 7.0}}
    durations = Durations({"timm/a": entry})
    assert durations.of_model("timm/a", SOURCES["timm"], 10**9, 3) == (121.0, "history")
    assert Durations({}).of_model("timm/b", SOURCES["timm"], 10**9, 3) == (
        export_seconds(SOURCES["timm"], 10**9) + 3 * unit_seconds(10**9),
        "formula",
    )


def test_other_models_scale_the_formula() -> None:
    slow = {
        "when": "2026",
        "bytes": 10**9,
        "seconds": {"export": 2 * export_seconds(SOURCES["mxnet"], 10**9), "unit": 3 * unit_seconds(10**9)},
    }
    seconds, by = Durations({"mxnet/a": slow}).of_model("timm/b", SOURCES["timm"], 10**8, 2)
    assert by == "formula"
    assert seconds == pytest.approx(2 * export_seconds(SOURCES["timm"], 10**8) + 2 * 3 * unit_seconds(10**8))


@pytest.mark.parametrize("entry", [{}, {"bytes": 5}, {"bytes": 5, "seconds": {"export": "x", "unit": 1}}])
def test_an_entry_with_holes_is_not_used(entry: dict[str, object]) -> None:
    assert Durations({"timm/a": entry}).of_model("timm/a", SOURCES["timm"], 5, 1)[1] == "formula"


def test_a_source_that_starts_slowly_takes_longer() -> None:
    assert export_seconds(SOURCES["timm"], 10**9) - export_seconds(SOURCES["mxnet"], 10**9) == pytest.approx(
        SOURCES["timm"].start_seconds - SOURCES["mxnet"].start_seconds
    )


def test_a_source_that_is_no_more_says_nothing_of_exports() -> None:
    gone = {"when": "2026", "bytes": 10**9, "seconds": {"export": 9e9, "unit": unit_seconds(10**9)}}
    seconds, _ = Durations({"gone/a": gone}).of_model("timm/b", SOURCES["timm"], 10**8, 1)
    assert seconds == pytest.approx(export_seconds(SOURCES["timm"], 10**8) + unit_seconds(10**8))

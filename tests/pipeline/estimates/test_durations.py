"""About how long a model takes: as long as before, or as follows from its size."""

from __future__ import annotations

import pytest

from converters.registry import SOURCES
from latency.schedule import BATCHES, ROUNDS, WARM_UP, computing_seconds
from pipeline.estimates.durations import Durations, benchmark_seconds, export_seconds, unit_seconds


def test_a_model_takes_as_long_as_before_and_others_by_their_size() -> None:
    entry = {"when": "2026", "bytes": 10**9, "seconds": {"export": 100.0, "unit": 7.0}}
    durations = Durations({"timm/a": entry}, 3)
    assert durations.of_model("timm/a", SOURCES["timm"], 10**9, 3) == (121.0, "history")
    assert Durations({}, 3).of_model("timm/b", SOURCES["timm"], 10**9, 3) == (
        export_seconds(SOURCES["timm"], 10**9) + 3 * unit_seconds(10**9),
        "formula",
    )


def test_other_models_scale_the_formula() -> None:
    slow = {
        "when": "2026",
        "bytes": 10**9,
        "seconds": {"export": 2 * export_seconds(SOURCES["mxnet"], 10**9), "unit": 3 * unit_seconds(10**9)},
    }
    seconds, by = Durations({"mxnet/a": slow}, 3).of_model("timm/b", SOURCES["timm"], 10**8, 2)
    assert by == "formula"
    assert seconds == pytest.approx(2 * export_seconds(SOURCES["timm"], 10**8) + 2 * 3 * unit_seconds(10**8))


@pytest.mark.parametrize("entry", [{}, {"bytes": 5}, {"bytes": 5, "seconds": {"export": "x", "unit": 1}}])
def test_an_entry_with_holes_is_not_used(entry: dict[str, object]) -> None:
    assert Durations({"timm/a": entry}, 3).of_model("timm/a", SOURCES["timm"], 5, 1)[1] == "formula"


def test_a_source_that_starts_slowly_takes_longer() -> None:
    assert export_seconds(SOURCES["timm"], 10**9) - export_seconds(SOURCES["mxnet"], 10**9) == pytest.approx(
        SOURCES["timm"].start_seconds - SOURCES["mxnet"].start_seconds
    )


def test_a_source_that_is_no_more_says_nothing_of_exports() -> None:
    gone = {"when": "2026", "bytes": 10**9, "seconds": {"export": 9e9, "unit": unit_seconds(10**9)}}
    seconds, _ = Durations({"gone/a": gone}, 3).of_model("timm/b", SOURCES["timm"], 10**8, 1)
    assert seconds == pytest.approx(export_seconds(SOURCES["timm"], 10**8) + unit_seconds(10**8))


def test_timing_takes_as_long_as_before_and_others_scale_the_formula() -> None:
    slow = 3 * benchmark_seconds(SOURCES["timm"], 10**8, 3)
    entry = {"when": "2026", "bytes": 10**8, "seconds": {"benchmark": slow}}
    durations = Durations({"timm/a": entry, "gone/b": entry, "timm/c": {"when": "2026", "seconds": {}}}, 3)
    assert durations.of_benchmarks("timm/a", SOURCES["timm"], 10**9, 2) == (2 * slow, "history")
    seconds, by = durations.of_benchmarks("mxnet/d", SOURCES["mxnet"], 10**7, 2)
    assert by == "formula"
    assert seconds == pytest.approx(2 * 3 * benchmark_seconds(SOURCES["mxnet"], 10**7, 3))
    assert durations.of_model("timm/a", SOURCES["timm"], 10**8, 1)[1] == "formula"  # it was only timed


def test_a_model_that_was_timed_before_its_size_was_noted_is_known_by_name_alone() -> None:
    durations = Durations({"timm/a": {"when": "2026", "seconds": {"benchmark": 40.0}}}, 3)
    assert durations.of_benchmarks("timm/a", SOURCES["timm"], 10**9, 2) == (80.0, "history")
    assert durations.of_benchmarks("timm/b", SOURCES["timm"], 10**9, 1) == (
        benchmark_seconds(SOURCES["timm"], 10**9, 3),
        "formula",
    )


def test_the_formula_of_timing_is_what_a_benchmark_does() -> None:
    # Slower than a turn: one run in each round, and the warm-up.
    assert computing_seconds(1.0) == (WARM_UP + ROUNDS) * sum(BATCHES)
    # As fast as can be: the most runs in each turn.
    assert computing_seconds(1e-4) == pytest.approx((WARM_UP + ROUNDS * 20) * sum(BATCHES) * 1e-4)
    # Between the two, turns of a quarter of a second.
    assert computing_seconds(0.025) == pytest.approx(
        sum((WARM_UP + ROUNDS * runs) * batch * 0.025 for batch, runs in ((1, 10), (4, 2), (8, 1)))
    )
    two, three = (benchmark_seconds(SOURCES["timm"], 10**8, runtimes) for runtimes in (2, 3))
    assert three - two > computing_seconds(0.04)

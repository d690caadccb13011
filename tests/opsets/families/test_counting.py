"""Outputs whose lengths are computed at run time, where no operator but Tile makes any: equal to the bit."""

from __future__ import annotations

import numpy as np
import pytest

from opsets import retarget_with_report
from tests.opsets.comparing import parse
from tests.opsets.lowest import OPSETS, assert_same_below

COUNTS = [{"n": np.array(count)} for count in (5, 1, 0, -2)]


def test_as_many_are_counted_as_a_number_says() -> None:
    text = "g (int64 n) => (int64[M] y) <int64 first = {3}, int64 one = {1}> { y = Range(first, n, one) }"
    assert_same_below(parse(11, text), [*COUNTS, {"n": np.array(70)}])


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ("float", [[0, 1.5, -0.0], [-2, 1e-40, 0]]),
        ("float", [[0, 0, 0], [0, 0, 0]]),
        ("int64", [[0, 1, 0], [-1, 0, 7]]),
        ("bool", [[0, 1, 1], [0, 0, 1]]),
    ],
)
def test_what_is_not_zero_is_found_along_each_axis(kind: str, rows: list[list[float]]) -> None:
    numbers = np.array(rows, "float32" if kind == "float" else kind)
    open_ = parse(9, f"g ({kind}[N,H] x) => (int64[2,M] y) {{ y = NonZero(x) }}")
    assert_same_below(open_, [{"x": numbers}, {"x": numbers[:0]}, {"x": numbers[:1]}])
    fixed = parse(9, f"g ({kind}[1,2,3] x) => (int64[3,M] y) {{ y = NonZero(x) }}")
    assert_same_below(fixed, [{"x": numbers[None]}])
    row = parse(9, f"g ({kind}[N] x) => (int64[1,M] y) {{ y = NonZero(x) }}")
    assert_same_below(row, [{"x": numbers[0]}, {"x": numbers[0, :0]}])


def test_no_number_is_not_zero() -> None:
    """Below 6 no operator can tell it, as conditions are numbers there, which a bound says."""
    model = parse(9, "g (float[N] x) => (int64[1,M] y) { y = NonZero(x) }")
    strange = {"x": np.array([0, np.nan, 1, np.inf, -np.inf], np.float32)}
    assert_same_below(model, [strange], [opset for opset in OPSETS if opset > 5])
    assert any("NaN" in bound for bound in retarget_with_report(model, 5).bounds)


@pytest.mark.parametrize("kind", ["float", "int64"])
@pytest.mark.parametrize("axis", ["", "<axis=0>", "<axis=1>"])
def test_a_condition_computed_at_run_time_keeps_the_same(axis: str, kind: str) -> None:
    result = "[A]" if not axis else "[A,B]"
    model = parse(9, f"g ({kind}[N,3] x, bool[M] c) => ({kind}{result} y) {{ y = Compress{axis}(x, c) }}")
    data = np.arange(6).reshape(2, 3).astype("float32" if kind == "float" else kind)
    some = [[True, False], [False, True], [True, True], [False, False]]
    cases = [{"x": data, "c": np.array(condition)} for condition in some]
    assert_same_below(model, cases, OPSETS[1:])  # OpenVINO has no Compress without an axis


@pytest.mark.parametrize("kind", ["float", "int64"])
def test_updates_go_where_indices_of_run_time_say(kind: str) -> None:
    """Of an axis and updates of any length; the last of none stays."""
    model = parse(
        11, f"g ({kind}[N] x, int64[K] i, {kind}[K] u) => ({kind}[N] y) {{ y = ScatterElements(x, i, u) }}"
    )
    of = np.float32 if kind == "float" else np.int64
    data = np.array([5, 6, 7, 8], of)
    assert_same_below(
        model,
        [
            {"x": data, "i": np.array(places, np.int64), "u": np.arange(1, len(places) + 1).astype(of)}
            for places in ([2, -4], [3, 2, 1, 0], [])
        ],
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_updates_along_any_axis_of_fixed_lengths(axis: int) -> None:
    """An infinity stays one."""
    generator = np.random.default_rng(axis)
    shape = [2, 3, 4]
    data = generator.normal(size=shape).astype(np.float32)
    data[0, 0, 0] = np.inf
    shape[axis] -= 1
    order = np.argsort(generator.normal(size=data.shape), axis=axis)
    indices = order[tuple(slice(length) for length in shape)]
    lengths = ",".join(map(str, shape))
    model = parse(
        9,
        f"""g (float[2,3,4] x, int64[{lengths}] i, float[{lengths}] u) => (float[2,3,4] y)
        {{ y = Scatter<axis={axis}>(x, i, u) }}""",
    )
    updates = generator.normal(size=shape).astype(np.float32)
    assert_same_below(model, [{"x": data, "i": indices, "u": updates}])


@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_as_many_are_the_largest_as_a_number_says(axis: int, largest: int) -> None:
    """Of equal ones the first."""
    data = np.random.default_rng(1).normal(size=(2, 3, 4)).astype(np.float32)
    data[0, 1, 2] = data[0, 0, 2] = data[0, 1, 0]
    model = parse(
        11,
        f"""g (float[A,B,C] x, int64[1] k) => (float[D,E,F] y, int64[D,E,F] i)
        {{ y, i = TopK<axis={axis}, largest={largest}>(x, k) }}""",
    )
    assert_same_below(model, [{"x": data, "k": np.array([count])} for count in (2, 1, 0)])


def test_integers_are_compared_where_operators_do() -> None:
    model = parse(11, "g (int64[A] x, int64[1] k) => (int64[D] y, int64[D] i) { y, i = TopK(x, k) }")
    data = np.array([3, 1, 1, 2])
    assert_same_below(model, [{"x": data, "k": np.array([count])} for count in (4, 2, 0)], (9, 8, 7))


def test_a_row_is_copied_as_often_as_a_number_says() -> None:
    model = parse(9, "g (float[N] x, int64[1] n) => (float[M] y) { y = Tile(x, n) }")
    data = np.array([1, 2, 3], np.float32)
    assert_same_below(model, [{"x": data, "n": np.array([count])} for count in (3, 1, 0)])


def test_what_is_not_exact_is_said() -> None:
    texts = [
        "g (float[N] x) => (int64[1,M] y) { y = NonZero(x) }",
        "g (float[N] x, int64[1] k) => (float[M] y, int64[M] i) { y, i = TopK(x, k) }",
        "g (float[N] x, int64[K] i, float[K] u) => (float[N] y) { y = ScatterElements(x, i, u) }",
        "g (float[N] x, int64[1] n) => (float[M] y) { y = Tile(x, n) }",
    ]
    for text in texts:
        assert any("2**24" in bound for bound in retarget_with_report(parse(11, text), 3).bounds), text

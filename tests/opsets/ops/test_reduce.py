"""The reductions: axes from an input to an attribute, counted from the front, and bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import Array, assert_same_numbers, assert_step, noise, parse, run, step
from tests.opsets.shapes import Shape, in_brackets, shapes

NEWER = {
    "ReduceSum": 13,
    **{
        f"Reduce{name}": 18
        for name in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare")
    },
}
IDENTITY_WITHOUT_AXES = ("ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum")


@pytest.mark.parametrize("operator", NEWER)
def test_axes_become_an_attribute(operator: str) -> None:
    assert_step(
        NEWER[operator],
        f"""g (float[N,3,4] x) => (float[N] y) <int64[2] a = {{1,-1}}> {{
            p = Abs(x)
            y = {operator}<keepdims=0>(p, a)
        }}""",
        f"""g (float[N,3,4] x) => (float[N] y) {{
            p = Abs(x)
            y = {operator}<axes=[1,-1], keepdims=0>(p)
        }}""",
    )


@pytest.mark.parametrize("operator", NEWER)
@pytest.mark.parametrize("axes", ["", ", a"])
def test_no_axes_are_all_axes(operator: str, axes: str) -> None:
    assert_step(
        NEWER[operator],
        f"""g (float[N,3,4] x) => (float[1,1,1] y) <int64[0] a = {{}}> {{
            p = Abs(x)
            y = {operator}<noop_with_empty_axes=0>(p{axes})
        }}""",
        f"g (float[N,3,4] x) => (float[1,1,1] y) {{ p = Abs(x) y = {operator}(p) }}",
    )


@pytest.mark.parametrize("operator", IDENTITY_WITHOUT_AXES)
@pytest.mark.parametrize("axes", ["", ", a"])
def test_nothing_to_do_without_axes(operator: str, axes: str) -> None:
    assert_step(
        NEWER[operator],
        f"""g (float[N,3,4] x) => (float[N,3,4] y) <int64[0] a = {{}}> {{
            y = {operator}<noop_with_empty_axes=1>(x{axes})
        }}""",
        "g (float[N,3,4] x) => (float[N,3,4] y) { y = Identity(x) }",
    )


@pytest.mark.parametrize("operator", sorted(set(NEWER) - set(IDENTITY_WITHOUT_AXES)))
def test_what_runtimes_understand_differently_is_refused(operator: str) -> None:
    model = parse(18, f"g (float[N,3] x) => (float[A,B] y) {{ y = {operator}<noop_with_empty_axes=1>(x) }}")
    with pytest.raises(RetargetError, match=f"{operator} .*18 to 17: noop_with_empty_axes"):
        step(model)


@pytest.mark.parametrize("operator", NEWER)
def test_axes_computed_at_run_time_are_refused(operator: str) -> None:
    model = parse(
        NEWER[operator], f"g (float[2,3] x, int64[1] a) => (float[A,B] y) {{ y = {operator}(x, a) }}"
    )
    with pytest.raises(RetargetError, match=rf"{operator} .*its axes \(a\) are computed at run time"):
        step(model)


@pytest.mark.parametrize("operator", NEWER)
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), data=st.data())
@settings(max_examples=8, deadline=None, derandomize=True)
def test_any_shape_and_axes_give_the_same(operator: str, shape: list[int], data: st.DataObject) -> None:
    """All axes where none are named; they are kept unless ``keepdims`` is 0."""
    rank = len(shape)
    places = data.draw(st.none() | st.lists(st.integers(0, rank - 1), min_size=1, unique=True), label="axes")
    axes = [place - rank * data.draw(st.booleans()) for place in places or ()]
    keep = data.draw(st.sampled_from([None, 0, 1]), label="keepdims")
    left = ",".join(f"d{axis}" for axis in range(rank - len(places or range(rank)) * (keep == 0)))
    kind = f"float[{left}]" if left else "float"
    fixed = f"<int64[{len(axes)}] a = {{{','.join(map(str, axes))}}}>" if axes else ""
    attribute = "" if keep is None else f"<keepdims={keep}>"
    model = parse(
        NEWER[operator],
        f"""g (float{shape} x) => ({kind} y) {fixed} {{
            y = {operator}{attribute}(x{", a" if axes else ""})
        }}""",
    )
    assert_same_numbers(model, step(model), {"x": np.abs(noise(tuple(shape))) + np.float32(0.1)})


@pytest.mark.parametrize("operator", NEWER)
def test_negative_axes_are_counted_from_the_front(operator: str) -> None:
    assert_step(
        11,
        f"""g (float[N,3,4] x) => (float[N] y)
        {{ p = Abs(x) y = {operator}<axes=[-1,1], keepdims=0>(p) }}""",
        f"""g (float[N,3,4] x) => (float[N] y)
        {{ p = Abs(x) y = {operator}<axes=[2,1], keepdims=0>(p) }}""",
    )


def test_an_axis_of_an_unknown_rank_cannot_be_counted() -> None:
    model = parse(
        11,
        """g (float[2,3] x, int64[R] s) => (float[A] y) {
            r = Reshape(x, s)
            y = ReduceMax<axes=[-1], keepdims=0>(r)
        }""",
    )
    with pytest.raises(RetargetError, match=r"ReduceMax .*11 to 10: the number of axes of r is not known"):
        step(model)


@pytest.mark.parametrize("operator", ["ReduceMax", "ReduceMin"])
@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_bytes_are_compared_as_int32(operator: str, kind: str) -> None:
    assert_step(
        12,
        f"g ({kind}[N,3] x) => ({kind}[N,1] y) {{ y = {operator}<axes=[1]>(x) }}",
        f"""g ({kind}[N,3] x) => ({kind}[N,1] y) {{
            y_Cast = Cast<to=6>(x)
            y_{operator} = {operator}<axes=[1]>(y_Cast)
            y = Cast<to={3 if kind == "int8" else 2}>(y_{operator})
        }}""",
    )


@pytest.mark.parametrize("operator", ["ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceSumSquare"])
@pytest.mark.parametrize("target", [10, 3])
def test_infinities_and_large_numbers(operator: str, target: int) -> None:
    """The old forms overflow where the new ones do, and nowhere else."""
    values: Array = np.array([[1e19, 2.0], [np.inf, 1.0], [88.0, 88.5], [-1e30, -1e-30]], dtype=np.float32)
    model = parse(11, f"g (float[4,2] x) => (float[4] y) {{ y = {operator}<axes=[-1], keepdims=0>(x) }}")
    (above,), (below,) = (run(one, {"x": values}) for one in (model, convert(model, 11, target).model))
    np.testing.assert_allclose(below, above, rtol=1e-6)


@pytest.mark.parametrize("operator", NEWER)
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), data=st.data(), keep=st.booleans())
@settings(max_examples=4, deadline=None, derandomize=True)
def test_any_shape_and_axes_give_the_same_at_3(
    operator: str, shape: list[int], data: st.DataObject, keep: bool
) -> None:
    rank = len(shape)
    axes = data.draw(st.lists(st.integers(-rank, -1), min_size=1, unique=True), label="axes")
    left = [1 if axis - rank in axes else length for axis, length in enumerate(shape)]
    if not keep:
        left = [length for axis, length in enumerate(shape) if axis - rank not in axes]
    model = parse(
        11,
        f"""g (float{shape} x) => (float{left or ""} y)
        {{ y = {operator}<axes={axes}, keepdims={int(keep)}>(x) }}""",
    )
    inputs = {"x": np.abs(noise(tuple(shape))) + np.float32(0.1)}
    assert_same_numbers(model, convert(model, 11, 3).model, inputs, tolerance=5e-6)


@pytest.mark.parametrize("operator", ["ReduceMax", "ReduceMin"])
@given(shape=shapes(least=1), kind=st.sampled_from(["int8", "uint8"]), keep=st.integers(0, 2), data=st.data())
@settings(max_examples=12, deadline=None, derandomize=True)
def test_any_shape_and_axes_of_bytes(
    operator: str, shape: Shape, kind: str, keep: int, data: st.DataObject
) -> None:
    """All axes where none are named; they are kept unless ``keepdims`` is 0."""
    rank = len(shape.lengths)
    axes = data.draw(st.none() | st.lists(st.integers(0, rank - 1), min_size=1, unique=True), label="axes")
    attributes = ([f"axes={axes}"] if axes else []) + ([f"keepdims={keep}"] if keep < 2 else [])
    left = rank if keep else rank - len(axes or range(rank))
    result = f"{kind}[{','.join('ABC'[:left])}]" if left else kind
    model = parse(
        12, f"g ({kind}{shape.text} x) => ({result} y) {{ y = {operator}{in_brackets(attributes)}(x) }}"
    )
    span = np.iinfo(kind)
    numbers = np.random.default_rng(rank).integers(span.min, span.max, shape.lengths, kind, True)
    assert_same_numbers(model, step(model), {"x": numbers})

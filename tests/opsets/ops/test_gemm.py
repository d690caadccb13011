"""Gemm without C, with integers, and with a C that is copied."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, constants_of, noise, parse, run, step

PRODUCT = "g (float[N,3] x, float[3,4] w"


def test_zeros_stand_for_an_absent_c() -> None:
    assert_step(
        11,
        f"{PRODUCT}) => (float[N,4] y) {{ y = Gemm<alpha=0.5>(x, w) }}",
        f"""{PRODUCT}) => (float[N,4] y) <float[4] y_zeros = {{0,0,0,0}}>
        {{ y = Gemm<alpha=0.5>(x, w, y_zeros) }}""",
    )


def test_integers_are_multiplied_as_doubles() -> None:
    model = parse(
        9,
        """g (int64[2,3] x, int64[4,3] w, int64[4] c) => (int64[2,4] y)
        { y = Gemm<alpha=2.0, transB=1>(x, w, c) }""",
    )
    lowered = convert(model, 9, 8)
    assert [node.op_type for node in lowered.model.graph.node] == ["Cast"] * 3 + ["Gemm", "Cast"]
    assert lowered.bounds == ("Gemm of integers below 9: exact while every sum stays below 2**53",)
    x, w, c = (noise(shape, np.int64, seed) for seed, shape in enumerate([(2, 3), (4, 3), (4,)]))
    (result,) = run(lowered.model, {"x": x, "w": w, "c": c})
    np.testing.assert_array_equal(result, 2 * x @ w.T + c)


@pytest.mark.parametrize(
    ("shape", "after"),
    [
        ("[4]", "y = Gemm<broadcast=1, beta=2.0>(x, w, c)"),
        ("[1,4]", "y_Squeeze = Squeeze<axes=[0]>(c) y = Gemm<broadcast=1, beta=2.0>(x, w, y_Squeeze)"),
        ("[1]", "y_Concat = Concat<axis=0>(c, c, c, c) y = Gemm<broadcast=1, beta=2.0>(x, w, y_Concat)"),
        ("[N,4]", "y = Gemm<beta=2.0>(x, w, c)"),
    ],
)
def test_a_copied_c_is_said_by_broadcast(shape: str, after: str) -> None:
    before = f"{PRODUCT}, float{shape} c) => (float[N,4] y) {{ y = Gemm<beta=2.0>(x, w, c) }}"
    assert_step(7, before, f"{PRODUCT}, float{shape} c) => (float[N,4] y) {{ {after} }}")


def test_a_weight_of_one_row_loses_its_first_axis_by_a_node() -> None:
    model = parse(9, f"{PRODUCT}) => (float[N,4] y) <float[1,4] c = {{1,2,3,4}}> {{ y = Gemm(x, w, c) }}")
    lowered = convert(model, 9, 6).model
    assert [node.op_type for node in lowered.graph.node] == ["Squeeze", "Gemm"]
    assert constants_of(lowered) == {"c": [[1, 2, 3, 4]]}
    assert_same_numbers(model, lowered)


def test_a_c_of_one_column_is_added_afterwards() -> None:
    model = parse(7, f"{PRODUCT}, float[N,1] c) => (float[N,4] y) {{ y = Gemm<beta=2.0>(x, w, c) }}")
    lowered = step(model)
    assert {"Gemm", "Mul", "Add"} <= {node.op_type for node in lowered.graph.node}
    assert_same_numbers(model, lowered)


def test_c_may_not_be_of_unknown_shape_below_7() -> None:
    model = parse(
        7,
        """g (float[2,3] x, float[3,4] w, float[8] b, int64[R] s) => (float[2,4] y) {
            c = Reshape(b, s)
            y = Gemm(x, w, c)
        }""",
    )
    with pytest.raises(RetargetError, match=r"Gemm .*'y'.*7 to 6: the number of axes of c is not known"):
        step(model)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    turned=st.tuples(st.booleans(), st.booleans()),
    bias=st.sampled_from([None, (), (1,), (4,), (1, 1), (1, 4), (2, 1), (2, 4)]),
    factors=st.tuples(st.sampled_from([1.0, 0.5]), st.sampled_from([1.0, -2.0])),
    constant=st.booleans(),
    target=st.sampled_from([10, 8, 6, 3]),
)
def test_any_form_of_c_gives_the_same(
    turned: tuple[bool, bool],
    bias: tuple[int, ...] | None,
    factors: tuple[float, float],
    constant: bool,
    target: int,
) -> None:
    first, second = ("3,2" if turned[0] else "2,3"), ("4,3" if turned[1] else "3,4")
    declared, constants, third = "", "", ""
    inputs = {
        "x": noise((3, 2) if turned[0] else (2, 3)),
        "w": noise((4, 3) if turned[1] else (3, 4), seed=1),
    }
    if bias is not None:
        kind, third = f"float{list(bias) if bias else ''}", ", c"
        values = np.asarray(noise(bias, seed=2))
        if constant:
            constants = f"<{kind} c = {{{','.join(map(str, np.ravel(values)))}}}>"
        else:
            declared, inputs["c"] = f", {kind} c", values
    model = parse(
        11,
        f"""g (float[{first}] x, float[{second}] w{declared}) => (float[2,4] y) {constants} {{
            y = Gemm<transA={int(turned[0])}, transB={int(turned[1])}, alpha={factors[0]}, beta={factors[1]}>
                (x, w{third})
        }}""",
    )
    assert_same_numbers(model, convert(model, 11, target).model, inputs, tolerance=2e-6)

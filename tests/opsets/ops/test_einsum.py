"""Einsum as Transpose, MatMul, Mul and ReduceSum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from opsets.errors import CannotAdapt
from opsets.ops.einsum import parsed
from tests.opsets.comparing import Array, assert_same_numbers, assert_step, noise, parse, run, step

LENGTHS = {"a": 2, "b": 3, "c": 4, "d": 2, "e": 3}


def model_of(equation: str, shapes: list[tuple[object, ...]], rank: int, opset: int = 12) -> str:
    inputs = ", ".join(
        f"float{'[' + ','.join(map(str, shape)) + ']' if shape else ''} x{index}"
        for index, shape in enumerate(shapes)
    )
    names = ", ".join(f"x{index}" for index in range(len(shapes)))
    result = f"[{','.join(f'R{axis}' for axis in range(rank))}]" if rank else ""
    return f'g ({inputs}) => (float{result} y) {{ y = Einsum<equation="{equation}">({names}) }}'


def test_attention_scores_are_one_product() -> None:
    assert_step(
        12,
        """g (float[N,2,T,4] q, float[N,2,T,4] k) => (float[N,2,T,S] y)
        { y = Einsum<equation="bhid,bhjd->bhij">(q, k) }""",
        """g (float[N,2,T,4] q, float[N,2,T,4] k) => (float[N,2,T,S] y) {
            y_Transpose = Transpose<perm=[0,1,3,2]>(k)
            y = MatMul(q, y_Transpose)
        }""",
    )


def test_a_matrix_on_the_right_needs_no_reshape() -> None:
    assert_step(
        12,
        """g (float[N,4,H,W] x, float[4,5] w) => (float[N,5,A,B] y)
        { y = Einsum<equation="nchw,co->nohw">(x, w) }""",
        """g (float[N,4,H,W] x, float[4,5] w) => (float[N,5,A,B] y) {
            y_Transpose = Transpose<perm=[0,2,3,1]>(x)
            y_MatMul = MatMul(y_Transpose, w)
            y = Transpose<perm=[0,3,1,2]>(y_MatMul)
        }""",
    )


def test_a_diagonal_is_picked() -> None:
    assert_step(
        12,
        'g (float[N,2,2] x) => (float[N,2] y) { y = Einsum<equation="bii->bi">(x) }',
        """g (float[N,2,2] x) => (float[N,2] y) <int64[2] y_shape = {0,4}, int64[2] y_diagonal = {0,3}> {
            y_Reshape = Reshape(x, y_shape)
            y = Gather<axis=1>(y_Reshape, y_diagonal)
        }""",
    )


def test_nothing_to_do_is_an_identity() -> None:
    assert_step(
        12,
        'g (float[N,2] x) => (float[N,2] y) { y = Einsum<equation="ij">(x) }',
        "g (float[N,2] x) => (float[N,2] y) { y = Identity(x) }",
    )


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij->", [("N", 3)]),
        ("i,i->", [(3,), (3,)]),
        ("i,j->ij", [("N",), (4,)]),
        (" i j , j k -> k i", [("N", 3), (3, 4)]),
        ("iii->i", [(3, 3, 3)]),
        ("iij", [(3, 3, "N")]),
        ("oc,nchw->nohw", [(5, 4), ("N", 4, "M", 6)]),
        ("...ij,...jk", [("N", 2, 3, 4), (1, 1, 4, 5)]),
        ("...,...->...", [(2, 1, 3), (1, 4, 1)]),
        ("b...,b...->...b", [("N", 3, 4), ("N", 3, 4)]),
        ("bhwc,hkc->bhwk", [("N", 3, 4, 5), (3, 6, 5)]),
        ("bqhd,bkhd->bhqk", [("N", "M", 2, 3), ("N", 7, 2, 3)]),
        ("zi,zij,zj->z", [("N", 3), ("N", 3, 4), ("N", 4)]),
        ("abcd,cdef->abef", [("N", 2, 3, 4), (3, 4, 2, 5)]),
        ("ij,jk->ik", [(2, 1), (3, 4)]),
        (",ij->ij", [(), ("N", 3)]),
    ],
)
@pytest.mark.parametrize("target", [11, 7, 3])
def test_it_is_what_numpy_says(equation: str, shapes: list[tuple[object, ...]], target: int) -> None:
    sizes = {"N": 3, "M": 5}
    inputs: dict[str, Array] = {
        f"x{index}": np.asarray(
            noise(tuple(sizes.get(str(one)) or int(str(one)) for one in shape), seed=index)
        )
        for index, shape in enumerate(shapes)
    }
    expected = np.einsum(equation, *inputs.values())
    model = parse(12, model_of(equation, shapes, expected.ndim))
    (result,) = run(convert(model, 12, target).model, inputs)
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("equation", "ranks", "letters", "wanted"),
    [
        ("b a", [2], ["ba"], "ab"),
        ("...i,...i", [3, 2], ["01i", "1i"], "01"),
        ("a...->...", [3], ["a01"], "01"),
    ],
)
def test_an_equation_is_read(equation: str, ranks: list[int], letters: list[str], wanted: str) -> None:
    assert parsed(equation, ranks) == (letters, wanted)


@pytest.mark.parametrize(
    ("equation", "ranks", "reason"),
    [
        ("ij,jk->ik", [2], "its equation 'ij,jk->ik' is not of 1 operands"),
        ("ijk->i", [2], r"its equation 'ijk->i' does not fit operands of \[2\] axes"),
        ("...ijk->i", [2], r"its equation '...ijk->i' does not fit operands of \[2\] axes"),
    ],
)
def test_an_equation_of_other_operands_is_refused(equation: str, ranks: list[int], reason: str) -> None:
    with pytest.raises(CannotAdapt, match=reason):
        parsed(equation, ranks)


@pytest.mark.parametrize(
    ("equation", "shapes", "reason"),
    [
        ("ii->i", [("N", "N")], "the length of axis -1 of x0 is not fixed"),
        ("aibj,cj->aibc", [("A", "B", "C", 2), ("D", 2)], ""),
        ("aibj,cdj->aibcd", [("A", "B", "C", 2), ("D", "E", 2)], ""),
    ],
)
def test_open_lengths_are_kept(equation: str, shapes: list[tuple[object, ...]], reason: str) -> None:
    model = parse(12, model_of(equation, shapes, len(equation.partition("->")[2])))
    if reason:
        with pytest.raises(RetargetError, match=f"Einsum .*12 to 11: {reason}"):
            step(model)
    else:
        assert_same_numbers(model, step(model))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(data=st.data(), count=st.integers(1, 3), target=st.sampled_from([11, 9, 7]))
def test_any_equation_gives_the_same(data: st.DataObject, count: int, target: int) -> None:
    letters = st.text("abcde", min_size=1, max_size=4)
    operands = [data.draw(letters, label="operand") for _ in range(count)]
    every = sorted(set("".join(operands)))
    wanted = "".join(data.draw(st.permutations(every), label="order"))
    wanted = wanted[: data.draw(st.integers(0, len(wanted)), label="kept")]
    equation = f"{','.join(operands)}->{wanted}"
    shapes = [tuple(LENGTHS[letter] for letter in own) for own in operands]
    inputs: dict[str, Array] = {f"x{index}": noise(shape, seed=index) for index, shape in enumerate(shapes)}
    model = parse(12, model_of(equation, [*shapes], len(wanted)))
    (result,) = run(convert(model, 12, target).model, inputs)
    np.testing.assert_allclose(result, np.einsum(equation, *inputs.values()), rtol=1e-4, atol=1e-4)

"""Where below 9: the sum of both branches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError
from opsets.conversion import convert
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, run, run_onnxruntime, step


def test_branches_are_multiplied_with_zeros_and_ones() -> None:
    assert_step(
        9,
        "g (bool[N,1] c, float[N,3] x, float[3] y) => (float[N,3] z) { z = Where(c, x, y) }",
        """g (bool[N,1] c, float[N,3] x, float[3] y) => (float[N,3] z) {
            z_Cast = Cast<to=1>(c)
            z_Mul = Mul(x, z_Cast)
            z_Not = Not(c)
            z_Cast_1 = Cast<to=1>(z_Not)
            z_Mul_1 = Mul(y, z_Cast_1)
            z = Add(z_Mul, z_Mul_1)
        }""",
    )


def test_a_constant_branch_is_chosen_beforehand() -> None:
    assert_step(
        9,
        """g (float[N,3] x, bool[3] c = {1, 0, 1}, float y = {7})
        => (float[N,3] z) { z = Where(c, x, y) }""",
        """g (
            float[N,3] x,
            float[3] z_chosen = {0.0, 7.0, 0.0},
            float[3] z_mask = {1.0, 0.0, 1.0}
        ) => (float[N,3] z) {
            z_Mul = Mul(x, z_mask)
            z = Add(z_Mul, z_chosen)
        }""",
    )


def test_constant_conditions_become_masks() -> None:
    assert_step(
        9,
        "g (float[N,3] x, float[3] y) => (float[N,3] z) <bool[3] c = {1, 0, 1}> { z = Where(c, x, y) }",
        """g (
            float[N,3] x,
            float[3] y,
            float[3] z_mask = {1.0, 0.0, 1.0},
            float[3] z_mask_1 = {0.0, 1.0, 0.0}
        ) => (float[N,3] z) {
            z_Mul = Mul(x, z_mask)
            z_Mul_1 = Mul(y, z_mask_1)
            z = Add(z_Mul, z_Mul_1)
        }""",
    )


def test_conditions_are_chosen_by_logic() -> None:
    assert_step(
        9,
        "g (bool[N,1] c, bool[N,3] x, bool[3] y) => (bool[N,3] z) { z = Where(c, x, y) }",
        """g (bool[N,1] c, bool[N,3] x, bool[3] y) => (bool[N,3] z) {
            z_Not = Not(c)
            z_And = And(z_Not, y)
            z_And_1 = And(c, x)
            z = Or(z_And_1, z_And)
        }""",
    )


def test_narrow_integers_are_widened() -> None:
    assert_step(
        9,
        "g (bool[N,1] c, uint8[N,3] x, uint8[3] y) => (uint8[N,3] z) { z = Where(c, x, y) }",
        """g (bool[N,1] c, uint8[N,3] x, uint8[3] y) => (uint8[N,3] z) {
            z_Cast = Cast<to=6>(x)
            z_Cast_1 = Cast<to=6>(y)
            z_Cast_2 = Cast<to=6>(c)
            z_Mul = Mul(z_Cast, z_Cast_2)
            z_Not = Not(c)
            z_Cast_3 = Cast<to=6>(z_Not)
            z_Mul_1 = Mul(z_Cast_1, z_Cast_3)
            z_Add = Add(z_Mul, z_Mul_1)
            z = Cast<to=2>(z_Add)
        }""",
    )


def test_integers_are_exact() -> None:
    assert_step(
        9,
        "g (bool[N,1] c, int64[N,3] x, int64[3] y) => (int64[N,3] z) { z = Where(c, x, y) }",
        """g (bool[N,1] c, int64[N,3] x, int64[3] y) => (int64[N,3] z) {
            z_Cast = Cast<to=7>(c)
            z_Mul = Mul(x, z_Cast)
            z_Not = Not(c)
            z_Cast_1 = Cast<to=7>(z_Not)
            z_Mul_1 = Mul(y, z_Cast_1)
            z = Add(z_Mul, z_Mul_1)
        }""",
    )


def test_infinities_of_a_constant_mask_are_added() -> None:
    """The mask of attention: no product of an infinity and 0."""
    model = parse(
        9,
        """g (float[N,2,2] x) => (float[N,2,2] z) <bool[2,2] c = {0, 1, 0, 0}, float low = {-inf}>
        { z = Where(c, low, x) }""",
    )
    lowered = step(model)
    assert [node.op_type for node in lowered.graph.node] == ["Add"]
    numbers = {"x": noise((3, 2, 2))}
    np.testing.assert_array_equal(run(lowered, numbers)[0], run(model, numbers)[0])


@pytest.mark.parametrize("infinity", ["inf", "-inf"])
@pytest.mark.parametrize("first", [True, False])
def test_infinities_under_a_computed_condition_are_logarithms(infinity: str, first: bool) -> None:
    branches = "i, x" if first else "x, i"
    model = parse(
        9,
        f"""g (float[N,4] x, bool[N,1] c) => (float[N,4] z) <float i = {{{infinity}}}>
        {{ z = Where(c, {branches}) }}""",
    )
    numbers = {"x": noise((2, 4)), "c": np.array([[True], [False]])}
    for target in (8, 6):
        lowered = convert(model, 9, target)
        np.testing.assert_array_equal(run(lowered.model, numbers)[0], run_onnxruntime(model, numbers)[0])
        assert lowered.bounds == ()


def test_a_condition_that_always_holds_goes() -> None:
    assert_step(
        9,
        "g (float[N,3] x) => (float[N,3] z) <bool[1] c = {1}, float y = {0}> { z = Where(c, x, y) }",
        "g (float[N,3] x) => (float[N,3] z) { z = Identity(x) }",
    )


def test_infinities_in_places_are_refused() -> None:
    model = parse(
        9,
        """g (float[N,2] x, bool[N,1] c) => (float[N,2] z) <float[2] i = {-inf, 0}>
        { z = Where(c, i, x) }""",
    )
    with pytest.raises(RetargetError, match=r"Where .*9 to 8: i is infinite or NaN in places"):
        step(model)


def test_the_bound_is_recorded_where_it_applies() -> None:
    model = parse(9, "g (bool[2] c, float[2] x, float[2] y) => (float[2] z) { z = Where(c, x, y) }")
    assert convert(model, 9, 8).bounds == ("Where below 9: a branch is to be finite where it is not taken",)


@given(
    st.tuples(*[st.lists(st.sampled_from([1, 2]), max_size=3)] * 3),
    st.tuples(*[st.booleans()] * 3),
    st.sampled_from(["float", "int64"]),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_any_shapes_and_constants_give_the_same(
    shapes: tuple[list[int], list[int], list[int]], fixed: tuple[bool, bool, bool], kind: str
) -> None:
    whole = np.broadcast_shapes(*map(tuple, shapes))
    numbers, inputs, constants = {}, [f"{kind}[1] unused"], []
    for seed, (name, shape, is_fixed) in enumerate(zip("cxy", shapes, fixed, strict=True)):
        of = np.dtype({"float": "f4", "int64": "i8"}[kind]) if seed else np.dtype(bool)
        array = np.asarray(noise(tuple(shape), of, seed))
        text = f"{kind if seed else 'bool'}[{','.join(map(str, shape))}] {name}".replace("[]", "")
        if is_fixed:
            constants.append(
                f"{text} = {{{', '.join(repr(e) for e in array.reshape(-1).astype(of).tolist())}}}"
            )
        else:
            inputs.append(text)
            numbers[name] = array
    declared = f"<{', '.join(constants)}>".replace("True", "1").replace("False", "0") if constants else ""
    output = f"{kind}[{','.join(map(str, whole))}] z".replace("[]", "")
    model = parse(9, f"g ({', '.join(inputs)}) => ({output}) {declared} {{ z = Where(c, x, y) }}")
    numbers["unused"] = np.ones(1, {"float": "f4", "int64": "i8"}[kind])
    assert_same_numbers(model, step(model), numbers)

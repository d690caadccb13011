"""TensorScatter as ScatterElements with places that are counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, step
from tests.opsets.onnx_cases import assert_case, cases_of


@pytest.mark.parametrize("target", [23, 16])
@pytest.mark.parametrize("name", cases_of("TensorScatter"))
def test_onnx_cases(name: str, target: int) -> None:
    assert_case("TensorScatter", name, target)


def test_each_sample_is_written_from_its_own_place_on() -> None:
    assert_step(
        24,
        """g (float[N,5,4] c, float[N,2,4] u, int64[N] w) => (float[N,5,4] y) {
            y = TensorScatter<mode="circular">(c, u, w) }""",
        """g (float[N,5,4] c, float[N,2,4] u, int64[N] w) => (float[N,5,4] y)
        <int64[1,2,1] y_steps = {0,1}, int64[3] y_along = {-1,1,1}, int64[1] y_length = {5}> {
            y_Reshape = Reshape(w, y_along)
            y_Add = Add(y_steps, y_Reshape)
            y_Mod = Mod(y_Add, y_length)
            y_Shape = Shape(u)
            y_Expand = Expand(y_Mod, y_Shape)
            y = ScatterElements<axis=1>(c, y_Expand, u)
        }""",
    )


@given(
    st.integers(1, 3),
    st.integers(2, 5),
    st.integers(1, 2),
    st.sampled_from(["linear", "circular", None]),
    st.integers(-3, -1),
    st.booleans(),
)
@settings(max_examples=30, deadline=None, derandomize=True)
def test_any_axis_mode_and_length_give_the_same(
    batch: int, longest: int, steps: int, mode: str | None, axis: int, is_open: bool
) -> None:
    """Four axes, of which any but the first is written along; a linear one stays inside."""
    shape, update = [batch, 2, 3, 4], [batch, 2, 3, 4]
    shape[axis], update[axis] = longest, steps
    names = [*map(str, update)]
    if is_open:
        names[0], names[axis] = "N", "S"
    places = np.random.default_rng(longest).integers(
        0, longest - steps + 1 if mode != "circular" else longest, batch
    )
    form = [f"axis={axis}"] + ([] if mode is None else [f'mode="{mode}"'])
    model = parse(
        24,
        f"""g (float{shape} c, float[{",".join(names)}] u, int64[{names[0]}] w) => (float{shape} y) {{
            y = TensorScatter<{", ".join(form)}>(c, u{"" if mode is None else ", w"}) }}""",
    )
    inputs = {"c": noise(tuple(shape)), "u": noise(tuple(update), seed=3), "w": places}
    assert_same_numbers(model, step(model), inputs)

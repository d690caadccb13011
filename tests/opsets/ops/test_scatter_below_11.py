"""ScatterElements and ScatterND below 11, by any indices."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opsets.comparing import assert_same_numbers, noise, parse, step
from tests.opsets.shapes import Shape, in_brackets, shapes


@given(
    shapes(least=1),
    st.none() | st.integers(-3, 2),
    st.sampled_from(["float", "int64"]),
    st.booleans(),
    st.data(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_shape_and_axis_gives_the_same_below_11(
    shape: Shape, place: int | None, kind: str, constant: bool, data: st.DataObject
) -> None:
    """Indices from the front and from the back, no two alike; ``axis`` is 0 where it is left out."""
    rank = len(shape.lengths)
    axis = None if place is None else place % rank - rank * (place < 0)
    taken, length = list(shape.lengths), shape.lengths[axis or 0]
    chosen = data.draw(st.lists(st.integers(0, length - 1), min_size=1, unique=True), label="chosen")
    taken[axis or 0] = len(chosen)
    signed = [index - length * data.draw(st.booleans()) for index in chosen]
    column = [len(signed) if place_ == (axis or 0) % rank else 1 for place_ in range(rank)]
    indices = np.broadcast_to(np.reshape(signed, column), taken)
    fixed = f"<int64{taken} i = {{{','.join(map(str, indices.reshape(-1)))}}}>"
    dims = f"{list(shape.lengths)}"  # a length that is open is refused where indices may be negative
    model = parse(
        11,
        f"""g ({kind}{dims} x, {kind}{taken} u{"" if constant else f", int64{taken} i"}) => ({kind}{dims} z)
        {fixed if constant else ""} {{
            z = ScatterElements{in_brackets([] if axis is None else [f"axis={axis}"])}(x, i, u)
        }}""",
    )
    of = np.float32 if kind == "float" else np.int64
    inputs = {"x": noise(shape.lengths, of, 1), "u": noise(tuple(taken), of, 2)}
    assert_same_numbers(model, step(model), inputs | ({} if constant else {"i": indices}))


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.integers(1, 3),
    st.sampled_from(["float", "int64"]),
    st.booleans(),
    st.data(),
)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_slices_give_the_same_below_11(
    shape: list[int], depth: int, kind: str, constant: bool, data: st.DataObject
) -> None:
    """Elements or slices, by as many indices as there are axes or by fewer, no two alike."""
    depth = min(depth, len(shape))
    every = list(np.ndindex(*shape[:depth]))
    chosen = data.draw(st.lists(st.sampled_from(every), min_size=1, unique=True), label="chosen")
    indices = np.array(chosen, dtype=np.int64)
    indices -= np.array(shape[:depth]) * data.draw(st.integers(0, 1), label="from the back")
    taken, places = [len(chosen), *shape[depth:]], f"int64{list(indices.shape)} i"
    fixed = f"<{places} = {{{','.join(map(str, indices.reshape(-1)))}}}>"
    model = parse(
        11,
        f"""g ({kind}{shape} x, {kind}{taken} u{"" if constant else f", {places}"}) => ({kind}{shape} z)
        {fixed if constant else ""} {{ z = ScatterND(x, i, u) }}""",
    )
    of = np.float32 if kind == "float" else np.int64
    inputs = {"x": noise(tuple(shape), of, 1), "u": noise(tuple(taken), of, 2)}
    assert_same_numbers(model, step(model), inputs | ({} if constant else {"i": indices}))

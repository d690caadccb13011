"""Dropout: an inference goes where its form changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsets import RetargetError, retarget
from tests.opsets.comparing import assert_same_numbers, assert_step, noise, parse, run, step
from tests.opsets.shapes import Shape, in_brackets, shapes

ONE = "g (float[N,3] x) => (float[N,3] y)"


@pytest.mark.parametrize(
    ("opset", "node"),
    [
        (12, "Dropout(a)"),
        (12, "Dropout(a, r)"),
        (12, "Dropout(a, r, f)"),
        (12, "Dropout(a, o, t)"),
        (10, "Dropout<ratio=0.75>(a)"),
        (7, "Dropout<ratio=0.75>(a)"),
        (6, "Dropout<ratio=0.75, is_test=1>(a)"),
    ],
)
def test_an_inference_goes(opset: int, node: str) -> None:
    constants = "<float r = {0.75}, float o = {0}, bool f = {0}, bool t = {1}>" if opset == 12 else ""
    before = f"{ONE} {constants} {{ a = Neg(x) b = {node} y = Neg(b) }}"
    lowered = step(parse(opset, before))
    assert [entry.op_type for entry in lowered.graph.node] == ["Neg", "Neg"]
    assert not lowered.graph.initializer
    assert_same_numbers(parse(opset, before), lowered)


def test_a_graph_output_keeps_its_name() -> None:
    assert_step(12, f"{ONE} {{ y = Dropout(x) }}", f"{ONE} {{ y = Identity(x) }}")


def test_a_mask_that_is_used_keeps_all() -> None:
    graph = "g (float[N,3] x) => (float[N,3] y, bool[N,3] m)"
    assert_step(
        12,
        f"{graph} {{ y, m = Dropout(x) }}",
        f"""{graph} {{
            y = Identity(x)
            y_Shape = Shape(x)
            m = ConstantOfShape<value=bool[1] {{1}}>(y_Shape)
        }}""",
    )


@given(
    lengths=st.lists(st.integers(1, 4), max_size=3),
    ratio=st.sampled_from(["", ", r"]),
    mode=st.sampled_from(["", ", f"]),
)
@settings(max_examples=10, deadline=None, derandomize=True)
def test_any_inference_all_the_way_down(lengths: list[int], ratio: str, mode: str) -> None:
    shape = ",".join(map(str, ["N", *lengths]))
    inputs = "x" + (ratio or ("," if mode else "")) + mode
    model = parse(
        13,
        f"""g (float[{shape}] x) => (float[{shape}] y) <float r = {{0.25}}, bool f = {{0}}> {{
            y = Dropout<seed=3>({inputs})
        }}""",
    )
    assert_same_numbers(model, retarget(model, 3))


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ("x, , t", "it drops at random"),
        ("x, r, t", "it drops at random"),
        ("x, , u", "training mode .* at run time"),
    ],
)
def test_training_is_refused(inputs: str, reason: str) -> None:
    model = parse(
        12,
        f"""g (float[N,3] x, bool u) => (float[N,3] y) <float r = {{0.25}}, bool t = {{1}}> {{
            y = Dropout({inputs})
        }}""",
    )
    with pytest.raises(RetargetError, match=rf"Dropout .*12 to 11: .*{reason}"):
        step(model)


@pytest.mark.parametrize(("opset", "kind"), [(10, "bool"), (7, "float")])
def test_an_old_mask_is_refused(opset: int, kind: str) -> None:
    model = parse(opset, f"g (float[N,3] x) => (float[N,3] y, {kind}[N,3] m) {{ y, m = Dropout(x) }}")
    with pytest.raises(RetargetError, match=rf"Dropout .*{opset} to {opset - 1}: its output 1 is used"):
        step(model)


def test_training_at_6_stays_training_at_5() -> None:
    model = parse(6, f"{ONE} {{ y = Dropout<ratio=0.5>(x) }}")
    (node,) = step(model).graph.node
    assert node.op_type == "Dropout"
    assert {entry.name for entry in node.attribute} == {"ratio"}


@given(shapes(), st.sampled_from([10, 7, 6]), st.booleans(), st.booleans())
@settings(max_examples=25, deadline=None, derandomize=True)
def test_any_old_inference_goes(shape: Shape, opset: int, ratio: bool, masked: bool) -> None:
    """With a mask that nobody uses, too; ``ratio`` is a half where it is left out."""
    attributes = ["ratio=0.25"] * ratio + ["is_test=1"] * (opset == 6)
    model = parse(
        opset,
        f"""g (float{shape.text} x) => (float{shape.text} y) {{
            a = Neg(x)
            b{", m" if masked else ""} = Dropout{in_brackets(attributes)}(a)
            y = Abs(b)
        }}""",
    )
    below = step(model)
    assert [node.op_type for node in below.graph.node] == ["Neg", "Abs"]
    found = run(below, {"x": noise(shape.lengths)})[0]
    np.testing.assert_array_equal(found, np.abs(noise(shape.lengths)))

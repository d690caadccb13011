"""Pools of every kind: windows, strides, padding, over images of one or two axes."""

from __future__ import annotations

from hypothesis import assume
from hypothesis import strategies as st


@st.composite
def pools(
    draw: st.DrawFn,
    operator: str,
    *,
    dilations: bool = False,
    ceil: bool = False,
    automatic: bool = False,
    extra: str = "",
) -> str:
    """A graph with one pool; onnxruntime wants padding smaller than the window."""
    axes = draw(st.integers(1, 2))
    lengths = draw(st.lists(st.integers(4, 9), min_size=axes, max_size=axes))
    kernel = draw(st.lists(st.integers(1, 3), min_size=axes, max_size=axes))
    strides = draw(st.lists(st.integers(1, 4), min_size=axes, max_size=axes))
    spread = draw(st.lists(st.integers(1, 3), min_size=axes, max_size=axes)) if dilations else [1] * axes
    attributes = [f"kernel_shape={kernel}", f"strides={strides}"]
    pads = [draw(st.integers(0, size - 1)) for size in kernel * 2]
    if automatic and draw(st.booleans()):
        # onnxruntime pads by less than nothing where strides are larger than windows
        assume(all(stride <= size for stride, size in zip(strides, kernel, strict=True)))
        attributes.append(f'auto_pad="{draw(st.sampled_from(["SAME_UPPER", "SAME_LOWER", "VALID"]))}"')
    elif draw(st.booleans()):
        attributes.append(f"pads={pads}")
    if dilations:
        extents = [(size - 1) * gap + 1 for size, gap in zip(kernel, spread, strict=True)]
        assume(all(extent <= length for extent, length in zip(extents, lengths, strict=True)))
        attributes.append(f"dilations={spread}")
    if ceil:
        attributes.append(f"ceil_mode={draw(st.integers(0, 1))}")
    if operator == "AveragePool":
        attributes.append(f"count_include_pad={draw(st.integers(0, 1))}")
    attributes += [extra] if extra else []
    shape = ",".join(map(str, lengths))
    results = ",".join(f"R{axis}" for axis in range(axes))
    node = f"y = {operator}<{', '.join(attributes)}>(x)"
    return f"g (float[N,2,{shape}] x) => (float[N,2,{results}] y) {{ {node} }}"

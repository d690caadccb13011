"""Windows, counted and placed against a plain search."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from opsets.errors import CannotAdapt
from opsets.families.windows import Window

SIZES = st.integers(1, 4)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Padding is smaller than the window, as runtimes want it."""
    kernel = draw(SIZES)
    before, after = draw(st.integers(0, kernel - 1)), draw(st.integers(0, kernel - 1))
    length, stride, dilation = draw(st.integers(1, 12)), draw(SIZES), draw(st.integers(1, 3))
    return Window(length, kernel, stride, dilation, before, after, draw(st.booleans()))


def starts(window: Window) -> list[int]:
    """Each stride starts one as long as it fits; with ``ceil`` one more if it starts before the padding."""
    assert window.length is not None
    end = window.length + window.before + window.after
    every = range(0, end, window.stride)
    fitting = [start for start in every if start + window.extent <= end]
    if window.ceil and fitting and fitting[-1] + window.extent < end:
        following = fitting[-1] + window.stride
        fitting += [following] * (following < window.length + window.before)
    return fitting


@given(windows())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_windows_are_counted_and_placed(window: Window) -> None:
    assume(starts(window))
    expected = starts(window)
    assert window.count == len(expected)
    offsets = [step * window.dilation - window.before for step in range(window.kernel)]
    placed = [[start + offset for offset in offsets] for start in expected]
    assert window.positions().tolist() == placed


@given(windows())
@settings(max_examples=100, deadline=None, derandomize=True)
def test_padding_says_what_ceil_says(window: Window) -> None:
    assume(starts(window))
    plain = window.without_ceil()
    assert not plain.ceil
    assert plain.positions().tolist() == window.positions().tolist()


@given(windows(), st.integers(1, 20))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_padding_for_every_length(window: Window, length: int) -> None:
    try:
        plain = replace(window, length=None).without_ceil()
    except CannotAdapt:
        return
    fixed = replace(window, length=length)
    assume(starts(fixed))
    assert replace(plain, length=length).positions().tolist() == fixed.positions().tolist()


def test_a_padding_that_depends_on_the_length_is_refused() -> None:
    with pytest.raises(CannotAdapt, match="depends on a length that is not fixed"):
        Window(None, 2, 3, 1, 0, 0, True).without_ceil()

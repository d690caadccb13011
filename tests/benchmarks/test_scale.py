"""The arithmetic behind docs/scale.md."""

from __future__ import annotations

import re

import pytest

from benchmarks.scale import EDGES, Cost, SizeClass, drawn, section, sizes, wall_seconds


def test_workers_take_as_long_as_the_last_of_them() -> None:
    """By hand: 5 | 4, 3, 3 to two workers are 5 and 3 beside 4 and 3; the longest bounds any number."""
    assert wall_seconds([3, 5, 4, 3], 1) == 15
    assert wall_seconds([3, 5, 4, 3], 2) == 8
    assert wall_seconds([3, 5, 4, 3], 100) == 5


def test_each_byte_of_a_class_costs_what_it_cost_in_those_that_ran() -> None:
    """Twice the bytes at twice the seconds for the byte leave doubt, and no doubt is left without scatter."""
    even = SizeClass((10, 20, 30), (Cost(10, 1.0, 100, 5), Cost(30, 3.0, 300, 5)))
    assert even.ratio("seconds") == pytest.approx(0.1)
    assert even.ratio("published") == 10
    assert even.doubt == pytest.approx(0)
    assert SizeClass((10, 20), (Cost(10, 1.0, 100, 5), Cost(30, 6.0, 300, 5))).doubt > 0.5


def test_the_sample_is_of_every_class_and_the_same_each_time() -> None:
    """Networks of timm, none twice, each within the edges of its class."""
    networks = sizes()
    names = drawn(networks, 3)
    assert names == drawn(networks, 3)
    assert len(names) == len(EDGES) - 2
    for each, low, high in zip(names, EDGES, EDGES[1:], strict=False):
        assert len(set(each)) == 3
        assert all(low <= networks[name] < high for name in each)


def test_the_section_sums_what_its_table_says() -> None:
    """Ten networks of each class, an hour each: 60 hours, or 8 with eight workers."""
    classes = [
        SizeClass((int(high) - 1,) * 10, (Cost(int(high) - 1, 3600.0, 1, 10**9),)) for high in EDGES[1:-1]
    ]
    text = section([*classes, SizeClass((classes[-1].weights[0],) * 10, ())], 7)
    assert "All 60 networks take **60 hours**" in text
    assert "7 networks have more weights" in text
    assert re.findall(r"^\| (\d+) \| ([\d.]+) \|", text, re.MULTILINE)[:2] == [("1", "60.0"), ("8", "8.0")]

"""Chains around open lengths as exporters of real classifiers write them, brought down and run."""

from __future__ import annotations

import pytest

from opsets import RetargetError, retarget
from tests.opsets.comparing import assert_same_numbers, parse

CHAINS = {
    "tokens normalised by BatchNormalization": """g (float[N, 3, 4] x) => (float[N, 3, 4] y)
        <float[4] s = {1, 2, 3, 4}, float[4] b = {4, 3, 2, 1}, float[4] m = {0, 1, 0, 1},
         float[4] v = {1, 2, 1, 2}> {
        f = Flatten <axis = 2> (x)
        n = BatchNormalization (f, s, b, m, v)
        t = Shape (x)
        r = Reshape (n, t)
        y = Add (r, x)
    }""",
    "what is left written beside the batch": """g (float[N, 4, 6, 2] x) => (float[M, 6, 2] y)
        <int64 zero = {0}, int64 four = {4}, int64[1] at = {0}, int64[1] six = {6}, int64[1] rest = {-1},
         float[6, 1] k = {1, 2, 3, 4, 5, 6}> {
        t = Shape (x)
        n = Gather (t, zero)
        m = Mul (n, four)
        u = Unsqueeze (m, at)
        w = Concat <axis = 0> (u, six, rest)
        r = Reshape (x, w)
        y = Add (r, k)
    }""",
    "a table repeated for each picture": """g (float[N, 3] x) => (float[N, 3, 2] y)
        <float[1, 3, 2] k = {1, 2, 3, 4, 5, 6}, int64 zero = {0}, int64[1] at = {0}, int64[2] ones = {1, 1},
         int64[1] last = {2}> {
        t = Shape (x)
        n = Gather (t, zero)
        u = Unsqueeze (n, at)
        c = Concat <axis = 0> (u, ones)
        r = Tile (k, c)
        p = Unsqueeze (x, last)
        y = Add (p, r)
    }""",
    "pictures resized, their number written beside the size": """g (float[N, 2, 4, 4] x, float[N, 2, 64] u)
        => (float[N, 2, 64] y)
        <int64[1] zero = {0}, int64[1] two = {2}, int64[2] size = {8, 8}, int64[3] flat = {0, 2, -1}> {
        t = Shape (x)
        n = Slice (t, zero, two)
        c = Concat <axis = 0> (n, size)
        z = Resize <mode = "nearest", coordinate_transformation_mode = "asymmetric",
            nearest_mode = "floor"> (x, , , c)
        r = Reshape (z, flat)
        y = Add (r, u)
    }""",
    "lengths divided in floating point": """g (float[N, 56, 2] x) => (float[N, 8, 14] y)
        <int64[1] zero = {0}, int64[1] one = {1}, int64[2] rest = {8, 14}, float eight = {8},
         int64 many = {8}, float h = {0.5}> {
        t = Shape (x)
        n = Slice (t, zero, one)
        m = Mul (n, many)
        f = Cast <to = 1> (m)
        d = Div (f, eight)
        l = Floor (d)
        w = Cast <to = 7> (l)
        c = Concat <axis = 0> (w, rest)
        r = Reshape (x, c)
        y = Add (r, h)
    }""",
    "a shape split into its lengths": """g (float[N, 3, 4] x) => (float[N, 12] y)
        <int64[1] rest = {-1}, float h = {0.5}> {
        t = Shape (x)
        n, a, b = Split <axis = 0> (t)
        c = Concat <axis = 0> (n, rest)
        r = Reshape (x, c)
        y = Add (r, h)
    }""",
    "a part assigned through a grid": """g (float[N, 4, 5] x, float[N, 2, 3] u) => (float[N, 4, 5] y)
        <int64 zero = {0}, int64 one = {1}, int64[3] column = {-1, 1, 1}, int64[1] behind = {3},
         int64[2, 1] rows = {1, 2}, int64[3] columns = {2, 3, 4}, int64[1] two = {2}, int64[1] three = {3}> {
        t = Shape (x)
        n = Gather (t, zero)
        c = Range (zero, n, one)
        d = Reshape (c, column)
        v = Shape (u)
        e = Expand (d, v)
        f = Expand (rows, v)
        g = Expand (columns, v)
        h = Unsqueeze (e, behind)
        i = Unsqueeze (f, behind)
        j = Unsqueeze (g, behind)
        k = Concat <axis = -1> (h, i, j)
        y = ScatterND (x, k, u)
    }""",
    "a part assigned along an axis": """g (float[N, 4, 3] x, float[N, 2, 3] u) => (float[N, 4, 3] y)
        <int64 zero = {0}, int64[1] at = {0}, int64[1, 2, 1] rows = {1, 2}, int64[2] others = {1, 3}> {
        t = Shape (x)
        n = Gather (t, zero)
        w = Unsqueeze (n, at)
        c = Concat <axis = 0> (w, others)
        k = Tile (rows, c)
        y = ScatterElements <axis = 1> (x, k, u)
    }""",
}


@pytest.mark.parametrize("target", [12, 7, 3])
@pytest.mark.parametrize("text", CHAINS.values(), ids=CHAINS.keys())
def test_the_chain_can_be_said_at_every_opset(text: str, target: int) -> None:
    model = parse(17, text)
    assert_same_numbers(model, retarget(model, target))


@pytest.mark.parametrize("indices", ["{2, 1}", "{1, 1}", "{0, 3}"])
def test_an_assignment_to_no_run_of_places_stays_scattered(indices: str) -> None:
    text = CHAINS["a part assigned along an axis"].replace("rows = {1, 2}", f"rows = {indices}")
    model = parse(17, text)
    if indices != "{1, 1}":  # one place written twice is not defined
        assert_same_numbers(model, retarget(model, 12))
    with pytest.raises(RetargetError, match="Scatter"):
        retarget(model, 3)


def test_an_axis_that_does_not_exist_is_named_with_its_node() -> None:
    model = parse(17, "g (float[N, 3] x) => (float[N, 3] y) { y = Softmax <axis = 1> (x) }")
    model.graph.node[0].attribute[0].i = 5
    with pytest.raises(
        RetargetError, match=r"^the source is not a valid model: .*; see Softmax \(node 'y'\)$"
    ):
        retarget(model, 7)


def test_one_domain_at_two_opsets_is_refused() -> None:
    model = parse(17, "g (float[N, 3] x) => (float[N, 3] y) { y = Relu (x) }")
    model.opset_import.add(domain="ai.onnx", version=12)
    with pytest.raises(RetargetError, match=r"\[12, 17\]"):
        retarget(model, 7)

"""Attention: windows since 25, padding in the keys since 24, new at 23.

Each step says what it takes away in the mask; the oldest form is then spelt out. Checked against onnx's
own cases, whose text it follows: queries and keys are both scaled by the root of the scale, and a query
that may attend to no key gives zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.families.attention_masks import (
    added,
    both,
    finite,
    is_open,
    mask_of,
    positions,
    reaching,
    some_key,
)
from opsets.registry import adapts
from opsets.rewrite import Rewrite

_MASK, _PAST_KEY, _PAST_VALUE, _VALID = 3, 4, 5, 6
"""Inputs that may be left out; the last counts the keys that are no padding."""


@adapts("Attention", 25, 24)
def attention_25_to_24(rewrite: Rewrite) -> None:
    """A window around each query becomes part of the mask."""
    left, right = rewrite.integer("left_window_size", -1), rewrite.integer("right_window_size", -1)
    rewrite.drop_attribute("left_window_size")
    rewrite.drop_attribute("right_window_size")
    if left < 0 and right < 0:
        return
    queries, keys = _places(rewrite)
    distance = rewrite.add("Sub", [queries, keys])
    allowed = [
        rewrite.add("LessOrEqual", [one, rewrite.number(limit, keys, "window")])
        for one, limit in ((distance, left), (rewrite.add("Neg", [distance]), right))
        if limit >= 0
    ]
    _restrict(rewrite, both(rewrite, allowed))


@adapts("Attention", 24, 23)
def attention_24_to_23(rewrite: Rewrite) -> None:
    """Keys that are padding, and the order in time that their number decides, become part of the mask."""
    valid = rewrite.input(_VALID)
    if valid is None:
        rewrite.keep_inputs(_VALID)
        return
    queries, keys = _places(rewrite)
    count = _per_batch(rewrite, valid)
    allowed = [rewrite.add("Less", [keys, count])]
    if rewrite.integer("is_causal", 0):
        allowed.append(rewrite.add("LessOrEqual", [keys, queries]))
        rewrite.set_attribute("is_causal", 0)
    _restrict(rewrite, both(rewrite, allowed))
    rewrite.keep_inputs(_VALID)


def _per_batch(rewrite: Rewrite, numbers: ir.Value) -> ir.Value:
    """A number for each sample, along the first of four axes."""
    target = rewrite.initializer(np.array([-1, 1, 1, 1], dtype=np.int64), "per_batch")
    return rewrite.add("Reshape", [numbers, target])


def _places(rewrite: Rewrite) -> tuple[ir.Value, ir.Value]:
    """Where each query and each key stands in time: (..., queries, 1) and (keys)."""
    query, key = rewrite.required(0), rewrite.required(1)
    past, valid = rewrite.input(_PAST_KEY), rewrite.input(_VALID)
    queries = positions(rewrite, [query], column=True)
    keys = positions(rewrite, [key] if past is None else [past, key])
    if past is not None:
        queries = rewrite.add("Add", [queries, _length_of(rewrite, past)])
    elif valid is not None:
        before = rewrite.add("Sub", [_per_batch(rewrite, valid), _length_of(rewrite, query)])
        queries = rewrite.add("Add", [queries, before])
    return queries, keys


def _length_of(rewrite: Rewrite, value: ir.Value) -> ir.Value:
    """The number of steps in time of queries, keys or values, as a tensor of one element."""
    length = rewrite.lengths(value)[-2]
    if isinstance(length, int):
        return rewrite.initializer(np.array([length], dtype=np.int64), "steps")
    return rewrite.add("Shape", [value], {"start": -2, "end": -1})


def _restrict(rewrite: Rewrite, allowed: ir.Value) -> None:
    """Let the mask of the node also ask for ``allowed``."""
    mask = rewrite.input(_MASK)
    if mask is None:
        rewrite.set_input(_MASK, allowed)
        return
    mask = reaching(rewrite, mask, _keys(rewrite))
    if mask.dtype == ir.DataType.BOOL:
        rewrite.set_input(_MASK, rewrite.add("And", [mask, allowed]))
        return
    zero, never = (rewrite.number(number, mask, "masked") for number in (0, -np.inf))
    masked = rewrite.add("Where", [allowed, zero, never])
    rewrite.set_input(_MASK, rewrite.add("Add", [mask, masked]))


def _keys(rewrite: Rewrite) -> list[ir.Value]:
    """The tensors whose steps in time are attended to, one after the other."""
    past = rewrite.input(_PAST_KEY)
    return [rewrite.required(1)] if past is None else [past, rewrite.required(1)]


@dataclass(frozen=True)
class _Heads:
    """Queries, keys and values of shape (batch, heads, steps, size)."""

    query: ir.Value
    key: ir.Value
    value: ir.Value
    packed: bool
    """Whether the heads came, and go, side by side along the last of three axes."""


@adapts("Attention", 23, 22)
def attention_23_to_22(rewrite: Rewrite) -> None:
    """Scores, the mask added, Softmax in the type that is asked for, and the mean of the values."""
    heads = _heads(rewrite)
    kind = heads.query.dtype
    assert kind is not None
    mode = rewrite.integer("qk_matmul_output_mode", 0)
    key, value = (_repeated(rewrite, heads.query, one) for one in (heads.key, heads.value))
    raw = _scores(rewrite, heads.query, key)
    capped = _capped(rewrite, raw)
    precise = _precise(ir.DataType(rewrite.integer("softmax_precision", int(kind))))
    scores = _cast(rewrite, capped, precise)
    mask = mask_of(rewrite, rewrite.input(_MASK), _keys(rewrite), heads.query)
    masked = scores
    if mask is not None:
        if mode == _AFTER_MASK and rewrite.is_used(3):  # where it may be infinite
            masked = rewrite.add(
                "Add", [scores, _cast(rewrite, added(rewrite, mask, precise.numpy()), precise)]
            )
        scores = rewrite.add("Add", [scores, _cast(rewrite, finite(rewrite, mask), precise)])
    probabilities = rewrite.add("Softmax", [scores], {"axis": -1})
    if mask is not None:
        probabilities = some_key(rewrite, mask, probabilities)
    probabilities = _cast(rewrite, probabilities, kind)
    result = rewrite.add("MatMul", [probabilities, value])
    if heads.packed:
        result = _packed(rewrite, result)
    debug = {1: capped, _AFTER_MASK: _cast(rewrite, masked, kind), 3: probabilities}.get(mode, raw)
    results = [result, heads.key, heads.value, debug]
    used = [index for index in range(len(results)) if rewrite.is_used(index)]
    # A value may stand for one output only: what is used twice is handed on.
    kept = results[: max(used, default=0) + 1]
    rewrite.replace(*[rewrite.add("Identity", [one]) if index else one for index, one in enumerate(kept)])


_AFTER_MASK = 2


def _precise(kind: ir.DataType) -> ir.DataType:
    """The type of Softmax where ``kind`` is asked for: half precision is too narrow for a masked score."""
    return ir.DataType.DOUBLE if kind == ir.DataType.DOUBLE else ir.DataType.FLOAT


def _cast(rewrite: Rewrite, value: ir.Value, kind: ir.DataType) -> ir.Value:
    return value if value.dtype == kind else rewrite.add("Cast", [value], {"to": int(kind)})


def _heads(rewrite: Rewrite) -> _Heads:
    """The inputs with their heads along the second axis, past keys and values before the new ones."""
    query, key, value = (rewrite.required(index) for index in range(3))
    packed = rewrite.rank(query) == len(("batch", "steps", "size"))
    if packed:
        counts = {name: rewrite.integer(name, 0) for name in ("q_num_heads", "kv_num_heads")}
        if 0 in counts.values():
            raise CannotAdapt("its inputs have three axes, and the number of heads is not given")
        query = _apart(rewrite, query, counts["q_num_heads"])
        key, value = (_apart(rewrite, one, counts["kv_num_heads"]) for one in (key, value))
    past_key, past_value = rewrite.input(_PAST_KEY), rewrite.input(_PAST_VALUE)
    if past_key is not None and past_value is not None:
        key = rewrite.add("Concat", [past_key, key], {"axis": 2})
        value = rewrite.add("Concat", [past_value, value], {"axis": 2})
    return _Heads(query, key, value, packed)


def _apart(rewrite: Rewrite, value: ir.Value, count: int) -> ir.Value:
    """(batch, steps, heads * size) as (batch, heads, steps, size)."""
    target = rewrite.initializer(np.array([0, 0, count, -1], dtype=np.int64), "heads")
    return rewrite.add("Transpose", [rewrite.add("Reshape", [value, target])], {"perm": [0, 2, 1, 3]})


def _packed(rewrite: Rewrite, value: ir.Value) -> ir.Value:
    """(batch, heads, steps, size) as (batch, steps, heads * size)."""
    target = rewrite.initializer(np.array([0, 0, -1], dtype=np.int64), "packed")
    return rewrite.add("Reshape", [rewrite.add("Transpose", [value], {"perm": [0, 2, 1, 3]}), target])


def _repeated(rewrite: Rewrite, query: ir.Value, value: ir.Value) -> ir.Value:
    """Keys or values with each head as often as queries share it."""
    wanted, own = rewrite.length(query, 1), rewrite.length(value, 1)
    if wanted == own:
        return value
    if wanted % own:
        raise CannotAdapt(f"its {wanted} heads of queries do not share {own} heads of keys evenly")
    shared = rewrite.initializer(np.repeat(np.arange(own, dtype=np.int64), wanted // own), "shared")
    return rewrite.add("Gather", [value, shared], {"axis": 1})


def _scores(rewrite: Rewrite, query: ir.Value, key: ir.Value) -> ir.Value:
    """The products of scaled queries and keys."""
    if rewrite.has("scale"):
        scale = rewrite.real("scale", 1.0)
    elif is_open(rewrite.lengths(query)[3]):
        raise CannotAdapt("its scale is the root of a size of heads that is not fixed")
    else:
        scale = 1 / sqrt(rewrite.length(query, 3))
    turned = rewrite.add("Transpose", [key], {"perm": [0, 1, 3, 2]})
    factor = rewrite.number(sqrt(scale), query, "scale")
    scaled = [rewrite.add("Mul", [one, factor]) for one in (query, turned)]
    return rewrite.add("MatMul", scaled)


def _capped(rewrite: Rewrite, scores: ir.Value) -> ir.Value:
    """The scores pressed between minus and plus ``softcap``, where that is given."""
    cap = rewrite.real("softcap", 0.0)
    if not cap:
        return scores
    limit = rewrite.number(cap, scores, "softcap")
    pressed = rewrite.add("Tanh", [rewrite.add("Div", [scores, limit])])
    return rewrite.add("Mul", [pressed, limit])

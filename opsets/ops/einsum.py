"""Einsum: new at 12."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from opsets.errors import CannotAdapt
from opsets.facts.lengths import Length
from opsets.families.shapes import reshape
from opsets.registry import adapts
from opsets.rewrite import Rewrite


@dataclass(frozen=True)
class Term:
    """A tensor and the letter of each of its axes."""

    value: ir.Value
    letters: str


@adapts("Einsum", 12, 11)
def einsum_12_to_11(rewrite: Rewrite) -> None:
    """MatMul or Mul of one operand after the other: exact but for the order of the sums."""
    operands = [rewrite.required(index) for index in range(len(rewrite.node.inputs))]
    letters, wanted = parsed(rewrite.text("equation", ""), [rewrite.rank(value) for value in operands])
    terms = [Term(value, own) for value, own in zip(operands, letters, strict=True)]
    lengths = _lengths(rewrite, terms)
    terms = [_without_copied(rewrite, _diagonal(rewrite, term), lengths) for term in terms]
    for index, term in enumerate(terms):
        needed = wanted + "".join(other.letters for other in terms[:index] + terms[index + 1 :])
        terms[index] = _summed(rewrite, term, needed)
    result = terms[0]
    for index in range(1, len(terms)):
        needed = wanted + "".join(other.letters for other in terms[index + 1 :])
        result = _summed(rewrite, _product(rewrite, result, terms[index], needed, lengths), needed)
    value = _ordered(rewrite, result, wanted).value
    if value is terms[0].value and value in operands:
        value = rewrite.add("Identity", [value])
    rewrite.replace(value)


def parsed(equation: str, ranks: list[int]) -> tuple[list[str], str]:
    """The letters of each operand's axes and of the result's; digits stand for what ``...`` covers.

    Raises :class:`CannotAdapt` where ``equation`` does not fit operands of these numbers of axes.
    """
    left, arrow, right = equation.replace(" ", "").partition("->")
    parts = left.split(",")
    if len(parts) != len(ranks):
        raise CannotAdapt(f"its equation {equation!r} is not of {len(ranks)} operands")
    covered = [
        rank - len(part.replace("...", "")) if "..." in part else 0
        for part, rank in zip(parts, ranks, strict=True)
    ]
    most = max(covered, default=0)
    if most > 10 or min(covered, default=0) < 0:
        raise CannotAdapt(f"its equation {equation!r} does not fit operands of {ranks} axes")
    digits = "0123456789"[:most]  # aligned at their ends, as broadcasting does
    letters = [
        part.replace("...", digits[most - count :]) for part, count in zip(parts, covered, strict=True)
    ]
    if [len(own) for own in letters] != ranks:
        raise CannotAdapt(f"its equation {equation!r} does not fit operands of {ranks} axes")
    if not arrow:
        every = "".join(parts).replace(".", "")
        right = "..." + "".join(letter for letter in sorted(set(every)) if every.count(letter) == 1)
    return letters, right.replace("...", digits)


def _lengths(rewrite: Rewrite, terms: list[Term]) -> dict[str, Length]:
    """The length of each letter: the one that is not 1, if there is one."""
    result: dict[str, Length] = {}
    for term in terms:
        for letter, length in zip(term.letters, rewrite.lengths(term.value), strict=True):
            if result.get(letter, 1) == 1:
                result[letter] = length
    return result


def _diagonal(rewrite: Rewrite, term: Term) -> Term:
    """Each letter once: where two axes have one, their places are counted as one axis and picked from."""
    for letter in dict.fromkeys(term.letters):
        while term.letters.count(letter) > 1:
            first = term.letters.index(letter)
            second = term.letters.index(letter, first + 1)
            others = [axis for axis in range(len(term.letters)) if axis not in (first, second)]
            moved = _transposed(rewrite, term.value, [*others, first, second])
            length = rewrite.length(moved, -1)
            flat = reshape(rewrite, moved, [*rewrite.lengths(moved)[:-2], length * length])
            places = rewrite.initializer(np.arange(length, dtype=np.int64) * (length + 1), "diagonal")
            value = rewrite.add("Gather", [flat, places], {"axis": len(others)})
            term = Term(value, "".join(term.letters[axis] for axis in others) + letter)
    return term


def _without_copied(rewrite: Rewrite, term: Term, lengths: dict[str, Length]) -> Term:
    """Drop the axes of length 1 whose letter is longer elsewhere: what remains is copied along them."""
    own = rewrite.lengths(term.value)
    copied = [axis for axis, letter in enumerate(term.letters) if own[axis] == 1 != lengths[letter]]
    if not copied:
        return term
    left = "".join(letter for axis, letter in enumerate(term.letters) if axis not in copied)
    return Term(rewrite.add("Squeeze", [term.value], {"axes": copied}), left)


def _summed(rewrite: Rewrite, term: Term, needed: str) -> Term:
    axes = [axis for axis, letter in enumerate(term.letters) if letter not in needed]
    if not axes:
        return term
    value = rewrite.add("ReduceSum", [term.value], {"axes": axes, "keepdims": 0})
    return Term(value, "".join(letter for letter in term.letters if letter in needed))


def _product(rewrite: Rewrite, a: Term, b: Term, needed: str, lengths: dict[str, Length]) -> Term:
    """The product of two terms, summed over the letters that both have and nothing needs."""
    shared = [letter for letter in a.letters if letter in b.letters]
    batch = "".join(letter for letter in shared if letter in needed)
    inner = "".join(letter for letter in shared if letter not in needed)
    rows = "".join(letter for letter in a.letters if letter not in shared)
    columns = "".join(letter for letter in b.letters if letter not in shared)
    if not inner:
        return _outer(rewrite, a, b, batch, rows, columns)
    if not batch and len(columns) > 1 and len(rows) <= 1:
        a, b, rows, columns = b, a, columns, rows  # the matrix stands on the right
    left, right = _ordered(rewrite, a, batch + rows + inner), _ordered(rewrite, b, batch + inner + columns)
    # Axes before a matrix on the right need not become one: MatMul takes each by itself.
    spread = len(rows) if not batch and len(inner) == 1 and len(columns) == 1 and rows else 0
    first = left.value
    if not spread:
        first = _merged(rewrite, left, len(batch), [rows, inner], lengths)
    second = _merged(rewrite, right, len(batch), [inner, columns], lengths)
    value = rewrite.add("MatMul", [first, second])
    if not spread:
        value = _taken_apart(rewrite, value, batch, rows, columns, lengths)
    return Term(value, batch + rows + columns)


def _outer(rewrite: Rewrite, a: Term, b: Term, batch: str, rows: str, columns: str) -> Term:
    first = _ordered(rewrite, a, batch + rows).value
    second = _ordered(rewrite, b, batch + columns).value
    start, middle = len(batch), len(batch) + len(rows)
    if columns and (batch or rows):
        first = rewrite.add("Unsqueeze", [first], {"axes": list(range(middle, middle + len(columns)))})
    if rows and batch:
        second = rewrite.add("Unsqueeze", [second], {"axes": list(range(start, middle))})
    return Term(rewrite.add("Mul", [first, second]), batch + rows + columns)


def _merged(
    rewrite: Rewrite, term: Term, batch: int, groups: list[str], lengths: dict[str, Length]
) -> ir.Value:
    """The batch axes, and one axis for each of the two ``groups`` of letters."""
    if all(len(group) == 1 for group in groups):
        return term.value
    if len(groups[0] + groups[1]) == 1:
        axis = batch if not groups[0] else batch + 1
        return rewrite.add("Unsqueeze", [term.value], {"axes": [axis]})
    own = rewrite.lengths(term.value)[:batch]
    return reshape(rewrite, term.value, [*own, *(_size(group, lengths) for group in groups)])


def _taken_apart(
    rewrite: Rewrite, value: ir.Value, batch: str, rows: str, columns: str, lengths: dict[str, Length]
) -> ir.Value:
    """The axes of a product, of which each group of letters was one."""
    if len(rows) == len(columns) == 1:
        return value
    if len(rows) <= 1 and len(columns) <= 1:
        axes = [len(batch) + place for place, group in enumerate((rows, columns)) if not group]
        return rewrite.add("Squeeze", [value], {"axes": axes})
    own = rewrite.lengths(value)[: len(batch)]
    return reshape(rewrite, value, [*own, *(lengths[letter] for letter in rows + columns)])


def _size(group: str, lengths: dict[str, Length]) -> Length:
    size: Length = 1
    for letter in group:
        size = size * lengths[letter]
    return size


def _ordered(rewrite: Rewrite, term: Term, wanted: str) -> Term:
    return Term(_transposed(rewrite, term.value, [term.letters.index(one) for one in wanted]), wanted)


def _transposed(rewrite: Rewrite, value: ir.Value, order: list[int]) -> ir.Value:
    return value if order == sorted(order) else rewrite.add("Transpose", [value], {"perm": order})

"""What is known about each operator's boundaries: an adapter, or a claim that nothing changes.

A boundary is crossed in steps, such as 13 to 12 and 12 to 13. Each step has exactly one entry; a second
one is a mistake and stops the import.
"""

from __future__ import annotations

from collections.abc import Callable

from opsets.errors import CannotAdapt
from opsets.rewrite import Rewrite

Adapter = Callable[[Rewrite], None]
Step = tuple[str, int, int]
"""An operator, the opset that its step leaves, and the one that it leads to: one more or one less."""

ADAPTERS: dict[Step, Adapter] = {}
UNCHANGED: dict[Step, str] = {}
IMPOSSIBLE: dict[Step, str] = {}


def _claim(operator: str, leaves: int, reaches: int) -> Step:
    if abs(leaves - reaches) != 1:
        raise ValueError(f"{operator} {leaves} to {reaches} is not one step")
    step = (operator, leaves, reaches)
    if step in ADAPTERS or step in UNCHANGED or step in IMPOSSIBLE:
        raise ValueError(f"{operator} {leaves} to {reaches} is registered twice")
    return step


def adapts(operator: str, leaves: int, reaches: int) -> Callable[[Adapter], Adapter]:
    """Register a function that rewrites one ``operator`` node of opset ``leaves`` for ``reaches``."""
    step = _claim(operator, leaves, reaches)

    def register(adapter: Adapter) -> Adapter:
        ADAPTERS[step] = adapter
        return adapter

    return register


def unchanged(operator: str, leaves: int, reaches: int, why: str) -> None:
    """Claim that a node keeps its form and meaning in the step; a test executes each claim."""
    UNCHANGED[_claim(operator, leaves, reaches)] = why


def alike(operator: str, newer: int, older: int, why: str) -> None:
    """Claim that ``operator`` has one form and one meaning at both opsets: nothing changes down or up."""
    unchanged(operator, newer, older, why)
    unchanged(operator, older, newer, why)


def refuses(operator: str, newer: int, older: int, why: str) -> None:
    """Register an adapter that refuses every node: no older form of ``operator`` is known.

    There may be one: a Loop and arithmetic say much that nobody would want to run.
    """

    @adapts(operator, newer, older)
    def refuse(_rewrite: Rewrite) -> None:
        raise CannotAdapt(why)


def impossible(operator: str, newer: int, older: int, why: str) -> None:
    """Declare that no older form says what ``operator`` says at ``newer``; ``why`` is the proof.

    It has to hold of every node, whatever its attributes and shapes, whose inputs may be anything and
    whose output is wanted. A refusal calls ``newer`` the lowest possible opset of such a node alone:
    of what stands between other nodes, the graph around it may be said in another way.
    """
    IMPOSSIBLE[_claim(operator, newer, older)] = why

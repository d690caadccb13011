"""What stands in a model's way down or up: every kind of obstacle once, said of the source's nodes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

import onnx_ir as ir

from opsets.nodes import nodes_of

ORIGIN = "origin"
"""The key of ``ir.Node.meta`` under which the node of the source stands that a node was made of."""


@dataclass(frozen=True)
class Origin:
    """A node of the source."""

    operator: str
    name: str

    def __str__(self) -> str:
        return f"{self.operator} (node {self.name!r})"


@dataclass(frozen=True)
class Obstacle:
    """A node that stops at ``opset``."""

    origin: Origin
    operator: str
    """What stands for the origin at ``opset``."""
    opset: int
    reaches: int
    """The opset that the step leads to."""
    reason: str
    kind: Hashable
    """Equal for obstacles that differ in nothing but the node."""
    is_final: bool = False
    """Whether it is proven that no older form says what the node says; of the way up nothing is."""
    is_defect: bool = False
    """Whether the node could not even be read: the model is not valid, or we are wrong."""

    @property
    def node(self) -> str:
        """The node of the source, and what it has become where that is another operator."""
        made = "" if self.operator == self.origin.operator else f", by now {self.operator}"
        return f"{self.origin}{made}"

    @property
    def is_proven(self) -> bool:
        """Whether nothing older can be; of what we made of the source's node something else might."""
        return self.is_final and self.operator == self.origin.operator


def name_origins(model: ir.Model) -> None:
    """Let every node of ``model`` know that it is one of the source; what is made of it says so too."""
    for node in nodes_of(model.graph):
        node.meta[ORIGIN] = Origin(node.op_type, node.name or node.outputs[0].name or "")


def origin_of(node: ir.Node) -> Origin:
    """The node of the source that ``node`` was made of."""
    origin = node.meta.get(ORIGIN)
    return origin if isinstance(origin, Origin) else Origin(node.op_type, node.name or "")


def described(obstacles: Iterable[Obstacle], advice: Mapping[Obstacle, str]) -> str:
    """All ``obstacles`` in one line: of each kind the first node, the number of others, and ``advice``."""
    kinds: dict[Hashable, list[Obstacle]] = {}
    for obstacle in obstacles:
        key = (obstacle.origin.operator, obstacle.operator, obstacle.opset, obstacle.kind)
        kinds.setdefault(key, []).append(obstacle)
    lines = [_line(alike, advice) for alike in kinds.values()]
    if len(lines) == 1:
        return lines[0]
    numbered = "; ".join(f"({number}) {line}" for number, line in enumerate(lines, 1))
    return f"{len(lines)} obstacles: {numbered}"


def _line(alike: list[Obstacle], advice: Mapping[Obstacle, str]) -> str:
    first, others = alike[0], len({obstacle.origin for obstacle in alike}) - 1
    more = f" and {others} more like it" if others else ""
    helps = all(obstacle in advice for obstacle in alike)
    beyond = "below" if first.reaches < first.opset else "above"
    parts = [
        f"{first.node}{more}, opset {first.opset} to {first.reaches}: {first.reason}",
        f"the lowest possible opset is {first.opset}"
        if first.is_proven and not helps
        else f"it is not known to be possible {beyond} opset {first.opset}",
    ]
    return "; ".join([*parts, advice[first]] if helps else parts)

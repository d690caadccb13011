"""What a quantisation may do, and what it has to reach."""

from __future__ import annotations

from dataclasses import dataclass, field

from quantization.gate import Gate
from quantization.ranges import METHODS, Method


@dataclass(frozen=True)
class Settings:
    """``method`` and ``percentile`` are those of the first try; the other methods come after it.

    At most ``max_float_share`` of the multiply-adds stay in float32. With ``keep_io_types``, inputs and
    outputs of a model in float16 stay in float32.
    """

    method: Method = "percentile"
    percentile: float = 99.99
    gate: Gate = field(default_factory=Gate)
    max_float_share: float = 0.1
    keep_io_types: bool = True

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods in the order in which they are tried."""
        return (self.method, *(method for method in METHODS if method != self.method))

"""BatchNormalization: ``training_mode`` since 14; 15 changed only the accepted types."""

from __future__ import annotations

from opsets.errors import CannotAdapt
from opsets.graph import Rewrite
from opsets.registry import adapts


@adapts("BatchNormalization", 14, 13)
def batch_normalization_14_to_13(rewrite: Rewrite) -> None:
    """Below 14 the number of outputs says whether it trains: an inference has one."""
    if rewrite.integer("training_mode", 0):
        raise CannotAdapt("it is in training mode; export the model in eval mode")
    rewrite.drop_attribute("training_mode")
    rewrite.keep_outputs(1)

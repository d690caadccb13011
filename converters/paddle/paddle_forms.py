"""From the form of a PaddleClas network for training to its form for inference, where it has two.

Each block of such a network (RepVGG, PP-LCNetV2) sums branches that lie side by side, and can put
one convolution in their place: Ding et al., "RepVGG: Making VGG-style ConvNets Great Again", 2021
(arXiv:2101.03697).
"""

from __future__ import annotations

from typing import Any, List

import paddle

from protocol import EXPORT, MODEL, TaskError

BRANCHES = (
    *("rbr_dense", "rbr_1x1", "rbr_identity", "id_tensor"),  # RepVGGBlock
    "dw_conv_list",  # RepDepthwiseSeparable
    *("dbb_origin", "dbb_avg", "dbb_1x1", "dbb_1x1_kxk"),  # DiverseBranchBlock, which removes them itself
)
"""What only the form for training needs of a block. PaddleClas keeps it, as large as the rest, in memory."""


def reparameterise(network: Any, model: str) -> int:
    """Bring ``network`` into its form for inference, in place; return the number of blocks that were fused.

    Raises TaskError where there is no block to fuse, or where one did not switch.
    """
    blocks = _blocks(network)
    if not blocks:
        raise no_such_form(model)
    with paddle.no_grad():
        for block in blocks:
            _fuse(block, model)
    network.eval()
    return len(blocks)


def no_such_form(model: str) -> TaskError:
    """The error of a model that has no blocks to fuse."""
    return TaskError(
        MODEL,
        f"{model} has no blocks of several branches that could be fused for inference: "
        "remove `reparameterise` from its entry",
    )


def _blocks(network: Any) -> List[Any]:
    """The blocks that can be fused; one without several branches has the same class and use_rep=False."""
    return [
        layer
        for layer in network.sublayers()
        if hasattr(layer, "re_parameterize") and not layer.is_repped and getattr(layer, "use_rep", True)
    ]


def _fuse(block: Any, model: str) -> None:
    """Fuse ``block`` and take its branches away: a forward pass that still asked for them would fail."""
    tensors = len(block.state_dict())
    block.re_parameterize()
    for name in BRANCHES:
        if hasattr(block, name):
            delattr(block, name)
    if not block.is_repped or len(block.state_dict()) >= tensors:
        raise TaskError(
            EXPORT,
            f"a {type(block).__name__} of {model} kept its branches for training: remove `reparameterise` "
            "from its entry, or take another version of PaddleClas",
        )

"""What PaddleClas 2.6.0 cannot run of its own networks, said as its authors have it before and after it.

- ``SwinTransformerV2``: half of what is to let it take pictures of any size is there, and asks for variables
  that nobody sets (https://github.com/PaddlePaddle/PaddleClas/issues/3398). Here it takes pictures of its own
  size, as in https://github.com/PaddlePaddle/PaddleClas/pull/3272.
- ``SwinTransformer_*_SOLIDER``: its blocks are those of another network, which were given one more argument
  since, and it wants a tensor on a GPU.
"""

from __future__ import annotations

from typing import Any, Dict, Sequence, Tuple

import paddle
from ppcls.arch.backbone.model_zoo import swin_transformer_v2 as version_2
from ppcls.arch.backbone.variant_models.swin_transformer_variant import BasicLayer_SOLIDER

BLOCKED = -100.0
"""What is added to the attention between places that were no neighbours before the shift."""


REPAIRED = version_2.SwinTransformerBlock, BasicLayer_SOLIDER
"""Layers of which a network has some if it is among those above."""


def form_of(network: Any) -> Dict[str, str]:
    """What the answer says of ``network``, where it is not as PaddleClas has it."""
    if not any(isinstance(layer, REPAIRED) for layer in network.sublayers()):
        return {}
    return {"form": "as PaddleClas builds it, but for what PaddleClas itself cannot run: that is repaired"}


def repair() -> None:
    """Let the networks answer that this build of Paddle and of PaddleClas cannot run."""
    paddle.Tensor.cuda = _stays
    BasicLayer_SOLIDER.forward = _in_turn
    version_2.SwinTransformerBlock.__init__ = _with_mask(version_2.SwinTransformerBlock.__init__)
    version_2.SwinTransformerBlock.forward = _attend
    version_2.PatchMerging.forward = _merge
    version_2.PatchEmbed.forward = _embed


def _stays(tensor: Any, *_device: Any, **_more: Any) -> Any:
    return tensor


def _in_turn(layer: Any, tokens: Any) -> Tuple[Any, Any]:
    """What the blocks of a layer make of ``tokens``, merged where it merges, and as it was before."""
    for block in layer.blocks:
        tokens = block(tokens, layer.input_resolution)
    return tokens if layer.downsample is None else layer.downsample(tokens), tokens


def _with_mask(initialise: Any) -> Any:
    def initialise_with_mask(block: Any, *arguments: Any, **named: Any) -> None:
        initialise(block, *arguments, **named)
        block.register_buffer("attn_mask", _mask(block) if block.shift_size else None)

    return initialise_with_mask


def _mask(block: Any) -> Any:
    """What is added to the attention in each window of a shifted picture, (windows, places, places).

    The shift brings the first rows and columns behind the last ones, which they do not attend to.
    """
    side, shift = block.window_size, block.shift_size
    rows, columns = (
        paddle.to_tensor([0] * (length - side) + [1] * (side - shift) + [2] * shift)
        for length in block.input_resolution
    )
    region = (3 * rows.unsqueeze(1) + columns).reshape([1, *block.input_resolution, 1])
    windows = version_2.window_partition(region, side).reshape([-1, side * side])
    return (windows.unsqueeze(1) != windows.unsqueeze(2)).astype("float32") * BLOCKED


def _attend(block: Any, tokens: Any, _dimensions: Sequence[int]) -> Any:
    """The block on ``tokens`` (N, height x width, channels)."""
    (height, width), side, shift = block.input_resolution, block.window_size, block.shift_size
    channels = tokens.shape[2]
    picture = tokens.reshape([-1, height, width, channels])
    if shift:
        picture = paddle.roll(picture, (-shift, -shift), (1, 2))
    windows = version_2.window_partition(picture, side).reshape([-1, side * side, channels])
    attended = block.attn(windows, mask=block.attn_mask).reshape([-1, side, side, channels])
    picture = version_2.window_reverse(attended, side, height, width)
    if shift:
        picture = paddle.roll(picture, (shift, shift), (1, 2))
    tokens = tokens + block.drop_path(block.norm1(picture.reshape([-1, height * width, channels])))
    return tokens + block.drop_path(block.norm2(block.mlp(tokens)))


def _merge(merging: Any, tokens: Any, _dimensions: Sequence[int]) -> Any:
    """A quarter of ``tokens`` (N, height x width, channels), each made of four neighbours."""
    height, width = merging.input_resolution
    channels = tokens.shape[2]
    fours = tokens.reshape([-1, height // 2, 2, width // 2, 2, channels]).transpose([0, 1, 3, 4, 2, 5])
    fours = fours.reshape([-1, height * width // 4, 4 * channels])
    return merging.norm(merging.reduction(fours))


def _embed(embedding: Any, pictures: Any) -> Tuple[Any, Sequence[int]]:
    """The tokens of ``pictures``, and how many of them are below and beside each other."""
    tokens = embedding.proj(pictures).flatten(2).transpose([0, 2, 1])
    return tokens if embedding.norm is None else embedding.norm(tokens), embedding.patches_resolution

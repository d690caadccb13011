"""What the layers of a Paddle network answer with, told while it runs."""

from __future__ import annotations

from typing import Any

import paddle

from tracing import Recorder


def tell_of_layers(network: Any, recorder: Recorder) -> None:
    """Let every layer inside of ``network`` tell ``recorder`` what it answers with, each time that it does.

    Functions that are no layers tell nothing.
    """
    for name, layer in network.named_sublayers():
        layer.register_forward_post_hook(_hook(name, recorder))


def _hook(name: str, recorder: Recorder) -> Any:
    def tell(layer: Any, inputs: Any, answer: Any) -> None:
        answers = answer if isinstance(answer, (list, tuple)) else [answer]
        arrays = [each.numpy() for each in answers if isinstance(each, paddle.Tensor)]
        recorder.note(name, type(layer).__name__, arrays[0] if len(arrays) == 1 else arrays)

    return tell

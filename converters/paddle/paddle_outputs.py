"""Networks of Paddle that answer with several tensors: one of them is published."""

from __future__ import annotations

from typing import Any, Dict, Tuple

import paddle

from chosen_output import Port, choose, said_of


def described(value: Any) -> str:
    """Type and shape of a tensor, or of a value of a program, -1 for an open axis: ``float32 [-1, 10]``."""
    return f"{str(value.dtype).rpartition('.')[2].lower()} {list(value.shape)}"


class OneOutput(paddle.nn.Layer):  # type: ignore[misc]
    """A network that answers with one of its outputs alone, such as its logits without auxiliary heads."""

    def __init__(self, network: Any, position: int) -> None:
        super().__init__()
        self.network, self.position = network, position

    def forward(self, pictures: Any) -> Any:
        return self.network(pictures)[self.position]


def with_one_output(network: Any, answer: Any, request: Dict[str, Any]) -> Tuple[Any, Any, Dict[str, Any]]:
    """``network``, made to answer with one output; that of ``answer``; and what is said of it.

    Of the framework's networks the first output is the one of logits, with auxiliary heads behind it, where
    the request says nothing else.
    """
    several = isinstance(answer, (list, tuple))
    answers = list(answer) if several else [answer]
    ports = [Port("", described(each)) for each in answers]
    asked = request["options"]["output"]
    position = choose(ports, 0 if asked is None else asked, request["model"])
    if several:
        network = OneOutput(network, position)
        network.eval()
    return network, answers[position], said_of(ports, position)

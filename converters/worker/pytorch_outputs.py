"""Networks that answer with several tensors: one of them is published."""

from __future__ import annotations

from typing import Any, Dict, Iterator, NamedTuple, Tuple

import numpy as np
import numpy.typing as npt
import torch

from chosen_output import Asked, Port, choose, said_of
from protocol import EXPORT, TaskError

Array = npt.NDArray[np.float32]


class _Part(NamedTuple):
    """A value in what a network answers with."""

    name: str
    """Empty where it is below no key."""
    steps: Tuple[Any, ...]
    """The keys and positions that lead to it."""
    value: Any


def _parts(answer: Any, name: str = "", steps: Tuple[Any, ...] = ()) -> Iterator[_Part]:
    """All that ``answer`` holds, in its order: lists, tuples and mappings are taken apart, None is left out.

    The names are the keys of mappings and the fields of named tuples, those of inner ones joined by dots.
    """
    if answer is None:
        return
    if isinstance(answer, dict):
        held = [(str(key), key, value) for key, value in answer.items()]
    elif isinstance(answer, (list, tuple)):
        numbers = [str(position) if name else "" for position in range(len(answer))]
        fields = getattr(answer, "_fields", numbers)
        held = list(zip(fields, range(len(answer)), answer))
    else:
        yield _Part(name, steps, answer)
        return
    for key, step, value in held:
        yield from _parts(value, f"{name}.{key}" if name else key, (*steps, step))


def _at(answer: Any, steps: Tuple[Any, ...]) -> Any:
    for step in steps:
        answer = answer[step]
    return answer


def _archive_with(network: Any, steps: Tuple[Any, ...]) -> Any:
    """A TorchScript archive, which takes no hooks, as one that answers with what is at ``steps`` alone."""
    around = torch.nn.Module()
    around.network = network
    archive = torch.jit.script(around)
    lines = ["def forward(self, pictures: Tensor):", "    part0 = self.network(pictures)"]
    for number, step in enumerate(steps):
        lines += [
            f"    part{number + 1} = part{number}[{step!r}]",
            f"    assert part{number + 1} is not None",  # it may be declared as Optional
        ]
    archive.define("\n".join([*lines, f"    return part{len(steps)}", ""]))
    return archive.eval()


def with_one_output(network: Any, picture: Any, asked: Asked, model: str) -> Tuple[Any, Any, Dict[str, Any]]:
    """``network``, made to answer with the output that is asked for; what that is now; what is said of it.

    ``picture`` is float32 (1, C, H, W). A plain module is changed in place and keeps the names of its
    weights. Raises TaskError where there are several outputs and nobody says which, or none as asked for.
    """
    with torch.inference_mode():
        answer = network(picture)
    parts = list(_parts(answer))
    if not parts:
        return network, answer, {}
    ports = [Port(part.name, _described(part.value)) for part in parts]
    position = choose(ports, asked, model)
    _, steps, value = parts[position]
    if steps and isinstance(network, torch.jit.ScriptModule):
        network = _archive_with(network, steps)
    elif steps:
        network.register_forward_hook(lambda module, inputs, whole: _at(whole, steps))
    return network, value, said_of(ports, position)


def _described(value: Any) -> str:
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    return f"{str(value.dtype).rpartition('.')[2]} {tuple(value.shape)}"


def logits_in(answer: Any, pictures: Any, model: str) -> Array:
    """What a network answers with to ``pictures``, float32 (N, classes). Raises TaskError where it is not."""
    if not isinstance(answer, torch.Tensor) or not answer.is_floating_point():
        kind = f"tensor of {answer.dtype}" if isinstance(answer, torch.Tensor) else type(answer).__name__
        raise TaskError(
            EXPORT,
            f"{model} answers with a {kind}, not with one tensor of logits: it cannot be published as a "
            "classifier",
        )
    if len(pictures) == 1 and answer.ndim == 1:
        answer = answer.unsqueeze(0)  # it squeezes all axes of length 1, the batch's with them
    if answer.ndim != 2 or len(answer) != len(pictures):
        raise TaskError(
            EXPORT,
            f"{model} answers {len(pictures)} pictures with a tensor of shape {tuple(answer.shape)}, "
            "not (pictures, classes): it cannot be published as a classifier",
        )
    logits: Array = answer.float().numpy()
    return logits

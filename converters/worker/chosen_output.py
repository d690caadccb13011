"""Which of several outputs of a network holds the scores: what there is, and what a request asks for.

Standard library only.
"""

from __future__ import annotations

import difflib
from typing import Any, Dict, NamedTuple, Optional, Sequence, Union

from protocol import MODEL, TaskError

Asked = Optional[Union[str, int]]
"""The name or the position, from 0, of the output that is to be published; None where nobody said one."""


class Port(NamedTuple):
    """An output of a network."""

    name: str
    """Empty where it has its position alone."""
    described: str
    """Type and shape, for messages: ``float32 (1, 10)``."""


def choose(ports: Sequence[Port], asked: Asked, model: str) -> int:
    """The position among ``ports`` of the output that is asked for; where there is only one, of that.

    ``model`` is what messages call the network. Raises TaskError where there are several and nobody says
    which, and where there is none as asked for.
    """
    if asked is None:
        if len(ports) == 1:
            return 0
        raise TaskError(
            MODEL,
            f"{model} answers with {listed(ports)}; say which of them holds the scores with `output: "
            f"{ports[0].name or 0}`, or another, in its entry",
        )
    names = [port.name for port in ports]
    if isinstance(asked, int) and asked < len(ports):
        return asked
    if asked in names:
        return names.index(asked)
    near = difflib.get_close_matches(str(asked), [name for name in names if name], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ": correct `output` in its entry"
    raise TaskError(MODEL, f"{model} has no output {asked!r}. It answers with {listed(ports)}{hint}")


def listed(ports: Sequence[Port]) -> str:
    """How many outputs there are, and each with its position, its name, its type and its shape."""
    shown = (
        f"{position} {port.name!r}: {port.described}" if port.name else f"{position}: {port.described}"
        for position, port in enumerate(ports)
    )
    return f"{len(ports)} output{'s' * (len(ports) != 1)} ({'; '.join(shown)})"


def said_of(ports: Sequence[Port], chosen: int) -> Dict[str, Any]:
    """What an answer says of the output at the position ``chosen``; nothing where it is the only one."""
    if len(ports) == 1:
        return {}
    return {"output": {"index": chosen, "name": ports[chosen].name, "of": len(ports)}}

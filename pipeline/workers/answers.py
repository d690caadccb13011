"""What a worker has to answer, by task: a process that went wrong may have left anything in its place.

``converters/worker/protocol.py`` says what each answer means; more may be in it than is looked at here.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class _Form(BaseModel):
    model_config = ConfigDict(strict=True)


class _Failure(_Form):
    kind: str
    message: str


class _Models(_Form):
    models: dict[str, dict[str, Any]]


class _Preprocessing(_Form):
    preprocessing: dict[str, Any]


class _Layers(_Form):
    layers: list[dict[str, str]]


class _Head(_Form):
    classes: int
    origin: str = Field(alias="from")


class _Weights(_Form):
    origin: str
    sha256: str | None
    tensors: int
    file: dict[str, Any] = {}


class _Output(_Form):
    name: str | None
    index: int
    of: int


class _Export(_Form):
    opset: int
    exporter: str
    parameters: int
    head: _Head
    weights: _Weights
    output: _Output | None = None


_FORMS: dict[str, type[_Form]] = {
    "catalogue": _Models,
    "details": _Models,
    "preprocessing": _Preprocessing,
    "trace": _Layers,
    "export": _Export,
}
"""Of other tasks nothing is read but that they were done."""


def fault_of(answer: Any, task: str) -> str | None:
    """What makes ``answer``, a JSON value or None, no answer to a ``task``; None where it is one."""
    if not isinstance(answer, dict) or answer.get("status") not in ("ok", "failed"):
        return "it has no status"
    form = _FORMS.get(task, _Form) if answer["status"] == "ok" else _Failure
    try:
        form.model_validate(answer)
    except ValidationError as error:
        [first, *_] = error.errors()
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return None

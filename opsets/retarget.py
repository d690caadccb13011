"""The door of the room: a model, or a file with one, at an older opset."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from opsets.errors import RetargetError
from opsets.walk import DEFAULT_DOMAINS, lower

LOWEST_TARGET, HIGHEST_TARGET = 3, 12


@dataclass(frozen=True)
class Retargeted:
    """A model at its new opset, and what was rewritten for it."""

    model: onnx.ModelProto
    rewrites: tuple[str, ...]
    """One line per kind of rewrite, such as ``Softmax 13 to 12: 2 nodes``, in the order of the walk."""


def retarget(model: onnx.ModelProto, target: int) -> onnx.ModelProto:
    """``model`` at opset ``target``: see :func:`retarget_with_report`."""
    return retarget_with_report(model, target).model


def retarget_with_report(model: onnx.ModelProto, target: int) -> Retargeted:
    """``model`` at opset ``target`` (3 to 12), and what was rewritten; the input is left as it is.

    The result computes the same from the same inputs, keeps the names of inputs and outputs and the
    bytes of every weight, and passes ``onnx.checker`` in full. Raises :class:`RetargetError`.
    """
    return Retargeted(*lower(model, _opset(model, target), target))


def retarget_file(source: Path, target: int, destination: Path) -> tuple[str, ...]:
    """Write the model of ``source`` at opset ``target`` to ``destination``; what was rewritten.

    ``destination`` appears complete or not at all. Raises :class:`RetargetError`, also where
    ``source`` cannot be read, and OSError where ``destination`` cannot be written.
    """
    try:
        model = onnx.load(source, format="protobuf")
    except (OSError, DecodeError, onnx.checker.ValidationError) as error:
        raise RetargetError(f"cannot read {source} as an ONNX model: {error}") from error
    try:
        result = retarget_with_report(model, target)
    except RetargetError as error:
        raise RetargetError(f"{source}: {error}") from error
    del model  # large models stand in memory twice by now
    with tempfile.TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent) as folder:
        part = Path(folder) / destination.name
        part.write_bytes(result.model.SerializeToString())
        part.replace(destination)
    return result.rewrites


def _opset(model: onnx.ModelProto, target: int) -> int:
    """The opset of ``model``, once it is sure that ``target`` can be asked of it."""
    if not LOWEST_TARGET <= target <= HIGHEST_TARGET:
        raise RetargetError(
            f"opset {target} is out of range: targets are {LOWEST_TARGET} to {HIGHEST_TARGET}"
        )
    imports = {entry.domain: entry.version for entry in model.opset_import}
    current = next((imports[domain] for domain in DEFAULT_DOMAINS if domain in imports), None)
    if current is None:
        raise RetargetError("the model imports no opset of the default domain; is it an ONNX model?")
    if current < target:
        raise RetargetError(
            f"the model is at opset {current}, below the target {target}: opsets are only lowered; "
            f"ask for {current} or less, or export it again at a higher one"
        )
    if current > onnx.defs.onnx_opset_version():
        raise RetargetError(f"the model is at opset {current}, newer than the installed onnx knows")
    return int(current)

"""The door of the room: a model, or a file with one, at another opset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx

from opsets.conversion import Retargeted, convert
from opsets.embedding import EmbeddedSteps, embed
from opsets.errors import AxesError, RetargetError
from opsets.files.storage import read_graph, write
from opsets.reading import DEFAULT_DOMAINS
from opsets.static_axes import StaticAxes

LOWEST_TARGET, HIGHEST_TARGET = 3, 21


def retarget(model: onnx.ModelProto, target: int, static: StaticAxes | None = None) -> onnx.ModelProto:
    """``model`` at opset ``target``: see :func:`retarget_with_report`."""
    return retarget_with_report(model, target, static).model


def retarget_with_report(model: onnx.ModelProto, target: int, static: StaticAxes | None = None) -> Retargeted:
    """``model`` at opset ``target`` (3 to 21), and what was rewritten; the input is left as it is.

    The result computes the same from the same inputs, keeps the names of inputs and outputs and the
    bytes of every weight, and passes ``onnx.checker`` in full. With ``static``, axes that the model leaves
    open have a length, what follows from it is folded, and ``target`` may be the opset that the model has.
    Raises :class:`RetargetError`, and where ``static`` does not suit the model :class:`AxesError`.
    """
    return convert(model, _opset(model, target), target, static)


@dataclass(frozen=True)
class Report:
    """What :func:`retarget_file` did."""

    files: tuple[Path, ...]
    """The file with the model, and the one with its weights where there is one."""
    source_opset: int
    rewrites: tuple[str, ...]
    """As in :class:`Retargeted`."""
    bounds: tuple[str, ...]
    """As in :class:`Retargeted`."""


def retarget_file(
    source: Path,
    target: int,
    destination: Path,
    describe: Callable[[onnx.ModelProto], None] | None = None,
    static: StaticAxes | None = None,
    steps: EmbeddedSteps | None = None,
) -> Report:
    """Write the model of ``source`` at opset ``target`` to ``destination``, as :func:`retarget` makes it.

    ``describe`` may change what the model says of itself, its metadata, before it is written.
    ``steps`` are put into the model at its own opset, before anything else is done.
    Weights go from file to file and are not held in memory. ``destination`` is one file, and appears
    complete or not at all; only above 2 GiB, which no single file may have, do the weights stand beside
    it, in ``<destination>.data``. Raises :class:`RetargetError`, also where ``source`` cannot be read,
    :class:`AxesError`, and OSError where ``destination`` cannot be written.
    """
    model = read_graph(source)
    try:
        opset = _opset(model, target)
        embedded = embed(model, steps) if steps else []
        result = retarget_with_report(model, target, static)
    except AxesError as error:
        raise AxesError(f"{source}: {error}") from error
    except RetargetError as error:
        raise RetargetError(f"{source}: {error}", error.open_axes, is_proven=error.is_proven) from error
    if describe:
        describe(result.model)
    files = write(result.model, destination)
    return Report(files, opset, (*embedded, *result.rewrites), result.bounds)


def _opset(model: onnx.ModelProto, target: int) -> int:
    """The opset of ``model``, once it is sure that ``target`` can be asked of it."""
    if not LOWEST_TARGET <= target <= HIGHEST_TARGET:
        raise RetargetError(
            f"opset {target} is out of range: targets are {LOWEST_TARGET} to {HIGHEST_TARGET}"
        )
    imports = {entry.version for entry in model.opset_import if entry.domain in DEFAULT_DOMAINS}
    if not imports:
        raise RetargetError("the model imports no opset of the default domain; is it an ONNX model?")
    if len(imports) > 1:
        raise RetargetError(
            f"the model imports the default domain at opsets {sorted(imports)}; it has to be one"
        )
    [current] = imports
    if current > onnx.defs.onnx_opset_version():
        raise RetargetError(f"the model is at opset {current}, newer than the installed onnx knows")
    return int(current)

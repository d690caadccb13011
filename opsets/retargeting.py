"""The door of the room: a model, or a file with one, at another opset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx

from opsets.conversion import Conversion, Retargeted, convert
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
    return FileRetargeting(source, describe, static, steps).write(target, destination, last=True)


class FileRetargeting:
    """The model of a file at one opset after the other, which is read and simplified once.

    Each file is the same as :func:`retarget_file` would write it. Targets are best asked for in their order
    away from the opset of the model: each is then made of the one before.
    """

    def __init__(
        self,
        source: Path,
        describe: Callable[[onnx.ModelProto], None] | None = None,
        static: StaticAxes | None = None,
        steps: EmbeddedSteps | None = None,
    ) -> None:
        """With what :func:`retarget_file` says of them; ``source`` is read once a target is asked for."""
        self._source, self._describe, self._static, self._steps = source, describe, static, steps
        self._model: onnx.ModelProto | None = None
        self._embedded: tuple[str, ...] = ()
        self._conversion: Conversion | None = None

    def write(self, target: int, destination: Path, *, last: bool = False) -> Report:
        """Write and raise what :func:`retarget_file` does; with ``last`` nothing is asked for after it."""
        model = self._model = self._model or read_graph(self._source)
        try:
            opset = _opset(model, target)
            self._conversion = self._conversion or self._begin(model, opset)
            result = self._conversion.at(target, last=last)
        except AxesError as error:
            raise AxesError(f"{self._source}: {error}") from error
        except RetargetError as error:
            message = f"{self._source}: {error}"
            raise RetargetError(message, error.open_axes, is_proven=error.is_proven) from error
        if self._describe:
            self._describe(result.model)
        files = write(result.model, destination)
        return Report(files, opset, (*self._embedded, *result.rewrites), result.bounds)

    def _begin(self, model: onnx.ModelProto, opset: int) -> Conversion:
        self._embedded = tuple(embed(model, self._steps)) if self._steps else ()
        return Conversion(model, opset, self._static)


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

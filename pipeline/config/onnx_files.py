"""ONNX files that a pipeline file names as models: what can be said of one before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from converters.registry import SOURCES
from pipeline.config.schema import ModelEntry, PipelineFile
from pipeline.config.yaml_lines import LinedDocument
from publishing.foreign_text import visible

if TYPE_CHECKING:
    import onnx

_FLOAT = 1
"""FLOAT of TensorProto."""
_FLOATS = (_FLOAT, 10, 11)
"""It, FLOAT16 and DOUBLE."""


def files_of(file: Path) -> tuple[Path, ...]:
    """The ONNX file ``file``, and those beside it that have its weights."""
    import onnx

    from opsets.files.external import is_external, tensors

    model = onnx.load(file, load_external_data=False)
    places = [
        entry.value
        for tensor in tensors(model)
        if is_external(tensor)
        for entry in tensor.external_data
        if entry.key == "location"
    ]
    return (file, *sorted({file.parent / place for place in places}))


def with_input_sizes(file: PipelineFile, document: LinedDocument) -> PipelineFile:
    """``file``, where each entry of an ONNX file that fixes the size of its pictures has that size.

    What an entry says itself stays; so does one whose file cannot be read, of which :func:`mistakes_of_file`
    says why.
    """
    folder = document.path.parent
    return file.model_copy(update={"models": tuple(_with_input_size(one, folder) for one in file.models)})


def _with_input_size(entry: ModelEntry, folder: Path) -> ModelEntry:
    from opsets import RetargetError, read_graph

    source = SOURCES.get(entry.source)
    if source is None or not source.reads_onnx_files or entry.preprocessing.input_size:
        return entry
    if not isinstance(entry.model, str) or not (folder / entry.model).is_file():
        return entry
    try:
        graph = read_graph(folder / entry.model).graph
    except RetargetError:
        return entry
    sizes = [_shape(port)[1:] for port in _inputs(graph)]
    if len(sizes) != 1 or len(sizes[0]) != 3 or not all(map(str.isdigit, sizes[0])):
        return entry
    channels, height, width = map(int, sizes[0])
    if channels not in (1, 3):
        return entry
    said = entry.preprocessing.model_copy(update={"input_size": (channels, height, width)})
    return entry.model_copy(update={"preprocessing": said})


def lacking(file: Path, entry: ModelEntry) -> Iterator[str]:
    """What a model that is given as ``file`` lacks, whatever is in it."""
    if not file.is_file():
        yield f"there is no file {file}. Correct the path of the model."
        return
    if not entry.name:
        yield "a model given as a file needs a name to be published under. Add name: NAME."


def mistakes_of_file(file: Path, entry: ModelEntry, highest: int) -> Iterator[str]:
    """Why the model in ``file`` cannot be published as ``entry`` asks, at opsets up to ``highest``."""
    from opsets import RetargetError, read_graph

    yield from lacking(file, entry)
    if not file.is_file():
        return
    try:
        model = read_graph(file)
    except RetargetError as error:
        yield f"{visible(str(error))}."
        return
    shown = visible(str(file))
    for message in (*_invalid(file), *_wrong_ports(model.graph, entry), *_wrong_opset(model, highest)):
        yield f"{shown}: {message}"


def classes_of(model: onnx.ModelProto, output: int | str | None) -> int | None:
    """The number of scores that ``model`` says it answers with; None where it says none.

    ``output`` is the one that its entry asks for.
    """
    chosen = _chosen(model.graph.output, output)
    shape = _shape(chosen) if chosen else []
    return int(shape[-1]) if len(shape) > 1 and shape[-1].isdigit() else None


def _invalid(file: Path) -> Iterator[str]:
    """What onnx's checker says of a file as it came."""
    import onnx

    try:
        onnx.checker.check_model(str(file))
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        reason = visible(str(error).strip().splitlines()[0])
        yield f"it is not valid as it came, and is not mended here: {reason}"


def _wrong_ports(graph: onnx.GraphProto, entry: ModelEntry) -> Iterator[str]:
    """Inputs that are no pictures, and outputs that are no scores."""
    inputs = _inputs(graph)
    if len(inputs) != 1:
        yield f"it has {len(inputs)} inputs ({_listed(inputs)}); a classifier of pictures has one."
    elif not _takes_pictures(inputs[0], entry.preprocessing.input_size):
        size = ", ".join(map(str, entry.preprocessing.input_size or ("C", "H", "W")))
        yield (
            f"its input {_port(inputs[0])} does not take what the preprocessing makes, float32 pictures "
            f"(N, {size}).{_remedy(inputs[0], entry.preprocessing.input_size)}"
        )
    elif entry.preprocessing.input_size is None:
        yield (
            f"its input {_port(inputs[0])} does not say the size of the pictures. Give preprocessing: "
            "{input_size: [C, H, W]}."
        )
    elif _shape(inputs[0])[0].isdigit() and int(_shape(inputs[0])[0]) != entry.only_batch:
        batch = _shape(inputs[0])[0]
        yield (
            f"its input {_port(inputs[0])} takes batches of {batch} alone. Give batches: {batch}, for files "
            "that do so too, or export it with an open batch axis."
        )
    yield from _wrong_outputs(graph.output, entry.output)


def _inputs(graph: onnx.GraphProto) -> list[onnx.ValueInfoProto]:
    """What has to be given to ``graph``; up to IR version 3, weights stand among its inputs."""
    weights = {tensor.name for tensor in graph.initializer}
    return [port for port in graph.input if port.name not in weights]


def _wrong_outputs(outputs: Sequence[onnx.ValueInfoProto], asked: int | str | None) -> Iterator[str]:
    """No output of scores among ``outputs``, or several and nobody says which."""
    chosen = _chosen(outputs, asked)
    if chosen is None and asked is None:
        yield (
            f"it has {len(outputs)} outputs ({_listed(outputs)}); one of scores can be published. Say which "
            "with output: NAME, or with its position from 0."
        )
    elif chosen is None:
        yield f"it has no output {visible(repr(asked))}. It has {_listed(outputs)}. Correct output."
    elif chosen.type.tensor_type.elem_type not in _FLOATS:
        yield f"its output {_port(chosen)} is not one of scores, which are of a floating type."


def _chosen(outputs: Sequence[onnx.ValueInfoProto], asked: int | str | None) -> onnx.ValueInfoProto | None:
    """The output that is asked for; where nobody asks, the only one."""
    if asked is None:
        return outputs[0] if len(outputs) == 1 else None
    if isinstance(asked, int):
        return outputs[asked] if asked < len(outputs) else None
    return next((port for port in outputs if port.name == asked), None)


def _remedy(port: onnx.ValueInfoProto, size: tuple[int, int, int] | None) -> str:
    """What would help an input that takes no pictures as they are made, where that is known."""
    shape = _shape(port)
    if size and len(shape) == 4 and shape[3] == str(size[0]) and shape[1] != str(size[0]):
        return " It has the channels last, and files are made with them first: export it as (N, C, H, W)."
    if port.type.tensor_type.elem_type not in _FLOATS:
        return (
            " Export it without what it does to whole numbers first, such as a cast; with "
            "embed: [normalise], files take levels of 0 to 255 as float32."
        )
    return ""


def _takes_pictures(port: onnx.ValueInfoProto, size: tuple[int, int, int] | None) -> bool:
    shape = _shape(port)
    if port.type.tensor_type.elem_type != _FLOAT or len(shape) != 4:
        return False
    return all(
        not given.isdigit() or int(given) == wanted
        for given, wanted in zip(shape[1:], size or (), strict=False)
    )


def _wrong_opset(model: onnx.ModelProto, highest: int) -> Iterator[str]:
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if opset < highest:
        yield f"it is of opset {opset}, and files are only brought to older ones. Ask for {opset} or less."


def _shape(port: onnx.ValueInfoProto) -> list[str]:
    """The lengths of its axes, or their names; ? where nothing is said."""
    return [
        str(axis.dim_value) if axis.HasField("dim_value") else axis.dim_param or "?"
        for axis in port.type.tensor_type.shape.dim
    ]


def _port(port: onnx.ValueInfoProto) -> str:
    import onnx

    kind = onnx.TensorProto.DataType.Name(port.type.tensor_type.elem_type).lower()
    return visible(f"{port.name!r}, {kind} ({', '.join(_shape(port))})")


def _listed(ports: Iterable[onnx.ValueInfoProto]) -> str:
    return "; ".join(map(_port, ports))

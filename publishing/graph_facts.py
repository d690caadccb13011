"""What a published model says about itself: opset, versions, inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from publishing.errors import PublishError

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Port:
    """An input or output of a graph; a dimension is a length, or a name where it is dynamic."""

    name: str
    shape: tuple[int | str, ...]
    type: str
    """As the manifest spells it: ``tensor(float)``."""

    @property
    def numpy_type(self) -> str:
        """The type as numpy names it: ``float32``."""
        return numpy_type(self.type)

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest's form of a port."""
        return {"name": self.name, "shape": list(self.shape), "type": self.type}


@dataclass(frozen=True)
class GraphFacts:
    """The facts of a model that the manifest and the archive need."""

    opset: int
    onnx_version: str
    """The first ONNX release that has the opset."""
    ir_version: int
    inputs: tuple[Port, ...]
    """Without those that are initialisers, which IR 3 lists among them."""
    outputs: tuple[Port, ...]


def facts_of(model: onnx.ModelProto) -> GraphFacts:
    """Return the facts of a model, which need not hold its weights.

    Raises:
        PublishError: it is not a model of the standard operators.
    """
    opsets = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if not opsets:
        raise PublishError(
            f"the graph {model.graph.name!r} imports no opset of the standard operators; convert it again"
        )
    weights = {tensor.name for tensor in model.graph.initializer}
    return GraphFacts(
        opset=opsets[0],
        onnx_version=onnx_version(opsets[0]),
        ir_version=model.ir_version,
        inputs=tuple(_port(value) for value in model.graph.input if value.name not in weights),
        outputs=tuple(_port(value) for value in model.graph.output),
    )


def numpy_type(name: str) -> str:
    """What numpy calls the type ``name`` of ONNX: ``float32`` for ``tensor(float)``, or for ``float``."""
    inner = name.removeprefix("tensor(").removesuffix(")")
    return {"float": "float32", "double": "float64"}.get(inner, inner)


def onnx_version(opset: int) -> str:
    """Return the first ONNX release that has ``opset``: ``1.7`` for 12.

    Raises:
        PublishError: no release has it.
    """
    from onnx.helper import VERSION_TABLE

    for release, _, newest, *_ in VERSION_TABLE:
        if newest >= opset:
            return str(release).removesuffix(".0") if str(release).count(".") == 2 else str(release)
    raise PublishError(
        f"opset {opset} belongs to no ONNX release that is known here; update the onnx package"
    )


def ir_version(opset: int) -> int | None:
    """Return the IR version of the first ONNX release that had ``opset``; None where none has it."""
    from onnx.helper import VERSION_TABLE

    return next((int(ir) for _, ir, newest, *_ in VERSION_TABLE if newest >= opset), None)


def _port(value: Any) -> Port:
    import onnx

    tensor = value.type.tensor_type
    shape = tuple(_dimension(dimension, index) for index, dimension in enumerate(tensor.shape.dim))
    element = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
    return Port(value.name, shape, f"tensor({element})")


def _dimension(dimension: Any, index: int) -> int | str:
    kind = dimension.WhichOneof("value")
    if kind == "dim_value":
        return int(dimension.dim_value)
    return dimension.dim_param or f"dimension_{index}"

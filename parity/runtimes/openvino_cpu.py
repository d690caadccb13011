"""OpenVINO on the processor."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

from parity.file_marks import NAMED_TYPE, may_hold
from parity.runtimes.interface import AnyArray, DataSets, UnsupportedError, as_answers, in_precision

INDEPENDENT = True
JUDGE = True
OPSETS = range(3, 22)
ENVIRONMENT: str | None = None
QUANTIZED = False
MODULES: tuple[str, ...] = ("numpy", "openvino")

LARGEST = 64
"""Of signed weights: ``2 * 255 * 64`` is the largest that fits into 16 bits, whatever the data is."""
_PRODUCTS = frozenset(
    {"Convolution", "GroupConvolution", "ConvolutionBackpropData", "GroupConvolutionBackpropData", "MatMul"}
)


def version() -> str:
    """Return the version of the installed package."""
    return metadata.version("openvino")


def run(model: Path, data_sets: DataSets, threads: int) -> dict[str, list[AnyArray]]:
    """Run every data set in one compiled model; see :class:`parity.runtimes.interface.Runtime`."""
    import openvino

    core = openvino.Core()
    try:
        network = _read(core, model)
        _refuse_saturation(network)
        # Without the hint, processors that can may compute in bfloat16, whose errors hide a wrong graph.
        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1}
        compiled = core.compile_model(network, "CPU", settings)
    except RuntimeError as error:
        if _is_unknown_operator(str(error)):
            raise UnsupportedError(_unknown_operators(str(error))) from error
        raise
    wanted = [port.get_element_type().to_dtype() for port in compiled.inputs]
    # By position: the importer may rename inputs.
    return {
        name: as_answers(
            compiled([in_precision(array, kind) for array, kind in zip(arrays, wanted)]).to_tuple()
        )
        for name, arrays in data_sets.items()
    }


def _read(core: Any, model: Path) -> Any:
    """The network of a file; what OpenVINO's reader cannot take of it, in other words."""
    if may_hold(model, (b"QLinear", NAMED_TYPE)):
        import onnx

        from parity.cast_types import say_in_numbers
        from parity.channel_scales import say_in_floats

        whole = onnx.load(model, format="protobuf")
        said = [say_in_floats(whole), say_in_numbers(whole)]
        if any(said):
            return core.read_model(whole.SerializeToString(), b"")
    return core.read_model(str(model))


def _refuse_saturation(network: Any) -> None:
    """Raise UnsupportedError where this processor may saturate in OpenVINO's kernels of integers.

    OpenVINO fuses what is quantised; told not to, it computed another BatchNormalization altogether.
    """
    nodes = network.get_ops()
    if any(node.get_type_name() == "FakeQuantize" for node in nodes) and any(map(_may_saturate, nodes)):
        from parity.saturation import saturates

        if saturates():
            raise UnsupportedError("this processor saturates in OpenVINO's kernels of integers")


def _may_saturate(node: Any) -> bool:
    """Whether a node multiplies quantised data by what may be too large for sums of two products in 16 bits.

    Those are signed bytes beyond ``LARGEST``, and what is computed and quantised itself. Unsigned weights
    come out exact at any size.
    """
    if node.get_type_name() not in _PRODUCTS:
        return False
    data, weights = (_origins(node.input_value(place).get_node()) for place in (0, 1))
    return any(map(_is_quantised, data)) and any(
        _is_quantised(origin) or _is_beyond_largest(origin) for origin in weights
    )


def _is_quantised(origin: Any) -> bool:
    return bool(origin.get_type_name() == "FakeQuantize")


def _is_beyond_largest(origin: Any) -> bool:
    if origin.get_type_name() != "Constant" or origin.get_element_type().get_type_name() != "i8":
        return False
    weights = origin.data
    return bool(weights.size and (weights.min() < -LARGEST or weights.max() > LARGEST))


def _origins(node: Any) -> list[Any]:
    """What ``node`` is made of: constants, and the next quantisations and products before it."""
    found, seen, waiting = [], set(), [node]
    while waiting:
        some = waiting.pop()
        if some.get_friendly_name() in seen:
            continue
        seen.add(some.get_friendly_name())
        if some.get_type_name() in _PRODUCTS | {"Constant", "FakeQuantize"}:
            found.append(some)
        else:
            waiting += [port.get_source_output().get_node() for port in some.inputs()]
    return found


def _is_unknown_operator(message: str) -> bool:
    """Tell operators that OpenVINO does not have from those that it has and the model uses wrongly."""
    return "No conversion rule found" in message and "Failed operations" not in message


def _unknown_operators(message: str) -> str:
    """Return the one line that matters, without the places in OpenVINO's source before it."""
    return next(line.strip(" -") for line in message.splitlines() if "No conversion rule found" in line)

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
    """Raise UnsupportedError for a quantised network where this processor saturates in OpenVINO's kernels.

    OpenVINO fuses what is quantised; told not to, it computed another BatchNormalization altogether.
    """
    if any(operator.get_type_name() == "FakeQuantize" for operator in network.get_ops()):
        from parity.saturation import saturates

        if saturates():
            raise UnsupportedError("this processor saturates in OpenVINO's kernels of integers")


def _is_unknown_operator(message: str) -> bool:
    """Tell operators that OpenVINO does not have from those that it has and the model uses wrongly."""
    return "No conversion rule found" in message and "Failed operations" not in message


def _unknown_operators(message: str) -> str:
    """Return the one line that matters, without the places in OpenVINO's source before it."""
    return next(line.strip(" -") for line in message.splitlines() if "No conversion rule found" in line)

"""ONNX files of unknown origin: where no framework can be asked, onnxruntime says what a file computes."""

from pathlib import Path

from converters.interface import Source

SOURCE = Source(
    name="onnx",
    title="an ONNX file of unknown origin",
    folder=Path(__file__).parent,
    weights_suffixes=(),
    license="",  # whoever made the file says it, in the pipeline file
    domain="",
    reads_onnx_files=True,
    start_seconds=1.0,
)

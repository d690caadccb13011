"""The Gluon model zoo of Apache MXNet, and folders with a symbol and its parameters."""

from pathlib import Path

from converters.interface import Source

SOURCE = Source(
    name="mxnet",
    title="MXNet Gluon",
    folder=Path(__file__).parent,
    weights_suffixes=(".params", ".safetensors"),
    license="Apache-2.0",
    domain="org.apache.mxnet",
    reads_model_folders=True,
    folder_files=("*-symbol.json", "*.params"),
    keywords={"classes": "classes", "pretrained": "weights", "ctx": "weights", "root": "weights"},
    start_seconds=3.0,
)

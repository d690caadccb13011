"""The Gluon model zoo of Apache MXNet."""

from pathlib import Path

from converters.interface import Source

SOURCE = Source(
    name="mxnet",
    title="MXNet Gluon",
    folder=Path(__file__).parent,
    weights_suffixes=(".params", ".safetensors"),
    license="Apache-2.0",
    domain="org.apache.mxnet",
    keywords={"classes": "classes", "pretrained": "weights", "ctx": "weights", "root": "weights"},
    start_seconds=3.0,
)

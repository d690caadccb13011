"""Caffe2: its nets of the original model zoo, and folders with a predict_net.pb and an init_net.pb."""

from pathlib import Path

from converters.interface import Source

SOURCE = Source(
    name="caffe2",
    title="Caffe2",
    folder=Path(__file__).parent,
    weights_suffixes=(".pb",),
    license="BSD-3-Clause",  # of torch 1.8.1, which Caffe2 is a part of
    domain="ai.caffe2",
    reads_model_folders=True,
    keywords={"classes": "classes", "colours": "channels"},
    start_seconds=5.0,
)

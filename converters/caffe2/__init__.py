"""Caffe2: its nets of the original model zoo, and folders with a predict_net.pb and an init_net.pb."""

from pathlib import Path

from converters.interface import Source

SOURCE = Source(
    name="caffe2",
    title="Caffe2",
    folder=Path(__file__).parent,
    weights_suffixes=(".pb",),
    reads_model_folders=True,
)

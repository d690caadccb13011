"""Verified models into a folder that others download from: archives, records, manifest, checksums."""

NAME = "onnx-zoo-pipeline"
"""Under which what is published names its maker."""

__version__ = "0.1.0"

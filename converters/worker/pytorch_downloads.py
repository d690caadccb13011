"""The downloads of the PyTorch sources, which end where a server does not answer."""

from __future__ import annotations

import os
import re
import socket

import torch

from protocol import WEIGHTS, TaskError

SILENCE = 30.0
"""Seconds without an answer after which a download has failed."""


def download(url: str, model: str) -> str:
    """Download weights into torch.hub's folder, as the frameworks do, and return the file's path.

    A name such as ``resnet18-f37072fd.pth`` holds the beginning of the file's sha256, which is
    checked. Raises TaskError where the download fails.
    """
    name = os.path.basename(url)
    folder = os.path.join(torch.hub.get_dir(), "checkpoints")
    path = os.path.join(folder, name)
    digest = re.search(r"-([0-9a-f]{8,})\.", name)
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        socket.setdefaulttimeout(SILENCE)  # torch.hub itself would wait for ever
        try:
            torch.hub.download_url_to_file(url, path, digest.group(1) if digest else None, progress=False)
        except (OSError, RuntimeError) as error:
            raise download_failed(model, url, error) from error
    return path


def download_failed(model: str, place: str, error: Exception) -> TaskError:
    """The error of a download by a framework."""
    return TaskError(
        WEIGHTS,
        f"the pretrained weights of {model} could not be had from {place}: {type(error).__name__}: {error}. "
        "Check that it can be reached, or name a weights file",
    )

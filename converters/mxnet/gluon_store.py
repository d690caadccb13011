"""The model store of Gluon: a zip archive for each network, with one file of weights.

Gluon's own ``get_model_file`` asks five times and waits for ever each time, unpacks whatever the archive
holds, however large it becomes, and looks at its digest afterwards.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import mxnet as mx
import requests
from mxnet.gluon.model_zoo import model_store
from mxnet.gluon.utils import check_sha1

import archives

SILENCE = 30.0
"""Seconds without an answer after which a download has failed."""
BLOCK = 1 << 20


def address(name: str) -> str:
    """The URL of the archive of the network ``name``, in the store that ``MXNET_GLUON_REPO`` names."""
    repository = os.environ.get("MXNET_GLUON_REPO", model_store.apache_repo_url).rstrip("/") + "/"
    return str(model_store._url_format.format(repo_url=repository, file_name=_stem(name)))


def weights_file(name: str) -> Path:
    """The weights of ``name`` in Gluon's own cache, fetched where they are not there or are others.

    Raises what ``requests`` and ``zipfile`` do; OSError; ValueError where the weights are not those that
    Gluon knows; TaskError where the archive is made to fill the disk.
    """
    kept = Path(mx.base.data_dir(), "models", f"{_stem(name)}.params")
    sha1 = model_store._model_sha1[name]
    if kept.exists() and check_sha1(str(kept), sha1):
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        archive, part = Path(folder, "archive.zip"), Path(folder, kept.name)
        _download(address(name), archive)
        _unpack(archive, kept.name, part)
        if not check_sha1(str(part), sha1):
            raise ValueError("its weights have a different hash from the one that Gluon knows")
        part.replace(kept)
    return kept


def _stem(name: str) -> str:
    return f"{name}-{model_store.short_hash(name)}"


def _download(url: str, path: Path) -> None:
    with requests.get(url, stream=True, timeout=SILENCE) as answer, path.open("wb") as file:
        answer.raise_for_status()
        for block in answer.iter_content(BLOCK):
            file.write(block)


def _unpack(path: Path, member: str, part: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        if member not in archive.namelist():
            raise ValueError(f"the archive holds no {member}")
        found = archive.getinfo(member)
        archives.require_bounded([found], str(path), f"the archive of {member}")
        with archive.open(found) as stream, part.open("wb") as file:
            shutil.copyfileobj(stream, file, BLOCK)

"""Frameworks whose worker or environment goes wrong: what no signal and no damaged work file shows.

A worker that eats memory or writes rubbish is that of the source without a framework, which does so while a
file beside its folder says so. The damaged environment is a copy of torchvision's.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from unittest.mock import patch

from converters.registry import SOURCES
from pipeline.environments.building import existing
from pipeline.environments.spec import spec_of
from tests.faults.job import OF_TORCHVISION, Framework
from tests.pipeline.fake_source import EXPORT, LAUNCH, make_environment, make_source
from tests.tiny_source import NAME

_MOODY = """\
def moody_exit(code, leave=os._exit):
    mood = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "mood.py")
    if os.path.exists(mood) and os.path.exists("model.onnx"):
        exec(open(mood).read())
    leave(code)

os._exit = moody_exit
main(
"""
_ENTRY = f"  - {{source: {NAME}, model: net, limits: {{memory_gib: 1}}}}\n"
_HUNGRY = "block = b'x' * (3 << 30)\ntime.sleep(600)\n"
_WRITTEN = ("model.onnx", "outputs.npz", "result.json")
"""What an export writes into its folder, the last one as its answer."""
_ANSWERS = (b"", b"{", b"[]", b"{}", b"null", b'{"status": "ok"}', b'{"status": "ok", "opset": "twelve"}')


def moody(folder: Path) -> Framework:
    """The source without a framework in the new ``folder``, where nothing is wrong with it yet."""
    source = make_source(folder / "source")
    (source.folder / "export.py").write_text(EXPORT.replace("main(\n", _MOODY))
    with patch.dict(os.environ, {"XDG_CACHE_HOME": str(folder / "cache")}):
        make_environment(source)
    return Framework(_ENTRY, folder, ("-c", LAUNCH, str(source.folder)))


def _set_mood(folder: Path, code: str) -> None:
    """Let each export do something else before it ends, in its folder."""
    (folder / "mood.py").write_text(code)


def get_hungry(folder: Path, _generator: random.Random) -> None:
    """Take three times the memory that the model may have."""
    _set_mood(folder, _HUNGRY)


def write_rubbish(folder: Path, generator: random.Random) -> None:
    """Write something else, or a part, or nothing in place of a file."""
    file = generator.choice(_WRITTEN)
    rubbish = [f"open({file!r}, 'wb').write({generator.randbytes(generator.randrange(1000))!r})"]
    rubbish += [f"os.truncate({file!r}, {generator.randrange(1 << 20)} % os.path.getsize({file!r}))"]
    rubbish += [f"os.unlink({file!r})"]
    if file == "result.json":
        rubbish += [f"open({file!r}, 'wb').write({answer!r})" for answer in _ANSWERS]
    _set_mood(folder, generator.choice(rubbish))


def behave(folder: Path) -> None:
    """Let exports be right again."""
    (folder / "mood.py").unlink(missing_ok=True)


def copied(folder: Path) -> Framework:
    """Torchvision with a copy of its environment in ``folder``; the files are one with those of the cache."""
    there = existing(SOURCES["torchvision"])
    assert there, "build it first: python -m pipeline environments build torchvision"
    with patch.dict(os.environ, {"XDG_CACHE_HOME": str(folder / "cache")}):
        own = spec_of(SOURCES["torchvision"]).folder
    shutil.copytree(there.description.folder, own, symlinks=True, copy_function=os.link)
    return Framework(OF_TORCHVISION, folder)


def damage_environment(folder: Path, generator: random.Random) -> None:
    """Remove or cut a file of a package in the only environment in ``folder``."""
    [site] = folder.glob("cache/*/environments/*/lib/python*/site-packages")
    files = [path for path in sorted(site.rglob("*")) if path.is_file() and path.stat().st_size > 1]
    ours = [
        path for path in files if "__pycache__" not in path.parts and ".dist-info" not in path.parent.name
    ]
    file = generator.choice(ours)
    content = file.read_bytes()
    file.unlink()  # what is written anew is no longer one with that of the cache
    if generator.random() < 0.5:
        file.write_bytes(content[: generator.randrange(len(content))])

"""The side of networks of one's own: run by path in torchvision's environment, see ``protocol.py``.

A model is ``/folder/net.py:build``, a function that returns a ``torch.nn.Module``, or a TorchScript archive.
Both are code of the user's. It runs here, and only where a request lists it as trusted: an archive is a
program too, whose ``__setstate__`` runs while it is loaded, and torch's operators read and write files.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from typing import Any, Callable, Dict, Sequence

import torch

from answering import read_arrays
from networks import Network, first_line
from own_code import Told, require_listed, trusted_files
from protocol import MODEL, WEIGHTS, Task, TaskError, main
from pytorch import Framework, Pretrained, tasks
from torchvision_operators import import_torchvision

import_torchvision()  # before any code of the user's, which may import it as it is

Build = Callable[[Network], Any]
LACKING = "; a package is installed where its entry says `requirements: [NAME==VERSION]`"
"""What is said of a module that is not there."""


def _function(file: str, name: str, trusted: Sequence[str]) -> Callable[..., Any]:
    """The function ``name`` of the module in ``file``, which is run for that."""
    folder = os.path.dirname(file)
    for path in trusted:
        named = os.path.relpath(path, folder).replace(os.sep, ".")[: -len(".py")]
        if named in sys.modules or named in sys.builtin_module_names:
            raise TaskError(MODEL, f"{path} has the name of a module that the export needs itself: rename it")
    sys.dont_write_bytecode = True
    sys.path.insert(0, folder)
    stem = os.path.splitext(os.path.basename(file))[0]
    spec = importlib.util.spec_from_file_location(stem, file)
    if spec is None or spec.loader is None:
        raise TaskError(MODEL, f"{file} cannot be imported")
    module = sys.modules[stem] = importlib.util.module_from_spec(spec)
    with Told(f"importing {file}", LACKING):
        spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        raise TaskError(MODEL, f"{file} has no function {name}: correct the name behind the colon")
    built: Callable[..., Any] = function
    return built


def _build_with(file: str, name: str, trusted: Sequence[str]) -> Build:
    """What calls the function ``name`` of ``file``, which is imported for the first network, for each."""

    @functools.lru_cache(maxsize=None)
    def imported() -> Callable[..., Any]:
        return _function(file, name, trusted)

    def build(asked: Network) -> Any:
        if asked.classes is not None:
            raise TaskError(
                WEIGHTS,
                f"the weights file has a head of {asked.classes} classes, and the network that {name} of "
                f"{file} builds another: hand it the number with `arguments`",
            )
        function = imported()
        with Told(f"{name} of {file}", LACKING):
            network = function(**asked.arguments)
        if not isinstance(network, torch.nn.Module):
            raise TaskError(
                MODEL,
                f"{name} of {file} returned a {type(network).__name__}, where a torch.nn.Module is needed",
            )
        return network

    return build


def _archived(path: str) -> Any:
    """The network in a TorchScript archive."""
    try:
        return torch.jit.load(path, map_location="cpu").eval()
    except RuntimeError as error:
        raise TaskError(
            MODEL, f"{path} cannot be loaded as TorchScript: {first_line(error)}; save it again"
        ) from error


def _no_pretrained(network: Network) -> Pretrained:
    raise TaskError(WEIGHTS, f"nobody offers weights for {network.model}: name a weights file")


def _framework(request: Dict[str, Any], trusted: Sequence[str]) -> Framework:
    """The framework whose one model is that of ``request``, made of the files ``trusted``."""
    model = request["model"]
    size = next(iter(read_arrays(request["inputs"]).values())).shape[1:]
    file, _, name = model.rpartition(":")
    if file.endswith(".py"):
        build, pretrained = _build_with(os.path.realpath(file), name, trusted), _no_pretrained
    else:

        def build(asked: Network) -> Any:
            return _archived(model)

        def pretrained(network: Network) -> Pretrained:
            origin = f"those of the archive {os.path.basename(model)}"
            return Pretrained(_archived(model), origin, model)

        request["weights"] = {"kind": "pretrained"}  # its own
    return Framework(
        names=lambda: [model],
        catalogue=dict,
        build=build,
        pretrained=pretrained,
        has_pretrained=lambda name: False,
        own_size=lambda name: size,
        entries=(),
    )


def _served(name: str) -> Task:
    """A task of the PyTorch sources, for a model of the user's."""

    def serve(request: Dict[str, Any]) -> Dict[str, Any]:
        trusted = trusted_files(request)
        answer = tasks(_framework(request, trusted))[name](request)
        require_listed(trusted)
        if name == "export":
            model = os.path.basename(request["model"])
            file, _, function = model.rpartition(":")
            is_built = file.endswith(".py")
            answer["form"] = f"as {function} of {file} builds it" if is_built else f"as {model} has it"
        return answer

    return serve


if __name__ == "__main__":
    main({name: _served(name) for name in ("export", "outputs", "trace", "latency")})

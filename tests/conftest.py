"""Which tests are slow, what is said of those that are left out, and how all share the processors."""

from __future__ import annotations

import os
import sys
from collections import Counter

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from converters.registry import SOURCES
from pipeline.workers import forks

ENVIRONMENTS = (*SOURCES, "torch_exports", "hub_client")
"""Markers of tests that build or use an environment of its own: all of these are slow."""
TOGETHER = {
    "calls of frameworks": ("tests/converters/", "tests/evaluation/test_framework_transforms.py"),
    "commands that call frameworks": (
        "tests/pipeline/commands/test_own_networks.py",
        "tests/zoo/test_small.py",
    ),
}
"""The beginnings of files that one process runs, so that it imports each framework once."""
LEFT_OUT = pytest.StashKey[Counter[str]]()
"""The number of slow tests that were deselected, by their folder."""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = Counter[str]()
    # Tests that import runtimes themselves let nobody know of it, as workers do.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    forks.IDLE_SECONDS = 3600  # the next file that needs a framework may be minutes away
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark tests that use an environment as slow."""
    if any(item.get_closest_marker(name) for name in ENVIRONMENTS):
        item.add_marker("slow")


class _Scheduling(LoadFileScheduling):  # type: ignore[misc]  # the library has no types
    """A file is run by one process, and all files of :data:`TOGETHER` are."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return next((together for together, begin in TOGETHER.items() if file.startswith(begin)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Scheduling | None:
    return _Scheduling(config, log) if config.option.dist == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files of slow tests, so that at the end no processor waits for one of them.

    A file is run by one process: what takes long are its fixtures, which each process makes for itself.
    """
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_deselected(items: list[pytest.Item]) -> None:
    slow = [item for item in items if item.get_closest_marker("slow")]
    for item in slow:
        item.config.stash[LEFT_OUT][str(item.path.parent.relative_to(item.config.rootpath))] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the count from a process of pytest-xdist to the one that prints."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        counted = session.config.stash[LEFT_OUT]
        output["left_out"] = dict(counted)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Take the count of one process: every process has collected the same tests."""
    output = getattr(node, "workeroutput", {})
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    config.stash[LEFT_OUT] = Counter[str](output.get("left_out", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left_out = config.stash[LEFT_OUT]
    if not left_out:
        return
    terminalreporter.section("left out, being slow")
    for folder, count in sorted(left_out.items()):
        terminalreporter.line(f"{count:5} in {folder}")
    terminalreporter.line(
        f"{left_out.total():5} in all: frameworks and their environments, whole runs and the browser. "
        "`pytest` runs them too."
    )

"""The rules of the house that no linter checks."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from converters.registry import SOURCES, frameworks

ROOT = Path(__file__).parents[2]
CONVERTERS, PARITY, ZOO = ROOT / "converters", ROOT / "parity", ROOT / "tests" / "zoo"
OWN = {"converters", "opsets", "quantization", "parity", "evaluation", "latency", "publishing", "pipeline"}
NOT_RUN_ELSEWHERE = {"__init__.py", "catalogue.py", "interface.py", "registry.py"}
"""The files of ``converters`` that our own interpreter runs; any other is a worker's."""
OLDEST = (3, 8)
"""The Python that ``converters/worker/protocol.py`` promises to the environments of all sources."""
COMMAND_LINE = {"typer", "rich"}
"""The dependencies that ``--help`` needs itself."""


def _python_of(source: str) -> tuple[int, int]:
    description = tomllib.loads((CONVERTERS / source / "environment.toml").read_text(encoding="utf-8"))
    major, minor = map(int, description["python"].split("."))
    return major, minor


def _foreign() -> Iterator[tuple[Path, tuple[int, int]]]:
    """Every file that an interpreter of another environment runs, and the oldest Python that may run it."""
    for file in sorted(CONVERTERS.rglob("*.py")):
        if file.name not in NOT_RUN_ELSEWHERE:
            yield file, _python_of(file.parent.name) if file.parent.name in frameworks() else OLDEST
    for place in ("latency/shared/turns.py", "pipeline/workers/fork_server.py"):
        yield ROOT / place, OLDEST
    for file in sorted(ZOO.glob("thin_*.py")):
        source = file.stem.removeprefix("thin_")
        yield file, _python_of(source) if source in frameworks() else OLDEST
    for file in sorted(
        [PARITY / "start_worker.py", PARITY / "worker.py", *(PARITY / "runtimes").glob("*.py")]
    ):
        yield file, min(map(_python_of, frameworks()))


FOREIGN = [pytest.param(*file, id=f"{file[0].parent.name}/{file[0].name}") for file in _foreign()]
KNOWS_ITS_OWN_ROOM = {PARITY, PARITY / "runtimes"}
"""The folders whose files import their own room, which their worker makes importable where it runs."""


def test_the_registry_is_the_folders() -> None:
    folders = {path.parent.name for path in CONVERTERS.glob("*/export.py")}
    assert set(SOURCES) == folders
    assert {name: source.name for name, source in SOURCES.items()} == {name: name for name in SOURCES}


@pytest.mark.parametrize("name", frameworks())
def test_a_source_brings_its_environment(name: str) -> None:
    folder = SOURCES[name].folder
    assert (folder / "environment.toml").is_file()
    pins = [line for line in (folder / "requirements.lock").read_text().splitlines() if "==" in line]
    assert pins
    assert "://" not in "".join(pins)


@pytest.mark.parametrize(("file", "python"), FOREIGN)
def test_what_another_interpreter_runs_knows_nothing_of_ours_and_speaks_its_python(
    file: Path, python: tuple[int, int]
) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"), feature_version=python)
    ours = OWN | {"tests", "tools"}
    if file.parent in KNOWS_ITS_OWN_ROOM:
        ours -= {"parity"}
    assert not {name.split(".")[0] for name in _imported(tree)} & ours


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


SAFE_WITH = {"np.load": ("allow_pickle", False), "torch.load": ("weights_only", True)}
"""Functions that make objects of a file's bytes without running code where they are told so."""
NEVER = {
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "paddle.load", "torch.jit.load"),
    *("mx.nd.load", "network.load_parameters"),
}
"""Functions that believe what a file says."""
TRUSTED = ["converters/pytorch/export.py: torch.jit.load(path, map_location='cpu')"]
"""The call that runs code of the user's, where a request says that it is trusted."""
READERS = sorted(file for room in OWN | {"tools"} for file in (ROOT / room).rglob("*.py"))


def test_no_file_is_read_in_a_way_that_runs_code() -> None:
    wrong = [f"{file.relative_to(ROOT)}: {call}" for file in READERS for call in _unsafe_calls(file)]
    assert wrong == TRUSTED


def _unsafe_calls(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        options = {each.arg: getattr(each.value, "value", None) for each in node.keywords}
        if called in SAFE_WITH:
            option, value = SAFE_WITH[called]
            if options.get(option) is not value:
                yield ast.unparse(node)
        elif called in NEVER:
            yield ast.unparse(node)


def _heavy() -> set[str]:
    """What the distributions that the project depends on are imported as, but for the command line's own."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]} - COMMAND_LINE
    modules = {
        name: {canonicalize_name(distribution) for distribution in distributions} & needed
        for name, distributions in importlib.metadata.packages_distributions().items()
    }
    assert set().union(*modules.values()) == needed, "a dependency is not installed, or has no module"
    return {name for name, distributions in modules.items() if distributions} | {"rich.live"}


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['pipeline', '--help']\n"
        "from pipeline.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"heavy = {_heavy()!r} & set(sys.modules)\n"
        "sys.exit(f'imported: {sorted(heavy)}' if heavy else 0)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "environments" in answer.stdout


def test_no_file_is_a_heap() -> None:
    """A file of 250 lines is read in one go; longer ones are tables."""
    files = [path for room in OWN for path in (ROOT / room).rglob("*.py")]
    assert files
    assert [(path.name, lines) for path in files if (lines := len(path.read_text().splitlines())) > 300] == []

"""The rules of the house that no linter checks."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from converters.registry import SOURCES

CONVERTERS = Path(__file__).parents[2] / "converters"
SCRIPTS = sorted([*CONVERTERS.glob("*/export.py"), *(CONVERTERS / "worker").glob("*.py")])
OWN = {"converters", "opsets", "parity", "evaluation", "publishing", "pipeline"}
HEAVY = {"numpy", "onnx", "onnxruntime", "openvino", "PIL", "pydantic", "yaml", "rich.live", "httpx"}


def test_the_registry_is_the_folders() -> None:
    folders = {path.parent.name for path in CONVERTERS.glob("*/export.py")}
    assert set(SOURCES) == folders
    assert {name: source.name for name, source in SOURCES.items()} == {name: name for name in SOURCES}


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_brings_its_environment(name: str) -> None:
    folder = SOURCES[name].folder
    assert (folder / "environment.toml").is_file()
    pins = [line for line in (folder / "requirements.lock").read_text().splitlines() if "==" in line]
    assert pins
    assert "://" not in "".join(pins)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_worker_knows_nothing_of_ours_and_speaks_old_python(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf-8"), feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not imported & OWN


PARITY = CONVERTERS.parent / "parity"
FOREIGN = sorted([PARITY / "start_worker.py", PARITY / "worker.py", *(PARITY / "runtimes").glob("*.py")])


@pytest.mark.parametrize("file", FOREIGN, ids=lambda path: path.name)
def test_what_a_runtime_of_another_environment_needs_speaks_old_python(file: Path) -> None:
    ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 9))


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['pipeline', '--help']\n"
        "from pipeline.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"heavy = {HEAVY!r} & set(sys.modules)\n"
        "sys.exit(f'imported: {sorted(heavy)}' if heavy else 0)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "environments" in answer.stdout


def test_no_file_is_a_heap() -> None:
    """A file of 250 lines is read in one go; longer ones are tables."""
    root = CONVERTERS.parent
    files = [path for room in OWN for path in (root / room).rglob("*.py")]
    assert files
    assert [(path.name, lines) for path in files if (lines := len(path.read_text().splitlines())) > 300] == []

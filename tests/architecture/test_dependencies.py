"""What our rooms import is what pyproject.toml asks for: nothing is missing, and nothing too many."""

from __future__ import annotations

import re
import tomllib

from tests.imports import ROOMS, ROOT, files_at, packages

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ELSEWHERE = re.compile(r"converters/\w+/(?!__init__\.py)|parity/runtimes/caffe2_cpu\.py")
"""Files that run in environments of their own, where other packages are."""
NEVER_IMPORTED = {
    "s3fs": "fsspec imports it for s3://",
    "pyopenssl": "model-signing imports it, and does not ask for it",
}


def _asked_for(requirements: list[str]) -> set[str]:
    names = {re.split(r"[\s<>=~!\[;]", requirement)[0] for requirement in requirements}
    return {name.lower().replace("_", "-") for name in names}


def _imported() -> set[str]:
    files = {file for file in files_at(ROOMS) if not ELSEWHERE.match(file)}
    return {package for file in files for package in packages(file)}


def test_every_package_that_we_import_is_asked_for_and_no_other() -> None:
    extras = PROJECT["optional-dependencies"]
    required = _asked_for(PROJECT["dependencies"])
    optional = _asked_for(
        [line for name in ("cluster", "s3", "hub", "sign", "simplify") for line in extras[name]]
    )
    imported = _imported()
    assert sorted(imported - required - optional) == []
    assert sorted((required | optional) - imported - set(NEVER_IMPORTED)) == []
    assert set(NEVER_IMPORTED) <= optional - imported


def test_the_files_of_other_environments_are_left_out() -> None:
    left = {file for file in files_at(ROOMS) if ELSEWHERE.match(file)}
    assert {"converters/timm/export.py", "converters/worker/protocol.py"} <= left
    assert not left & {"converters/interface.py", "converters/timm/__init__.py"}

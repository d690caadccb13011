"""Brings one ONNX file to an opset in a process of its own: ``request.json result.json``.

Request: ``{"model": "/.../model.onnx", "opset": 7, "output": "/.../lower.onnx"}``. Result: ``{}`` once it is
written; ``{"refused": "...", "proven": true}``, why it was not, and whether it is proven that it cannot be,
null where no operator is in the way; or ``{"disk": "..."}`` where the system refuses a file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from opsets import RetargetError, retarget_file
from opsets.errors import printable


def main() -> None:
    """Serve the request named on the command line."""
    request = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    result = _retargeted(Path(request["model"]), request["opset"], Path(request["output"]))
    Path(sys.argv[2]).write_text(json.dumps(result), encoding="utf-8")


def _retargeted(source: Path, opset: int, output: Path) -> dict[str, object]:
    try:
        retarget_file(source, opset, output)
    except RetargetError as error:
        reason = str(error).removeprefix(printable(f"{source}: "))
        return {"refused": reason, "proven": error.is_proven}
    except OSError as error:
        return {"disk": error.strerror or str(error)}
    return {}


if __name__ == "__main__":
    main()

"""A record as somebody may have left it: its form, and whether it agrees with itself."""

from __future__ import annotations

from collections.abc import Mapping

from publishing.errors import PublishError
from publishing.inspection.readers import is_inside
from publishing.record import Record, check, from_json, to_json

_FORM: Mapping[str, type] = {
    **dict.fromkeys(("name", "source", "family", "model", "license", "author", "onnx_version"), str),
    **dict.fromkeys(("opset", "ir_version"), int),
    **dict.fromkeys(("verdict", "io_ports", "preprocessing", "provenance", "labels"), dict),
    **dict.fromkeys(("accuracy", "inputs", "predictions"), list),
}
"""What is read of a record here."""


def inspect_record(text: str) -> Record:
    """Read the text of a record, and check it as far as it can be without its files.

    Raises:
        PublishError: it is none, or says what no record of ours says.
    """
    try:
        record = from_json(text)
        for name, kind in _FORM.items():
            if type(getattr(record, name)) is not kind:
                raise PublishError(f"its {name} is of another kind than {kind.__name__}")
        for row in record.predictions:
            if not isinstance(row, dict) or not is_inside(str(row.get("thumbnail", ""))):
                raise PublishError("one of its predictions names no picture in the zoo")
        check(record)
        to_json(record)
    except RecursionError as error:
        raise PublishError("its values stand inside each other without end") from error
    return record

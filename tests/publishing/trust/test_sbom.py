"""The bill of materials holds to its schema, names what made the unit, and says it in the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from publishing import __version__
from publishing.errors import PublishError
from publishing.trust.sbom import bill_of_materials
from tests.publishing.units import description

RANDOM = {"origin": "random weights, seed 0", "sha256": None, "tensors": 2}


def provenance(**changes: Any) -> dict[str, Any]:
    return {**description().provenance, **changes}


def complaint(text: str) -> str:
    """What the schema has against ``text``; empty where nothing."""
    objection = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return str(objection) if objection else ""


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"license": "", "author": ""},
        {"license": "Apache-2.0 AND BSD-3-Clause"},
        {"license": "LicenseRef-as-the-authors-say"},
        {"provenance": provenance(weights=RANDOM)},
        {"provenance": provenance(packages={})},
        {"name": "timm/tf_efficientnet_lite0@9-int8"},
    ],
)
def test_it_holds_to_the_schema(changes: dict[str, Any]) -> None:
    assert complaint(bill_of_materials(description(**changes))) == ""


def test_the_schema_would_tell() -> None:
    content = json.loads(bill_of_materials(description()))
    content["components"][0]["type"] = "wheel"

    assert "'wheel' is not one of" in complaint(json.dumps(content))


def test_it_names_the_model_and_all_that_made_it() -> None:
    content = json.loads(bill_of_materials(description()))

    model = content["metadata"]["component"]
    assert (model["type"], model["group"], model["name"], model["version"]) == (
        "machine-learning-model",
        "timm",
        "tf_efficientnet_lite0",
        "9",
    )
    assert model["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert model["authors"] == [{"name": "The TensorFlow authors"}]
    parts = {part["bom-ref"]: part for part in content["components"]}
    assert set(parts) == {
        "pkg:generic/python@3.11.7",
        "pkg:pypi/timm@1.0.31",
        "pkg:pypi/torch@2.13.0%2Bcpu",
        "pkg:pypi/typing-extensions@4.16.0",
        "weights",
    }
    assert PackageURL.from_string(parts["pkg:pypi/torch@2.13.0%2Bcpu"]["purl"]).version == "2.13.0+cpu"
    assert parts["weights"]["hashes"] == [{"alg": "SHA-256", "content": "f2" * 32}]
    assert {entry["ref"]: entry.get("dependsOn") for entry in content["dependencies"]}[
        "timm/tf_efficientnet_lite0@9"
    ] == sorted(parts)
    assert content["metadata"]["lifecycles"] == [{"phase": "build"}]
    assert content["metadata"]["tools"]["components"][0]["version"] == __version__


def test_what_nobody_stated_is_not_there() -> None:
    content = json.loads(bill_of_materials(description(license="", author="")))

    assert not {"licenses", "authors"} & set(content["metadata"]["component"])


def test_random_weights_have_no_digest() -> None:
    content = json.loads(bill_of_materials(description(provenance=provenance(weights=RANDOM))))

    weights = next(part for part in content["components"] if part["name"] == "weights")
    assert weights["description"] == "random weights, seed 0"
    assert "hashes" not in weights


def test_it_has_no_time_and_a_serial_number_of_its_content() -> None:
    one, other = (json.loads(bill_of_materials(description(author=who))) for who in ("A", "B"))

    assert "timestamp" not in one["metadata"]
    assert one["serialNumber"] != other["serialNumber"]


def test_the_same_description_gives_the_same_bytes_elsewhere(tmp_path: Path) -> None:
    packages = description().provenance["packages"]
    turned = dict(reversed(packages.items()))
    here = bill_of_materials(description(provenance=provenance(packages=turned)))
    script = (
        "import sys; from publishing.trust.sbom import bill_of_materials;"
        "from tests.publishing.units import description;"
        "sys.stdout.buffer.write(bill_of_materials(description()).encode())"
    )
    for seed, zone in (("1", "Asia/Tokyo"), ("2", "America/Lima")):
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[3]),
                "PYTHONHASHSEED": seed,
                "TZ": zone,
                "LC_ALL": "C",
            },
            capture_output=True,
            check=True,
        )
        assert done.stdout == here.encode()


def test_a_provenance_that_lacks_something_is_refused() -> None:
    lacking = {key: value for key, value in provenance().items() if key != "python"}

    with pytest.raises(PublishError, match=r"timm/tf_efficientnet_lite0@9: .* has no 'python'"):
        bill_of_materials(description(provenance=lacking))

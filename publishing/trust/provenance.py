"""How a published model came to be, as an in-toto statement with SLSA provenance.

The forms: https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and
https://slsa.dev/spec/v1.1/provenance. What the parameters mean is in docs/trust.md, under the name of
:data:`BUILD_TYPE`. The statement is not signed by itself: the signature of the folder covers it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from publishing import NAME, __version__
from publishing.errors import PublishError
from publishing.record import Description, PublishedFile, parse_name
from publishing.trust.sbom import package_urls

SUFFIX = ".intoto.json"
BUILD_TYPE = f"urn:{NAME}:conversion:v1"
BUILDER = f"urn:{NAME}:builder"
"""Whose machine it was, nobody can tell from here: the key of the signature does."""

_SUBJECTS = ("onnx", "tar.gz")


def statement(description: Description, files: Mapping[str, PublishedFile]) -> str:
    """Write the statement of a unit as JSON text; equal arguments give equal text.

    The subjects are the model and the archive of ``files``, which has them by their endings ``onnx`` and
    ``tar.gz``; other files in it, such as the bill of materials, are by-products. All are named as they
    are seen from the statement's own folder. There is no time in it.

    Raises:
        PublishError: a subject or something of the provenance is missing, or a value is not JSON's.
    """
    try:
        content = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [_file(files[kind]) for kind in _SUBJECTS],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {
                "buildDefinition": _build_definition(description),
                "runDetails": {
                    "builder": {"id": BUILDER, "version": {NAME: __version__}},
                    "byproducts": [
                        *(_file(files[kind]) for kind in sorted(files) if kind not in _SUBJECTS),
                        _value("rewrites", list(description.rewrites)),
                        _value("verdict", dict(description.verdict)),
                    ],
                },
            },
        }
        return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    except KeyError as error:
        raise PublishError(f"{description.name}: its provenance has no {error}; convert it again") from error
    except (TypeError, ValueError) as error:
        raise PublishError(f"{description.name}: the record holds what JSON cannot say: {error}") from error


def _build_definition(description: Description) -> dict[str, Any]:
    provenance = description.provenance
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": {
            "unit": description.name,
            "model": provenance["model"],
            "opset": parse_name(description.name).opset,
            "weights": provenance["weights"]["origin"],
            "form": provenance["form"],
            "head": provenance["head"],
            "arguments": provenance["arguments"],
            **({"output": provenance["output"]} if "output" in provenance else {}),
            "preprocessing": description.preprocessing,
        },
        "internalParameters": {
            "framework": description.framework,
            "exporter": provenance["exporter"],
            "nativeOpset": provenance["native_opset"],
            "bounds": list(description.bounds),
            "key": description.key,
        },
        "resolvedDependencies": _dependencies(description),
    }


def _dependencies(description: Description) -> list[dict[str, Any]]:
    """The files, packages and arrays that went in, as resource descriptors."""
    provenance, weights = description.provenance, description.provenance["weights"]
    dependencies: list[dict[str, Any]] = []
    if weights["sha256"]:  # random weights are no file: they are a parameter
        dependencies.append(_digested("weights", weights["sha256"], {"origin": weights["origin"]}))
    for shard, digest in weights.get("shards", {}).items():
        dependencies.append(_digested(f"weights/{shard}", digest, {"origin": weights["origin"]}))
    dependencies.append(
        _digested("environment", provenance["environment"], {"framework": description.framework})
    )
    dependencies += [{"uri": url.to_string()} for url in package_urls(description)]
    if description.labels.get("sha256"):
        origin = {"origin": description.labels["origin"]}
        dependencies.append(_digested("labels", description.labels["sha256"], origin))
    for data_set in description.inputs:
        name = f"inputs/{data_set['name']}"
        dependencies.append(_digested(name, data_set["sha256"], {"shape": list(data_set["shape"])}))
    return dependencies


def _file(file: PublishedFile) -> dict[str, Any]:
    return {"name": PurePosixPath(file.path).name, "digest": {"sha256": file.sha256}}


def _digested(name: str, digest: str, annotations: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": digest}, "annotations": annotations}


def _value(name: str, value: object) -> dict[str, Any]:
    """A resource that is no file: itself as an annotation, and the digest of its shortest sorted JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {**_digested(name, digest, {name: value}), "mediaType": "application/json"}

"""The statement is read by the in-toto package, names what went in and came out, in the same bytes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor
from in_toto_attestation.v1.statement import Statement
from packageurl import PackageURL

from publishing import __version__
from publishing.errors import PublishError
from publishing.trust.provenance import BUILD_TYPE, BUILDER, statement
from tests.publishing.units import description, files


def read(text: str) -> tuple[Statement, Any]:
    """What the in-toto package reads, which refuses unknown fields: the statement and its predicate."""
    parsed = Statement.copy_from_pb(json_format.Parse(text, statement_pb2.Statement()))
    parsed.validate()
    predicate = json_format.MessageToDict(parsed.pb.predicate)
    return parsed, json_format.ParseDict(predicate, provenance_pb2.Provenance())


def test_in_toto_reads_it() -> None:
    parsed, predicate = read(statement(description(), files()))

    assert parsed.pb.type == "https://in-toto.io/Statement/v1"
    assert parsed.pb.predicate_type == "https://slsa.dev/provenance/v1"
    assert predicate.build_definition.build_type == BUILD_TYPE
    assert predicate.run_details.builder.id == BUILDER
    assert dict(predicate.run_details.builder.version) == {"onnx-zoo-pipeline": __version__}
    resources = [*predicate.build_definition.resolved_dependencies, *predicate.run_details.byproducts]
    assert len(resources) == 11
    for resource in resources:
        ResourceDescriptor.copy_from_pb(resource).validate()
        assert resource.uri or resource.digest  # the specification asks for more than the package checks


def test_in_toto_would_tell() -> None:
    content = json.loads(statement(description(), files()))
    content["predicate"]["buildDefinition"]["time"] = "today"
    with pytest.raises(json_format.ParseError, match="time"):
        read(json.dumps(content))
    content["subject"][0]["digest"] = {}
    with pytest.raises(ValueError, match="At least one digest"):
        read(json.dumps(content))


def test_the_subjects_are_the_files_beside_it() -> None:
    parsed, predicate = read(statement(description(), files()))

    assert {one.name: dict(one.digest) for one in parsed.pb.subject} == {
        "tf_efficientnet_lite0-9.onnx": {"sha256": "aa" * 32},
        "tf_efficientnet_lite0-9.tar.gz": {"sha256": "bb" * 32},
    }
    byproducts = {one.name: one for one in predicate.run_details.byproducts}
    assert byproducts["tf_efficientnet_lite0-9.cdx.json"].digest["sha256"] == "cc" * 32


def test_it_says_what_was_asked_for_and_what_went_in() -> None:
    definition = json.loads(statement(description(), files()))["predicate"]["buildDefinition"]

    assert definition["externalParameters"] == {
        "arguments": {},
        "form": "as the framework builds it",
        "head": {"classes": 1000, "from": "the framework"},
        "model": "tf_efficientnet_lite0",
        "opset": 9,
        "preprocessing": {"colour": "RGB", "input_size": [3, 224, 224], "mean": [0.5, 0.5, 0.5]},
        "unit": "timm/tf_efficientnet_lite0@9",
        "weights": "lite0.pth of the package weights==0.1.0",
    }
    assert not set(definition["externalParameters"]) & set(definition["internalParameters"])
    digests = {
        one["name"]: one["digest"]["sha256"] for one in definition["resolvedDependencies"] if "name" in one
    }
    assert digests == {
        "weights": "f2" * 32,
        "environment": "e9" * 32,
        "inputs/noise-1": "11" * 32,
        "inputs/pictures-2": "22" * 32,
    }
    packages = [
        PackageURL.from_string(one["uri"]) for one in definition["resolvedDependencies"] if "uri" in one
    ]
    assert [(one.type, one.name, one.version) for one in packages] == [
        ("generic", "python", "3.11.7"),
        ("pypi", "timm", "1.0.31"),
        ("pypi", "torch", "2.13.0+cpu"),
        ("pypi", "typing-extensions", "4.16.0"),
    ]


def test_rewrites_and_verdict_carry_the_digest_of_their_json() -> None:
    byproducts = {
        one["name"]: one
        for one in json.loads(statement(description(), files()))["predicate"]["runDetails"]["byproducts"]
    }

    for name, value in (("rewrites", description().rewrites), ("verdict", description().verdict)):
        assert byproducts[name]["annotations"] == {name: value}
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert byproducts[name]["digest"]["sha256"] == hashlib.sha256(text.encode()).hexdigest()


def test_random_weights_are_a_parameter_and_no_file() -> None:
    random = {"origin": "random weights, seed 0", "sha256": None, "tensors": 2}
    text = statement(description(provenance={**description().provenance, "weights": random}), files())

    definition = json.loads(text)["predicate"]["buildDefinition"]
    assert definition["externalParameters"]["weights"] == "random weights, seed 0"
    assert "weights" not in {one.get("name") for one in definition["resolvedDependencies"]}


def test_the_order_of_what_is_handed_in_does_not_matter() -> None:
    provenance = dict(description().provenance)
    provenance["packages"] = dict(reversed(provenance["packages"].items()))
    turned = description(provenance=dict(reversed(provenance.items())))

    assert statement(turned, dict(reversed(files().items()))) == statement(description(), files())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"provenance": {}}, "its provenance has no"),
        ({"verdict": {"status": float("nan")}}, "holds what JSON cannot say"),
    ],
)
def test_what_cannot_be_said_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(PublishError, match=message):
        statement(description(**changes), files())


def test_a_missing_subject_is_refused() -> None:
    with pytest.raises(PublishError, match=r"no 'tar\.gz'"):
        statement(description(), {"onnx": files()["onnx"]})


def test_every_shard_of_the_weights_is_a_dependency() -> None:
    weights = {**description().provenance["weights"], "shards": {"net-1.bin": "cd" * 32}}
    text = statement(description(provenance={**description().provenance, "weights": weights}), files())
    dependencies = json.loads(text)["predicate"]["buildDefinition"]["resolvedDependencies"]
    digests = {one["name"]: one["digest"]["sha256"] for one in dependencies if "name" in one}
    assert digests["weights/net-1.bin"] == "cd" * 32
    assert digests["weights"] == weights["sha256"]


def test_the_file_of_the_names_of_classes_is_a_dependency() -> None:
    labels = {"names": ["cat"], "origin": "the file labels.txt", "sha256": "cd" * 32}
    for said, expected in ((labels, ["cd" * 32]), (labels | {"sha256": None}, []), ({}, [])):
        text = statement(description(labels=said), files())
        dependencies = json.loads(text)["predicate"]["buildDefinition"]["resolvedDependencies"]
        assert [one["digest"]["sha256"] for one in dependencies if one.get("name") == "labels"] == expected

"""The bill of materials of a published model: the packages, the interpreter and the weights that made it.

CycloneDX 1.6 as JSON, https://cyclonedx.org/docs/1.6/json/. It says what was there when the model was
made, not what running the model needs: a file of ONNX needs none of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from publishing import NAME, __version__
from publishing.errors import PublishError
from publishing.record import Description, parse_name

if TYPE_CHECKING:
    from cyclonedx.model.component import Component
    from packageurl import PackageURL

SUFFIX = ".cdx.json"

_NAMESPACE = uuid5(NAMESPACE_URL, f"urn:{NAME}:sbom")


def bill_of_materials(description: Description) -> str:
    """Write the bill of materials of a unit; equal descriptions give equal text.

    The main component is the model, with its licence where one is known. The others are the packages of
    the source environment and its interpreter, by their package URLs, and the weights, by their digest
    where they came from a file. There is no time in it, and its serial number follows from its content.

    Raises:
        PublishError: the description's provenance lacks something.
    """
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.lifecycle import LifecyclePhase, PredefinedLifecycle
    from cyclonedx.model.tool import ToolRepository
    from cyclonedx.output.json import JsonV1Dot6

    try:
        model = _model(description)
        parts = [*map(_part, package_urls(description)), _weights(description)]
    except KeyError as error:
        raise PublishError(f"{description.name}: its provenance has no {error}; convert it again") from error
    bom = Bom(
        components=parts,
        metadata=BomMetaData(
            component=model,
            lifecycles=[PredefinedLifecycle(LifecyclePhase.BUILD)],
            tools=ToolRepository(components=[_tool()]),
        ),
    )
    bom.register_dependency(model, parts)
    content = json.loads(JsonV1Dot6(bom).output_as_string())
    # The library sets both to something that no second run repeats.
    del content["metadata"]["timestamp"], content["serialNumber"]
    content["serialNumber"] = uuid5(_NAMESPACE, _text(content)).urn
    return _text(content)


def package_urls(description: Description) -> list[PackageURL]:
    """Name the source environment's interpreter, then its packages, as https://github.com/package-url does.

    Raises:
        KeyError: the description's provenance has no ``python`` or no ``packages``.
    """
    from packageurl import PackageURL

    provenance = description.provenance
    urls = [PackageURL("generic", name="python", version=provenance["python"])]
    for name, version in sorted(provenance["packages"].items()):
        urls.append(PackageURL("pypi", name=name, version=version))
    return urls


def _model(description: Description) -> Component:
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model import Property
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.contact import OrganizationalContact

    name, provenance = parse_name(description.name), description.provenance
    stated = {
        "environment": provenance["environment"],
        "exporter": provenance["exporter"],
        "form": provenance["form"],
        "framework": description.framework,
        "opset": name.opset,
    }
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=description.name,
        group=description.source,
        name=description.model,
        version=name.version,
        description=f"{description.model} of {description.framework} as ONNX, opset {name.opset}",
        authors=[OrganizationalContact(name=description.author)] if description.author else [],
        licenses=[LicenseFactory().make_from_string(description.license)] if description.license else [],
        properties=[Property(name=f"{NAME}:{key}", value=str(value)) for key, value in stated.items()],
    )


def _part(url: PackageURL) -> Component:
    from cyclonedx.model.component import Component, ComponentType

    kind = ComponentType.LIBRARY if url.type == "pypi" else ComponentType.PLATFORM
    return Component(type=kind, bom_ref=str(url), name=url.name, version=url.version, purl=url)


def _weights(description: Description) -> Component:
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType

    weights = description.provenance["weights"]
    digest = weights["sha256"]
    return Component(
        type=ComponentType.DATA,
        bom_ref="weights",
        name="weights",
        description=weights["origin"],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)] if digest else [],
    )


def _tool() -> Component:
    from cyclonedx.model.component import Component, ComponentType

    return Component(type=ComponentType.APPLICATION, bom_ref=NAME, name=NAME, version=__version__)


def _text(content: object) -> str:
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"

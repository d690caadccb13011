"""What can be wrong with the network that an entry asks for: its classes, channels, arguments and steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from converters.interface import Source
from pipeline.config.requirements import requirement_mistakes
from pipeline.config.schema import ModelEntry
from pipeline.config.yaml_lines import Location

_KEYS = {
    "classes": "classes: N",
    "channels": "channels: N",
    "preprocessing": "preprocessing: {input_size: [C, H, W]}",
}
"""How a pipeline file says what some keyword of a constructor says."""


def network_mistakes(entry: ModelEntry, source: Source, place: Location) -> Iterator[tuple[Location, str]]:
    """The mistakes of an entry at ``place`` in the file, each with its own place."""
    for message in _channel_mistakes(entry):
        yield (*place, "channels" if entry.channels else "preprocessing"), message
    for message in _embed_mistakes(entry, source):
        yield (*place, "embed"), message
    for message in requirement_mistakes(entry, source):
        yield (*place, "requirements"), message
    for keyword in _keywords(entry.arguments):
        key = source.keywords.get(keyword)
        if key == "weights":
            message = f"{keyword!r} is about loading weights, which weights: ... says. Remove it."
            yield (*place, "arguments"), message
        elif key:
            yield (*place, "arguments"), f"{keyword!r} is said with {_KEYS[key]} instead, for every source."
    if source.reads_code:
        for key in ("classes", "channels"):
            if getattr(entry, key):
                yield (*place, key), f"code of your own has its own words for {key}: say it with arguments."
        return
    if source.reads_configs and entry.is_unlisted and entry.channels and not entry.preprocessing.input_size:
        said = f"preprocessing: {{input_size: [{entry.channels}, H, W]}}"
        yield (*place, "channels"), f"a config of your own needs the size of its pictures, too: give {said}."
    has_folder = source.reads_model_folders and entry.is_unlisted
    asked = [key for key in ("classes", "channels", "arguments") if getattr(entry, key)]
    if (has_folder or source.reads_onnx_files) and asked:
        key = asked[0]
        yield (
            (*place, key),
            f"a model given as a folder or a file is what that says. Leave {key} out, and give pictures as "
            "preprocessing: {input_size: [C, H, W]}.",
        )


def _channel_mistakes(entry: ModelEntry) -> Iterator[str]:
    """Contradictions between the channels of the network, of its pictures and of their normalisation."""
    changes = entry.preprocessing
    said = changes.input_size[0] if changes.input_size else None
    if entry.channels and said and entry.channels != said:
        size = list(changes.input_size or ())
        yield f"channels: {entry.channels} contradicts input_size: {size}. Correct one of them."
        return
    channels = entry.channels or said
    for name in ("mean", "std"):
        values = getattr(changes, name)
        if channels and values and len(values) != channels:
            yield f"{name} has {len(values)} values for pictures of {channels} channel{'s' * (channels > 1)}."
    if channels == 1 and (changes.convention or "torchvision") != "torchvision":
        yield f"convention {changes.convention!r} prepares pictures of three channels. Leave it out."


def _embed_mistakes(entry: ModelEntry, source: Source) -> Iterator[str]:
    if entry.embed.normalise is None:
        return
    changes = entry.preprocessing
    if entry.is_unlisted and not source.reads_configs and not (changes.mean and changes.std):
        yield (
            "how the pictures of a model given as a folder or a file are normalised is not known without "
            "preprocessing: {mean: [...], std: [...]}, for pixels between 0 and 1. Give both, or leave "
            "normalise out."
        )
    if changes.crop_mode == "border":
        yield (
            "crop_mode border fills with the mean colour, which pictures that are not normalised have not. "
            "Give another one, or leave normalise out."
        )


def _keywords(arguments: Mapping[str, Any]) -> Iterator[str]:
    """All keywords in ``arguments``, those within mappings and lists too."""
    for name, value in arguments.items():
        yield name
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                yield from _keywords(inner)

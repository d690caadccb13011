"""Models that come with weights of their own: folders, ONNX files and TorchScript archives."""

from __future__ import annotations

from converters.registry import SOURCES
from pipeline.config.code_files import split_function
from pipeline.config.schema import ModelEntry, PipelineFile
from pipeline.config.yaml_lines import LinedDocument


def has_own_weights(entry: ModelEntry) -> bool:
    """Whether the model of an entry brings its weights."""
    source = SOURCES.get(entry.source)
    if source is None:
        return False
    if source.reads_code:
        return not any(split_function(pattern)[1] for pattern in entry.patterns)
    return source.reads_onnx_files or (source.reads_model_folders and entry.is_unlisted)


def without_default_weights(file: PipelineFile, document: LinedDocument) -> PipelineFile:
    """``file``, where what ``defaults`` say of weights passes by the entries that bring their own."""
    models = tuple(
        entry.model_copy(update={"weights": "random"})
        if "weights" not in said and has_own_weights(entry)
        else entry
        for entry, said in zip(file.models, document.value["models"], strict=True)
    )
    return file.model_copy(update={"models": models})

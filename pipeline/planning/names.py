"""The names of the frameworks' models, as the catalogues say that ship with the locks of the sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from converters.catalogue import ListedModel, read_catalogue
from converters.interface import Source
from pipeline.config.mistakes import is_glob, source_named
from pipeline.config.mmcls_config import SUFFIXES
from pipeline.errors import UsageError
from pipeline.planning.jobs import AnyModel, NamedModel


def names_fitting(pattern: str, source: Source) -> list[str]:
    """The models of ``source`` that a name, or a glob over names, stands for.

    Raises UsageError where there is none.
    """
    if not source.is_framework:
        example = "./net.py:build" if source.reads_code else "./model.onnx"
        raise UsageError(
            f"{source.name} lists no models: its models are files of yours, named by their paths, such as "
            f"{example}, with a slash."
        )
    catalogue = read_catalogue(source)
    if is_glob(pattern):
        matches = [name for name in catalogue if fnmatchcase(name, pattern)]
        if not matches:
            raise UsageError(f"no model of {source.name} fits {pattern!r}. {_how_to_list(source)}")
        return matches
    if source.reads_configs and pattern.endswith(SUFFIXES):
        raise UsageError(f"a config is named by its path, with a slash: give ./{pattern}.")
    if pattern not in catalogue:
        near = get_close_matches(pattern, catalogue, n=3, cutoff=0.5)
        hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise UsageError(f"{source.name} has no model {pattern!r}.{hint} {_how_to_list(source)}")
    return [pattern]


def models_fitting(source_name: str, patterns: Sequence[str]) -> Mapping[str, ListedModel]:
    """The models of a source that fit one of ``patterns``, names or globs over names; none: all.

    Raises UsageError where there is no such source, or a pattern fits nothing.
    """
    source = source_named(source_name)
    catalogue = read_catalogue(source)
    fitting = {name for pattern in patterns or ["*"] for name in names_fitting(pattern, source)}
    return {name: model for name, model in catalogue.items() if name in fitting}


def listed_model(source: Source, model: AnyModel) -> ListedModel | None:
    """What the catalogue of ``source`` says of a model that it has by name, else None."""
    return read_catalogue(source)[model.name] if isinstance(model, NamedModel) else None


def _how_to_list(source: Source) -> str:
    return f"`python -m pipeline models {source.name}` lists them."

"""The command that lists the models of a source."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from converters.catalogue import ListedModel
from pipeline.terminal.output import console_for_output
from pipeline.terminal.text_tables import Column, Table, print_table

_COLUMNS = (
    Column("model", numbers=False),
    Column("input size"),
    Column("parameters"),
    Column("pretrained", numbers=False),
)
_UNKNOWN = "?"
"""What is not known of a network that the framework cannot build."""


def print_models(models: Mapping[str, ListedModel]) -> None:
    """A table with a row for each model."""
    rows = tuple(_row(name, model) for name, model in models.items())
    print_table(Table(_COLUMNS, rows), console_for_output())


def models_json(models: Mapping[str, ListedModel]) -> str:
    """All that is known of each model; null is what is not known."""
    return json.dumps([{"name": name, **asdict(model)} for name, model in models.items()], indent=1)


def _row(name: str, model: ListedModel) -> tuple[str, ...]:
    parameters = _UNKNOWN if model.parameters is None else f"{model.parameters:,}"
    pretrained = {True: "yes", False: "no", None: _UNKNOWN}[model.pretrained]
    return (name, "x".join(map(str, model.input_size)), parameters, pretrained)

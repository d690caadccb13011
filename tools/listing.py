"""Write the lists of the sources' models, from what their frameworks say: ``python -m tools.listing timm``.

``catalogue.json`` lies beside the lock of a source's environment, and is written whenever that is: see
``tools/lock.py``. Alone, this is for a change of what ``export.py`` says of models. Every network is built
without weights, one after the other, in the environment of the lock, which is made where it is missing: that
takes minutes for a source with many models.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from converters.catalogue import Catalogue, ListedModel, catalogue_file, catalogue_text
from converters.interface import details_call
from converters.registry import SOURCES, frameworks
from pipeline.environments import building
from pipeline.environments.building import Environment
from pipeline.errors import PipelineError
from pipeline.terminal.wording import say
from pipeline.workers.processes import Limits
from pipeline.workers.sources import run_worker

_LIMITS = Limits(seconds=3600)
_NEVER = threading.Event()


def ask_framework(environment: Environment) -> Catalogue:
    """What a framework says of all its models. Raises PipelineError."""
    description = environment.description
    listed = building.list_models(description, description.folder, _NEVER)
    details = ask_details(environment, list(listed))
    return {name: ListedModel(**model, **details.get(name, {})) for name, model in listed.items()}


def ask_details(environment: Environment, models: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What is only known of networks that are built, of those of ``models`` that the framework can build."""
    description = environment.description
    with tempfile.TemporaryDirectory(prefix="pipeline-listing-") as folder:
        answer: dict[str, dict[str, Any]] = run_worker(
            details_call(description.source, models),
            python=environment.python,
            variables=description.variables,
            what=f"asking {description.source.name} for its models",
            folder=Path(folder),
            limits=_LIMITS,
            stop=_NEVER,
        )["models"]
    return answer


def main() -> None:
    """List the models of the sources named on the command line."""
    parser = argparse.ArgumentParser(description="Write the lists of the models of sources.")
    parser.add_argument("sources", nargs="+", metavar="SOURCE", choices=frameworks())
    try:
        for name in parser.parse_args().sources:
            source = SOURCES[name]
            models = ask_framework(building.ensure(source, stop=_NEVER, say=say))
            catalogue_file(source).write_text(catalogue_text(models), encoding="utf-8")
            unknown = sum(model.parameters is None for model in models.values())
            say(f"{name}: {len(models)} models, {unknown} of which cannot be built")
    except PipelineError as error:
        sys.exit(f"listing: {error}")


if __name__ == "__main__":
    main()

"""The commands for the environments of the sources, and for the models that these offer."""

from __future__ import annotations

from typing import Annotated

import typer

from converters.registry import SOURCES

environments_app = typer.Typer(help="List, build or remove source environments.")


def models(
    source: Annotated[str, typer.Argument(help=f"{', '.join(SOURCES)}.")],
    glob: Annotated[str, typer.Argument(help="Only names that fit, such as 'vgg*'.")] = "*",
) -> None:
    """List the classifiers of a framework.

    They are listed by the names that a pipeline file takes.
    """
    from pipeline.commands.environments import list_models

    typer.echo("\n".join(list_models(source, glob)))


SourcesArgument = Annotated[list[str] | None, typer.Argument(metavar="[SOURCE]...", help="None: all.")]


@environments_app.command("list")
def environments_list() -> None:
    """Show each source's environment: built or not, its size and its folder."""
    from pipeline.commands.environments import environment_rows

    typer.echo("\n".join(environment_rows()))


@environments_app.command("build")
def environments_build(sources: SourcesArgument = None) -> None:
    """Build the environments that are missing."""
    from pipeline.commands.environments import build_environments

    build_environments(sources or [])


@environments_app.command("remove")
def environments_remove(sources: SourcesArgument = None) -> None:
    """Remove environments; a run builds them again when it needs them."""
    from pipeline.commands.environments import remove_environments

    typer.echo("\n".join(remove_environments(sources or [])))

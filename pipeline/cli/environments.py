"""The commands for the environments of the sources, and for the models that these offer."""

from __future__ import annotations

from typing import Annotated

import typer

from converters.registry import frameworks
from pipeline.cli.formats import FormatOption, wants_json

environments_app = typer.Typer(help="List, build or remove source environments.")


def models(
    source: Annotated[str, typer.Argument(help=f"{', '.join(frameworks())}.")],
    globs: Annotated[
        list[str] | None, typer.Argument(metavar="GLOB", help="Only names that fit one, such as 'vgg*'.")
    ] = None,
    output: FormatOption = "text",
) -> None:
    """List the classifiers of a framework.

    By the names that a pipeline file takes, with the size of their pictures (channels, height, width), the
    number of learned values, and whether the framework offers weights for them. No environment is built
    for that. A question mark stands for what is not known of a network that the framework lists and cannot
    build.

    Exit code 2: there is no such source, or a GLOB fits nothing.
    """
    as_json = wants_json(output)
    from pipeline.commands.models import models_json, print_models
    from pipeline.planning.names import models_fitting

    fitting = models_fitting(source, globs or [])
    typer.echo(models_json(fitting)) if as_json else print_models(fitting)


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

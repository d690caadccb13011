"""The commands that try all that a source offers, and show it. Heavy imports wait inside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import UsageError
from pipeline.terminal.wording import say


def sweep(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    source: Annotated[
        str, typer.Argument(metavar="SOURCE|FILE|DIR", help="The source, such as timm, or ONNX files.")
    ],
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="[GLOB...]", help="Models, such as 'resnet*', or more files. [default: all]"),
    ] = None,
    opsets: Annotated[
        str, typer.Option("--opsets", metavar="OPSETS", help="12, 7-9 or 3,6,11.")
    ] = "3,7,9,12",
    max_params: Annotated[
        str | None, typer.Option("--max-params", metavar="N", help="Leave larger models out, such as 50M.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Models to work on at the same time.")] = 1,
    shard: Annotated[
        str, typer.Option("--shard", metavar="I/N", help="The I-th of N shares, whole models each.")
    ] = "1/1",
    ledger: Annotated[
        Path | None,
        typer.Option(
            "--ledger", metavar="FILE", help="Where the rows go. [default: SOURCE.jsonl, or onnx.jsonl]"
        ),
    ] = None,
    publish: Annotated[
        str | None,
        typer.Option("--publish", metavar="DIR|URL", help="Keep what passes in this zoo. [default: nothing]"),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Run what failed before once more, too.")] = False,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, help="The limit of each process on time.")
    ] = 900.0,
    memory: Annotated[
        float, typer.Option("--memory-gib", min=0.1, help="The limit of each process on memory.")
    ] = 8.0,
) -> None:
    """Try every model of a source, or ONNX files.

    With random weights and the model's own input size, at each of OPSETS: a line of JSON for each in a
    ledger, with the stage that it reached, why it got no further, seconds and memory of each stage, and
    versions. What crashes or breaks a limit is a line as any other. What the ledger has is not run again;
    the ledgers of several shares are put together by appending one to the other.

    ONNX files, by their names or in folders, are brought to each of OPSETS and compared with what they were,
    on inputs that are made for them, or on those in an .npz file of the same name beside them.

    Exit code 0: the ledger has all of it, whatever became of them; 1: it has not; 2: the command is wrong;
    130: interrupted. Running it again goes on from what is done.
    """
    from pipeline.commands.sweep import SweepOptions
    from pipeline.commands.sweep import sweep as sweep_source
    from pipeline.commands.sweep_files import sweep_files
    from pipeline.estimates.shards import parse_shard
    from pipeline.sweeps.files import ProcessLimits
    from pipeline.sweeps.pipeline_file import SweepSettings, opsets_of, parse_parameters

    if _names_files(source):
        if max_params:
            raise UsageError("--max-params: of files nobody lists the parameters. Name those that you want.")
        options = SweepOptions(ledger or Path("onnx.jsonl"), parse_shard(shard), jobs, publish, again)
        places = [Path(place) for place in (source, *(models or ()))]
        limits = ProcessLimits(seconds, memory)
        raise typer.Exit(sweep_files(places, opsets_of(opsets), limits, options))
    largest = parse_parameters(max_params) if max_params else None
    settings = SweepSettings(source, tuple(models or ()), opsets_of(opsets), largest, seconds, memory)
    place = ledger or Path(f"{source}.jsonl")
    options = SweepOptions(place, parse_shard(shard), jobs, publish, again)
    raise typer.Exit(sweep_source(settings, options))


def _names_files(source: str) -> bool:
    """Whether what is to be swept are files; a folder that is called like a source is named ``./timm``."""
    from converters.registry import SOURCES

    return source not in SOURCES and (source.endswith(".onnx") or "/" in source or Path(source).is_dir())


def coverage(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where tables and page lie.")],
    ledgers: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[LEDGER...]", help="What sweeps have written; of a row in several, the last counts."
        ),
    ] = None,
    style: Annotated[
        str | None,
        typer.Option(
            "--style",
            metavar="PATH",
            help="Where the page finds the catalogue's style. [default: a copy of it]",
        ),
    ] = None,
) -> None:
    """Make tables and a page of what sweeps have found.

    A table for each source, SOURCE.csv, which replaces the one that is there, and of all tables in DIR one
    page, index.html: what is right by source and opset, how far the others come and why no further, families,
    the slowest and the largest.

    Exit code 0: they are written; 2: the command or a file is wrong, and nothing was.
    """
    from pipeline.commands.coverage import write_coverage

    for file in write_coverage(ledgers or [], folder, f"{style.rstrip('/')}/" if style else None):
        say(str(file))

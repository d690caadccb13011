"""The commands for a zoo that is published. Heavy imports wait inside them, as in the others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.formats import FormatOption, wants_json
from pipeline.errors import NOT_PUBLISHED
from pipeline.terminal.wording import say

SignOption = Annotated[
    Path | None, typer.Option("--sign", metavar="KEY", help="Sign the zoo with this private key (PEM).")
]


def verify(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="DIR|URL|FILE...", help="Published folders, or single .onnx and .tar.gz files."
        ),
    ],
    public_key: Annotated[
        Path | None, typer.Option("--public-key", metavar="KEY", help="Check the signature with this key.")
    ] = None,
    digests_only: Annotated[
        bool, typer.Option("--digests-only", help="Compare digests, and look into no model.")
    ] = False,
    relative: Annotated[
        float | None,
        typer.Option(
            "--relative",
            metavar="BOUND",
            help="The largest error of the test data, as a share of the largest output. "
            "[default: that of the record, or 1e-4]",
        ),
    ] = None,
) -> None:
    """Check what was downloaded, or is served.

    Digests, signature, archives, the ONNX checker, versions and names; and the test data is run in every
    runtime at hand. No source framework is needed. What is wrong, missing or extra is named, a line each,
    and so is what could not be checked, such as a model without test data.

    Exit code 0: all is well; 1: something is not, or could not be checked or read; 2: the command is wrong,
    or there is nothing that was published; 130: interrupted.
    """
    from pipeline.commands.verify import verify_places

    if not verify_places(places, public_key, digests_only, relative):
        raise typer.Exit(NOT_PUBLISHED)


def unpublish(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME...", help="Units, such as timm/vgg16@7 or 'timm/*@{3..6}'.")
    ],
    publish: Annotated[
        str, typer.Option("--publish", metavar="DIR|URL", help="The zoo to take them out of.")
    ] = "dist",
    sign: SignOption = None,
) -> None:
    """Take models out of a zoo again.

    Their files are removed, and pages and lists are written without them. Without @OPSET, a name stands for
    the model at all opsets.

    Exit code 0: they are gone; 1: the zoo cannot be written; 2: there is no such zoo, or no such model in it.
    """
    from pipeline.commands.unpublish import withdraw

    withdrawn = withdraw(names, publish, sign, say)
    typer.echo("\n".join(f"withdrawn: {name}" for name in withdrawn))


def serve(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="The folder of a zoo.")] = Path("dist"),
    host: Annotated[str, typer.Option("--host", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0: any that is free.")] = 8000,
) -> None:
    """Show a zoo in the browser.

    Any other web server does it as well: all pages are plain files.
    """
    from pipeline.commands.serve import serve as serve_folder

    serve_folder(folder, host, port)


def benchmark(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME|FILE...",
            help="Published units, such as timm/vgg16@12; ONNX files; or pipeline files.",
        ),
    ],
    zoo: Annotated[str, typer.Option("--zoo", metavar="DIR|URL", help="Where NAMEs are published.")] = "dist",
    threads: Annotated[
        int, typer.Option("--threads", help="Of each runtime, pinned to as many processors.")
    ] = 2,
    batch: Annotated[
        list[int] | None, typer.Option("--batch", help="Repeatable. [default: 1, 4 and 8]")
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", help="Turns that each runtime and batch has.")] = 10,
    save: Annotated[
        bool, typer.Option("--save", help="Keep the times beside the record, for card and catalogue.")
    ] = False,
    sign: SignOption = None,
    output: FormatOption = "text",
) -> None:
    """Measure how long models take.

    In every runtime at hand, a process for each, beside the framework that the model came from; they take
    turns. Of a FILE without a record the source is not known.

    Exit code 0: all is measured; 1: something could not be; 2: the command is wrong, or there is no such
    model; 130: interrupted.
    """
    from pipeline.commands.benchmark import Options, benchmark_places

    for_program = wants_json(output)
    options = Options(zoo, threads, tuple(batch or (1, 4, 8)), rounds, save, sign, for_program)
    if not benchmark_places(names, options):
        raise typer.Exit(NOT_PUBLISHED)

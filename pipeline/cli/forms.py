"""The commands for any ONNX file: at another opset, and beside another. Heavy imports wait inside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.diagnose import DiagnosisOption
from pipeline.cli.formats import FormatOption, wants_json
from pipeline.errors import NOT_PUBLISHED, UsageError

RelativeOption = Annotated[
    float,
    typer.Option("--relative", metavar="BOUND", help="The largest error, as a share of the largest output."),
]


def retarget(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="The ONNX file; it is left as it is.")],
    opset: Annotated[int, typer.Option("--opset", min=3, max=21, help="The opset to bring it to.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="[default: MODEL-OPSET.onnx beside MODEL]"),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option("--shape", metavar="INPUT:LENGTHS", help="Fix an input: x:1x3x224x224. Repeatable."),
    ] = None,
    batch: Annotated[
        int | None, typer.Option("--batch", min=1, help="Fix the first axis of every input.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Write it only if runtimes compute the same of both.")
    ] = False,
) -> None:
    """Bring any ONNX file to another opset.

    It may be older or newer. Prints what was rewritten. The new file computes the same and has the same
    weights, byte for byte; where it cannot, nothing is written. With --shape or --batch, axes that are open
    have a length, what follows from it is computed, and OPSET may be the one that MODEL has. With --verify
    both are compared first, as `compare` does it.

    Exit code 0: it is written; 1: the model cannot be said at this opset, the two do not compute the same
    or nobody can tell, or the disk refuses; 2: the command is wrong, the lengths do not suit MODEL, or it
    is no ONNX file.
    """
    from pipeline.commands.retarget import retarget as retarget_model

    typer.echo(retarget_model(model, opset, output, shapes=shape or (), batch=batch, verify=verify))


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="The ONNX file that is right.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="The ONNX file to hold against it.")],
    inputs: Annotated[
        Path | None,
        typer.Option(
            "--inputs",
            metavar="FILE",
            help="An .npz file with an array for each input, or several as name/0, name/1. [default: seeded "
            "noise]",
        ),
    ] = None,
    relative: RelativeOption = 1e-4,
    output: FormatOption = "text",
    diagnose: Annotated[
        bool, typer.Option("--diagnose", help="Find the first tensor that differs, and write what shows it.")
    ] = False,
    folder: DiagnosisOption = None,
) -> None:
    """Say whether two ONNX files compute the same.

    In every runtime at hand that runs both, each in a process of its own; where none does, in one each.
    Prints how far they are apart, and on which input. Outputs that do not depend on the input prove nothing.
    With --diagnose, every node of B is given what A computes, and the first one that answers otherwise is
    told, as `diagnose` does it.

    Exit code 0: they compute the same; 1: they do not, or nobody can tell; 2: the command, a file or the
    inputs are wrong; 130: interrupted.
    """
    for_program = wants_json(output)
    if diagnose:
        if for_program:
            raise UsageError("--diagnose prints text alone: leave out --format json.")
        from pipeline.commands.diagnose import diagnose_files

        raise typer.Exit(diagnose_files(first, second, inputs, relative, folder))
    if folder:
        raise UsageError("--output: there is something to write with --diagnose alone.")
    from pipeline.commands.compare import compare as compare_files
    from pipeline.equivalence.report import as_json, lines

    compared = compare_files(first, second, inputs, relative)
    typer.echo(as_json(compared) if for_program else "\n".join(lines(compared)))
    if not compared.same:
        raise typer.Exit(NOT_PUBLISHED)

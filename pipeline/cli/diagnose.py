"""The command that finds where a model goes wrong. Heavy imports wait inside it, as in the others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DiagnosisOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        help="A new folder for the models that show it. [default: diagnosis-NAME]",
    ),
]


def diagnose(
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="Its name, such as timm/resnet18@12.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The pipeline file that has it.")] = Path(
        "pipeline.yaml"
    ),
    output: DiagnosisOption = None,
    trust_code: Annotated[
        bool, typer.Option("--trust-code", help="Let a model that is code of yours run.")
    ] = False,
) -> None:
    """Find the first tensor that differs.

    Compares the framework with its native export, that with the file at the opset of UNIT, and this in
    one runtime after the other; publishes nothing. Of the first node that answers otherwise to what the
    reference computes, prints operator, name, the rewrite that made it, inputs and error, and writes the
    smallest model that shows it with its inputs and a script that runs it.

    Exit code 0: no tensor differs; 1: one does, or something cannot be run; 2: the command or FILE is wrong,
    and nothing was started; 130: interrupted.
    """
    from pipeline.commands.diagnose import diagnose_unit

    raise typer.Exit(diagnose_unit(unit, file, output, trust_code=trust_code))

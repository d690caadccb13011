"""The commands that make other forms of any ONNX file. Heavy imports wait inside them, as in the others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.accuracy import PreprocessingOption, preprocessing_changes
from pipeline.errors import UsageError

ModelArgument = Annotated[Path, typer.Argument(metavar="MODEL", help="The ONNX file; it is left as it is.")]


def simplify(
    model: ModelArgument,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="[default: MODEL-sim.onnx beside MODEL]"),
    ] = None,
) -> None:
    """Fold constants and batch normalisations of an ONNX file.

    It computes the same but for the last bits, and its weights are others: what the compilers of chips take
    first. Prints which operators went. Needs onnxsim, of the extra `simplify`.

    Exit code 0: it is written; 1: the model cannot be simplified, or the disk refuses; 2: the command is
    wrong.
    """
    from pipeline.commands.simplify import simplify as simplify_model

    typer.echo(simplify_model(model, output))


def quantize(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    model: ModelArgument,
    images: Annotated[
        Path,
        typer.Option("--images", metavar="DIR", help="Pictures to calibrate on, and others to compare on."),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="[default: MODEL-FORM.onnx beside MODEL]"),
    ] = None,
    form: Annotated[str, typer.Option("--form", metavar="int8|int8-qdq|fp16", help="What to make.")] = "int8",
    labels: Annotated[
        Path | None,
        typer.Option("--labels", metavar="FILE", help="The pictures' classes; the gate asks for top-1 then."),
    ] = None,
    preprocessing: PreprocessingOption = None,
    method: Annotated[
        str,
        typer.Option("--method", metavar="percentile|entropy|minmax", help="The calibration to begin with."),
    ] = "percentile",
    percentile: Annotated[float, typer.Option("--percentile", help="Of the values that are kept.")] = 99.99,
    pictures: Annotated[int, typer.Option("--pictures", help="At most so many to calibrate on.")] = 1000,
    gate_pictures: Annotated[int, typer.Option("--gate-pictures", help="And to compare on.")] = 100,
    max_drop: Annotated[float, typer.Option("--max-drop", help="What top-1 may lose, with labels.")] = 0.01,
    min_agreement: Annotated[
        float, typer.Option("--min-agreement", help="Without labels: on the same class.")
    ] = 0.98,
    min_cosine: Annotated[float, typer.Option("--min-cosine", help="Without labels: of the logits.")] = 0.99,
    seed: Annotated[int, typer.Option("--seed", help="Chooses the pictures.")] = 0,
    keep_io_types: Annotated[
        bool,
        typer.Option(
            "--keep-io-types/--float16-io", help="Whether fp16 takes and gives float32, or float16."
        ),
    ] = True,
) -> None:
    """Bring an ONNX file to int8 or float16, through a gate.

    Prints what was tried and what the gate measured, in exact arithmetic and in the runtimes; where it is
    missed, nothing is written. Pictures are prepared as the file says of itself, or --preprocessing.

    Exit code 0: it is written; 1: the gate is missed, or the disk refuses; 2: the command is wrong.
    """
    from pydantic import ValidationError

    from pipeline.commands.quantize import Wanted
    from pipeline.commands.quantize import quantize as quantize_model
    from pipeline.config.schema import Quantization
    from pipeline.config.versions import LOWEST_OPSETS

    if form not in LOWEST_OPSETS:
        raise UsageError(f"--form: {form!r} is not one of {', '.join(LOWEST_OPSETS)}.")
    settings: dict[str, Any] = {
        "method": method,
        "percentile": percentile,
        "pictures": pictures,
        "gate_pictures": gate_pictures,
        "max_drop": max_drop,
        "min_agreement": min_agreement,
        "min_cosine": min_cosine,
        "seed": seed,
        "keep_io_types": keep_io_types,
    }
    try:
        Quantization(**settings)
    except ValidationError as error:
        [first, *_] = error.errors()
        option = str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"--{option}: {first['msg']}.") from error
    changes = preprocessing_changes(preprocessing) if preprocessing else {}
    typer.echo(quantize_model(Wanted(model, images, output, form, labels, changes, settings)))

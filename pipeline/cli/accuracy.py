"""The commands for labelled pictures. Heavy imports wait inside them, as in the others."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.zoo import SignOption
from pipeline.errors import NOT_PUBLISHED, UsageError

dataset_app = typer.Typer(help="Prepare pictures for calibration and for devices.")

LabelsOption = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="A class index a line, in the order of the names, or a name and its index. "
        "[default: val_label.txt among the pictures]",
    ),
]
PreprocessingOption = Annotated[
    str | None,
    typer.Option(
        "--preprocessing",
        metavar="YAML",
        help="What replaces the model's own, such as '{resize: 256, crop_mode: center}'.",
    ),
]
ZooOption = Annotated[
    str, typer.Option("--zoo", metavar="DIR", help="The folder of the zoo that names are looked up in.")
]


def evaluate(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME|FILE]",
            help="Units of a zoo, such as timm/vgg16@12 or 'timm/*'; an .onnx file; or a pipeline file.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Labelled pictures: a folder for each class, or flat."),
    ] = None,
    labels: LabelsOption = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What to call the data set. [default: as its folder]")
    ] = None,
    zoo: ZooOption = "dist",
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="GLOB", help="Only these units of a pipeline file. Repeatable."),
    ] = None,
    runtime: Annotated[
        str | None,
        typer.Option(
            "--runtime", help="Such as openvino or exact. [default: onnxruntime, and openvino below opset 7]"
        ),
    ] = None,
    preprocessing: PreprocessingOption = None,
    against_source: Annotated[
        bool, typer.Option("--against-source", help="Ask the source framework too, on the same bits.")
    ] = False,
    outputs: Annotated[
        Path | None,
        typer.Option("--outputs", metavar="DIR|FILE", help="Score what a device saved; needs no model."),
    ] = None,
    datalist: Annotated[
        Path | None,
        typer.Option("--datalist", metavar="FILE", help="The list that `dataset npz` wrote, with --outputs."),
    ] = None,
    sign: SignOption = None,
) -> None:
    """Count how often models are right.

    Top-1 and top-5 with their 95% intervals, of published models, of any ONNX file, or of outputs that a
    device has saved. Figures of published models go into their records, cards and pages. What is done stays
    done: the same command goes on from there.

    Exit code 0: all is counted; 1: a model failed, a picture is broken, or something cannot be written;
    2: the command is wrong, or models, pictures and labels do not fit each other; 130: interrupted.
    """
    from pipeline.commands.evaluate import Request, score_outputs
    from pipeline.commands.evaluate import evaluate as evaluate_models

    if outputs:
        if what or data or not datalist or not labels:
            raise UsageError("--outputs takes --datalist FILE and --labels FILE, and no model or --data.")
        score_outputs(outputs, datalist, labels)
        return
    if not what or not data or datalist:
        raise UsageError("name a model and --data DIR; or --outputs with --datalist and --labels.")
    changes = preprocessing_changes(preprocessing) if preprocessing else {}
    request = Request(
        what, data, labels, name, zoo, tuple(only or ()), runtime, changes, against_source, sign
    )
    if not evaluate_models(request):
        raise typer.Exit(NOT_PUBLISHED)


def preprocessing_changes(text: str) -> Mapping[str, Any]:
    """The keys of a pipeline file's ``preprocessing`` in YAML."""
    import yaml
    from pydantic import ValidationError

    from pipeline.config.schema import PreprocessingChanges

    try:
        return PreprocessingChanges.model_validate(yaml.safe_load(text)).model_dump(exclude_none=True)
    except yaml.YAMLError as error:
        raise UsageError(f"--preprocessing: not YAML: {' '.join(str(error).split())}.") from error
    except ValidationError as error:
        mistakes = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise UsageError(f"--preprocessing: {'; '.join(mistakes)}.") from error


@dataset_app.command("npz")
def dataset_npz(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with the pictures.")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder for the files.")],
    model: Annotated[
        str,
        typer.Option("--for", metavar="MODEL", help="The unit or .onnx file that they are prepared for."),
    ],
    labels: LabelsOption = None,
    zoo: ZooOption = "dist",
) -> None:
    """Write prepared pictures as .npz files.

    One for each picture, with the array that the model takes, and datalist.txt, which lists them. What a
    device computes of them is scored with `evaluate --outputs`.
    """
    from pipeline.commands.prepare import write_pictures

    typer.echo("\n".join(write_pictures(folder, output, model, zoo, labels)))

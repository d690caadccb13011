"""The command line. Heavy imports wait inside the commands, so that ``--help`` answers at once."""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pipeline.cli.accuracy import dataset_app, evaluate
from pipeline.cli.diagnose import diagnose
from pipeline.cli.environments import environments_app, models
from pipeline.cli.forms import compare, retarget
from pipeline.cli.precision import quantize, simplify
from pipeline.cli.sweep import coverage, sweep
from pipeline.cli.zoo import SignOption, benchmark, serve, unpublish, verify
from pipeline.errors import INTERRUPTED, PipelineError, UsageError, quoted
from pipeline.terminal.output import guard_streams
from pipeline.terminal.wording import say
from publishing.foreign_text import visible

if TYPE_CHECKING:
    from pipeline.planning.selection import Selection

app = typer.Typer(
    name="pipeline",
    help="Turn image classifiers into verified ONNX files, and publish them as a zoo.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

PipelineFileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The pipeline file.")]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="GLOB",
        help="Only units that fit, such as 'timm/*@{9..12}'; case is no matter. Repeatable.",
    ),
]
OpsetOption = Annotated[
    str | None, typer.Option("--opset", metavar="OPSETS", help="Only these opsets: 12, 7-9 or 3,6,11.")
]
PublishOption = Annotated[
    str | None,
    typer.Option("--publish", metavar="DIR|URL", help="Publish here instead of where FILE says."),
]
ShardOption = Annotated[
    str,
    typer.Option(
        "--shard", metavar="I/N", help="Only the I-th of N shares of the models, for several machines."
    ),
]
JobsOption = Annotated[int, typer.Option("--jobs", min=1, help="Models to work on at the same time.")]


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Turn image classifiers into verified ONNX files, and publish them as a zoo."""
    if debug:
        os.environ["PIPELINE_DEBUG"] = "1"


def _selection(
    only: list[str] | None,
    opset: str | None,
    publish: str | None = None,
    fresh: bool = False,
    trust_code: bool = False,
) -> Selection:
    from pipeline.config.versions import parse_opsets
    from pipeline.planning.selection import Selection

    try:
        opsets = parse_opsets(opset) if opset else ()
    except ValueError as error:
        raise UsageError(f"--opset: {error}.") from error
    return Selection(tuple(only or ()), opsets, publish, fresh, trust_code)


def run(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    file: PipelineFileArgument,
    only: OnlyOption = None,
    opset: OpsetOption = None,
    shard: ShardOption = "1/1",
    jobs: JobsOption = 1,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster", metavar="ADDRESS", help="Run on the workers of dask's scheduler at tcp://HOST:8786."
        ),
    ] = None,
    publish: PublishOption = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do everything again, done or not.")] = False,
    sign: SignOption = None,
    trust_code: Annotated[
        bool,
        typer.Option(
            "--trust-code",
            help="Let models that are code of yours run, such as ./net.py:build and configs in Python.",
        ),
    ] = False,
) -> None:
    """Convert, verify and publish.

    What FILE asks for and is published already is left alone.

    Exit code 0: all is published; 1: some model is not, or has no times that FILE asks for, or the disk
    will not do and nothing was started; 2: the command or FILE is wrong; 130: interrupted. Running it
    again goes on from what is done.
    """
    from pipeline.commands.run import run_file
    from pipeline.estimates.shards import parse_shard

    selection = _selection(only, opset, publish, fresh, trust_code)
    if cluster and jobs != 1:
        raise UsageError("--jobs is for this machine; on a cluster there are as many at once as workers.")
    raise typer.Exit(run_file(file, selection, jobs, sign, parse_shard(shard), cluster))


def plan(
    file: PipelineFileArgument,
    only: OnlyOption = None,
    opset: OpsetOption = None,
    shard: ShardOption = "1/1",
    publish: PublishOption = None,
    jobs: JobsOption = 1,
    output: Annotated[
        str,
        typer.Option("--format", metavar="text|json|github", help="github: a matrix of what is to do."),
    ] = "text",
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why each unit is to do: what has changed, or is damaged.")
    ] = False,
) -> None:
    """Show what is to do and what is done.

    And how much disk and time the rest will take, about. No environment is built for that.
    """
    if output not in ("text", "json", "github"):
        raise UsageError(f"--format: {output!r} is not one of text, json and github.")
    if explain and output != "text":
        raise UsageError(
            f"--explain: it is for --format text; {output} "
            f"{'tells it anyway' if output == 'json' else 'has no room for it'}."
        )
    from pipeline.commands.github_matrix import plan_matrix
    from pipeline.commands.plan import estimate_file, plan_json, plan_of_rest, print_plan
    from pipeline.estimates.shards import parse_shard

    selection, ours = _selection(only, opset, publish), parse_shard(shard)
    if output == "github":
        typer.echo(plan_matrix(plan_of_rest(file, selection, ours)))
    else:
        file_plan, estimate = estimate_file(file, selection, jobs, ours)
        if output == "json":
            typer.echo(plan_json(file_plan, estimate))
        else:
            print_plan(file_plan, estimate, explain=explain)


def figures(
    file: PipelineFileArgument,
    only: OnlyOption = None,
    opset: OpsetOption = None,
    publish: PublishOption = None,
    output: Annotated[str, typer.Option("--format", metavar="text|markdown", help="How to print.")] = "text",
) -> None:
    """Show our figures beside what documents say.

    Parameters and multiply-adds of each model, then sizes and versions of each file, from the records of
    what is published; what is not published yet is named as such.
    """
    from pipeline.commands.figures import show_figures
    from pipeline.commands.plan import plan_file

    if output not in ("text", "markdown"):
        raise UsageError(f"--format: {output!r} is neither text nor markdown.")
    show_figures(plan_file(file, _selection(only, opset, publish)), output)


def schema() -> None:
    """Print the JSON Schema of a pipeline file."""
    from pipeline.config.schema import PipelineFile

    typer.echo(json.dumps(PipelineFile.model_json_schema(), indent=2))


# In the order in which the help shows them.
for command in (
    run,
    plan,
    figures,
    models,
    retarget,
    compare,
    diagnose,
    quantize,
    simplify,
    evaluate,
    benchmark,
    verify,
    unpublish,
    serve,
    sweep,
    coverage,
    schema,
):
    app.command()(command)
app.add_typer(dataset_app, name="dataset", no_args_is_help=True)
app.add_typer(environments_app, name="environments", no_args_is_help=True)


def _fail(error: BaseException, code: int) -> NoReturn:
    if os.environ.get("PIPELINE_DEBUG"):
        import traceback

        say("\n".join(quoted("".join(traceback.format_exception(error)))))
    if message := str(error):
        say(f"error: {message}")
    raise SystemExit(code)


def main() -> None:
    """Run the command line; the only place that turns an error into an exit code."""
    from pipeline.system.interrupts import MESSAGE, Interrupted, leave

    guard_streams()
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # for our own process too; worker_environment says why
    try:
        app(prog_name="python -m pipeline")
    except PipelineError as error:
        _fail(error, error.exit_code)
    except Interrupted as error:
        leave(str(error) or MESSAGE)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader went away: head, less
        raise SystemExit(INTERRUPTED) from None
    except Exception as error:  # noqa: BLE001 - a traceback in a user's face helps nobody
        message = (
            f"a defect in the pipeline, {type(error).__name__}: {visible(str(error))}. "
            "Run with --debug and report it."
        )
        _fail(RuntimeError(message).with_traceback(error.__traceback__), 1)
    finally:
        gc.freeze()  # else all objects of sympy are walked before the end: a sixth of a short command

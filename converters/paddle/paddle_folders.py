"""Inference model folders: ``inference.json`` or ``inference.pdmodel`` beside ``inference.pdiparams``."""

from __future__ import annotations

import glob
import os
from typing import Any, Dict, Iterable, List, Optional, Set, Tuple

import numpy as np
import paddle
import paddle.inference

import paddle_operators
import paddle_parameters
import paddle_restatements
from answering import in_batches_of, require_batch
from checkpoints import refuse_pointer
from chosen_output import Asked, Port, choose, said_of
from paddle_outputs import described
from protocol import MODEL, WEIGHTS, TaskError

PROGRAMS = (".json", ".pdmodel")
PARAMETERS = ".pdiparams"
FEEDS = ("pd_op.data", "pd_op.feed")
FETCH = "pd_op.fetch"
BATCH_NORMS = ("pd_op.batch_norm", "pd_op.batch_norm_")


class Folder:
    """The files of one inference model."""

    def __init__(self, path: str) -> None:
        """Find them in the folder ``path``; TaskError where one is missing or there are several."""
        if not os.path.isdir(path):
            raise TaskError(MODEL, f"there is no folder {path}")
        # A folder may hold both forms of one program; the newer is the better kept.
        programs = [
            file for suffix in PROGRAMS for file in sorted(glob.glob(os.path.join(path, "*" + suffix)))
        ]
        programs = [file for file in programs if os.path.exists(_stem(file) + PARAMETERS)] or programs
        stems = {_stem(file) for file in programs}
        if len(stems) != 1:
            what = (
                f"{len(stems)} models: {', '.join(map(os.path.basename, programs))}" if stems else "no model"
            )
            raise TaskError(
                MODEL,
                f"{path} holds {what}: it needs one inference.json or inference.pdmodel, "
                "as paddle.jit.save writes it",
            )
        self.program, self.parameters = programs[0], _stem(programs[0]) + PARAMETERS
        if not os.path.isfile(self.parameters):
            raise TaskError(
                WEIGHTS,
                f"{path} holds {os.path.basename(self.program)} without {os.path.basename(self.parameters)}: "
                "put the parameters beside it",
            )
        for file in (self.program, self.parameters):
            refuse_pointer(file)


def _stem(file: str) -> str:
    return os.path.splitext(file)[0]


class Program:
    """An inference model, ready to run, to be counted and to be converted."""

    def __init__(self, folder: Folder, scratch: str) -> None:
        """Read ``folder``; an old program is first brought up to date in the folder ``scratch``.

        Raises TaskError where its files are damaged or do not belong together, and, before anything of it
        runs, where an operator is none that :mod:`paddle_operators` knows.
        """
        self.model, self.parameters = folder.program, folder.parameters
        paddle.enable_static()
        tensors = paddle_parameters.records([folder.parameters])
        try:
            operators = self._read(scratch)
            sizes = _parameter_sizes(operators)
            _require_parameters(sizes, tensors)
            self.predictor = _predictor(folder)
        except TaskError:
            raise
        except Exception as error:
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            raise TaskError(
                WEIGHTS,
                f"{os.path.basename(folder.program)} and {os.path.basename(folder.parameters)} "
                f"cannot be read together; are both whole, and of one model? {reason}",
            ) from error
        self.tensors = len(sizes)
        self.learned = sum(size for name, size in sizes.items() if name not in _statistics(operators))
        self.inputs = [operator.results()[0] for operator in operators if operator.name() in FEEDS]
        fetched = [operator for operator in operators if operator.name() == FETCH]
        fetched.sort(key=lambda operator: int(operator.attrs()["col"]))
        self.ports = [
            Port(str(operator.attrs()["name"]), described(operator.operands_source()[0]))
            for operator in fetched
        ]
        self.output = 0
        self.batch: Optional[int] = None

    def _read(self, scratch: str) -> List[Any]:
        """The operators of the program; an old one is written anew, with the ranks it was made with.

        ``paddle.static.load_inference_model`` does the same, and loads the parameters as well.
        """
        if self.model.endswith(".json"):
            self._program = paddle.static.Program()
            paddle.base.core.deserialize_pir_program(self.model, self._program)
            operators = paddle_operators.nested(self._program.global_block())
            self._require_known(each.name() for each in operators)
            return list(self._program.global_block().ops)
        with paddle.pir_utils.OldIrGuard():
            with open(self.model, "rb") as program:
                old = paddle.static.deserialize_program(program.read())
            types = (operator.type for block in old.blocks for operator in block.ops)
            self._require_known(types)
            for operator in old.global_block().ops:
                _keep_rank(old.global_block(), operator)
            stem = os.path.join(scratch, "modernised")
            with open(stem + ".pdmodel", "wb") as stream:
                stream.write(old.desc.serialize_to_string())
        os.symlink(os.path.abspath(self.parameters), stem + PARAMETERS)
        self.model, self.parameters = stem + ".pdmodel", stem + PARAMETERS
        self._program = paddle.pir.translate_to_pir(old.desc)
        return list(self._program.global_block().ops)

    def _require_known(self, names: Iterable[str]) -> None:
        restated = paddle_restatements.RESTATEMENTS
        paddle_operators.require_known(names, os.path.basename(self.model), restated)

    def prepare(self, sizes: Tuple[int, ...], output: Asked, batch: Optional[int]) -> None:
        """Let it answer to float32 (N, *sizes) with one output; nothing of it has run yet.

        ``output`` and ``batch`` are those of a request. Raises TaskError unless it takes one such input, and
        answers with one output or has the one that is asked for.
        """
        if len(self.inputs) != 1:
            raise TaskError(MODEL, f"the model has {len(self.inputs)} inputs, needed one of pictures")
        _require_pictures(self.inputs[0], sizes)
        declared = int(self.inputs[0].shape[0])
        if declared != -1:
            require_batch(declared, batch, "the model")
            self.batch = declared
        self.output = choose(self.ports, output, "the model")

    @property
    def said(self) -> Dict[str, Any]:
        """What an answer says of the output that is taken, where there are several."""
        return said_of(self.ports, self.output)

    def run(self, array: Any) -> Any:
        """The output of Paddle's own inference on ``array``, float32 (N, C, H, W)."""
        run = in_batches_of(self._run, self.batch) if self.batch else self._run
        return run(array)

    def _run(self, array: Any) -> Any:
        handle = self.predictor.get_input_handle(self.predictor.get_input_names()[0])
        handle.copy_from_cpu(np.ascontiguousarray(array))
        self.predictor.run()
        return self.predictor.get_output_handle(self.predictor.get_output_names()[self.output]).copy_to_cpu()


def _require_pictures(value: Any, sizes: Tuple[int, ...]) -> None:
    """Raise TaskError unless the input ``value`` of a program takes float32 (N, *sizes)."""
    declared, wanted = list(value.shape), [-1, *sizes]
    fits = len(declared) == len(wanted) and _fits(declared, sizes)
    if not fits and len(declared) == len(wanted) and declared[-1] == sizes[0]:
        raise TaskError(
            MODEL,
            f"the model takes pictures with the channels last, {declared} (-1 is any size), and files are "
            "made for (N, C, H, W) alone: save it with data_format NCHW",
        )
    if not fits:
        raise TaskError(
            MODEL,
            f"the model takes inputs of the shape {declared} (-1 is any size), but was given {wanted}: "
            "set input_size to what it takes",
        )
    if not described(value).startswith("float32 "):
        raise TaskError(
            MODEL,
            f"the model takes pictures of {described(value)}, and is given float32: save it without what "
            "it does to them first, such as a cast. With embed: [normalise] in its entry, files take levels "
            "of 0 to 255",
        )


def _fits(declared: List[int], sizes: Tuple[int, ...]) -> bool:
    """Whether the axes behind the batch are of ``sizes``, or open."""
    return all(length in (-1, size) for length, size in zip(declared[1:], sizes, strict=True))


def prepared(request: Dict[str, Any], folder: Folder, scratch: str, sizes: Tuple[int, ...]) -> Program:
    """The program in ``folder`` for pictures of ``sizes``, with the output that ``request`` asks for.

    Raises TaskError as :class:`Program` and its ``prepare`` do.
    """
    program, options = Program(folder, scratch), request["options"]
    program.prepare(sizes, options["output"], options["batch"])
    return program


def _keep_rank(block: Any, operator: Any) -> None:
    """Keep the axis that a slice of one value drops, where its program was made before Paddle 2.5.

    Tensors without axes did not exist then: a slice was declared to have one axis and was used so,
    in a list of sizes with others of one axis. Paddle 3 runs it; paddle2onnx drops the axis and
    then writes a Concat of unequal ranks, which no runtime takes.
    """
    if operator.type != "slice" or not operator.attr("decrease_axis"):
        return
    declared = tuple(block.var(operator.output("Out")[0]).shape)
    source = tuple(block.var(operator.input("Input")[0]).shape)
    if len(declared) == 1 and len(source) == len(operator.attr("decrease_axis")):
        operator._set_attr("decrease_axis", [])


def _predictor(folder: Folder) -> Any:
    config = paddle.inference.Config(folder.program, folder.parameters)
    config.disable_gpu()
    config.switch_ir_optim(False)
    config.disable_mkldnn()
    config.disable_glog_info()
    return paddle.inference.create_predictor(config)


def optimised_predictor(folder: Folder, threads: int) -> Any:
    """What runs a folder as Paddle's users have it, with the optimisations that a reference does without."""
    config = paddle.inference.Config(folder.program, folder.parameters)
    config.disable_gpu()
    config.disable_glog_info()
    config.set_cpu_math_library_num_threads(threads)
    return paddle.inference.create_predictor(config)


def _parameter_sizes(operators: List[Any]) -> Dict[str, int]:
    """The number of values of each parameter by name."""
    parameters = [operator for operator in operators if operator.name() == "builtin.parameter"]
    return {
        operator.attrs()["parameter_name"]: int(np.prod(operator.results()[0].shape))
        for operator in parameters
    }


def _require_parameters(sizes: Dict[str, int], tensors: List[paddle_parameters.Record]) -> None:
    """Raise TaskError unless ``tensors`` are as many and as large as the parameters by name."""
    if [sizes[name] for name in sorted(sizes)] != [int(np.prod(tensor.dims)) for tensor in tensors]:
        raise TaskError(
            WEIGHTS,
            f"the file of parameters holds {len(tensors)} tensors and the program {len(sizes)}, of other "
            "sizes: are both of one model?",
        )


def _statistics(operators: List[Any]) -> Set[str]:
    """The names of the parameters that are a BatchNorm's mean or variance."""
    sources = [
        value
        for operator in operators
        if operator.name() in BATCH_NORMS
        for value in operator.operands_source()[1:3]
    ]
    return {value.get_defining_op().attrs()["parameter_name"] for value in sources}

"""Folders with a pair of nets: ``predict_net.pb`` and the ``init_net.pb`` that fills its parameters."""

from __future__ import annotations

import os
from typing import Any, Dict, List

from caffe2.proto import caffe2_pb2
from google.protobuf.message import DecodeError

from caffe2_init import InitNet
from checkpoints import refuse_pointer
from chosen_output import Asked, Port, choose, said_of
from protocol import MODEL, WEIGHTS, TaskError

PREDICT, INIT = "predict_net.pb", "init_net.pb"


class Folder:
    """A pair of nets, read and checked; nothing has run yet."""

    def __init__(self, path: str, output: Asked = None) -> None:
        """Read the folder ``path``, and leave of its net what the ``output`` that is asked for needs.

        Raises TaskError where a file is missing, damaged or not its own, and where there are several outputs
        and nobody says which.
        """
        if not os.path.isdir(path):
            raise TaskError(MODEL, f"there is no folder {path}")
        for name, kind in ((PREDICT, MODEL), (INIT, WEIGHTS)):
            if not os.path.isfile(os.path.join(path, name)):
                raise TaskError(
                    kind, f"{path} holds no {name}: a Caffe2 model is a folder with {PREDICT} and {INIT}"
                )
        self.net = plain(read_net(os.path.join(path, PREDICT)))
        ports = [Port(name, "a blob") for name in self.net.external_output]
        self.output: Dict[str, Any] = {}
        if ports:
            position = choose(ports, output, PREDICT)
            self.output = said_of(ports, position)
        if len(ports) > 1:
            _keep_output(self.net, ports[position].name)
        self.parameters = InitNet(os.path.join(path, INIT))
        self.input = self._input()

    def _input(self) -> str:
        """The one blob that neither net makes, apart from the pair's stand-ins for inputs."""
        written = set(self.parameters.fillings)
        read: List[str] = []
        for operator in self.net.op:
            read += [name for name in operator.input if name not in written and name not in read]
            written.update(operator.output)
        if not read:
            # Caffe2's exporter fills inputs as well, so that they exist; they are the external inputs
            # that it names before the parameters.
            read = [name for name in self.net.external_input[:1] if name in self.parameters.fillings]
        outputs = list(self.net.external_output)
        if len(read) != 1 or not outputs:
            raise TaskError(
                MODEL,
                f"{PREDICT} has {_listed(read)} that {INIT} does not fill and {_listed(outputs)} among its "
                "external_output, needed one input and one output: save the net for inference, with its "
                "class scores as external_output",
            )
        return read[0]

    def require_kept_parameters(self) -> None:
        """Raise TaskError where the predict net overwrites what the init net has filled."""
        written = {name for operator in self.net.op for name in operator.output}
        overwritten = sorted(written & set(self.used()))
        if overwritten:
            raise TaskError(
                MODEL,
                f"{PREDICT} writes to {_listed(overwritten)} that {INIT} fills: save the net for inference",
            )

    def used(self) -> List[str]:
        """The blobs of the init net that the predict net reads, in the order of the init net."""
        read = {name for operator in self.net.op for name in operator.input}
        return [name for name in self.parameters.fillings if name in read and name != self.input]


def _keep_output(net: Any, name: str) -> None:
    """Leave in ``net`` the operators that ``name`` is computed by; a blob may be written several times."""
    needed, kept = {name}, []
    for operator in reversed(net.op):
        if needed.intersection(operator.output):
            kept.append(operator)
            needed.difference_update(operator.output)
            needed.update(operator.input)
    copies = [caffe2_pb2.OperatorDef.FromString(operator.SerializeToString()) for operator in reversed(kept)]
    del net.op[:]
    net.op.extend(copies)
    del net.external_output[:]
    net.external_output.append(name)


def _listed(names: List[str]) -> str:
    return f"{len(names)} blobs ({', '.join(names[:4])})" if names else "no blob"


def read_net(path: str) -> Any:
    """Read a NetDef. Raises TaskError where the file is damaged, or holds no operators."""
    refuse_pointer(path)
    net, name = caffe2_pb2.NetDef(), os.path.basename(path)
    try:
        with open(path, "rb") as stream:
            net.ParseFromString(stream.read())
    except DecodeError as error:
        raise TaskError(
            MODEL,
            f"{name} cannot be read as a Caffe2 NetDef: {error}. Is it whole, and binary rather than text? "
            "Save it again with SerializeToString()",
        ) from error
    if not net.op or not all(operator.type for operator in net.op):
        raise TaskError(MODEL, f"{name} holds no operators of a Caffe2 NetDef: it is of another kind")
    return net


def plain(net: Any) -> Any:
    """``net`` for Caffe2's own operators on the CPU: files name the machine's that wrote them."""
    copy = caffe2_pb2.NetDef()
    copy.CopyFrom(net)
    for operator in copy.op:
        for field in ("engine", "device_option", "control_input"):
            operator.ClearField(field)
    return copy

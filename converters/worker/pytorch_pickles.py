"""The pickles inside files of ``torch.save``, read without calling what they name. Standard library only.

A pickle is a program that names classes and functions and calls them. Here a name stands for itself alone:
what torch writes for tensors becomes a note of which bytes of the file they are, dicts, lists and numbers
become themselves, and what any other name would have made becomes a :class:`Record`, which does nothing.

The opcodes are those of ``pickletools``; what torch calls is in its ``Tensor.__reduce_ex__`` and
``Parameter.__reduce_ex__``.
"""

from __future__ import annotations

import pickle
from typing import Any, BinaryIO, Callable, ClassVar, Dict, List, NamedTuple, Optional, Set, Tuple

from protocol import WEIGHTS, TaskError

STORAGES = {
    "BFloat16Storage": ("bfloat16", 2),
    "BoolStorage": ("bool", 1),
    "ByteStorage": ("uint8", 1),
    "CharStorage": ("int8", 1),
    "ComplexDoubleStorage": ("complex128", 16),
    "ComplexFloatStorage": ("complex64", 8),
    "DoubleStorage": ("float64", 8),
    "FloatStorage": ("float32", 4),
    "HalfStorage": ("float16", 2),
    "IntStorage": ("int32", 4),
    "LongStorage": ("int64", 8),
    "ShortStorage": ("int16", 2),
    "UntypedStorage": ("uint8", 1),
}
"""The dtype of an element, and its bytes, by the class of its storage."""
STRANGE = {
    "torch._utils._rebuild_meta_tensor_no_storage": "a tensor without values",
    "torch._utils._rebuild_nested_tensor": "a nested tensor",
    "torch._utils._rebuild_qtensor": "a quantised tensor",
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor",
    "torch._utils._rebuild_wrapper_subclass": "a tensor of another class than torch's own",
}
"""What torch makes of tensors that are not dense ones of numbers, in words."""
HARMFUL: Dict[str, Optional[Tuple[str, ...]]] = {
    **dict.fromkeys(("os", "posix", "nt", "subprocess", "pty", "runpy")),
    **dict.fromkeys(("builtins", "__builtin__"), ("eval", "exec", "execfile", "compile", "__import__")),
}
"""Modules, and functions of some, that no checkpoint has a use for, and by which files that do harm do it.

Nothing in a file is called, so this protects nobody here; it tells those who would load the file elsewhere.
"""


class Storage(NamedTuple):
    """The memory of tensors, as a pickle refers to it."""

    key: str
    length: int
    """Of elements."""
    width: int
    """Bytes of an element."""
    dtype: str
    """Torch's name of an element's type."""
    start: int = 0
    """The first byte of it that is meant, where it is a part of another."""


class StoredTensor(NamedTuple):
    """A dense tensor that lies in a storage; offset and strides are in elements."""

    storage: Storage
    offset: int
    shape: Tuple[int, ...]
    stride: Tuple[int, ...]
    dtype: str


class Named:
    """A class or a function by its full name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Record:
    """What a file says of an object that is neither a tensor nor a plain container: it was not made."""

    __slots__ = ("items", "name", "state")

    def __init__(self, name: str) -> None:
        self.name = name
        self.items: Dict[Any, Any] = {}
        """Those of a dict of another class than Python's own."""
        self.state: Any = None
        """What the object would have been told of itself: mostly its attributes."""

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items[key] = value

    def extend(self, values: List[Any]) -> None:
        """Leave what would have been appended to a list of another class."""

    def add(self, value: Any) -> None:
        """Leave what would have been added to a set of another class."""


class Unpickler(pickle._Unpickler):
    """The standard library's own in Python: that in C reserves as much memory as a number in a file says."""

    dispatch: ClassVar[Dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)
    stack: List[Any]
    """What the program has made and not yet used: typing knows it of the class in C alone."""
    append: Callable[[Any], None]
    """Push onto the stack."""

    def __init__(self, stream: BinaryIO, file: str) -> None:
        super().__init__(stream, encoding="latin1")
        self.file = file
        self.storages: Dict[str, Storage] = {}
        """All that are referred to, by their keys."""
        self.names: Set[str] = set()
        """All classes and functions that are named."""

    def find_class(self, module: str, name: str) -> Any:
        full = f"{module}.{name}"
        functions = HARMFUL.get(module, ())
        if functions is None or name in functions:
            raise TaskError(
                WEIGHTS,
                f"{self.file} holds {full}, which is neither a tensor of numbers nor a plain container, but "
                "runs code where it is loaded. Nothing was run here; have the weights from someone you "
                "trust, best as .safetensors",
            )
        if full in STRANGE:
            raise TaskError(
                WEIGHTS,
                f"{self.file} holds {STRANGE[full]}, and only dense tensors of numbers are read: "
                "save the state_dict() alone, best as .safetensors",
            )
        self.names.add(full)
        return Named(full)

    def persistent_load(self, pid: Any) -> Any:
        """The storage that ``pid`` describes, or the class: the format of old has its source beside it."""
        if isinstance(pid, tuple) and len(pid) == 4 and pid[0] == "module" and isinstance(pid[1], Named):
            return pid[1]
        if not (isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage"):
            raise pickle.UnpicklingError("it refers to something else than the storage of a tensor")
        _, kind, key, _, count = pid[:5]
        name = kind.name.rsplit(".", 1)[-1] if isinstance(kind, Named) else ""
        if name not in STORAGES or not _is_size(count) or not isinstance(key, str):
            raise pickle.UnpicklingError("it refers to a storage of an unknown kind or size")
        dtype, width = STORAGES[name]
        whole = Storage(key, count, width, dtype)
        if self.storages.setdefault(key, whole) != whole:
            raise pickle.UnpicklingError("it refers to a storage twice, and to another kind or size")
        return _part(whole, pid[5]) if len(pid) > 5 and pid[5] is not None else whole

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = _made(self.stack[-1], arguments)

    def load_newobj(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = _made(self.stack[-1], arguments)

    def load_newobj_ex(self) -> None:
        self.stack.pop()  # its arguments by keyword
        self.load_newobj()

    def _instantiate(self, kind: Any, arguments: Any) -> None:
        self.append(_made(kind, tuple(arguments)))

    def load_build(self) -> None:
        """Keep the state of a record; all others are as they are."""
        state = self.stack.pop()
        if isinstance(self.stack[-1], Record):
            self.stack[-1].state = state

    dispatch.update(
        {
            pickle.REDUCE[0]: load_reduce,
            pickle.NEWOBJ[0]: load_newobj,
            pickle.NEWOBJ_EX[0]: load_newobj_ex,
            pickle.BUILD[0]: load_build,
        }
    )


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _part(whole: Storage, view: Any) -> Storage:
    """The part of a storage that torch's format of old calls a view: its key, first element and length."""
    _, offset, count = view
    if not (_is_size(offset) and _is_size(count) and offset + count <= whole.length):
        raise pickle.UnpicklingError("it refers to a part of a storage that lies outside of it")
    return whole._replace(length=count, start=offset * whole.width)


def _made(kind: Any, arguments: Any) -> Any:
    """What a call of ``kind`` stands for. Raises UnpicklingError where it is nothing that can be called."""
    if not isinstance(kind, (Named, Record)) or not isinstance(arguments, tuple):
        raise pickle.UnpicklingError("it calls what is neither a class nor a function")
    maker = MAKERS.get(kind.name) if isinstance(kind, Named) else None
    return maker(*arguments) if maker else Record(kind.name)


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, dtype: Optional[str] = None) -> Any:
    agree = isinstance(shape, tuple) and isinstance(stride, tuple) and len(shape) == len(stride)
    if not (isinstance(storage, Storage) and agree and all(map(_is_size, (offset, *shape, *stride)))):
        raise pickle.UnpicklingError("it holds a tensor without a storage, an offset, a shape and strides")
    return StoredTensor(storage, offset, shape, stride, dtype or storage.dtype)


def _tensor_v2(storage: Any, offset: Any, shape: Any, stride: Any, *more: Any) -> Any:
    """What ``_rebuild_tensor_v2`` makes; the third of ``more`` marks values that are to be read negated."""
    return Record("torch.Tensor") if any(more[2:]) else _tensor(storage, offset, shape, stride)


def _tensor_v3(storage: Any, offset: Any, shape: Any, stride: Any, *more: Any) -> Any:
    """What ``_rebuild_tensor_v3`` makes: the same with a dtype that has no storage of its own."""
    _, _, dtype, *metadata = more
    if any(metadata) or not isinstance(dtype, Named):
        return Record("torch.Tensor")
    return _tensor(storage, offset, shape, stride, dtype.name.rsplit(".", 1)[-1])


def _of_a_class(function: Any, kind: Any, arguments: Any, state: Any) -> Any:
    """What ``_rebuild_from_type_v2`` makes: a tensor with attributes, or of a class of its own."""
    return _made(function, arguments)


def _first(data: Any = None, *_: Any) -> Any:
    """What is made of parameters: the tensor itself."""
    return data


def _ordered(pairs: Any = ()) -> Dict[Any, Any]:
    """An OrderedDict, in the order of the file; Python 2 gives it a list of lists of two."""
    return dict(pairs)


def _set(items: Any = ()) -> Set[Any]:
    return set(items)


MAKERS: Dict[str, Callable[..., Any]] = {
    "__builtin__.set": _set,  # as protocol 2 calls it
    "builtins.set": _set,
    "collections.OrderedDict": _ordered,
    "torch._tensor._rebuild_from_type_v2": _of_a_class,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor_v2,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
    "torch.nn.parameter.Parameter": _first,
}
"""The functions of this module that stand for those that a file may name, and are called in their place."""

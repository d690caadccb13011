"""The network that a request asks for, and what is said where it cannot be built or takes no such pictures.

Standard library only.
"""

from __future__ import annotations

import contextlib
import difflib
import inspect
import re
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from checkpoints import OtherHeadError
from protocol import MODEL, WEIGHTS, TaskError

FRAMEWORK, PIPELINE_FILE, WEIGHTS_FILE = "the framework", "the pipeline file", "the weights file"
"""Who said how many classes a network has: the values of ``head.from`` in an answer."""

UNKNOWN = re.compile(r"([\w.<>]+)\(\) got an unexpected keyword argument '(\w+)'")
"""How Python says that a function was called with a keyword that it does not take."""


class Network(NamedTuple):
    """A network by its name, and in what it is another one than the framework's own of that name."""

    model: str
    classes: Optional[int] = None
    """The number of its logits; None is the framework's own, as for the two below."""
    channels: Optional[int] = None
    size: Optional[Tuple[int, int]] = None
    """Height and width of its pictures in pixels."""
    arguments: Mapping[str, Any] = {}
    """Further keywords of the framework's constructor."""

    @property
    def is_own(self) -> bool:
        """Whether it is the one that the framework builds by the name alone."""
        return self == Network(self.model)

    def described(self) -> str:
        """What was asked for, in the words of a pipeline file."""
        said = {"classes": self.classes, "channels": self.channels, "height and width": self.size}
        parts = [f"{key} {value}" for key, value in said.items() if value is not None]
        return ", ".join([*parts, *(f"{name}={value!r}" for name, value in self.arguments.items())])


def network_of(request: Mapping[str, Any], own_size: Sequence[int]) -> Network:
    """The network that ``request`` asks for; its own pictures are (channels, height, width) ``own_size``.

    What is asked for and is the framework's own is left out.
    """
    options = request["options"]
    channels, height, width = options["input_size"] or own_size
    return Network(
        request["model"],
        options["classes"],
        None if channels == own_size[0] else channels,
        None if (height, width) == tuple(own_size[1:]) else (height, width),
        options["arguments"],
    )


def head_of(network: Network, classes: int, from_file: bool) -> Dict[str, Any]:
    """What an answer says of ``classes``, the logits that ``network`` was found to have.

    Raises TaskError where the request asks for another number.
    """
    if network.classes is None:
        return {"classes": classes, "from": FRAMEWORK}
    if network.classes != classes:
        raise TaskError(
            MODEL,
            f"{network.model} was built for {network.classes} classes and answers with {classes} values: its "
            "constructor does not heed the number. Leave `classes` out, or say it with `arguments`",
        )
    return {"classes": classes, "from": WEIGHTS_FILE if from_file else PIPELINE_FILE}


def with_head_of_file(asked: Network, error: OtherHeadError, classes: int) -> Network:
    """``asked`` with as many classes as the weights file has that did not fit by ``error``.

    ``classes`` is the number of logits without it. Raises ``error`` where another length than that differs,
    or where the request says how many classes there are.
    """
    if asked.classes is not None or error.needed != classes:
        raise error
    print(f"{asked.model} gets {error.given} classes, as the file has it in {', '.join(error.tensors)}")
    return asked._replace(classes=error.given)


def built(build: Callable[[Network], Any], network: Network, keys: Mapping[str, str]) -> Any:
    """What ``build`` makes of ``network``.

    ``keys`` are the keys of a pipeline file by the constructor's keywords that they stand for. Raises
    TaskError where a constructor does not take what was asked for, with all keywords that it takes.
    """
    try:
        return build(network)
    except TaskError:
        raise
    except Exception as error:
        if network.is_own:
            raise  # nobody asked for anything: the framework's own failure
        raise TaskError(MODEL, _why_not_built(error, network, keys)) from error


def _why_not_built(error: BaseException, network: Network, keys: Mapping[str, str]) -> str:
    unknown = UNKNOWN.search(str(error))
    if not unknown:
        return (
            f"{network.model} cannot be built with {network.described()}: {type(error).__name__}: "
            f"{first_line(error)}. Correct what the entry says of it"
        )
    function, keyword = unknown.groups()
    taken = [name for name in _keywords_taken(error, function, keyword) if name not in keys]
    near = difflib.get_close_matches(keyword, taken, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    takes = f" It takes {', '.join(taken)}" if taken else " It takes no keywords"
    key = "`arguments`" if keyword in network.arguments else f"`{keys.get(keyword, 'arguments')}`"
    return (
        f"the constructor of {network.model}, {function.replace('.__init__', '')}, takes no keyword "
        f"{keyword!r}, which {key} of its entry gives{hint}{takes}"
    )


def first_line(error: BaseException) -> str:
    """The first line of what an error says that says anything, without a full stop at its end."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[0].rstrip(".")


def _keywords_taken(error: BaseException, function: str, keyword: str) -> List[str]:
    """The keywords of ``function``, which refused ``keyword``, and of the functions that handed it on."""
    while error.__context__ is not None:  # a registry may have worded the error anew
        error = error.__context__
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    names = [function]
    for frame in reversed(frames):
        handed_on = [value for value in frame.f_locals.values() if isinstance(value, dict)]
        if frame.f_code.co_flags & inspect.CO_VARKEYWORDS and any(keyword in value for value in handed_on):
            names.append(getattr(frame.f_code, "co_qualname", frame.f_code.co_name))
    places = [place for frame in frames for place in (frame.f_locals, frame.f_globals)]
    values = [value for place in places for value in place.values()]
    functions = [_function_called(name, values) for name in names]
    taken = [name for each in functions if each is not None for name in _with_defaults(each)]
    return list(dict.fromkeys(taken))


def _function_called(name: str, values: Sequence[Any]) -> Any:
    """The function of the qualified name ``name``, among ``values`` and the constructors of their classes."""
    for value in values:
        if getattr(value, "__qualname__", None) == name and callable(value) and not isinstance(value, type):
            return value
        for kind in (value if isinstance(value, type) else type(value)).__mro__:
            constructor = vars(kind).get("__init__")
            if getattr(constructor, "__qualname__", None) == name:
                return constructor
    return None


def _with_defaults(function: Any) -> List[str]:
    """The keywords of ``function`` that it can be called without: builders give all others themselves."""
    parameters = inspect.signature(function).parameters.values()
    return [each.name for each in parameters if each.default is not inspect.Parameter.empty]


@contextlib.contextmanager
def pictures_explained(network: Network, own_size: Sequence[int]) -> Iterator[None]:
    """Raise TaskError for whatever a network raises that is given pictures of another size than its own."""
    try:
        yield
    except TaskError:
        raise
    except Exception as error:
        if network.channels is None and network.size is None:
            raise
        channels, (height, width) = network.channels or own_size[0], network.size or own_size[1:]
        raise TaskError(
            MODEL,
            f"{network.model} does not take pictures of [{channels}, {height}, {width}]: "
            f"{type(error).__name__}: {first_line(error)}. Its own input_size is {list(own_size)}: leave "
            "input_size and channels out of its entry, or look for one of `arguments` that sets the size",
        ) from error


def no_untrained_head(network: Network, trained: int) -> TaskError:
    """The error of pretrained weights for ``trained`` classes, where the request asks for others."""
    return TaskError(
        WEIGHTS,
        f"the pretrained weights of {network.model} are for {trained} classes, and its entry asks for "
        f"{network.classes}: the head would be a new one, which nobody has trained. Leave `classes` out, or "
        "name a weights file that was trained with that many",
    )

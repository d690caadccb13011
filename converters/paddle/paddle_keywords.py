"""What the constructors of paddle.vision and PaddleClas call the classes and the pictures of a network."""

from __future__ import annotations

import inspect
from typing import Any, Callable, Dict, Iterable

import paddle

from networks import UNKNOWN, Network
from protocol import MODEL, TaskError

CLASSES = ("class_num", "num_classes")
SIZES = ("img_size", "image_size", "input_size")
CHANNELS = {"in_chans", "input_image_channel", "in_channels"}
COLOURS = 3


def keywords(builder: Callable[..., Any], asked: Network) -> Dict[str, Any]:
    """What ``builder`` is told of the classes and the pictures of ``asked``, by names that it takes.

    Most networks are built for any size, and many for three colours alone: what they have no name for is
    left out. A number of classes never is.
    """
    wanted = {
        CLASSES: asked.classes,
        SIZES: _side(asked),
        tuple(sorted(CHANNELS)): asked.channels,
    }
    left = {names: list(names) for names, value in wanted.items() if value is not None}
    while any(left.values()):
        given = {names[0]: wanted[key] for key, names in left.items() if names}
        refused = _refused(builder, {**given, **asked.arguments})
        tried = next((names for names in left.values() if names and names[0] == refused), None)
        if tried is None or tried == [CLASSES[-1]]:
            return given
        tried.pop(0)
    return {}


def _refused(builder: Callable[..., Any], options: Dict[str, Any]) -> str:
    """The keyword that ``builder`` does not take; empty where it takes all, or fails for another reason."""
    try:
        with paddle.LazyGuard(), paddle.utils.unique_name.guard():  # no values, and no names for later ones
            network = builder(**{"pretrained": False, **options})
        require_taken(builder, network, options)
    except TypeError as error:
        unknown = UNKNOWN.search(str(error))
        return unknown[2] if unknown else ""
    except Exception:  # noqa: BLE001 - it fails again where it is built, and is explained there
        return ""
    return ""


def require_taken(builder: Callable[..., Any], network: Any, options: Iterable[str]) -> None:
    """Raise TypeError, as Python would, for one of ``options`` that neither builder nor network names.

    Some constructors of PaddleClas take whatever they are given, and let it go unread.
    """
    kind = type(network)
    functions = [builder, *(each.__init__ for each in kind.__mro__)]
    named = {name for function in functions for name in inspect.signature(function).parameters}
    for keyword in options:
        if keyword not in named:
            raise TypeError(f"{kind.__init__.__qualname__}() got an unexpected keyword argument {keyword!r}")


def _side(asked: Network) -> Any:
    """The size of pictures as most constructors take it: a number where they are square."""
    if asked.size is None:
        return None
    return asked.size[0] if asked.size[0] == asked.size[1] else list(asked.size)


def give_channels(network: Any, channels: int) -> None:
    """Let the first convolution of ``network`` take ``channels`` inputs; all else stays.

    So do those who train on grey pictures what was made for colours, where its constructor has no word for
    it. Raises TaskError where no convolution takes pictures of three colours.
    """
    for layer in network.sublayers():
        if isinstance(layer, paddle.nn.Conv2D) and layer.weight.shape[1] == COLOURS and layer._groups == 1:
            outputs, _, height, width = layer.weight.shape
            layer._in_channels = channels
            layer.weight = layer.create_parameter([outputs, channels, height, width])
            return
    raise TaskError(
        MODEL,
        f"{type(network).__name__} has no convolution of {COLOURS} colours that could take {channels} "
        "channels: leave `channels` out of its entry",
    )

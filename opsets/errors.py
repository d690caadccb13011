"""What stops a model on its way down or up."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""``text`` as one line that a terminal shows and does not obey: what is not printable is escaped.

    Names in a model may hold anything, so a newline becomes ``\n``, and an escape ``\x1b``.
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


class RetargetError(Exception):
    """The model cannot be said at the target; the message names operator, node, step and reason.

    The message is one printable line, whatever the names in it hold. ``open_axes`` are inputs and axes of
    theirs that, fixed, would let it come further. ``is_proven`` is True where a node of the model is in the
    way of which no older form can say what it says, whichever axes are fixed; False where nodes are, of which
    none is known; and None where no node is, but the model or what is asked for.
    """

    def __init__(
        self, message: str, open_axes: tuple[tuple[str, int], ...] = (), *, is_proven: bool | None = None
    ) -> None:
        super().__init__(printable(message))
        self.open_axes = open_axes
        self.is_proven = is_proven


class AxesError(RetargetError):
    """Lengths that are asked for do not suit the model: its inputs, their axes, or what it computes."""


class ModelFileError(RetargetError):
    """The file holds no model that can be read, or refers to data that may not be."""


class CannotAdapt(Exception):  # noqa: N818 - caught by the walk, which adds operator, node and step
    """An adapter's reason why it cannot rewrite this one node."""

"""What stops a model on its way down."""

from __future__ import annotations


class RetargetError(Exception):
    """The model cannot be said at the target; the message names operator, node, step and reason."""


class ModelFileError(RetargetError):
    """The file holds no model that can be read, or refers to data that may not be."""


class CannotAdapt(Exception):  # noqa: N818 - caught by the walk, which adds operator, node and step
    """An adapter's reason why it cannot rewrite this one node."""

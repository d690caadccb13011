"""What can go wrong while publishing."""

from __future__ import annotations

from publishing.addresses import without_secrets
from publishing.foreign_text import visible


class PublishError(Exception):
    """Nothing was published, and what was there before is unharmed; the message says what to do.

    It is one line, whatever a file or a store says, and holds no secret of an address.
    """

    def __init__(self, message: str) -> None:
        super().__init__(visible(without_secrets(message)))

"""What can go wrong while publishing."""


class PublishError(Exception):
    """Nothing was published, and what was there before is unharmed; the message says what to do."""

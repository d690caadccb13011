"""What can go wrong around a comparison; a model that fails it is a verdict, not an error."""


class ParityError(Exception):
    """A comparison that cannot be made as asked; the message says what to do."""

"""What can go wrong with pictures and preprocessing."""


class EvaluationError(Exception):
    """A picture or a preprocessing that cannot be used; the message says which and what to do."""

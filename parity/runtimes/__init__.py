"""One file per runtime; ``registry.py`` lists them."""

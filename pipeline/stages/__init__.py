"""One model's way from its framework to its published files; ``model.py`` is where a reader starts."""

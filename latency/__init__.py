"""How long a model takes, and how much memory: in the runtimes, and in the framework that it came from."""

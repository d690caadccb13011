"""What every process that is timed runs: see ``turns.py``."""

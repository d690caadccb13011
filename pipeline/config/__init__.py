"""The pipeline file: its form, how it is read, and what can be wrong with it."""

"""Times models in the runtimes and in the frameworks that they came from, side by side."""

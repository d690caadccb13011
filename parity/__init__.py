"""Does the file compute what the framework computes? Runtimes, comparison and verdict."""

"""From a checked pipeline file to jobs, their keys, and what is done."""

"""Processes of their own, with limits: the sources' scripts and the runtimes."""

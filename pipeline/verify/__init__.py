"""Checks what was downloaded, or is served."""

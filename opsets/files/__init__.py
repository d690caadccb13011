"""Model files: read and written without holding their weights."""

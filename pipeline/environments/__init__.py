"""The environments of the sources."""

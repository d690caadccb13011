"""Looks at what others published, and trusts none of it."""

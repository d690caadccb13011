"""Verified models into a folder that others download from: archives, records, manifest, checksums."""

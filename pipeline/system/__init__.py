"""Files, locks, downloads and signals."""

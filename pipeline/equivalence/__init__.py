"""Whether two files compute the same, in the runtimes at hand."""

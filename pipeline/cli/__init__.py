"""Words, options and exit codes; nothing heavy is imported before a command begins."""

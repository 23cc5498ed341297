"""A file a command; each has `command(options)`, which returns the exit status. Imported when it is called for."""

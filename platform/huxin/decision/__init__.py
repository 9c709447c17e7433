"""Pure rules: exposure, classes, flags, policy. Nothing here reads a file, a clock or a database."""

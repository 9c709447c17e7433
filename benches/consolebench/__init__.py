"""Parts of the console's bench: a registry filled by statements, and what each page costs on it."""

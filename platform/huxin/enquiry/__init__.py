"""The way out: ask about a subject."""

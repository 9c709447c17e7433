"""The way in, one module a step: receive, read, validate, pseudonymize, load, publish, report."""

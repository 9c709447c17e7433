"""Keyed hashing of identifiers with split keys, sealed keyrings and sealed files; installable alone."""

__version__ = "0.1.0"

"""Huxin 互信: the shared credit registry of a lenders' association."""

__version__ = "0.1.0"

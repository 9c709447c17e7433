"""Cells as members write them, read as values: the RAW frame in, the PARSED frame out."""

from huxin_checks.cells.parse import parse
from huxin_checks.cells.text import CONTROL, control_bit, tidy

__all__ = ["CONTROL", "control_bit", "parse", "tidy"]

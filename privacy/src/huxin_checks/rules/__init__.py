"""The contract's checks as named functions, one a code: over rows, and over the whole of a file."""

from huxin_checks.rules.catalogue import row_rules, set_rules
from huxin_checks.rules.keys import joined, keys
from huxin_checks.rules.masking import mask

__all__ = ["joined", "keys", "mask", "row_rules", "set_rules"]

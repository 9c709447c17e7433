"""Great Expectations behind one door: the suites of a contract, run over polars frames, row positions out.

Import this package where validation starts, not earlier: Great Expectations takes seconds to import.
"""

from __future__ import annotations

import logging
import os
import warnings

# Read by Great Expectations when it is imported: no usage statistics leave this machine.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

_shown_by = warnings.showwarning
import great_expectations  # noqa: E402, F401

if warnings.showwarning is not _shown_by:
    # Great Expectations diverts every warning of the process into its log; give them back.
    logging.captureWarnings(False)
del _shown_by

# Its warnings and errors quote what they stumbled over, which here may be a cell.
logging.getLogger("great_expectations").setLevel(logging.CRITICAL)

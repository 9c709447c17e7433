"""The registry's SQL functions, each the whole of one round trip; huxin_app reaches loans through them alone.

A migration that makes or changes one installs it again from here. Those that huxin_app calls run with their owner's
rights (the role that migrates) under a fixed search path; they may be executed by huxin_app and by nobody else.
"""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import Connection, text

_MADE = re.compile(r"^CREATE OR REPLACE FUNCTION (\w+)\(", re.MULTILINE)
_KNOWN = text("""
    SELECT p.oid::regprocedure::text, p.prosecdef FROM pg_proc p
    WHERE p.pronamespace = current_schema()::regnamespace AND p.proname = ANY(:names)
""")


def install(connection: Connection, *files: str) -> None:
    """Makes or replaces the functions of these files, in their order.

    A function whose parameters change has to be dropped by its migration first.
    """
    for file in files:
        source = (Path(__file__).parent / f"{file}.sql").read_text(encoding="utf-8")
        connection.exec_driver_sql(source.replace("%", "%%"))  # the driver reads % as a place for a value
        for signature, definer in connection.execute(_KNOWN, {"names": _MADE.findall(source)}).all():
            connection.exec_driver_sql(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
            if definer:
                connection.exec_driver_sql(f"GRANT EXECUTE ON FUNCTION {signature} TO huxin_app")

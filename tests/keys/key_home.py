"""What tests of the keys' life share: the command, and the acts on record."""

from __future__ import annotations

import sys
from typing import Any

from sqlalchemy import text

from huxin.cli import main
from huxin.registry.session import connection
from huxin.settings import Settings


def run_keys(words: list[str]) -> int:
    """The exit code of `huxin keys …`, in this process."""
    before, sys.argv = sys.argv, ["huxin", "keys", *words]
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    finally:
        sys.argv = before
    return 0


def acts(settings: Settings) -> list[dict[str, Any]]:
    """The acts on keys that wait to become leaves, in their order."""
    query = "SELECT topic, body FROM outbox WHERE topic LIKE 'keys.%' ORDER BY id"
    with connection(settings) as database:
        return [{"topic": row[0], **row[1]} for row in database.execute(text(query))]

"""The same machine for whatever is timed: its memory at hand, the server's log files made, the input read before.

In a virtual machine the first touch of memory that its host has taken back costs one to eight microseconds more a page
of 4 KiB, and a free block is taken back within seconds. That is the host's time, and it falls on whoever runs first.
"""

from __future__ import annotations

import os
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, PAGESIZE, mmap
from pathlib import Path

import numpy as np
import psycopg

MEMORY = 3 << 30  # what a night of a million rows takes: half for itself, half for the files that it writes
_BLOCK = 8 << 20


def fetch_memory(size: int = MEMORY) -> int:
    """Touches so many bytes, half of what is free at the most, and lets them go; returns how many."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    size = max(min(size, free // 2), PAGESIZE)
    with mmap(-1, size, flags=MAP_PRIVATE | MAP_ANONYMOUS) as memory:
        pages = np.frombuffer(memory, np.uint8)
        pages[::PAGESIZE] = 1
        del pages  # or the mapping could not be closed
    return size


def read_once(folder: Path) -> int:
    """Reads every file below a folder, for the COPY's rows have just been written; returns their bytes."""
    size = 0
    for path in filter(Path.is_file, folder.rglob("*")):
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                size += len(block)
    return size


def write_log_ahead(uri: str) -> None:
    """Writes as much log as the server keeps files for, `min_wal_size`, and has it use them again."""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_logical_emit_message(false, 'bench', repeat('x', %(block)s))"
            " FROM generate_series(0, pg_size_bytes(current_setting('min_wal_size')) / %(block)s)",
            {"block": _BLOCK},
        )
        connection.execute("CHECKPOINT")

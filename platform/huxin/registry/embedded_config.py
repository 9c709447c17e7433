"""The embedded server's settings, fitted to the machine, each with its reason beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

MIB = 1024 * 1024
GIB = 1024 * MIB

_TEMPLATE = """\
# Written by huxin at each start; changes here are lost.

# Reach: a socket in a folder that only its owner can enter. No TCP unless asked for.
listen_addresses = '{listen}'
port = {port}
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 100

# Memory, from {memory} MiB of this machine (or of its container).
shared_buffers = {shared_buffers}MB
effective_cache_size = {effective_cache_size}MB
work_mem = {work_mem}MB                    # the nightly delta is one large hash join
maintenance_work_mem = {maintenance_work_mem}MB
# Containers give /dev/shm 64 MB: too little for a parallel join.
dynamic_shared_memory_type = {dynamic_shared_memory}
jit = off                            # costs more than it gives on short statements

# Safety: a published night is on disk, whatever happens to the machine.
fsync = on
synchronous_commit = on
full_page_writes = on

# A night writes gigabytes of log: few checkpoints, and compressed page images where the build can.
# A load writes it over two connections: with room for both, neither waits while the other's is put on disk.
wal_buffers = {wal_buffers}MB
max_wal_size = {max_wal_size}MB
min_wal_size = {min_wal_size}MB
checkpoint_timeout = 30min
wal_compression = {wal_compression}
autovacuum = on

# One clock for stored times.
timezone = 'UTC'
log_timezone = 'UTC'

# The server's log holds no statement and no value: errors (which quote what they refuse) are not logged,
# and neither is the detail of other messages (which names the failed statement). Start, stop and
# recovery are.
log_destination = 'stderr'
logging_collector = off
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_statement = none
log_min_duration_statement = -1
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_lock_waits = off
log_startup_progress_interval = 5s   # shows that a long recovery moves
"""


def render(socket_dir: Path, port: int, tcp: bool, folder: Path, lz4: bool) -> str:
    """The text of huxin.conf for a server whose data lies in `folder`."""
    memory = memory_bytes() // MIB
    disk = shutil.disk_usage(folder).free // MIB
    return _TEMPLATE.format(
        listen="127.0.0.1" if tcp else "",
        port=port,
        socket_dir=socket_dir,
        memory=memory,
        shared_buffers=_between(128, memory // 16, 1024),
        effective_cache_size=max(256, memory // 2),
        work_mem=_between(8, memory // 128, 128),
        maintenance_work_mem=_between(64, memory // 32, 512),
        dynamic_shared_memory="posix" if _shm_bytes() >= GIB else "sysv",
        wal_buffers=_between(4, memory // 128, 64),
        max_wal_size=_between(512, disk // 5, 8192),
        min_wal_size=_between(80, disk // 20, 1024),
        wal_compression="lz4" if lz4 else "off",
    )


def memory_bytes() -> int:
    """Memory this process may use: the machine's, or its control group's limit where that is lower."""
    limits = [_total_memory()]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        text = _read(Path("/sys/fs/cgroup") / name).strip()
        if text.isdigit():
            limits.append(int(text))
    return min(limits)


def _total_memory() -> int:
    for line in _read(Path("/proc/meminfo")).splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 2 * GIB


def _shm_bytes() -> int:
    try:
        return shutil.disk_usage("/dev/shm").total  # noqa: S108  # its size is asked
    except OSError:
        return 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(value, high))

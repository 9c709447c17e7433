"""secrets.sh and 10-databases.sql against a real server: roles, databases, passwords, and their change."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from docker_tree import DOCKER
from psycopg import conninfo

from huxin.registry import embedded, migrate
from huxin.registry.embedded_binaries import found_binaries
from huxin.settings import Settings


@dataclass(frozen=True)
class Host:
    """A server as the container has it: superuser `postgres` on the socket, everybody else by TCP and password."""

    settings: Settings
    server: embedded.Server
    secrets: Path

    def make_secrets(self) -> None:
        command = ["sh", str(DOCKER / "secrets.sh"), str(self.secrets)]
        subprocess.run(command, capture_output=True, text=True, check=True)

    def apply(self) -> subprocess.CompletedProcess[str]:
        command = [str(found_binaries()[0].program("psql")), "-qX", "-h", str(self.server.socket_dir)]
        command += ["-p", str(self.server.port), "-U", "postgres", "-d", "postgres"]
        script = ["-f", str(DOCKER / "postgres" / "10-databases.sql")]
        env = os.environ | {"SECRETS": str(self.secrets)}
        return subprocess.run([*command, *script], env=env, capture_output=True, text=True, check=False)

    def address(self, secret: str, **other: str) -> str:
        """The address of a secret, with this server for the container's."""
        parts = conninfo.conninfo_to_dict(
            re.sub(r"\+\w+:", ":", (self.secrets / secret).read_text(encoding="utf-8"))
        )
        assert (parts["host"], parts["port"]) == ("postgres", "5432")
        here = {"host": "127.0.0.1", "port": str(self.server.tcp_port), "connect_timeout": "5"}
        return conninfo.make_conninfo(**(parts | here | other))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("host")
    settings = Settings(home=folder / "home")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    server = embedded.ensure_started(settings, tcp_port=port)
    with psycopg.connect(server.uri("postgres"), autocommit=True) as connection:
        connection.execute("CREATE ROLE postgres LOGIN SUPERUSER")
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("SELECT pg_reload_conf()")
    as_postgres = server.uri("postgres").replace("//huxin@", "//postgres@")
    with psycopg.connect(as_postgres, autocommit=True) as connection:
        connection.execute(
            "ALTER ROLE huxin RENAME TO maker"
        )  # the embedded server's superuser has that name
    made = Host(settings, server, folder / "secrets")
    made.make_secrets()
    applied = made.apply()
    try:
        assert (applied.returncode, applied.stderr) == (0, "")
        yield made
    finally:
        embedded.stop(settings)


def refused(address: str) -> str:
    with pytest.raises(psycopg.OperationalError) as error:
        psycopg.connect(address).close()
    return str(error.value)


def scalar(address: str, statement: str) -> object:
    with psycopg.connect(address) as connection:
        row = connection.execute(statement).fetchone()
    return row and row[0]


def test_each_role_enters_its_own_database_with_its_own_password(host: Host) -> None:
    for secret, role in (("url_huxin", "huxin"), ("url_api", "huxin_api"), ("url_airflow", "airflow")):
        assert scalar(host.address(secret), "SELECT session_user::text") == role
    assert host.address("url_airflow") == host.address("url_airflow_async")
    assert "authentication failed" in refused(host.address("url_huxin", password="wrong"))


def test_airflow_and_registry_do_not_enter_each_others_database(host: Host) -> None:
    for secret, other in (("url_airflow", "huxin"), ("url_api", "airflow"), ("url_huxin", "airflow")):
        assert "permission denied" in refused(host.address(secret, dbname=other))


def test_the_owner_migrates_without_being_a_superuser(host: Host) -> None:
    owner = host.address("url_huxin")
    assert (
        scalar(owner, "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = session_user") is False
    )
    parts = conninfo.conninfo_to_dict(owner)
    url = "postgresql://{user}:{password}@{host}:{port}/{dbname}".format(**parts)
    migrate.upgrade(Settings(home=host.settings.home, database_url=url))
    assert int(str(scalar(owner, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))) > 10


def test_the_api_owns_nothing_and_makes_nothing(host: Host) -> None:
    test_the_owner_migrates_without_being_a_superuser(host)
    api = host.address("url_api")
    assert scalar(api, "SELECT pg_has_role('huxin_app', 'USAGE')") is True
    assert scalar(api, "SELECT pg_has_role('huxin_owner', 'USAGE') OR pg_has_role('huxin', 'USAGE')") is False
    for statement in ("CREATE TABLE mine ()", "DELETE FROM enquiry", "DROP TABLE loan", "TRUNCATE outbox"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            scalar(api, statement)


def test_it_may_be_run_again_and_changes_a_password(host: Host) -> None:
    before = host.address("url_api")
    (host.secrets / "password_api").unlink()
    kept = (host.secrets / "url_huxin").read_text(encoding="utf-8")
    host.make_secrets()
    assert host.apply().returncode == 0
    assert host.address("url_api") != before
    assert scalar(host.address("url_api"), "SELECT 1") == 1
    assert "authentication failed" in refused(before)
    assert (host.secrets / "url_huxin").read_text(encoding="utf-8") == kept


def test_no_password_is_in_the_servers_log(host: Host) -> None:
    """Though the server logs every statement."""
    log = (host.settings.postgres_dir / "server.log").read_text(encoding="utf-8", errors="replace")
    assert "GRANT huxin_app TO huxin_api" not in log, "the script quiets the log for its own session"
    for file in host.secrets.glob("password_*"):
        assert file.read_text(encoding="utf-8") not in log


def test_a_missing_password_stops_the_first_start(host: Host, tmp_path: Path) -> None:
    """An empty password would lock the role out, silently, until somebody looks."""
    partial = Host(host.settings, host.server, tmp_path)
    (tmp_path / "password_huxin").write_text("x" * 64, encoding="utf-8")
    done = partial.apply()
    assert done.returncode == 3
    assert "docker/secrets.sh" in done.stderr
    assert scalar(host.address("url_huxin"), "SELECT 1") == 1, "and nothing was changed"

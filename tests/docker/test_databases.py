"""10-databases.sql against a real server: roles, databases, passwords and their change, backup and restore."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from docker_host import Host, host_at

from huxin.registry import migrate
from huxin.settings import Settings


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with host_at(tmp_path_factory.mktemp("host")) as made:
        yield made


@pytest.fixture(scope="module")
def migrated(host: Host) -> Host:
    migrate.upgrade(Settings(home=host.settings.home, database_url=host.url("url_huxin")))
    return host


def refused(address: str) -> str:
    with pytest.raises(psycopg.OperationalError) as error:
        psycopg.connect(address).close()
    return str(error.value)


def scalar(address: str, statement: str) -> object:
    with psycopg.connect(address) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return row and row[0]


def test_each_role_enters_its_own_database_with_its_own_password(host: Host) -> None:
    for secret, role in (("url_huxin", "huxin"), ("url_api", "huxin_api"), ("url_airflow", "airflow")):
        assert scalar(host.address(secret), "SELECT session_user::text") == role
    assert host.address("url_airflow") == host.address("url_airflow_async")
    assert "authentication failed" in refused(host.address("url_huxin", password="wrong"))


def test_airflow_and_registry_do_not_enter_each_others_database(host: Host) -> None:
    for secret, other in (("url_airflow", "huxin"), ("url_api", "airflow"), ("url_huxin", "airflow")):
        assert "permission denied" in refused(host.address(secret, dbname=other))


def test_the_owner_migrates_without_being_a_superuser(migrated: Host) -> None:
    owner = migrated.address("url_huxin")
    assert (
        scalar(owner, "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = session_user") is False
    )
    assert int(str(scalar(owner, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))) > 10


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE mine ()", "DELETE FROM enquiry", "DROP TABLE loan", "TRUNCATE outbox"]
)
def test_the_api_owns_nothing_and_makes_nothing(migrated: Host, statement: str) -> None:
    api = migrated.address("url_api")
    assert scalar(api, "SELECT pg_has_role('huxin_app', 'USAGE')") is True
    assert scalar(api, "SELECT pg_has_role('huxin_owner', 'USAGE') OR pg_has_role('huxin', 'USAGE')") is False
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        scalar(api, statement)


def test_it_may_be_run_again_and_changes_a_password(host: Host) -> None:
    before, kept = host.address("url_api"), host.address("url_huxin")
    (host.secrets / "password_api").unlink()
    host.make_secrets()
    done = host.apply()
    assert (done.returncode, done.stderr) == (0, b"")
    assert scalar(host.address("url_api"), "SELECT 1") == 1
    assert "authentication failed" in refused(before)
    assert host.address("url_huxin") == kept


def test_no_password_is_in_the_servers_log(host: Host) -> None:
    """Though the server logs every statement; the script quiets the log for its own session."""
    log = (host.settings.postgres_dir / "server.log").read_text(encoding="utf-8", errors="replace")
    assert "SET log_statement = 'none'" in log
    assert "GRANT huxin_app" not in log
    assert [each.name for each in host.secrets.glob("password_*") if each.read_text("utf-8") in log] == []


def test_a_missing_password_stops_the_first_start(host: Host, tmp_path: Path) -> None:
    """An empty password would lock the role out, silently, until somebody looks."""
    (tmp_path / "password_huxin").write_text("x" * 64, encoding="utf-8")
    done = Host(host.settings, host.server, tmp_path).apply()
    assert done.returncode == 3
    assert b"docker/secrets.sh" in done.stderr
    assert scalar(host.address("url_huxin"), "SELECT 1") == 1, "and nothing was changed"


def test_a_dump_comes_back_with_its_owner_and_its_grants(migrated: Host, tmp_path: Path) -> None:
    """The way of docs/deploy.md: an empty server with its roles, then pg_restore as the superuser."""
    owner, api, dump = migrated.address("url_huxin"), migrated.address("url_api"), tmp_path / "huxin.dump"
    with psycopg.connect(owner) as connection:
        connection.execute("INSERT INTO member (code, name, created_at) VALUES ('M0001', '示例', now())")
    dump.write_bytes(migrated.as_superuser("pg_dump", "-Fc", "huxin").stdout)
    dropped = migrated.as_superuser("psql", "-qX", "-d", "postgres", "-c", "DROP DATABASE huxin WITH (FORCE)")
    assert dropped.returncode == 0
    assert migrated.apply().returncode == 0
    assert scalar(owner, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    done = migrated.as_superuser("pg_restore", "--exit-on-error", "-d", "huxin", str(dump))
    assert (done.returncode, done.stderr) == (0, b"")
    assert scalar(owner, "SELECT name FROM member WHERE code = 'M0001'") == "示例"
    assert scalar(owner, "SELECT tableowner::text FROM pg_tables WHERE tablename = 'loan'") == "huxin"
    assert scalar(api, "SELECT access_revision()") == ",".join(migrate.heads())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        scalar(api, "DELETE FROM enquiry")

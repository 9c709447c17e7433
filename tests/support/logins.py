"""A login of the registry that owns nothing, as the API has one where the database is not our own."""

from __future__ import annotations

from dataclasses import replace

import psycopg

from huxin.registry.connect import libpq_uri
from huxin.settings import Settings

LOGIN = "api_login"


def as_login(settings: Settings, login: str = LOGIN) -> str:
    """The database's address for a login that may be the app and the loader, as docker/postgres makes it."""
    with psycopg.connect(libpq_uri(settings), autocommit=True) as database:
        if not database.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [login]).fetchone():
            database.execute(f"CREATE ROLE {login} LOGIN IN ROLE huxin_app, huxin_loader")
    url = str(settings.database_url)
    other = url.replace("//huxin@", f"//{login}@").replace("user=huxin", f"user={login}")
    with psycopg.connect(libpq_uri(replace(settings, database_url=other))) as database:
        assert database.info.user == login
    return other

"""A home with its keys, rows put into the outbox as the platform puts them, and ways to look at the log."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from huxin.audit.notes import LogKeys, log_keys
from huxin.audit.records import make_record, make_salt
from huxin.errors import HuxinError
from huxin.ids import id_at, new_id
from huxin.registry import embedded
from huxin.registry.audit_log import audit_rows, inclusion, latest_checkpoint
from huxin.settings import Settings
from huxin_privacy import keyring
from huxin_privacy.errors import PrivacyError

MEMBER = 7
_PUT = "INSERT INTO outbox (id, topic, body, recorded_at) VALUES (%s, %s, %s, %s)"


def keyed(settings: Settings) -> Settings:
    """Makes the keyrings of all zones."""
    settings.keys_dir.mkdir(mode=0o700, parents=True)
    for zone in keyring.ZONES:
        keyring.create(settings.keys_dir, zone)
    return settings


def keys_of(settings: Settings) -> LogKeys:
    return log_keys(keyring.open(settings.keys_dir, "audit"))


def database(settings: Settings) -> psycopg.Connection[Any]:
    return psycopg.connect(embedded.libpq_uri(str(settings.database_url)), autocommit=True)


def run_sql(settings: Settings, statement: str, *params: object) -> list[tuple[Any, ...]]:
    with database(settings) as connection:
        found = connection.execute(statement, params)
        return found.fetchall() if found.description else []


def enquiry_body(at: datetime, mobile: bool = True) -> tuple[UUID, dict[str, Any]]:
    """An enquiry's number and the body of its outbox row, as the API makes it."""
    number = new_id()
    facts = {"enquiry": str(number), "member": "M0007", "purpose": "application", "outcome": "eligible"}
    leaf = {"salt": make_salt().hex(), "record": make_record("enquiry.answered", at, facts)}
    feed = {
        "mobile_id": str(uuid4()) if mobile else None,
        "subject_id": str(uuid4()),
        "member_id": MEMBER,
        "enquiry_id": str(number),
        "asked_at": at.isoformat(),
        "purpose": "application",
    }
    return number, {"leaf": leaf, "feed": feed}


def put(settings: Settings, topic: str, body: dict[str, Any], at: datetime | None = None) -> UUID:
    """Commits one outbox row and returns its number."""
    number = new_id()
    run_sql(settings, _PUT, number, topic, json.dumps(body), at or settings.now())
    return number


def ask_many(settings: Settings, count: int) -> list[UUID]:
    """So many enquiries in the outbox, a millisecond between them."""
    made = []
    with database(settings) as connection, connection.transaction():
        for number in range(count):
            at = settings.now() + timedelta(milliseconds=number)
            enquiry, body = enquiry_body(at, mobile=number % 2 == 0)
            connection.execute(_PUT, (id_at(at), "enquiry.answered", json.dumps(body), at))
            made.append(enquiry)
    return made


def receipt_of(settings: Settings, record_id: UUID, **how: Any) -> dict[str, Any] | None:
    with audit_rows(settings) as rows:
        return inclusion(rows, record_id, **how)


def head_of(settings: Settings) -> tuple[int, str]:
    """Size and note of the newest checkpoint; (0, "") before the first."""
    with audit_rows(settings) as rows:
        head = latest_checkpoint(rows)
    return (head.size, head.note) if head else (0, "")


def refused(code: str, call: Callable[[], object]) -> HuxinError | PrivacyError:
    with pytest.raises((HuxinError, PrivacyError)) as caught:
        call()
    assert caught.value.code == code, caught.value
    return caught.value

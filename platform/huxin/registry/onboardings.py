"""Members on their way in: from the first step until a test file has passed and the member becomes active."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from huxin.errors import HuxinError

ONBOARDING: Final = "onboarding"  # the status of a member that may neither file nor ask yet

_ADD = text("""
    WITH made AS (
        INSERT INTO member (code, name, kind, status, created_at) VALUES (:code, :name, :kind, 'onboarding', :now)
        ON CONFLICT (code) DO NOTHING RETURNING id
    )
    INSERT INTO onboarding (member_id, begun_at, begun_by) SELECT id, :now, :by FROM made RETURNING member_id
""")
_FIND = text("""
    SELECT o.*, m.code, m.name, m.kind, m.status,
        (SELECT count(*) FROM person p WHERE p.member_id = m.id AND p.state <> 'closed') AS people,
        (SELECT count(*) FROM credential c
         WHERE c.role = 'member' AND c.holder = m.code AND c.revoked_at IS NULL) AS keys
    FROM onboarding o JOIN member m ON m.id = o.member_id WHERE m.code = :code
""")
_OPEN = text("SELECT count(*) FROM member WHERE status = 'onboarding'")
_CONTACT = text("UPDATE onboarding SET contact = :contact WHERE member_id = :member_id")
_KEYS_LATER = text("UPDATE onboarding SET keys_later = true WHERE member_id = :member_id")
_TEST = text("""
    UPDATE onboarding SET tested_at = :now, tested_by = :by, test_passed = :passed, test_rows = :rows,
        test_rejected = :rejected, test_sha256 = :sha256, ruleset = :ruleset
    WHERE member_id = :member_id AND activated_at IS NULL RETURNING member_id
""")
_ACTIVATE = text("""
    UPDATE onboarding SET activated_at = :now, activated_by = :by
    WHERE member_id = :member_id AND activated_at IS NULL AND test_passed RETURNING member_id
""")
_JOIN = text("""
    UPDATE member SET status = 'active', created_at = :now WHERE id = :member_id AND status = 'onboarding' RETURNING id
""")
_MOMENT = text("SELECT set_config('huxin.moment', :now, true)")


@dataclass(frozen=True)
class Onboarding:
    """How far a member is: who began, whom it has, what became of its last test file."""

    member_id: int
    contact: str
    keys_later: bool
    begun_at: datetime
    begun_by: str
    tested_at: datetime | None
    tested_by: str | None
    test_passed: bool | None
    test_rows: int | None
    test_rejected: int | None
    test_sha256: bytes | None
    ruleset: str | None
    activated_at: datetime | None
    activated_by: str | None
    code: str
    name: str
    kind: str
    status: str
    people: int
    keys: int

    @property
    def done(self) -> tuple[bool, bool, bool, bool]:
        """Which of the four steps are: its data, its people, its keys, its test file."""
        return True, self.people > 0, self.keys > 0 or self.keys_later, bool(self.test_passed)

    @property
    def step(self) -> int:
        """The first step (1 to 4) that is not done; 5 when it may become active."""
        return next((number for number, done in enumerate(self.done, 1) if not done), 5)

    @property
    def ready(self) -> bool:
        """Whether it may become active."""
        return self.step == 5 and self.status == ONBOARDING


@dataclass(frozen=True)
class Tested:
    """What checking a test file found; counts are of rows, `sha256` of its bytes."""

    passed: bool
    rows: int | None
    rejected: int | None
    sha256: bytes
    ruleset: str | None


def begin_onboarding(database: Connection, code: str, name: str, kind: str, by: str, now: datetime) -> int:
    """Registers a member that may not act yet; its number. HuxinError H2014: the code is taken."""
    values = {"code": code, "name": name, "kind": kind, "by": by, "now": now}
    found = database.execute(_ADD, values).scalar()
    if found is None:
        raise HuxinError("H2014", code=code)
    return int(found)


def find_onboarding(database: Connection, code: str) -> Onboarding | None:
    """How far the member of that code is; None where it came another way, or is not there."""
    row = database.execute(_FIND, {"code": code}).mappings().one_or_none()
    if row is None:
        return None
    digest = row["test_sha256"]
    return Onboarding(**{**row, "test_sha256": None if digest is None else bytes(digest)})


def count_onboarding(database: Connection) -> int:
    """How many members are on their way in."""
    return int(database.execute(_OPEN).scalar_one())


def set_contact(database: Connection, member_id: int, contact: str) -> None:
    """How the member is reached: an office's telephone or mailbox, no person's."""
    database.execute(_CONTACT, {"member_id": member_id, "contact": contact})


def put_keys_off(database: Connection, member_id: int) -> None:
    """Notes that the member begins with the console's pages alone."""
    database.execute(_KEYS_LATER, {"member_id": member_id})


def note_test(database: Connection, member_id: int, tested: Tested, by: str, now: datetime) -> None:
    """Keeps what became of a test file, in place of the one before. HuxinError H2011: the member is active."""
    values = {**vars(tested), "member_id": member_id, "by": by, "now": now}
    if database.execute(_TEST, values).scalar() is None:
        raise HuxinError("H2011")


def activate(database: Connection, member_id: int, by: str, now: datetime) -> None:
    """From now on the member files, asks, and owes reports. HuxinError H2012: its test file has not passed."""
    database.execute(_MOMENT, {"now": now.isoformat()})
    values = {"member_id": member_id, "by": by, "now": now}
    if (
        database.execute(_ACTIVATE, values).scalar() is None
        or database.execute(_JOIN, values).scalar() is None
    ):
        raise HuxinError("H2012")

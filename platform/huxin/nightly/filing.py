"""A file sent over the wire on its way into the spool, where it equals one that was dropped in the inbox."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from uuid import UUID

from huxin import faults
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.nightly.inbox import shown
from huxin.nightly.members_copy import follow_members
from huxin.nightly.receive import Received, record
from huxin.nightly.spool import Spool
from huxin.nightly.taking import Origin, Sealed, judged, seal
from huxin.registry.members import Member, find_member
from huxin.registry.session import connection
from huxin.registry.submissions import UNFINISHED
from huxin.registry.worklist import API, ring
from huxin.settings import Settings

_NAMELESS = "file"


class Filing:
    """One file of a member, in a `with` block: first `take`, then `file`. Left without the latter, nothing stays.

    HuxinError H0701 (no such member), H0612 (the disk is full), H0313 and H0502 (no database).
    """

    def __init__(self, settings: Settings, member_code: str) -> None:
        self._settings = settings
        self._member = sender(settings, member_code)
        self._vault = Spool(settings)
        self._id: UUID | None = None
        self._name = _NAMELESS
        self._sealed: Sealed | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Filing:
        self._stack.enter_context(self._vault.receiving())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            if self._id:
                self._vault.forget(self._id)

    def take(self, name: str, blocks: Iterable[bytes]) -> None:
        """Seals the file as its bytes come; `name` is what the sender calls it. Whatever `blocks` raises passes."""
        self._id = new_id()
        self._name = plain_name(name)
        self._sealed = seal(self._vault, self._id, blocks, self._member.code)

    def file(self, manifest: bytes) -> Received:
        """Records the submission, or finds the one that this very file and manifest made before.

        One that was refused only because its day had not come begins anew where it has by now.
        """
        assert self._id is not None, "a file is taken before it is filed"
        assert self._sealed is not None, "a file is taken whole"
        origin = Origin(self._member.code, self._member, self._name, came=API)
        item = judged(self._settings, self._id, origin, manifest, self._sealed)
        faults.reach("receive.sealed")
        self._id = (
            None  # if recording fails half-way, it may be on record: the leftovers are cleared elsewhere
        )
        result = record(self._settings, self._vault, [item], sent_now=True)[0]
        faults.reach("receive.recorded")
        if result.submission.state in UNFINISHED:
            with connection(self._settings) as database:
                ring(database)
        return result


def sender(settings: Settings, member_code: str) -> Member:
    """The member that sends. HuxinError H0701."""
    member = _known(settings, member_code)
    if member is None:  # who has joined since the copy was made
        follow_members(settings)
        member = _known(settings, member_code)
    if member is None:
        raise HuxinError("H0701", code=shown(member_code))
    return member


def _known(settings: Settings, member_code: str) -> Member | None:
    with connection(settings) as database:
        return find_member(database, member_code)


def plain_name(name: str) -> str:
    """A file name as sent, without folders (of either slash) and without characters that act; never used as a path."""
    last = re.split(r"[/\\]", name)[-1]
    fit = shown(last).strip()
    return fit if fit.strip(".") else _NAMELESS

"""The sandbox's registry, made anew: files, a real night, what others did, keys; then put in the old one's place."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from huxin.contract import State
from huxin.enquiry.subject_keys import all_schemes
from huxin.nightly.pipeline import run_night
from huxin.oversight.closing import close_if_due
from huxin.registry import embedded
from huxin.registry.members import add_members, change_member, list_members, set_status
from huxin.registry.schemes import scheme_ids
from huxin.registry.sequencing import drain
from huxin.registry.session import connection, forget_engine
from huxin.registry.swap import fresh_database, put_in_place
from huxin.sandbox.files import write_inbox
from huxin.sandbox.home import in_turn
from huxin.sandbox.keys import member_key, register_keys
from huxin.sandbox.past import make_past
from huxin.sandbox.subjects import Sandbox, load_sandbox
from huxin.settings import Settings

NEXT = "sandbox_next"
Prepare = Callable[[Settings], object]


def rebuild(settings: Settings, prepare: Prepare) -> None:
    """Makes the sandbox's registry as of now. Whoever is served meanwhile sees the old one, then the new one.

    `prepare` makes keys and tables (what `huxin init` does). Keys, the members' and the platform's, stay as they are.
    """
    data = load_sandbox()
    with in_turn(settings):
        server = embedded.ensure_started(settings)
        fresh_database(server, NEXT)
        fresh = replace(settings, database_url=server.url(NEXT))
        try:
            prepare(fresh)
            fill(settings, fresh, data)
        finally:
            forget_engine(fresh)
        put_in_place(server, NEXT, embedded.REGISTRY)


def fill(home: Settings, fresh: Settings, data: Sandbox) -> None:
    """A migrated, empty database becomes the sandbox's."""
    # Files of submissions that the old database knew.
    shutil.rmtree(fresh.spool_dir, ignore_errors=True)
    fresh.spool_dir.mkdir(mode=0o700)
    with connection(fresh) as database:
        # In one order each time: a process that is serving remembers these numbers, and those of the members.
        scheme_ids(database, all_schemes(fresh))
        for member in data.everybody:
            add_members(database, [(member.code, member.name)], fresh.now())
            change_member(database, member.code, tier=member.tier)
        members = {each.code: each.id for each in list_members(database)}
    _night(fresh, data)
    make_past(fresh, data, members)
    with connection(fresh) as database:
        for member in data.everybody:
            set_status(database, member.code, member.status)
    for member in data.members:
        member_key(home, member.code)
    register_keys(home, fresh, data.members)
    # The sequencer's feed also counts the enquiries by mobile number.
    drain(fresh)
    close_if_due(fresh)


def _night(settings: Settings, data: Sandbox) -> None:
    """The members' files of yesterday by the pipeline that every night runs."""
    with tempfile.TemporaryDirectory(prefix="huxin-sandbox-") as folder:
        write_inbox(data, Path(folder), settings.today() - timedelta(days=1))
        report = run_night(settings, Path(folder))
    bad = [each.codes for each in report.submissions if each.state != State.PUBLISHED or each.codes]
    assert not bad and not report.failed, f"the sandbox's own files have findings: {bad} {report.failed}"

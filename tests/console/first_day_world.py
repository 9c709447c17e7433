"""A console on whose registry something of every kind has happened: what each page shows is there to be shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import yaml
from console_world import Console
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from members_world import book, lending, published
from sqlalchemy import text

from huxin.enquiry.desk import Desk
from huxin.enquiry.request import Asker, EnquiryRequest
from huxin.enquiry.subject_keys import Person
from huxin.nightly.submitting import submit
from huxin.oversight import key_epochs, policy_changes
from huxin.oversight.key_approval import ask_or_approve
from huxin.oversight.key_retiring import retire
from huxin.paths import schema_root
from huxin.registry.alarms import Raised, raise_alarm
from huxin.registry.reminders import add_reminder
from huxin.registry.session import connection
from huxin.settings import SHANGHAI, Settings
from support.operators import Operators
from support.rows import AS_OF, resident_id, write_submission


def happened(settings: Settings, folder: Path) -> Console:
    """M0001's file had a faulty row, M0002's was refused whole; M0001 asked about somebody in March.

    M0001 was reminded of a day, an alarm waits, Anna has proposed a stricter policy, and she has asked by the command
    that the registry's first key be destroyed; li.na's own key lies in folder/keys.
    """
    made = lending(settings)
    with connection(settings) as database:
        words = ("请报送。", "Please send it.")
        add_reminder(database, made.members["M0001"], "missing", [AS_OF], words, "li.na", settings.now())
        figures = {"quota": 1, "asked": 3, "refused": 2}
        alarm = Raised(made.members["M0001"], "quota", "application", AS_OF, AS_OF, figures)
        raise_alarm(database, alarm, "2020.1", settings.now())
        database.execute(text("UPDATE member SET created_at = created_at - interval '9 days'"))
    published(made, "M0001", book("M0001", wrong=(3,)), folder / "a")
    refused = write_submission(
        folder / "b", "M0002", book("M0002"), AS_OF, 1, "full", manifest_changes={"record_count": 9}
    )
    submit(settings, refused, "M0002")
    _asked_in_march(made)
    policy_changes.propose(settings, stricter(), "policy", date(2026, 7, 1), "anna")
    _key_asked_for(settings, folder / "keys")
    return made


def stricter() -> str:
    """The shipped policy's newest version, under another name and with a lower cap."""
    shipped = (schema_root() / "policy" / "enquiry.yaml").read_text(encoding="utf-8")
    entry = yaml.safe_load(shipped)[-1] | {"version": "strict"}
    entry["caps"] = entry["caps"] | {"max_lenders": 1}
    return str(yaml.safe_dump(entry, allow_unicode=True, sort_keys=False))


def _asked_in_march(made: Console) -> None:
    march = Desk(replace(made.settings, fixed_now=datetime(2026, 3, 10, 9, 0, tzinfo=SHANGHAI)))
    about = Person("resident_id", resident_id(5))
    request = EnquiryRequest(about, "application", "SQ-MARCH", date(2027, 1, 1), "S-7", "case-7")
    march.enquire(Asker(made.members["M0001"], "M0001"), request, "key-1")
    march.close()


def _key_asked_for(settings: Settings, folder: Path) -> None:
    key_epochs.new_epoch(settings, "registry")
    key_epochs.activate(settings, "registry", 2, 60.0, lambda behind: None)
    retire(settings, "registry", 1, 60.0, lambda behind: None, lambda stage, done, total: None)
    operators = Operators(settings, folder)
    operators.register("li.na", Ed25519PrivateKey.generate(), "EdDSA")
    ask_or_approve(settings, "registry", 1, operators.named("anna"))

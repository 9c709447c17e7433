"""kill -9 under load: what was answered stands in the registry and in the log, and no key ever stands for two rows."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_load import Load, Sent, posted
from served_home import ServedHome, served_home, until

from huxin.audit.notes import log_keys
from huxin.errors import HuxinError
from huxin.registry.audit_verify import verify_log
from huxin.registry.sequencing import drain
from huxin_privacy import keyring
from huxin_privacy.receipts import verify_receipt

ENQUIRIES, RESERVATIONS = "/v1/enquiries", "/v1/reservations"
# How often each is killed (`make soak` says more).
TURNS = int(os.environ.get("HUXIN_SOAK_KILLS", "1"))
_NUMBER = {ENQUIRIES: "enquiry_id", RESERVATIONS: "reservation_id"}


# So long a path that the database's socket lies elsewhere, in another folder after each start.
DEEP = "d" * 90


@pytest.fixture
def home(tmp_path: Path) -> Iterator[ServedHome]:
    (tmp_path / DEEP).mkdir()
    with served_home(tmp_path / DEEP) as made:
        yield made


def random_moment() -> int:
    """After so many answers; printed, so that a failure can be looked at again."""
    found = random.randint(30, 150)
    print("killed after", found, "answers")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(TURNS))
def test_the_server_is_killed(home: ServedHome, turn: int) -> None:
    home.start("--no-work")
    with Load(home) as load:
        moment = random_moment()
        until(lambda: load.count(lambda sent: sent.answered) >= moment, "too few answers")
        home.kill()
        until(lambda: load.count(lambda sent: sent.reply is None) >= 3, "nobody noticed")
    home.start("--no-work", "--no-sequencer")
    nothing_is_lost(home, load.sent)


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(TURNS))
def test_the_database_is_killed(home: ServedHome, turn: int) -> None:
    # Nothing beside the server may start the database again before its absence was seen.
    home.start("--no-work", "--no-sequencer")
    with Load(home) as load:
        moment = random_moment()
        until(lambda: load.count(lambda sent: sent.answered) >= moment, "too few answers")
        assert home.kill_database() > 3
        until(lambda: load.count(refused_for_now) >= 3, "nobody was told")
        home.start_database()
        before = load.count(lambda sent: sent.answered)
        until(lambda: load.count(lambda sent: sent.answered) >= before + 20, "it does not go on")
    replies = [sent.reply for sent in load.sent if sent.reply is not None and not sent.answered]
    for reply in replies:
        assert reply.status == 503, reply.body
        assert reply.json()["code"] == "H1101"
        assert int(reply.headers["retry-after"]) > 0
        assert b"subject_known" not in reply.body
    nothing_is_lost(home, load.sent)


def refused_for_now(sent: Sent) -> bool:
    return sent.reply is not None and sent.reply.status == 503


def nothing_is_lost(home: ServedHome, sent: list[Sent]) -> None:
    """Of a run of two members: every answer again, every key once, every record in the log with its receipt."""
    clients = {member: home.client(member) for member in home.identities}
    for each in sent:
        if each.answered:
            read = clients[each.member].call("GET", f"{each.path}/{each.told[_NUMBER[each.path]]}")
            assert (read.status, read.body) == (200, each.reply and each.reply.body)
    told: dict[str, list[str]] = {ENQUIRIES: [], RESERVATIONS: []}
    for each in sent:
        again = posted(clients[each.member], each.path, each.body, each.key)
        assert again is not None
        assert again.status in (200, 201), again.body
        if each.answered:
            assert (again.status, again.body) == (200, each.reply and each.reply.body)
        told[each.path].append(again.json()[_NUMBER[each.path]])
    for path, table in ((ENQUIRIES, "enquiry"), (RESERVATIONS, "reservation")):
        keys = {each.key for each in sent if each.path == path}
        assert len(keys) == len(set(told[path]))
        assert {str(id_) for (id_,) in home.rows(f"SELECT id FROM {table}")} == set(told[path])
        assert home.rows(f"SELECT count(*) FROM {table}") == [(len(keys),)]
        assert {key for (key,) in home.rows(f"SELECT key FROM {table}_key")} == keys
    in_the_log(home, sent, told)


def in_the_log(home: ServedHome, sent: list[Sent], told: dict[str, list[str]]) -> None:
    until(lambda: sequenced(home), "another sequencer still holds the log")
    verifiers = log_keys(keyring.open(home.settings.keys_dir, "audit")).verifiers
    verify_log(home.settings)
    for topic, path in (("enquiry.answered", ENQUIRIES), ("reservation.granted", RESERVATIONS)):
        leaves = home.rows(f"SELECT record_id FROM audit_leaf WHERE topic = '{topic}'")
        assert sorted(str(id_) for (id_,) in leaves) == sorted(told[path])
    places = zip((each for each in sent if each.path == ENQUIRIES), told[ENQUIRIES], strict=True)
    more = zip((each for each in sent if each.path == RESERVATIONS), told[RESERVATIONS], strict=True)
    for each, number in [*places, *more]:
        receipt = home.client(each.member).call("GET", f"{each.path}/{number}/receipt")
        assert receipt.status == 200, receipt.body
        verify_receipt(receipt.body, verifiers)


def sequenced(home: ServedHome) -> bool:
    """Whether the log holds everything now. A killed sequencer's session may outlive it by a moment."""
    try:
        drain(home.settings)
    except HuxinError as error:
        if error.code != "H1301":
            raise
        return False
    return home.rows("SELECT count(*) FROM outbox") == [(0,)]

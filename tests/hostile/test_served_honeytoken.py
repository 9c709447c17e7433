"""Through a real server: a honeytoken that is asked about over HTTP rings within the minute, and /metrics says so."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hostile_load import question
from served_home import MEMBERS, ServedHome, served_home, until

from huxin.oversight import honeytokens
from huxin.oversight.honeytokens import ORDER_CODES, Field
from huxin_privacy.client import send
from huxin_privacy.resident import check_character

DAY = date(1979, 7, 9)
NUMBERS = [body + check_character(body) for code in ORDER_CODES for body in [f"33010619790709{code}"]]
_RUNG = "SELECT kind, state, (figures ->> 'enquiries')::int FROM alarm"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[ServedHome]:
    (tmp_path / "place").mkdir()
    with served_home(tmp_path / "place") as made:
        made.start("--workers", "1", "--no-work")
        yield made


def test_it_rings_within_the_minute(home: ServedHome) -> None:
    assert honeytokens.make(home.settings, 2, Field(("330106",), DAY, DAY)) == 2
    until(lambda: home.rows("SELECT 1 FROM audit_leaf LIMIT 1"), "the sequencer does not come up")
    client = home.client(MEMBERS[0])
    for number in NUMBERS:
        asked = question(1) | {"subject": {"id_type": "resident_id", "id_no": number}}
        assert client.call("POST", "/v1/enquiries", asked, key=str(uuid.uuid4())).status == 200
    begun = time.monotonic()
    until(lambda: home.rows(_RUNG) == [("honeytoken", "open", 2)], "nobody was told")
    assert time.monotonic() - begun < 60
    page = send("GET", f"{home.address}/metrics", None, {})
    assert b'huxin_alarms{kind="honeytoken",state="open"} 1.0' in page.body
    assert not any(number in home.said() for number in NUMBERS)

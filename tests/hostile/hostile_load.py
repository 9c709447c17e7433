"""Members' systems that ask and reserve as fast as they can, and remember what they sent and what they were told."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from served_home import MEMBERS, ServedHome

from huxin_privacy.client import Client, Reply
from support.rows import resident_id

THREADS = 6


@dataclass(frozen=True)
class Sent:
    """One request with its key, and the reply; None where the connection broke before one came."""

    member: str
    path: str
    key: str
    body: dict[str, Any] = field(repr=False)
    reply: Reply | None

    @property
    def answered(self) -> bool:
        return self.reply is not None and self.reply.status in (200, 201)

    @property
    def told(self) -> dict[str, Any]:
        assert self.reply is not None
        found: dict[str, Any] = self.reply.json()
        return found


class Load:
    """Threads that go on until they are stopped; each person is asked about once, and reserved on."""

    def __init__(self, home: ServedHome) -> None:
        self.sent: list[Sent] = []
        self._home = home
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(THREADS)
        ]

    def __enter__(self) -> Load:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each in self._threads:
            each.join(180)
        assert not any(each.is_alive() for each in self._threads)

    def count(self, which: Callable[[Sent], bool]) -> int:
        return sum(map(which, list(self.sent)))

    def _run(self, number: int) -> None:
        member = MEMBERS[number % len(MEMBERS)]
        client, turn = self._home.client(member), 0
        while not self._over.is_set():
            turn += 1
            asked = self._post(client, member, "/v1/enquiries", question(number * 10_000 + turn))
            if asked.answered:
                body = {"enquiry_id": asked.told["enquiry_id"], "amount": "100.00", "product": "consumer"}
                self._post(client, member, "/v1/reservations", body)
            elif asked.reply is None:
                self._over.wait(0.2)

    def _post(self, client: Client, member: str, path: str, body: dict[str, Any]) -> Sent:
        key = str(uuid.uuid4())
        # The list is the memory of a client that wrote down its key before it sent anything.
        sent = Sent(member, path, key, body, posted(client, path, body, key))
        self.sent.append(sent)
        return sent


def question(number: int) -> dict[str, Any]:
    """An enquiry about the person of that number."""
    return {
        "subject": {"id_type": "resident_id", "id_no": resident_id(number)},
        "purpose": "application",
        "amount": "20000.00",
        "product": "consumer",
        "consent_no": f"SQ-{number}",
        "consent_until": "2099-12-31",
        "staff": "S-17",
        "reference": f"case-{number}",
    }


def posted(client: Client, path: str, body: dict[str, Any], key: str) -> Reply | None:
    """The reply, or None where none came. A token that cannot be had is no reply either."""
    try:
        return client.call("POST", path, body, key)
    except (OSError, HTTPException, RuntimeError, json.JSONDecodeError):
        return None

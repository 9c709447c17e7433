"""What members ask, as whole HTTP requests in bytes: every key used once, people of the sample in turn."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from enquirybench.people import Sample
from huxin.enquiry.subject_keys import Person

_PRODUCTS = ("consumer", "business", "agricultural")
_POST = (
    b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nIdempotency-Key: %s\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
)


def post(path: bytes, token: bytes, body: bytes) -> bytes:
    """One request with a key of its own."""
    return _POST % (path, token, uuid.uuid4().hex.encode(), len(body), body)


class Questions:
    """Enquiries for the load clients: client k asks with its own tokens, and begins at its own place of the sample."""

    def __init__(self, chosen: Sample, tokens: Sequence[bytes], clients: int, start: int = 0) -> None:
        self._people, self._tokens, self._clients, self._start = chosen.people, tokens, clients, start
        self._until = (datetime.now(UTC) + timedelta(days=300)).date().isoformat()

    def __call__(self, client: int) -> Iterator[bytes]:
        """This client's requests. A body costs a few microseconds: less than holding all of them beforehand costs."""
        mine = self._tokens[client :: self._clients] or self._tokens
        people = self._people
        bodies = [self.body(people[place], place) for place in self._places(client)]
        number = 0
        while True:
            yield post(b"/v1/enquiries", mine[number % len(mine)], bodies[number % len(bodies)])
            number += 1

    def body(self, person: Person, place: int) -> bytes:
        """The JSON of one enquiry."""
        who = {"id_type": person.id_type, "id_no": person.id_no, "name": person.name, "mobile": person.mobile}
        if person.id_country:
            who["id_country"] = person.id_country
        asked = {
            "subject": who,
            "purpose": "application",
            "amount": f"{1000 + place % 90 * 100}.00",
            "product": _PRODUCTS[place % 20 // 18],
            "consent_no": f"SQ{place:010d}",
            "consent_until": self._until,
            "staff": f"staff-{place % 40}",
            "reference": f"AP-{place:08d}",
        }
        return json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode()

    def _places(self, client: int) -> list[int]:
        count = len(self._people)
        each = max(1, count // self._clients)
        begin = self._start + client * each
        return [(begin + step) % count for step in range(each)]

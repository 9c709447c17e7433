"""People planted in every place of a request that a caller can write to, and all that is said in return."""

from __future__ import annotations

import json
import socket
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import polars as pl
from hostile_load import question
from served_home import MEMBERS, ServedHome

from huxin_privacy.client import ASSERTION, assertion
from support.rows import resident_id

ANSWERED = 100_001  # who is asked about as it should be
WORDS = ("consent_no", "staff", "reference")


@dataclass(frozen=True)
class Someone:
    """An invented person whose number, mobile and name occur nowhere else."""

    number: int
    id_no: str = field(repr=False)
    mobile: str = field(repr=False)
    name: str = field(repr=False)


def someone(number: int) -> Someone:
    return Someone(number, resident_id(number), f"139{number:08d}", f"欧阳示例{chr(0x4E00 + number % 1000)}")


PEOPLE = tuple(map(someone, range(ANSWERED, ANSWERED + 4)))


def known() -> pl.DataFrame:
    """As tests/leak/search.py wants them."""
    return pl.DataFrame(
        {
            "id_type": [1] * len(PEOPLE),
            **{column: [each.id_no for each in PEOPLE] for column in ("id_no", "id_canonical")},
            **{column: [each.mobile for each in PEOPLE] for column in ("mobile", "mobile_canonical")},
            **{column: [each.name for each in PEOPLE] for column in ("name", "name_canonical")},
        },
        schema_overrides={"id_type": pl.UInt8},
    )


class Planter:
    """Sends, and keeps every response as one text."""

    def __init__(self, home: ServedHome) -> None:
        self.said: list[bytes] = []
        self.statuses: list[int] = []
        self._home = home
        self._token = home.client(MEMBERS[0]).token()
        self._http = httpx.Client(base_url=home.address, timeout=120)

    def send(self, method: str, path: str, *, bare: bool = False, **more: Any) -> httpx.Response:
        """One request with ME's token and a key of its own, unless `headers` say otherwise."""
        usual = (
            {} if bare else {"Authorization": f"Bearer {self._token}", "Idempotency-Key": str(uuid.uuid4())}
        )
        headers = {**usual, **more.pop("headers", {})}
        encoded = {name: value.encode() for name, value in headers.items()}
        response = self._http.request(method, path, headers=encoded, **more)
        head = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
        self.said.append(head.encode() + b"\n\n" + response.content)
        self.statuses.append(response.status_code)
        return response

    def asked(self) -> str:
        """The one way in which a person may be named; the enquiry's id."""
        body = question(ANSWERED)
        one = PEOPLE[0]
        body["subject"] |= {"id_no": one.id_no, "mobile": one.mobile, "name": one.name}
        response = self.send("POST", "/v1/enquiries", json=body)
        assert response.status_code == 200, response.text
        return str(response.json()["enquiry_id"])

    def addresses_and_headers(self, planted: str) -> None:
        spelt = quote(planted)
        for path in (
            f"/{spelt}",
            f"/v1/enquiries/{spelt}",
            f"/v1/enquiries/{spelt}/receipt",
            f"/v1/reservations/{spelt}",
            f"/v1/submissions/{spelt}",
            f"/v1/submissions/{spelt}/findings",
            f"/v1/audit/proof/{spelt}",
            f"/docs/{spelt}",
            f"/v1/whoami?{spelt}={spelt}",
            f"/v1/submissions?cursor={spelt}&state={spelt}&limit={spelt}&{spelt}=1",
            f"/v1/audit/consistency?from={spelt}",
        ):
            self.send("GET", path)
        for name in (
            *(
                "Accept-Language",
                "User-Agent",
                "Cookie",
                "X-Forwarded-For",
                "X-Request-Id",
                "Referer",
                "From",
            ),
            *("Authorization", "Content-Type", "Traceparent", "Tracestate", "Idempotency-Key", "Forwarded"),
            *("Content-Encoding", "Accept", "X-Planted", "Range", "If-None-Match"),
        ):
            self.send("GET", "/v1/whoami", headers={name: planted})
            self.send("POST", "/v1/enquiries", headers={name: planted}, content=b"{}")
        if planted.isascii():
            self.send("GET", "/healthz", headers={planted: planted})
            self.send(planted, "/v1/whoami")

    def bodies(self, planted: str, enquiry: str) -> None:
        """In fields that are the member's own words someone else's mobile or name is beyond what can be told."""
        right, anybodys = question(200_000), len(planted) == len(PEOPLE[0].id_no)
        numbers = ("loan_no", "contract_no") if anybodys else ()
        keys = (planted, f"hold-{planted}", f"{planted[:6]}-{planted[6:]}") if anybodys else ()
        # A mobile is as good an amount as any other number.
        for name in right.keys() - {"amount"} - (set() if anybodys else set(WORDS)):
            self.send("POST", "/v1/enquiries", json=right | {name: planted})
        for name in ("id_type", "id_country"):
            self.send("POST", "/v1/enquiries", json=right | {"subject": {**right["subject"], name: planted}})
        self.send("POST", "/v1/enquiries", json=right | {planted: planted})
        self.send("POST", "/v1/enquiries", json=[planted])
        self.send("POST", "/v1/enquiries", content=f'{{"subject": {planted}'.encode())
        held = {"enquiry_id": enquiry, "amount": "100.00"}
        for name in ("enquiry_id", "product", "expires_in", planted):
            self.send("POST", "/v1/reservations", json=held | {name: planted})
        for key in keys:
            self.send("POST", "/v1/enquiries", json=right, headers={"Idempotency-Key": key})
            self.send("POST", "/v1/reservations", json=held, headers={"Idempotency-Key": key})
        made = self.send("POST", "/v1/reservations", json=held)
        assert made.status_code == 201, made.text
        for name in (*numbers, planted):
            path = f"/v1/reservations/{made.json()['reservation_id']}/convert"
            self.send("POST", path, json={name: planted})

    def tokens(self, planted: str) -> None:
        identity = self._home.identities[MEMBERS[0]]
        proof = assertion(identity, f"{self._home.address}/oauth/token", 0)
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": proof,
        }
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        for name in (*form, "scope", "client_id", planted):
            content = urlencode(form | {name: planted}).encode()
            self.send("POST", "/oauth/token", bare=True, headers=kind, content=content)

    def files(self, planted: str, data: bytes, manifest: bytes) -> None:
        """Uploads; a file's own content names people by right, and lies sealed."""
        for path in ("/v1/submissions", "/v1/submissions/check"):
            self.send("POST", path, files={planted: (planted, data), "manifest": ("m.json", manifest)})
            if planted.isascii():  # a name in a file's name is beyond what can be told
                anew = manifest + b" " * len(self.said)  # another submission each time
                self.send("POST", path, files={"file": (f"{planted}.csv", data), "manifest": (planted, anew)})
            told = json.dumps({planted: planted, "columns": [planted], "file": planted}).encode()
            self.send("POST", path, files={"file": ("loans.csv", data), "manifest": ("m.json", told)})
            self.send(
                "POST",
                path,
                files={"file": ("loans.csv", f"{planted}{uuid.uuid4()}".encode()), "manifest": manifest},
            )
            self.send("POST", path, headers={"Content-Type": f"multipart/form-data; boundary={planted}"})

    def raw(self, planted: str) -> None:
        """What is no request at all."""
        port = int(self._home.address.rpartition(":")[2])
        for sent in (
            planted.encode() + b"\r\n\r\n",
            f"GET /{planted} HTTP/9.9\r\n\r\n".encode(),
            f"POST /v1/enquiries HTTP/1.1\r\nHost: x\r\nContent-Length: {planted}\r\n\r\n".encode(),
            f"POST /v1/enquiries HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{planted}\r\n".encode(),
            f"GET / HTTP/1.1\r\nHost: x\r\nX{planted}\r\n\r\n".encode(),
        ):
            with socket.create_connection(("127.0.0.1", port), timeout=120) as link:
                try:
                    link.sendall(sent)
                    link.shutdown(socket.SHUT_WR)
                    self.said.append(
                        b"".join(iter(lambda link=link: link.recv(65536), b""))
                    )  # called at once
                except ConnectionError:
                    continue

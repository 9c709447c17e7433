"""A member's client in one file: gets a token, asks about every test subject, reserves, fetches a receipt.

Start the sandbox with `huxin serve --sandbox`, then run the line that it prints. Copy what you need from here into
your own system; it needs Python 3.11 and two packages: pip install pyjwt cryptography

沙箱接入示例：换取令牌、查询每个测试主体、占用授信、取回存证回执。先运行 huxin serve --sandbox，再运行它打印的命令。
"""

import argparse
import http.client
import json
import sys
import time
import uuid
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt

TRIES = 3
LONGEST_WAIT_S = 5
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Client:
    """What a member needs of the platform. `seconds` is the patience with one answer."""

    def __init__(self, url: str, key_file: Path, seconds: float) -> None:
        self.url, self.seconds = url.rstrip("/"), seconds
        self.key: dict[str, str] = json.loads(key_file.read_text(encoding="utf-8"))
        self.secret = (key_file.parent / self.key["private_key"]).read_text(encoding="utf-8")
        self.token, self.renew_at = "", 0.0

    def get(self, path: str) -> "Answer":
        return self.send("GET", path, {"Authorization": f"Bearer {self.bearer()}"})

    def post(self, path: str, body: dict[str, Any], key: str) -> "Answer":
        """Posts once. The key is yours: new for each question, the same when you try again."""
        headers = {
            "Authorization": f"Bearer {self.bearer()}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        return self.send("POST", path, headers, json.dumps(body))

    def ask(self, path: str, body: dict[str, Any]) -> "Answer":
        """Posts, and tries again with the same key where that can help: 409 H1203 (still running) and 503."""
        key = str(uuid.uuid4())
        answer = self.post(path, body, key)
        for _ in range(TRIES - 1):
            if answer.status != 503 and answer.code != "H1203":
                break
            time.sleep(min(answer.retry_after or 1, LONGEST_WAIT_S))
            answer = self.post(path, body, key)
        return answer

    def bearer(self) -> str:
        """An access token, got anew before it ends: with a JWT signed by your key (RFC 7523), never with a secret."""
        if time.time() < self.renew_at:
            return self.token
        now, token_url = int(time.time()), f"{self.url}/oauth/token"
        claims = {
            "iss": self.key["member"],
            "sub": self.key["member"],
            "aud": token_url,
            "iat": now,
            "exp": now + 60,
            "jti": str(uuid.uuid4()),
        }
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": jwt.encode(
                claims, self.secret, algorithm=self.key["alg"], headers={"kid": self.key["kid"]}
            ),
        }
        got = self.send("POST", "/oauth/token", FORM, urlencode(form))
        if got.status != 200:
            sys.exit(f"no access token: {got.status} {got.said('detail')}")
        self.token, self.renew_at = got.body["access_token"], now + got.body["expires_in"] - 30
        return self.token

    def send(self, method: str, path: str, headers: dict[str, str], content: str | None = None) -> "Answer":
        """One request. No answer in time is no answer: what the platform knows of it is not known here."""
        place = urlsplit(self.url)
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        connection = kind(place.netloc, timeout=self.seconds)
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, json.loads(response.read() or b"{}"))
        except TimeoutError:
            return Answer(0, Message(), {"code": "timeout", "detail": f"no answer in {self.seconds:g} s"})
        except ConnectionRefusedError:
            sys.exit(f"nobody listens at {self.url}: start the sandbox with `huxin serve --sandbox`")
        finally:
            connection.close()


@dataclass
class Answer:
    """Status, headers and JSON of an answer; a problem (RFC 9457) has a `code` that never changes."""

    status: int
    headers: Message
    body: dict[str, Any]

    @property
    def code(self) -> str:
        return str(self.body.get("code", ""))

    @property
    def retry_after(self) -> int:
        return int(self.headers.get("Retry-After", "0"))

    def said(self, name: str) -> str:
        return str(self.body.get(name, ""))


def decision(answer: Answer) -> str:
    """What the answer means to your approval. Anything but an outcome is "not known": never "no record"."""
    return str(answer.body["outcome"]) if answer.status == 200 else "not known"


def ask_about_everybody(client: Client) -> dict[str, Answer]:
    """Asks about each test subject and prints a line for it; the answers by the subject's key."""
    answers, wrong = {}, 0
    print(f"{'subject':19}{'status':>6}  {'decision':11} flags or code")
    for subject in client.get("/sandbox/subjects").body["subjects"]:
        answer = answers[subject["key"]] = client.ask("/v1/enquiries", subject["enquiry"])
        flags = " ".join(flag["code"] for flag in answer.body.get("flags", []))
        right = as_expected(answer, subject["expect"])
        wrong += not right
        mark = "" if right else "  <- NOT AS EXPECTED"
        print(
            f"{subject['key']:19}{answer.status or '-':>6}  {decision(answer):11} {flags or answer.code}{mark}"
        )
    if wrong:
        sys.exit(
            f"{wrong} answers are not as docs/sandbox.md says: `huxin sandbox reset` makes the sandbox anew"
        )
    return answers


def as_expected(answer: Answer, expect: dict[str, Any]) -> bool:
    if answer.status == 0:  # the slow subject, for whoever is less patient than it is slow
        return True
    if expect["outcome"]:
        found = [flag["code"] for flag in answer.body.get("flags", [])]
        return (answer.status, answer.said("outcome"), found) == (200, expect["outcome"], expect["flags"])
    wanted = (200, "") if expect["then"] else (expect["status"], expect["code"])
    return (answer.status, answer.code) == wanted


def reserve(client: Client, enquiry: Answer) -> None:
    """Holds 20,000 yuan before the money leaves, shows it, fetches the receipt, and gives it back."""
    body = {"enquiry_id": enquiry.body["enquiry_id"], "amount": "20000.00", "product": "consumer"}
    held = client.ask("/v1/reservations", body)
    if held.status not in (200, 201):  # 409: do not lend
        print(f"  refused  {held.status} {held.code} {held.said('detail')}")
        return
    path = f"/v1/reservations/{held.body['reservation_id']}"
    print(f"  {held.body['state']}  until {held.body['expires_at']}")
    print(f"  {client.ask(path + '/release', {}).said('state')}")


def fetch_receipt(client: Client, enquiry: Answer) -> None:
    """The proof that the enquiry stands in the platform's log: there within a minute, here within a second."""
    path = f"/v1/enquiries/{enquiry.body['enquiry_id']}/receipt"
    receipt = client.get(path)
    for _ in range(60):
        if receipt.status == 200:
            break
        time.sleep(1)
        receipt = client.get(path)
    print(json.dumps(receipt.body, indent=1)[:600])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--url", default="http://127.0.0.1:8000")
    options.add_argument("--key", type=Path, default=Path(".huxin/sandbox/members/T9001.json"))
    options.add_argument("--timeout", type=float, default=3.0, help="seconds; one subject takes ten")
    chosen = options.parse_args()
    client = Client(chosen.url, chosen.key, chosen.timeout)
    me = client.get("/v1/whoami").body
    if not me.get("sandbox"):
        sys.exit(f"{chosen.url} is not a sandbox: nothing was asked")
    print(f"{me['member']['code']} {me['member']['name']}, tier {me['member']['tier']}, at the sandbox\n")
    answers = ask_about_everybody(client)
    for key in ("clean", "cap_at_reservation"):
        print(f"\na reservation of 20000.00 on {key}")
        reserve(client, answers[key])
    print("\nthe receipt of the enquiry about clean")
    fetch_receipt(client, answers["clean"])


if __name__ == "__main__":
    main()

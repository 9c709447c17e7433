"""The enquiry bench's load client: whole answers however they come, every bad one counted, one key a request."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from itertools import islice, repeat

import pytest
from enquirybench.client import Target, load, receive, told_of
from enquirybench.people import Sample
from enquirybench.questions import Questions

from huxin.enquiry.subject_keys import Person

ASK = b"GET / HTTP/1.1\r\n\r\n"


def answer(status: str, body: bytes, name: str = "content-length") -> bytes:
    return f"HTTP/1.1 {status}\r\nserver: x\r\n{name}: {len(body)}\r\n\r\n".encode() + body


class Canned:
    """A server that answers each request with the next of its answers, in pieces; then closes."""

    def __init__(self, *answers: list[bytes]) -> None:
        self._answers = answers
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        taken, _ = self._socket.accept()
        with taken, self._socket:
            for pieces in self._answers:
                if not taken.recv(65536):
                    return
                for piece in pieces:
                    taken.sendall(piece)


def pieces(whole: bytes) -> list[bytes]:
    return [whole[:7], whole[7:30], whole[30:]]


def test_an_answer_in_pieces_is_read_whole_whatever_the_case_of_its_header() -> None:
    for name in ("content-length", "Content-Length"):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            whole = answer("200 OK", b"x" * 70_000, name)
            threading.Thread(target=theirs.sendall, args=(whole,)).start()
            assert receive(ours) == whole


def test_an_answer_cut_off_is_an_error_and_one_without_length_too() -> None:
    for sent, fault in (
        (answer("200 OK", b"12345")[:-2], ConnectionError),
        (b"HTTP/1.1 200 OK\r\n\r\n", ValueError),
    ):
        ours, theirs = socket.socketpair()
        with ours:
            theirs.sendall(sent)
            theirs.close()
            with pytest.raises(fault):
                receive(ours)


def test_bad_answers_are_counted_by_status_and_code_and_are_no_times() -> None:
    good, bad = answer("200 OK", b"{}"), answer("429 Too Many", b'{"code":"H1123"}')
    server = Canned(pieces(good), pieces(bad), [good], [bad], [good])
    found = load(Target(server.port), lambda _: repeat(ASK, 5), 1, 30, warm=0)
    assert (len(found.times), found.failures) == (3, {"HTTP/1.1 429 H1123": 2})


def test_a_client_whose_server_goes_away_ends_the_run() -> None:
    server = Canned([answer("200 OK", b"{}")])
    with pytest.raises(ConnectionError):
        load(Target(server.port), lambda _: repeat(ASK), 1, 30, warm=0)


def test_what_is_told_of_a_bad_answer_holds_nothing_of_its_body_but_the_code() -> None:
    assert told_of(answer("400 Bad", b'{"code":"H0801","detail":"110101"}')) == "HTTP/1.1 400 H0801"
    assert told_of(answer("502 Bad", b"110105194912310021")) == "HTTP/1.1 502"


PEOPLE = [Person("resident_id", str(number), None, "王伟", "13800000000") for number in range(40)]


def asked(client: int, count: int) -> Iterator[tuple[str, str, str, dict[str, object]]]:
    """(token, key, declared length, body) of requests, as a server would read them."""
    for request in islice(Questions(Sample(PEOPLE, []), [b"t1", b"t2", b"t3", b"t4"], 2)(client), count):
        head, _, body = request.partition(b"\r\n\r\n")
        fields = dict(re.findall(r"^([\w-]+): (.*?)\r?$", head.decode(), re.MULTILINE))
        assert int(fields["Content-Length"]) == len(body)
        yield fields["Authorization"], fields["Idempotency-Key"], fields["Host"], json.loads(body)


def test_each_client_asks_about_its_own_people_with_its_own_tokens_and_every_key_once() -> None:
    first, second = list(asked(0, 60)), list(asked(1, 60))
    assert {token for token, *_ in first} == {"Bearer t1", "Bearer t3"}
    assert {token for token, *_ in second} == {"Bearer t2", "Bearer t4"}
    assert len({key for _, key, *_ in first + second}) == 120
    numbers = [{body["subject"]["id_no"] for *_, body in part} for part in (first, second)]  # type: ignore[index]  # JSON
    assert numbers[0] == {str(number) for number in range(20)}
    assert numbers[1] == {str(number) for number in range(20, 40)}

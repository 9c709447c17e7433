"""Multipart bodies as they come over the wire: in any cutting, broken off anywhere, with any name."""

from __future__ import annotations

import io
import random

import pytest

from huxin.api.uploads import Body, Part, parts
from huxin.errors import HuxinError

TYPE = "multipart/form-data; boundary=XyZ"
TRICKY = [
    b"",
    b"\n",
    b"\r\n",
    b"--XyZ",
    b"a--XyZx\r\nb",
    b"\r\n--Xy" * 9,
    b"ends\r\n",
    b"\r\r\n\n",
    bytes(range(256)) * 20,
]


def form(*sections: tuple[str, bytes]) -> bytes:
    body = b"".join(
        b"--XyZ\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + data + b"\r\n"
        for head, data in sections
    )
    return body + b"--XyZ--\r\n"


def body(content: bytes, step: int = 7, limit: int = 1 << 20, kind: str = TYPE) -> Body:
    source = io.BytesIO(content)
    return Body(kind, None, lambda most: source.read(min(most, step)), limit)


def read(given: Body) -> list[tuple[str, str, bytes]]:
    return [(part.name, part.filename, b"".join(part.blocks)) for part in parts(given)]


@pytest.mark.parametrize("data", TRICKY)
@pytest.mark.parametrize("step", [1, 2, 3, 5, 64, 1 << 20])
def test_bytes_come_through_whole_however_they_are_cut(data: bytes, step: int) -> None:
    sent = form(('name="manifest"', b"{}"), ('name="file"; filename="a.csv"', data))
    assert read(body(sent, step)) == [("manifest", "", b"{}"), ("file", "a.csv", data)]


def test_random_bytes_in_random_cuts() -> None:
    chance = random.Random(5)
    for _ in range(200):
        data = bytes(chance.choice(b"\r\n-XyZab") for _ in range(chance.randrange(200))).replace(
            b"--XyZ", b""
        )
        sent = form(('name="file"; filename="a.csv"', data), ('name="manifest"', b"{}"))
        assert read(body(sent, chance.randrange(1, 40)))[0][2] == data


def test_broken_off_anywhere_it_is_refused() -> None:
    sent = form(('name="file"; filename="a.csv"', b"x" * 50), ('name="manifest"', b"{}")).rstrip()
    for end in range(len(sent)):
        with pytest.raises(HuxinError) as told:
            read(body(sent[:end]))
        assert told.value.code == "H1402", end


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (body(b"{}", kind="application/json"), "H1119"),
        (body(b"{}", kind="multipart/form-data"), "H1402"),
        (body(b"{}", kind="multipart/form-data; boundary=" + "b" * 300), "H1402"),
        (body(form(('name="file"', b"x" * 500)), limit=300), "H1118"),
        (Body(TYPE, 301, lambda most: pytest.fail("nothing is read"), 300), "H1118"),
        (body(form(*[('name="file"', b"")] * 9)), "H1402"),
        (body(form(('name="file"', b"a\r\n--XyZx\r\nb"))), "H1402"),
        (body(b"--XyZ\r\nContent-Type: text/csv\r\n\r\nx\r\n--XyZ--\r\n"), "H1402"),
        (body(b"--XyZ\r\n" + b"X: y\r\n" * 500_000, step=1 << 20, limit=1 << 30), "H1402"),
        (body(b"no boundary at all" * 200_000, step=1 << 20, limit=1 << 30), "H1402"),
    ],
)
def test_what_is_no_form_of_ours_is_refused(given: Body, code: str) -> None:
    with pytest.raises(HuxinError) as told:
        read(given)
    assert told.value.code == code


def test_the_sender_going_away_is_told() -> None:
    def gone(most: int) -> bytes:
        raise ConnectionResetError

    with pytest.raises(HuxinError) as told:
        read(Body(TYPE, None, gone, 100))
    assert told.value.code == "H1402"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b'name="file"; filename="\xe4\xba\x94\xe6\x9c\x88.csv"', "五月.csv"),
        ('name="file"; filename="五月.csv"'.encode("gb18030"), "五月.csv"),
        (b"name=file; filename*=UTF-8''%E4%BA%94%E6%9C%88.csv", "五月.csv"),
        (b'name="file"; filename="a\\"b.csv"', 'a"b.csv'),
    ],
)
def test_names_come_in_several_spellings(head: bytes, name: str) -> None:
    sent = b"--XyZ\r\nContent-Disposition: form-data; " + head + b"\r\n\r\nx\r\n--XyZ--\r\n"
    assert read(body(sent)) == [("file", name, b"x")]


def test_only_the_first_bytes_of_a_part_are_kept() -> None:
    found = [part.first(3) for part in parts(body(form(('name="a"', b"abcdef"), ('name="b"', b"g"))))]
    assert found == [b"abc", b"g"]


def test_a_part_passed_over_does_not_hold_the_next() -> None:
    names = [part.name for part in parts(body(form(('name="a"', b"abcdef"), ('name="b"', b"g"))))]
    assert names == ["a", "b"]
    assert isinstance(next(parts(body(form(('name="a"', b""))))), Part)

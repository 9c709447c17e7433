"""Files that cannot be read or trusted: one night with all of them, each refused with its code, the good one in."""

from __future__ import annotations

import gzip
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import xlsxwriter
from bad_world import (
    GOOD,
    ROWS,
    aliases,
    assert_refused,
    cli,
    known,
    night,
    of,
    ready,
    rows,
    write_good,
)

from huxin.contract import State
from huxin.nightly.pipeline import NightReport
from huxin.registry.submissions import Submission
from huxin.settings import Settings
from support.rows import write_manifest, write_submission

Change = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Bad:
    """A file to be sent: what becomes of a good one's bytes, its name, what the manifest says, what must come."""

    code: str
    reason: str
    change: Change = lambda good: good
    name: str = "loans.csv"
    lies: tuple[tuple[str, object], ...] = ()


def bomb_gz(good: bytes) -> bytes:
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    blank = b"\n" * (1 << 20)
    return b"".join([packed.compress(good), *(packed.compress(blank) for _ in range(120)), packed.flush()])


def bomb_xlsx(good: bytes) -> bytes:
    """The member's workbook with one more part that unpacks to 80 MB."""
    out = io.BytesIO(workbook(good))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/more.xml", "w") as part:
        for _ in range(80):
            part.write(b" " * (1 << 20))
    return out.getvalue()


def workbook(good: bytes) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, line in enumerate(good.decode().splitlines()):
            sheet.write_row(number, 0, line.split(","))
    return out.getvalue()


def encrypted_xlsx(good: bytes) -> bytes:
    """The envelope that Office puts round a workbook with a password: an OLE file with an EncryptedPackage."""
    head = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504)
    struct.pack_into("<H", head, 30, 9)
    struct.pack_into("<I", head, 48, 3)
    names = "EncryptedPackage".encode("utf-16-le").ljust(512, b"\0")
    return bytes(head) + b"\0" * (512 * 3) + names + random.Random(1).randbytes(len(good))


def mixed(good: bytes) -> bytes:
    lines = good.decode().splitlines(keepends=True)
    half = len(lines) // 2
    return "".join(lines[:half]).encode() + "".join(lines[half:]).encode("gb18030")


def headed(change: Callable[[list[str]], list[str]], cells: int = 0) -> Change:
    """The file with another header and as many more cells in each row."""

    def apply(good: bytes) -> bytes:
        header, *body = good.decode().splitlines()
        lines = [",".join(change(header.split(","))), *(line + ",x" * cells for line in body)]
        return "\n".join(lines).encode() + b"\n"

    return apply


def rotten(good: bytes) -> bytes:
    """Every tenth identifier and one more with a wrong check digit: over a tenth of the rows."""
    lines = good.decode().splitlines()
    for at in (1, 5, 9):
        cells = lines[at].split(",")
        cells[3] = cells[3][:-1] + ("1" if cells[3][-1] != "1" else "2")
        lines[at] = ",".join(cells)
    return "\n".join(lines).encode() + b"\n"


CASES: dict[str, Bad] = {
    "truncated gz": Bad("F0004", "truncated", lambda good: gzip.compress(good)[:-40], "a.csv.gz"),
    "damaged gz": Bad("F0004", "corrupt", lambda good: gzip.compress(good)[:-6] + b"123456", "a.csv.gz"),
    "gz bomb": Bad("F0004", "bomb", bomb_gz, "a.csv.gz"),
    "zip-bomb xlsx": Bad("F0004", "bomb", bomb_xlsx, "a.xlsx"),
    "encrypted xlsx": Bad("F0004", "encrypted", encrypted_xlsx, "a.xlsx"),
    "truncated xlsx": Bad("F0004", "corrupt", lambda good: workbook(good)[:-200], "a.xlsx"),
    "nothing": Bad("F0004", "empty", lambda good: b""),
    "nothing but a header": Bad("F0002", "record_count", lambda good: good.split(b"\n")[0] + b"\n"),
    "junk": Bad("F0004", "", lambda good: random.Random(7).randbytes(30_000)),
    "a program": Bad("F0004", "nul", lambda good: b"\x7fELF\x02\x01\x01" + b"\0" * 500 + good),
    "a web page": Bad("F0004", "no_header", lambda good: b"<html><body>404 Not Found</body></html>"),
    "mixed encodings": Bad("F0004", "mixed_encodings", mixed),
    "utf-16": Bad("F0004", "utf16", lambda good: good.decode().encode("utf-16")),
    "NUL byte": Bad("F0004", "nul", lambda good: good[:-10] + b"\0" + good[-10:]),
    "long line": Bad("F0004", "long_line", lambda good: good + b"a" * 1_500_000),
    "open quote": Bad("F0004", "unclosed_quote", lambda good: good + b'a,"b\nc\n'),
    "no header": Bad("F0004", "no_header", lambda good: good.split(b"\n", 1)[1]),
    "truncated parquet": Bad("F0004", "truncated", lambda good: b"PAR1" + good, "a.parquet"),
    "10,000 columns": Bad(
        "F0003", "too_many_columns", headed(lambda names: [*names, *(f"c{n}" for n in range(10_000))], 3)
    ),
    "doubled header": Bad("F0003", "doubled_column", headed(lambda names: [*names, "姓名"], 1)),
    "unknown column": Bad("F0003", "unknown_column", headed(lambda names: [*names, "宗教信仰"], 1)),
    "missing column": Bad("F0003", "missing_column", headed(lambda names: [*names[:-1], "", ""][:-1])),
    "wrong digest": Bad("F0001", "digest", lies=(("sha256", "0" * 64),)),
    "wrong count": Bad("F0002", "record_count", lies=(("record_count", ROWS + 1),)),
    "wrong principal": Bad("F0002", "sum_principal", lies=(("sum_principal", "1.00"),)),
    "wrong balance": Bad("F0002", "sum_balance", lies=(("sum_balance", "300000.01"),)),
    "a sum beyond all money": Bad("F0002", "sum_balance", lies=(("sum_balance", "9" * 20),)),
    "rotten": Bad("F0008", "rejected", rotten),
}
del CASES["missing column"]
CASES["missing column"] = Bad(
    "F0003",
    "missing_column",
    lambda good: b"\n".join(line.split(b",", 1)[1] for line in good.splitlines()) + b"\n",
)
MEMBERS = {name: f"B{number:04d}" for number, name in enumerate(CASES)}
FIRST = {name: 1000 + 100 * number for number, name in enumerate(CASES)}


def send(inbox: Path, name: str) -> None:
    """Writes the file of a case beside a manifest that fits its bytes (unless the case lies)."""
    case = CASES[name]
    good = write_submission(inbox, MEMBERS[name], rows(MEMBERS[name], FIRST[name]), file_name="good.csv")
    manifest = good.with_name("good.csv.manifest.json")
    told = json.loads(manifest.read_text(encoding="utf-8"))
    data = case.change(good.read_bytes())
    manifest.unlink()
    good.rename(good.with_name(case.name)).write_bytes(data)
    write_manifest(good.with_name(case.name), {**told, "sha256": digest(data), **dict(case.lies)})


def digest(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


@pytest.fixture(scope="module")
def done(shared: Settings, tmp_path_factory: pytest.TempPathFactory) -> NightReport:
    """A night with every case and one good file."""
    inbox = tmp_path_factory.mktemp("bad") / "inbox"
    ready(shared, [GOOD, *MEMBERS.values()])
    for name in CASES:
        send(inbox, name)
    write_good(inbox)
    return night(shared, inbox)


def only(report: NightReport, member: str) -> Submission:
    (item,) = of(report, member)
    return item


@pytest.mark.parametrize("name", CASES)
def test_a_bad_file_is_refused_with_its_code(shared: Settings, done: NightReport, name: str) -> None:
    case = CASES[name]
    item = only(done, MEMBERS[name])
    found = assert_refused(shared, item, case.code, case.reason or None)
    assert not any(known(shared, range(FIRST[name], FIRST[name] + ROWS)))
    if case.code == "F0003":  # which columns, or how many
        assert json.loads(found[0].masked or "")["headers" if "many" not in case.reason else "columns"]


def test_the_good_file_is_in_and_alone(shared: Settings, done: NightReport) -> None:
    item = only(done, GOOD)
    assert (item.state, item.accepted, item.rejected) == (State.PUBLISHED, ROWS, 0)
    assert all(known(shared, range(1, 1 + ROWS)))
    assert aliases(shared) == ROWS


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_command_line_tells_each_of_them(shared: Settings, done: NightReport, language: str) -> None:
    table = cli(shared, "submissions", language=language)
    assert table.exit_code == 0
    for name, member in MEMBERS.items():
        line = next(line for line in table.stdout.splitlines() if line.startswith(member))
        assert CASES[name].code in line
    lines = [json.loads(line) for line in cli(shared, "submissions", "--json").stdout.splitlines()]
    assert {line["member"]: line["reason"] for line in lines if line["member"] != GOOD} == {
        MEMBERS[name]: only(done, MEMBERS[name]).facts["reason"] for name in CASES
    }
    for name in ("truncated gz", "rotten", "wrong principal"):
        told = cli(shared, "findings", str(only(done, MEMBERS[name]).id), language=language)
        first = json.loads(told.stdout)[0]
        assert first["code"] == CASES[name].code
        assert first["hint"]


def test_the_message_says_which_of_its_causes_it_was(shared: Settings, done: NightReport) -> None:
    words = {
        "truncated gz": "被截断",
        "encrypted xlsx": "已加密",
        "unknown column": "报送规范以外的列",
        "wrong principal": "本金合计",
        "wrong count": "记录数",
        "wrong digest": "摘要",
    }
    for name, expected in words.items():
        assert expected in assert_refused(shared, only(done, MEMBERS[name]), CASES[name].code)[0].text
    reasons = [only(done, MEMBERS[name]).facts["reason"] for name in ("wrong count", "wrong principal")]
    texts = [
        assert_refused(shared, only(done, MEMBERS[name]), "F0002")[0].text
        for name in ("wrong count", "wrong principal")
    ]
    assert reasons == ["record_count", "sum_principal"]
    assert texts[0] != texts[1]


def test_the_same_night_again_changes_nothing(shared: Settings, done: NightReport) -> None:
    before = aliases(shared)
    for name in ("truncated gz", "rotten"):
        again = cli(shared, "submit", "--again", str(only(done, MEMBERS[name]).id), "--json")
        assert again.exit_code == 3
        assert json.loads(again.stdout)["state"] == "refused"
        assert json.loads(again.stdout)["codes"][CASES[name].code] == 1
    assert aliases(shared) == before

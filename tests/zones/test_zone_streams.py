"""What goes between zones at night: cut, swapped, replayed, changed or of another zone, it is refused by its code."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import polars as pl
import pytest

from huxin.contract import State
from huxin.errors import HuxinError
from huxin.ids import new_id
from huxin.nightly import handing_over, spool
from huxin.nightly.frames import (
    END,
    HALVES,
    HEAD,
    LOANS,
    PEOPLE,
    REJECTED,
    belongs,
    frame,
    frames,
    read_table,
    table_bytes,
)
from huxin.nightly.halving import EntryRows, halves_of, people_table
from huxin.nightly.handing_over import Peers, hand_over_group
from huxin.nightly.inbox import arrivals
from huxin.nightly.load_for import Wanted, load_for, told
from huxin.nightly.members_copy import follow_members
from huxin.nightly.pipeline import run_night
from huxin.nightly.receive import receive
from huxin.nightly.registry_rows import RegistryRows
from huxin.nightly.spool import Spool
from huxin.nightly.taking_over import take_over
from huxin.nightly.tokenizer import Tokenizer
from huxin.nightly.validate.step import validate_group
from huxin.registry.members import add_members
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, find
from huxin.zones.secrets import receiving
from huxin_privacy.envelope import open_box, seal_box
from huxin_privacy.errors import PrivacyError
from support.rows import loan, write_submission
from support.zones import Split

ME = "M0001"
ROWS = 60
SEQUENCES = count(1)


@pytest.fixture(scope="module")
def split(shared_split: Split) -> Split:
    """One for all tests here: each has a submission of its own."""
    with connection(shared_split.registry) as database:
        add_members(database, [(ME, "小贷")], shared_split.registry.now())
    follow_members(shared_split.intake)
    return shared_split


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


@pytest.fixture
def sent(split: Split, inbox: Path) -> Submission:
    """A submission that the intake zone has validated, two of its rows rejected by a check of the whole file."""
    sequence = next(SEQUENCES)
    rows = [loan(ME, number, loan_no=f"{sequence}-{number}") for number in range(1, ROWS + 1)]
    write_submission(inbox, ME, [*rows, rows[0] | {"balance": "1.00"}], sequence=sequence, mode="incremental")
    item = receive(split.intake, arrivals(inbox))[0].submission
    validate_group(split.intake, [item.id])
    with connection(split.intake) as database:
        found = find(database, item.id)
    assert found is not None
    assert found.state == State.VALIDATED
    return found


@pytest.fixture
def pieces(split: Split, sent: Submission) -> list[bytes]:
    """The frames of its stream."""
    vault = Spool(split.intake)
    stream = b"".join(handing_over._stream(Peers.of(split.intake), vault, sent))
    return [frame(kind, content) for kind, content in frames(io.BytesIO(stream).read)]


def taken(
    split: Split, item: Submission, stream: list[bytes], attempt: int = 1, other: UUID | None = None
) -> State:
    keys = RegistryRows(split.registry)
    return take_over(keys, other or item.id, attempt, io.BytesIO(b"".join(stream)).read).state


def refused(act: Callable[[], object]) -> str:
    with pytest.raises((HuxinError, PrivacyError)) as caught:
        act()
    return caught.value.code


def kinds(pieces: list[bytes]) -> list[bytes]:
    return [piece[:1] for piece in pieces]


def left(split: Split, item: Submission) -> set[str]:
    """What of a submission lies in the registry zone's spool."""
    return Spool(split.registry).folders().get(item.id, set()) - {"key"}


def test_the_stream_has_its_pieces_in_their_order(pieces: list[bytes]) -> None:
    assert kinds(pieces) == [HEAD, LOANS, HALVES, REJECTED, END]


def test_whole_it_is_taken_once_and_then_told(split: Split, sent: Submission, pieces: list[bytes]) -> None:
    assert taken(split, sent, pieces) == State.PSEUDONYMIZED
    assert left(split, sent) == {f"{stage}.sealed" for stage in (spool.KEYS, spool.LOANS, spool.REJECTED)}
    assert taken(split, sent, pieces) == State.PSEUDONYMIZED
    (outcome,) = load_for(split.registry, [Wanted(sent.id, False, 1)])
    assert (outcome["state"], outcome["accepted"]) == ("PUBLISHED", ROWS - 1)
    assert load_for(split.registry, [Wanted(sent.id, False, 1)]) == [outcome]


def test_cut_anywhere_it_leaves_nothing(split: Split, sent: Submission, pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    ends = np.cumsum([len(piece) for piece in pieces]).tolist()
    for cut in [0, 5, *ends[:-1], *[end - 7 for end in ends]]:
        assert refused(lambda cut=cut: taken(split, sent, [whole[:cut]])) == "H1719"
        assert left(split, sent) == set()
    assert taken(split, sent, pieces) == State.PSEUDONYMIZED


def test_left_out_doubled_or_in_another_order_it_is_refused(
    split: Split, sent: Submission, pieces: list[bytes]
) -> None:
    head, loans, halves, rejected, end = pieces
    wrong = {
        "H1719": [[head, loans, halves, end], [head, rejected, end]],
        "H1718": [
            [head, halves, loans, rejected, end],
            [loans, halves, end],
            [head, loans, end],
            [head, head, loans, halves, rejected, end],
            [b"X" + head[1:], loans],
            [b"S" + (1 << 40).to_bytes(8, "big")],
        ],
        "P0151": [[head, loans, halves, rejected, rejected, end], [head, loans, halves, loans, halves, end]],
    }
    for code, streams in wrong.items():
        for stream in streams:
            assert refused(lambda stream=stream: taken(split, sent, stream)) in {code, "P0151"}
            assert left(split, sent) == set()


def test_every_piece_is_bound_to_submission_and_attempt(
    split: Split, sent: Submission, pieces: list[bytes]
) -> None:
    assert refused(lambda: taken(split, sent, pieces, attempt=2)) == "P0151"
    assert refused(lambda: taken(split, sent, pieces, other=new_id())) == "P0151"


def test_one_changed_bit_is_refused(split: Split, sent: Submission, pieces: list[bytes]) -> None:
    codes = {HEAD: "P0151", LOANS: "P0151", HALVES: "P0171", REJECTED: "P0151", END: "P0151"}
    for place, piece in enumerate(pieces):
        changed = piece[:-1] + bytes([piece[-1] ^ 1])
        stream = [*pieces[:place], changed, *pieces[place + 1 :]]
        assert refused(lambda stream=stream: taken(split, sent, stream)) == codes[piece[:1]]
        assert left(split, sent) == set()


def test_halves_that_the_entry_zone_did_not_sign_are_refused(
    split: Split, sent: Submission, pieces: list[bytes]
) -> None:
    """The intake zone knows the registry's public key as well: it must not be able to say whose loans these are."""
    receiver = Peers.of(split.intake).registry.card.receiver
    bound = belongs(sent.id, 1, 0)
    box = seal_box(receiver, "halves", bound, b"any")
    forged = frame(HALVES, bytes(68) + box)
    assert refused(lambda: taken(split, sent, [*pieces[:2], forged, *pieces[3:]])) == "P0171"


def test_a_column_too_many_is_refused(split: Split, sent: Submission, pieces: list[bytes]) -> None:
    """Whatever a later version sends: nothing of a person slips in beside the loans."""
    peers = Peers.of(split.intake)
    keys = RegistryRows(split.registry)
    bound = belongs(sent.id, 1, 0)
    rows = pl.DataFrame(pl.from_arrow(read_table(keys.opened(LOANS, bound, pieces[1][9:]))))
    assert not {"id_no", "name", "mobile", "id_canonical", "name_canonical", "mobile_canonical"} & set(
        rows.columns
    )
    more = rows.with_columns(name_canonical=pl.lit("张三")).to_arrow(compat_level=pl.CompatLevel.oldest())
    box = seal_box(peers.registry.card.receiver, "loans", bound, table_bytes(more))
    assert refused(lambda: taken(split, sent, [pieces[0], frame(LOANS, box), *pieces[2:]])) == "H1718"


def test_the_head_tells_no_file_name_and_a_stranger_is_refused(
    split: Split, sent: Submission, pieces: list[bytes]
) -> None:
    peers, keys = Peers.of(split.intake), RegistryRows(split.registry)
    bound = belongs(sent.id, 1, 0)
    said = json.loads(keys.opened(HEAD, bound, pieces[0][9:]))
    assert sent.file not in json.dumps(said, ensure_ascii=False)
    stranger = json.dumps(said | {"member": "M9999"}).encode()
    broken = json.dumps({name: value for name, value in said.items() if name != "as_of_date"}).encode()
    for content, code in ((stranger, "H0701"), (broken, "H1718"), (b"[]", "H1718"), (b"{", "H1718")):
        head = frame(HEAD, seal_box(peers.registry.card.receiver, "head", bound, content))
        assert refused(lambda head=head: taken(split, sent, [head, *pieces[1:]])) == code
    with connection(split.registry) as database:
        assert find(database, sent.id) is None


def test_the_same_file_under_another_id_is_told(split: Split, sent: Submission, pieces: list[bytes]) -> None:
    """As after the intake zone's database was restored from an older backup."""
    assert taken(split, sent, pieces) == State.PSEUDONYMIZED
    peers, keys = Peers.of(split.intake), RegistryRows(split.registry)
    content = keys.opened(HEAD, belongs(sent.id, 1, 0), pieces[0][9:])
    other = new_id()
    head = frame(HEAD, seal_box(peers.registry.card.receiver, "head", belongs(other, 1, 0), content))
    assert refused(lambda: taken(split, sent, [head], other=other)) == "H1720"


def test_the_entry_zone_makes_the_halves_that_one_process_makes(split: Split, sent: Submission) -> None:
    rows = next(Spool(split.intake).read_frames(sent.id, spool.ROWS))
    bound = belongs(sent.id, 1, 0)
    box = seal_box(Peers.of(split.intake).entry.card.receiver, PEOPLE, bound, people_table(rows))
    envelope = EntryRows(split.entry).halve(bound, box)
    (told,) = halves_of(RegistryRows(split.registry).opened(HALVES, bound, envelope))
    own = Tokenizer(split.whole).halver.of(rows)
    assert (told.suite, told.epoch) == ("S256", 1)
    for name in ("ids", "names", "mobiles", "named", "called"):
        assert np.array_equal(getattr(told.halves, name), getattr(own, name)), name


def test_what_is_not_people_is_refused_by_the_entry_zone(split: Split) -> None:
    keys, bound = EntryRows(split.entry), belongs(uuid4(), 1, 0)
    receiver = Peers.of(split.intake).entry.card.receiver

    def halved(content: bytes, purpose: str = PEOPLE, at: bytes = bound) -> str:
        return refused(lambda: keys.halve(at, seal_box(receiver, purpose, bound, content)))

    assert halved(b"no table") == "H1718"
    assert halved(table_bytes(pl.DataFrame({"loan_no": ["1"]}).to_arrow())) == "H1718"
    assert halved(b"", purpose="loans") == "P0151"
    assert halved(b"", at=belongs(uuid4(), 1, 0)) == "P0151"
    assert refused(lambda: keys.halve(bound, b"")) == "P0170"


def test_the_intake_zone_cannot_open_what_passes_through_it(
    split: Split, sent: Submission, pieces: list[bytes]
) -> None:
    """Its own keys are none of those that the pieces are sealed to."""
    own = receiving(split.intake, "intake")
    for piece in pieces:
        content = piece[9:] if piece[:1] != HALVES else piece[9 + 68 :]
        assert (
            refused(lambda content=content: open_box(own, "halves", belongs(sent.id, 1, 0), content))
            == "P0151"
        )


def test_after_it_is_handed_over_the_rows_are_gone_from_the_intake_zone(
    split: Split, sent: Submission, inbox: Path
) -> None:
    hand_over_group(split.intake, [sent.id])
    held = Spool(split.intake).folders()[sent.id]
    assert held == {"key", *(f"{stage}.sealed" for stage in (spool.QUARANTINE_SET, spool.COMPANIONS))} & held
    assert told(split.registry, sent.id)["state"] == "PSEUDONYMIZED"
    report = run_night(split.intake, inbox)
    assert [item.state for item in report.submissions if item.id == sent.id] == [State.PUBLISHED]

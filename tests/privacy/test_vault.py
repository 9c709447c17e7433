"""Sealed files: what goes in comes out, from any place, and only what was finished is there."""

from __future__ import annotations

import gc
import io
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huxin_privacy import keyring, vault
from huxin_privacy.errors import PrivacyError
from huxin_privacy.keyring import Keyring
from huxin_privacy.vault import SealedReader, SealedWriter, SubmissionKey

CHUNK = 64
KEY = SubmissionKey("s1", bytes(range(32)))


def write(path: Path, content: bytes, *, chunk: int = CHUNK) -> None:
    with SealedWriter(path, KEY, purpose="spool", stage="rows", chunk=chunk, fsync=False) as file:
        file.write(content)


def reader(path: Path) -> SealedReader:
    return SealedReader(path, KEY, purpose="spool", stage="rows")


@pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 5 * CHUNK + 7])
def test_what_goes_in_comes_out(tmp_path: Path, length: int) -> None:
    content = os.urandom(length)
    write(tmp_path / "f", content)
    with reader(tmp_path / "f") as file:
        assert (file.size, file.read(), file.read()) == (length, content, b"")
    stored = (tmp_path / "f").read_bytes()
    assert length < 8 or content[:8] not in stored
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600


def test_the_default_chunk(tmp_path: Path) -> None:
    content = os.urandom(2 * vault.CHUNK_BYTES + 3)
    write(tmp_path / "f", content, chunk=vault.CHUNK_BYTES)
    assert reader(tmp_path / "f").readall() == content


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(st.binary(max_size=200), max_size=8))
def test_pieces_of_any_size(tmp_path: Path, pieces: list[bytes]) -> None:
    with SealedWriter(tmp_path / "f", KEY, purpose="spool", stage="rows", chunk=CHUNK, fsync=False) as file:
        for number, piece in enumerate(pieces):
            assert file.write(memoryview(piece) if number % 2 else piece) == len(piece)
        assert file.tell() == sum(map(len, pieces))
    with reader(tmp_path / "f") as opened:
        assert opened.read() == b"".join(pieces)


moves = st.lists(
    st.one_of(
        st.tuples(st.just("seek"), st.integers(0, 400), st.just(0)),
        st.tuples(st.just("seek"), st.integers(-300, 50), st.just(2)),
        st.tuples(st.just("read"), st.integers(-1, 400), st.just(0)),
        st.tuples(st.just("readinto"), st.integers(0, 300), st.just(0)),
    ),
    max_size=20,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=moves)
def test_moving_about_is_as_in_an_open_file(tmp_path: Path, steps: list[tuple[str, int, int]]) -> None:
    content = bytes(range(256)) + bytes(60)
    if not (tmp_path / "f").exists():
        write(tmp_path / "f", content)
    plain = io.BytesIO(content)
    with reader(tmp_path / "f") as file:
        for step, size, whence in steps:
            if step == "seek":
                assert file.seek(size, whence) == plain.seek(size, whence)
            elif step == "read":
                assert file.read(size) == plain.read(size)
            else:
                one, other = bytearray(size), bytearray(size)
                assert (file.readinto(one), one) == (plain.readinto(other), other)
            assert file.tell() == plain.tell()


def test_arrow_parquet_and_zip_live_in_it(tmp_path: Path) -> None:
    table = pa.table({"n": list(range(5000)), "t": [str(n) for n in range(5000)]})
    with (
        SealedWriter(tmp_path / "a", KEY, purpose="spool", stage="rows", chunk=1000) as file,
        pa.ipc.new_file(pa.PythonFile(file, "w"), table.schema) as writer,
    ):
        writer.write_table(table, max_chunksize=700)
    with reader(tmp_path / "a") as sealed, pa.ipc.open_file(pa.PythonFile(sealed, "r")) as opened:
        assert opened.get_batch(5).num_rows == 700
        assert opened.read_all() == table
    with SealedWriter(tmp_path / "p", KEY, purpose="spool", stage="rows", chunk=1000) as file:
        pl.DataFrame(table).write_parquet(file)
    with reader(tmp_path / "p") as sealed:
        assert pl.read_parquet(sealed).to_arrow().equals(pl.DataFrame(table).to_arrow())
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("x", "y" * 5000)
    write(tmp_path / "z", packed.getvalue())
    with reader(tmp_path / "z") as sealed, zipfile.ZipFile(sealed) as archive:
        assert archive.read("x") == b"y" * 5000


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), SealedWriter(tmp_path / "f", KEY, purpose="p", stage="s") as file:
        file.write(b"1")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_an_exception_leaves_nothing_although_a_library_closed_the_file(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError),
        SealedWriter(tmp_path / "f", KEY, purpose="p", stage="s") as file,
        pa.PythonFile(file, "w") as inner,
    ):
        inner.write(b"1")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_library_may_close_the_file_first(tmp_path: Path) -> None:
    with SealedWriter(tmp_path / "f", KEY, purpose="spool", stage="rows") as file:
        with pa.PythonFile(file, "w") as inner:
            inner.write(b"1")
        assert not (tmp_path / "f").exists()
    assert reader(tmp_path / "f").read() == b"1"


def test_close_without_a_block_puts_it_in_place(tmp_path: Path) -> None:
    file = SealedWriter(tmp_path / "f", KEY, purpose="spool", stage="rows")
    file.write(b"1")
    file.close()
    file.close()
    assert reader(tmp_path / "f").read() == b"1"
    with pytest.raises(ValueError, match="closed"):
        file.write(b"2")


def test_a_forgotten_or_discarded_writer_leaves_nothing(tmp_path: Path) -> None:
    file = SealedWriter(tmp_path / "f", KEY, purpose="p", stage="s")
    file.write(b"1")
    del file
    gc.collect()
    assert list(tmp_path.iterdir()) == []
    dropped = SealedWriter(tmp_path / "f", KEY, purpose="p", stage="s")
    dropped.discard()
    dropped.close()
    assert list(tmp_path.iterdir()) == []


def test_the_old_file_stands_until_the_new_one_is_whole(tmp_path: Path) -> None:
    write(tmp_path / "f", b"old")
    with SealedWriter(tmp_path / "f", KEY, purpose="spool", stage="rows") as file:
        file.write(b"new")
        with reader(tmp_path / "f") as old:
            assert old.read() == b"old"
    assert reader(tmp_path / "f").read() == b"new"


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    write(tmp_path / "f", b"old")
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, signal, sys; from pathlib import Path\n"
            "from huxin_privacy.vault import SealedWriter, SubmissionKey\n"
            "key = SubmissionKey('s1', bytes(range(32)))\n"
            "file = SealedWriter(Path(sys.argv[1]), key, purpose='spool', stage='rows', chunk=64)\n"
            "file.write(bytes(1000)); os.kill(os.getpid(), signal.SIGKILL)",
            str(tmp_path / "f"),
        ],
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert reader(tmp_path / "f").read() == b"old"


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from huxin_privacy.vault import SealedWriter, SubmissionKey\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "key = SubmissionKey('s1', bytes(range(32)))\n"
        "try:\n"
        "    with SealedWriter(Path(sys.argv[1]), key, purpose='spool', stage='rows', chunk=64) as file:\n"
        "        file.write(bytes(100000))\n"
        "except OSError:\n"
        "    sys.exit(7)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path / "f")], check=False)
    assert ended.returncode == 7
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def intake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keyring:
    monkeypatch.delenv("HUXIN_KEK_INTAKE", raising=False)
    (tmp_path / "keys").mkdir()
    return keyring.create(tmp_path / "keys", "intake")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "spool"
    made.mkdir()
    return made


def refused(code: str, folder: Path, ring: Keyring, submission: str) -> None:
    with pytest.raises(PrivacyError) as caught:
        SubmissionKey.load(folder, ring, submission)
    assert caught.value.code == code


def test_a_submission_key_is_kept_sealed(folder: Path, intake: Keyring) -> None:
    made = SubmissionKey.create(folder, intake, "s1")
    assert SubmissionKey.load(folder, intake, "s1") == made
    stored = (folder / "key").read_bytes()
    assert made.secret not in stored
    assert (folder / "key").stat().st_mode & 0o777 == 0o600
    assert "secret" not in repr(made)


def test_a_submission_key_is_made_once(folder: Path, intake: Keyring) -> None:
    made = SubmissionKey.create(folder, intake, "s1")
    with pytest.raises(PrivacyError, match="P0136"):
        SubmissionKey.create(folder, intake, "s1")
    assert SubmissionKey.load(folder, intake, "s1") == made
    assert SubmissionKey.create(folder.parent, intake, "s1").secret != made.secret


def test_a_dropped_key_is_gone(folder: Path, intake: Keyring) -> None:
    SubmissionKey.create(folder, intake, "s1")
    assert vault.exists(folder)
    assert vault.drop(folder)
    assert not vault.exists(folder)
    assert not vault.drop(folder)
    refused("P0134", folder, intake, "s1")


def test_a_key_of_another_submission_is_refused(folder: Path, intake: Keyring) -> None:
    SubmissionKey.create(folder, intake, "s1")
    refused("P0135", folder, intake, "s2")


def test_every_flipped_byte_and_cut_of_a_key_file_is_found(folder: Path, intake: Keyring) -> None:
    SubmissionKey.create(folder, intake, "s1")
    good = (folder / "key").read_bytes()
    for place in range(len(good)):
        (folder / "key").write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        refused("P0117" if 8 <= place < 12 else "P0135", folder, intake, "s1")
        (folder / "key").write_bytes(good[:place])
        refused("P0135", folder, intake, "s1")


def test_a_submission_key_outlives_the_turn_of_an_epoch_but_not_its_end(
    folder: Path, intake: Keyring
) -> None:
    made = SubmissionKey.create(folder, intake, "s1")
    turned = keyring.activate(keyring.add_epoch(intake), 2)
    assert SubmissionKey.load(folder, turned, "s1") == made
    refused("P0118", folder, keyring.destroy(turned, 1, dependants=0), "s1")

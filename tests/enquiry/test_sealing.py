"""What an enquiry keeps opens as what it was, also where it was kept in the older form, and as nothing else."""

from __future__ import annotations

import os
import zlib
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from huxin.enquiry.sealing import ANSWER, FACTS, opened, sealed
from huxin.errors import HuxinError
from huxin_privacy.sealing import seal

KEY, OTHER = AESGCM(os.urandom(32)), AESGCM(os.urandom(32))


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_it_opens_as_what_it_was(content: bytes) -> None:
    id_ = uuid4()
    assert opened([OTHER, KEY], FACTS, id_, sealed(KEY, FACTS, id_, content)) == content


def test_an_answer_kept_in_the_older_form_opens() -> None:
    id_ = uuid4()
    kept = seal(KEY, zlib.compress(b'{"outcome": "refer"}', 1), ANSWER + id_.bytes)
    assert opened([KEY], ANSWER, id_, kept) == b'{"outcome": "refer"}'


def test_nothing_else_opens() -> None:
    id_ = uuid4()
    kept = sealed(KEY, FACTS, id_, b"{}")
    altered = kept[:-1] + bytes([kept[-1] ^ 1])
    for use, of, what in ((ANSWER, id_, kept), (FACTS, uuid4(), kept), (FACTS, id_, altered)):
        with pytest.raises(HuxinError, match="H1206"):
            opened([KEY], use, of, what)
    for content in (b"", b"\0\1\0\0\0\xff", b"neither"):  # under the right key, and yet no content of ours
        with pytest.raises(HuxinError, match="H1206"):
            opened([KEY], FACTS, id_, seal(KEY, content, FACTS + id_.bytes))

"""The known tree of RFC 6962's test vectors, and every proof of small trees against the RFC's own recursion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huxin.audit.merkle import (
    STORED_FROM,
    Node,
    append,
    consistency_spans,
    full_subtrees,
    inclusion_spans,
    root_of,
)
from huxin_privacy.errors import PrivacyError
from huxin_privacy.merkle import EMPTY_ROOT, leaf_hash, verify_consistency, verify_inclusion

# The eight leaves of the reference implementation's tests and the roots of its trees of sizes 1 to 8.
LEAVES = [
    bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")
] + [bytes(range(0x60, 0x70))]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
# (leaf counted from 1, size, path) as the reference implementation's tests give them.
PATHS = [
    (1, 1, []),
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (3, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        2,
        5,
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
GROWTH = [
    (
        1,
        8,
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        6,
        8,
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        2,
        5,
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
MANY = [number.to_bytes(2, "big") for number in range(130)]


# RFC 6962, 2.1, word for word -------------------------------------------------------------------------
def mth(data: Sequence[bytes]) -> bytes:
    if not data:
        return sha256(b"").digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    k = split(len(data))
    return sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def path_of(m: int, data: Sequence[bytes]) -> list[bytes]:
    if len(data) == 1:
        return []
    k = split(len(data))
    if m < k:
        return [*path_of(m, data[:k]), mth(data[k:])]
    return [*path_of(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: Sequence[bytes], whole: bool) -> list[bytes]:
    if m == len(data):
        return [] if whole else [mth(data)]
    k = split(len(data))
    if m <= k:
        return [*subproof(m, data[:k], whole), mth(data[k:])]
    return [*subproof(m - k, data[k:], False), mth(data[:k])]


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


# ours -------------------------------------------------------------------------------------------------
def grown(data: Sequence[bytes]) -> tuple[list[bytes], list[Node]]:
    peaks: list[bytes] = []
    made: list[Node] = []
    for number, each in enumerate(data):
        append(peaks, number, leaf_hash(each), made)
    return peaks, made


def hashes(spans: Sequence[tuple[int, int]], data: Sequence[bytes]) -> list[bytes]:
    """The roots of spans, put together of full subtrees as the stored tree does it."""
    full = {span: mth(data[slice(*span)]) for s in spans for span in parts(*s)}
    return [root_of(full[part] for part in parts(*span)) for span in spans]


def parts(start: int, end: int) -> list[tuple[int, int]]:
    return [(index << level, (index + 1) << level) for level, index in full_subtrees(start, end)]


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(PrivacyError) as caught:
        call()
    return caught.value.code


def test_the_known_roots() -> None:
    assert [root_of(grown(LEAVES[:size])[0]).hex() for size in range(1, 9)] == ROOTS
    assert (
        root_of([])
        == EMPTY_ROOT
        == bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    )


@pytest.mark.parametrize(("leaf", "size", "path"), PATHS)
def test_the_known_paths(leaf: int, size: int, path: list[str]) -> None:
    made = hashes(inclusion_spans(leaf - 1, size), LEAVES)
    assert [each.hex() for each in made] == path
    verify_inclusion(leaf_hash(LEAVES[leaf - 1]), leaf - 1, size, made, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("old", "new", "path"), GROWTH)
def test_the_known_consistency_proofs(old: int, new: int, path: list[str]) -> None:
    made = hashes(consistency_spans(old, new), LEAVES)
    assert [each.hex() for each in made] == path
    verify_consistency(old, new, *(bytes.fromhex(ROOTS[size - 1]) for size in (old, new)), made)


@pytest.mark.parametrize("size", range(1, 65))
def test_all_paths_of_all_small_trees(size: int) -> None:
    data = MANY[:size]
    root = mth(data)
    assert root_of(grown(data)[0]) == root
    for number in range(size):
        path = hashes(inclusion_spans(number, size), data)
        assert path == path_of(number, data)
        verify_inclusion(leaf_hash(data[number]), number, size, path, root)


@pytest.mark.parametrize("new", range(1, 65))
def test_all_consistency_proofs_of_all_small_trees(new: int) -> None:
    data = MANY[:new]
    for old in range(new + 1):
        path = hashes(consistency_spans(old, new), data)
        assert path == (subproof(old, data, True) if old else [])
        verify_consistency(old, new, mth(data[:old]), mth(data), path)


def test_the_nodes_are_the_full_subtrees_that_are_stored() -> None:
    made = grown(MANY)[1]
    wanted = {
        (level, index): mth(MANY[index << level : (index + 1) << level])
        for level in range(STORED_FROM, 8)
        for index in range(len(MANY) >> level)
    }
    assert {(level, index): top for level, index, top in made} == wanted
    assert len(made) == len(wanted)


@given(st.data())
def test_a_bent_path_proves_nothing(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 130))
    number = data.draw(st.integers(0, size - 1))
    leaves, root = MANY[:size], mth(MANY[:size])
    path = hashes(inclusion_spans(number, size), leaves)
    leaf = leaf_hash(leaves[number])
    other = data.draw(st.integers(0, size + 3).filter(lambda each: each != number))
    assert refused(lambda: verify_inclusion(leaf, other, size, path, root)) in {"P0144", "P0145", "P0146"}
    assert refused(lambda: verify_inclusion(leaf, number, size, [*path, leaf], root)) == "P0146"
    assert refused(lambda: verify_inclusion(leaf_hash(b"x"), number, size, path, root)) == "P0144"
    if path:
        place, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
        bent = [*path[:place], flipped(path[place], bit), *path[place + 1 :]]
        assert refused(lambda: verify_inclusion(leaf, number, size, bent, root)) == "P0144"
        assert refused(lambda: verify_inclusion(leaf, number, size, path[1:], root)) == "P0146"


@given(st.data())
def test_a_rewritten_past_is_not_consistent(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 130))
    old = data.draw(st.integers(1, new - 1))
    touched = data.draw(st.integers(0, old - 1))
    leaves = MANY[:new]
    forged = [*leaves[:touched], b"forged", *leaves[touched + 1 :]]
    before = mth(leaves[:old])
    for proof in (hashes(consistency_spans(old, new), forged), hashes(consistency_spans(old, new), leaves)):
        assert refused(lambda p=proof: verify_consistency(old, new, before, mth(forged), p)) == "P0147"
    path = hashes(consistency_spans(old, new), leaves)
    for bent in (path[1:], [*path, path[0]], [flipped(path[0], 7), *path[1:]]):
        assert refused(lambda p=bent: verify_consistency(old, new, before, mth(leaves), p)) == "P0147"


def test_sizes_that_cannot_be_are_refused() -> None:
    root = mth(LEAVES)
    assert refused(lambda: verify_consistency(9, 8, root, root, [])) == "P0145"
    assert refused(lambda: verify_consistency(-1, 8, root, root, [])) == "P0145"
    assert refused(lambda: verify_consistency(8, 8, root, EMPTY_ROOT, [])) == "P0147"
    assert refused(lambda: verify_consistency(0, 8, root, root, [])) == "P0147"
    assert refused(lambda: verify_inclusion(leaf_hash(b""), -1, 8, [], root)) == "P0145"
    verify_consistency(0, 8, EMPTY_ROOT, root, [])


def flipped(raw: bytes, bit: int) -> bytes:
    return (int.from_bytes(raw, "big") ^ 1 << bit).to_bytes(len(raw), "big")

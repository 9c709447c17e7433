"""The Merkle tree of RFC 6962, section 2.1, as its verifiers need it: hashes, inclusion and consistency proofs.

Hashes are 32 bytes of SHA-256. Sizes and numbers count leaves; the first leaf is number 0.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from huxin_privacy.errors import PrivacyError

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 ‖ data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def root_by_inclusion(leaf: bytes, number: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root to which a leaf hash and its audit path lead (RFC 9162, 2.1.3.2; the same tree).

    PrivacyError P0145 when there is no such leaf in a tree of `size`, P0146 when the path has not the length
    that number and size demand.
    """
    if not 0 <= number < size:
        raise PrivacyError("P0145", number=number, size=size)
    at, last, root, used = number, size - 1, leaf, 0
    while last:
        if at & 1 or at < last:  # otherwise this node stands alone at the right edge and rises unchanged
            if used == len(path):
                raise PrivacyError("P0146")
            root = node_hash(path[used], root) if at & 1 else node_hash(root, path[used])
            used += 1
        at, last = at >> 1, last >> 1
    if used != len(path):
        raise PrivacyError("P0146")
    return root


def verify_inclusion(leaf: bytes, number: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Returns when the leaf hash stands at `number` of the tree; PrivacyError P0144, else as above."""
    if not hmac.compare_digest(root_by_inclusion(leaf, number, size, path), root):
        raise PrivacyError("P0144", number=number)


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Returns when the older tree is the beginning of the newer one (RFC 9162, 2.1.4.2).

    PrivacyError P0147: it is not, or the proof does not show it; P0145 when the sizes are no such pair.
    """
    if not 0 <= old_size <= new_size:
        raise PrivacyError("P0145", number=old_size, size=new_size)
    if old_size in (0, new_size):
        same = old_root == (EMPTY_ROOT if old_size == 0 else new_root)
        if path or not same:
            raise PrivacyError("P0147", old=old_size, new=new_size)
        return
    roots = _roots_by_consistency(old_size, new_size, old_root, path)
    if roots != (old_root, new_root):
        raise PrivacyError("P0147", old=old_size, new=new_size)


def _roots_by_consistency(
    old_size: int, new_size: int, old_root: bytes, path: Sequence[bytes]
) -> tuple[bytes, bytes] | None:
    """Both roots as the path gives them; None when its length is wrong."""
    # A complete older tree is a node of the newer: its root need not be sent.
    hashes = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    at, last = old_size - 1, new_size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    if not hashes:
        return None
    old = new = hashes[0]
    for each in hashes[1:]:
        if not last:
            return None
        if at & 1 or at == last:
            old, new = node_hash(each, old), node_hash(each, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, each)
        at, last = at >> 1, last >> 1
    return None if last else (old, new)

"""Submissions without people in them: sealed elements are opened, and stand in the spool where others have tokens.

A token hangs on keys that may be exchanged until it is loaded; an element can be brought to any, so the spool keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

import numpy as np
import polars as pl
import pyarrow as pa

from huxin import faults
from huxin.contract import BLIND, State
from huxin.enquiry.elements import Elements
from huxin.errors import HuxinError
from huxin.nightly import spool
from huxin.nightly.columns import business_columns, keys_table, loans_table, with_mobiles
from huxin.nightly.halves import types
from huxin.nightly.pseudonymize import Writers, good_pieces, pseudonymize_group
from huxin.nightly.spool import Spool
from huxin.nightly.timings import Timings
from huxin.nightly.tokenizer import Mobiles
from huxin.nightly.unsealing import CHECK
from huxin.registry.alone import alone
from huxin.registry.blind import generations
from huxin.registry.schemes import scheme_ids
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, change, find_all
from huxin.settings import Settings
from huxin_checks.admission import Refusal
from huxin_privacy.blind.sealed import Cells, FileKey
from huxin_privacy.blind.sodium import ELEMENT_BYTES
from huxin_privacy.errors import PrivacyError
from huxin_privacy.generations import Rings

ELEMENT = "element"  # a column of the `keys` spool
EPOCH = "oprf_epoch"  # of a submission's facts: the OPRF key that the elements in its spool are of
REASONS = {"P0172": "P0167", "H1802": "P0201", "H1801": "blind"}


def pseudonymize_either(settings: Settings, ids: Sequence[UUID], timings: Timings | None = None) -> None:
    """Takes validated submissions to `pseudonymized`, with people in them or without."""
    pseudonymize_group(settings, ids, timings)
    open_group(settings, ids, timings)


def open_group(settings: Settings, ids: Sequence[UUID], timings: Timings | None = None) -> None:
    """Opens the elements of the validated submissions without people among `ids`; others are left alone.

    One whose elements do not open is refused (F0011): of a file that was made for another member, or changed, nothing
    is taken.
    """
    if not _todo(settings, ids):
        return
    with alone(settings, ids):
        with connection(settings) as database:
            rings = Rings.open(settings.keys_dir)
            elements = Elements.read(rings, generations(database), partial(scheme_ids, database))
        vault = Spool(settings)
        for item in _todo(settings, ids):
            with (timings or Timings()).stage("pseudonymize"):
                _settle(settings, vault, item, elements)


def _todo(settings: Settings, ids: Sequence[UUID]) -> list[Submission]:
    with connection(settings) as database:
        found = find_all(database, ids)
    return [item for item in found if item.state == State.VALIDATED and item.contract == BLIND]


def _settle(settings: Settings, vault: Spool, item: Submission, elements: Elements | None) -> None:
    with vault.trying([item.id], keep=spool.AFTER_VALIDATION):
        try:
            after = _opened(vault, item, elements)
        except (PrivacyError, HuxinError) as error:
            after = refused(item, error)
        faults.reach("pseudonymize.spooled")
    with connection(settings) as database:
        change(database, [replace(after, changed_at=settings.now())])
    faults.reach("pseudonymize.recorded")
    vault.forget(item.id, keep=spool.AFTER_TOKENS if after.state == State.PSEUDONYMIZED else ())


def _opened(vault: Spool, item: Submission, elements: Elements | None) -> Submission:
    """PrivacyError P0167, P0168, P0172; HuxinError H1801, H1802."""
    key = file_key(elements, item)
    assert elements is not None, "it has opened the key"
    cells, named = Cells(key), types()
    with Writers(vault, {0: item}) as writers:
        for _, batch in good_pieces(vault, {0: item}, 0):
            rows = pl.DataFrame(pl.from_arrow(batch))
            made = [
                elements.present(key.epoch, cells.open(loan_no, named[code], cell))
                for loan_no, code, cell in rows.select("loan_no", "id_type", "id_canonical").iter_rows()
            ]
            writers.write(0, *tables_of(rows, made))
        if writers.rows != (item.accepted or 0):
            raise HuxinError("H0613")
    return with_elements(item, elements)


def file_key(elements: Elements | None, item: Submission) -> FileKey:
    """The key of a file's cells. HuxinError H1801, PrivacyError P0167, P0172."""
    if elements is None:
        raise HuxinError("H1801")
    wrapped = str(item.facts.get("element_key", ""))
    return FileKey.unwrapped(elements.receiving, item.sender, item.data_digest.hex(), wrapped)


def with_elements(item: Submission, elements: Elements) -> Submission:
    """A submission whose elements lie in the spool as the present key makes them."""
    facts = {name: value for name, value in item.facts.items() if name != "element_key"}
    return replace(item, state=State.PSEUDONYMIZED, facts=facts | {EPOCH: elements.epoch})


def tables_of(rows: pl.DataFrame, made: Sequence[bytes]) -> tuple[pa.Table, pa.Table]:
    """`keys` and `loans` of rows without people: no token yet, no name mark, no mobile."""
    nothing, never = np.zeros((rows.height, 16), np.uint8), np.zeros(rows.height, np.bool_)
    loans = loans_table(rows, business_columns(rows), nothing, never)
    keys = keys_table(rows, loans, nothing, np.zeros(rows.height, np.int16))
    keys = with_mobiles(keys, Mobiles(nothing, np.zeros(rows.height, np.int64), never), 0)
    return keys.append_column(ELEMENT, pa.array(made, pa.binary(ELEMENT_BYTES))), loans


def refused(item: Submission, error: PrivacyError | HuxinError) -> Submission:
    """A submission whose elements do not open. Raises every other error."""
    reason = REASONS.get(error.code, error.code)
    if reason not in ("P0167", "P0168", "P0201", "blind"):
        raise error
    refusal = Refusal(CHECK, reason)
    facts = {name: value for name, value in item.facts.items() if name != "element_key"}
    return replace(
        item,
        state=State.REFUSED,
        accepted=0,
        rejected=item.rows or 0,
        codes=item.codes | {refusal.code: 1},
        facts=facts | {"code": refusal.code, "reason": refusal.reason},
    )

"""Questions that came at once: one round trip for what is known of all, one to record what was answered to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from huxin.registry.arrays import even, lists, tables
from huxin.registry.enquiries import NEW, NewEnquiry, Recorded, record_fresh
from huxin.registry.gathering import GATHERED, Asking, Gathered, claimed_in_lot, gather, gathered
from huxin.registry.live import Live
from huxin.registry.statement import BOOL, DAY, ID, INT2, INT4, MOMENT, TEXT, calling

_GATHER = calling(
    "enquiry_gather_lot",
    (
        *map(lists, (INT4, TEXT, ID)),
        *map(tables, (INT2, ID)),
        *map(lists, (ID, INT2, MOMENT, DAY, INT4, INT4, BOOL, BOOL)),
    ),
    (("place", INT4), *GATHERED),
)
_RECORD = calling("enquiry_record_lot", tuple(map(lists, NEW)), (("enquiry_record_lot", INT4),))


def gather_all(live: Live, askings: Sequence[Asking]) -> list[Gathered | None]:
    """What `gathering.gather` tells of each; None where it has to be asked by itself, and counted then.

    That is where keys are not in force any more, or somebody is not known yet who has more than one key or has to meet.
    HuxinError H0501 with the SQLSTATE lock_not_available where another is just making one of them known.
    """
    if len(askings) == 1:  # the one's own statement begins sooner
        return [_taken(gather(live, askings[0], in_lot=True))]
    # In order of what they count, which of the rows that lots write is what two of them often have in common.
    order = sorted(askings, key=lambda asking: (asking.member_id, asking.purpose))
    rows = {row[0]: row[1:] for row in live.lot(_GATHER, _columns(order))}
    told = {id(asking): rows.get(place) for place, asking in enumerate(order, 1)}
    return [_known(asking, told[id(asking)]) for asking in askings]


def record_new(live: Live, news: Sequence[NewEnquiry]) -> list[Recorded | None]:
    """Records them durably and together; None for one whose key was used before, which `enquiries.record` will tell."""
    if len(news) == 1:
        return [record_fresh(live, news[0])]
    fresh = {row[0] for row in live.lot(_RECORD, tuple(zip(*news, strict=True)))}
    return [
        Recorded(new.id, new.answer, fresh=True) if place in fresh else None
        for place, new in enumerate(news, 1)
    ]


def _known(asking: Asking, row: Sequence[Any] | None) -> Gathered | None:
    if row is None:  # no such member, as it will be told
        return None
    return _taken(gathered(asking, row))


def _taken(found: Gathered) -> Gathered | None:
    return found if found.member_status is not None and found.met else None


def _columns(askings: Sequence[Asking]) -> tuple[Sequence[Any], ...]:
    mobiles = [each.mobile_keys[0] if each.mobile_keys else (None, None) for each in askings]
    return (
        [each.member_id for each in askings],
        [each.purpose for each in askings],
        [each.keys[0][0] for each in askings],
        even([[scheme for _, scheme in each.keys] for each in askings]),
        even([each.name_marks for each in askings]),
        [token for token, _ in mobiles],
        [scheme for _, scheme in mobiles],
        [each.now for each in askings],
        [each.today for each in askings],
        [each.stacking_days for each in askings],
        [each.per_minute for each in askings],
        [each.blind for each in askings],
        [claimed_in_lot(each) for each in askings],
    )

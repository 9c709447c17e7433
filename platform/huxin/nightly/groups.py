"""Groups of submissions: a group is one task, small enough for the memory, large enough to be worth a task."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from huxin.registry.submissions import Submission

LARGEST = 400 << 20  # bytes of source in one group; a larger file is a group of its own
MOST = 2_000  # submissions in one group


def in_sequence(items: Sequence[Submission]) -> list[list[UUID]]:
    """Groups to be worked on one after another, in the order of receipt, each up to LARGEST and MOST.

    A member's submissions never stand in two groups out of their order (as-of date, sequence).
    """
    ordered = sorted(items, key=lambda item: (str(item.as_of_date), item.sequence or 0, item.received_at))
    groups: list[list[UUID]] = []
    room = 0
    for item in ordered:
        size = _size(item)
        if not groups or size > room or len(groups[-1]) >= MOST:
            groups.append([])
            room = LARGEST
        groups[-1].append(item.id)
        room -= size
    return groups


def balanced(items: Sequence[Submission], count: int) -> list[list[UUID]]:
    """Up to `count` groups of about the same size, to be worked on side by side; largest members first.

    All submissions of one member go into one group, since they must be loaded in order.
    """
    members: dict[int, list[Submission]] = {}
    for item in items:
        members.setdefault(item.member_id, []).append(item)
    loads = [(0, number) for number in range(max(1, min(count, len(members))))]
    groups: list[list[UUID]] = [[] for _ in loads]
    for mine in sorted(members.values(), key=lambda each: (-sum(map(_size, each)), each[0].id)):
        weight, number = min(loads)
        loads[number] = (weight + sum(map(_size, mine)), number)
        groups[number].extend(item.id for item in mine)
    return [group for group in groups if group]


def lightest_first(items: Sequence[Submission], room: int = LARGEST // 10) -> list[list[UUID]]:
    """Groups to be worked on one after another, those of members with little to send first, up to `room` bytes each.

    All submissions of one member go into one group, in the order of receipt: a huge file holds no other member.
    """
    members: dict[int, list[Submission]] = {}
    for item in sorted(items, key=lambda each: (str(each.as_of_date), each.sequence or 0, each.received_at)):
        members.setdefault(item.member_id, []).append(item)
    groups: list[list[UUID]] = []
    free = 0
    for mine in sorted(members.values(), key=lambda each: (sum(map(_size, each)), each[0].id)):
        size = sum(map(_size, mine))
        if not groups or size > free or len(groups[-1]) >= MOST:
            groups.append([])
            free = room
        groups[-1].extend(item.id for item in mine)
        free -= size
    return groups


def _size(item: Submission) -> int:
    return int(item.facts.get("size", 0)) + 4096

"""Questions that came at once, answered together: one round trip for what is known of all, one to record all answers.

What is peculiar about one of them its own thread sees to afterwards, by itself: keys that were exchanged, an answer
given before, somebody whom a load is just making known. So a lot waits for nobody for long; what the registry refuses
all it is asked again for each.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from huxin.enquiry.drafting import Drafting, go_through
from huxin.enquiry.questions import Draft, Put, Question, Told
from huxin.errors import HuxinError
from huxin.registry import reservations
from huxin.registry.enquiries import NewEnquiry, Recorded
from huxin.registry.enquiry_lots import gather_all, record_new
from huxin.registry.gathering import Gathered
from huxin.registry.live import Live
from huxin.registry.reservations import Granted, Reserving

if TYPE_CHECKING:
    from huxin.enquiry.desk import Desk

log = logging.getLogger(__name__)

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")
_AWAY = "H0502"  # the registry is, for one question as for all
_WAITED = "55P03"  # lock_not_available
# An answer that was told, one that is still to be recorded, or None where even that is to be found out.
Outcome = Told | Draft | None


def answer_lot(desk: Desk, puts: Sequence[Put]) -> list[Outcome | Exception]:
    """What became of each, or its error; None where it has to be seen to by itself. HuxinError H0502 when the registry
    is away."""
    questions = [_tried(desk.put, put) for put in puts]
    asked = [each for each in questions if isinstance(each, Question)]
    found = iter(
        _for_all(lambda: gather_all(desk.live, [each.asking for each in asked]), asked) if asked else ()
    )
    begun = [_begun(desk, each, next(found)) if isinstance(each, Question) else each for each in questions]
    go_through([each for each in begun if isinstance(each, Drafting)])
    drafts = [_tried(Drafting.done, each) if isinstance(each, Drafting) else each for each in begun]
    rows = [_row(draft) if isinstance(draft, Draft) else None for draft in drafts]
    given = [row for row in rows if row is not None]
    done = iter(_for_all(lambda: record_new(desk.live, given), given) if given else ())
    recorded = [None if row is None else next(done) for row in rows]
    return [_told(*each) for each in zip(drafts, recorded, strict=True)]


def reserve_lot(live: Live, wanted: Sequence[Reserving]) -> Sequence[Granted | HuxinError | None]:
    """What became of each promise that is asked for; None where it has to be asked for by itself: somebody else had one
    of the subjects for longer than a lot waits. HuxinError H0502 when the registry is away."""
    return _for_all(lambda: reservations.reserve_all(live, wanted), wanted)


def _tried(step: Callable[[_Given], _Made], given: _Given) -> _Made | Exception:
    try:
        return step(given)
    except Exception as error:  # its own thread raises it again
        return error


def _begun(desk: Desk, question: Question, gathered: Gathered | None) -> Drafting | Told | Exception | None:
    return None if gathered is None else _tried(lambda known: desk.begun(question, known), gathered)


def _row(draft: Draft) -> NewEnquiry | None:
    request = draft.question.request
    if request.ticket is not None:  # which is spent by what records it
        return None
    try:
        digest = next(iter(draft.known.read.keys.digests(request.bodies()[0])))
    except Exception:  # which its own thread will meet again
        return None
    return draft.row._replace(body_digest=digest)


def _told(draft: Outcome | Exception, recorded: Recorded | None) -> Outcome | Exception:
    if recorded is None or not isinstance(draft, Draft):
        return draft
    return Told(draft.made.content, draft.known.quota, fresh=True)


def _for_all(ask: Callable[[], Sequence[_Given | None]], asked: Sequence[object]) -> Sequence[_Given | None]:
    """What the registry gives for all, or nothing for each where one of them is more than it takes."""
    try:
        return ask()
    except Exception as error:
        facts = error.facts if isinstance(error, HuxinError) else {}
        code = error.code if isinstance(error, HuxinError) else type(error).__name__
        if code == _AWAY:
            raise
        state = facts.get("sqlstate", "-")
        # That somebody was waited for in vain happens; anything else would stay unseen, for all are answered.
        level = logging.INFO if state == _WAITED else logging.WARNING
        log.log(level, "%s (%s): %d that came at once are seen to one by one", code, state, len(asked))
        return [None] * len(asked)

"""What members' pages share: the member whose person has signed in, the desk that answers, its own submissions."""

from __future__ import annotations

import threading
from uuid import UUID

from flask import abort, current_app

from huxin.console.desk import desk
from huxin.console.visitor import someone
from huxin.enquiry.desk import Desk
from huxin.enquiry.request import Asker
from huxin.errors import HuxinError
from huxin.registry import filings
from huxin.registry.live import Live
from huxin.registry.members import Member, find_member
from huxin.registry.session import connection
from huxin.registry.submissions import Submission

_NAME = "huxin_console_enquiries"
_LIVE = "huxin_console_live"
_making = threading.Lock()


def enquiry_desk() -> Desk:
    """The one desk of this process that answers enquiries, as the API has one; made when first asked."""
    with _making:
        found = current_app.extensions.get(_NAME)
        if found is None:
            found = current_app.extensions[_NAME] = Desk(desk().settings)
    assert isinstance(found, Desk)
    return found


def live() -> Live:
    """The app role's statements, which see one member's rows; they need no key."""
    with _making:
        found = current_app.extensions.get(_LIVE)
        if found is None:
            found = current_app.extensions[_LIVE] = Live(desk().settings)
    assert isinstance(found, Live)
    return found


def own_member() -> Member:
    """That of the person who has signed in. HuxinError H1113 where it is suspended: it may look, but not act."""
    found = looking_member()
    if not found.active:
        raise HuxinError("H1113")
    return found


def looking_member() -> Member:
    """The same, suspended or not."""
    with connection(desk().settings) as database:
        found = find_member(database, someone().member)
    if found is None:
        abort(403)
    return found


def asker() -> Asker:
    """On whose behalf questions are put. HuxinError H1113."""
    found = own_member()
    return Asker(found.id, found.code)


def own_submission(id_: UUID) -> Submission:
    """The member's submission of that id; 404 where there is none, also where it is another's."""
    found = filings.of_member(live(), someone().member_id, id_)
    if found is None:
        abort(404)
    return found

"""What the association has reminded this member of."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, url_for
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from huxin.console import texts
from huxin.console.asked import id_of
from huxin.console.desk import desk
from huxin.console.pages import Entry
from huxin.console.pages.home import Todo
from huxin.console.pages.reminders import KIND_WORDS
from huxin.console.paging import SIZE, Column, cursor, page_of
from huxin.console.visitor import someone
from huxin.registry.audit_acts import note_act
from huxin.registry.people import Person
from huxin.registry.reminders import count_unseen, mark_seen, reminders_of
from huxin.registry.session import console_connection

blueprint = Blueprint("my_reminders", __name__, url_prefix="/my/reminders")
MENU = (Entry("my_reminders.show", _l("提醒"), icon="bell", order=35),)


def what_waits(person: Person) -> Iterator[Todo]:
    """Reminders that nobody of the member has marked as seen."""
    with console_connection(desk().settings, person.member_id) as database:
        unseen = count_unseen(database, person.member_id)
    yield Todo(unseen, _l("条催报提醒未阅"), url_for("my_reminders.show"), "red")


@blueprint.get("")
def show() -> str:
    """The newest first."""
    person = someone()
    with console_connection(desk().settings, person.member_id) as database:
        found = reminders_of(database, person.member_id, id_of(cursor()), SIZE + 1)
    return render_template(
        "my_reminders.html",
        page=page_of(found, lambda each: str(each.id)),
        columns=[Column(words) for words in (_l("时间"), _l("类别"), _l("内容"), _l("状态"))],
        kinds=KIND_WORDS,
        chinese=texts.language() == "zh",
    )


@blueprint.post("/<uuid:id_>")
def seen(id_: UUID) -> Response:
    """Tells the association that it was read."""
    person, settings = someone(), desk().settings
    with console_connection(settings, person.member_id) as database:
        if not mark_seen(database, person.member_id, id_, person.login, settings.now()):
            abort(404)
        facts = {"code": person.member, "reminder": str(id_), "by": person.login}
        note_act(database, "member.reminder_seen", facts, settings.now())
    return redirect(url_for("my_reminders.show"), 303)

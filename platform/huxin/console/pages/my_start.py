"""A member that is not active yet tries its first file by itself: checked, never filed."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import lazy_gettext as _l

from huxin.console import texts
from huxin.console.checking import Told, check_test, outcome
from huxin.console.desk import desk
from huxin.console.findings import SEVERITIES
from huxin.console.pages.home import Todo
from huxin.console.pages.onboarding import keep_test, template_file
from huxin.console.visitor import someone
from huxin.errors import HuxinError
from huxin.registry.onboardings import ONBOARDING, Onboarding, find_onboarding
from huxin.registry.people import Person
from huxin.registry.session import console_connection

blueprint = Blueprint("my_start", __name__, url_prefix="/my/start")


def what_waits(person: Person) -> Iterator[Todo]:
    """The test file of a member on its way in."""
    if not person.operator:
        found = _own()
        if found is not None and found.status == ONBOARDING and not found.test_passed:
            yield Todo(1, _l("个测试文件待校验，通过后由协会启用"), url_for("my_start.show"), "yellow")


@blueprint.get("")
def show() -> str:
    """Where the member stands."""
    return _page(_own())


@blueprint.get("/template.<kind>")
def template(kind: str) -> Response:
    """The form of a file to fill in."""
    return template_file(kind)


@blueprint.post("")
def test() -> tuple[str, int] | str:
    """Checks a file; nothing of it is filed or kept. HuxinError H2011 where the member is active already."""
    found = _own()
    if found is None or found.status != ONBOARDING:
        raise HuxinError("H2011")
    try:
        told = check_test(found.code, request)
        return _page(keep_test(found, told), told=told)
    except HuxinError as error:
        if error.status is None or error.status >= 500:
            raise
        return _page(found, error), error.status


def _own() -> Onboarding | None:
    person = someone()
    with console_connection(desk().settings, person.member_id) as database:
        return find_onboarding(database, person.member)


def _page(found: Onboarding | None, wrong: HuxinError | None = None, told: Told | None = None) -> str:
    return render_template(
        "my_start.html",
        found=found,
        coming=found is not None and found.status == ONBOARDING,
        wrong=wrong.text(texts.language()) if wrong else None,
        told=told,
        outcome=outcome(told) if told else None,
        groups=told.groups if told else None,
        severities=SEVERITIES,
    )

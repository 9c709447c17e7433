"""A member's data quality: its index and parts beside the sector's quartiles, and what its rows were rejected for."""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from flask_babel import lazy_gettext as _l

from huxin.console import texts
from huxin.console.desk import desk
from huxin.console.pages import Entry
from huxin.console.reporting_words import PARTS
from huxin.console.visitor import someone
from huxin.contract import load_contract
from huxin.oversight.quality_sector import LEAST, beside
from huxin.oversight.reporting import league, window
from huxin.oversight.reporting_policy import reporting_policy
from huxin.registry.reports import code_counts
from huxin.registry.session import connection

blueprint = Blueprint("my_quality", __name__, url_prefix="/my/quality")
MENU = (Entry("my_quality.show", _l("数据质量评分"), icon="award", order=30),)
WORDS = {"index": _l("指数"), **PARTS}


@blueprint.get("")
def show() -> str:
    """The own figures by name, the others' as quartiles only."""
    settings, member = desk().settings, someone().member_id
    policy = reporting_policy(settings.today())
    since, until = window(policy, settings.now())
    # The sector's sums, of which the page tells no other member's: the console's role would see the own rows alone.
    with connection(settings) as database:
        found = league(database, policy, settings.now())
        codes = code_counts(database, since, until, member)
    mine = next((each for each in found if each.member.id == member), None)
    if mine is None:
        abort(404)
    checks = {check.code: getattr(check, texts.language()) for check in load_contract().checks}
    return render_template(
        "my_quality.html",
        rows=beside(mine.quality, [each.quality for each in found if each.member.id != member]),
        words=WORDS,
        weights=vars(policy.quality.weights),
        span=(since, until),
        codes=codes,
        checks=checks,
        least=LEAST,
    )

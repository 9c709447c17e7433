"""Roles in words."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_babel import lazy_gettext as _l

from huxin.registry import people

WORDS: dict[str, Any] = {
    people.ADMINISTRATOR: _l("管理员"),
    people.STEWARD: _l("数据管理员"),
    people.AUDITOR: _l("审计员（只读）"),
    people.MEMBER_ADMINISTRATOR: _l("会员管理员"),
    people.CLERK: _l("会员经办"),
}


def register(app: Flask) -> None:
    """Makes them known to templates."""
    app.jinja_env.globals.update(role_words=lambda role: WORDS.get(role, role))

"""The console's app of one process, made by a function: settings in, a WSGI callable out."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, Response, g, render_template, request
from flask_babel import gettext
from werkzeug.exceptions import HTTPException

from huxin.console import assets, bodies, flashes, gate, pages, roles, shape, texts
from huxin.console.config import Config
from huxin.console.desk import NAME, Desk
from huxin.console.in_memory import ConsoleRequest
from huxin.errors import HuxinError, for_operators, places
from huxin.ids import new_id
from huxin.registry.people import OPERATORS
from huxin.settings import Settings
from huxin_privacy.errors import PrivacyError

_logger = logging.getLogger(__name__)
LOST = frozenset({"H0313", "H0502", "H0304", "H0307", "H0308"})


def create_console(settings: Settings, config: Config | None = None) -> Flask:
    """The app on a registry that is set up; it connects and reads keys when first needed."""
    app = Flask("huxin.console", static_folder=None)
    app.request_class = ConsoleRequest
    app.extensions[NAME] = Desk(settings, config or Config.from_env())
    app.config["MAX_CONTENT_LENGTH"] = app.extensions[NAME].config.body_limit
    app.url_map.strict_slashes = False
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    texts.register(app)
    shape.register(app)
    assets.register(app)
    roles.register(app)
    flashes.register(app)
    gate.register(app)
    bodies.register(app, app.extensions[NAME].config)
    pages.register(app)
    app.context_processor(_common)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(HuxinError, _told)
    app.register_error_handler(PrivacyError, _unforeseen)
    app.register_error_handler(Exception, _unforeseen)
    return app


def _common() -> dict[str, Any]:
    """What every template may use."""
    person = getattr(g.get("visitor"), "person", None)
    menu = list(pages.menu(person.role)) if person else []
    return {
        "person": person,
        "menu": menu,
        "here": pages.here(menu, request.path),
        "csrf": gate.csrf,
        "nonce": gate.nonce,
        "language": texts.language(),
        "chip_of": shape.chip_of,
    }


def _told(error: HuxinError) -> Response:
    """A foreseen error in the visitor's language, with its status; what is no visitor's business has a number only."""
    if error.code in LOST:
        return _page(503, gettext("数据库暂时无法连接，请稍后再试。"))
    if error.status is None:
        return _unforeseen(error)
    return _page(error.status, _words(error), error.code)


def _words(error: HuxinError) -> str:
    """A member's people have no commands of ours: what an operator can do is told to the association's only."""
    person = getattr(g.get("visitor"), "person", None)
    operator = person is not None and person.role in OPERATORS
    return for_operators(error, texts.language()) if operator else error.text(texts.language())


def _refused(error: HTTPException) -> Response:
    status = error.code or 400
    if status >= 500:
        return _unforeseen(error)
    words = {
        403: gettext("您没有打开此页面或执行此操作的权限。"),
        404: gettext("没有这个页面，或者它不属于您。"),
        405: gettext("此处不支持这种操作。"),
        413: gettext("提交的内容过大。"),
    }
    if error.description == "csrf":
        return _page(403, gettext("页面已过期，请返回上一页刷新后重新提交。"))
    return _page(status, words.get(status) or gettext("请求有误，请返回上一页重试。"))


def _unforeseen(error: Exception) -> Response:
    """A fault of ours: the log says where, under a number that the visitor is given; neither holds its text."""
    reference = str(new_id())
    kind = error.code if isinstance(error, HuxinError | PrivacyError) else type(error).__name__
    _logger.error("%s %s %s", reference, kind, places(error))
    return _page(500, gettext("平台出现故障，请把这个编号告诉维护人员：%(number)s", number=reference))


def _page(status: int, words: str, code: str | None = None) -> Response:
    """htmx gets the words alone, for the place that asked; so does everybody where the page itself cannot be made."""
    bare = Response(render_template("_problem.html", words=words), status)
    if request.headers.get("HX-Request"):
        return bare
    try:
        return Response(render_template("problem.html", status=status, words=words, code=code), status)
    except (HuxinError, PrivacyError):  # without the database or the keys nobody is recognised
        return bare

"""Errors as application/problem+json (RFC 9457), in the caller's language, without a word of what was sent."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

import orjson
from apiflask import APIFlask
from flask import Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from huxin.api.answers import answer
from huxin.api.language import preferred
from huxin.api.limits import rate_headers
from huxin.api.shell import shell
from huxin.contract import load_contract
from huxin.errors import HuxinError, error_texts, for_operators, places
from huxin.ids import new_id
from huxin_privacy.errors import PrivacyError

PROBLEM = "application/problem+json"
RETRY_S = 5
# However the loss of the database is noticed, a caller is told one thing.
LOST = frozenset({"H0313", "H0502", "H0304", "H0307", "H0308"})
_BY_STATUS = {400: "H1126", 404: "H1116", 405: "H1117", 413: "H1118", 415: "H1119"}
# RFC 6749, 5.2: what an OAuth library looks for.
OAUTH = {
    "H1111": "invalid_request",
    "H1112": "invalid_scope",
    "H1119": "invalid_request",
    "H1118": "invalid_request",
}
_TITLES = {
    400: "请求有误",
    401: "需要认证",
    403: "不允许",
    404: "未找到",
    405: "方法不支持",
    408: "请求超时",
    409: "状态冲突",
    413: "请求体过大",
    415: "格式不支持",
    422: "内容不合要求",
    429: "请求过多",
    500: "平台故障",
    503: "暂不可用",
}

_logger = logging.getLogger(__name__)


def register(app: APIFlask) -> None:
    """Takes every error of a request, so that neither Flask nor the server writes one in its own words."""
    app.register_error_handler(HuxinError, told)
    app.register_error_handler(PrivacyError, unforeseen)
    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(Exception, unforeseen)


def told(error: HuxinError) -> Response:
    """A foreseen error; one that is no caller's business becomes H1125."""
    if error.code in LOST:
        return problem(HuxinError("H1101", retry_s=RETRY_S))
    if error.status is None:
        return unforeseen(error)
    return problem(error)


def refused(error: HTTPException) -> Response:
    """What Flask and Werkzeug refuse. Their descriptions are not passed on."""
    if error.code is not None and error.code >= 500:
        return unforeseen(error)
    code = _BY_STATUS.get(error.code or 400, "H1126")
    headers = [(name, value) for name, value in error.get_headers() if name == "Allow"]
    facts: dict[str, object] = {}
    if isinstance(error, RequestEntityTooLarge):
        facts = {"limit": request.max_content_length}
    elif code == "H1119":
        facts = {"wanted": "application/json"}
    return problem(HuxinError(code, **facts), headers)


def unforeseen(error: Exception) -> Response:
    """A fault of ours: the log says where, under a number that the caller is given; neither holds its text."""
    reference = str(new_id())
    kind = error.code if isinstance(error, HuxinError | PrivacyError) else type(error).__name__
    _logger.error("%s %s %s", reference, kind, places(error))
    return problem(HuxinError("H1125", reference=reference))


def problem(error: HuxinError, headers: list[tuple[str, str]] | None = None) -> Response:
    """The response that tells `error`."""
    status = error.status or 500
    if status >= 500 and error_texts()[error.code].operator:
        # A caller is told only what a caller can do; what is to be mended here is told here.
        _logger.warning("%s %s", error.code, for_operators(error, shell().settings.language))
    language = preferred(request.environ.get("HTTP_ACCEPT_LANGUAGE"), shell().settings.language)
    body = problem_object(error, status, language)
    named = [("Content-Language", language), ("Vary", "Accept-Language"), *_headers(error, status)]
    return answer(orjson.dumps(body, default=str), status, [*named, *(headers or [])], PROBLEM)


def private(error: PrivacyError) -> Response:
    """One of the privacy package's codes, told to whoever may know it."""
    language = preferred(request.environ.get("HTTP_ACCEPT_LANGUAGE"), shell().settings.language)
    body = {
        "type": f"/docs#{error.code}",
        "title": _TITLES[422] if language == "zh" else HTTPStatus(422).phrase,
        "status": 422,
        "code": error.code,
        "detail": error.text(language),
        "facts": error.facts,
    }
    named = [("Content-Language", language), ("Vary", "Accept-Language")]
    return answer(orjson.dumps(body, default=str), 422, named, PROBLEM)


def problem_object(error: HuxinError, status: int, language: str) -> dict[str, Any]:
    """type leads to the code's place on the documentation page; facts and errors are for programs."""
    title = _TITLES.get(status) if language == "zh" else None
    body: dict[str, Any] = {
        "type": f"/docs#{error.code}",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "code": error.code,
        "detail": error.text(language),
    }
    oauth = OAUTH.get(error.code) or ("invalid_client" if "H1105" <= error.code <= "H1110" else None)
    if oauth:
        body["error"] = oauth
    facts = {name: value for name, value in error.facts.items() if not name.startswith("_")}
    if facts:
        body["facts"] = facts
    errors = list(_errors(error, language))
    if errors:
        body["errors"] = errors
    return body


def _errors(error: HuxinError, language: str) -> Iterator[dict[str, str]]:
    """What is wrong in each place, in words."""
    for each in getattr(error, "fields", ()):
        yield each.told(language)
    if error.code == "H0801":
        yield from _of_identifier(str(error.facts["codes"]).split(", "), language)


def _of_identifier(codes: Iterable[str], language: str) -> Iterator[dict[str, str]]:
    """By the checks of the file contract, whose codes alone say nothing to who reads no files."""
    for code in codes:
        check = load_contract().check(code)
        text = f"{check.zh}{check.hint_zh}" if language == "zh" else f"{check.en} {check.hint_en}"
        # With a passport it may be the country that is missing.
        place = "/subject" if code == "E1001" else "/subject/id_no"
        yield {"pointer": place, "fault": code, "text": text}


def _headers(error: HuxinError, status: int) -> Iterator[tuple[str, str]]:
    if status == 401:
        # Which of the ways to be refused it was, RFC 6750, 3.1; the code says it exactly.
        fault = "" if error.code == "H1102" else ', error="invalid_token"'
        yield "WWW-Authenticate", f'Bearer realm="huxin"{fault}'
    elif error.code == "H1114":
        yield (
            "WWW-Authenticate",
            f'Bearer realm="huxin", error="insufficient_scope", scope="{error.facts["scope"]}"',
        )
    retry = error.facts.get("retry_s")
    if isinstance(retry, int):
        yield "Retry-After", str(retry)
    if error.code == "H1123":
        facts: dict[str, Any] = error.facts
        yield from rate_headers(facts["purpose"], facts["limit"], facts["window_s"], 0, facts["retry_s"])


def documented() -> dict[str, dict[str, Any]]:
    """Each code that a caller may be told: its status and texts."""
    return {
        code: {"status": each.status, "zh": each.zh, "en": each.en}
        for code, each in sorted(error_texts().items())
        if each.status is not None
    }

"""A route as data: what is served, to whom, taking and answering what. OpenAPI is made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from apiflask import APIFlask
from flask import request
from pydantic import BaseModel

from huxin.api.bodies import read_json
from huxin.api.caller import Access, authenticated
from huxin.api.told_headers import QUOTA, USED_UP, headers_of, problem_headers
from huxin.errors import error_texts

View = Callable[..., Any]
_AUTHENTICATION = ("H1102", "H1103", "H1104", "H1110", "H1115")
_CONTENT = ("H1118", "H1119", "H1122")
_BODY = (*_CONTENT, "H1120", "H1121")
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@dataclass(frozen=True)
class Route:
    """One interface.

    `path` is Flask's; `errors` are the codes it may tell besides those of authentication and bodies, which are added;
    `limit` is of the body in bytes (None: the configuration's); `form` documents a form that the view reads itself;
    `parameters` and `request_body` (of a body that the view reads itself) are OpenAPI's; `media` is the answer's type
    where it is not JSON, `media_also` are others it may be; `also` are further statuses of the same answer, with what
    each says; `headers` are those of the answer beside a quota's.
    """

    method: str
    path: str
    summary: str
    tag: str
    access: Access | None = None
    body: type[BaseModel] | None = None
    form: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    errors: tuple[str, ...] = ()
    limit: int | None = None
    media: str = "application/json"
    description: str = ""
    parameters: tuple[dict[str, Any], ...] = ()
    request_body: dict[str, Any] | None = None
    also: tuple[tuple[int, str], ...] = ()
    media_also: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    hidden: bool = False


def add(app: APIFlask, route: Route, view: View) -> None:
    """Serves `view` under `route`, guarded, and described in OpenAPI."""
    served = _with_body(view, route) if route.body else view
    served = _limited(served, route.limit) if route.limit is not None else served
    served = authenticated(route.access)(served) if route.access else served
    guarded = _plain(view) if served is view else served
    name = f"{view.__module__.rpartition('.')[2]}_{view.__name__}"
    # APIFlask describes what its decorators wrap; only the description is kept, so that a request meets none of them.
    guarded._spec = _described(app, route, name)._spec  # type: ignore[attr-defined]  # APIFlask's place for it
    app.add_url_rule(
        route.path,
        name,
        guarded,
        methods=[route.method],
        provide_automatic_options=False,
        strict_slashes=False,
    )
    app.extensions.setdefault("huxin_routes", {})[name] = route


def _plain(view: View) -> View:
    """A function of our own to hang a description on, where the view is served as it is."""

    @wraps(view)
    def served(*args: Any, **values: Any) -> Any:
        return view(*args, **values)

    return served


def _with_body(view: View, route: Route) -> View:
    model = route.body
    assert model is not None

    @wraps(view)
    def reading(*args: Any, **values: Any) -> Any:
        return view(*args, body=read_json(model), **values)

    return reading


def _limited(view: View, limit: int) -> View:
    @wraps(view)
    def bounded(*args: Any, **values: Any) -> Any:
        request.max_content_length = limit
        return view(*args, **values)

    return bounded


def _described(app: APIFlask, route: Route, name: str) -> Any:
    def described() -> None:
        """Never called: it carries the description."""

    view: Any = described
    body = route.body or route.form
    if body:
        view = app.input(body, location="json" if route.body else "form")(view)
    if route.answer:
        view = app.output(route.answer, route.status, description="OK", content_type=route.media)(view)
    return app.doc(
        summary=route.summary,
        description=route.description or None,
        tags=[route.tag],
        responses=_responses(route),
        operation_id=name,
        hide=route.hidden or None,
        security=_security(route),
        extensions=_extensions(route),
    )(view)


def _security(route: Route) -> Any:
    if route.access is None:
        return None
    return [{"oauth": [route.access.scope] if route.access.scope else []}]


def _extensions(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {"x-roles": list(route.access.roles)} if route.access else {}
    if route.parameters:
        found["parameters"] = list(route.parameters)
    if route.request_body:
        found["requestBody"] = route.request_body
    return found


def _responses(route: Route) -> dict[int, Any]:
    """The codes that may be told, by status; a response without a model of its own is said to be its media type."""
    codes = {*route.errors, "H1101", "H1125"}
    if route.access:
        codes |= {*_AUTHENTICATION, *(("H1114",) if route.access.scope else ())}
        codes |= set() if route.access.suspended else {"H1113"}
    if route.body or route.form:
        codes |= set(_BODY if route.body else _CONTENT)
    by_status: dict[int, list[str]] = {}
    for code in sorted(codes):
        by_status.setdefault(error_texts()[code].status or 500, []).append(code)
    found: dict[int, Any] = {}
    told = headers_of((*(QUOTA if USED_UP in route.errors else ()), *route.headers))
    if told:
        found[route.status] = told
    if route.answer is None:
        found[route.status] = {"description": "OK", "content": {route.media: {"schema": {}}}, **told}
    if route.media_also:
        others = {media: {"schema": {"type": "string", "format": "binary"}} for media in route.media_also}
        found[route.status] = {"content": others, **told}
    for status, said in route.also:
        schema = {"$ref": f"#/components/schemas/{route.answer.__name__}"} if route.answer else {}
        found[status] = {"description": said, "content": {route.media: {"schema": schema}}, **told}
    for status, names in sorted(by_status.items()):
        headers = problem_headers(status, names)
        found[status] = {"description": ", ".join(names), "content": _PROBLEM, **headers}
    return found

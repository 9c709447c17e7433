"""`huxin.api.wsgi:app` for any WSGI server: made from the environment when a worker first asks for it."""

from __future__ import annotations

from functools import lru_cache

from apiflask import APIFlask

from huxin.api.app import create_app
from huxin.settings import Settings


def __getattr__(name: str) -> APIFlask:
    if name != "app":
        raise AttributeError(name)
    return _app()


@lru_cache(maxsize=1)
def _app() -> APIFlask:
    return create_app(Settings.from_env())

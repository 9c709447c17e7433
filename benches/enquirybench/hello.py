"""The yardstick of the server itself: a bare Flask application that says hello."""

from __future__ import annotations

from flask import Flask


def make_app() -> Flask:
    """An application with one route and nothing before or after it."""
    app = Flask("hello")

    @app.get("/")
    def hello() -> str:
        return "hello"

    return app


application = make_app()

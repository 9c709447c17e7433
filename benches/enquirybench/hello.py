"""The yardstick of the web server: a bare Flask application that says hello, served exactly as the API is."""

from __future__ import annotations

import sys

from flask import Flask

from huxin.api.serving import Serving, _server


def make_app() -> Flask:
    """An application with one route and nothing before or after it."""
    app = Flask("hello")

    @app.get("/")
    def hello() -> str:
        return "hello"

    return app


def main() -> None:
    """Serves on the port given as the only argument, with the settings of `huxin serve`, until SIGTERM."""
    _server(Serving(port=int(sys.argv[1]))).serve(target_loader=make_app, wrap_loader=False)


if __name__ == "__main__":
    main()

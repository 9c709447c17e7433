"""Parts that pages are made of, in a browser under the page's own policy: charts, tables, htmx, print; and bad days."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from browsing import PHONE, WIDE, browser, faults, fits, page_of, shot
from console_world import Console
from flask import Flask, render_template_string, request
from playwright.sync_api import expect
from werkzeug.serving import make_server

from huxin.console import access
from huxin.console.app import create_console
from huxin.console.config import Config
from huxin.console.paging import Column
from huxin.console.paging import page_of as rows_of
from huxin.console.shape import Chip
from huxin.settings import Settings

PAGE = """
{% extends "base.html" %}
{% from "macros.html" import table, chip, chart, charts, field, choice, nothing with context %}
{% block title %}样页{% endblock %}
{% block charts %}{{ charts() }}{% endblock %}
{% block body %}
{% call table("样表", columns, page, ("rows", true), export="/parts?x=1") %}
{% for row in page.rows %}<tr><th scope="row">{{ row }}</th><td class="text-end">{{ 1234 | count }}</td>
<td>{{ chip(state) }}</td></tr>{% endfor %}
{% endcall %}
<div class="card mb-3"><div class="card-body">
{% call chart("by-day", "每日报送", option) %}<table class="table"><thead><tr><th scope="col">日</th>
<th scope="col">批</th></tr></thead><tbody><tr><td>1</td><td>3</td></tr><tr><td>2</td><td>5</td></tr></tbody></table>
{% endcall %}</div></div>
<form hx-post="/parts" hx-target="#answer" hx-swap="innerHTML">{{ field("code", "代码") }}
<button class="btn" type="submit">发送</button></form>
<div id="answer" aria-live="polite"></div>
{{ nothing("没有记录。") }}
{% endblock %}
"""
OPTION: dict[str, Any] = {
    "tooltip": {"trigger": "axis"},
    "xAxis": {"type": "category", "data": ["1", "2"]},
    "yAxis": {"type": "value"},
    "series": [{"type": "bar", "data": [3, 5], "name": "</script><script>alert(1)</script>"}],
}


def with_parts(console: Console) -> Flask:
    app = create_console(console.settings, Config(clock=console.clock))
    columns = [Column("名称", "name"), Column("行数", "rows", numeric=True), Column("状态")]
    state = Chip(3, "等待确认", "yellow")

    def show() -> str:
        if request.method == "POST":
            return f"<strong>收到 {request.form['code']}</strong>"
        rows = rows_of([f"第{number}行" for number in range(51)], str)
        return render_template_string(PAGE, columns=columns, page=rows, state=state, option=OPTION)

    app.add_url_rule("/parts", "parts", show, methods=["GET", "POST"])
    return app


@contextmanager
def in_a_thread(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


def test_parts_work_under_the_pages_own_policy(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chart is drawn with its tooltip, htmx sends the token, tables scroll on a phone, paper gets the figures."""
    open_ = {**access.access(), "GET /parts": frozenset(["everyone"]), "POST /parts": frozenset(["everyone"])}
    monkeypatch.setattr(access, "access", lambda: open_)
    li = console.joined("li.na", "administrator")
    cookie = li.client.get_cookie("huxin")
    assert cookie
    with (
        in_a_thread(with_parts(console)) as address,
        browser() as opened,
        page_of(opened, address, WIDE) as page,
    ):
        page.context.add_cookies([{"name": "huxin", "value": cookie.value, "url": address}])
        page.goto("/parts")
        expect(page.locator("#by-day canvas")).to_be_visible()
        page.locator("#by-day").hover()
        page.get_by_label("代码").fill("M0001")
        page.get_by_role("button", name="发送").click()
        expect(page.locator("#answer")).to_have_text("收到 M0001")
        assert page.locator("th[aria-sort=descending]").inner_text().startswith("行数")
        assert faults(page) == []
        assert fits(page)
        shot(page, "parts")
        page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        assert fits(page)
        shot(page, "parts-phone")
        page.emulate_media(media="print")
        expect(page.locator("#by-day")).to_be_hidden()
        expect(page.locator(".figure-table")).to_be_visible()
        expect(page.locator("aside")).to_be_hidden()


def test_without_the_database_the_page_says_so_and_no_more(console: Console) -> None:
    gone = replace(console.settings, database_url="postgresql://nobody:secret@127.0.0.1:1/none")
    client = create_console(gone, Config(clock=console.clock)).test_client()
    client.set_cookie("huxin", "A" * 43)
    answer = client.get("/")
    assert answer.status_code == 503
    assert "数据库暂时无法连接" in answer.text
    assert "secret" not in answer.text
    assert answer.headers["Content-Security-Policy"]


def test_a_fault_of_ours_tells_a_number_and_no_word_of_what_was_sent(
    console: Console, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    planted = "110101199001011237"

    def fails(*_: object) -> None:
        raise ValueError(planted)

    monkeypatch.setattr("huxin.console.pages.sign_in.prove", fails)
    who = console.stranger()
    answer = who.client.post(
        "/sign-in", data={"csrf": who.csrf(), "login": planted, "password": "x", "code": "1"}
    )
    assert answer.status_code == 500
    assert planted not in answer.text
    assert planted not in caplog.text
    assert "ValueError" in caplog.text


def test_too_large_a_form_is_refused(console: Console) -> None:
    who = console.stranger()
    big = {"csrf": who.csrf(), "login": "x" * (2 << 20)}
    assert who.client.post("/sign-in", data=big).status_code == 413


def test_settings_of_another_language_speak_it(console: Console) -> None:
    english = Settings(console.settings.home, console.settings.database_url, language="en")
    assert "Sign in" in create_console(english, Config()).test_client().get("/sign-in").text
    ours = console.app.test_client()
    assert "登录" in ours.get("/sign-in").text
    assert "Sign in" in ours.get("/sign-in", headers={"Accept-Language": "en-GB,en;q=0.9"}).text
    assert "登录" in ours.get("/sign-in", headers={"Accept-Language": "zh-TW,zh;q=0.9,en;q=0.8"}).text

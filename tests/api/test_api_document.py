"""The description of the interfaces: as the routes are, in OpenAPI 3.1, on a page that loads nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from api_world import World

from huxin.api import openapi, told_headers
from huxin.api.app import described_app

TREE = Path(__file__).parents[2]
STATIC = TREE / "platform" / "huxin" / "api" / "static"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi.document(described_app())


def test_the_committed_file_is_as_the_routes_are() -> None:
    path = TREE / "schemas" / "openapi.yaml"
    assert path.read_text(encoding="utf-8") == openapi.text(described_app()), "run make openapi"


def test_it_is_openapi_31_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    named = set(document["components"]["schemas"])
    used = {each.rsplit("/", 1)[1] for each in re.findall(r"#/components/schemas/[\w.]+", str(document))}
    assert used <= named


def test_schemathesis_reads_it(document: dict[str, Any]) -> None:
    import schemathesis

    schema = schemathesis.openapi.from_dict(document)
    assert len(list(schema.get_all_operations())) >= 10


def test_every_operation_says_what_it_is_and_how_it_fails(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert re.search("[\u4e00-\u9fff]", operation["summary"]), where
            assert re.search("[A-Za-z]{2}", operation["summary"]), where
            assert operation["operationId"], where
            assert {"500", "503"} <= operation["responses"].keys(), where
            assert ("H1102" in str(operation["responses"])) == (operation["security"] != []), where
            assert [
                tag for tag in operation["tags"] if tag not in {each["name"] for each in openapi.TAGS}
            ] == []


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [each["operationId"] for operations in document["paths"].values() for each in operations.values()]
    assert sorted(names) == sorted(set(names))


def test_every_code_that_is_told_is_explained(document: dict[str, Any]) -> None:
    told = set(re.findall(r"H\d{4}", str(document["paths"])))
    assert told == set(document["x-errors"])


def test_headers_that_a_program_acts_on_are_told(document: dict[str, Any]) -> None:
    asking = document["paths"]["/v1/enquiries"]["post"]["responses"]
    for status, names in (
        ("200", {"RateLimit", "RateLimit-Policy"}),
        ("429", {"RateLimit", "RateLimit-Policy", "Retry-After"}),
        ("503", {"Retry-After"}),
        ("401", {"WWW-Authenticate"}),
    ):
        assert set(asking[status]["headers"]) == names, status
    assert "headers" not in asking["422"]
    assert set(document["paths"]["/v1/submissions"]["post"]["responses"]["201"]["headers"]) == {"Location"}


def test_whatever_tells_when_to_come_again_is_said_to() -> None:
    """A code that gets `retry_s` anywhere is one whose response names Retry-After."""
    found = re.compile(r'HuxinError\(\s*"(H\d{4})"[^()]*retry_s')
    raised = {
        code for file in (TREE / "platform").rglob("*.py") for code in found.findall(file.read_text("utf-8"))
    }
    assert {"H1101", "H1123", "H1405"} <= raised <= told_headers.LATER


def test_the_file_is_plain_yaml_of_the_same_document(document: dict[str, Any]) -> None:
    assert yaml.safe_load((TREE / "schemas" / "openapi.yaml").read_text(encoding="utf-8")) == document


def test_the_page_loads_nothing_from_elsewhere() -> None:
    for file in STATIC.iterdir():
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"https?:|//[a-z]+\.|@import|url\(", text), file.name
        assert "innerHTML" not in text
        assert "eval(" not in text
    page = (STATIC / "docs.html").read_text(encoding="utf-8")
    assert set(re.findall(r'(?:src|href)="([^"]+)"', page)) == {
        "/docs/docs.css",
        "/docs/docs.js",
        "/openapi.json",
    }
    assert not re.search(r"<script>|<style| style=| on\w+=", page)


def test_the_page_is_served_under_a_strict_policy(world: World) -> None:
    kinds = {"/docs": "text/html", "/docs/docs.css": "text/css", "/docs/docs.js": "text/javascript"}
    for path, kind in kinds.items():
        response = world.call("GET", path)
        assert response.status_code == 200
        assert response.content_type.startswith(kind)
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


def test_what_is_served_is_what_is_committed(world: World, document: dict[str, Any]) -> None:
    assert world.call("GET", "/openapi.json").json == document

"""The OpenAPI 3.1 document, made from the routes; `python -m huxin.api.openapi` writes schemas/openapi.yaml."""

from __future__ import annotations

import copy
import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml
from apiflask import APIFlask

from huxin.api.problems import documented
from huxin.api.told_headers import COMPONENTS
from huxin.paths import schema_root
from huxin.registry.credentials import SCOPES

DESCRIPTION = """会员机构之间的共享授信登记平台的程序接口。先用登记的密钥向 `/oauth/token` 换取五分钟的访问令牌，
再调用其他接口；`/v1/whoami` 说明接入中的问题。错误一律是 application/problem+json，`code` 固定不变，
`detail` 按 Accept-Language 用中文或英文。

The interfaces of a shared credit registry, for members' programs. Get an access token of five minutes
from `/oauth/token` with a registered key, then call the others; `/v1/whoami` says what
is wrong with your set-up. Every error is application/problem+json: `code` never changes, `detail` is Chinese
or English by Accept-Language."""

TAGS = [
    {"name": "enquiries", "description": "贷前查询 · Enquiries before approval"},
    {"name": "reservations", "description": "授信占用 · Reservations"},
    {"name": "blind", "description": "盲查 · Blind mode: identifiers stay with the member"},
    {"name": "submissions", "description": "数据报送 · Submissions"},
    {"name": "audit", "description": "存证与审计 · Audit log and receipts"},
    {"name": "access", "description": "接入 · Access"},
    {"name": "operation", "description": "运行 · Operation"},
]
SCHEMES = {
    "oauth": {
        "type": "oauth2",
        "description": "private_key_jwt: ES256 or EdDSA (RFC 7523)",
        "flows": {
            "clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {name: name for name in SCOPES}}
        },
    }
}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "description": "the code's place in the documentation"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "pattern": "^H[0-9]{4}$"},
        "detail": {"type": "string", "description": "what is wrong and what to do"},
        "facts": {"type": "object", "description": "the figures in detail, for programs"},
        "errors": {
            "type": "array",
            "description": "one for each field that is wrong",
            "items": {
                "type": "object",
                "required": ["pointer", "fault", "text"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer; * for a name we do not know"},
                    "fault": {"type": "string"},
                    "text": {"type": "string"},
                },
            },
        },
        "error": {
            "type": "string",
            "description": "OAuth's word for it (RFC 6749, 5.2), from /oauth/token only",
        },
    },
}


def configure(app: APIFlask) -> None:
    """Tells APIFlask what to write, and nothing by itself; the address is not taken from a request."""
    app.config.update(
        DESCRIPTION=DESCRIPTION,
        TAGS=copy.deepcopy(TAGS),
        SERVERS=[{"url": "/"}],
        LICENSE={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        SECURITY_SCHEMES=SCHEMES,
        AUTO_404_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_200_RESPONSE=False,
    )


def document(app: APIFlask) -> dict[str, Any]:
    """The document as one object of JSON."""
    # By way of JSON: APIFlask's document shares parts, and holds types that only its own encoder knows.
    made: dict[str, Any] = _untitled(json.loads(app.json.dumps(app.spec)))
    made["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    made["components"]["headers"] = COMPONENTS
    for operations in made["paths"].values():
        for operation in operations.values():
            _settle(operation)
    told = re.findall(r"H\d{4}", json.dumps(made["paths"]))
    made["x-errors"] = {code: each for code, each in documented().items() if code in told}
    return made


def _untitled(part: Any) -> Any:
    """pydantic gives every field its own name as a title."""
    if isinstance(part, dict):
        return {
            name: _untitled(each)
            for name, each in part.items()
            if name != "title" or not isinstance(each, str) or "version" in part
        }
    return [_untitled(each) for each in part] if isinstance(part, list) else part


def _settle(operation: dict[str, Any]) -> None:
    """APIFlask writes neither that a body is required nor, without an `auth` of its own, that none is needed."""
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
    operation.setdefault("security", [])
    if not operation.get("parameters"):
        operation.pop("parameters", None)


def text(app: APIFlask) -> str:
    """The document as YAML, in one fixed form."""
    head = "# Made by `make openapi` from the routes; not edited by hand.\n"
    return head + yaml.safe_dump(document(app), allow_unicode=True, sort_keys=True, width=110)


def main() -> None:
    """Writes schemas/openapi.yaml; with --check says whether it is as it would be written (exit 1 if not)."""
    from huxin.api.app import described_app

    path: Path = schema_root() / "openapi.yaml"
    wanted = text(described_app())
    if "--check" in sys.argv[1:]:
        same = path.is_file() and path.read_text(encoding="utf-8") == wanted
        sys.exit(0 if same else "schemas/openapi.yaml is not as the routes are: run make openapi")
    path.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()

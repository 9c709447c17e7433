"""GET /v1/keys/sealing: the public keys that members seal their files with."""

from __future__ import annotations

from typing import Literal

from apiflask import APIFlask
from flask import Response
from pydantic import BaseModel, Field

from huxin.api.answers import answer
from huxin.api.caller import Access, Caller
from huxin.api.routes import Route, add
from huxin.api.shell import shell
from huxin_privacy import keyring
from huxin_privacy.intake_keys import sealing_keys

ABOUT = """文件用第一行公钥密封（`huxin-edge seal`）。首次使用前请与协会电话核对 8 位十六进制校验码。

Files are sealed to the first key (`huxin-edge seal`). Before its first use compare the eight hex digits with the
association by telephone: a key that came over a false address would open your files to somebody else."""


class SealingKeyAnswer(BaseModel):
    """A key as one line of text: huxin-seal, eight digits to compare, 32 bytes in base64."""

    key: str
    epoch: int
    state: Literal["active", "pending", "read_only"]


class SealingKeysAnswer(BaseModel):
    """`keys[0]` is the one to seal with; files sealed to the others are still opened."""

    keys: list[SealingKeyAnswer] = Field(min_length=1)


def register(app: APIFlask) -> None:
    """For members that may send files."""
    route = Route(
        "GET",
        "/v1/keys/sealing",
        "密封文件的公钥 · Public keys to seal files with",
        "submissions",
        access=Access(scope="submissions"),
        answer=SealingKeysAnswer,
        description=ABOUT,
    )
    add(app, route, sealing)


def sealing(caller: Caller) -> Response:
    """Read anew each time, so that a rotation shows at once."""
    ring = keyring.open(shell().settings.keys_dir, "intake")
    found = [
        SealingKeyAnswer.model_validate({"key": each.key.text, "epoch": each.epoch, "state": each.state})
        for each in sealing_keys(ring)
    ]
    return answer(SealingKeysAnswer(keys=found))

"""A file on its way from a member's browser: in parts, gone on with where it broke off; then checked, or filed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from huxin.console.checking import check_whole
from huxin.console.desk import desk
from huxin.console.findings import SEVERITIES, groups_of_check
from huxin.console.flashes import say
from huxin.console.member import own_member
from huxin.console.visitor import someone
from huxin.errors import HuxinError
from huxin.nightly.parts import PART, Upload, Uploads
from huxin_checks.manifest import MODES, Manifest, manifest_json, parse_manifest

blueprint = Blueprint("my_uploads", __name__, url_prefix="/my/uploads")
LIMIT = 2 << 30
CHECK_LIMIT = 50 << 20


@blueprint.post("")
def begin() -> Response:
    """Announces a file: its name and size. Tells its number and the size of a part."""
    member = own_member()
    size = request.form.get("size", "")
    if not (size.isascii() and size.isdigit() and len(size) < 16):
        abort(400)
    made = _uploads().begin(member.code, request.form.get("name", ""), int(size), LIMIT)
    return _state(made)


@blueprint.get("/<uuid:id_>/state")
def state(id_: UUID) -> Response:
    """How much of it is here, for going on after a broken connection."""
    return _state(_mine(id_))


@blueprint.post("/<uuid:id_>/parts/<int:number>")
def put(id_: UUID, number: int) -> Response:
    """Takes a part."""
    request.max_content_length = PART
    return _state(_uploads().put(own_member().code, id_, number, request.get_data(cache=False)))


@blueprint.post("/<uuid:id_>/finish")
def finish(id_: UUID) -> Response:
    """Works the manifest out of the whole file. HuxinError H0608 where it cannot be read."""
    from huxin.nightly.manifests import Wish, manifest_of  # Polars: only whoever sends a file waits for it

    member, uploads = own_member(), _uploads()
    upload = uploads.find(member.code, id_)
    seen = _seen(uploads, upload)
    made = manifest_of(desk().settings, member, seen, uploads.digest(upload), Wish())
    uploads.keep_manifest(upload, manifest_json(made))
    return jsonify(next=url_for("my_uploads.show", id_=id_))


@blueprint.get("/<uuid:id_>")
def show(id_: UUID) -> str:
    """What the file says of itself, to be looked over before it is filed."""
    upload = _mine(id_)
    return _page(upload, _manifest(upload))


@blueprint.post("/<uuid:id_>/check")
def check(id_: UUID) -> str:
    """Checks it without filing it."""
    upload = _mine(id_)
    manifest = _said(upload)
    if upload.size > CHECK_LIMIT:
        raise HuxinError("H1404", limit=CHECK_LIMIT)
    told = check_whole(upload.member, upload.name, _uploads().blocks(upload), manifest_json(manifest))
    return _page(upload, manifest, told)


@blueprint.post("/<uuid:id_>/file")
def file(id_: UUID) -> AnyResponse:
    """Files it: the very way of a file that was dropped in the inbox."""
    from huxin.nightly.filing import Filing

    member, upload = own_member(), _mine(id_)
    manifest = manifest_json(_said(upload))
    with Filing(desk().settings, member.code) as way:
        way.take(upload.name, _uploads().blocks(upload))
        received = way.file(manifest)
    _uploads().forget(id_)
    fresh = (
        gettext("文件已收到，正在校验。")
        if received.fresh
        else gettext("这份文件此前已经报送过，这是当时的批次。")
    )
    say(fresh)
    return redirect(url_for("my_files.one", id_=received.submission.id), 303)


@blueprint.post("/<uuid:id_>/drop")
def drop(id_: UUID) -> AnyResponse:
    """Lets go of it."""
    _uploads().forget(_mine(id_).id)
    say(gettext("已放弃，没有报送任何内容。"))
    return redirect(url_for("my_files.show"), 303)


def _uploads() -> Uploads:
    return Uploads(desk().settings)


def _mine(id_: UUID) -> Upload:
    return _uploads().find(someone().member, id_)


def _state(upload: Upload) -> Response:
    return jsonify(id=str(upload.id), have=upload.have, parts=upload.parts, part=PART)


def _seen(uploads: Uploads, upload: Upload) -> Any:
    from huxin_checks.read import FileRefused
    from huxin_checks.totals import look_through

    try:
        with uploads.opened(upload) as source:
            return look_through(source, upload.name)
    except FileRefused as refused:
        raise HuxinError("H0608", code=refused.code) from None
    except HuxinError:
        raise
    except BaseException as error:
        # A reader of files may give up in ways of its own, and its words may quote a cell.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise HuxinError("H0608", code="F0004") from None


def _manifest(upload: Upload) -> Manifest:
    """What was worked out. HuxinError H1414 while the file is not whole, or not looked through."""
    kept = _uploads().manifest(upload)
    if kept is None:
        raise HuxinError("H1414", missing=upload.parts - upload.have)
    return parse_manifest(kept)


def _said(upload: Upload) -> Manifest:
    """The same with the day, mode and sequence of the form; the sequence is found anew where the day is another."""
    from huxin.nightly.manifests import numbered

    made = _manifest(upload)
    try:
        day = date.fromisoformat(request.form.get("as_of_date", ""))
    except ValueError:
        day = made.as_of_date
    mode = request.form.get("mode", made.mode)
    changed = replace(made, as_of_date=day, mode=mode if mode in MODES else made.mode)
    return numbered(desk().settings, own_member(), changed)


def _page(upload: Upload, manifest: Manifest, told: dict[str, Any] | None = None) -> str:
    groups = groups_of_check(told) if told else None
    return render_template(
        "my_uploads_one.html",
        upload=upload,
        manifest=manifest,
        told=told,
        groups=groups,
        severities=SEVERITIES,
    )

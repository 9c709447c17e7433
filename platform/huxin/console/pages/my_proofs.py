"""A member's receipt, checked in its own browser: that what it sent or asked stands in the audit log, unaltered."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, render_template, request, url_for

from huxin.console.audit_words import FACTS, TOPICS, meaning
from huxin.console.desk import desk
from huxin.console.member import live
from huxin.console.pages.audit import public_keys
from huxin.console.visitor import someone
from huxin.errors import HuxinError
from huxin.registry.audit_log import consistency, inclusion
from huxin.registry.console_audit import leaf_with_proof
from huxin.registry.session import console_connection

blueprint = Blueprint("my_proofs", __name__, url_prefix="/my/proofs")
# What keeps a receipt of its own to download, by the first word of its topic.
_RECEIPTS = {"submission": "my_files.receipt", "enquiry": "my_asking.receipt"}


@blueprint.get("/<uuid:id_>")
def show(id_: UUID) -> str:
    """The newest act of an own submission, enquiry or reservation. HuxinError H1302: not in the log (yet)."""
    receipt = inclusion(live(), id_, member_id=someone().member_id)
    if receipt is None:
        raise HuxinError("H1302")
    with console_connection(desk().settings) as database:
        found = leaf_with_proof(database, receipt["number"])
    if found is None:
        raise HuxinError("H1302")
    leaf, proof = found
    record: dict[str, Any] = json.loads(leaf.record) if leaf.record else {}
    keys = "\n".join(public_keys(desk().settings))
    kept = _RECEIPTS.get(leaf.topic.partition(".")[0])
    return render_template(
        "my_proofs.html",
        leaf=leaf,
        proof=proof,
        record=record,
        keys=keys,
        topics=TOPICS,
        facts=FACTS,
        meaning=meaning,
        receipt=url_for(kept, id_=id_) if kept else None,
    )


@blueprint.get("/growth")
def growth() -> Response:
    """As for operators: that the log of `to` leaves begins with that of `from`. HuxinError H1310."""
    try:
        sizes = int(request.args.get("from", "")), int(request.args.get("to", ""))
    except ValueError:
        abort(400)
    return Response(json.dumps(consistency(live(), *sizes)), mimetype="application/json")

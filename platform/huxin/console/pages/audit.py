"""The audit log: what was done, leaf by leaf, and a proof that the reader's own browser checks."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse

from huxin.audit.notes import ZONE, log_keys
from huxin.console import xlsx
from huxin.console.desk import desk
from huxin.console.flashes import say
from huxin.console.pages import Entry
from huxin.console.paging import SIZE, Column, cursor, page_of
from huxin.registry.audit_log import consistency
from huxin.registry.console_audit import Leaf, leaf_with_proof, leaves, number_of, rows_of
from huxin.registry.session import console_connection
from huxin.settings import Settings
from huxin_privacy import keyring

blueprint = Blueprint("audit", __name__)
MENU = (Entry("audit.show", _l("存证日志"), icon="shield-check", order=75),)
_EXPORTED = 10_000
_HEAD = ("at", "topic", "id", "facts", "member")  # what the other columns say, or too much for a line
TOPICS: dict[str, Any] = {
    "enquiry.answered": _l("贷前查询及结果"),
    "reservation.granted": _l("授信占用"),
    "reservation.released": _l("占用释放"),
    "reservation.converted": _l("占用转为借据"),
    "reservation.ended": _l("占用因借据到达而结束"),
    "submission.published": _l("报送入库"),
    "submission.confirmed": _l("报送确认"),
    "submission.withdrawn": _l("报送撤回"),
    "rows.taken": _l("取走被拒收的行"),
    "subject.merged": _l("合并为同一主体"),
    "policy.proposed": _l("提出规则变更"),
    "policy.approved": _l("规则变更复核同意"),
    "policy.withdrawn": _l("撤回规则变更"),
    "policy.changed": _l("规则生效"),
    "keys.changed": _l("密钥变更"),
    "keys.first": _l("登记已有密钥"),
    "keys.new": _l("新建密钥"),
    "keys.activated": _l("启用密钥"),
    "keys.retired": _l("停用密钥"),
    "keys.destroy_requested": _l("申请销毁密钥"),
    "keys.destroy_declined": _l("销毁密钥未同意"),
    "keys.destroyed": _l("销毁密钥"),
    "keys.found": _l("补记密钥变更"),
    "keys.resealed": _l("更换主密钥"),
    "blind.key": _l("启用盲查密钥"),
    "blind.rotated": _l("更换盲查密钥"),
    "record.erased": _l("记录内容删除"),
    "credential.added": _l("登记接口密钥"),
    "credential.revoked": _l("注销接口密钥"),
    "member.added": _l("登记会员"),
    "member.set": _l("更改会员"),
    "member.suspended": _l("暂停会员"),
    "member.resumed": _l("恢复会员"),
    "member.limited": _l("收紧查询限额"),
    "member.unlimited": _l("恢复查询限额"),
    "member.onboarding": _l("开始登记会员"),
    "member.tested": _l("校验测试文件"),
    "member.activated": _l("启用会员"),
    "member.reminded": _l("催报"),
    "member.reminder_withdrawn": _l("撤回催报"),
    "member.reminder_seen": _l("会员已阅催报"),
    "nudge.words": _l("更改催报文字"),
    "member.holiday": _l("批准停报"),
    "member.extended": _l("批准延期"),
    "member.backfill": _l("批准补报"),
    "alarm.acknowledged": _l("告警已受理"),
    "alarm.closed": _l("告警已结案"),
    "honeytokens.made": _l("布设诱饵标识"),
    "honeytokens.dropped": _l("撤除诱饵标识"),
    "operator.looked": _l("运营人员查看记录"),
    "operator.listed": _l("运营人员列出记录"),
    "operator.searched": _l("运营人员按证件检索"),
    "operator.asked": _l("运营人员查询主体"),
    "person.invited": _l("邀请人员"),
    "person.joined": _l("人员加入"),
    "person.signed_in": _l("人员登录"),
    "person.role": _l("更改角色"),
    "person.password": _l("更改了密码"),
    "person.closed": _l("停用人员"),
    "person.recovery": _l("以命令重新开通人员"),
    "person.recovered": _l("人员重新开通"),
    "approval.proposed": _l("提出须复核的操作"),
    "approval.done": _l("复核同意并执行"),
    "approval.declined": _l("复核未同意"),
}
# A record keeps its names, for they are what is hashed; beside them stands what they mean.
FACTS: dict[str, Any] = {
    "at": _l("时间"),
    "topic": _l("事项"),
    "id": _l("编号"),
    "by": _l("经办"),
    "person": _l("人员"),
    "role": _l("角色"),
    "code": _l("机构"),
    "member": _l("机构内部编号"),
    "reason": _l("事由"),
    "enquiry": _l("查询编号"),
    "reservation": _l("占用编号"),
    "submission": _l("批次编号"),
    "amount": _l("金额（分）"),
    "expires_at": _l("到期时间"),
    "outcome": _l("结果"),
    "purpose": _l("用途"),
    "policy": _l("规则版本"),
    "version": _l("版本"),
    "zone": _l("密钥区"),
    "epoch": _l("密钥代"),
    "state": _l("状态"),
    "suite": _l("算法套件"),
    "check": _l("校验值"),
    "rows": _l("行数"),
    "accepted": _l("接受行数"),
    "rejected": _l("拒收行数"),
    "as_of_date": _l("数据日期"),
    "first": _l("起"),
    "last": _l("止"),
    "until": _l("截止时间"),
    "count": _l("数量"),
    "number": _l("叶子序号"),
    "pending": _l("尚未完成"),
    "act": _l("操作"),
    "facts": _l("内容"),
}


@blueprint.get("/audit")
def show() -> str | AnyResponse:
    """The log from its newest leaf down; by a record's number straight to its leaf."""
    if request.args.get("id"):
        return _by_id(request.args["id"])
    page = page_of(_leaves(SIZE + 1), lambda leaf: str(leaf.number))
    return render_template(
        "audit.html", page=page, columns=_columns(), topics=TOPICS, topic=_topic(), said=_said
    )


@blueprint.get("/audit.xlsx")
def export() -> Response:
    """What the filter leaves, as a workbook."""
    rows = (
        [n.number, n.recorded_at, TOPICS.get(n.topic, n.topic), n.member, n.record]
        for n in _leaves(_EXPORTED)
    )
    return xlsx.download("audit", [column.label for column in _columns()], rows, _EXPORTED)


@blueprint.get("/audit/<int:number>")
def leaf(number: int) -> str:
    """One leaf, its proof, and the public keys that it is checked with."""
    with console_connection(desk().settings) as database:
        found = leaf_with_proof(database, number)
    if found is None:
        abort(404)
    leaf_, proof = found
    record = json.loads(leaf_.record) if leaf_.record else {}
    keys = "\n".join(public_keys(desk().settings))
    return render_template(
        "audit_leaf.html", leaf=leaf_, proof=proof, record=record, keys=keys, topics=TOPICS, facts=FACTS
    )


@blueprint.get("/audit/growth")
def growth() -> Response:
    """The proof that the log of `to` leaves begins with that of `from`, as JSON. HuxinError H1310."""
    try:
        sizes = int(request.args.get("from", "")), int(request.args.get("to", ""))
    except ValueError:
        abort(400)
    with console_connection(desk().settings) as database:
        return Response(json.dumps(consistency(rows_of(database), *sizes)), mimetype="application/json")


@lru_cache(maxsize=4)
def public_keys(settings: Settings) -> tuple[str, ...]:
    """The log's public keys, one a line; only these are kept of the keyring."""
    return tuple(key.text for key in log_keys(keyring.open(settings.keys_dir, ZONE)).verifiers)


def _by_id(text: str) -> AnyResponse:
    try:
        id_ = UUID(text.strip())
    except ValueError:
        id_ = None
    with console_connection(desk().settings) as database:
        number = number_of(database, id_) if id_ else None
    if number is None:
        say(gettext("存证日志中没有这个编号。刚发生的事项最迟一分钟后写入。"), "warning")
        return redirect(url_for("audit.show"), 303)
    return redirect(url_for("audit.leaf", number=number), 303)


def _leaves(most: int) -> list[Leaf]:
    after = cursor()
    if after is not None and not (after.isascii() and after.isdigit() and len(after) < 19):
        abort(400)
    with console_connection(desk().settings) as database:
        return leaves(database, _topic(), None if after is None else int(after), most)


def _topic() -> str | None:
    topic = request.args.get("topic")
    return topic if topic in TOPICS else None


def _said(record: str) -> str:
    """A record's facts in words, as far as there are words: the whole of it stands on the leaf's own page."""
    facts = json.loads(record)
    known = [f"{FACTS[name]} {facts[name]}" for name in FACTS if name in facts and name not in _HEAD]
    return " · ".join(known) or record


def _columns() -> list[Column]:
    names = (_l("序号"), _l("时间"), _l("事项"), _l("会员"), _l("内容"))
    return [Column(names[0], numeric=True), *(Column(name) for name in names[1:])]

"""The answer of an enquiry as it is described to programs, in the words of docs/answer.md; huxin.decision makes it.

What a tier does not show is not there, so most is optional; a test holds the two together with docs/answer.md.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from huxin.decision.codes import CLASSES
from huxin.decision.texts import FLAGS


def _unsaid(schema: dict[str, Any]) -> None:
    schema.pop("default")


def _shown(description: str) -> Any:
    """A field that is there only where the member's tier shows it: neither needed nor null."""
    return Field(default=None, description=description, json_schema_extra=_unsaid)


def _names(names: tuple[str, ...]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(names)})


_MONEY = r"^[0-9]+\.[0-9]{2}(-[0-9]+\.[0-9]{2}|\+)?$"
Money = Annotated[str, WithJsonSchema({"type": "string", "pattern": _MONEY})]
ClassName = Annotated[str, _names(CLASSES[1:])]


class Reason(BaseModel):
    """Why a flag fired, ready to be told to the subject. 可直接告知数据主体"""

    zh: str
    en: str


class Flag(BaseModel):
    """One rule of the policy that fired. 预警标志"""

    code: Annotated[str, _names(FLAGS)] = Field(description="see docs/answer.md for each · 标志代码")
    level: Literal["info", "refer", "ineligible"] = Field(description="info decides nothing · 级别")
    reason: Reason
    figures: dict[str, Any] = Field(description="behind the reason; they depend on the code · 依据的数值")


class Pending(BaseModel):
    """Reservations that still hold. 授信占用"""

    count: int = Field(description="how many · 笔数")
    amount: Money = Field(description="their amounts · 金额")


class ExposurePart(BaseModel):
    """Over open loans as primary or co-borrower. Amounts in yuan, exact or the band they lie in. 金额为精确值或区间"""

    lenders: int = Field(description="members with an open loan · 放款机构数")
    open_loans: int = Field(description="open loans · 未结清借据数")
    outstanding: Money = Field(description="their balances · 余额")
    monthly_debt_service: Money = Field(description="what they cost a month · 月还款额")
    guaranteed_loans: int = Field(description="open loans that the subject guarantees · 对外担保笔数")
    guaranteed_balance: Money = Field(description="their balances · 对外担保余额")
    pending_reservations: Pending


class Exposure(BaseModel):
    """What the subject owes, to all members together; a tier without this section sees `lenders` only. 总敞口"""

    lenders: int = Field(description="members with an open loan · 放款机构数")
    open_loans: int = _shown("open loans · 未结清借据数")
    outstanding: Money = _shown("their balances · 余额")
    monthly_debt_service: Money = _shown("what they cost a month · 月还款额")
    guaranteed_loans: int = _shown("open loans that the subject guarantees · 对外担保笔数")
    guaranteed_balance: Money = _shown("their balances · 对外担保余额")
    pending_reservations: Pending = _shown("reservations that still hold · 授信占用")
    own: ExposurePart = _shown("the asking member's part · 其中本机构")
    others: ExposurePart = _shown("the other members' part · 其中其他机构")


class Delinquency(BaseModel):
    """Arrears and how loans ended, as far as they are still shown. 逾期与不良"""

    worst_class: ClassName | None = Field(
        description="worst class among open loans; null without one · 当前最差五级分类"
    )
    cross_member: bool = Field(description="the cross-member rule classes the subject · 跨机构规则")
    max_dpd_now: int = Field(description="greatest days past due among open loans · 当前最长逾期天数")
    max_dpd_24m: int = Field(description="greatest in 24 months · 近 24 个月最长逾期天数")
    past_defaults: int = Field(description="closed loans that ended in default · 历史违约笔数")
    restructured: bool = Field(description="an open loan was restructured or partly waived · 有重组")
    hardship: bool = Field(description="an open loan is under a hardship arrangement · 有纾困")


class Window(BaseModel):
    """Enquiries within so many days, for an application or a guarantee. 近若干天查询"""

    all: int = Field(description="all of them · 合计")
    own: int = Field(description="the asking member's · 本机构")
    others: int = Field(description="all others' · 其他机构")
    by_kind: dict[str, int] | None = Field(description="null where the tier does not show it · 按机构类型")


class Windows(BaseModel):
    """By windows of days. 按天数窗口"""

    d7: Window
    d15: Window
    d30: Window
    d90: Window
    d180: Window
    d365: Window


class MobileWindows(Windows):
    """By the mobile number asked with. 按手机号"""

    subjects: int = Field(
        description="subjects that carry the number, the one asked about included · 该手机号关联主体数（含所查主体）"
    )


class Enquiries(BaseModel):
    """Who asked about the subject before. 此前的查询"""

    by_subject: Windows = Field(description="by identifier · 按证件")
    by_mobile: MobileWindows | None = Field(
        description="null when no mobile was given, or none that can be a mainland one · 按手机号"
    )
    other_lenders_d30: int = Field(
        description="other members that asked within 30 days · 近 30 天其他查询机构数"
    )


class Match(BaseModel):
    """Whether the names agree. 姓名匹配"""

    grade: Literal["none", "identifier", "full", "partial", "differs"] = Field(description="匹配等级")
    name_agrees: bool | None = Field(description="null without any name to compare · 姓名是否一致")


class CoverageTold(BaseModel):
    """How whole the picture is. 覆盖情况"""

    members: int = Field(description="active members · 正常会员数")
    reported: int = Field(description="those that reported within the policy's days · 已报送会员数")
    share: str | None = Field(description="four decimals, rounded down; null without members · 覆盖比例")
    oldest_as_of: str | None = Field(description="oldest of their newest as-of dates · 最早数据日期")


class Promise(BaseModel):
    """Signed: what is told here will stand in the log within a minute (docs/audit.md). 已签名：一分钟内入日志"""

    leaf: str
    at: str
    log: str
    within_s: int
    key: str
    signature: str
    record: str = _shown("what will be logged; of an enquiry with the SHA-256 of the answer · 将入日志的记录")
    salt: str = _shown("that the leaf is made with · 盐值")


class Answered(BaseModel):
    """The answer; what is shown depends on your tier, and docs/answer.md explains every field. 按会员等级给出"""

    model_config = ConfigDict(extra="allow")
    enquiry_id: UUID
    asked_at: str
    handle: str = Field(description="what you may call the subject by; nobody else's handle · 回执句柄")
    outcome: Literal["eligible", "refer", "ineligible"] = Field(
        description="the worst level among the flags · 结论"
    )
    subject_known: bool = _shown("whether the subject has any loan, open or not · 是否有借据记录")
    flags: list[Flag] = _shown("what of the policy fired; empty when nothing did · 预警标志")
    exposure: Exposure
    delinquency: Delinquency = _shown("逾期与不良 · arrears and defaults")
    enquiries: Enquiries = _shown("who asked before · 此前的查询")
    match: Match = _shown("whether the names agree · 姓名匹配")
    coverage: CoverageTold
    policy: str = Field(description="version of the policy it was made by · 准入规则版本")
    tier: str = Field(description="the tier it was cut to · 会员等级")
    promise: Promise

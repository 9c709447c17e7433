"""States of days and files, kinds of alarms, reasons and roles of checks as pages say them."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import lazy_gettext as _l

from huxin.console.shape import Chip
from huxin.contract import State
from huxin.oversight import calendar as days

DAY_CHIPS: Final[dict[str, Chip]] = {
    days.REPORTED: Chip("✓", _l("已报"), "green"),
    days.LATE: Chip("△", _l("迟报"), "yellow"),
    days.BACKFILLED: Chip("◇", _l("已补报"), "lime"),
    days.WAITING: Chip("?", _l("待确认"), "orange"),
    days.NOT_DUE: Chip("·", _l("未到期"), "secondary"),
    days.EXTENDED: Chip("→", _l("延期中"), "azure"),
    days.BACKFILL_OPEN: Chip("↺", _l("待补报"), "orange"),
    days.MISSING: Chip("✗", _l("缺报"), "red"),
    days.DAY_OFF: Chip("H", _l("停报"), "blue"),
    days.NONE: Chip("—", _l("不适用"), "secondary"),
}
# For the heat-map, from good to bad: a number a state, and the colour that belongs to it.
DAY_ORDER: Final = tuple(DAY_CHIPS)
DAY_COLOURS: Final = {
    days.REPORTED: "#2fb344",
    days.LATE: "#f2b705",
    days.BACKFILLED: "#9bcf53",
    days.WAITING: "#f76707",
    days.NOT_DUE: "#e6e7e9",
    days.EXTENDED: "#4299e1",
    days.BACKFILL_OPEN: "#f59f00",
    days.MISSING: "#d63939",
    days.DAY_OFF: "#a5c9f3",
    days.NONE: "#ffffff",
}
STATE_CHIPS: Final[dict[State, Chip]] = {
    State.RECEIVED: Chip(1, _l("已接收"), "secondary"),
    State.VALIDATED: Chip(2, _l("已校验"), "secondary"),
    State.PSEUDONYMIZED: Chip(3, _l("已假名化"), "secondary"),
    State.AWAITING_CONFIRMATION: Chip(4, _l("待确认"), "orange"),
    State.PUBLISHED: Chip(5, _l("已入库"), "green"),
    State.REFUSED: Chip(6, _l("已拒收"), "red"),
    State.WITHDRAWN: Chip(7, _l("已撤回"), "yellow"),
}
MODES: Final[dict[int | None, Any]] = {1: _l("全量"), 2: _l("增量"), 3: _l("更正")}
TERMS: Final[dict[str, Any]] = {"holiday": _l("停报"), "extension": _l("延期"), "backfill": _l("补报")}
ALARM_KINDS: Final[dict[str, Any]] = {
    "hit_rate": _l("命中率异常"),
    "conversion": _l("查而不贷"),
    "repeated": _l("反复查询同一主体"),
    "unreported": _l("转贷款后未报送"),
    "quota": _l("超出配额"),
    "honeytoken": _l("查询了诱饵标识"),
    "honeytoken_loan": _l("报送了诱饵标识"),
}
ALARM_CHIPS: Final[dict[str, Chip]] = {
    "open": Chip(1, _l("待处理"), "red"),
    "acknowledged": Chip(2, _l("已受理"), "orange"),
    "closed": Chip(3, _l("已关闭"), "green"),
}
FIGURES: Final[dict[str, Any]] = {
    "against": _l("异于"),
    "enquiries": _l("查询次数"),
    "known": _l("命中次数"),
    "share": _l("占比（%）"),
    "usual_own": _l("本机构平常（%）"),
    "usual_sector": _l("同业平常（%）"),
    "subjects": _l("主体数"),
    "borrowers": _l("放款主体数"),
    "staff": _l("查询人员数"),
    "last_enquiry": _l("最近一次查询"),
    "reservations": _l("占用笔数"),
    "quota": _l("配额"),
    "asked": _l("当日查询"),
    "refused": _l("被拒次数"),
}
# What a share is unlike, in the figures' `against`.
USUAL: Final[dict[str, Any]] = {"own": _l("本机构平常"), "sector": _l("同业平常")}
CLASSES: Final[dict[int, Any]] = {1: _l("正常"), 2: _l("关注"), 3: _l("次级"), 4: _l("可疑"), 5: _l("损失")}
PARTS: Final[dict[str, Any]] = {
    "timeliness": _l("及时"),
    "rejects": _l("拒收"),
    "completeness": _l("完整"),
    "stability": _l("稳定"),
}

"""The demo's night: six members' real-format files through the real DAG, and what the registry then says."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from rich.table import Table

from huxin.contract import load_contract, load_states
from huxin.demo.stage import Stage
from huxin.enquiry.ask import Answer, Question, answer_object, ask, coverage
from huxin.registry.session import connection
from huxin.registry.submissions import Submission, every, member_codes
from huxin.settings import Settings

EXAMPLES = Path(__file__).parents[3] / "examples" / "nightly"
NAMES = {
    "M0001": "津融小额贷款",
    "M0002": "海河小额贷款",
    "M0003": "滨海小额贷款",
    "M0004": "蓟州惠农小额贷款",
    "M0005": "南开小额贷款",
    "M0006": "东丽小额贷款",
}
SHOWN = 5
_STEPS = {
    "airflow": ("Airflow 元数据库", "Airflow's tables"),
    "receive": ("接收", "receive"),
    "validate": ("校验", "validate"),
    "pseudonymize": ("假名化", "pseudonymize"),
    "load": ("入库", "load"),
    "report": ("退回", "report"),
    "summary": ("汇总", "summary"),
}
_EVENTS = {
    "started": ("…", "…"),
    "finished": ("完成", "done"),
    "again": ("失败，将重试", "failed, to be tried again"),
    "failed": ("失败", "failed"),
}


def run_night(settings: Settings, stage: Stage) -> None:
    """Copies the examples into the inbox and runs the real DAG over them."""
    from huxin.nightly.airflow_run import TaskEvent, run_dag_once  # after the first lines: it takes a while

    def tell(event: TaskEvent) -> None:
        words = _EVENTS.get(event.event)
        step = _STEPS[event.step][0 if stage.zh else 1]
        group = (
            ""
            if event.group is None
            else f" {'第' if stage.zh else 'group '}{event.group}{'组' if stage.zh else ''}"
        )
        if words:
            stage.say(f"  {step}{group} {words[0]}", f"  {step}{group} {words[1]}")

    inbox = settings.home / "inbox"
    for folder in sorted(EXAMPLES.iterdir()):
        if folder.is_dir():
            shutil.copytree(folder, inbox / folder.name, dirs_exist_ok=True)
    stage.say(
        "六家机构的文件已放入收报目录，启动 Airflow …",
        "six members' files lie in the inbox; starting Airflow …",
    )
    run_dag_once(settings, inbox, tell)


def print_account(settings: Settings, stage: Stage) -> None:
    """Per member: rows, accepted, rejected, top findings."""
    with connection(settings) as database:
        items, codes = every(database), member_codes(database)
    heads = ("机构", "文件", "状态", "行数", "入库", "拒收", "主要错误")
    english = ("member", "file", "state", "rows", "accepted", "rejected", "top findings")
    table = Table(*(heads if stage.zh else english), title="本夜报送" if stage.zh else "The night")
    states = {state.number: state.zh if stage.zh else state.en for state in load_states()}
    # Steps side by side end in any order; who looks for a member goes by its code.
    for code, item in sorted(((codes.get(each.member_id, each.sender), each) for each in items), key=_code):
        figures = (str(item.rows or 0), str(item.accepted or 0), str(item.rejected or 0))
        table.add_row(code, item.file, states[item.state], *figures, _top(item, stage.zh))
    stage.console.print(table)


def _code(each: tuple[str, Submission]) -> str:
    return each[0]


def _top(item: Submission, zh: bool) -> str:
    """The refusing code, or the three most frequent ones of rejected rows, with their words."""
    contract = load_contract()
    own = item.facts.get("code")
    codes = (
        {own: 1} if own else {c: n for c, n in item.codes.items() if contract.check(c).severity == "reject"}
    )
    top = sorted(codes.items(), key=lambda each: (-each[1], each[0]))[:3]
    words = ((code, n, contract.check(code).zh if zh else contract.check(code).en) for code, n in top)
    return "\n".join(f"{code}×{n} {re.split('[（，。(.;]', text)[0]}" for code, n, text in words)


def print_questions(settings: Settings, stage: Stage) -> None:
    """A few subjects of the samples, as member M0001 would ask; numbers are shown masked."""
    subjects = _subjects()
    questions = [Question(each["id_type"], each["id_no"]) for each in subjects]
    answers = ask(settings, "M0001", questions)
    heads = ("主体", "机构数", "未结清笔数", "余额（元）", "最长逾期（天）", "担保笔数")
    english = ("subject", "lenders", "open loans", "outstanding", "most days past due", "guaranteed")
    table = Table(*(heads if stage.zh else english), title="M0001 贷前查询" if stage.zh else "M0001 asks")
    for question, answer in zip(questions, answers, strict=True):
        table.add_row(masked(question.id_type, question.id_no, stage.zh), *_cells(answer))
    stage.console.print(table)
    told = coverage(settings)
    stage.say(
        f"覆盖：{told['members']} 家会员中 {told['reported']} 家已报送。任何答案都不指明是哪家机构。",
        f"Coverage: {told['reported']} of {told['members']} members reported. No answer names a member.",
    )


def example_subjects() -> list[dict[str, Any]]:
    """What is true of the examples' subjects, each with its identifier."""
    truth: list[dict[str, Any]] = json.loads((EXAMPLES / "truth.json").read_text(encoding="utf-8"))[
        "subjects"
    ]
    return sorted(truth, key=lambda each: str(each["id_no"]))


def _subjects() -> list[dict[str, Any]]:
    """The subjects with most lenders, the longest overdue one and one that nobody knows."""
    truth = example_subjects()
    most = sorted(truth, key=lambda each: (-each["lenders"], each["id_no"]))[: SHOWN - 2]
    worst = max(truth, key=lambda each: each["max_dpd"])
    return [*most, worst, {"id_type": "resident_id", "id_no": "11010519491231002X"}]


def masked(id_type: str, id_no: str, zh: bool) -> str:
    """An identifier as it may be shown, its type as a file may write it in Chinese or English."""
    labels = {label.name: label.zh for label in load_contract().field("id_type").labels}
    return f"{labels[id_type] if zh else id_type} {id_no[:2]}{'*' * (len(id_no) - 4)}{id_no[-2:]}"


def _cells(answer: Answer) -> tuple[str, ...]:
    said = answer_object(answer)
    names = ("lenders", "open_loans", "outstanding", "max_dpd", "guaranteed_loans")
    return tuple(str(said.get(name, "")) for name in names)

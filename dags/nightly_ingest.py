"""The night's order and schedule: receive, then group by group validate, pseudonymize, load, report; at last a summary.

What a step does stands in `huxin.nightly.tasks`. Here are only names, order, retries and time limits, and nothing
heavy is imported while the file is parsed. Between tasks go submission ids and counts: no path, name or key.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from typing import Any

from airflow.sdk import (
    Asset,
    CronTriggerTimetable,
    Param,
    TriggerRule,
    dag,
    get_current_context,
    task,
    task_group,
)

SHANGHAI = "Asia/Shanghai"
HOUR, MINUTE = map(int, os.environ.get("HUXIN_NIGHT_AT", "22:30").split(":"))
REGISTRY = Asset(
    name="huxin_registry",
    uri="huxin://registry/loans",
    extra={"zh": "全部会员已入库的借据", "en": "the published loans of every member"},
)
STEP = {
    # Each step takes up where it stopped, so trying again is always safe.
    "retries": 2,
    "retry_delay": timedelta(seconds=float(os.environ.get("HUXIN_RETRY_SECONDS", "20"))),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
    "execution_timeout": timedelta(hours=2),
}
GROUP_NAME = "第 {{ ti.map_index + 1 }} 组 · group {{ ti.map_index + 1 }}"

ABOUT = """
### 夜间入库

会员机构把报送文件和清单放进各自的收报目录。每晚 22:30（北京时间）：

1. **接收**：封存完整到达的文件并登记，按大小均分成若干组；
2. 每组依次 **校验 → 假名化 → 入库 → 退回**，各组互不等待，一组失败不影响其他组；
3. **汇总**：有组失败时本次运行记为失败，其余各组照常入库。

重新运行总是安全的：已接收的不会再次接收，中断的从原处继续。任务之间只传批次编号和计数；
密钥由任务自行从 `HUXIN_HOME` 打开，Airflow 中没有密钥、连接或证件号码。

### The night's intake

Members leave their files, each with its manifest, in folders of their own. At 22:30 Shanghai time:

1. **receive** seals and records what has arrived whole, and makes groups of about the same size;
2. each group goes through **validate → pseudonymize → load → report**; no group waits for another, and one that
   fails does not hold the others;
3. **summary** makes the run fail if a group failed; the others are published all the same.

A run can always be repeated: nothing is received twice, and what was interrupted goes on. Between tasks go
submission ids and counts; the tasks open the keyrings from `HUXIN_HOME` themselves, and Airflow holds no key,
connection or identifier.
"""

RECEIVE = """
**接收** 封存收报目录中附有清单的文件，登记批次，并把未完成的批次按大小分组。收报目录为空时正常结束。

**Receive** seals the files that lie in the inbox with a manifest, records a submission for each, and groups whatever
is unfinished by size. With an empty inbox the run ends green and says so.
"""

VALIDATE = """
**校验** 用 Great Expectations 检查每一行：合格的行封存待用，不合格的行隔离，整份不可接受的文件拒收。

**Validate** checks every row with Great Expectations: good rows are sealed for the next step, bad ones quarantined,
and a file that cannot be taken is refused.
"""

PSEUDONYMIZE = """
**假名化** 把证件号码、手机号和姓名换成假名标识，含有它们的文件随即删除。

**Pseudonymize** turns ID numbers, mobiles and names into tokens; the files that held them are removed at once.
"""

LOAD = """
**入库** 在一个事务中写入有变化的借据及其历史并发布；消失的借据过多时，该批次等待会员确认。

**Load** writes what changed, with its history, and publishes it in one transaction; a submission from which too many
loans vanished waits for its member's word.
"""

REPORT = """
**退回** 把被拒收的行连同原因放进该会员自己的收报目录（`returned`），并在日志中记下每个批次的计数。

**Report** puts rejected rows with their reasons into the member's own inbox folder (`returned`) and logs the counts
of each submission.
"""

SUMMARY = """
**汇总** 统计本次运行的批次；有未完成的批次时运行记为失败（H1001），再次运行即从原处继续。

**Summary** counts the run's submissions; if one was left unfinished the run fails (H1001), and the next run goes on
from there.
"""


@task(task_display_name="接收 · receive", doc_md=RECEIVE, **STEP)
def receive() -> list[list[str]]:
    from huxin.nightly import tasks

    return tasks.receive_groups(int(get_current_context()["params"]["groups"]))


@task(task_display_name="校验 · validate", doc_md=VALIDATE, map_index_template=GROUP_NAME, **STEP)
def validate(ids: list[str]) -> list[str]:
    return _step("validate", ids)


@task(task_display_name="假名化 · pseudonymize", doc_md=PSEUDONYMIZE, map_index_template=GROUP_NAME, **STEP)
def pseudonymize(ids: list[str]) -> list[str]:
    return _step("pseudonymize", ids)


@task(task_display_name="入库 · load", doc_md=LOAD, map_index_template=GROUP_NAME, outlets=[REGISTRY], **STEP)
def load(ids: list[str]) -> list[str]:
    return _step("load", ids)


@task(task_display_name="退回 · report", doc_md=REPORT, map_index_template=GROUP_NAME, **STEP)
def report(ids: list[str]) -> list[str]:
    return _step("report", ids)


@task(
    task_display_name="汇总 · summary",
    doc_md=SUMMARY,
    trigger_rule=TriggerRule.ALL_DONE,
    retries=0,
    execution_timeout=timedelta(minutes=10),
)
def summary(groups: list[list[str]]) -> dict[str, int]:
    from huxin.nightly import tasks

    return tasks.summarise(groups)


def _step(step: str, ids: list[str]) -> list[str]:
    """One step over one group; on its last try a submission that fails is left behind, so that the others go on."""
    from huxin.nightly import tasks

    instance: Any = get_current_context()["ti"]
    last_try = instance.try_number > instance.max_tries
    return tasks.work(step, ids, group=instance.map_index + 1, last_try=last_try)


@task_group(group_id="group", tooltip="一组批次，与其他组并行 · one group of submissions, beside the others")
def group(ids: list[str]) -> None:
    report(load(pseudonymize(validate(ids))))


@dag(
    dag_id="nightly_ingest",
    dag_display_name="夜间入库 · nightly ingest",
    description="会员报送文件入库：接收、校验、假名化、入库、退回 · members' files into the registry",
    doc_md=ABOUT,
    # No start date: the first night is the next one, also where the scheduler starts in the middle of a day.
    schedule=CronTriggerTimetable(f"{MINUTE} {HOUR} * * *", timezone=SHANGHAI),
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=1,
    params={
        "groups": Param(
            int(os.environ.get("HUXIN_GROUPS", "4")),
            type="integer",
            minimum=1,
            maximum=64,
            title="组数 · number of groups",
            description="至多分成几组并行处理 · at most so many groups side by side",
        )
    },
    tags=["huxin", "nightly"],
)
def nightly_ingest() -> None:
    groups = receive()
    group.expand(ids=groups) >> summary(groups)


# Where the platform is split, each zone's Airflow runs its own: docker/compose.zones.yaml.
if "nightly_ingest" in (os.environ.get("HUXIN_DAGS") or "nightly_ingest").split(","):
    night = nightly_ingest()

if __name__ == "__main__":  # one night in this process, without a scheduler
    from airflow.utils.db import initdb

    from huxin.nightly.tasks import tell

    tell("airflow", "started")
    initdb()  # makes or migrates Airflow's own tables
    tell("airflow", "finished")
    code = 0 if night.test().state == "success" else 1
    sys.stdout.flush()
    os._exit(code)  # taking the interpreter apart in good order takes three seconds and more

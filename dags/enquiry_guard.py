"""The guard's order and schedule: the monitors over members' enquiries, every hour.

What they do stands in `huxin.oversight`. Nothing heavy is imported while the file is parsed, and a task returns counts.
"""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task

SHANGHAI = "Asia/Shanghai"

ABOUT = """
### 查询监测

每小时一次（北京时间每小时第 7 分）：命中率、查而不贷、反复查询、超出配额、报送诱饵标识。发现异常即生成告警，
由运营管理员用 `huxin alarms` 处理；不影响任何一次查询。错过的一次不必补：下一次会看完全部未看的查询。

### The guard

Every hour, at seven minutes past: shares of hits, enquiries that become no loans, subjects asked about again and again,
quotas, honeytokens that were reported. What is out of the ordinary raises an alarm, which operators see with
`huxin alarms`; no enquiry is touched. A run that was missed need not be made up for: the next one looks at all that
was not looked at.
"""

RUN = """
**监测** 运行全部监测，返回发现数和新增告警数。

**Guard** runs every monitor and returns how much was found and how many alarms are new.
"""


@task(
    task_display_name="监测 · guard",
    doc_md=RUN,
    retries=2,
    retry_delay=timedelta(minutes=2),
    execution_timeout=timedelta(minutes=50),
)
def guard() -> dict[str, int]:
    from huxin.oversight.tasks import run

    return run()


@dag(
    dag_id="enquiry_guard",
    dag_display_name="查询监测 · guard",
    description="会员查询的异常监测 · members' enquiries that are out of the ordinary",
    doc_md=ABOUT,
    schedule=CronTriggerTimetable("7 * * * *", timezone=SHANGHAI),
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=1,
    tags=["huxin", "guard"],
)
def watch_enquiries() -> None:
    guard()


# Where the platform is split, each zone's Airflow runs its own: docker/compose.zones.yaml.
if "enquiry_guard" in (os.environ.get("HUXIN_DAGS") or "enquiry_guard").split(","):
    watch_enquiries()

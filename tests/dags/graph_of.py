"""Prints the DAGs of a folder as JSON: what parsing imported, the graph, and what each task says of itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import airflow.sdk
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

HEAVY = ("huxin", "polars", "great_expectations", "numpy", "pandas", "pyarrow", "numba", "yaml")


def told(dag: Any) -> dict[str, Any]:
    """A DAG, and its tasks by id, in plain values."""
    tasks = {task.task_id: described(task) for task in dag.tasks}
    return {
        "tasks": tasks,
        "doc": dag.doc_md,
        "display": dag.dag_display_name,
        "active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "timetable": json.loads(json.dumps(DagSerialization.serialize_dag(dag)["timetable"])),
        "groups": dag.params.get("groups"),
    }


def described(task: Any) -> dict[str, Any]:
    kwargs = getattr(task, "partial_kwargs", None) or {}
    return {
        "upstream": sorted(task.upstream_task_ids),
        "mapped_by": task.task_group.group_id if task.get_closest_mapped_task_group() else None,
        "retries": task.retries,
        "delay": task.retry_delay.total_seconds(),
        "timeout": task.execution_timeout.total_seconds() if task.execution_timeout else None,
        "rule": str(task.trigger_rule.value),
        "doc": task.doc_md if task.doc_md is not None else kwargs.get("doc_md"),
        "display": task.task_display_name,
        "outlets": [asset.name for asset in task.outlets],
    }


# The folder's files are parsed in a process where Airflow itself is already there: the rest is their doing.
assert airflow.sdk.dag
before = set(sys.modules)
bag = DagBag(dag_folder=Path(sys.argv[1]))
loaded = {name.split(".")[0] for name in set(sys.modules) - before}
result = {
    "errors": list(bag.import_errors.values()),
    "heavy": sorted(loaded & set(HEAVY)),
    "already": sorted({name.split(".")[0] for name in before} & set(HEAVY)),
    "dags": {dag_id: told(dag) for dag_id, dag in bag.dags.items()},
}
print("GRAPH " + json.dumps(result))

"""The DAG file: it imports clean and light, its graph is the night's, and every part says what it does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from huxin.errors import HuxinError
from huxin.nightly import airflow_home
from huxin.registry.audit_acts import note_operator_act
from huxin.registry.session import connection
from huxin.settings import Settings

STEPS = ["group.validate", "group.pseudonymize", "group.load", "group.report"]
UNREACHABLE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The DAGs as another process parses them, with no database and no network within reach.

    Their folder is named, as in the image: naming it chooses none of them.
    """
    folder = airflow_home.dags_folder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUXIN_DAGS_FOLDER", str(folder))
        return parsed(folder, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def night(graph: dict[str, Any]) -> dict[str, Any]:
    dag: dict[str, Any] = graph["dags"]["nightly_ingest"]
    return dag


def parsed(folder: Path, home: Path) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUXIN_AIRFLOW_DATABASE_URL", UNREACHABLE)
        environment = airflow_home.airflow_environment(Settings(home=home), home / "inbox")
    command = [sys.executable, str(Path(__file__).with_name("graph_of.py")), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("GRAPH ")]
    assert lines, done.stdout[-2000:] + done.stderr[-2000:]
    result: dict[str, Any] = json.loads(lines[0].removeprefix("GRAPH "))
    return result


def test_every_file_imports_clean(graph: dict[str, Any]) -> None:
    assert graph["errors"] == []
    assert set(graph["dags"]) == {"nightly_ingest", "enquiry_guard"}


def test_parsing_imports_nothing_heavy(graph: dict[str, Any]) -> None:
    """The DAG processor parses every 30 seconds: the steps' libraries wait until a task runs."""
    assert graph["heavy"] == []
    assert "huxin" not in graph["already"]
    assert "great_expectations" not in graph["already"]


def test_the_parse_test_can_fail(tmp_path: Path) -> None:
    source = (airflow_home.dags_folder() / "nightly_ingest.py").read_text(encoding="utf-8")
    heavy = source.replace("import os\n", "import os\nimport huxin.nightly.tasks\n", 1)
    (tmp_path / "heavy.py").write_text(heavy, encoding="utf-8")
    (tmp_path / "broken.py").write_text(
        "from airflow.sdk import dag, nothing_of_that_name\n", encoding="utf-8"
    )
    found = parsed(tmp_path, tmp_path / "home")
    assert "huxin" in found["heavy"]
    assert len(found["errors"]) == 1


def test_the_graph_is_receive_then_each_group_on_its_own_then_summary(night: dict[str, Any]) -> None:
    upstream = {name: task["upstream"] for name, task in night["tasks"].items()}
    assert upstream == {
        "receive": [],
        "group.validate": ["receive"],
        "group.pseudonymize": ["group.validate"],
        "group.load": ["group.pseudonymize"],
        "group.report": ["group.load"],
        "summary": ["group.report", "receive"],
    }
    # All four in one mapped group: a task then waits for its own group's only.
    assert {name: task["mapped_by"] for name, task in night["tasks"].items()} == {
        "receive": None,
        "summary": None,
        **dict.fromkeys(STEPS, "group"),
    }


def test_steps_are_tried_thrice_and_never_run_for_ever(night: dict[str, Any]) -> None:
    for name in ["receive", *STEPS]:
        task = night["tasks"][name]
        assert (task["retries"], task["delay"]) == (2, 20.0)
        assert task["timeout"] == 7200
    assert night["tasks"]["summary"]["retries"] == 0
    assert night["tasks"]["summary"]["timeout"] == 600


def test_the_summary_comes_whatever_became_of_the_groups(night: dict[str, Any]) -> None:
    rules = {name: task["rule"] for name, task in night["tasks"].items()}
    assert rules == {name: "all_done" if name == "summary" else "all_success" for name in night["tasks"]}


def test_loading_tells_of_the_registry(night: dict[str, Any]) -> None:
    told = {name: task["outlets"] for name, task in night["tasks"].items() if task["outlets"]}
    assert told == {"group.load": ["huxin_registry"]}


def test_one_night_at_a_time_every_evening_in_shanghai(night: dict[str, Any]) -> None:
    assert (night["active_runs"], night["catchup"]) == (1, False)
    assert re.search(r"30 22 \* \* \*", json.dumps(night["timetable"]))
    assert "Asia/Shanghai" in json.dumps(night["timetable"])
    assert night["groups"] == 4


def test_the_guard_is_one_task_every_hour_that_may_be_tried_again(graph: dict[str, Any]) -> None:
    guard = graph["dags"]["enquiry_guard"]
    assert list(guard["tasks"]) == ["guard"]
    assert (guard["tasks"]["guard"]["retries"], guard["tasks"]["guard"]["timeout"]) == (2, 3000)
    assert (guard["active_runs"], guard["catchup"]) == (1, False)
    assert re.search(r"7 \* \* \* \*", json.dumps(guard["timetable"]))


def test_dags_and_tasks_explain_themselves_in_both_languages(graph: dict[str, Any]) -> None:
    for part in [part for dag in graph["dags"].values() for part in [dag, *dag["tasks"].values()]]:
        for text in (part["doc"], part["display"]):
            assert re.search(r"[\u4e00-\u9fff]{2}", text)
            assert re.search(r"[A-Za-z]{4}", text)


def test_secrets_and_folders_are_the_owners_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUXIN_AIRFLOW_DATABASE_URL", UNREACHABLE)
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", "http://elsewhere")
    settings = Settings(home=tmp_path / "home")
    first = airflow_home.airflow_environment(settings, tmp_path / "inbox")
    again = airflow_home.airflow_environment(settings, tmp_path / "inbox")
    secret = "AIRFLOW__API_AUTH__JWT_SECRET"
    assert first[secret] == again[secret]
    assert len(first[secret]) >= 64
    modes = {path.name: path.stat().st_mode & 0o777 for path in settings.airflow_home.iterdir()}
    assert modes == {"logs": 0o700, "secrets.json": 0o600, "passwords.json": 0o600}
    assert settings.airflow_home.stat().st_mode & 0o777 == 0o700
    assert first["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert "AIRFLOW_CONN_ELSEWHERE" not in first


def test_the_environment_stays_on_this_machine_and_below_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUXIN_AIRFLOW_DATABASE_URL", UNREACHABLE)
    settings = Settings(home=tmp_path / "家 1" / "互信")
    made = airflow_home.airflow_environment(settings, tmp_path / "收 报")
    assert made["AIRFLOW_HOME"] == str(settings.home / "airflow")
    assert made["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert made["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].startswith("http://127.0.0.1:")
    assert made["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("postgresql+psycopg://nobody")
    assert made["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"].startswith("postgresql+psycopg_async://nobody")
    assert made["HUXIN_INBOX"] == str(tmp_path / "收 报")
    keys = {path.name for path in settings.airflow_home.rglob("*")}
    assert keys == {"logs", "secrets.json", "passwords.json"}


def test_an_account_without_a_name_runs_nights_and_acts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """As a container runs under a number that no file knows: Airflow refuses it, and an act needs somebody."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.setenv("HUXIN_AIRFLOW_DATABASE_URL", UNREACHABLE)
    made = airflow_home.airflow_environment(Settings(home=tmp_path / "home"), tmp_path)
    assert made["LOGNAME"] == f"uid-{os.getuid()}"
    with connection(settings) as database:
        note_operator_act(database, "member.added", {"code": "M0001"}, settings.now())


def test_a_folder_without_the_dag_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUXIN_DAGS_FOLDER", str(tmp_path))
    with pytest.raises(HuxinError, match="H1006"):
        airflow_home.dags_folder()

"""Airflow's home below HUXIN_HOME, and the environment in which its processes run; Airflow itself is not imported.

Its metadata is a database of its own beside the registry. Keys never go there: tasks open the keyrings from
HUXIN_HOME, and no Airflow connection or variable is made.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from huxin.errors import HuxinError
from huxin.registry import embedded
from huxin.settings import Settings, running_user

DATABASE = "airflow"
OPERATOR = "operator"
# Without `--skip-serve-logs` the scheduler would offer its logs on every interface of the machine.
SERVICES: dict[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
}
_SIMPLE = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"


def airflow_command(*arguments: str) -> list[str]:
    """The command line of one of Airflow's programs, in this Python. HuxinError H1005 where it is not installed."""
    if find_spec("airflow") is None:
        raise HuxinError("H1005")
    return [sys.executable, "-m", "airflow", *arguments]


def airflow_environment(settings: Settings, inbox: Path) -> dict[str, str]:
    """The whole environment of an Airflow process that works on `inbox`; starts the embedded server if needed.

    Another Airflow's variables (AIRFLOW_*) are left out. Holds secrets: not for logs. The API's port is free
    when this is called. HUXIN_AIRFLOW_DATABASE_URL names a metadata database other than the embedded server's.
    Raises HuxinError H1006 when the folder of the DAGs is missing, H0301 to H0312 from the server.
    """
    home = settings.airflow_home
    for folder in (settings.home, home, home / "logs"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    own = _platform(settings, inbox) | _airflow(home, _metadata_url(settings, inherited), _secrets(home))
    return inherited | own


def dags_folder() -> Path:
    """Where the DAG files lie: HUXIN_DAGS_FOLDER, or dags/ at the top of the source tree. HuxinError H1006."""
    folder = Path(os.environ.get("HUXIN_DAGS_FOLDER") or Path(__file__).parents[3] / "dags").absolute()
    if not (folder / "nightly_ingest.py").is_file():
        raise HuxinError("H1006", folder=folder)
    return folder


def _platform(settings: Settings, inbox: Path) -> dict[str, str]:
    """What the tasks read of the platform's settings, and what keeps the processes quiet and local."""
    given = {
        "HUXIN_HOME": str(settings.home),
        "HUXIN_INBOX": str(inbox.absolute()),
        "HUXIN_LANG": settings.language,
        "HUXIN_NOW": settings.fixed_now.isoformat() if settings.fixed_now else "",
        "HUXIN_DATABASE_URL": settings.database_url or "",
    }
    # A machine's proxy must not come between a task and the API on the same machine.
    local = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
    # Airflow runs under no account without a name.
    local |= {"LOGNAME": running_user()}
    return given | local | {"GX_ANALYTICS_ENABLED": "false", "NO_COLOR": "1", "PYTHONUTF8": "1"}


def _airflow(home: Path, metadata: str, words: Mapping[str, str]) -> dict[str, str]:
    address = f"http://127.0.0.1:{_free_port()}"
    options = {
        "core.dags_folder": str(dags_folder()),
        "core.load_examples": "False",
        "core.executor": "LocalExecutor",
        "core.parallelism": "2",
        "core.fernet_key": words["fernet"],
        "core.auth_manager": _SIMPLE,
        "core.simple_auth_manager_users": f"{OPERATOR}:admin",
        "core.simple_auth_manager_passwords_file": str(home / "passwords.json"),
        "core.execution_api_server_url": f"{address}/execution/",
        "core.hostname_callable": "socket.gethostname",  # the default asks the name service
        "database.sql_alchemy_conn": metadata,
        "database.sql_alchemy_conn_async": metadata.replace("+psycopg:", "+psycopg_async:", 1),
        "api.host": "127.0.0.1",
        "api.port": address.rpartition(":")[2],
        "api.base_url": address,
        "api.secret_key": words["api"],
        "api.enable_swagger_ui": "False",
        "api_auth.jwt_secret": words["jwt"],
        "logging.colored_console_log": "False",
        "logging.namespace_levels": "great_expectations=WARNING",
        "logging.file_task_handler_new_folder_permissions": "0o700",
        "logging.file_task_handler_new_file_permissions": "0o600",
        "scheduler.scheduler_health_check_server_host": "127.0.0.1",
    }
    named = {f"AIRFLOW__{name.replace('.', '__', 1).upper()}": value for name, value in options.items()}
    return named | {"AIRFLOW_HOME": str(home)}


def _metadata_url(settings: Settings, env: Mapping[str, str]) -> str:
    if given := env.get("HUXIN_AIRFLOW_DATABASE_URL"):
        return embedded.libpq_uri(given).replace("postgresql://", "postgresql+psycopg://", 1)
    server = embedded.ensure_started(settings)
    embedded.ensure_database(server, DATABASE)
    return server.url(DATABASE)


def _secrets(home: Path) -> dict[str, str]:
    """Random words made once: for tokens between Airflow's processes, its API, and the operator's password."""
    stored = _made_once(
        home / "secrets.json",
        {
            "jwt": secrets.token_urlsafe(64),
            "api": secrets.token_urlsafe(64),
            "fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        },
    )
    # Left to itself, Airflow would print the password that it makes.
    _made_once(home / "passwords.json", {OPERATOR: secrets.token_urlsafe(18)})
    return stored


def _made_once(place: Path, words: dict[str, str]) -> dict[str, str]:
    """What stands in a file (0600), or these words once they stand there; safe when two do it at once."""
    if not place.exists():
        partial = place.with_name(f"{place.name}.{os.getpid()}")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as target:
            json.dump(words, target)
        try:
            os.link(partial, place)
        except FileExistsError:
            pass
        finally:
            partial.unlink()
    found: dict[str, str] = json.loads(place.read_text(encoding="utf-8"))
    return found


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
    return port

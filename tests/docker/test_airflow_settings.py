"""The options of Airflow that compose.yaml sets exist, and those read by a command may be."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml
from docker_tree import services


def options() -> dict[tuple[str, str], dict[str, Any]]:
    """Every option of the installed Airflow, by section and name."""
    text = (files("airflow") / "config_templates" / "config.yml").read_text(encoding="utf-8")
    return {
        (section, name): option
        for section, body in yaml.safe_load(text).items()
        for name, option in body["options"].items()
    }


def test_every_option_is_one_of_this_airflow() -> None:
    """A misspelt or outlived one would be passed over in silence."""
    known = options()
    seen = set()
    for name, service in services().items():
        for variable in service.get("environment", {}):
            if not variable.startswith("AIRFLOW__"):
                continue
            section, _, option = variable.removeprefix("AIRFLOW__").lower().partition("__")
            by_command = option.endswith("_cmd")
            option = option.removesuffix("_cmd")
            assert (section, option) in known, f"{name}: {variable}"
            if by_command:
                assert known[section, option].get("sensitive"), f"{variable}: Airflow runs no command for it"
            seen.add((section, option))
    assert {("database", "sql_alchemy_conn"), ("api_auth", "jwt_secret"), ("core", "fernet_key")} <= seen

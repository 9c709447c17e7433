"""compose.zones.yaml over compose.yaml: valid to compose itself, hardened, and each zone has its own keys only."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from docker_tree import (
    DOCKER,
    PLACE,
    compose,
    require_confined,
    require_watched,
    secrets_of,
    services,
    split,
    volumes_of,
)

OVER = DOCKER / "compose.zones.yaml"
ZONES = ("intake", "entry", "registry")
KEYS = {"intake": {"intake.kek"}, "entry": {"entry.kek"}, "registry": {"registry.kek", "audit.kek"}}
AIRFLOW = {f"airflow-{part}" for part in ("setup", "api", "scheduler", "dag-processor", "triggerer")}
NIGHTS = {f"intake-{name}" for name in AIRFLOW}
ONE_PROCESS = {"setup", "huxin", "api", "console", "audit", "worker"}


@lru_cache(maxsize=1)
def whole() -> dict[str, Any]:
    return split()


def zoned() -> dict[str, dict[str, Any]]:
    """The services that run where the platform is split."""
    found: dict[str, dict[str, Any]] = whole()["services"]
    return {name: each for name, each in found.items() if "one-process" not in each.get("profiles", [])}


def named(service: dict[str, Any]) -> set[str]:
    """The names that its secrets have inside."""
    return {Path(each.get("target") or each["source"]).name for each in service.get("secrets", [])}


each_service = pytest.mark.parametrize("name", sorted(zoned()))
each_zone = pytest.mark.parametrize("zone", ZONES)


def test_compose_takes_both_files_and_has_no_complaint() -> None:
    done = compose("config", "--quiet", over=OVER)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("missing", sorted(PLACE))
def test_what_only_the_operators_know_is_asked_for(missing: str) -> None:
    done = compose("config", "--quiet", over=OVER, place={k: v for k, v in PLACE.items() if k != missing})
    assert done.returncode != 0
    assert missing in done.stderr


def test_three_zones_take_the_place_of_the_one_process() -> None:
    operators = {f"{zone}-operator" for zone in ZONES}
    around = {"postgres", "intake-postgres", "proxy", "intake-proxy", "entry-proxy"}
    assert set(zoned()) == {*ZONES, *operators, *around, *AIRFLOW, *NIGHTS}
    assert set(services()) - set(zoned()) >= ONE_PROCESS


@each_service
def test_a_service_of_a_zone_is_confined_and_watched(name: str) -> None:
    require_confined(zoned()[name])
    require_watched(zoned()[name], name.endswith(("-operator", "airflow-setup")))


@each_zone
def test_a_zone_has_its_own_keys_and_no_others(zone: str) -> None:
    for name in (zone, f"{zone}-operator"):
        service = zoned()[name]
        assert {each for each in named(service) if each.endswith(".kek")} == KEYS[zone]
        mine = {each["source"] for each in volumes_of(service).values() if each["type"] == "volume"}
        assert {each.partition("-")[0] for each in mine} == {zone}
    assert volumes_of(zoned()[zone])["/var/lib/huxin/keys"]["read_only"] is True
    assert volumes_of(zoned()[zone])["/var/lib/huxin/zone"]["read_only"] is True


@each_zone
def test_a_zones_secrets_lie_in_a_folder_of_its_own(zone: str) -> None:
    places = {name: Path(each["file"]).parent.name for name, each in whole()["secrets"].items()}
    wanted = {"intake": "secrets-intake", "entry": "secrets-entry", "registry": "secrets"}[zone]
    for name, service in zoned().items():
        mine = name.split("-")[0] == zone or (zone == "registry" and name in ("postgres", "proxy", *AIRFLOW))
        if mine:
            assert {places[secret] for secret in secrets_of(service)} == {wanted}, name


def test_the_entry_zone_has_no_database_and_nothing_to_write() -> None:
    entry = zoned()["entry"]
    assert not [name for name in named(entry) if name.startswith(("url", "password"))]
    assert not [name for name in entry["environment"] if "DATABASE" in name]
    assert not {"intake", "registry"} & set(entry["networks"])
    written = {place for place, volume in volumes_of(entry).items() if not volume.get("read_only")}
    assert written == {"/var/lib/huxin/acts"}, "acts on keys that are not in the log yet"


def test_each_database_is_reached_by_its_own_zone_alone() -> None:
    for network, server, zone in (
        ("intake", "intake-postgres", "intake"),
        ("registry", "postgres", "registry"),
    ):
        users = {name for name, service in zoned().items() if network in service["networks"]}
        scheduler = "airflow-scheduler" if zone == "registry" else "intake-airflow-scheduler"
        assert users == {server, zone, f"{zone}-operator", scheduler}


def test_members_files_are_seen_by_the_intake_zone_alone() -> None:
    seen = {name for name, each in zoned().items() if "/var/lib/huxin/inbox" in volumes_of(each)}
    assert seen == {"intake", "intake-operator", "intake-airflow-scheduler"}


def test_each_airflow_runs_its_own_zones_dags_with_its_own_zones_keys() -> None:
    dags = {"airflow": "enquiry_guard", "intake-airflow": "nightly_ingest"}
    for name in (*AIRFLOW, *NIGHTS):
        service, of = zoned()[name], name.partition("airflow")[0] + "airflow"
        wanted = None if name.endswith("setup") else dags[of]
        assert service["environment"].get("HUXIN_DAGS") == wanted, name
        keys = {each for each in named(service) if each.endswith(".kek")}
        assert keys == ({"intake.kek"} if name == "intake-airflow-scheduler" else set()), name
        mine = "intake-airflow" if name in NIGHTS else "airflow"
        outside = {
            "intake-airflow": {"intake", "zones", "intake-console"},
            "airflow": {"registry", "console"},
        }
        assert mine in service["networks"]
        assert set(service["networks"]) <= {mine, *outside[mine]}, name
        if not name.endswith("scheduler"):
            assert not {"url_huxin"} & named(service)
            assert not {"intake", "registry", "zones"} & set(service["networks"])
    night = zoned()["intake-airflow-scheduler"]
    assert night["environment"]["HUXIN_ZONES"] == "/var/lib/huxin/zone/zones.yaml"
    assert volumes_of(night)["/var/lib/huxin/zone"]["source"] == "intake-zone"
    assert volumes_of(night)["/var/lib/huxin/keys"]["read_only"] is True


@pytest.mark.parametrize("server", ["postgres", "intake-postgres"])
def test_each_airflow_has_a_database_at_its_own_zones_server(server: str) -> None:
    network = "airflow" if server == "postgres" else "intake-airflow"
    held = zoned()[server]["networks"][network] or {}
    assert server == "postgres" or "postgres" in held["aliases"], "as the addresses of secrets.sh name it"
    users = {name for name, each in zoned().items() if network in each["networks"]}
    assert users == {server, *(AIRFLOW if server == "postgres" else NIGHTS)}


def test_only_proxies_are_published_and_the_zones_port_is_not() -> None:
    published = {
        name: [port["target"] for port in each["ports"]]
        for name, each in zoned().items()
        if each.get("ports")
    }
    proxies = {"proxy": [8443], "intake-proxy": [8443], "entry-proxy": [8443]}
    assert published == {**proxies, "airflow-api": [8080], "intake-airflow-api": [8080]}
    for name in ("airflow-api", "intake-airflow-api"):
        assert [port["host_ip"] for port in zoned()[name]["ports"]] == ["127.0.0.1"]
    inner = {name for name, each in whole()["networks"].items() if each.get("internal")}
    assert {"zones", "intake", "intake-front", "entry-front", "front", "registry"} <= inner
    callers = {name for name, each in zoned().items() if "zones" in each["networks"]}
    assert callers == {*ZONES, *(f"{zone}-operator" for zone in ZONES), "intake-airflow-scheduler"}


def test_each_proxy_finds_its_own_zone_under_the_name_it_knows() -> None:
    for front, zone in (("front", "registry"), ("intake-front", "intake"), ("entry-front", "entry")):
        holders = {
            name
            for name, each in zoned().items()
            if "api" in ((each["networks"].get(front) or {}).get("aliases") or [])
        }
        assert holders == {zone}


@each_service
def test_no_password_stands_in_a_zones_environment_or_command(name: str) -> None:
    service = zoned()[name]
    said = str(service.get("environment")) + str(service.get("command"))
    assert not re.search(r"://[^/\s]*:[^/\s]*@", said)
    assert set(re.findall(r"/run/secrets/([\w.]+)", said)) <= named(service)


def test_a_volumes_folder_is_in_the_image_and_its_users() -> None:
    """One that is not, Docker would make for root: and nobody here is."""
    made = re.search(
        r"install -d -o huxin -g huxin -m 0700 ((?:\\\n|[^&\n])+)", (DOCKER / "Dockerfile").read_text()
    )
    assert made
    places = {
        place
        for each in zoned().values()
        for place, volume in volumes_of(each).items()
        if volume["type"] == "volume" and place.startswith("/var/lib/huxin/")
    }
    assert places <= set(made[1].replace("\\", " ").split())
    assert len(places) == 4

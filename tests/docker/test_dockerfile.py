"""The Dockerfile: hadolint finds nothing, what it copies is there, and no address stands in any file of docker/."""

from __future__ import annotations

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
from docker_tree import DOCKER, TREE, program, services

DOCKERFILE = DOCKER / "Dockerfile"
TEXT = DOCKERFILE.read_text(encoding="utf-8")
# One instruction a line, comments and continuations taken out.
INSTRUCTIONS = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
IGNORE = (TREE / ".dockerignore").read_text(encoding="utf-8").splitlines()


def hadolint(file: Path) -> subprocess.CompletedProcess[str]:
    command = [program("hadolint"), "--no-color", "--failure-threshold", "ignore", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=DOCKER)


def stages() -> dict[str, list[str]]:
    """The instructions of each stage, by its name."""
    found: dict[str, list[str]] = {}
    for line in INSTRUCTIONS:
        if line.startswith("FROM"):
            found[line.split()[-1]] = []
        if found and line.strip():
            found[list(found)[-1]].append(line)
    return found


def copied() -> list[str]:
    """What the build takes from the context."""
    lines = [line for line in INSTRUCTIONS if line.startswith("COPY") and "--from" not in line]
    return [source for line in lines for source in line.split()[1:-1]]


def is_sent(path: str) -> bool:
    """Whether .dockerignore lets a path of the tree into the build: the last pattern that fits decides."""
    sent = True
    parts = path.split("/")
    heads = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    for pattern in IGNORE:
        if not pattern or pattern.startswith("#"):
            continue
        plain = pattern.removeprefix("!")
        below_any = plain.removeprefix("**/")
        fits = any(fnmatch(head, plain) for head in heads) or (
            plain.startswith("**/") and any(fnmatch(part, below_any) for part in parts)
        )
        if fits:
            sent = pattern.startswith("!")
    return sent


def test_hadolint_finds_nothing() -> None:
    done = hadolint(DOCKERFILE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_hadolint_can_find_something(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text("FROM python\nRUN cd /tmp && pip install flask\n", encoding="utf-8")
    assert {"DL3006", "DL3042"} <= set(re.findall(r"DL\d{4}", hadolint(bad).stdout))


def test_no_finding_is_silenced() -> None:
    assert "hadolint ignore" not in TEXT
    assert not list(DOCKER.glob(".hadolint*"))


def test_what_is_copied_is_in_the_tree_and_is_sent() -> None:
    assert len(copied()) >= 8
    assert [path for path in copied() if not (TREE / path).exists()] == []
    assert [path for path in copied() if not is_sent(path)] == []


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".huxin/keys/entry.keyring",
        ".venv/bin/python",
        "docker/secrets/entry.kek",
        "docker/.env",
        "docker/compose.yaml",
        "examples/nightly/truth.json",
        "platform/.huxin/keys/entry.kek",
        "platform/huxin/__pycache__/ids.pyc",
        "tests/conftest.py",
        "unheard-of",
    ],
)
def test_what_may_hold_secrets_or_is_not_needed_stays_out(path: str) -> None:
    assert not is_sent(path)


def test_both_images_run_as_an_ordinary_user_of_the_same_number_as_in_compose() -> None:
    for name in ("app", "airflow"):
        body = stages()[name]
        assert "USER 10001:10001" in body
        last_user = max(n for n, line in enumerate(body) if line.startswith("USER"))
        assert not [line for line in body[last_user:] if line.startswith(("RUN", "COPY"))]
        assert any(line.startswith('ENTRYPOINT ["') for line in body), "without a shell, signals arrive"
    images = {s["image"]: s["user"] for s in services().values() if s["image"].startswith("huxin/")}
    assert set(images.values()) == {"10001:10001"}
    assert set(images) == {"huxin/app:0.1.0", "huxin/airflow:0.1.0"}


def test_images_are_built_in_stages_and_hold_no_installer_work() -> None:
    for name in ("base", "app", "airflow"):
        assert not [line for line in stages()[name] if re.search(r"\b(pip|apt-get|gcc|curl|wget)\b", line)]


def test_packages_come_from_hashed_locks_only() -> None:
    installs = [part for line in INSTRUCTIONS for part in line.split("&&") if "pip --python" in part]
    assert len(installs) == 3
    for install in installs:
        locked = re.search(r"--require-hashes .*-r (requirements/\S+\.lock)", install)
        ours = "--no-index --no-deps --no-build-isolation" in install
        assert locked or ours, install
        if locked:
            assert (TREE / locked[1]).is_file()
            assert "--only-binary :all:" in install


def test_the_python_of_the_image_is_the_one_of_its_locks() -> None:
    image = re.search(r"^ARG PYTHON_IMAGE=python:(3\.\d+)-slim", TEXT, flags=re.MULTILINE)
    assert image
    assert set(re.findall(r"requirements/\w+-py(3\.\d+)\.lock", TEXT)) == {image[1]}
    assert all(f"python:{image[1]}-" in str(s["build"]["args"]) for s in services().values() if "build" in s)


def test_arguments_name_mirrors_and_have_no_default() -> None:
    arguments = re.findall(r"^ARG (\w+)(=?)", TEXT, flags=re.MULTILINE)
    assert arguments == [("PYTHON_IMAGE", "="), ("PIP_INDEX_URL", ""), ("PIP_TRUSTED_HOST", "")]


@pytest.mark.parametrize("file", sorted(p for p in DOCKER.rglob("*") if p.is_file()), ids=lambda p: p.name)
def test_no_address_of_a_mirror_or_a_machine_stands_in_a_file(file: Path) -> None:
    if "secrets" in file.parts or file.name == ".env":
        pytest.skip("an installation's own")
    text = file.read_text(encoding="utf-8")
    hosts = set(re.findall(r"\w+://([\w.-]+)", text))
    assert hosts <= {"127.0.0.1", "api", "console", "airflow-api"}, hosts
    numbers = set(re.findall(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", text))
    # Loopback, every interface of a container, and Docker's name service.
    assert numbers <= {"127.0.0.1", "0.0.0.0", "127.0.0.11"}, numbers  # noqa: S104 - looked for, not bound


def test_the_root_is_read_only_so_caches_are_below_tmp() -> None:
    environment = " ".join(stages()["base"])
    for setting in ("NUMBA_CACHE_DIR=/tmp/numba", "HOME=/tmp", "PYTHONDONTWRITEBYTECODE=1"):
        assert setting in environment


def test_on_one_host_airflow_has_every_dag() -> None:
    """HUXIN_DAGS chooses among them, for zones; the image says where they lie and no more."""
    lines = " ".join(line for line in stages()["airflow"] if line.startswith("ENV"))
    assert dict(re.findall(r"(HUXIN_DAGS\w*)=(\S+)", lines)) == {"HUXIN_DAGS_FOLDER": "/opt/dags"}
    for name, service in services().items():
        assert "HUXIN_DAGS" not in service.get("environment", {}), name

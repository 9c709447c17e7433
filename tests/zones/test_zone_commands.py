"""`huxin zone …` as three operators type it, from the authority's folder to a zone that answers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from huxin.cli import main
from huxin.settings import Settings
from huxin.zones.layout import layout_of
from huxin.zones.making import take_card
from huxin_privacy import keyring
from huxin_privacy.generations import suite_of
from support.zones import Split, port_of

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command in a home: exit code, standard output, standard error."""
    monkeypatch.setenv("HUXIN_LANG", "en")

    def typed(settings: Settings, *words: str) -> tuple[int, str, str]:
        monkeypatch.setenv("HUXIN_HOME", str(settings.home))
        if settings.database_url:
            monkeypatch.setenv("HUXIN_DATABASE_URL", settings.database_url)
        monkeypatch.setattr(sys, "argv", ["huxin", *words])
        with pytest.raises(SystemExit) as stop:
            main()
        said = capsys.readouterr()
        return int(stop.value.code or 0), said.out, said.err

    return typed


def test_three_homes_are_made_and_know_one_another(run: Run, settings: Settings, tmp_path: Path) -> None:
    ca = str(tmp_path / "ca")
    homes = {
        zone: Settings(tmp_path / zone, settings.database_url) for zone in ("intake", "entry", "registry")
    }
    assert run(homes["intake"], "zone", "ca", ca)[0] == 0
    assert run(homes["intake"], "zone", "ca", ca)[2].startswith("H1701")
    for zone, home in homes.items():
        suite = ("--suite", "SM") if zone == "entry" else ()
        assert run(home, "zone", "init", zone, "--host", "127.0.0.1", "--ca", ca, *suite)[0] == 0
        assert run(home, "zone", "init", zone, "--host", "127.0.0.1", "--ca", ca)[0] == 0, "again"
        held = {path.stem for path in home.keys_dir.glob("*.keyring")}
        assert held == ({"registry", "audit"} if zone == "registry" else {zone})
    assert suite_of(keyring.open(homes["entry"].keys_dir, "entry")).name == "SM"
    assert not homes["entry"].spool_dir.exists()
    for zone, home in homes.items():
        card = tmp_path / f"{zone}.json"
        code, text, _ = run(home, "zone", "card", "--issuer", "https://api.example/")
        card.write_text(text)
        assert code == 0
        for other in homes.values():
            expected = 2 if other is home else 0
            assert (
                run(other, "zone", "peer", str(card), "--url", f"https://{zone}.example:9443")[0] == expected
            )
    layout = layout_of(homes["intake"])
    assert layout is not None
    assert layout.missing() == []
    assert layout.card("registry").address == "https://api.example"
    code, _, said = run(homes["intake"], "zone", "check")
    assert (code, said[:5]) == (1, "H1712")


def test_a_certificate_comes_from_an_authority_that_is_elsewhere(run: Run, tmp_path: Path) -> None:
    ca, home = str(tmp_path / "ca"), Settings(tmp_path / "entry")
    assert run(home, "zone", "ca", ca)[0] == 0
    code, _, said = run(home, "zone", "init", "entry", "--host", "entry.example")
    assert (code, "request.pem" in said) == (0, True)
    assert run(home, "zone", "card")[2].startswith("H1711")
    request = home.home / "zone" / "request.pem"
    code, signed, _ = run(home, "zone", "sign", str(request), "--zone", "entry", "--ca", ca)
    assert code == 0
    (tmp_path / "signed.pem").write_text(signed)
    assert run(home, "zone", "certificate", str(tmp_path / "signed.pem"))[0] == 0
    assert run(home, "zone", "card")[0] == 0
    wrong = run(home, "zone", "sign", str(request), "--zone", "intake", "--ca", ca)[1]
    (tmp_path / "wrong.pem").write_text(wrong.replace("CERTIFICATE-----\n", "CERTIFICATE-----\n", 1)[:700])
    assert run(home, "zone", "certificate", str(tmp_path / "wrong.pem"))[2].startswith("H1716")
    assert run(home, "zone", "sign", str(tmp_path / "none"), "--zone", "entry", "--ca", ca)[2].startswith(
        "H1704"
    )


def test_check_sees_who_answers(run: Run, split: Split) -> None:
    assert run(split.intake, "zone", "check")[0] == 0
    assert run(split.entry, "zone", "check")[0] == 0
    card = split.intake.home / "zone" / "entry.card.json"
    with port_of(split.registry) as port:
        take_card(split.intake, card.read_bytes(), f"https://127.0.0.1:{port}")
        assert run(split.intake, "zone", "check")[2].startswith("H1713"), (
            "the registry zone is not the entry zone"
        )
    card.unlink()
    assert run(split.intake, "zone", "check")[2].startswith("H1706")


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("registry", ("night", ".")),
        ("entry", ("night", ".")),
        ("registry", ("submit", "pyproject.toml", "--member", "M0001", "--computed-totals")),
        ("registry", ("zone", "intake")),
        ("intake", ("zone", "entry")),
        ("intake", ("zone", "registry")),
        ("intake", ("zone", "port")),
        ("entry", ("zone", "registry")),
    ],
)
def test_what_is_another_zones_affair_is_refused(
    run: Run, shared_split: Split, zone: str, words: tuple[str, ...]
) -> None:
    code, _, said = run(shared_split.of(zone), *words)
    assert (code, said[:5]) == (2, "H1709")


def test_one_process_is_told_that_it_is_no_zone(run: Run, settings: Settings) -> None:
    assert run(settings, "zone", "check")[2].startswith("H1708")
    assert run(settings, "zone", "entry")[2].startswith("H1708")


def test_init_of_a_zones_home_makes_no_other_zones_keys(run: Run, shared_split: Split) -> None:
    for zone in ("intake", "entry", "registry"):
        home = shared_split.of(zone)
        before = {path.name for path in home.keys_dir.iterdir()}
        assert run(home, "init")[0] == 0
        assert {path.name for path in home.keys_dir.iterdir()} == before

"""Settings of an instance: what is written is read again, and what cannot work is refused with the reason."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sipedge.instance import (
    INSTANCE_VARIABLE,
    InstanceError,
    InstanceSettings,
    Ports,
    own_settings,
    process_environment,
    read_edge_secret,
    read_settings,
    settings_json,
)
from sipedge.instance_files import render, write_instance
from sipedge.secret import Secret

SECRET = Secret("ab" * 32)


def make_settings(directory: Path) -> InstanceSettings:
    return InstanceSettings(
        edge="ashburn",
        address="127.0.0.1",
        ports=Ports(15060, 15060, 15061),
        directory=directory / "i",
        source=directory / "published",
        edge_secret_file=directory / "edge.secret",
        kamailio_dir=Path("/usr/share/trunkline/kamailio"),
        python_path=Path("/usr/share/trunkline/python"),
        resolver="127.0.0.1:53",
    )


def test_settings_survive_their_file(tmp_path: Path) -> None:
    """Every field."""
    settings = replace(make_settings(tmp_path), advertised="192.0.2.1", deprecated_tls=True, ring_seconds=30)
    (tmp_path / "instance.json").write_text(settings_json(settings))
    assert read_settings(tmp_path / "instance.json") == settings
    assert own_settings({INSTANCE_VARIABLE: str(tmp_path / "instance.json")}) == settings


@pytest.mark.parametrize(
    ("change", "complaint"),
    (
        ({"colour": 1}, "unknown field colour"),
        ({"ports": {"udp": 1, "sctp": 2}}, "sctp"),
        ({"edge": None}, "edge"),
    ),
)
def test_wrong_settings_are_named(tmp_path: Path, change: dict[str, object], complaint: str) -> None:
    """The file, and what is wrong with it."""
    fields = json.loads(settings_json(make_settings(tmp_path))) | change
    if fields["edge"] is None:
        del fields["edge"]
    path = tmp_path / "instance.json"
    path.write_text(json.dumps(fields))
    with pytest.raises(InstanceError, match=complaint) as raised:
        read_settings(path)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("content", (None, "", "[]", "{", "\x00"))
def test_no_settings_at_all_are_an_error_with_the_place(tmp_path: Path, content: str | None) -> None:
    """Missing, empty, no JSON, no object."""
    path = tmp_path / "instance.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InstanceError, match=str(path)):
        read_settings(path)


def test_the_environment_must_name_the_settings() -> None:
    """A process that was started by hand is told what it lacks."""
    with pytest.raises(InstanceError, match=INSTANCE_VARIABLE):
        own_settings({})


@pytest.mark.parametrize("text", ("", "x" * 64, "ab" * 31, "ab" * 33))
def test_an_edge_secret_is_64_hex_digits(tmp_path: Path, text: str) -> None:
    """And a wrong one is not repeated in the message."""
    path = tmp_path / "edge.secret"
    path.write_text(text)
    with pytest.raises(InstanceError, match="64 hex digits") as raised:
        read_edge_secret(path)
    assert not text or text not in str(raised.value)


@pytest.mark.parametrize(
    ("change", "complaint"),
    (
        ({"address": "localhost"}, "not an IP address"),
        ({"directory": Path('/tmp/a"b')}, "quotes"),
        ({"directory": Path("relative")}, "absolute"),
        ({"calls_per_second": 0}, "calls_per_second"),
        ({"shm_mb": 8}, "32 to 2047 MB"),
        ({"calls_in_progress": 1_000_000}, "32 to 2047 MB"),
    ),
)
def test_settings_that_kamailio_cannot_take_are_refused(
    tmp_path: Path, change: dict[str, object], complaint: str
) -> None:
    """Nothing is escaped by hope."""
    with pytest.raises(InstanceError, match=complaint):
        render(replace(make_settings(tmp_path), **change), SECRET)  # type: ignore[arg-type]


def test_memory_follows_from_calls_and_connections_from_memory(tmp_path: Path) -> None:
    """0.2 MB for each new call a second, 10 kB for each in progress, and as much again for connections."""
    settings = make_settings(tmp_path)
    assert settings.shared_memory_mb == 168
    busy = replace(settings, calls_per_second=500, calls_in_progress=10_240)
    assert busy.shared_memory_mb == 2 * (24 + 100 + 100)
    assert replace(busy, shm_mb=64).shared_memory_mb == 64
    for each in (settings, busy, replace(busy, shm_mb=64)):
        tcp = each.connections - each.tls_connections
        assert 0 < each.tls_connections * 90 + tcp * 18 <= each.shared_memory_mb * 1024 / 2


def test_each_transport_listens_at_its_port_and_shows_its_advertised_address(tmp_path: Path) -> None:
    """IPv6 in brackets."""
    text = render(replace(make_settings(tmp_path), advertised="2001:db8::1"), SECRET)
    for transport, port in (("udp", 15060), ("tcp", 15060), ("tls", 15061)):
        assert f"listen={transport}:127.0.0.1:{port} advertise [2001:db8::1]:{port}\n" in text


def test_files_are_written_once_and_for_their_owner(tmp_path: Path) -> None:
    """0600, and an unchanged file keeps its time."""
    settings = make_settings(tmp_path)
    settings.edge_secret_file.write_text(SECRET.reveal())
    write_instance(settings)
    files = (settings.settings_file, settings.config_file)
    before = [path.stat() for path in files]
    assert {stat.st_mode & 0o777 for stat in before} == {0o600}
    write_instance(settings)
    assert [path.stat().st_mtime_ns for path in files] == [stat.st_mtime_ns for stat in before]
    assert SECRET.reveal() not in settings.settings_file.read_text()


def test_nothing_of_the_callers_python_reaches_the_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kamailio embeds Debian's Python: a virtual environment would break it."""
    monkeypatch.setenv("VIRTUAL_ENV", "/venv")
    monkeypatch.setenv("PYTHONPATH", "/venv/lib")
    monkeypatch.setenv("PATH", "/venv/bin:/usr/bin")
    environment = process_environment(make_settings(tmp_path))
    assert environment["PYTHONPATH"] == "/usr/share/trunkline/python"
    assert environment["PATH"] == "/usr/sbin:/usr/bin:/sbin:/bin"
    assert "VIRTUAL_ENV" not in environment

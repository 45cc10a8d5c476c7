"""How an instance's rtpengine is started."""

from __future__ import annotations

import resource
from dataclasses import replace
from pathlib import Path

import pytest

from sipedge.instance import InstanceError, InstanceSettings, Ports, read_settings, settings_json
from sipedge.media_settings import MediaSettings
from sipedge.recording.spool import ORPHANS, PCAPS, pcap_is_of
from sipedge.rtpengine import allow_calls, prepare_spool, rtpengine_command

MEDIA = MediaSettings(Path("/spool"), first_port=20_000, last_port=20_099)


def settings(media: MediaSettings | None = MEDIA, advertised: str | None = None) -> InstanceSettings:
    here = Path("/here")
    return InstanceSettings(
        "ashburn", "192.0.2.1", Ports(), here, here, here, here, here, media=media, advertised=advertised
    )


@pytest.mark.parametrize("media", (None, MEDIA, replace(MEDIA, redis="127.0.0.1:6379/0", most_calls=7)))
def test_settings_go_through_their_file(media: MediaSettings | None, tmp_path: Path) -> None:
    """What is as by default is not in it: an older version refuses what it does not know."""
    (tmp_path / "instance.json").write_text(settings_json(settings(media)))
    assert read_settings(tmp_path / "instance.json") == settings(media)
    assert '"silence_seconds"' not in settings_json(settings(media))


def test_a_wrong_field_of_the_media_is_told_by_its_name(tmp_path: Path) -> None:
    text = settings_json(settings()).replace("first_port", "lowest_port")
    (tmp_path / "instance.json").write_text(text)
    with pytest.raises(InstanceError, match=r"instance\.json: .*lowest_port"):
        read_settings(tmp_path / "instance.json")


def test_it_relays_at_the_address_and_is_commanded_from_this_machine_alone() -> None:
    """The advertised address is for SDP; ng knows no password."""
    command = rtpengine_command(settings(advertised="203.0.113.1"))
    assert {
        "--interface=192.0.2.1!203.0.113.1",
        "--listen-ng=127.0.0.1:2223",
        "--port-min=20000",
        "--port-max=20099",
        "--max-sessions=25",
        "--recording-dir=/spool",
    } <= set(command)
    assert "--interface=192.0.2.1" in rtpengine_command(settings())


def test_its_log_has_no_keys() -> None:
    """At level 7 it writes the keys of each call."""
    (level,) = (each for each in rtpengine_command(settings()) if each.startswith("--log-level"))
    assert int(level.partition("=")[2]) <= 6


def test_an_instance_without_media_starts_none() -> None:
    with pytest.raises(InstanceError, match="relays no media"):
        rtpengine_command(settings(None))


def test_what_an_earlier_one_recorded_is_put_aside(tmp_path: Path) -> None:
    """And by the name of its session it is found still. What rtpengine knew of it holds keys."""
    spool = tmp_path / "spool"
    for name in ("pcaps/CA1.1-ab.pcap", "metadata/CA1.1-ab.txt", "tmp/rtpengine-meta-CA1.1-ab.tmp"):
        (spool / name).parent.mkdir(parents=True, exist_ok=True)
        (spool / name).write_text("x")
    prepare_spool(replace(MEDIA, spool=spool), 1_700_000_000)
    (left,) = (path for path in spool.rglob("*") if path.is_file())
    assert left == spool / ORPHANS / "CA1.1-ab.1700000000.pcap"
    assert pcap_is_of(left.name, "CA1.1")
    assert {(spool / name).stat().st_mode & 0o777 for name in (".", PCAPS, ORPHANS)} == {0o700}


def test_fewer_descriptors_mean_fewer_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call too many is refused in words, not by a session that gets half of its ports."""
    limits = [(1_000, 1_000)]

    def set_limit(which: int, wanted: tuple[int, int]) -> None:
        if wanted[1] > limits[-1][1]:
            raise ValueError("not permitted")
        limits.append(wanted)

    monkeypatch.setattr(resource, "setrlimit", set_limit)
    monkeypatch.setattr(resource, "getrlimit", lambda which: limits[-1])
    assert allow_calls(100) == 100
    assert allow_calls(500) == (1_000 - 256) // 6

"""What media needs in an edge pod: the relay, its memory, the recorder."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from sipedge.agent.pod import read_pod
from sipedge.container import COMMANDS
from sipedge.recording.destination import Destination
from sipedge.secret import Secret
from siprecorder.settings import ACCESS_KEY_ID_FILE, SECRET_ACCESS_KEY_FILE, Settings, settings_of
from support.pod_templates import (
    EVERY_TYPE,
    HOST_NETWORK,
    POD_IP,
    SETTINGS,
    containers,
    environment,
    sidecars,
    volumes,
)
from trunkline.plan.workload_settings import Recordings


@EVERY_TYPE
def test_media_is_there_as_long_as_calls_are(spec: dict[str, Any]) -> None:
    """Sidecars end after Kamailio and the agent: the B2BUA, the relay, its memory, the recorder."""
    found = sidecars(**spec)
    assert list(found) == ["recorder", "valkey", "rtpengine", "b2bua"]
    assert {each["restartPolicy"] for each in found.values()} == {"Always"}
    assert {found[name]["image"] for name in ("rtpengine", "valkey", "b2bua")} == {SETTINGS.image}


def test_each_sidecar_becomes_what_it_is_called() -> None:
    """The name in its command is one that the image's program knows."""
    found = sidecars(**POD_IP)
    for name in ("rtpengine", "valkey"):
        assert found[name]["command"][-2:] == ["sipedge.container", name]
        assert name in COMMANDS
        assert found[name]["livenessProbe"]["exec"]["command"][-2:] == ["sipedge.relay_alive", name]
        assert environment(found[name]) == {"TRUNKLINE_INSTANCE": "/var/lib/sipedge/instance.json"}


def test_the_agent_reads_the_relays_settings_as_they_are_written() -> None:
    """Ports of the Edge, the spool that three containers share, and a memory beside the relay."""
    spec = {**HOST_NETWORK, "ports": {"agent": 8200}, "media": {"firstPort": 20_000, "lastPort": 20_099}}
    told = environment(containers(**spec)["agent"])
    fields = {name: "192.0.2.1" for name, value in told.items() if not isinstance(value, str)}
    media = read_pod({**told, **fields, "KUBERNETES_SERVICE_HOST": "192.0.2.2"}).media
    assert media is not None
    assert (media.first_port, media.last_port) == (20_000, 20_099)
    for each in (containers(**spec)["agent"], *sidecars(**spec).values()):
        spools = [mount["mountPath"] for mount in each["volumeMounts"] if mount["name"] == "spool"]
        # Not the volume's own directory, which is root's.
        assert spools == [str(media.spool.parent)] or each["name"] == "valkey"
    assert media.spool_bytes == 20 * 1024**3
    assert (media.control, media.redis) == ("127.84.32.8", "127.84.32.8:6379/0")


def test_recordings_go_where_the_platform_says(tmp_path: Path) -> None:
    """To a bucket whose keys the recorder alone is given, without waiting for them."""
    recordings = Recordings("s3://calls/all", "https://s3.example", "eu-west-1", "bucket-keys", 30)
    recordings = dataclasses.replace(recordings, image="registry.example/rec:1")
    settings = dataclasses.replace(SETTINGS, recordings=recordings)
    recorder = sidecars(settings, **POD_IP)["recorder"]
    assert recorder["image"] == "registry.example/rec:1"
    (keys,) = (each for each in recorder["volumeMounts"] if each["name"] == "bucket")
    (tmp_path / ACCESS_KEY_ID_FILE).write_text("id")
    (tmp_path / SECRET_ACCESS_KEY_FILE).write_text("key")
    seen = [str(tmp_path) if each == keys["mountPath"] else each for each in recorder["args"]]
    assert settings_of(seen) == Settings(
        ("/var/spool/sipedge/calls",),
        Destination("s3://calls/all", "https://s3.example", "eu-west-1", "id", Secret("key"), 30),
        quiet_seconds=20,
        end_seconds=3600 + 45 + 60,
    )
    (volume,) = (each for each in volumes(settings) if each["name"] == "bucket")
    assert volume["secret"] == {"secretName": "bucket-keys", "optional": True, "defaultMode": 0o440}


def test_recordings_may_go_to_a_volume() -> None:
    """The recorder alone sees it; without a word of where they go, they go there."""
    settings = dataclasses.replace(SETTINGS, recordings=Recordings(claim="calls"))
    recorder = sidecars(settings, **POD_IP)["recorder"]
    (mount,) = (each for each in recorder["volumeMounts"] if each["name"] == "recordings")
    assert settings_of(recorder["args"]).default == Destination(f"file://{mount['mountPath']}")
    (volume,) = (each for each in volumes(settings) if each["name"] == "recordings")
    assert volume["persistentVolumeClaim"] == {"claimName": "calls"}


def test_without_a_place_for_recordings_there_is_neither_volume_nor_destination() -> None:
    """Those of Accounts that have places of their own are stored all the same."""
    assert settings_of(sidecars(**POD_IP)["recorder"]["args"]).default is None
    assert {each["name"] for each in volumes(SETTINGS)} == {"state", "tmp", "spool", "token"}


@pytest.mark.parametrize(
    ("recordings", "fault"),
    (
        (Recordings(), ""),
        (Recordings("s3://calls"), ""),
        (Recordings("s3://calls/of/all"), ""),
        (Recordings("file:///var/lib/recordings/eu", claim="calls"), ""),
        (Recordings("file:///var/lib/recordings"), "no claim"),
        (Recordings("file:///var/lib/recordings/../sipedge", claim="calls"), "not a place for recordings"),
        (Recordings("file:///etc", claim="calls"), "not a place for recordings"),
        (Recordings("http://calls"), "not a place for recordings"),
        (Recordings("s3://"), "not a place for recordings"),
    ),
)
def test_places_of_recordings(recordings: Recordings, fault: str) -> None:
    """A bucket, or the volume that the claim leads to: nothing else outlives a pod."""
    assert fault in recordings.fault
    assert bool(fault) == bool(recordings.fault)

"""Sound through edge pods: secure, recorded, and after a kill of the relay."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from cluster.processes import wait_until
from e2e import containers
from e2e.api import conditions
from e2e.calls import LAB_LINE, LAB_URI, end_at, terminated_call, until_they_hear
from e2e.installation import EDGES, TENANT, EdgePod, Installation
from e2e.own_node import OwnNode, entered
from support.pcaps import sound_of, tones
from support.sipua import user_agent
from support.sound import hear_each_other, talk, wait_for_packets
from trunkline.api import Account
from trunkline.plan.media_containers import SPOOL

# The first test of a run also waits for images to be built.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

CALLER, CALLEE = 400, 700


def test_a_secure_call_is_heard_and_outlives_its_relay(installation: Installation, own: OwnNode) -> None:
    """SRTP and TLS to the PBX, RTP to the carrier; killed, the relay comes back with ports and keys (S17)."""
    bundle = installation.kubectl.within(EDGES).get("configmap", "trunkline-ca")["data"]["ca.crt"]
    trusting = ssl.create_default_context(cadata=bundle)
    here, there = own.hosts["lab"], own.hosts["telco-a"]
    pod = installation.all_pods()[0]
    with ExitStack() as stack:
        stack.enter_context(installation.changed("lab", secure=True))
        with entered(here):
            pbx = stack.enter_context(user_agent(here.address, 0, "tls", trusting))
        caller = stack.enter_context(end_at(here, CALLER, secure=True))
        callee = stack.enter_context(end_at(there, CALLEE))
        sound, phone = (caller, callee), own.phones["telco-a"]
        with entered(here):
            call = terminated_call(pbx, pod.address, phone, LAB_URI, port=5061, caller=LAB_LINE, sound=sound)
        assert "RTP/AVP" in call.invite.body
        assert "crypto" not in call.invite.body
        assert callee.towards is not None
        assert callee.towards[0] == pod.address
        hear_each_other(caller, callee)
        containers.kill(pod, "rtpengine")
        until_they_hear(caller, callee, containers.START_SECONDS)
        caller.forget()
        callee.forget()
        talk(caller, callee, seconds=1.0)
        for end, tone in ((caller, CALLEE), (callee, CALLER)):
            wait_for_packets(end, 40)
            assert (end.heard.broken, end.heard.tone) == (0, tone)
        call.hang_up()
    installation.wait_pods(pod.edge, 2)


def test_a_recorded_call_lies_on_the_volume_in_two_channels(installation: Installation, own: OwnNode) -> None:
    """The recorder stores it, with who spoke on which channel (S7, S8); nothing of it stays behind.

    While the volume refuses it, it waits, and its Account says so; until it is there.
    """
    here, there = own.hosts["pbx1"], own.hosts["telco-a"]
    pod = installation.all_pods()[-1]
    recording = {"mode": "RecordFromAnswerDual"}
    with ExitStack() as stack:
        stack.enter_context(installation.changed("hq", recording=recording))
        caller = stack.enter_context(end_at(here, CALLER))
        callee = stack.enter_context(end_at(there, CALLEE))
        sound = (caller, callee)
        call = terminated_call(own.phones["pbx1"], pod.address, own.phones["telco-a"], sound=sound)
        hear_each_other(caller, callee, seconds=2.0)
        own.recordings.chmod(0o555)
        try:
            call.hang_up()
            told = installation.api.wait(Account, TENANT, "RecordingsWait")
        finally:
            own.recordings.chmod(0o755)
        assert f"{pod.edge} {pod.address}: " in conditions(told)["RecordingsWait"]["message"]
        said = wait_for_recording(own.recordings)
        wait_until("an Account that says nothing any more", lambda: not waits(installation), 120)
    samples = sound_of(said.with_suffix(".wav"))
    assert samples.shape[1] == 2
    for channel, tone in enumerate((CALLER, CALLEE)):
        heard = tones(samples[:, channel], (CALLER, CALLEE))
        assert heard[tone] > 1.5, heard
        assert sum(heard.values()) == heard[tone], heard
    assert left_in_spool(pod) == []


def waits(installation: Installation) -> bool:
    return "RecordingsWait" in conditions(installation.api.get(Account, TENANT))


def wait_for_recording(folder: Path) -> Path:
    """What is said of the first recording there, which is written last."""
    wait_until(f"a recording in {folder}", lambda: next(folder.rglob("*.json"), None), 120)
    return next(folder.rglob("*.json"))


def left_in_spool(pod: EdgePod) -> Sequence[str]:
    """Files of calls in the pod's spool, as the recorder's container sees it."""
    pid = containers.processes(pod, "siprecorder")[0]
    spool = Path("/proc", str(pid), "root", SPOOL.removeprefix("/"))
    state = {"recorder.json"}
    return [path.name for path in spool.rglob("*") if path.is_file() and path.name not in state]

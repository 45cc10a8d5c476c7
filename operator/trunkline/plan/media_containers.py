"""The containers of an edge pod that media needs: the relay, its memory, and the recorder.

They are sidecars (init containers that go on running): the kubelet ends them after Kamailio and the agent,
the last of this list first. So media flows until the last call of a pod that drains has ended, and the
recorder finds all that the relay has written.
"""

from __future__ import annotations

from typing import Final

from trunkline.plan.container import INSTANCE, STATE, alive, common, mount, tmp, values
from trunkline.plan.workload_names import Manifest
from trunkline.plan.workload_settings import VOLUME, Recordings, WorkloadSettings

_SPOOLS: Final = "/var/spool/sipedge"
SPOOL: Final = f"{_SPOOLS}/calls"
"""Where recorded packets wait for the recorder; it holds what was said, and keys of calls.

Below the volume, whose own directory belongs to root: the relay makes this one, for its user alone.
"""

_QUIET_SECONDS: Final = 20
"""What the relay added nothing to for so long, of a call that is over, is whole: the relay was ended."""
_KEYS: Final = "/etc/siprecorder"


def media_containers(settings: WorkloadSettings, grace: int) -> list[Manifest]:
    """In the order in which they are started; they end in the opposite one, the pod after `grace` seconds."""
    return [_recorder(settings, grace), _memory(settings), _relay(settings)]


def media_volumes(settings: WorkloadSettings) -> list[Manifest]:
    """The spool, and what the recorder writes to and is given."""
    recordings = settings.recordings
    found: list[Manifest] = [{"name": "spool", "emptyDir": {"sizeLimit": recordings.spool_size}}]
    if recordings.claim:
        claim = {"claimName": recordings.claim}
        found.append({"name": "recordings", "persistentVolumeClaim": claim})
    if recordings.secret:
        # The pod does not wait for it: calls go on, and recordings wait in the spool.
        secret = {"secretName": recordings.secret, "optional": True, "defaultMode": 0o440}
        found.append({"name": "bucket", "secret": secret})
    return found


def spool_mount() -> Manifest:
    """For the agent, which writes the recorder's jobs, and the B2BUA, which makes recordings itself."""
    return mount("spool", _SPOOLS)


def _relay(settings: WorkloadSettings) -> Manifest:
    """Alive while it takes commands; it is started again for another address, which it reads only then."""
    return {
        **_sidecar(settings, "rtpengine"),
        "livenessProbe": alive(_probe("rtpengine"), period=10),
        "volumeMounts": [mount("state", STATE), tmp(), spool_mount()],
    }


def _memory(settings: WorkloadSettings) -> Manifest:
    """Without it calls go on: it only holds the relay up when it hangs, a tenth of a second now and then."""
    return {
        **_sidecar(settings, "valkey"),
        "livenessProbe": alive(_probe("valkey"), period=20),
        "volumeMounts": [mount("state", STATE, read_only=True), tmp()],
    }


def _sidecar(settings: WorkloadSettings, name: str) -> Manifest:
    return {
        **common(settings, name),
        "restartPolicy": "Always",
        "command": ["/usr/bin/python3", "-S", "-m", "sipedge.container", name],
        "env": values({"TRUNKLINE_INSTANCE": INSTANCE}),
    }


def _probe(name: str) -> list[str]:
    return ["/usr/bin/python3", "-S", "-m", "sipedge.relay_alive", name]


def _recorder(settings: WorkloadSettings, grace: int) -> Manifest:
    """Knows no call and no instance: it reads the spool alone, and what it is told of storage.

    The spool goes with the pod, so it stores what it can as long as the pod may take to end.
    """
    recordings = settings.recordings
    mounts = [tmp(), spool_mount()]
    if recordings.claim:
        mounts.append(mount("recordings", VOLUME))
    if recordings.secret:
        mounts.append(mount("bucket", _KEYS, read_only=True))
    return {
        **common(settings, "recorder", recordings.image),
        "restartPolicy": "Always",
        "args": [
            *("--spool", SPOOL, *_destination(recordings)),
            *(f"--end-seconds={grace}", f"--quiet-seconds={_QUIET_SECONDS}"),
        ],
        "volumeMounts": mounts,
    }


def _destination(recordings: Recordings) -> list[str]:
    told = {
        "--recordings-url": recordings.place,
        "--endpoint": recordings.endpoint,
        "--region": recordings.region,
        "--credentials": _KEYS if recordings.secret else "",
        "--retention-days": str(recordings.retention_days or ""),
    }
    return [part for option, value in told.items() if value for part in (option, value)]

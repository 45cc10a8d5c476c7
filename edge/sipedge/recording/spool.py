"""The spool of an edge address: a directory of mode 0700 where packets become recordings. Pure: names alone.

    pcaps/<ng id>-<chance>.pcap           the relay writes; as long as the session lasts it grows
    tmp/rtpengine-meta-*.tmp              the relay writes; holds SRTP keys: deleted unread
    metadata/rtpengine-meta-*.txt         the relay moves it here when the pcap is complete; likewise
    orphans/*.pcap                        what lay in `pcaps` when a relay was started: complete, maybe torn
    jobs/<CallSid>.json                   the agent writes one when a recorded call is over, in one step
    ready/<recording sid>.wav             made, and not stored yet; also what a call has had recorded by
    ready/<recording sid>.json            its instructions, which the B2BUA makes; written last
    destinations/<account>.json           the agent writes where the account's recordings go; holds keys
    recorder.json                         the recorder writes how it fares; the agent reads

The name of a pcap begins with its session's ng id, `<CallSid>.<attempt>`, which has no character that
the relay escapes. A job names ng ids; the recorder finds the files.

Before a relay is started, whoever starts it moves `pcaps/*` to `orphans`, and deletes `tmp/*` and
`metadata/*`: a relay that restores its sessions would overwrite their files.
"""

from __future__ import annotations

from typing import Final

PCAPS: Final = "pcaps"
TMP: Final = "tmp"
METADATA: Final = "metadata"
ORPHANS: Final = "orphans"
JOBS: Final = "jobs"
READY: Final = "ready"
DESTINATIONS: Final = "destinations"
STATE_FILE: Final = "recorder.json"
_PCAP: Final = ".pcap"
_METADATA: Final = "rtpengine-meta-"


def pcap_is_of(name: str, ng_id: str) -> bool:
    """True if the file of this name holds packets of that session."""
    return name.startswith(f"{ng_id}-") and name.endswith(_PCAP)


def call_sid_of_pcap(name: str) -> str:
    """The CallSid of the call whose packets the file holds; "" if the name has none."""
    sid, dot, _ = name.partition(".")
    return sid if dot and len(sid) == 34 and sid.startswith("CA") and sid.isalnum() else ""


def metadata_of_pcap(name: str) -> str:
    """The name of the file whose presence in `metadata` says that the pcap is complete."""
    return f"{_METADATA}{name.removesuffix(_PCAP)}.txt"


def pcap_of_metadata(name: str) -> str:
    """The name of the pcap that is complete by the presence of this file in `metadata`."""
    return f"{name.removeprefix(_METADATA).removesuffix('.txt')}{_PCAP}"

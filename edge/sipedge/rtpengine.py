"""`python3 -m sipedge.rtpengine`: becomes the rtpengine of the instance that TRUNKLINE_INSTANCE names.

Before, it makes the spool what rtpengine must find, and gets as many descriptors as the calls need.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import time
from pathlib import Path
from typing import Final

from sipedge.instance import InstanceError, InstanceSettings, forbid_core_files, own_settings
from sipedge.media_settings import FILES_PER_CALL, MediaSettings
from sipedge.recording.spool import METADATA, ORPHANS, PCAPS, TMP
from sipedge.relay_memory import memory_listens, own_memory_password

PROGRAM: Final = "rtpengine"
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LOG_LEVEL: Final = 3
"""Errors. A command that rtpengine refuses is a warning, and is told whole, with the keys in its SDP."""
_OTHER_FILES: Final = 256
_EXPEDITED: Final = 184
"""Expedited forwarding (RFC 3246), as the whole byte of the IP header."""
_OFFER_SECONDS: Final = 600
"""How long an offer may wait for its answer: longer than a call may ring."""
_MEMORY_MILLISECONDS: Final = 100
"""How long a command waits for what keeps the sessions."""
_WITHOUT_MEMORY_SECONDS: Final = 10
"""After it gave no answer, it is not asked for so long."""
_MEMORY_START_SECONDS: Final = 5.0
"""How long rtpengine waits for a memory that is being started as well: it asks for sessions only once."""
MEMORY_PASSWORD: Final = "RTPENGINE_REDIS_AUTH_PW"  # noqa: S105 - the name of a variable


def rtpengine_program() -> str | None:
    """The path of rtpengine; None if it is not installed."""
    return shutil.which(PROGRAM, path=_PATH)


def relay_command() -> list[str]:
    """How to start an instance's relay, in the foreground, logging to standard error."""
    return ["/usr/bin/python3", "-S", "-m", "sipedge.rtpengine"]


def rtpengine_command(settings: InstanceSettings, most_calls: int | None = None) -> list[str]:
    """How rtpengine itself is started; `most_calls` if there cannot be as many as the settings allow.

    The spool must be there (`prepare_spool`). Raises InstanceError if the instance relays no media.
    """
    media = _media(settings)
    advertised = "" if settings.advertised is None else f"!{settings.advertised}"
    options = {
        "config-file": "none",
        "log-level": _LOG_LEVEL,
        "table": -1,
        "interface": f"{settings.address}{advertised}",
        "listen-ng": f"{media.control}:{media.ng_port}",
        "listen-http": f"{media.control}:{media.http_port}",
        "port-min": media.first_port,
        "port-max": media.last_port,
        "max-sessions": media.calls if most_calls is None else min(most_calls, media.calls),
        "delete-delay": 0,
        "timeout": media.silence_seconds,
        "silent-timeout": media.hold_seconds,
        "final-timeout": media.hold_seconds + 300,
        "offer-timeout": _OFFER_SECONDS,
        "tos": _EXPEDITED,
        "endpoint-learning": "off",
        "recording-dir": media.spool,
        "recording-method": "pcap",
        "recording-format": "eth",
    }
    told = [f"--{name}={value}" for name, value in options.items()]
    return [rtpengine_program() or PROGRAM, "--foreground", "--log-stderr", *told, *_memory(media)]


def _memory(media: MediaSettings) -> tuple[str, ...]:
    """So that a memory that hangs or is gone costs little: without these every packet waits for it."""
    if media.redis is None:
        return ()
    return (
        f"--redis={media.redis}",
        "--no-redis-required",
        f"--redis-expires={media.hold_seconds + 300}",
        f"--redis-connect-timeout={_MEMORY_MILLISECONDS}",
        f"--redis-cmd-timeout={_MEMORY_MILLISECONDS}",
        "--redis-allowed-errors=0",
        f"--redis-disable-time={_WITHOUT_MEMORY_SECONDS}",
    )


def is_outdated(settings: InstanceSettings) -> bool:
    """Whether its rtpengine was started with other settings; False if none was started yet.

    Raises InstanceError if the instance relays no media, or what it was started with cannot be read.
    """
    wanted, file = "\n".join(rtpengine_command(settings)), _started_file(settings)
    try:
        return file.read_text(encoding="utf-8") != wanted
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise InstanceError(f"{file}: {error}") from error


def _started_file(settings: InstanceSettings) -> Path:
    """What was asked for when rtpengine was started last; it reads nothing of it later."""
    return settings.directory / "rtpengine.started"


def prepare_spool(media: MediaSettings, now: int) -> None:
    """Make the spool, and put aside what an earlier rtpengine has left there. `now`: seconds, for new names.

    See `recording.spool`; an orphan's name ends in `.<now>.pcap`. Raises OSError.
    """
    pcaps, orphans = media.spool / PCAPS, media.spool / ORPHANS
    for directory in (media.spool, pcaps, orphans):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
    for left in (TMP, METADATA):
        shutil.rmtree(media.spool / left, ignore_errors=True)
    for pcap in pcaps.glob("*.pcap"):
        pcap.replace(orphans / f"{pcap.stem}.{now}.pcap")


def allow_calls(calls: int) -> int:
    """Have as many descriptors as so many calls need; returns for how many calls there are enough."""
    wanted = calls * FILES_PER_CALL + _OTHER_FILES
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in ((wanted, max(wanted, most)), (min(wanted, most), most)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)
            break
        except (OSError, ValueError):  # more than the hard limit is for root alone
            continue
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(calls, (allowed - _OTHER_FILES) // FILES_PER_CALL))


def main() -> int:
    """Does not return where rtpengine can be started; 2 for settings or a spool that cannot be used."""
    forbid_core_files()
    os.umask(0o077)
    try:
        settings = own_settings()
        media = _media(settings)
        prepare_spool(media, int(time.time()))
        calls = allow_calls(media.calls)
        if calls < media.calls:
            print(f"descriptors for {calls} calls only; ports are for {media.calls}", file=sys.stderr)
        command = rtpengine_command(settings, calls)
        _started_file(settings).write_text("\n".join(rtpengine_command(settings)), encoding="utf-8")
        environment = dict(os.environ)
        if media.redis is not None:
            environment[MEMORY_PASSWORD] = own_memory_password(settings).reveal()
            if not memory_listens(media.redis, _MEMORY_START_SECONDS):
                print(f"{media.redis} is not there: no session is taken up again", file=sys.stderr)
        os.execve(command[0], command, environment)  # noqa: S606
    except (InstanceError, OSError) as error:
        print(error, file=sys.stderr)
    return 2


def _media(settings: InstanceSettings) -> MediaSettings:
    if settings.media is None:
        raise InstanceError(f"{settings.edge} {settings.address} relays no media")
    return settings.media


if __name__ == "__main__":
    sys.exit(main())

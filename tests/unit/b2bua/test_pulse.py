"""Whether the B2BUA works: a lock that a process holds, and a time that it renews."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from sipedge.b2bua_pulse import Pulse, is_working, pulse_file

LONG = 3_600.0
HOLDER = """
import sys, time
from pathlib import Path
from sipedge.b2bua_pulse import Pulse
pulse = Pulse(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(3600)
"""


def test_nobody_works_before_the_first_sign_of_life(tmp_path: Path) -> None:
    assert not is_working(tmp_path, LONG)
    pulse_file(tmp_path).touch()
    assert not is_working(tmp_path, LONG)


def test_who_is_killed_works_no_more_at_once(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert is_working(tmp_path, LONG)
        process.kill()
        process.wait()
        assert not is_working(tmp_path, LONG)
    pulse = Pulse(tmp_path)
    assert is_working(tmp_path, LONG)
    pulse.end()
    assert not is_working(tmp_path, LONG)


def test_who_has_said_nothing_for_too_long_hangs(tmp_path: Path) -> None:
    """A time to come is none: it is of a machine that has been started anew."""
    pulse = Pulse(tmp_path)
    for ago, works in ((0.0, True), (100.0, False), (-100.0, False)):
        said = time.monotonic_ns() - round(ago * 1_000_000_000)
        os.utime(pulse_file(tmp_path), ns=(said, said))
        assert is_working(tmp_path, 50.0) is works
    pulse.beat()
    assert is_working(tmp_path, 50.0)
    pulse.end()

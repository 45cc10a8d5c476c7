"""How much faster than it was spoken a recorded call becomes a file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.comparison import Bench, Comparison
from bench.sizes import Sizes
from sipedge.recording.job import Job, Part
from sipedge.recording.legs import Leg
from sipedge.recording.modes import Mode
from siprecorder.convert import convert
from support.pcaps import CALLEE_PORT, CALLER_PORT, Sent, moved, pcap, stream

_MINUTE = 60


@contextmanager
def recordings_bench(sizes: Sizes) -> Iterator[Bench]:
    """A call of some minutes, PCMU towards PCMA, both parties speaking all the time, on two channels."""
    seconds = _MINUTE * sizes.recorded_minutes
    part = Part("call", (Leg(CALLER_PORT, {0: "PCMU/8000"}),), (Leg(CALLEE_PORT, {8: "PCMA/8000"}),))
    job = Job(call_sid=f"CA{'0' * 32}", mode=Mode.FROM_ANSWER_DUAL, parts=(part,))
    with TemporaryDirectory(prefix="recordings-") as temporary:
        file, target = Path(temporary, "call.pcap"), Path(temporary, "call.wav")
        file.write_bytes(pcap(_call(sizes.recorded_minutes)))

        def record() -> float:
            begun = time.process_time()
            sound = convert(job, [(part, file)], target)
            took = time.process_time() - begun
            assert sound is not None
            assert abs(sound.seconds - seconds) < 1
            return took

        yield Bench(
            {"sound": lambda: float(seconds), "recorder": record},
            (
                Comparison(
                    "a recording",
                    "sound",
                    "recorder",
                    f"{sizes.recorded_minutes} minutes of a call / the recorder's CPU for its file",
                    300.0,
                    "tables for G.711, one pass, blocks of twenty seconds",
                    at_least=True,
                ),
            ),
        )


def _call(minutes: int) -> list[Sent]:
    found: list[Sent] = []
    for minute in range(minutes):
        begin = {"sequence": minute * 3000, "timestamp": minute * 480_000}
        packets = stream(400, _MINUTE, **begin)
        packets += stream(700, _MINUTE, port=CALLEE_PORT, payload_type=8, ssrc=2, **begin)
        found += moved(packets, minute * _MINUTE)
    return found

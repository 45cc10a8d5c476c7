"""`python3 -m sipedge.b2bua.voice.decode SECONDS`: a sound file on standard input, its sound on the output.

What is read was made by a stranger, and an error in a decoder is the stranger's code. So it is read in a
process of its own, which may use neither much memory nor much time, and writes no file. The output is 8 kHz,
16 bit, one channel, little-endian, no head; it must be a pipe. Exit code 1: it cannot be played; standard
error says why.
"""

from __future__ import annotations

import resource
import sys
from typing import Final

from sipedge.b2bua.voice.mp3 import read_mp3
from sipedge.b2bua.voice.resampling import resampled
from sipedge.b2bua.voice.wav_file import Samples, SoundError, read_wav

_MEMORY_BYTES: Final = 1 << 30
_PROCESSOR_SECONDS: Final = 30
_FILES: Final = 32


def read_sound(data: bytes, most_seconds: float) -> Samples:
    """The sound of a WAV or MP3 file, whatever its name and type are. Raises SoundError."""
    if data[:4] == b"RIFF":
        return read_wav(data, most_seconds)
    if data[:3] == b"ID3" or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0):
        return read_mp3(data, most_seconds)
    raise SoundError("neither a WAV nor an MP3 file")


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_CPU, _PROCESSOR_SECONDS),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def main(most_seconds: float) -> int:
    """0 = all of it was written."""
    _limit()
    try:
        sound = read_sound(sys.stdin.buffer.read(), most_seconds)
        values = resampled(sound.values, sound.rate)
    except (SoundError, MemoryError) as error:
        print(str(error) or "too large", file=sys.stderr)
        return 1
    if sys.byteorder == "big":
        values.byteswap()
    sys.stdout.buffer.write(values.tobytes())
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))

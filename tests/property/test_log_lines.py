"""A program's log: whatever it writes, in whatever pieces, comes out as few, short, harmless lines."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from sipedge.log_lines import (
    LONGEST_LINE,
    MOST_FAULTS,
    MOST_LINES,
    NO_LOG,
    advance,
    finish,
    kamailio_line,
    plain_line,
)
from sipedge.printable import printable

RENDERS = st.sampled_from((kamailio_line, plain_line))
PIECES = st.lists(st.binary(max_size=400) | st.just(b"x" * 40_000) | st.just(b"a\n" * 150), max_size=12)


def record(level: str = "NOTICE", function: str = "sr_kemi_core_notice", message: str = "hello") -> bytes:
    """As Kamailio 5.6.3 writes it with `--log-engine=json:p`."""
    head = (
        f'{{ "idx": 3, "pid": 77, "level": "{level}", "module": "core", "file": "core/kemi.c", "line": 126,'
    )
    return (
        f'{head} "function": "{function}", "message": {json.dumps(message, ensure_ascii=False)} }}'.encode()
    )


@given(PIECES, RENDERS)
def test_lines_are_printable_bounded_and_few(pieces: list[bytes], render: object) -> None:
    state, lines = NO_LOG, []
    for piece in pieces:
        state, more = advance(state, piece, 5.5, render)  # type: ignore[arg-type]
        lines += more
        assert len(state.held) <= 16_384
    lines += finish(state, 5.5, render)  # type: ignore[arg-type]
    assert all(line.isprintable() and len(line.encode()) <= LONGEST_LINE for line in lines)
    assert len(lines) <= MOST_LINES + 1


@given(PIECES, st.integers(1, 4000))
def test_the_pieces_in_which_it_comes_make_no_difference(pieces: list[bytes], size: int) -> None:
    whole = b"".join(pieces)
    state, lines = NO_LOG, []
    for start in range(0, len(whole), size):
        state, more = advance(state, whole[start : start + size], 5.5, plain_line)
        lines += more
    lines += finish(state, 5.5, plain_line)
    at_once, expected = advance(NO_LOG, whole, 5.5, plain_line)
    assert lines == expected + finish(at_once, 5.5, plain_line)


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(0, 300)), max_size=12))
def test_every_line_is_there_or_counted(reads: list[tuple[float, int]]) -> None:
    state, lines = NO_LOG, []
    for now, count in sorted(reads):
        state, more = advance(state, b"a\n" * count, now, plain_line)
        lines += more
    lines += finish(state, 30.0, plain_line)
    left_out = sum(int(line.split()[4].replace(",", "")) for line in lines if "left out" in line)
    assert lines.count("a") + left_out == sum(count for _, count in reads)


def test_no_flood_hides_a_fault_of_our_own() -> None:
    fault = record("ERROR", "sr_kemi_core_err", "fault in request route: KeyError at routes.py:1")
    quoted = record("ERROR", "parse_msg", fault.decode())
    state, lines = advance(NO_LOG, (quoted + b"\n") * 500 + (fault + b"\n") * 500, 5.5, kamailio_line)
    lines += finish(state, 5.5, kamailio_line)
    assert sum(" trunkline: fault in " in line for line in lines) == MOST_FAULTS
    assert len(lines) == MOST_LINES + MOST_FAULTS + 1


@given(st.text(st.characters(codec="utf-8")))
def test_a_record_is_one_line_that_says_who_wrote_it(message: str) -> None:
    """Text that a parser quotes stands behind the parser's place, whatever it says."""
    ours = kamailio_line(record(message=message), 0, 0.0)
    theirs = kamailio_line(record("ERROR", "parse_msg", message), 0, 0.0)
    assert ours.startswith("1970-01-01T00:00:00.000Z NOTICE 77 trunkline:")
    assert theirs.startswith("1970-01-01T00:00:00.000Z ERROR 77 core/kemi.c:126:")
    if len(message) < 100:
        assert printable(message.strip()) in ours


@given(st.binary())
def test_what_is_no_record_never_passes_for_one_of_ours(data: bytes) -> None:
    """Not even the inside of a record of ours, quotes escaped as they are when a message is quoted."""
    quoted = json.dumps(record().decode()).encode()[1:-1]
    for raw in (data, quoted, b" 3(77) NOTICE: trunkline: refused", quoted + data):
        assert kamailio_line(raw, 0, 0.0).startswith("1970-01-01T00:00:00.000Z - - stderr:")


@given(st.text())
def test_a_cut_record_keeps_its_place_and_tells_its_length(message: str) -> None:
    whole = record(message=message + "\n\x1b" * 5_000)
    _, lines = advance(NO_LOG, whole + b"\n", 0.0, kamailio_line)
    assert len(lines) == 1
    assert " NOTICE 77 trunkline: " in lines[0]
    assert lines[0].endswith(f"[cut: it had {len(whole):,} bytes]")


@given(st.text())
def test_escaping_is_whole_and_done_once(text: str) -> None:
    once = printable(text)
    assert once.isprintable()
    assert printable(once) == once
    assert text == once or not text.isprintable()

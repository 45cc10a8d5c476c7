"""Log lines and counters. One line per refusal, never a secret, and no line that a sender could forge."""

from __future__ import annotations

from collections.abc import Callable

from sipedge.fault import describe_fault
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text
from sipedge.printable import printable
from sipedge.routing.decision import Decision
from sipedge.routing.reasons import Reason

_COUNTERS = "count"
"""The htable of counters: `-|<reason>` of refusals, `<topic>|<what>` of all else; read it with the RPC
`htable.dump count`. Not by trunk: the answer of an RPC is bounded, and a refused call leaves a record."""


def note_refusal(decision: Decision, reason: Reason) -> None:
    """Count a refused, challenged or dropped request, and say so."""
    detail = decision.steps[-1].detail if decision.steps else ""
    note_reason(reason, trunk=decision.trunk, direction=decision.direction, detail=detail)


def note_reason(
    reason: Reason, *, trunk: str | None = None, direction: str | None = None, detail: str = ""
) -> None:
    answer = reason.value
    KSR.htable.sht_inc(_COUNTERS, f"-|{reason.name}")
    say(
        f"refused status={answer.status or 'none'} reason={reason.name} rule={answer.rule!r}"
        f" trunk={trunk or '-'} direction={direction or '-'} {message_fields()} detail={detail!r}"
    )


def count(name: str) -> None:
    """Count what is no refusal; a name begins with what it belongs to and `|`."""
    KSR.htable.sht_inc(_COUNTERS, name)


def note_fault(place: str, error: BaseException) -> None:
    """An exception of ours, counted: what sort, and where; its text may quote a secret."""
    KSR.htable.sht_inc(_COUNTERS, f"-|{Reason.InternalError.name}")
    KSR.err(_one_line(f"fault in {place}: {describe_fault(error)} {message_fields()}"))


def guarded(place: str, action: Callable[[], object]) -> int:
    """Do it; a fault in it is told and goes no further. What Kamailio wants of a route: 1."""
    try:
        action()
    except Exception as error:
        note_fault(place, error)
    return 1


def say(line: str) -> None:
    KSR.notice(_one_line(line))


def message_fields() -> str:
    """The request in four fields, to find it again in a capture."""
    return f"method={text('$rm')} call_id={text('$ci')!r} source={text('$si')}:{text('$sp')}"


def _one_line(line: str) -> str:
    return printable(line)[:2000] + "\n"

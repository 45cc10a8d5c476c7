"""A call like one before it: what was decided of that one holds for this one, but for its numbers. Pure.

`route()` asks everything of the first calls of a likeness. What their numbers may change is asked of every
call, by the same checks; the rest is kept with the plans of trunks, and ends with them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from sipedge.routing.authenticate import DigestCheck
from sipedge.routing.call import Call, Side, Stage, TrunkPlan
from sipedge.routing.decision import Decision, Direction, Forward, HeaderChanges, Parties, Target
from sipedge.routing.findings import Check, Steps, run_checks
from sipedge.routing.lookups import names_before
from sipedge.routing.message.headers import refusal_headers
from sipedge.routing.message.likeness import Likeness
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.numbers import number_of_header
from sipedge.routing.refusals import refused
from sipedge.routing.targets import Dice, aimed, draw, gateways_of
from sipedge.routing.writing import have_form, is_written_anew, may_be_written_anew
from sipedge.table import AccountRow, SiteRow, Table
from sipedge.values import quickly_made, replace

MOST_ALIKE: Final = 1_024
"""Likenesses of which something is kept, and of which it is known that they have been seen."""
LARGEST_ALIKE: Final = 4_096
"""Characters of the headers and the body of an INVITE of which anything is kept."""
MOST_HEADERS_ALIKE: Final = 32
"""Of these alike: a short header takes more memory than its text."""
CALLED_MARK: Final = "!called!"
"""Stands for the digits of a called number in what is made once of all calls alike, as do the next two."""
CALLING_MARK: Final = "!calling!"
TAG_MARK: Final = "!tag!"
_MARKED: Final = "marked"
TOLD: Final = "told"
"""Where the shelf of calls alike has what is told of them (`telling`)."""
_PLACE: Final = "calls alike"
_SEEN: Final = "likenesses seen"

_CALLED, _CALLING = 0, 1
_Gap = tuple[str, int, str]
"""A text around a number: before it, which one, and after it."""


@quickly_made
@dataclass(frozen=True)
class Alike:
    """What calls of one likeness have in common."""

    site: SiteRow
    plan: TrunkPlan
    side: Side
    """Its numbers are another call's."""
    account: AccountRow
    forward: Forward
    """Its numbers are that call's as well, and so are its targets. Its shelf is that of all of them."""
    checks: tuple[Check[Call], ...]
    """Those that may find something else of other numbers."""
    parties: tuple[tuple[str, str], ...]
    """Around the calling number From as received and as sent, around the called number To likewise."""
    insert: tuple[tuple[str, _Gap], ...]
    append: tuple[tuple[str, _Gap], ...]
    replaced: tuple[str, ...]
    """Which of From and To the callee is shown otherwise."""


def follow(
    table: Table, request: SipRequest, likeness: Likeness, *, digest: DigestCheck, dice: Dice
) -> Decision | None:
    """The decision on a call like one before it; None: it is to be asked everything."""
    known: Alike | None = table.plans.get(_PLACE, _NOTHING).get(likeness.key)
    if known is None:
        return None
    side, plan, called = known.side, known.plan, f"+{likeness.called}"
    if table.carrier_of_source(request.source, likeness.user) != side.carrier:
        return None
    number = side.number
    if number is not None:
        number = table.number(called)
        if number is None or number.trunk != plan.trunk.id:
            return None
    is_origination = side.direction is Direction.ORIGINATION
    found = aimed(plan.targets, called) if is_origination else gateways_of(table, called)
    if not found or have_form(found) or names_before(table, found):
        return None  # before a check, which may take a digest for used
    if known.checks:
        side = replace(side, called=called, calling=f"+{likeness.calling}", number=number)
        call = Call(table, known.site, request, digest, side, plan, plan.trunk, known.account)
        steps = Steps(False)
        refusal = run_checks(known.checks, call, steps)
        if refusal is not None:
            return refused(known.site, side, refusal, steps, refusal_headers(refusal, request))
    return _filled(known, likeness, request.from_tag, draw(found, dice))


def note(
    table: Table,
    likeness: Likeness,
    call: Call,
    forward: Forward,
    checks: tuple[Check[Call], ...],
    stages: tuple[Stage, ...],
) -> None:
    """Keep what was decided, if it holds for all calls alike; by `checks` and `stages`, which were asked.

    A likeness that is seen once may never be seen again: some telephones write an id of their own into each
    call.
    """
    shelf = table.plans
    seen: dict[int, None] = shelf.setdefault(_SEEN, {})
    place = hash(likeness.key)
    if place not in seen:
        if len(seen) >= MOST_ALIKE:
            seen.clear()
        seen[place] = None
        return
    if _is_large(call.request):
        return
    try:
        known = _known(likeness, call, forward, checks, stages)
    except ValueError:
        return
    if known is None or _filled(known, likeness, call.request.from_tag, forward.targets) != forward:
        return
    kept = shelf.setdefault(_PLACE, {})
    if len(kept) >= MOST_ALIKE:
        _make_room(kept)
    marks = Likeness(likeness.key, CALLED_MARK, CALLING_MARK, "")
    shelf_alike = {_MARKED: _filled(known, marks, TAG_MARK, ()), TOLD: {}}
    kept[likeness.key] = replace(known, forward=replace(forward, shelf=shelf_alike))


def marked(forward: Forward, targets: tuple[Target, ...]) -> Forward:
    """The decision on a call like this one, to these targets, with marks for its numbers and its tag."""
    with_marks: Forward = (forward.shelf or {})[_MARKED]
    return replace(with_marks, targets=targets)


def _make_room(kept: dict[tuple[Any, ...], Alike]) -> None:
    """The trunk with the most likenesses begins anew: who writes ever new ones costs itself."""
    largest = Counter(each.plan.trunk.id for each in kept.values()).most_common(1)[0][0]
    for key in [key for key, each in kept.items() if each.plan.trunk.id == largest]:
        del kept[key]


_NOTHING: Final[dict[Any, Any]] = {}


def _is_large(request: SipRequest) -> bool:
    headers = request.headers
    written = sum(len(name) + sum(map(len, values)) for name, values in headers.items())
    return len(headers) > MOST_HEADERS_ALIKE or written + len(request.body) > LARGEST_ALIKE


def _known(
    likeness: Likeness,
    call: Call,
    forward: Forward,
    checks: tuple[Check[Call], ...],
    stages: tuple[Stage, ...],
) -> Alike | None:
    side, headers, site = call.side, call.request.headers, call.site
    is_plain = (
        all(each.is_alike(call, forward.parties) for each in stages)
        and not may_be_written_anew(call)
        and not is_written_anew(call, forward.targets)
        and not side.is_emergency
    )
    called, calling = f"+{likeness.called}", f"+{likeness.calling}"
    read = number_of_header(headers["to"][0]), number_of_header(headers["from"][0])
    # Else another header has the number, as it has in all calls alike.
    if not is_plain or not (forward.called, forward.calling) == read == (called, calling):
        return None
    parties, changes = forward.parties, forward.changes
    texts = (
        (parties.from_received, _CALLING),
        (parties.from_sent, _CALLING),
        (parties.to_received, _CALLED),
        (parties.to_sent, _CALLED),
    )
    return Alike(
        site,
        call.plan,
        side,
        call.account,
        forward,
        tuple(each for each in checks if not each.is_alike(call.plan, site)),
        tuple(_around(likeness, text, which) for text, which in texts),
        tuple((name, _gap(likeness, value)) for name, value in changes.insert),
        tuple((name, _gap(likeness, value)) for name, value in changes.append),
        tuple(name for name, _ in changes.replace),
    )


def _gap(likeness: Likeness, text: str) -> _Gap:
    """The text around the one number that it has. Raises ValueError if it has none, or more than one."""
    if text.count(likeness.called) + text.count(likeness.calling) != 1:
        raise ValueError("it is not to be told which number goes where")
    which, number = (_CALLED, likeness.called) if likeness.called in text else (_CALLING, likeness.calling)
    before, _, after = text.partition(number)
    return before, which, after


def _around(likeness: Likeness, text: str, wanted: int) -> tuple[str, str]:
    """The text around this number, which must be the only one in it; else a ValueError."""
    before, which, after = _gap(likeness, text)
    if which != wanted:
        raise ValueError("it has the other number")
    return before, after


def _filled(known: Alike, likeness: Likeness, tag: str, targets: tuple[Target, ...]) -> Forward:
    """The decision with this call's numbers and targets."""
    called, calling = likeness.called, likeness.calling
    (a, b), (c, d), (e, f), (g, h) = known.parties
    from_sent, to_sent = c + calling + d, g + called + h
    parties = Parties(a + calling + b, from_sent, e + called + f, to_sent)
    numbers, changes, replaced = (called, calling), known.forward.changes, known.replaced
    return replace(
        known.forward,
        called=f"+{called}",
        calling=f"+{calling}",
        targets=targets,
        parties=parties,
        changes=HeaderChanges(
            changes.remove,
            _values(known.insert, numbers) if known.insert else (),
            _values(known.append, numbers) if known.append else (),
            _replaced(replaced, from_sent, to_sent, tag) if replaced else (),
        ),
    )


def _replaced(names: tuple[str, ...], from_sent: str, to_sent: str, tag: str) -> tuple[tuple[str, str], ...]:
    return tuple([(name, f"{from_sent};tag={tag}" if name == "From" else to_sent) for name in names])


def _values(lines: tuple[tuple[str, _Gap], ...], numbers: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple([(name, before + numbers[which] + after) for name, (before, which, after) in lines])

"""What a call leaves behind as its INVITE goes on for the first time: of calls alike all texts at once. Pure.

The first of calls alike (`sipedge.routing.alike`) leaves what the functions make that any other call is begun
by. The same functions, given marks in place of all that differs, make the frame that the next ones fill in.
"""

from __future__ import annotations

from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from typing import Any, Final, NamedTuple

from sipedge.routing.alike import CALLED_MARK, CALLING_MARK, TAG_MARK, marked
from sipedge.routing.attempts import OF_NAMES, Attempt, AttemptKind, no_name_bears_on, plan_attempts
from sipedge.routing.decision import Forward
from sipedge.routing.dialog.hops import Hop, hop_of_attempt
from sipedge.routing.dialog.new_call import GRACE_SECONDS, facts_of
from sipedge.routing.dialog.pending import Invite, PendingCall
from sipedge.routing.dialog.tokens import TOKEN_PARAMETER
from sipedge.routing.dialog.way import Way, way_of
from sipedge.routing.failover import begin_call
from sipedge.routing.limits import keys_in_progress
from sipedge.routing.message.headers import header_lines
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.silence import silence_key
from sipedge.routing.targets import aimed
from sipedge.table import Table
from sipedge.values import replace

MOST_FRAMES: Final = 4
"""Of one likeness: of its orders of targets, the first that are drawn."""
LARGEST_FRAME: Final = 4_096
"""Characters of its texts."""
_SID_MARK: Final = "!sid!"
_CALL_ID_MARK: Final = "!call id!"
_PARAMETER_MARK: Final = f";{TOKEN_PARAMETER}=!token!"
_CSEQ_MARK: Final = 826_354_917
_BEGUN_MARK: Final = 726_354_819.25
_GAPS: Final = {
    CALLED_MARK: "%(called)s",
    CALLING_MARK: "%(calling)s",
    TAG_MARK: "%(tag)s",
    _SID_MARK: "%(sid)s",
    f'"{_CALL_ID_MARK}"': "%(call_id)s",
    _PARAMETER_MARK.partition("=")[2]: "%(token)s",
    str(_CSEQ_MARK): "%(cseq)d",
    repr(_BEGUN_MARK): "%(begun)r",
}
_BETWEEN: Final = "\0"
_PLACE: Final = "frames that names bear on"
_UNSEEN: Final = object()
_BEFORE_TOKEN: Final = len(f";{TOKEN_PARAMETER}=")


class Opening(NamedTuple):
    """What one call leaves, and what its first INVITE has."""

    facts: str
    """`CallFacts.to_text`."""
    caller: str
    """`SideMemory.to_text`."""
    call: str
    """`PendingCall.to_text`."""
    route: str
    """These three of `CarriedTexts`."""
    lines: str
    carried: str
    request_uri: str
    headers: str
    """The lines of the headers that every attempt has."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The opening of all calls of a likeness that try the same targets in the same order."""

    attempt: Attempt
    """The first; its Request-URI is that of another call."""
    hop: Hop
    target_keys: tuple[str, ...]
    """The `silence_key` of each attempt."""
    source: Hop
    """Where the calls come from."""
    removed: tuple[str, ...]
    """Headers that no attempt has."""
    way: Way
    lasts: int
    """For how many seconds the token holds."""
    names: object | None
    """Is the same as long as names resolve as they did; None: none bears on it."""
    texts: str
    """Those of the opening, with gaps."""

    def token_text(self, begun: float) -> str:
        """The text of the first attempt's token."""
        return self.way.token_text(int(begun) + self.lasts)

    def opening(
        self, request: SipRequest, forward: Forward, cseq: int, sid: str, begun: float, parameter: str
    ) -> Opening:
        """The opening of one of them; `parameter` has its token."""
        given = {
            "called": forward.called[1:],
            "calling": forward.calling[1:],
            "tag": request.from_tag,
            "sid": sid,
            "call_id": encode_basestring_ascii(request.call_id),
            "token": parameter[_BEFORE_TOKEN:],
            "cseq": cseq,
            "begun": begun,
        }
        return Opening._make((self.texts % given).split(_BETWEEN))


def frame_of(table: Table, forward: Forward) -> Frame | None:
    """The frame that is kept of calls like this one; None: there is none."""
    found = None if forward.shelf is None else forward.shelf.get(_place_of(forward))
    if not isinstance(found, Frame) or (found.names is not None and found.names is not _names(table)):
        return None
    return found


def keep_frame(table: Table, request: SipRequest, forward: Forward, call: PendingCall, ring: int) -> None:
    """Keep the frame of calls like this one, which is about to make its first attempt; if it has one.

    `ring`: for how many seconds an attempt may ring. Where names bear on it they must have stayed for a call:
    nothing is made again and again of those that change all the time.
    """
    shelf, attempt = forward.shelf, call.state.current
    if shelf is None or attempt is None:
        return
    place = _place_of(forward)
    known = shelf.get(place, _UNSEEN)
    if known is _UNSEEN and len(shelf) > MOST_FRAMES + 1:
        return
    if known is None or not _may_have_frame(table, request, forward, call):
        shelf[place] = None
        return
    names = _names(table) if _names_bear_on(table, request, forward) else None
    if isinstance(known, Frame) and known.names is names:
        return  # one of its targets may be dead
    has_stayed = names is None or known is names
    shelf[place] = _frame(table, request, forward, call, attempt, ring, names) if has_stayed else names


def _place_of(forward: Forward) -> Any:
    targets = forward.targets
    return targets[0].pattern if len(targets) == 1 else tuple([each.pattern for each in targets])


def _may_have_frame(table: Table, request: SipRequest, forward: Forward, call: PendingCall) -> bool:
    """False for what differs between calls alike, or is no text."""
    site = table.site()
    return (
        site is not None
        and not site.relay
        and call.changes is None
        and call.invite.with_sdp == bool(request.body)
        and not call.caller.behind_proxy
        and not any(each.shown for each in forward.targets)
        and all(each.relay is None and each.kind is AttemptKind.TARGET for each in call.state.attempts)
        and not any(name.lower() in request.headers for name, _ in forward.changes.insert)
    )


def _names_bear_on(table: Table, request: SipRequest, forward: Forward) -> bool:
    """True if attempts, or where the caller is reached, change with what names resolve to."""
    if request.connection is not None and table.has_named_gateways():
        return True
    return not all(no_name_bears_on(table, forward, each) for each in forward.targets)


def _names(table: Table) -> object:
    """The same object as long as all names resolve as they did."""
    return table.shelf(*OF_NAMES).setdefault(_PLACE, object())


def _frame(
    table: Table,
    request: SipRequest,
    forward: Forward,
    call: PendingCall,
    attempt: Attempt,
    ring: int,
    names: object | None,
) -> Frame | None:
    """None if what it gives is not what the call itself leaves."""
    patterns = tuple([each.pattern for each in forward.targets if each.pattern is not None])
    others = marked(forward, aimed(patterns, f"+{CALLED_MARK}"))
    state = begin_call(others, plan_attempts(table, others))
    if not state.attempts:
        return None
    invite, counted = call.invite, keys_in_progress(attempt.limits)
    mark = PendingCall(
        state,
        _BEGUN_MARK,
        facts_of(others, state, _SID_MARK),
        call.caller,
        Invite(_CALL_ID_MARK, TAG_MARK, _CSEQ_MARK, invite.with_sdp),
        counted=counted,
    )
    way = way_of(table.plans, call.facts, call.caller, attempt)
    texts = _BETWEEN.join(opening_of(mark, way, others, _PARAMETER_MARK)).replace("%", "%%")
    for text, gap in _GAPS.items():
        texts = texts.replace(text, gap)
    changes, preloaded = forward.changes, ("Route",) if "route" in request.headers else ()
    frame = Frame(
        attempt,
        hop_of_attempt(attempt),
        tuple(map(silence_key, call.state.attempts)),
        call.caller.source or call.caller.hop,
        (*preloaded, *changes.remove, *(name for name, _ in changes.replace)),
        way,
        ring + call.facts.max_duration_seconds + GRACE_SECONDS,
        names,
        texts,
    )
    parameter = f";{TOKEN_PARAMETER}=-"
    own = opening_of(replace(call, counted=counted), way, forward, parameter)
    if len(texts) > LARGEST_FRAME or texts.count(_BETWEEN) != len(own) - 1:
        return None
    given = frame.opening(request, forward, invite.cseq, call.facts.call_sid, call.begun, parameter)
    return frame if given == own else None


def opening_of(call: PendingCall, way: Way, forward: Forward, parameter: str) -> Opening:
    """The opening of any call without relayed media, made as a whole."""
    attempt, invite, changes = call.state.attempts[0], call.invite, forward.changes
    carried = way.carried.texts(
        call.facts, attempt, parameter, invite.tag, invite.cseq, with_sdp=invite.with_sdp
    )
    return Opening(
        call.facts.to_text(),
        call.caller.to_text(),
        call.to_text(),
        carried.route,
        carried.lines,
        carried.call,
        attempt.request_uri,
        header_lines((*changes.insert, *changes.append, *changes.replace)),
    )

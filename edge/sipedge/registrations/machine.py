"""One registration: what comes of an answer, of silence, of time. Pure: `step(.., state, event, around)`
gives the next state and what is to be sent.

An answer that is no answer to the last REGISTER changes nothing. A binding holds until the registrar's time
for it is over, whatever becomes of the attempts to renew it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sipedge.printable import printable
from sipedge.registrations.messages import Answer, granted_seconds
from sipedge.routing.message.digest import answerable, authorization
from sipedge.table.registration import RegistrationRow
from sipedge.table.rows import ResolvedAddress

ANSWER_SECONDS: Final = 32.0
"""64*T1 (RFC 3261 section 17.1.2.2): after that there is no answer any more."""
_CHALLENGES: Final = {
    401: ("www-authenticate", "Authorization"),
    407: ("proxy-authenticate", "Proxy-Authorization"),
}
_NEXT_PLACE: Final = frozenset({408, 500, 502, 503, 504})
"""Of one address of the registrar: another may do better."""
_LONGEST_INTERVAL: Final = 86_400
"""Seconds: a Min-Expires beyond that is not followed."""
_LONGEST_WAIT: Final = 3_600.0
"""Seconds of a Retry-After that are heeded."""
_LONGEST_QUOTE: Final = 60
"""Characters of what a registrar says that are shown."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds until the next attempt: the first after one that failed, doubled each time, up to the
    longest."""

    first: float = 5.0
    first_refused: float = 60.0
    """After an answer that says no: some carriers ban who asks again and again with a wrong password."""
    longest: float = 300.0
    answer: float = ANSWER_SECONDS
    """How long an answer is waited for."""


@dataclass(frozen=True, slots=True)
class Account:
    """What is registered, and as whom."""

    row: RegistrationRow
    request_uri: str
    """The digest is made for it."""
    contact: str
    """The URI at which the edge wants to be called."""
    patience: Patience = Patience()


@dataclass(frozen=True, slots=True)
class State:
    """Of one registration. Times are seconds of any one clock."""

    due: float = 0.0
    """When something is to be done if nothing happens before."""
    expires: int = 0
    """What is asked for; 0 = what the row says. It grows by 423."""
    cseq: int = 0
    is_asking: bool = False
    """A REGISTER waits for its answer."""
    answered: tuple[str, ...] = ()
    """Nonces that were answered since the attempt began."""
    place: int = 0
    """Which of the registrar's addresses is asked."""
    failures: int = 0
    """Attempts in a row that failed at every address."""
    until: float = 0.0
    """The registrar has the binding until then."""
    why: str = "no answer yet"
    """Why the last attempt has failed; "" = it has not."""
    is_leaving: bool = False
    is_over: bool = False
    """It was left, as well as that can be."""


@dataclass(frozen=True, slots=True)
class Around:
    """What is so at the moment of an event."""

    now: float
    places: tuple[ResolvedAddress, ...]
    """Where the registrar is, in the order to try."""
    draw: float
    """Of [0, 1): edges that begin together do not stay in step."""
    cnonce: str
    """A text that nobody can foretell."""


@dataclass(frozen=True, slots=True)
class Register:
    """One REGISTER to be sent."""

    place: ResolvedAddress
    cseq: int
    expires: int
    authorization: tuple[str, str] | None = None
    """A header."""


Step = tuple[State, Register | None]


def shown(state: State, now: float) -> str:
    """Why the edge is not registered; "" = it is."""
    return "" if now < state.until and not state.is_leaving else state.why or "the registration has run out"


def passed(account: Account, state: State, around: Around) -> Step:
    """`due` has come."""
    if state.is_over or around.now < state.due:
        return state, None
    if state.is_asking:
        return _failed(account, state, around, f"{account.row.host} gives no answer", at_next_place=True)
    return _ask(account, replace(state, answered=()), around)


def anew(account: Account, state: State, around: Around) -> State:
    """Kamailio was started anew: what was on its way is lost, and so are connections over which calls came
    back."""
    is_lost = state.is_asking or (account.row.transport != "udp" and around.now < state.until)
    if state.is_over or state.is_leaving or not is_lost:
        return state
    return replace(state, is_asking=False, answered=(), due=around.now)


def leave(account: Account, state: State, around: Around) -> Step:
    """The registration is to end."""
    if state.is_leaving:
        return state, None
    if around.now >= state.until and not state.is_asking:
        return replace(state, is_leaving=True, is_over=True), None
    return _ask(account, replace(state, is_leaving=True, answered=()), around)


def answered(account: Account, state: State, around: Around, answer: Answer) -> Step:
    """A final answer has come."""
    if not state.is_asking or answer.cseq != state.cseq or answer.status < 200:
        return state, None
    row = account.row
    if answer.status < 300:
        return _registered(account, state, around, answer)
    if answer.status in _CHALLENGES:
        return _challenged(account, state, around, answer)
    if answer.status == 423 and not state.is_leaving:
        wanted = answer.number("min-expires")
        if wanted is not None and (state.expires or row.expires_seconds) < wanted <= _LONGEST_INTERVAL:
            return _ask(account, replace(state, expires=wanted, answered=()), around)
    why = f"{row.host} answers {answer.status} {printable(answer.phrase[:_LONGEST_QUOTE])}".rstrip()
    at_next = answer.status in _NEXT_PLACE
    wait = float(answer.number("retry-after") or 0)
    return _failed(account, state, around, why, at_next_place=at_next, refused=not at_next, wait=wait)


def _ask(
    account: Account, state: State, around: Around, authorization: tuple[str, str] | None = None
) -> Step:
    if not around.places:
        return _failed(account, state, around, f"no address of {account.row.host} is known")
    place = around.places[state.place % len(around.places)]
    expires = 0 if state.is_leaving else state.expires or account.row.expires_seconds
    due = around.now + account.patience.answer
    asking = replace(state, cseq=state.cseq + 1, is_asking=True, due=due)
    return asking, Register(place, asking.cseq, expires, authorization)


def _registered(account: Account, state: State, around: Around, answer: Answer) -> Step:
    if state.is_leaving:
        return replace(state, is_asking=False, is_over=True, until=0.0), None
    asked = state.expires or account.row.expires_seconds
    granted = granted_seconds(answer, account.contact, asked)
    if granted == 0:
        why = f"{account.row.host} answers {answer.status} and registers for 0 s"
        return _failed(account, replace(state, until=0.0), around, why, refused=True)
    # Half of the time is left for attempts that fail; edges do not renew together.
    renewed = around.now + max(1.0, granted * (0.5 + 0.25 * around.draw))
    until = around.now + granted
    return replace(state, is_asking=False, due=renewed, until=until, failures=0, why="", answered=()), None


def _challenged(account: Account, state: State, around: Around, answer: Answer) -> Step:
    row = account.row
    asked_in, answered_in = _CHALLENGES[answer.status]
    values = answer.headers.get(asked_in, ())
    challenge = answerable(values, row.realm, state.answered, sha256=True)
    if challenge is None:
        why = (
            f"{row.host} refuses the user name or password of the Secret"
            if state.answered
            else f"{row.host} asks for no digest of the Secret's realm that can be answered (MD5, SHA-256)"
        )
        return _failed(account, state, around, why, refused=True)
    ha1 = row.ha1_sha256 if challenge.is_sha256 else row.ha1
    value = authorization(challenge, row.username, ha1, "REGISTER", account.request_uri, around.cnonce)
    again = replace(state, answered=(*state.answered, challenge.nonce))
    return _ask(account, again, around, (answered_in, value))


def _failed(
    account: Account,
    state: State,
    around: Around,
    why: str,
    *,
    at_next_place: bool = False,
    refused: bool = False,
    wait: float = 0.0,
) -> Step:
    if state.is_leaving:
        return replace(state, is_asking=False, is_over=True), None
    if at_next_place and state.place + 1 < len(around.places):
        return _ask(account, replace(state, place=state.place + 1, answered=(), why=why), around)
    patience = account.patience
    first = patience.first_refused if refused else patience.first
    longest = max(first, patience.longest)
    pause = min(first * 2.0 ** min(state.failures, 16), longest) * (0.5 + 0.5 * around.draw)
    return (
        replace(
            state,
            is_asking=False,
            place=0,
            failures=state.failures + 1,
            due=around.now + max(pause, min(wait, _LONGEST_WAIT)),
            why=why,
        ),
        None,
    )

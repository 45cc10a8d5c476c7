"""The name that a PBX is shown for who calls (CNAM, S68-S71). Pure.

It is that of the Number that calls, if the platform has one; where signatures are judged, one must have
proven that it does. Else it is what the platform's source of names answers, which is asked before the call
goes on. Whoever asks to stay unknown has no name.
"""

from __future__ import annotations

from typing import Final

from sipedge.e164 import is_e164
from sipedge.routing.call import Call, CallerName, TrunkPlan
from sipedge.routing.decision import UNCHANGED, Direction, HeaderChanges, Parties
from sipedge.routing.findings import Finding, passed, skipped
from sipedge.routing.lookups import CallerNameQuestion
from sipedge.routing.message.privacy import is_private, present
from sipedge.routing.message.renumber import contact_shown
from sipedge.routing.numbers import number_of_header
from sipedge.routing.parties import cleaned_name
from sipedge.routing.shown_number import identity_with
from sipedge.routing.stir.calls import has_proven_number
from sipedge.table import SiteRow
from sipedge.uri import split_address, split_header
from sipedge.values import replace

_OF_OTHER_COUNTRIES: Final = frozenset(
    str(code)
    for code in (
        242,
        246,
        264,
        268,
        284,
        345,
        441,
        473,
        649,
        658,
        664,
        721,
        758,
        767,
        784,
        809,
        829,
        849,
        868,
        869,
        876,
    )
)
"""Area codes of country code 1 that are neither of the United States, their territories, nor of Canada."""
_ASSERTED: Final = "P-Asserted-Identity"


_PRIVATE: Final = CallerName("", skipped("the caller stays unknown"))
_NO_NUMBER: Final = CallerName("", skipped("no calling number"))


def is_shown(plan: TrunkPlan, site: SiteRow) -> bool:
    """True for a trunk that wants its callers' names shown."""
    return plan.trunk.caller_name_lookup


def with_caller_name(call: Call) -> Call:
    """The call, and what is known of its caller's name if its trunk wants it shown (S68)."""
    if not call.trunk.caller_name_lookup or call.direction is not Direction.ORIGINATION:
        return call
    return replace(call, caller_name=caller_name_of(call))


def caller_name_of(call: Call) -> CallerName:
    """S70: the name of a call's caller, or whom to ask for it."""
    if is_private(call.request):
        return _PRIVATE
    if not is_e164(call.calling):
        return _NO_NUMBER
    owner = call.table.number(call.calling)
    if owner is not None and owner.caller_name:
        if call.site.stir_shaken and not has_proven_number(call):
            why = f"nothing proves that {call.calling} calls, which is Number {owner.owner}"
            return CallerName("", skipped(why))
        name = cleaned_name(owner.caller_name)
        return CallerName(name, passed(f"{name}, spec.callerName of Number {owner.owner}"))
    if not has_listed_name(call.calling):
        return CallerName("", skipped(f"{call.calling} is no number of the United States or Canada"))
    return _asked_for(call)


def _asked_for(call: Call) -> CallerName:
    question = CallerNameQuestion(call.calling)
    answer = call.table.answer(question.key)
    if answer:
        name = cleaned_name(answer)
        return CallerName(name, passed(f"{name}, by the platform's source of names"))
    if answer is not None:
        return CallerName("", skipped(f"{call.calling} has no name"))
    if call.site.caller_name_url is None:
        return CallerName("", skipped("the platform has no source of names"))
    return CallerName("", skipped("not known in time"), question)


def has_listed_name(number: str) -> bool:
    """S70: names are kept for numbers of the United States and Canada alone."""
    return len(number) == 12 and number.startswith("+1") and number[2:5] not in _OF_OTHER_COUNTRIES


def change_caller_name(call: Call, parties: Parties) -> HeaderChanges:
    """S69: the name in Contact, and in P-Asserted-Identity if there is one. From is `parties_of`'s."""
    name = call.caller_name.name
    if not name:
        return UNCHANGED
    number = call.shaped.from_number if call.shaped is not None else ""
    contact = call.request.header("contact")
    contact = _named((number and contact_shown(contact, number)) or contact, name)
    changes = HeaderChanges(replace=(("Contact", contact),) if contact else ())
    if not present(call.request, (_ASSERTED,)):
        return changes
    return changes + HeaderChanges(
        remove=(_ASSERTED,),
        append=tuple((_ASSERTED, value) for value in _asserted(call, number, name)),
    )


def tell_caller_name(call: Call, parties: Parties, changes: HeaderChanges) -> Finding:
    return call.caller_name.finding


def _asserted(call: Call, made: str, name: str) -> list[str]:
    """The identities, those of the calling number with its name: another number is somebody else's.

    `made` is what a policy has put in the place of each number; what cannot bear it is left out.
    """
    members = [each for value in call.request.headers[_ASSERTED.lower()] for each in split_header(value)]
    shown = [identity_with(each, made, call.site.base_domain) if made else each for each in members]
    return [
        _named(value, name) if number_of_header(each) == call.calling else value
        for each, value in zip(members, shown, strict=True)
        if value
    ]


def _named(value: str, name: str) -> str:
    """The address with this name; "" for one that cannot bear it."""
    _, address, parameters = split_address(value)
    return f'"{name}" <{address}>{parameters}' if address and address != "*" else ""

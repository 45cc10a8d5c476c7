"""Numbers as carriers write them: read from what they send, and written for them. Pure, total.

Within the edge every number is E.164; what a carrier is sent, or has sent, differs in its numbers alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from sipedge.e164 import is_e164, with_plus
from sipedge.numbering import formats
from sipedge.routing.decision import HeaderChanges, Parties, Target
from sipedge.routing.message.messages import Message, SipRequest
from sipedge.routing.message.privacy import present
from sipedge.table import Table
from sipedge.table.rows import NumberFormatRow
from sipedge.uri import sip_number, split_address, split_header, tel_number, without_tag
from sipedge.values import replace

Convert = Callable[[str], str]
AnyMessage = TypeVar("AnyMessage", bound=Message)

PARTIES: Final = ("From", "To")
TELLING: Final = (
    "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "P-Charge-Info", "Diversion",
)  # fmt: skip
"""Headers beside From that hold calling numbers, or those of who forwarded a call."""


def format_of(table: Table, carrier: str | None) -> NumberFormatRow | None:
    """How the carrier writes numbers; None = as E.164."""
    row = None if carrier is None else table.carrier(carrier)
    return None if row is None else row.number_format


def read_called(form: NumberFormatRow | None, number: str) -> str:
    """The E.164 number that a carrier calls; text that is no number as it is."""
    return number if form is None else formats.read(number, form.called, form.country_code)


def with_converted_number(value: str, convert: Convert) -> str:
    """A From, P-Asserted-Identity, ... value with its number as `convert` gives it; without one as it is."""
    name, address, parameters = split_address(value)
    number = tel_number(address) or sip_number(address)
    changed = convert(number) if number else number
    if changed == number:
        return value
    scheme, _, rest = address.partition(":")
    if scheme.lower() == "tel":
        if not changed.startswith("+"):
            return value  # it would need a context (RFC 3966 section 5.1.5)
        made = f"tel:{changed}"
    else:
        user, _, host = rest.partition("@")
        written = user.partition(";")[0].partition(":")[0]
        made = f"{scheme}:{changed}{user[len(written) :]}@{host}"
    return f"{name} <{made}>{parameters}" if name else f"<{made}>{parameters}"


# --- what a carrier has sent


def as_read(form: NumberFormatRow | None, message: AnyMessage, *, is_caller: bool = True) -> AnyMessage:
    """The carrier's message with its numbers as E.164; the message itself if they are so already.

    `is_caller`: the carrier has sent the call's first INVITE, so that From is the calling number.
    """
    if form is None:
        return message
    calling, called = _reader(form.caller, form), _reader(form.called, form)
    sender, receiver = (calling, called) if is_caller else (called, calling)
    changed: dict[str, tuple[str, ...]] = {}
    for name, convert in (("from", sender), ("to", receiver), *((each.lower(), calling) for each in TELLING)):
        values = message.headers.get(name, ())
        found = tuple(_each(value, convert, whole=name in ("from", "to")) for value in values)
        if found != values:
            changed[name] = found
    return replace(message, headers={**message.headers, **changed}) if changed else message


def _reader(kind: str, form: NumberFormatRow) -> Convert:
    return partial(_read, kind, form.country_code)


def _read(kind: str, country_code: str, number: str) -> str:
    found = formats.read(number, kind, country_code)
    return found if is_e164(found) else number


def _each(value: str, convert: Convert, *, whole: bool) -> str:
    if whole:
        return with_converted_number(value, convert)
    return ", ".join(with_converted_number(member, convert) for member in split_header(value))


def as_sent(
    message: Message, read: Message, changes: HeaderChanges, *, parties: bool = True
) -> HeaderChanges:
    """The changes of a message that was judged as it was `read`, for the message as it came: what they leave
    as it is would go on with the carrier's numbers. Without `parties`, From and To are somebody else's."""
    if read is message:
        return changes
    removed = {name.lower() for name in changes.remove}
    replaced = {name.lower() for name, _ in changes.replace}
    for name in (*PARTIES, *TELLING) if parties else TELLING:
        key = name.lower()
        values = read.headers.get(key, ())
        same = values == message.headers.get(key, ())
        if same or key in removed or key in replaced or not present(message, (name,)):
            continue
        if name in PARTIES:
            changes += HeaderChanges(replace=((name, values[0]),))
        else:
            changes += HeaderChanges(remove=(name,), append=tuple((name, value) for value in values))
    return changes


def as_sent_by_caller(request: SipRequest, parties: Parties, remembered: Convert) -> Parties:
    """The parties of a call whose INVITE was judged as it was read: its caller sees its own From and To."""
    return replace(
        parties,
        from_received=remembered(request.header("from")),
        to_received=remembered(request.header("to")),
    )


# --- what a carrier is sent


def written_for(
    table: Table, targets: tuple[Target, ...], request: SipRequest, called: str, changes: HeaderChanges
) -> tuple[tuple[Target, ...], HeaderChanges]:
    """The targets of a call to carriers, each with what it alone is shown, and what all are shown.

    Carriers of one call may write numbers differently: headers with numbers are then those of the attempt.
    """
    forms = [format_of(table, target.carrier) for target in targets]
    if not any(forms):
        return targets, changes
    shown, rest = _set_apart(request, changes)
    aimed = (
        replace(
            target,
            request_uri=_request_uri(target.request_uri, called, form),
            shown=tuple((name, _written(form, name, value)) for name, value in shown),
        )
        for target, form in zip(targets, forms, strict=True)
    )
    return tuple(aimed), rest


def later_for(form: NumberFormatRow | None, message: Message, changes: HeaderChanges) -> HeaderChanges:
    """The changes of a later message towards a carrier, its headers with numbers as that writes them."""
    if form is None:
        return changes
    removed = {name.lower() for name in changes.remove}
    kept = [name for name in present(message, TELLING) if name.lower() not in removed]
    values = [(name, value) for name in kept for value in message.headers[name.lower()]]
    append = [(name, _written(form, name, value)) for name, value in (*changes.append, *values)]
    return HeaderChanges(changes.remove + tuple(kept), changes.insert, tuple(append), changes.replace)


def _set_apart(
    request: SipRequest, changes: HeaderChanges
) -> tuple[tuple[tuple[str, str], ...], HeaderChanges]:
    """The headers with numbers as they would leave, and the changes that leave without them."""
    removed = {name.lower() for name in changes.remove}
    replaced = dict(changes.replace)
    shown = [(name, replaced.get(name, request.header(name.lower()))) for name in PARTIES]
    for name in TELLING:
        if name.lower() not in removed and present(request, (name,)):
            shown += [(name, value) for value in request.headers[name.lower()]]
        shown += [each for each in (*changes.insert, *changes.append) if each[0] == name]
    names = {*PARTIES, *TELLING}
    rest = HeaderChanges(
        tuple(dict.fromkeys((*changes.remove, *present(request, (*PARTIES, *TELLING))))),
        tuple(each for each in changes.insert if each[0] not in names),
        tuple(each for each in changes.append if each[0] not in names),
        tuple(each for each in changes.replace if each[0] not in names),
    )
    return tuple(each for each in shown if each[1]), rest


def _written(form: NumberFormatRow | None, name: str, value: str) -> str:
    if form is None or name not in (*PARTIES, *TELLING):
        return value
    convert = partial(_write, form.called if name == "To" else form.caller, form.country_code)
    return _each(value, convert, whole=name in PARTIES)


def _write(kind: str, country_code: str, number: str) -> str:
    whole = with_plus(number)
    return formats.written(whole, kind, country_code) if is_e164(whole) else number


def _request_uri(request_uri: str, called: str, form: NumberFormatRow | None) -> str:
    if form is None:
        return request_uri
    number = formats.written(called, form.called, form.country_code)
    return f"sip:{number}{request_uri.removeprefix(f'sip:{called}')}"


def parties_shown(headers: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    """From and To, without tags, of an attempt that has its own; "" for one that it has not."""
    found = dict(headers)
    return without_tag(found.get("From", "")), without_tag(found.get("To", ""))

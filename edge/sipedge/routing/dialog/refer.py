"""What a REFER asks for (RFC 3515, RFC 3891, RFC 4488), and whether its trunk may have that (S23). Pure,
total."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sipedge.e164 import is_e164
from sipedge.numbering import reaches_emergency
from sipedge.routing.findings import Finding, failed, passed
from sipedge.routing.message.headers import OWN_PREFIX, TOKEN
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.uri import SipUri, address_part, parse_uri, split_header, tel_number

MOST_HEADERS: Final = 16
"""Headers of a Refer-To that are passed on."""
LONGEST_HEADERS: Final = 2_048
"""Characters of them together."""
_VALUE: Final = re.compile(r"[ -~]*", re.ASCII)
_CALL_ID: Final = re.compile(r"[!-:<-~]{1,255}", re.ASCII)
_USER_TO_USER: Final = "user-to-user"


@dataclass(frozen=True, slots=True)
class Replaces:
    """Which dialog a call shall take the place of (RFC 3891 section 6.1)."""

    call_id: str
    to_tag: str
    from_tag: str
    is_early_only: bool = False

    def __str__(self) -> str:
        early = ";early-only" if self.is_early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}"


@dataclass(frozen=True, slots=True)
class Referral:
    """Whom a REFER names, and how the INVITE to it shall look."""

    uri: str
    """The SIP URI to call, without its headers; "" where `number` says whom."""
    number: str = ""
    """E.164: a telephone in the PSTN."""
    headers: tuple[tuple[str, str], ...] = ()
    """`User-to-User` and `X-` headers for the INVITE."""
    replaces: Replaces | None = None
    referred_by: str = ""
    is_silent: bool = False
    """`Refer-Sub: false`: no NOTIFYs are wanted (RFC 4488)."""


DISABLED: Final = "DisableAll"
_TO_SIP: Final = "SipOnly"
_TO_ALL: Final = "EnableAll"
"""Words of `transfer.mode`."""


def read_referral(request: SipRequest, domains: tuple[str, ...]) -> Referral | str:
    """Whom a REFER names; or what is wrong with it, for people.

    A `tel:` URI, and a number at one of the `domains`, the trunk's own and the platform's, is in the PSTN.
    """
    values = [each for value in request.headers.get("refer-to", ()) for each in split_header(value)]
    if len(values) != 1:
        return f"{len(values)} Refer-To, where it must have one"
    address = address_part(values[0])
    number = tel_number(address)
    uri = parse_uri(address)
    if uri is None and not number:
        return "a Refer-To that names neither a SIP URI nor a telephone number"
    if uri is not None and (uri.param("method") or "INVITE").upper() != "INVITE":
        return "a Refer-To that asks for another method than INVITE"
    asked = read_headers(uri.headers) if uri is not None else ((), None)
    if isinstance(asked, str):
        return asked
    headers, replaces = asked
    if uri is not None and uri.host in domains:
        number = uri.number
        if not number:
            return "a Refer-To to the platform itself without a number"
    referred_by = request.headers.get("referred-by", ("",))[0]
    return Referral(
        uri="" if number or uri is None else _bare(address),
        number=number,
        headers=headers,
        replaces=replaces,
        referred_by=referred_by if _VALUE.fullmatch(referred_by) and len(referred_by) <= 512 else "",
        is_silent=request.header("refer-sub").partition(";")[0].strip().lower() == "false",
    )


def _bare(address: str) -> str:
    """The URI without what belongs to the REFER: its headers, and `method`."""
    uri = address.partition("?")[0]
    head, *parameters = uri.split(";")
    return ";".join((head, *(each for each in parameters if not each.lower().startswith("method="))))


def read_headers(
    fields: tuple[tuple[str, str], ...],
) -> tuple[tuple[tuple[str, str], ...], Replaces | None] | str:
    """What of a URI's headers goes into the INVITE; or what is wrong with them. Others are left out."""
    kept: list[tuple[str, str]] = []
    replaces: Replaces | None = None
    for name, value in fields:
        lower = name.lower()
        if lower == "replaces":
            found = read_replaces(value)
            if found is None or replaces is not None:
                return "a Replaces that names no dialog, or two"
            replaces = found
        elif _passes(lower) and TOKEN.fullmatch(name) and _VALUE.fullmatch(value):
            kept.append((name, value))
    if len(kept) > MOST_HEADERS or sum(len(name) + len(value) for name, value in kept) > LONGEST_HEADERS:
        return f"more than {MOST_HEADERS} headers, or {LONGEST_HEADERS} characters of them, in Refer-To"
    return tuple(kept), replaces


def _passes(name: str) -> bool:
    return name == _USER_TO_USER or (name.startswith("x-") and not name.startswith(OWN_PREFIX))


def read_replaces(value: str) -> Replaces | None:
    """The dialog that a Replaces value names, None if it names none."""
    call_id, *parameters = value.strip().split(";")
    if not _CALL_ID.fullmatch(call_id):
        return None
    found: dict[str, str] = {}
    for part in parameters:
        name, _, tag = part.partition("=")
        if name.lower() in found:
            return None
        found[name.lower()] = tag
    to_tag, from_tag = found.get("to-tag", ""), found.get("from-tag", "")
    if not (TOKEN.fullmatch(to_tag) and TOKEN.fullmatch(from_tag)):
        return None
    return Replaces(call_id, to_tag, from_tag, "early-only" in found)


def judge_referral(referral: Referral | str, mode: str) -> Finding:
    """S23: whether a trunk of this `transfer.mode` may transfer its call to that target."""
    if mode not in (_TO_SIP, _TO_ALL):
        return failed(Reason.TransferNotAllowed, "the trunk's transfer.mode is DisableAll")
    if isinstance(referral, str):
        return failed(Reason.MalformedRequest, referral)
    if not referral.number:
        return passed(f"to {_shown(parse_uri(referral.uri))}")
    if mode != _TO_ALL:
        return failed(
            Reason.TransferNotAllowed, "the trunk's transfer.mode is SipOnly, and this is a telephone number"
        )
    if reaches_emergency(referral.number):
        return failed(Reason.TransferNotAllowed, "no call is transferred to an emergency number")
    if not is_e164(referral.number):
        return failed(Reason.MalformedRequest, "a Refer-To with a number that is not E.164")
    return passed(f"to {referral.number}")


def _shown(uri: SipUri | None) -> str:
    return "" if uri is None else uri.host

"""Fields whose feature does not exist yet: accepted, and reported until it works (never ignored silently)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sipedge.table.lookup import network
from trunkline.api import Account, Carrier, Edge, IpAccessControlList, Number, Resources, Trunk
from trunkline.compiler import opinions
from trunkline.compiler.guard import Guard
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.verdict import ConditionType, Described, Verdict


def unavailable_features(resources: Resources, guard: Guard) -> tuple[Verdict, ...]:
    """One verdict for each object that sets such a field, naming all of them."""
    found = (
        *guard.each(resources.of(Trunk), lambda trunk: _report(trunk, _of_trunk(trunk))),
        *guard.each(resources.of(Number), lambda number: _report(number, _of_number(number))),
        *guard.each(resources.of(Edge), lambda edge: _report(edge, _of_edge(edge))),
        *guard.each(resources.of(IpAccessControlList), lambda each: _report(each, _of_access_list(each))),
        *guard.each(resources.of(Carrier), lambda carrier: _report(carrier, _of_carrier(carrier))),
        *guard.each(resources.of(Account), lambda account: _report(account, _of_account(account))),
    )
    return tuple(verdict for verdict in found if verdict is not None)


def _report(thing: Described, found: Iterator[tuple[str, str]]) -> Verdict | None:
    fields = list(found)
    if not fields:
        return None
    message = "; ".join(f"{field}: {effect}" for field, effect in fields)
    return opinions.unusual(
        thing, ConditionType.FEATURE_UNAVAILABLE, ConditionReason.NOT_YET, fields[0][0], message
    )


def _of_trunk(trunk: Trunk) -> Iterator[tuple[str, str]]:
    spec = trunk.spec
    if spec.secure:
        yield (
            "spec.secure",
            "signalling is held to TLS, but media is not bridged yet: "
            "a plain RTP offer is refused (488) in both directions",
        )
    if spec.symmetric_rtp:
        yield "spec.symmetricRtp", "media flows directly between the parties, so it has no effect yet"
    if set(spec.codecs) != {"PCMU", "PCMA"}:
        yield "spec.codecs", "the parties' own offer is passed on unchanged"
    if spec.recording.mode != "DoNotRecord":
        yield "spec.recording.mode", "calls are not recorded yet"
    if spec.transfer.mode != "DisableAll":
        yield "spec.transfer.mode", "REFER is refused (403) until transfer exists"
    if spec.origination.cnam_lookup:
        yield "spec.origination.cnamLookup", "the calling name is passed on as the carrier sent it"
    if spec.origination.disaster_recovery is not None:
        yield "spec.origination.disasterRecovery", "a call that no URI takes is refused"


def _of_number(number: Number) -> Iterator[tuple[str, str]]:
    if number.spec.caller_name is not None:
        yield "spec.callerName", "callers' names are neither looked up nor answered yet"


def _of_edge(edge: Edge) -> Iterator[tuple[str, str]]:
    if edge.spec.tls.issuer_ref is not None:
        yield "spec.tls.issuerRef", "certificates of cert-manager are not asked for yet"


def _of_access_list(access_list: IpAccessControlList) -> Iterator[tuple[str, str]]:
    cidrs = (entry.cidr for entry in access_list.spec.entries)
    yield from _of_ipv6("spec.entries[{}].cidr", cidrs, "edges do not listen on IPv6 yet: no call comes from")


def _of_carrier(carrier: Carrier) -> Iterator[tuple[str, str]]:
    ranges = carrier.spec.source_ranges
    yield from _of_ipv6(
        "spec.sourceRanges[{}]", ranges, "edges do not listen on IPv6 yet: no call comes from"
    )


def _of_account(account: Account) -> Iterator[tuple[str, str]]:
    cidrs = account.spec.allowed_target_cidrs
    yield from _of_ipv6("spec.allowedTargetCidrs[{}]", cidrs, "no call is sent to IPv6 yet, and so not to")


def _of_ipv6(field: str, cidrs: Iterable[str], effect: str) -> Iterator[tuple[str, str]]:
    """One finding for all IPv6 networks of a list, at the first of them."""
    found = [(position, cidr) for position, cidr in enumerate(cidrs) if network(cidr).version == 6]
    if found:
        position, cidr = found[0]
        more = len(found) - 1
        others = f" and {more} other{'s' if more > 1 else ''}" if more else ""
        yield field.format(position), f"{effect} {cidr}{others}"

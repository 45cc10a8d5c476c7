"""Calls without a network: requests as values, and the small platform that decides them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random

from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Decision, Forward
from sipedge.routing.lookups import Lookups
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.route import route
from sipedge.secret import Secret
from sipedge.table import EdgeTable, MemoryRows, Table, TrunkRow
from support.tables import Platform, make_account, make_carrier, make_gateway, make_target, make_trunk
from support.whole_request import completed

PBX = "203.0.113.1"
"""Inside the access list of trunk acme/hq."""
CARRIER = "192.0.2.65"
"""Inside the source network of carrier telco."""
EDGE_ADDRESS = "198.51.100.1"
OWN_NUMBER = "+14155550100"
PSTN_NUMBER = "+442079460123"


def make_platform(trunk: Mapping[str, object] | None = None, **changes: object) -> Platform:
    """Account acme, trunk acme/hq with a number, a range and a URI; carrier telco takes and brings calls."""
    changed = {"access": ("203.0.113.0/29",), "targets": (make_target("192.0.2.10"),), **(trunk or {})}
    hq = make_trunk(**changed)
    platform = Platform(
        addresses=(EDGE_ADDRESS,),
        accounts=(make_account(),),
        trunks=(hq,),
        numbers={OWN_NUMBER: hq.id},
        ranges={("+14155551000", "+14155551999"): hq.id},
        carriers=(make_carrier(),),
        sources={"192.0.2.64/26": "telco"},
        routes={"+": (make_gateway("192.0.2.129"),)},
    )
    return replace(platform, **changes)  # type: ignore[arg-type]


def table_of(source: Platform | EdgeTable) -> Table:
    """What a call may ask."""
    return Table(MemoryRows(source.table() if isinstance(source, Platform) else source))


def make_request(
    request_uri: str = f"sip:{PSTN_NUMBER}@acme-hq.pstn.trunkline.test",
    *,
    method: str = "INVITE",
    source: str = PBX,
    transport: str = "udp",
    headers: Mapping[str, str | Sequence[str]] | None = None,
    caller: str = f"<sip:{OWN_NUMBER}@pbx.acme.example>;tag=1",
    body: str = "",
    username: str | None = None,
    tls_version: str | None = None,
) -> SipRequest:
    """An INVITE of the PBX of acme/hq to a number of the PSTN, unless told otherwise; well-formed, too."""
    every = {"From": caller, **(headers or {})}
    values = {
        name.lower(): (value,) if isinstance(value, str) else tuple(value) for name, value in every.items()
    }
    return completed(
        SipRequest(
            method=method,
            request_uri=request_uri,
            source=source,
            source_port=5060,
            transport=transport,
            received_on=EDGE_ADDRESS,
            headers=values,
            body=body,
            username=username,
            tls_version=tls_version or ("TLSv1.2" if transport == "tls" else None),
        )
    )


def make_pstn_request(called: str = OWN_NUMBER, **changes: object) -> SipRequest:
    """An INVITE of carrier telco."""
    request = make_request(
        f"sip:{called}@{EDGE_ADDRESS}", source=CARRIER, caller="<sip:+12125550199@telco.example>;tag=1"
    )
    return completed(replace(request, **changes))  # type: ignore[arg-type]


def known_user_passes(ha1s: tuple[Secret, ...]) -> DigestResult:
    """A digest check that takes any user who exists for one who knows the password."""
    return DigestResult.OK if ha1s else DigestResult.WRONG


def decide(
    source: Platform | EdgeTable | Table,
    request: SipRequest,
    *,
    digest: DigestResult | Callable[[tuple[Secret, ...]], DigestResult] = known_user_passes,
    dice: Callable[[], float] | None = None,
    draining: bool = False,
    explained: bool = True,
) -> Decision:
    """`route`, with a dice that always falls the same way unless one is given."""
    table = source if isinstance(source, Table) else table_of(source)
    result = (lambda _: digest) if isinstance(digest, DigestResult) else digest
    roll = dice or Random(1).random
    decision = route(
        table, request, digest=result, dice=roll, draining=draining, explained=explained, looked_up=True
    )
    assert not isinstance(decision, Lookups)
    return decision


def forwarded(source: Platform | EdgeTable | Table, request: SipRequest, **how: object) -> Forward:
    """The decision, which must be to forward."""
    decision = decide(source, request, **how)  # type: ignore[arg-type]
    assert isinstance(decision, Forward), decision
    return decision


def only_trunk(platform: Platform) -> TrunkRow:
    (trunk,) = platform.trunks
    return trunk

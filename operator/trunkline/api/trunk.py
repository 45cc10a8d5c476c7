"""Trunk: both directions of calls between one PBX and the PSTN."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from trunkline.api import patterns
from trunkline.api.codecs import DEFAULT_CODECS, Codecs
from trunkline.api.fields import CallLimit, FriendlyName, HttpUrl, Items, Text, Whole
from trunkline.api.marks import NeedsRelay
from trunkline.api.meta import LocalRef
from trunkline.api.model import Model
from trunkline.api.resource import Column, Resource, Scope
from trunkline.api.rule import text_lacks

DomainName = Annotated[
    str,
    Text(
        "termination domain",
        "write one or more labels of lower-case letters, digits and -: acme-hq; the platform adds the rest",
        190,
        patterns.DOMAIN,
        rules=(
            text_lacks(
                "^(ac|tk)[0-9a-f]{32}$",
                "names of this form are reserved for the ids of accounts and trunks (choose another name)",
            ),
        ),
    ),
]
Refs = Annotated[tuple[LocalRef, ...], Items(50, key="name")]


class Recording(Model):
    """Recording of calls, in both directions (S6-S10)."""

    mode: Annotated[
        Literal[
            "DoNotRecord",
            "RecordFromRinging",
            "RecordFromAnswer",
            "RecordFromRingingDual",
            "RecordFromAnswerDual",
        ],
        NeedsRelay("no call is recorded: the edges have no media relay"),
    ] = "DoNotRecord"
    """From when calls are recorded; the Dual modes keep the two parties on channels of their own."""
    trim: Annotated[
        Literal["DoNotTrim", "TrimSilence"],
        NeedsRelay("there are no recordings to trim: the edges have no media relay"),
    ] = "DoNotTrim"
    """Whether silence is cut out of recordings."""


class Transfer(Model):
    """What happens to a REFER from the PBX (S23)."""

    mode: Literal["DisableAll", "SipOnly", "EnableAll"] = "DisableAll"
    """Whereto calls may be transferred: nowhere, to SIP URIs only, or to the PSTN as well."""
    caller_id: Literal["FromTransferee", "FromTransferor"] = "FromTransferee"
    """Whose number the transferred call shows."""


class Termination(Model):
    """Calls from the PBX to the PSTN (S26-S44)."""

    domain_name: DomainName | None = None
    """Label or labels below pstn.<base domain> that the PBX dials. Absent: no calls are taken."""
    ip_access_control_list_refs: Refs = ()
    """Lists of addresses that may call; entries of several lists are united."""
    credential_list_refs: Refs = ()
    """Lists of users that may call. With address lists beside them, a call must pass both."""
    calls_per_second: Annotated[int, Whole(1, 1000)] | None = None
    """New calls a second at each edge. Absent: only the limit of the Account."""
    header_manipulation_policy_ref: LocalRef | None = None
    """Policy that changes the numbers of a call before they are judged. Absent: they stay as they are."""


class DisasterRecovery(Model):
    """Where to ask what to do with a call that no origination URI took (S67)."""

    url: HttpUrl
    """URL that answers with call instructions."""
    method: Literal["GET", "POST"] = "POST"
    """HTTP method of the request."""


class Origination(Model):
    """Calls from the PSTN to the PBX; their targets are OriginationUri objects."""

    cnam_lookup: bool = False
    """Whether the caller's name is looked up and shown (S68). False: as the carrier sent it."""
    disaster_recovery: Annotated[
        DisasterRecovery | None,
        NeedsRelay("a call that no URI takes is refused: the edges have no media relay to play to it"),
    ] = None
    """What to do when no origination URI takes the call. Absent: the call fails."""
    header_manipulation_policy_ref: LocalRef | None = None
    """Policy that changes the numbers that the PBX is shown. Absent: they stay as they are."""


class TrunkSpec(Model):
    """What the trunk shall be."""

    friendly_name: FriendlyName = ""
    """Free text for people."""
    secure: Annotated[
        bool,
        NeedsRelay(
            "signalling must use TLS, but the edges have no media relay to bridge media: "
            "a plain RTP offer is refused (488) in both directions"
        ),
    ] = False
    """Whether signalling and media must be encrypted (S20-S22)."""
    symmetric_rtp: Annotated[
        bool, NeedsRelay("media flows directly between the parties: the edges have no media relay")
    ] = False
    """Whether media goes back to where it came from, whatever the SDP says (S24, S25)."""
    codecs: Annotated[
        Codecs, NeedsRelay("the parties' own offer is passed on unchanged: the edges have no media relay")
    ] = DEFAULT_CODECS
    """Codecs in order of preference. Absent: PCMU, PCMA."""
    transcoding: Annotated[
        Literal["Never", "WhenNeeded"], NeedsRelay("no call is transcoded: the edges have no media relay")
    ] = "Never"
    """Whether the edge transcodes where PBX and carrier have no codec in common. Not to AMR-NB."""
    max_concurrent_calls: CallLimit | None = None
    """Calls in progress at the same time, over all edges. Absent: unlimited."""
    recording: Recording = Recording()
    """Recording of calls. Absent: none."""
    transfer: Transfer = Transfer()
    """Call transfer by REFER. Absent: refused."""
    termination: Termination | None = None
    """Calls from the PBX to the PSTN. Absent: none are taken."""
    origination: Origination = Origination()
    """Calls from the PSTN to the PBX."""


class Trunk(Resource):
    """Trunk connects a PBX and the PSTN in both directions."""

    kind: ClassVar[str] = "Trunk"
    plural: ClassVar[str] = "trunks"
    short_names: ClassVar[tuple[str, ...]] = ("trk",)
    scope: ClassVar[Scope] = "Namespaced"
    selectable: ClassVar[tuple[str, ...]] = (".spec.termination.domainName",)
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Termination-URI", ".status.terminationUri"),
        Column("Numbers", ".status.numberCount", "integer"),
        Column("SID", ".status.trunkSid", wide=True),
        Column("Auth", ".status.authTypes", wide=True),
        Column("Edges", ".status.edgeList", wide=True),
    )

    spec: TrunkSpec

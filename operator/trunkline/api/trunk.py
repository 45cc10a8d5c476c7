"""Trunk: both directions of calls between one PBX and the PSTN."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from trunkline.api import patterns
from trunkline.api.fields import CallLimit, FriendlyName, HttpUrl, Items, Text, Whole
from trunkline.api.meta import LocalRef
from trunkline.api.model import Model
from trunkline.api.resource import AGE, READY, Column, Resource, Scope
from trunkline.api.rule import Rule, text_lacks

Codec = Literal["PCMU", "PCMA", "OPUS", "G729", "AMR-NB"]

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
                "names of this form are kept for ids of accounts and trunks (choose another name)",
            ),
        ),
    ),
]
Refs = Annotated[tuple[LocalRef, ...], Items(50, key="name")]

_UNIQUE_CODECS: Final = Rule(
    "self.all(codec, self.exists_one(other, other == codec))",
    "a codec is listed twice (list each codec once, in order of preference)",
    lambda codecs: len(set(codecs)) == len(codecs),
)


class Recording(Model):
    """Recording of calls, in both directions (S6-S10)."""

    mode: Literal[
        "DoNotRecord",
        "RecordFromRinging",
        "RecordFromAnswer",
        "RecordFromRingingDual",
        "RecordFromAnswerDual",
    ] = "DoNotRecord"
    """From when calls are recorded; the Dual modes keep the two parties on channels of their own."""
    trim: Literal["DoNotTrim", "TrimSilence"] = "DoNotTrim"
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


class DisasterRecovery(Model):
    """Where to ask what to do with a call that no origination URI took (S67)."""

    url: HttpUrl
    """URL that answers with call instructions."""
    method: Literal["GET", "POST"] = "POST"
    """HTTP method of the request."""


class Origination(Model):
    """Calls from the PSTN to the PBX; their targets are OriginationUri objects."""

    cnam_lookup: bool = False
    """Whether the caller's name is looked up and shown (S68)."""
    disaster_recovery: DisasterRecovery | None = None
    """What to do when no origination URI takes the call. Absent: the call fails."""


class TrunkSpec(Model):
    """What the trunk shall be."""

    friendly_name: FriendlyName = ""
    """Free text for people."""
    secure: bool = False
    """Whether signalling and media must be encrypted (S20-S22)."""
    symmetric_rtp: bool = False
    """Whether media goes back to where it came from, whatever the SDP says (S24, S25)."""
    codecs: Annotated[tuple[Codec, ...], Items(5, minimum=1, key=None, rules=(_UNIQUE_CODECS,))] = (
        "PCMU",
        "PCMA",
    )
    """Codecs in order of preference. Absent: PCMU, PCMA."""
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
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Termination-URI", ".status.terminationUri"),
        Column("Numbers", ".status.numberCount", "integer"),
        READY,
        AGE,
        Column("SID", ".status.trunkSid", wide=True),
        Column("Auth", ".status.authTypes", wide=True),
        Column("Edges", ".status.localizedUris", wide=True),
    )

    spec: TrunkSpec

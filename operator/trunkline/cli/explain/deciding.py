"""Which fields have decided that a call is refused: where to look, and what to change. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sipedge.routing.reasons import Reason

SETTING: Final = "platform"
"""In a kind's place: a setting of the operator and of `up`, by its option."""

_LISTS: Final = "Trunk spec.termination.ipAccessControlListRefs"
_USERS: Final = "Trunk spec.termination.credentialListRefs", "CredentialList spec.credentials"
_CODECS: Final = "Trunk spec.codecs", "Carrier spec.codecs", "Trunk spec.transcoding"
_PERMISSIONS: Final = "Account spec.dialingPermissions", f"{SETTING} --toll-fraud-prefixes"
_PREFIXES: Final = "Account spec.blockedPrefixes"
_TARGETS: Final = "OriginationUri spec.sipUri", "Carrier spec.gateways"
_DENIED: Final = f"{SETTING} --denied-target-cidrs", "Account spec.allowedTargetCidrs"
_POLICIES: Final = (
    "Trunk spec.termination.headerManipulationPolicyRef",
    "Trunk spec.origination.headerManipulationPolicyRef",
    "HeaderManipulationPolicy spec.rules",
)

FIELDS: Final[Mapping[Reason, tuple[str, ...]]] = {
    Reason.UnknownDomain: ("Trunk spec.termination.domainName", "Carrier spec.sourceRanges"),
    Reason.TransportNotAccepted: ("Carrier spec.acceptTransports",),
    Reason.AccountSuspended: ("Account spec.suspended", "Account spec.namespaces"),
    Reason.TransportNotSecure: ("Trunk spec.secure",),
    Reason.TlsVersionTooLow: ("Account spec.allowDeprecatedTls",),
    Reason.NoAuthentication: (_LISTS, _USERS[0]),
    Reason.SourceNotAllowed: (_LISTS, "IpAccessControlList spec.entries"),
    Reason.CredentialsRequired: _USERS[:1],
    Reason.CredentialsWrong: _USERS,
    Reason.NumberBlocked: (_PREFIXES,),
    Reason.CountryNotPermitted: _PERMISSIONS,
    Reason.ForwardedCallBlocked: (_PREFIXES, *_PERMISSIONS, "Carrier spec.gateways"),
    Reason.CallerIdNotAllowed: ("Number spec.number", "CallerId spec.number"),
    Reason.MediaNotSecure: ("Trunk spec.secure", "Carrier spec.secure"),
    Reason.MediaSecureRefused: ("Trunk spec.secure", "Carrier spec.secure"),
    Reason.NoCommonCodec: _CODECS,
    Reason.NoCommonCodecOfCarrier: _CODECS,
    Reason.MediaNotServed: _DENIED[:1],
    Reason.MediaFull: ("Edge spec.media.firstPort", "Edge spec.media.lastPort"),
    Reason.PeerNotReachable: _DENIED,
    Reason.DailyMinutesReached: ("Account spec.dailyMinutes",),
    Reason.NoRoute: ("Carrier spec.prefixes", "Carrier spec.emergencyCapable", "Carrier spec.gateways"),
    Reason.NumberNotFound: ("Number spec.trunkRef", "Number spec.number", "Number spec.range"),
    Reason.NoEnabledUri: ("OriginationUri spec.enabled", "OriginationUri spec.trunkRef"),
    Reason.PolicyNotFound: _POLICIES[:2],
    Reason.PolicyResultInvalid: _POLICIES,
    Reason.TrunkCpsExceeded: ("Trunk spec.termination.callsPerSecond",),
    Reason.AccountCpsExceeded: ("Account spec.callsPerSecond",),
    Reason.CarrierCpsExceeded: ("Carrier spec.callsPerSecond",),
    Reason.TrunkConcurrencyExceeded: ("Trunk spec.maxConcurrentCalls",),
    Reason.AccountConcurrencyExceeded: ("Account spec.maxConcurrentCalls",),
    Reason.CarrierConcurrencyExceeded: ("Carrier spec.maxConcurrentCalls",),
    Reason.TransferNotAllowed: ("Trunk spec.transfer.mode",),
    Reason.RedirectFailed: _DENIED,
    Reason.NoReachableTarget: (*_TARGETS, *_DENIED),
    Reason.NoAnswer: _TARGETS,
    Reason.TargetFailed: (*_TARGETS, "Carrier spec.credentialSecretRef"),
}
"""By reason; a kind and a path. Of several the first is the likeliest."""

NO_FIELDS: Final = frozenset(
    {
        # the message itself, or who sent it how often
        Reason.MessageTooLarge, Reason.MalformedRequest, Reason.RequestUriTooLong, Reason.BoundExceeded,
        Reason.BodyNotSupported, Reason.ExtensionNotSupported, Reason.VersionNotSupported,
        Reason.MergedRequest, Reason.TooManyHops, Reason.OptionsTooOften, Reason.SourceScans,
        Reason.WrongDigestsTooOften,
        Reason.NoDialog, Reason.DialogRateExceeded, Reason.MethodNotAllowed, Reason.CredentialsStale,
        Reason.NumberNotE164, Reason.CallerIdMalformed, Reason.PassportInvalid,
        # the state of the edge
        Reason.NoTable, Reason.Draining, Reason.Overloaded, Reason.MediaUnavailable,
        Reason.TransferUnavailable, Reason.InstructionsUnavailable, Reason.InternalError,
        # what the called side does, or an operator
        Reason.RingTimeout, Reason.EndRequested, Reason.PostDialDelayExceeded,
    }
)  # fmt: skip
"""Reasons that no field decides."""


def deciding_fields(
    reason: Reason | None, trunk: str | None = None, account: str | None = None, carrier: str | None = None
) -> tuple[str, ...]:
    """The fields, each with the object that it is of where that is known: `Trunk acme/hq spec.secure`."""
    return tuple(_with_names(reason, {"Trunk": trunk, "Account": account, "Carrier": carrier}))


def _with_names(reason: Reason | None, names: Mapping[str, str | None]) -> Iterator[str]:
    for field in FIELDS.get(reason, ()) if reason is not None else ():
        kind, _, path = field.partition(" ")
        name = names.get(kind)
        yield f"{kind} {name} {path}" if name else field

"""Every reason a call is refused, challenged or dropped for: one documented constant each.

A reason is one SIP answer, one log field, one metric label, one word in `explain`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Answer:
    """What a reason looks like on the wire."""

    status: int
    """SIP status code; 0 = no answer at all."""
    text: str
    error_code: int | None
    """Number for X-Trunkline-Error, by the table of answers in docs/rules.md; None where it has none."""
    rule: str
    meaning: str


class Reason(Enum):
    """Names as they appear in logs, metrics and `explain -o json`."""

    NoTable = Answer(503, "Service Unavailable", None, "-", "the edge has no table yet")
    Draining = Answer(503, "Service Unavailable", None, "-", "the edge is draining; try its next address")
    Overloaded = Answer(
        503,
        "Service Unavailable",
        None,
        "-",
        "more new calls in this second than the edge takes, or too little memory for them",
    )
    MessageTooLarge = Answer(0, "", None, "-", "a message of more than 16 kB")
    MalformedRequest = Answer(
        400,
        "Bad Request",
        None,
        "RFC 3261 21.4.1",
        "it cannot be read: a header that every request has is missing, twice there, or no such header",
    )
    RequestUriTooLong = Answer(
        414, "Request-URI Too Long", None, "RFC 3261 21.4.12", "the Request-URI has more than 1,400 bytes"
    )
    BoundExceeded = Answer(
        400,
        "Bad Request",
        None,
        "RFC 3261 21.4.1",
        "over its bound: a URI of Contact, Route or Record-Route (1,400 bytes), a Via branch, Call-ID or tag "
        "(255 bytes), all Via and Record-Route of a request (8 kB), or the number of headers (128, of an "
        "answer 256)",
    )
    BodyNotSupported = Answer(
        415,
        "Unsupported Media Type",
        None,
        "RFC 3261 21.4.13",
        "a body that the method does not carry, an encoded one, or one of several parts that is no emergency "
        "call's location",
    )
    ExtensionNotSupported = Answer(
        420,
        "Bad Extension",
        None,
        "RFC 3261 21.4.15",
        "Proxy-Require names what the edge does not do, or Require an extension whose header does not travel",
    )
    VersionNotSupported = Answer(505, "Version Not Supported", None, "RFC 3261 21.5.6", "not SIP/2.0")
    MergedRequest = Answer(
        482,
        "Loop Detected",
        None,
        "RFC 3261 8.2.2.2",
        "an INVITE with the Call-ID and From-tag of a call that is still being set up",
    )
    TooManyHops = Answer(483, "Too Many Hops", None, "RFC 3261 16.3", "Max-Forwards reached zero")
    UnknownDomain = Answer(
        0, "", None, "answers", "the source is no carrier's, and the Request-URI names no trunk"
    )
    TransportNotAccepted = Answer(
        0, "", None, "answers", "a carrier's call came over a transport that its acceptTransports lack"
    )
    OptionsTooOften = Answer(
        0,
        "",
        None,
        "S93",
        "OPTIONS of one source to one trunk: more than 6 at once, or than one in 10 seconds",
    )
    SourceScans = Answer(
        0,
        "",
        None,
        "answers",
        "more than 200 requests of one source within 10 seconds name nothing of ours: no more are read",
    )
    WrongDigestsTooOften = Answer(
        0,
        "",
        None,
        "S37",
        "10 wrong digests of one source at one trunk within a minute, or 100 at all: a minute of silence for "
        "who was wrong",
    )
    NoDialog = Answer(
        481,
        "Call/Transaction Does Not Exist",
        None,
        "RFC 3261 12.2.2",
        "an in-dialog request without a dialog of this platform",
    )
    DialogRateExceeded = Answer(
        503,
        "Too Many Requests in Dialog",
        None,
        "-",
        "one call has had more than 100 requests within 10 seconds after its first INVITE",
    )
    PeerNotReachable = Answer(
        480,
        "Peer Not Reachable",
        None,
        "-",
        "the other side of the call was only ever seen at an edge's own address or in a denied network",
    )
    MethodNotAllowed = Answer(405, "Method Not Allowed", None, "S90", "the edge takes calls, nothing else")
    AccountSuspended = Answer(603, "Decline", 32005, "answers", "the account is suspended")
    TransportNotSecure = Answer(
        403, "Secure Transport Required", 32208, "S20", "a secure trunk was called over UDP or TCP"
    )
    TlsVersionTooLow = Answer(
        403, "TLS Version Too Low", 32222, "S13", "the account does not allow TLS 1.0 and 1.1"
    )
    NoAuthentication = Answer(
        403,
        "No Valid Authentication",
        32200,
        "S26",
        "the trunk has neither an access list nor a credential list",
    )
    SourceNotAllowed = Answer(
        403,
        "Source Address Not Allowed",
        32201,
        "S36",
        "the source address is in no access list of the trunk",
    )
    CredentialsRequired = Answer(
        407, "Proxy Authentication Required", None, "S38", "the trunk asks for a digest"
    )
    CredentialsStale = Answer(
        407,
        "Proxy Authentication Required",
        None,
        "S38",
        "the digest was made for another or an older challenge, or was used already",
    )
    CredentialsWrong = Answer(
        403,
        "Forbidden",
        32202,
        "S37",
        "unknown user or wrong password, or a digest for another URI or algorithm",
    )
    NumberNotE164 = Answer(
        400, "Invalid Phone Number", None, "S44", "the called number is not `+` and 2 to 15 digits"
    )
    NumberBlocked = Answer(
        403,
        "Phone number is blocked",
        32203,
        "answers",
        "an Account's blockedPrefixes name the called number",
    )
    CountryNotPermitted = Answer(
        403,
        "No International Authorization",
        32205,
        "answers",
        "the account's dialingPermissions, or its parent's, do not allow the called number's country, or "
        "numbers of its sort there",
    )
    ForwardedCallBlocked = Answer(
        403,
        "Forwarded Call Blocked",
        32224,
        "answers",
        "a PBX redirected the call to a carrier's address, or to a number that the account may not call",
    )
    CallerIdMalformed = Answer(403, "Invalid Caller ID", 32206, "S41", "no calling number can be read")
    CallerIdNotAllowed = Answer(
        403,
        "Invalid Caller ID",
        32204,
        "S40",
        "the calling number is neither owned nor verified",
    )
    PassportInvalid = Answer(
        438,
        "Invalid Identity Header",
        32020,
        "answers",
        "the customer has signed the call, by a PASSporT that is not one for it, or is not proven",
    )
    MediaNotSecure = Answer(488, "Secure Media Required", 32208, "S20", "plain RTP offered on a secure trunk")
    MediaSecureRefused = Answer(
        488, "Secure Media Not Enabled", 32207, "answers", "SRTP offered on a trunk that is not secure"
    )
    NoCommonCodec = Answer(
        415,
        "Unsupported Media Type",
        None,
        "answers",
        "a customer offers none of the codecs that its trunk and the carrier have",
    )
    NoCommonCodecOfCarrier = Answer(
        488, "No Common Codec", None, "answers", "a carrier offers none of the codecs that the trunk has"
    )
    MediaNotServed = Answer(
        488,
        "Not Acceptable Here",
        None,
        "answers",
        "media that no relay can take: no audio, a session description that cannot be read, or an address "
        "of media that is a name, IPv6, an edge's or in a denied network",
    )
    MediaUnavailable = Answer(
        503, "Media Unavailable", None, "-", "the edge's media relay does not answer, or has failed"
    )
    MediaFull = Answer(
        503,
        "Media Capacity Exceeded",
        None,
        "-",
        "the edge's media relay has no port or session left, or may transcode no more calls",
    )
    DailyMinutesReached = Answer(
        403,
        "Daily Minutes Reached",
        None,
        "answers",
        "the account has used its minutes of today (UTC)",
    )
    NoRoute = Answer(503, "No Route to Destination", None, "answers", "no carrier takes this number")
    NumberNotFound = Answer(404, "Not Found", None, "S45", "the called number is not routed to a trunk")
    NoEnabledUri = Answer(
        480, "No Enabled Origination URI", 32010, "S61", "the trunk has no enabled origination URI"
    )
    PolicyNotFound = Answer(
        480,
        "Header Manipulation Policy Not Found",
        None,
        "policy",
        "the trunk names a HeaderManipulationPolicy for this direction that does not exist or is refused",
    )
    PolicyResultInvalid = Answer(
        480,
        "Header Manipulation Policy Failed",
        None,
        "policy",
        "what the trunk's HeaderManipulationPolicy makes of a number cannot be the user part of a SIP URI",
    )
    TrunkCpsExceeded = Answer(
        503,
        "Trunk CPS limit exceeded",
        32001,
        "answers",
        "more new calls in this second than the trunk may make",
    )
    AccountCpsExceeded = Answer(
        503,
        "Account CPS limit exceeded",
        32012,
        "answers",
        "more new calls in this second than the account may make",
    )
    CarrierCpsExceeded = Answer(
        503,
        "Carrier CPS limit exceeded",
        None,
        "answers",
        "more new calls in this second than the carrier takes",
    )
    TrunkConcurrencyExceeded = Answer(
        503,
        "Trunk concurrent call limit exceeded",
        None,
        "answers",
        "as many calls in progress as the trunk may have",
    )
    AccountConcurrencyExceeded = Answer(
        503,
        "Account concurrent call limit exceeded",
        None,
        "answers",
        "as many calls in progress as the account may have",
    )
    CarrierConcurrencyExceeded = Answer(
        503,
        "Carrier concurrent call limit exceeded",
        None,
        "answers",
        "as many calls in progress as the carrier takes",
    )
    TransferNotAllowed = Answer(
        403,
        "Transfer Not Allowed",
        32218,
        "S23",
        "REFER on a trunk without transfer, to a target that it does not allow, or of a call that the edge "
        "has forgotten by a restart",
    )
    TransferUnavailable = Answer(
        503, "Transfer Unavailable", None, "S23", "REFER while the edge's B2BUA does not answer"
    )
    InstructionsUnavailable = Answer(
        503,
        "Call Instructions Unavailable",
        None,
        "S67",
        "no target took the call, and the edge's B2BUA, which carries out call instructions, does not answer",
    )
    RedirectFailed = Answer(480, "Redirect Failed", 32219, "S73", "a second redirect, or a refused target")
    NoReachableTarget = Answer(
        480,
        "No Reachable Target",
        None,
        "S66",
        "no target has an address to call: names do not resolve, or lead to denied networks or to an edge",
    )
    NoAnswer = Answer(408, "Request Timeout", 32011, "S65", "no target answered at all")
    RingTimeout = Answer(
        480, "Temporarily Unavailable", None, "answers", "the called side rang until the limit"
    )
    EndRequested = Answer(
        480,
        "Call Ended",
        None,
        "answers",
        "the operator has ended the call before it was answered",
    )
    TargetFailed = Answer(
        480,
        "Temporarily Unavailable",
        None,
        "S66",
        "every target failed, or a carrier's challenge in a dialog cannot be answered",
    )
    PostDialDelayExceeded = Answer(
        503, "Post Dial Delay Exceeded", 32016, "answers", "60 seconds over all carriers without a result"
    )
    InternalError = Answer(500, "Server Internal Error", None, "-", "a fault of the edge; see its log")


def error_header(reason: Reason) -> tuple[tuple[str, str], ...]:
    """X-Trunkline-Error, for reasons that have a number."""
    answer = reason.value
    return () if answer.error_code is None else (("X-Trunkline-Error", f"{answer.error_code} {answer.text}"),)

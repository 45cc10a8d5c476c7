"""Reasons of the conditions that follow from what users wrote, and so of `trunkline validate`."""

from __future__ import annotations

from trunkline.api.explained import ExplainedReason


class ConditionReason(ExplainedReason):
    """What the compiler finds in what users wrote."""

    # Accepted
    ACCEPTED = "Accepted", "the object is valid and permitted"
    INVALID = "Invalid", "a field breaks a rule of its kind; the message names field, fault and mend"
    INTERNAL_ERROR = (
        "InternalError",
        "Trunkline itself failed while it judged the object, which is not served; everything else is",
    )
    NOT_PERMITTED = "NotPermitted", "no Account lets this namespace claim what the object claims"
    CONFLICT = "Conflict", "an older object holds the number, domain, address or network that this one claims"
    WEAK_PASSWORD = (
        "WeakPassword",
        "a password is shorter than 12 characters or lacks a digit, a capital or a small letter",
    )
    TOO_MANY_URIS = "TooManyUris", "the trunk already has ten older origination URIs"
    DUPLICATE_URI = "DuplicateUri", "an older OriginationUri of the trunk has the same sipUri"
    QUOTA_EXCEEDED = (
        "QuotaExceeded",
        "with this object the account has more than its spec.quota allows; older ones stay",
    )
    NOT_POSSIBLE = "NotPossible", "no numbering plan allows such a number"

    # ResolvedRefs
    RESOLVED = "Resolved", "every object that this one names exists and may be used"
    TRUNK_NOT_FOUND = "TrunkNotFound", "the trunk named does not exist in this namespace"
    TRUNK_NOT_ACCEPTED = "TrunkNotAccepted", "the trunk named exists but is not accepted"
    LIST_NOT_FOUND = (
        "ListNotFound",
        "an access or credential list named does not exist in this namespace or is not accepted",
    )
    POLICY_NOT_FOUND = (
        "PolicyNotFound",
        "a HeaderManipulationPolicy named does not exist in this namespace or is not accepted; "
        "calls of that direction are refused",
    )
    SECRET_NOT_FOUND = "SecretNotFound", "a Secret or its key does not exist"
    SECRET_NOT_VALID = (
        "SecretNotValid",
        "a value in a Secret is not base64 or UTF-8, has white space at its ends or a control character, "
        "or is too long",
    )
    SECRET_NOT_READABLE = "SecretNotReadable", "the operator may not read Secrets of this namespace"
    ACCOUNT_NOT_FOUND = "AccountNotFound", "the Account named does not exist"
    PARENT_CIRCLE = "ParentCircle", "an Account is, by way of others, its own parent"
    COUNTRY_NOT_FOUND = "CountryNotFound", "no country with telephone numbers has the code named"
    NAMESPACE_TAKEN = "NamespaceTaken", "an older Account already has a namespace that this one lists"
    EDGE_NOT_FOUND = "EdgeNotFound", "an Edge named does not exist"
    NO_GATEWAYS = "NoGateways", "prefixes or emergencyCapable ask for calls, and the Carrier has no gateway"
    OWN_EDGE = "OwnEdge", "a call to the host named would come back to this platform, so none is sent there"
    TARGET_DENIED = (
        "TargetDenied",
        "the address named lies in a network where the platform sends no call, and no exception is made",
    )

    # TerminationReady, OriginationReady
    READY = "Ready", "calls of this direction are served"
    NO_DOMAIN = "NoDomain", "termination is set without a domainName, so there is nothing to dial"
    NO_AUTHENTICATION = (
        "NoAuthentication",
        "neither an access list nor a credential list is named, so no call may come",
    )
    NO_USABLE_LIST = "NoUsableList", "a list is named, but none of that kind has an entry, so nobody can pass"
    PARENT_DOMAIN_MISSING = (
        "ParentDomainMissing",
        "a sub-domain needs its parent domain on a trunk of the same or the parent account",
    )
    NO_ENABLED_URI = "NoEnabledUri", "the trunk has no enabled origination URI"
    NO_USABLE_URI = (
        "NoUsableUri",
        "the trunk has enabled origination URIs, but no call can be sent to the host of any",
    )
    NO_NUMBERS = "NoNumbers", "no Number names the trunk"

    # Warnings (FeatureUnavailable, UnknownEdge, OpenToAll and others); NotYet also in ResolvedRefs
    NOT_YET = "NotYet", "a field is set whose feature does not exist yet; it has no effect"
    NO_MEDIA_RELAY = "NoMediaRelay", "a field is set that needs a media relay, and the edges have none"
    NOT_TRANSCODED = (
        "NotTranscoded",
        "the trunk asks for transcoding and lists a codec that no relay can write: it passes through alone",
    )
    NOT_IN_CERTIFICATE = (
        "NotInCertificate",
        "an Edge's certificate, which an issuer makes for no trunk's name, lacks the trunk's domain",
    )
    SHARED_PREFIXES = "SharedPrefixes", "another Account may claim numbers below the same prefix"
    SHARED_DOMAINS = "SharedDomains", "another Account may claim the same termination domains"
    NETWORK_TOO_WIDE = (
        "NetworkTooWide",
        "a network whose calls are trusted holds addresses of everybody, or nearly so",
    )
    SIP_PORT_IN_MEDIA = (
        "SipPortInMedia",
        "the Edge's media ports include its own port of SIP over UDP, so two processes may want it",
    )
    NOT_ASSIGNED = "NotAssigned", "the number is possible, but no numbering plan assigns it"
    UNKNOWN_EDGE = (
        "UnknownEdge",
        "no edge that serves the account has the name or region in the URI: its calls leave from the edge "
        "where they entered",
    )

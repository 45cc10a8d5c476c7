"""Reasons of the conditions that need the edges' word, or that of DNS or a certificate."""

from __future__ import annotations

from trunkline.api.explained import ExplainedReason


class StatusReason(ExplainedReason):
    """What only running edges, DNS or a certificate can say."""

    # Programmed
    PROGRAMMED = "Programmed", "every serving address of every edge has acknowledged this generation"
    PENDING = "Pending", "an edge has not yet acknowledged this generation"
    NO_EDGE_PODS = "NoEdgePods", "no edge serves now, so nothing can be acknowledged"
    TABLE_TOO_LARGE = (
        "TableTooLarge",
        "part of the table is larger than the API server can store in one object",
    )
    NOT_ACCEPTED = "NotAccepted", "the object is not accepted, so no edge is told of it"
    OPERATOR_FAILED = (
        "OperatorFailed",
        "the operator itself failed at this Edge; what is published stays in force, and other Edges go on",
    )
    KEPT_LAST_GOOD = "KeptLastGood", "the newest content is refused; the last good content stays in force"

    # FeatureUnavailable
    EDGE_TOO_OLD = "EdgeTooOld", "a field has no effect as long as an Edge has pods of an older version"

    # Accepted
    TOO_LARGE = "TooLarge", "the object's part of the table is full, so the object is in no table"

    # Ready
    READY = "Ready", "calls work now, as far as this object is concerned"
    UNINSTALLED = "Uninstalled", "Trunkline was uninstalled, so nothing serves this object"
    NO_ADDRESS_READY = "NoAddressReady", "no address of the Edge answers"

    # Deployed: present only while something is wrong
    NOT_APPLIED = "NotApplied", "an object that makes up the Edge could not be written"
    POD_DOES_NOT_START = (
        "PodDoesNotStart",
        "a pod of the Edge has no node, image or address, or keeps exiting",
    )
    ROLLOUT_HALTED = (
        "RolloutHalted",
        "new pods are held back, since another Edge does not become ready with its new ones",
    )
    LEASE_IGNORED = (
        "LeaseIgnored",
        "what a pod of the Edge says of itself cannot be true, and is not believed",
    )

    # Registered: present on a Carrier that edges register with
    REGISTERED = "Registered", "every edge address that registers with the carrier is registered"
    NOT_REGISTERED = "NotRegistered", "an edge address that registers with the carrier is not registered"

    # DailyMinutesLeft: present only once most of an Account's minutes of today are used
    FEW_MINUTES_LEFT = "FewMinutesLeft", "an account has used most of its minutes of today"
    NO_MINUTES_LEFT = "NoMinutesLeft", "an account has used up its minutes of today: its calls are refused"
    # RecordingsWait
    STORAGE_REFUSES = (
        "StorageRefuses",
        "recordings of the account cannot be stored; they wait at the edge and are tried again",
    )

    # DNSReady
    DNS_CORRECT = "Correct", "the authoritative server answers with the wanted records"
    PROPAGATING = "Propagating", "the authoritative server does not yet answer with the wanted records"
    DNS_NOT_RUNNING = "ServerNotRunning", "the DNS server is not running"
    DNS_NOT_MANAGED = (
        "NotManaged",
        "the operator writes no DNS records; those that are needed are in `status.dnsRecords`",
    )
    FOREIGN_OWNER = "ForeignOwner", "a wanted DNS record belongs to somebody else, and is left alone"
    DNS_SERVER_SILENT = "ServerSilent", "the DNS server does not answer"
    DNS_KEY_REFUSED = "KeyRefused", "the TSIG key is missing, unusable, or not the DNS server's"
    DNS_UPDATE_REFUSED = "UpdateRefused", "the DNS server does not let the zone be updated"
    DNS_NOT_VERIFIED = (
        "NotVerified",
        "no authoritative server of the zone can be asked, so what it answers is not known",
    )
    DNS_NOT_WRITTEN = "NotWritten", "the object from which external-dns makes records could not be written"
    DNS_API_MISSING = (
        "ApiMissing",
        "the API server does not know the objects that external-dns reads",
    )
    DNS_RECORDS_MAY_REMAIN = (
        "RecordsMayRemain",
        "an Event: a deleted Edge was let go before the zone was seen without its names",
    )

    # CertificateReady
    ISSUED = "Issued", "the edge serves a certificate of the platform's own CA"
    GIVEN = "Given", "the edge serves the certificate of the Secret"
    EXPIRES_SOON = "ExpiresSoon", "the edge serves the certificate of the Secret, which ends within weeks"
    INVALID_CERTIFICATE = (
        "InvalidCertificate",
        "the Secret's certificate cannot be served; the last good one is, or one of the own CA",
    )
    CERTIFICATE_EXPIRED = "CertificateExpired", "the Secret's certificate has expired"
    CERTIFICATE_MISSING = "CertificateMissing", "the Secret that should hold the certificate does not exist"
    CERT_MANAGER_NOT_INSTALLED = (
        "CertManagerNotInstalled",
        "`spec.tls.issuerRef` needs cert-manager, which is not installed",
    )
    NOT_ISSUED = "NotIssued", "cert-manager has not issued the certificate yet"
    FOREIGN_OBJECT = (
        "ForeignObject",
        "an object that the Edge needs belongs to somebody else; it is left alone",
    )
    NAMES_MISSING = "NamesMissing", "the Secret's certificate is good for none of the Edge's names"
    AUTHORITY_UNUSABLE = "AuthorityUnusable", "the Secret of the own CA cannot be used"
    OTHER_SERVED = "OtherServed", "an address serves another certificate than it should"

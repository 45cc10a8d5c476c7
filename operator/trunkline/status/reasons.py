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
        "a part of the table has outgrown what the API server stores in one object",
    )
    NOT_ACCEPTED = "NotAccepted", "the object is not accepted, so no edge is told of it"
    OPERATOR_FAILED = (
        "OperatorFailed",
        "the operator itself failed at this Edge; what is published stays in force, and other Edges go on",
    )
    KEPT_LAST_GOOD = "KeptLastGood", "the newest content is refused; the last good content stays in force"

    # Ready
    READY = "Ready", "calls work now, as far as this object is concerned"
    UNINSTALLED = "Uninstalled", "Trunkline was uninstalled, so nobody serves this object or looks after it"
    NO_ADDRESS_READY = "NoAddressReady", "no address of the Edge answers"

    # Deployed: present only while something is wrong
    NOT_APPLIED = "NotApplied", "an object that the Edge consists of could not be written"
    POD_DOES_NOT_START = (
        "PodDoesNotStart",
        "a pod of the Edge has no node, image or address, or ends again and again",
    )
    LEASE_IGNORED = (
        "LeaseIgnored",
        "what a pod of the Edge says of itself cannot be true, and is not believed",
    )

    # DNSReady
    DNS_CORRECT = "Correct", "the authoritative server answers with the wanted records"
    PROPAGATING = "Propagating", "the authoritative server does not yet answer with the wanted records"
    DNS_NOT_RUNNING = "ServerNotRunning", "the DNS server is not running"
    DNS_NOT_MANAGED = (
        "NotManaged",
        "the operator writes no DNS records; those that are wanted stand in `status.dnsRecords`",
    )
    FOREIGN_OWNER = "ForeignOwner", "a wanted DNS record is kept by somebody else, and so left alone"
    DNS_SERVER_SILENT = "ServerSilent", "the DNS server does not answer"
    DNS_KEY_REFUSED = "KeyRefused", "the TSIG key is missing, unusable, or not the DNS server's"
    DNS_UPDATE_REFUSED = "UpdateRefused", "the DNS server does not let the zone be updated"

    # CertificateReady
    ISSUED = "Issued", "the edge serves a certificate of the platform's own CA"
    GIVEN = "Given", "the edge serves the certificate of the Secret"
    EXPIRES_SOON = "ExpiresSoon", "the edge serves the certificate of the Secret, which ends within weeks"
    INVALID_CERTIFICATE = (
        "InvalidCertificate",
        "the Secret's certificate cannot be served; the last good one is, or one of the own CA",
    )
    CERTIFICATE_EXPIRED = "CertificateExpired", "the time of the Secret's certificate is over"
    CERTIFICATE_MISSING = "CertificateMissing", "the Secret that should hold the certificate is not there"
    NAMES_MISSING = "NamesMissing", "the Secret's certificate is good for none of the Edge's names"
    AUTHORITY_UNUSABLE = "AuthorityUnusable", "the Secret of the own CA cannot be used"
    OTHER_SERVED = "OtherServed", "an address serves another certificate than it should"

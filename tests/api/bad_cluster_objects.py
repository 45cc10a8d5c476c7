"""Accounts and Carriers that a rule of their own refuses; the rest of the table is in table_of_objects.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.whole_objects import ACCOUNT, CARRIER, REMOVED, SECURE_CARRIER, changed


@dataclass(frozen=True)
class Bad:
    title: str
    manifest: Mapping[str, Any]
    path: str
    crd_cannot: str = ""


BAD_ACCOUNTS_AND_CARRIERS = (
    Bad("no edge at all", changed(ACCOUNT, "spec.edges", []), "spec.edges"),
    Bad("an edge twice", changed(ACCOUNT, "spec.edges[1]", "ashburn"), "spec.edges[1]"),
    Bad("no minute a day", changed(ACCOUNT, "spec.dailyMinutes", 0), "spec.dailyMinutes"),
    *(
        Bad(f"recordings to {url}", changed(ACCOUNT, "spec.recordings.url", url), "spec.recordings.url")
        for url in (
            "https://acme-calls",
            "s3://",
            "s3://acme/../other",
            "file:///",
            "file:///srv/../etc",
            "/srv",
        )
    ),
    Bad(
        "an endpoint without a scheme",
        changed(ACCOUNT, "spec.recordings.endpoint", "s3.example"),
        "spec.recordings.endpoint",
    ),
    Bad("a region in words", changed(ACCOUNT, "spec.recordings.region", "EU West"), "spec.recordings.region"),
    Bad(
        "no day of retention",
        changed(ACCOUNT, "spec.recordings.retentionDays", 0),
        "spec.recordings.retentionDays",
    ),
    Bad(
        "a directory with keys of a bucket",
        changed(ACCOUNT, "spec.recordings.url", "file:///srv/recordings"),
        "spec.recordings",
    ),
    Bad("a quota below nothing", changed(ACCOUNT, "spec.quota.trunks", -1), "spec.quota.trunks"),
    Bad("a namespace twice", changed(ACCOUNT, "spec.namespaces[1]", "acme"), "spec.namespaces[1]"),
    Bad("a namespace of two labels", changed(ACCOUNT, "spec.namespaces[1]", "a.b"), "spec.namespaces[1]"),
    Bad(
        "an account that is its own parent", changed(ACCOUNT, "spec.parent.name", "acme"), "spec.parent.name"
    ),
    Bad(
        "calls of 59 seconds",
        changed(ACCOUNT, "spec.maxCallDurationSeconds", 59),
        "spec.maxCallDurationSeconds",
    ),
    Bad(
        "a prefix without a plus",
        changed(ACCOUNT, "spec.numberPrefixes[0]", "1415"),
        "spec.numberPrefixes[0]",
    ),
    Bad("a prefix with a zero", changed(ACCOUNT, "spec.numberPrefixes[0]", "+0"), "spec.numberPrefixes[0]"),
    Bad("a prefix twice", changed(ACCOUNT, "spec.numberPrefixes[1]", "+1415"), "spec.numberPrefixes[1]"),
    Bad(
        "a blocked prefix of words",
        changed(ACCOUNT, "spec.blockedPrefixes[0]", "LV"),
        "spec.blockedPrefixes[0]",
    ),
    Bad(
        "a country in words",
        changed(ACCOUNT, "spec.dialingPermissions.countries[0].isoCode", "Latvia"),
        "spec.dialingPermissions.countries[0].isoCode",
    ),
    Bad(
        "a country in small letters",
        changed(ACCOUNT, "spec.dialingPermissions.countries[0].isoCode", "us"),
        "spec.dialingPermissions.countries[0].isoCode",
    ),
    Bad(
        "a country twice",
        changed(ACCOUNT, "spec.dialingPermissions.countries[1].isoCode", "US"),
        "spec.dialingPermissions.countries[1]",
    ),
    Bad(
        "a sort of numbers that does not exist",
        changed(ACCOUNT, "spec.dialingPermissions.countries[0].allow", ["Everything"]),
        "spec.dialingPermissions.countries[0].allow[0]",
    ),
    Bad(
        "a word that is neither Allow nor Deny",
        changed(ACCOUNT, "spec.dialingPermissions.unlisted", "Ask"),
        "spec.dialingPermissions.unlisted",
    ),
    Bad("a domain with a wildcard", changed(ACCOUNT, "spec.domainNames[0]", "*.acme"), "spec.domainNames[0]"),
    Bad(
        "host bits in a permitted target",
        changed(ACCOUNT, "spec.allowedTargetCidrs[0]", "10.20.0.1/16"),
        "spec.allowedTargetCidrs[0]",
    ),
    Bad(
        "a name among the permitted targets",
        changed(ACCOUNT, "spec.allowedTargetCidrs[0]", "pbx.acme.example"),
        "spec.allowedTargetCidrs[0]",
    ),
    Bad(
        "a gateway with an IPv4 address within IPv6",
        changed(CARRIER, "spec.gateways[0].host", "::ffff:cb00:7107"),
        "spec.gateways[0].host",
    ),
    Bad(
        "host bits in a source",
        changed(CARRIER, "spec.sourceRanges[0]", "127.0.9.1/24"),
        "spec.sourceRanges[0]",
    ),
    Bad(
        "a name among the sources",
        changed(CARRIER, "spec.sourceRanges[0]", "gw.example"),
        "spec.sourceRanges[0]",
    ),
    Bad(
        "national numbers of no country",
        changed(CARRIER, "spec.numberFormat", {"called": "National"}),
        "spec.numberFormat.countryCode",
    ),
    Bad(
        "a way to write numbers that is none",
        changed(CARRIER, "spec.numberFormat.caller", "Local"),
        "spec.numberFormat.caller",
    ),
    Bad(
        "a country code with a plus",
        changed(CARRIER, "spec.numberFormat.countryCode", "+49"),
        "spec.numberFormat.countryCode",
    ),
    Bad(
        "a transport twice",
        changed(CARRIER, "spec.acceptTransports[1]", "TCP"),
        "spec.acceptTransports[1]",
    ),
    Bad(
        "a parameter that leads elsewhere",
        changed(CARRIER, "spec.gateways[1].uriParameters", "user=phone;MADDR=192.0.2.1"),
        "spec.gateways[1].uriParameters",
    ),
    Bad(
        "TLS for a gateway without it",
        changed(CARRIER, "spec.gateways[1].tls", {"serverName": "gw.example"}),
        "spec.gateways[1].tls",
    ),
    Bad(
        "an address in a name's place",
        changed(CARRIER, "spec.gateways[0].tls.serverName", "192.0.2.1"),
        "spec.gateways[0].tls.serverName",
    ),
    Bad(
        "a gateway to be verified without its CA",
        changed(CARRIER, "spec.gateways[0].tls.caSecretRef", REMOVED),
        "spec.gateways[0].tls.caSecretRef",
    ),
    Bad(
        "a parameter with a blank",
        changed(CARRIER, "spec.gateways[1].uriParameters", "user=a phone"),
        "spec.gateways[1].uriParameters",
    ),
    Bad(
        "a probe too often",
        changed(CARRIER, "spec.gateways[1].probe.seconds", 9),
        "spec.gateways[1].probe.seconds",
    ),
    Bad(
        "a gateway of a secure carrier over UDP",
        changed(SECURE_CARRIER, "spec.gateways[0].transport", "UDP"),
        "spec.gateways",
    ),
    Bad(
        "a gateway of a secure carrier over the transport that is not said",
        changed(SECURE_CARRIER, "spec.gateways[1]", {"host": "gw.example"}),
        "spec.gateways",
    ),
    Bad(
        "a secure carrier that may bring calls over TCP",
        changed(SECURE_CARRIER, "spec.acceptTransports", ["TLS", "TCP"]),
        "spec.acceptTransports",
    ),
    Bad("a carrier's codec twice", changed(SECURE_CARRIER, "spec.codecs[1]", "PCMA"), "spec.codecs"),
    Bad("a codec that no edge knows", changed(SECURE_CARRIER, "spec.codecs[1]", "G722"), "spec.codecs[1]"),
    Bad(
        "a registration without a Secret",
        changed(CARRIER, "spec.registration.credentialSecretRef", REMOVED),
        "spec.registration.credentialSecretRef",
    ),
    Bad(
        "a registration for a moment",
        changed(CARRIER, "spec.registration.expiresSeconds", 59),
        "spec.registration.expiresSeconds",
    ),
    Bad(
        "a registration longer than a connection is kept",
        changed(CARRIER, "spec.registration.expiresSeconds", 3601),
        "spec.registration.expiresSeconds",
    ),
    Bad(
        "TLS for a registrar without it",
        changed(CARRIER, "spec.registration.transport", "TCP"),
        "spec.registration.tls",
    ),
    Bad(
        "an address in the place of a registrar's name",
        changed(CARRIER, "spec.registration.tls.serverName", "192.0.2.1"),
        "spec.registration.tls.serverName",
    ),
    Bad(
        "a registrar to be verified without its CA",
        changed(CARRIER, "spec.registration.tls.caSecretRef", REMOVED),
        "spec.registration.tls.caSecretRef",
    ),
    Bad(
        "a registrar as a URI",
        changed(CARRIER, "spec.registration.registrar", "sip:sip.telco.example"),
        "spec.registration.registrar",
    ),
    Bad("a source twice", changed(CARRIER, "spec.sourceRanges[1]", "127.0.9.0/24"), "spec.sourceRanges[1]"),
    Bad("a carrier's prefix twice", changed(CARRIER, "spec.prefixes[1]", "+1"), "spec.prefixes[1]"),
    Bad("a carrier's prefix without a plus", changed(CARRIER, "spec.prefixes[1]", "1"), "spec.prefixes[1]"),
    Bad(
        "a gateway's transport in lower case",
        changed(CARRIER, "spec.gateways[0].transport", "udp"),
        "spec.gateways[0].transport",
    ),
    Bad(
        "an edge twice in a gateway",
        changed(CARRIER, "spec.gateways[0].edges[1]", "ashburn"),
        "spec.gateways[0].edges[1]",
    ),
)

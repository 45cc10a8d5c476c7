"""One object of each kind with all its fields, and how to change a field of it."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from support.objects import manifest_of

REMOVED = object()
"""Put in place of a field to leave it out."""


def changed(manifest: Mapping[str, Any], path: str, value: object) -> dict[str, Any]:
    """`manifest` with `value` at `path` (`spec.gateways[0].port`); missing mappings on the way are made."""
    found = copy.deepcopy(dict(manifest))
    parts: list[Any] = [
        int(index) if index else name for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path)
    ]
    place: Any = found
    for part in parts[:-1]:
        place = place[part] if isinstance(part, int) else place.setdefault(part, {})
    if value is REMOVED:
        del place[parts[-1]]
    elif isinstance(part := parts[-1], int) and part == len(place):
        place.append(value)
    else:
        place[parts[-1]] = value
    return found


def tenant_manifest(kind: str, name: str, **spec: object) -> dict[str, Any]:
    return manifest_of(kind, name, "acme", spec)


def cluster_manifest(kind: str, name: str, **spec: object) -> dict[str, Any]:
    return manifest_of(kind, name, None, spec)


TRUNK = tenant_manifest(
    "Trunk",
    "hq",
    friendlyName="Acme HQ",
    secure=True,
    symmetricRtp=True,
    codecs=["OPUS", "PCMU"],
    transcoding="WhenNeeded",
    maxConcurrentCalls=50,
    recording={"mode": "RecordFromRingingDual", "trim": "TrimSilence"},
    transfer={"mode": "SipOnly", "callerId": "FromTransferor"},
    termination={
        "domainName": "acme-hq",
        "ipAccessControlListRefs": [{"name": "hq-sbc"}, {"name": "lab-sbc"}],
        "credentialListRefs": [{"name": "hq-users"}, {"name": "lab-users"}],
        "callsPerSecond": 5,
        "headerManipulationPolicyRef": {"name": "nine-for-a-line"},
    },
    origination={
        "cnamLookup": True,
        "disasterRecovery": {"url": "https://acme.example/voice", "method": "GET"},
        "headerManipulationPolicyRef": {"name": "nine-for-a-line"},
    },
)
URI = tenant_manifest(
    "OriginationUri",
    "hq-primary",
    trunkRef={"name": "hq"},
    sipUri="sip:pbx.acme.example:5060;transport=tcp;edge=ashburn?X-Env=prod&X-Team=voice",
    priority=0,
    weight=65535,
    enabled=False,
    friendlyName="primary",
    probe={"seconds": 120},
)
NUMBER = tenant_manifest(
    "Number",
    "main-line",
    number="+14155550100",
    trunkRef={"name": "hq"},
    friendlyName="Main line",
    callerName="ACME HQ",
)
BLOCK = tenant_manifest(
    "Number", "desk-phones", range={"first": "+14155551000", "last": "+14155551999"}, trunkRef={"name": "hq"}
)
CREDENTIALS = tenant_manifest(
    "CredentialList",
    "hq-users",
    friendlyName="HQ PBX",
    credentials=[
        {"username": "pbx", "passwordSecretRef": {"name": "hq-pbx", "key": "password"}},
        {"username": "lab", "passwordSecretRef": {"name": "hq-pbx", "key": "lab"}},
    ],
)
ACL = tenant_manifest(
    "IpAccessControlList",
    "hq-sbc",
    friendlyName="Dallas data centre",
    entries=[
        {"cidr": "203.0.113.0/29", "friendlyName": "Production SBC"},
        {"cidr": "2001:db8::/32", "friendlyName": "Lab"},
    ],
)
POLICY = tenant_manifest(
    "HeaderManipulationPolicy",
    "nine-for-a-line",
    friendlyName="Strip the 9",
    rules=[
        {
            "match": "All",
            "when": [
                {"field": "RequestUri", "part": "User", "operator": "StartsWith", "value": "9"},
                {"field": "From", "part": "DisplayName", "operator": "NotContains", "value": "Front Office"},
            ],
            "actions": [
                {"target": "ToNumber", "type": "RemoveLeading", "count": 1},
                {"target": "FromNumber", "type": "AddPrefix", "value": "+1"},
            ],
        },
        {"actions": [{"target": "FromNumber", "type": "ReplaceWith", "value": "front.desk%23"}]},
    ],
)
CALLER_ID = cluster_manifest(
    "CallerId",
    "acme-support-line",
    number="+442079460000",
    accountRef={"name": "acme"},
    friendlyName="Support line",
)
ACCOUNT = cluster_manifest(
    "Account",
    "acme",
    namespaces=["acme", "acme-lab"],
    parent={"name": "holding"},
    allowDeprecatedTls=True,
    maxCallDurationSeconds=86400,
    callsPerSecond=50,
    maxConcurrentCalls=1000,
    numberPrefixes=["+1415", "+44"],
    domainNames=["acme-hq", "acme-lab"],
    dailyMinutes=10_000,
    allowedTargetCidrs=["10.20.0.0/16", "2001:db8::/32"],
    suspended=True,
    edges=["ashburn", "dublin"],
    quota={"trunks": 100, "numbers": 10_000, "credentials": 10_000, "accessEntries": 1000},
    dialingPermissions={
        "unlisted": "Allow",
        "countries": [{"isoCode": "US", "allow": ["LowRisk", "HighRiskSpecial"]}, {"isoCode": "GB"}],
    },
    blockedPrefixes=["+37190"],
    recordings={
        "url": "s3://acme-calls/trunks",
        "endpoint": "https://s3.example",
        "region": "eu-west-1",
        "credentialSecretRef": {"name": "acme-s3"},
        "retentionDays": 30,
    },
    authTokenSecretRef={"name": "acme-token", "key": "authToken"},
)
EDGE = cluster_manifest(
    "Edge",
    "ashburn",
    region="us1",
    advertise={"type": "Static", "addresses": ["127.0.11.1", "127.0.11.2"]},
    placement={
        "nodeSelector": {"topology.kubernetes.io/region": "us-east-1"},
        "tolerations": [
            {
                "key": "sip",
                "operator": "Equal",
                "value": "only",
                "effect": "NoExecute",
                "tolerationSeconds": 60,
            }
        ],
    },
    ports={"udp": 5060, "tcp": 5060, "tls": 5061, "agent": 8091},
    media={"firstPort": 10000, "lastPort": 60000, "relay": "WhenNeeded", "transcodedCalls": 40},
    tls={"issuerRef": {"name": "letsencrypt", "kind": "ClusterIssuer", "group": "cert-manager.io"}},
    dns={"ttlSeconds": 600},
    drain={"maxSeconds": 0},
    capture={
        "hep": {
            "host": "homer.example",
            "port": 9060,
            "transport": "UDP",
            "captureId": 2001,
            "authKeySecretRef": {"name": "homer", "key": "authKey"},
        }
    },
)
NODE_EDGE = cluster_manifest(
    "Edge",
    "dublin",
    advertise={"type": "HostNetwork", "nodeAddressType": "InternalIP"},
    replicas=4,
    tls={"secretRef": {"name": "dublin-tls"}},
)
CARRIER = cluster_manifest(
    "Carrier",
    "telco-a",
    sourceRanges=["127.0.9.0/24", "2001:db8:9::/48"],
    prefixes=["+1", "+44"],
    gateways=[
        {
            "host": "127.0.9.1",
            "port": 5060,
            "transport": "TLS",
            "priority": 65535,
            "weight": 1,
            "edges": ["ashburn", "dublin"],
            "enabled": False,
            "tls": {"verify": True, "caSecretRef": {"name": "telco-ca"}, "serverName": "gw.telco.example"},
        },
        {"host": "gw.telco.example", "uriParameters": "user=phone;cic=+1-288", "probe": {"seconds": 10}},
    ],
    numberFormat={"called": "National", "caller": "International00", "countryCode": "49"},
    acceptTransports=["TCP", "TLS"],
    registration={
        "registrar": "sip.telco.example",
        "port": 5070,
        "transport": "TLS",
        "credentialSecretRef": {"name": "telco-a"},
        "expiresSeconds": 3600,
        "edges": ["ashburn"],
        "tls": {"verify": True, "caSecretRef": {"name": "telco-ca"}, "serverName": "sip.telco.example"},
    },
    credentialSecretRef={"name": "telco-a"},
    callsPerSecond=100,
    maxConcurrentCalls=2000,
    emergencyCapable=True,
)

SECURE_CARRIER = cluster_manifest(
    "Carrier",
    "telco-b",
    prefixes=["+33"],
    gateways=[{"host": "gw.telco-b.example", "transport": "TLS"}],
    acceptTransports=["TLS"],
    secure=True,
    codecs=["PCMA", "G729"],
)
WHOLE = (
    *(TRUNK, URI, NUMBER, BLOCK, CREDENTIALS, ACL, POLICY, CALLER_ID),
    *(ACCOUNT, EDGE, NODE_EDGE, CARRIER, SECURE_CARRIER),
)
"""Together these have every field of every kind."""

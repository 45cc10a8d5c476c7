"""The shared table: good and bad objects of every kind, tried against the models and against the CRDs.

A bad object is a good one with one fault. `path` is where both must see it; a bad object that an API server
cannot refuse says why in `crd_cannot`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.bad_cluster_objects import BAD_ACCOUNTS_AND_CARRIERS, Bad
from api.policies import BAD_POLICIES, GOOD_POLICIES
from api.whole_objects import (
    ACL,
    BLOCK,
    CALLER_ID,
    CARRIER,
    CREDENTIALS,
    EDGE,
    NODE_EDGE,
    NUMBER,
    REMOVED,
    TRUNK,
    URI,
    WHOLE,
    changed,
    cluster_manifest,
    tenant_manifest,
)


@dataclass(frozen=True)
class Good:
    title: str
    manifest: Mapping[str, Any]


OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "4f1c"}
"""A member of metadata.ownerReferences."""
_LABEL_63 = "a" * 63


def _uri(text: str) -> dict[str, Any]:
    return changed(URI, "spec.sipUri", text)


def _cidr(text: str) -> dict[str, Any]:
    return changed(ACL, "spec.entries[0].cidr", text)


def _edge(**advertise: object) -> dict[str, Any]:
    return changed(EDGE, "spec.advertise", advertise)


BAD_METADATA: tuple[tuple[str, object, str], ...] = (
    ("labels", {"ver": 1}, "metadata.labels.ver"),
    ("labels", {"on": True}, "metadata.labels.on"),
    ("labels", {"ver": 1.5}, "metadata.labels.ver"),
    ("labels", {"a": {"b": "c"}}, "metadata.labels.a"),
    ("labels", ["a"], "metadata.labels"),
    ("labels", "a=b", "metadata.labels"),
    ("labels", {"a": "two words"}, "metadata.labels.a"),
    ("labels", {"a": "v" * 64}, "metadata.labels.a"),
    ("labels", {"a": "-"}, "metadata.labels.a"),
    ("labels", {"-a": "b"}, "metadata.labels.-a"),
    ("labels", {"": "b"}, 'metadata.labels[""]'),
    ("labels", {"n" * 64: "b"}, f"metadata.labels.{'n' * 64}"),
    ("labels", {"A.example/a": "b"}, 'metadata.labels["A.example/a"]'),
    ("labels", {"a/b/c": "d"}, 'metadata.labels["a/b/c"]'),
    ("annotations", {"ver": 1}, "metadata.annotations.ver"),
    ("annotations", {"a b": "c"}, 'metadata.annotations["a b"]'),
    ("annotations", [], "metadata.annotations"),
    ("annotations", {"a": "x" * 262144}, "metadata.annotations"),
    ("finalizers", "a.example/b", "metadata.finalizers"),
    ("finalizers", [1], "metadata.finalizers[0]"),
    ("finalizers", ["a b"], "metadata.finalizers[0]"),
    ("finalizers", [None], "metadata.finalizers[0]"),
    ("deletionTimestamp", "yesterday", "metadata.deletionTimestamp"),
    ("managedFields", "a", "metadata.managedFields"),
    ("managedFields", [{"a": "b"}], "metadata.managedFields[0].a"),
    ("managedFields", [{"manager": 1}], "metadata.managedFields[0].manager"),
    ("selfLink", 1, "metadata.selfLink"),
    ("generateName", 7, "metadata.generateName"),
    ("generateName", "Two Words", "metadata.generateName"),
    ("resourceVersion", 7, "metadata.resourceVersion"),
    ("deletionGracePeriodSeconds", "7", "metadata.deletionGracePeriodSeconds"),
    ("ownerReferences", {}, "metadata.ownerReferences"),
    ("ownerReferences", ["a"], "metadata.ownerReferences[0]"),
    ("ownerReferences", [{**OWNER, "uid": 1}], "metadata.ownerReferences[0].uid"),
    ("ownerReferences", [{**OWNER, "uid": ""}], "metadata.ownerReferences[0].uid"),
    ("ownerReferences", [{**OWNER, "controller": "yes"}], "metadata.ownerReferences[0].controller"),
    ("ownerReferences", [{**OWNER, "nmae": "x"}], "metadata.ownerReferences[0].nmae"),
    ("lables", {"a": "b"}, "metadata.lables"),
)
"""A field of metadata, a value that no API server takes there, and where it is told."""

GOOD = (
    *(Good(f"{each['kind']} with many fields: {each['metadata']['name']}", each) for each in WHOLE),
    *(
        Good(f"metadata.{field} {value!r:.40}", changed(TRUNK, f"metadata.{field}", value))
        for field, value in (
            ("labels", {"a": "", "A_1.b-c": "V.1_2-3", "a.example/b": "v" * 63, "n" * 63: "b"}),
            ("labels", None),
            ("labels", {"a": None}),
            ("annotations", {"a": None}),
            ("annotations", {"A.Example/Note": "any\ntext: at all\x1b", "b": ""}),
            ("annotations", {"a": "x" * 130000}),
            ("finalizers", ["a.example/b"]),
            ("generateName", "hq-"),
            ("ownerReferences", [{**OWNER, "controller": True}]),
        )
    ),
    Good("a trunk with an empty spec", tenant_manifest("Trunk", "hq")),
    Good("a null is as good as an absent field", changed(TRUNK, "spec.termination", None)),
    Good("a null is as good as an absent field that has a default", changed(TRUNK, "spec.secure", None)),
    Good("a termination domain of several labels", changed(TRUNK, "spec.termination.domainName", "a.b-2.c")),
    Good(
        "a termination domain that begins like an id", changed(TRUNK, "spec.termination.domainName", "tk12")
    ),
    Good("a friendly name in any script", changed(TRUNK, "spec.friendlyName", "Büro München 東京")),
    Good("a friendly name of 64 characters", changed(TRUNK, "spec.friendlyName", "é" * 64)),
    Good(
        "a plain http URL with a port",
        changed(TRUNK, "spec.origination.disasterRecovery.url", "http://[2001:db8::1]:8080?x=1"),
    ),
    Good("a URI of a host alone", _uri("sip:pbx")),
    Good("a URI of an address", _uri("sip:203.0.113.7")),
    Good("a URI of an IPv6 address", _uri("sip:[2001:db8::7]:5080")),
    Good("a sips URI in capitals", _uri("SIPS:PBX.Acme.Example")),
    Good("a URI with a user part", _uri("sip:+14155550100;ext=7@pbx.acme.example;user=phone;lr")),
    Good("a URI with a bare header value", _uri("sip:pbx?x-empty=&X-Sp%C3%A9".replace("%C3%A9", "a=b%20c"))),
    Good("a URI with the old name of edge", _uri("sip:pbx;region=ie1;tnx=TX1")),
    Good("a URI as long as can be", _uri("sip:" + "u" * 247 + "@pbx?X-a=" + "v" * 1020)),
    Good("a held number", changed(NUMBER, "spec.trunkRef", REMOVED)),
    Good("a block of one number", changed(BLOCK, "spec.range.last", "+14155551000")),
    Good("a block of 100,000 numbers", changed(BLOCK, "spec.range.last", "+14155650999")),
    Good("a number of 15 digits", changed(NUMBER, "spec.number", "+123456789012345")),
    Good("an empty list of credentials", changed(CREDENTIALS, "spec.credentials", [])),
    Good("an odd user name", changed(CREDENTIALS, "spec.credentials[0].username", "a|b@c;d'e")),
    *(Good(*each) for each in GOOD_POLICIES),
    Good("an address alone", _cidr("203.0.113.7")),
    Good("an IPv6 address alone", _cidr("2001:DB8::7")),
    Good("every address", _cidr("0.0.0.0/0")),
    Good("a network of odd length", _cidr("203.0.112.0/23")),
    Good("a network of one address", _cidr("203.0.113.7/32")),
    Good("a caller id without a friendly name", changed(CALLER_ID, "spec.friendlyName", REMOVED)),
    Good("a caller id of three digits", changed(CALLER_ID, "spec.number", "+112")),
    Good("the account of all other namespaces", cluster_manifest("Account", "default")),
    Good(
        "an account that may claim everything",
        cluster_manifest("Account", "acme", namespaces=["acme"], numberPrefixes=["+"], domainNames=["*"]),
    ),
    Good("an edge that advertises its pods", _edge(type="PodIP")),
    Good("an edge with a certificate of its own", changed(EDGE, "spec.tls", {"selfSigned": {}})),
    Good("an issuer by its name alone", changed(EDGE, "spec.tls", {"issuerRef": {"name": "own"}})),
    Good("a toleration of everything", changed(EDGE, "spec.placement.tolerations", [{"operator": "Exists"}])),
    Good("an edge name of 40 characters", changed(EDGE, "metadata.name", "e" * 40)),
    Good("a carrier that does nothing", cluster_manifest("Carrier", "idle")),
    Good("a gateway with an IPv6 address", changed(CARRIER, "spec.gateways[0].host", "2001:db8::9")),
    Good("two gateways at one host", changed(CARRIER, "spec.gateways[1].host", "127.0.9.1")),
)

_TLS_BOTH = {"selfSigned": {}, "secretRef": {"name": "x"}}
_METADATA = "the API server itself judges names, by rules of its own"

BAD = (
    *BAD_ACCOUNTS_AND_CARRIERS,
    # Trunk
    Bad(
        "a friendly name with a line break", changed(TRUNK, "spec.friendlyName", "a\nb"), "spec.friendlyName"
    ),
    Bad(
        "a friendly name of 65 characters", changed(TRUNK, "spec.friendlyName", "é" * 65), "spec.friendlyName"
    ),
    Bad("a codec twice", changed(TRUNK, "spec.codecs", ["PCMU", "PCMA", "PCMU"]), "spec.codecs"),
    Bad("no codec", changed(TRUNK, "spec.codecs", []), "spec.codecs"),
    Bad("a codec in lower case", changed(TRUNK, "spec.codecs", ["pcmu"]), "spec.codecs[0]"),
    Bad(
        "a list named twice",
        changed(TRUNK, "spec.termination.credentialListRefs[1].name", "hq-users"),
        "spec.termination.credentialListRefs[1]",
    ),
    *(
        Bad(
            f"termination domain {text!r}",
            changed(TRUNK, "spec.termination.domainName", text),
            "spec.termination.domainName",
        )
        for text in (
            "",
            "*",
            "*.acme",
            "Acme",
            "a_b",
            "-a",
            "a-",
            "a..b",
            "a.",
            ".a",
            "a\n",
            "a" * 64,
            f"{_LABEL_63}.{_LABEL_63}.{_LABEL_63}",
            "ac" + "0123456789abcdef" * 2,
            "tk" + "0123456789abcdef" * 2,
        )
    ),
    *(
        Bad(
            f"disaster recovery URL {text!r}",
            changed(TRUNK, "spec.origination.disasterRecovery.url", text),
            "spec.origination.disasterRecovery.url",
        )
        for text in (
            "ftp://acme.example",
            "https://",
            "https:///x",
            "https://user:pass@acme.example/",
            "https://acme.example/a b",
            "https://acme.example:0/",
            "https://acme.example/\r\nX: y",
            "acme.example/voice",
        )
    ),
    # OriginationUri
    *(
        Bad(f"sipUri {text[:40]!r} ({title})", _uri(text), "spec.sipUri")
        for title, text in (
            ("empty", ""),
            ("no scheme", "pbx.acme.example"),
            ("another scheme", "tel:+14155550100"),
            ("no host", "sip:"),
            ("a user without a host", "sip:user@"),
            ("a blank", "sip:pbx acme"),
            ("a leading blank", " sip:pbx"),
            ("a line break at the end", "sip:pbx\n"),
            ("a line break within", "sip:pbx?X-a=b\r\nVia: x"),
            ("angle brackets", "<sip:pbx>"),
            ("quotes", 'sip:pbx;a="b"'),
            ("no address", "sip:1.2.3.999"),
            ("IPv6 without brackets", "sip:2001:db8::1"),
            ("an unclosed bracket", "sip:[2001:db8::1"),
            ("port 0", "sip:pbx:0"),
            ("port 65536", "sip:pbx:65536"),
            ("an empty port", "sip:pbx:"),
            ("a password", "sip:user:secret@pbx"),
            ("an empty parameter", "sip:pbx;"),
            ("two users", "sip:a@b@pbx"),
            ("an escaped line break in the user", "sip:a%0d%0ab@pbx"),
            ("an escaped line break in a header", "sip:pbx?X-a=b%0D%0Ac"),
            ("an escaped NUL", "sip:pbx?X-a=%00"),
            ("an escaped DEL", "sip:pbx?X-a=%7F"),
            ("a broken escape", "sip:pbx?X-a=%4"),
            ("another header than X-", "sip:pbx?Subject=hello"),
            ("a header name that is escaped", "sip:pbx?%58-a=b"),
            ("a header without a name", "sip:pbx?X-=b"),
            ("a header without =", "sip:pbx?X-a"),
            ("nothing after the ?", "sip:pbx?"),
            ("an empty header", "sip:pbx?X-a=b&"),
            ("a second ?", "sip:pbx?X-a=b?c"),
            ("the platform's header", "sip:pbx?X-Trunkline-CallSid=1"),
            ("the platform's header in other letters", "sip:pbx?X-a=b&x-trunkline-relay=1"),
            ("an unknown transport", "sip:pbx;transport=sctp"),
            ("a transport of a longer word", "sip:pbx;transport=tcpx"),
            ("a transport without a value", "sip:pbx;transport"),
            ("an unknown transport in other letters", "sip:pbx;lr;Transport=WS;edge=a"),
            ("two transports", "sip:pbx;transport=tcp;transport=udp"),
            ("two transports, one wrong", "sip:pbx;transport=ws;transport=udp"),
            ("256 characters before the ?", "sip:" + "u" * 248 + "@pbx"),
            ("1025 characters after the ?", "sip:pbx?X-a=" + "v" * 1021),
            ("letters outside of ASCII", "\u017fip:pbx"),
        )
    ),
    # Number
    *(
        Bad(f"number {text!r}", changed(NUMBER, "spec.number", text), "spec.number")
        for text in (
            "14155550100",
            "+0415555",
            "+1",
            "+1234567890123456",
            "+1415555x",
            "tel:+1",
            "",
            "+14155550100\n",
        )
    ),
    Bad("both a number and a range", changed(BLOCK, "spec.number", "+14155550100"), "spec"),
    Bad("neither a number nor a range", changed(NUMBER, "spec.number", REMOVED), "spec"),
    Bad("ends of different lengths", changed(BLOCK, "spec.range.last", "+141555519990"), "spec.range.last"),
    Bad("ends the wrong way round", changed(BLOCK, "spec.range.last", "+14155550999"), "spec.range.last"),
    Bad("100,001 numbers in a block", changed(BLOCK, "spec.range.last", "+14155651000"), "spec.range.last"),
    Bad("a caller name of 16 characters", changed(NUMBER, "spec.callerName", "A" * 16), "spec.callerName"),
    Bad("a caller name with a line break", changed(NUMBER, "spec.callerName", "A\r\nB"), "spec.callerName"),
    Bad("an empty caller name", changed(NUMBER, "spec.callerName", ""), "spec.callerName"),
    Bad("a block without a plus", changed(BLOCK, "spec.range.first", "14155551000"), "spec.range.first"),
    Bad("a block that ends in letters", changed(BLOCK, "spec.range.last", "+1415555100x"), "spec.range.last"),
    # CredentialList
    *(
        Bad(
            f"user name {text!r}",
            changed(CREDENTIALS, "spec.credentials[0].username", text),
            "spec.credentials[0].username",
        )
        for text in ("", "a b", "a:b", 'a"b', "a\\b", "ä", "a\x00", "a" * 33)
    ),
    Bad(
        "a user name twice",
        changed(CREDENTIALS, "spec.credentials[1].username", "pbx"),
        "spec.credentials[1]",
    ),
    Bad(
        "a password in the list",
        changed(CREDENTIALS, "spec.credentials[0].password", "hunter2"),
        "spec.credentials[0].password",
    ),
    *(Bad(*each) for each in BAD_POLICIES),
    # IpAccessControlList
    *(
        Bad(f"address {text!r}", _cidr(text), "spec.entries[0].cidr")
        for text in (
            "",
            "sbc.acme.example",
            "203.0.113",
            "203.0.113.256",
            "203.0.113.07",
            "203.0.113.0/33",
            "203.0.113.0/",
            "203.0.113.0/+8",
            "2001:db8::/129",
            "2001:db8:::1",
            "2001:db8::1::2",
            "1:2:3:4:5:6:7:8:9",
            "fe80::1%eth0",
            "203.0.113.0/29\n",
        )
    ),
    *(
        Bad(f"host bits in {text}", _cidr(text), "spec.entries[0].cidr")
        for text in (
            "203.0.113.1/29",
            "203.0.113.1/31",
            "10.1.0.0/8",
            "10.0.1.0/16",
            "128.0.0.0/0",
            "1.2.3.4/9",
        )
    ),
    *(
        Bad(f"host bits in {text}", _cidr(text), "spec.entries[0].cidr")
        for text in ("2001:db8::1/32", "::1/127", "2001:db8:8000::/32")
    ),
    *(
        Bad(f"an IPv4 address within IPv6: {text}", _cidr(text), "spec.entries[0].cidr")
        for text in ("::ffff:cb00:7107", "::ffff:203.0.113.7", "::ffff:0:0/96", "::203.0.113.7")
    ),
    Bad("a network twice", changed(ACL, "spec.entries[1].cidr", "203.0.113.0/29"), "spec.entries[1]"),
    # CallerId
    Bad("a caller id without a plus", changed(CALLER_ID, "spec.number", "442079460000"), "spec.number"),
    Bad("a caller id of nobody", changed(CALLER_ID, "spec.accountRef", REMOVED), "spec.accountRef"),
    # Account
    # Edge
    Bad("replicas beside addresses", changed(EDGE, "spec.replicas", 1), "spec.replicas"),
    Bad("static without addresses", _edge(type="Static"), "spec.advertise.addresses"),
    Bad("static with an empty list", _edge(type="Static", addresses=[]), "spec.advertise.addresses"),
    Bad("addresses of pods", _edge(type="PodIP", addresses=["127.0.11.1"]), "spec.advertise.addresses"),
    Bad(
        "addresses of nodes",
        _edge(type="HostNetwork", addresses=["127.0.11.1"]),
        "spec.advertise.addresses",
    ),
    Bad(
        "a node's address type for pods",
        _edge(type="PodIP", nodeAddressType="InternalIP"),
        "spec.advertise.nodeAddressType",
    ),
    Bad(
        "a node's address type beside addresses",
        changed(EDGE, "spec.advertise.nodeAddressType", "InternalIP"),
        "spec.advertise.nodeAddressType",
    ),
    Bad("an address twice", _edge(type="Static", addresses=["127.0.1.1"] * 2), "spec.advertise.addresses[1]"),
    *(
        Bad(
            f"edge address {text!r}",
            _edge(type="Static", addresses=[text]),
            "spec.advertise.addresses[0]",
        )
        for text in ("0.0.0.0", "224.0.0.1", "255.255.255.255", "2001:db8::1", "127.0.0.0/8", "localhost", "")
    ),
    Bad("tcp and tls on one port", changed(EDGE, "spec.ports.tls", 5060), "spec.ports.tls"),
    Bad("agent and tcp on one port", changed(EDGE, "spec.ports.agent", 5060), "spec.ports.agent"),
    Bad("tls on the default port of tcp", changed(NODE_EDGE, "spec.ports", {"tls": 5060}), "spec.ports.tls"),
    Bad("an odd first port", changed(EDGE, "spec.media.firstPort", 10001), "spec.media.firstPort"),
    Bad("a media range of one port", changed(EDGE, "spec.media.firstPort", 60000), "spec.media.lastPort"),
    Bad(
        "more transcoded calls than ports",
        changed(EDGE, "spec.media.transcodedCalls", 12_501),
        "spec.media.transcodedCalls",
    ),
    Bad(
        "last below the default first",
        changed(NODE_EDGE, "spec.media", {"lastPort": 9999}),
        "spec.media.lastPort",
    ),
    Bad(
        "a collector in two words",
        changed(EDGE, "spec.capture.hep.host", "homer example"),
        "spec.capture.hep.host",
    ),
    Bad("no certificate", changed(EDGE, "spec.tls", {}), "spec.tls"),
    Bad("two certificates", changed(EDGE, "spec.tls", _TLS_BOTH), "spec.tls"),
    Bad(
        "a field in selfSigned", changed(EDGE, "spec.tls", {"selfSigned": {"a": 1}}), "spec.tls.selfSigned.a"
    ),
    Bad("a region of two labels", changed(EDGE, "spec.region", "us.1"), "spec.region"),
    Bad("a region named pstn", changed(EDGE, "spec.region", "pstn"), "spec.region"),
    Bad("an edge named pstn", changed(EDGE, "metadata.name", "pstn"), "metadata.name"),
    Bad("an edge name of two labels", changed(EDGE, "metadata.name", "a.b"), "metadata.name"),
    Bad("an edge name of 41 characters", changed(EDGE, "metadata.name", "e" * 41), "metadata.name"),
    Bad(
        "a node label that is too long",
        changed(EDGE, "spec.placement.nodeSelector", {"a": "b" * 64}),
        "spec.placement.nodeSelector.a",
    ),
    Bad(
        "a node label without a name",
        changed(EDGE, "spec.placement.nodeSelector", {"": "b"}),
        "spec.placement.nodeSelector",
    ),
    # Carrier
    *(
        Bad(
            f"gateway host {text!r}", changed(CARRIER, "spec.gateways[0].host", text), "spec.gateways[0].host"
        )
        for text in ("", "gw:5060", "[2001:db8::1]", "sip:gw", "1.2.3.999", "127.0.9.0/24", "a b")
    ),
    # Every kind
    Bad("an unknown field beside spec", changed(TRUNK, "spce", {}), "spce"),
    Bad("a name with a blank", changed(TRUNK, "metadata.name", "h q"), "metadata.name", _METADATA),
    Bad("no name", changed(TRUNK, "metadata.name", REMOVED), "metadata.name", _METADATA),
    Bad(
        "a namespace of two labels",
        changed(TRUNK, "metadata.namespace", "a.b"),
        "metadata.namespace",
        _METADATA,
    ),
    *(
        Bad(f"metadata.{field} {value!r:.40}", changed(TRUNK, f"metadata.{field}", value), path, _METADATA)
        for field, value, path in BAD_METADATA
    ),
)

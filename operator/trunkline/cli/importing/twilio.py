"""Twilio's trunking resources -> manifests, and one sentence for each thing that they cannot say. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sipedge.counted import counted
from trunkline.api import decode
from trunkline.api.faults import FieldErrors
from trunkline.api.group import API_VERSION
from trunkline.cli.importing.export import Export, Resource, Sort

Manifest = dict[str, Any]
PasswordOf = Callable[[str, str], str]
"""A new password for a user: of the name of the list and the user's."""

_DOMAIN: Final = ".pstn.twilio.com"
_TRUNK_IN_URL: Final = re.compile(r"/Trunks/(TK[0-9a-fA-F]{32})/")
_LABEL_LENGTH: Final = 50
_UNKEPT_OF_NUMBERS: Final = {
    "voice_url": "no program answers calls to a Number",
    "voice_application_sid": "no program answers calls to a Number",
    "sms_url": "messages are not served",
    "sms_application_sid": "messages are not served",
    "emergency_address_sid": "no address is kept for emergency calls",
    "bundle_sid": "papers of regulators are not kept",
}
_ALWAYS: Final = (
    "not part of these resources, so not looked at: permissions of countries, verified caller ids, limits, "
    "sub-accounts, call history (docs/guides/moving-from-twilio.md says where each goes)"
)


@dataclass(frozen=True, slots=True)
class Imported:
    """Manifests in the order to be written, and what to tell about them."""

    manifests: tuple[Manifest, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Draft:
    """What is being made, and for whom."""

    namespace: str
    export: Export
    names: Mapping[str, str]
    """Name of the object of each resource, by its id."""
    notes: list[str] = field(default_factory=list)

    def tell(self, resource: Resource, what: str) -> None:
        self.notes.append(f"{self.names.get(resource['sid'], resource['sid'])} ({resource['sid']}): {what}")

    def manifest(self, kind: str, name: str, spec: Mapping[str, Any]) -> Manifest:
        kept = {key: value for key, value in spec.items() if value not in (None, "", [], {})}
        return {
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": kept,
        }


def imported(export: Export, namespace: str, password_of: PasswordOf) -> Imported:
    """Manifests of all that can be carried over; the rest is told. What no manifest may say is left out."""
    draft = _Draft(namespace, export, dict(_names(export)), list(export.notes))
    made = [*_trunks(draft), *_uris(draft), *_numbers(draft)]
    made += [*_access_lists(draft), *_credential_lists(draft, password_of)]
    kept = [manifest for manifest in made if _is_good(draft, manifest)]
    if kept:
        draft.notes.append(_account_note(namespace, kept))
        draft.notes.append(_ALWAYS)
    return Imported(tuple(kept), tuple(draft.notes))


# ------------------------------------------------------------------------------------- names


def _names(export: Export) -> Iterator[tuple[str, str]]:
    """Of each resource's id the name of its object: readable, and different within its kind."""
    trunks: dict[str, str] = {}
    for sort in Sort:
        taken: set[str] = set()
        for sid, resource in _by_sid(export.of(sort)).items():
            name = next(each for each in _numbered(_plain_name(sort, resource, trunks)) if each not in taken)
            taken.add(name)
            if sort is Sort.TRUNK:
                trunks[sid] = name
            yield sid, name


def _plain_name(sort: Sort, resource: Resource, trunks: Mapping[str, str]) -> str:
    own = _slug(resource.get("friendly_name") or "") or _slug(resource["sid"])
    domain = str(resource.get("domain_name") or "")
    if sort is Sort.TRUNK and domain.endswith(_DOMAIN):
        return _slug(domain.removesuffix(_DOMAIN)) or own
    if sort is Sort.ORIGINATION_URL:
        return _slug(f"{trunks.get(_trunk_of(resource), '')}-{own}")
    if sort is Sort.PHONE_NUMBER:
        return f"n{_slug(resource['phone_number'])}"
    return own


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def _slug(text: object) -> str:
    return re.sub(r"[^a-z0-9]+", "-", str(text).lower())[:_LABEL_LENGTH].strip("-")


def _by_sid(resources: Iterable[Resource]) -> dict[str, Resource]:
    """Each resource once: it may be in a list and in a file of its own."""
    found: dict[str, Resource] = {}
    for resource in resources:
        found[resource["sid"]] = {**found.get(resource["sid"], {}), **resource}
    return found


# ------------------------------------------------------------------------------------- trunks


def _trunks(draft: _Draft) -> Iterator[Manifest]:
    for sid, trunk in _by_sid(draft.export.of(Sort.TRUNK)).items():
        spec = {
            "friendlyName": _friendly(draft, trunk, 64),
            "secure": trunk.get("secure") is True or None,
            "symmetricRtp": trunk.get("symmetric_rtp_enabled") is True or None,
            "recording": _recording(trunk.get("recording")),
            "transfer": _transfer(trunk),
            "termination": _termination(draft, trunk),
            "origination": _origination(trunk),
        }
        yield draft.manifest("Trunk", draft.names[sid], spec)


def _termination(draft: _Draft, trunk: Resource) -> Manifest | None:
    domain = str(trunk.get("domain_name") or "")
    access, users = (_lists_of(draft, trunk, sort) for sort in (Sort.ACCESS_LIST, Sort.CREDENTIAL_LIST))
    if not domain:
        if access or users:
            draft.tell(trunk, "it has lists but no domain, so nobody calls out by it: its lists are left off")
        return None
    if not domain.endswith(_DOMAIN):
        draft.tell(trunk, f"its domain {domain} does not end in {_DOMAIN}: write termination.domainName")
        return None
    draft.tell(trunk, f"its PBXs now dial {domain.removesuffix(_DOMAIN)}.pstn.<base domain> (was {domain})")
    _tell_missing_lists(draft, trunk, access, users)
    return {
        "domainName": domain.removesuffix(_DOMAIN).lower(),
        **({"ipAccessControlListRefs": access} if access else {}),
        **({"credentialListRefs": users} if users else {}),
    }


def _tell_missing_lists(draft: _Draft, trunk: Resource, access: object, users: object) -> None:
    kinds = trunk.get("auth_type_set")
    wanted = kinds if isinstance(kinds, list) else str(trunk.get("auth_type") or "").split(",")
    for kind, path, found in (
        ("IP_ACL", "IpAccessControlLists", access),
        ("CREDENTIAL_LIST", "CredentialLists", users),
    ):
        if kind in wanted and not found:
            draft.tell(trunk, f"its {path} are not among the files: export /v1/Trunks/{trunk['sid']}/{path}")
    if not access and not users:
        draft.tell(trunk, "without any list nobody may call out by it")


def _lists_of(draft: _Draft, trunk: Resource, sort: Sort) -> list[Manifest]:
    """References to the lists that are mapped to the trunk."""
    sids = [each["sid"] for each in draft.export.of(sort) if _trunk_of(each) == trunk["sid"]]
    return [{"name": draft.names[sid]} for sid in dict.fromkeys(sids)]


def _trunk_of(resource: Resource) -> str:
    """Id of the trunk that a resource is of or mapped to; "" if of none."""
    if isinstance(resource.get("trunk_sid"), str):
        return str(resource["trunk_sid"])
    found = _TRUNK_IN_URL.search(str(resource.get("url") or ""))
    return found[1] if found else ""


def _recording(value: object) -> Manifest | None:
    found = value if isinstance(value, Mapping) else {}
    mode, trim = _camel(found.get("mode")), _camel(found.get("trim"))
    if mode in ("", "DoNotRecord"):
        return None
    return {"mode": mode, **({"trim": trim} if trim else {})}


def _transfer(trunk: Resource) -> Manifest | None:
    mode, caller = _camel(trunk.get("transfer_mode")), _camel(trunk.get("transfer_caller_id"))
    if mode in ("", "DisableAll"):
        return None
    return {"mode": mode, **({"callerId": caller} if caller else {})}


def _origination(trunk: Resource) -> Manifest | None:
    found: Manifest = {}
    if trunk.get("cnam_lookup_enabled") is True:
        found["cnamLookup"] = True
    if trunk.get("disaster_recovery_url"):
        method = str(trunk.get("disaster_recovery_method") or "POST").upper()
        found["disasterRecovery"] = {"url": trunk["disaster_recovery_url"], "method": method}
    return found


def _camel(value: object) -> str:
    """`record-from-ringing` -> `RecordFromRinging`."""
    return "".join(part.capitalize() for part in str(value or "").split("-"))


def _friendly(draft: _Draft, resource: Resource, longest: int) -> str:
    text = " ".join(str(resource.get("friendly_name") or "").split())
    if len(text) > longest:
        draft.tell(resource, f"its friendly name has {len(text)} characters, {longest} are kept")
    return text[:longest]


# ------------------------------------------------------------------------------------- where calls go


def _uris(draft: _Draft) -> Iterator[Manifest]:
    for sid, uri in _by_sid(draft.export.of(Sort.ORIGINATION_URL)).items():
        trunk = draft.names.get(_trunk_of(uri))
        if trunk is None:
            draft.tell(uri, "its trunk is not among the files: left out")
            continue
        if re.search(r";(edge|region)=", str(uri["sip_url"])):
            draft.tell(
                uri, f"{uri['sip_url']} names a place of Twilio's: name an Edge of yours so, or take it out"
            )
        spec = {
            "trunkRef": {"name": trunk},
            "sipUri": uri["sip_url"],
            "priority": uri.get("priority"),
            "weight": uri.get("weight"),
            "enabled": None if uri.get("enabled") is not False else False,
            "friendlyName": _friendly(draft, uri, 64),
        }
        yield draft.manifest("OriginationUri", draft.names[sid], spec)


def _numbers(draft: _Draft) -> Iterator[Manifest]:
    for sid, number in _by_sid(draft.export.of(Sort.PHONE_NUMBER)).items():
        trunk = draft.names.get(_trunk_of(number))
        if trunk is None:
            draft.tell(number, f"{number['phone_number']} is of no trunk among the files: held, not routed")
        for key, why in _UNKEPT_OF_NUMBERS.items():
            if number.get(key):
                draft.tell(number, f"its {key} is left out: {why}")
        spec = {
            "number": number["phone_number"],
            "trunkRef": {"name": trunk} if trunk else None,
            "friendlyName": _friendly(draft, number, 64),
        }
        yield draft.manifest("Number", draft.names[sid], spec)


# ------------------------------------------------------------------------------------- who may call


def _access_lists(draft: _Draft) -> Iterator[Manifest]:
    members = draft.export.of(Sort.ADDRESS)
    for sid, found in _by_sid(draft.export.of(Sort.ACCESS_LIST)).items():
        own = _by_sid(each for each in members if each.get("ip_access_control_list_sid") == sid)
        if not own:
            draft.tell(
                found,
                "none of its addresses is among the files: "
                f"export .../IpAccessControlLists/{sid}/IpAddresses",
            )
        entries = [_entry(draft, each) for each in own.values()]
        spec = {"friendlyName": _friendly(draft, found, 255), "entries": [each for each in entries if each]}
        yield draft.manifest("IpAccessControlList", draft.names[sid], spec)


def _entry(draft: _Draft, address: Resource) -> Manifest | None:
    text = f"{address['ip_address']}/{address.get('cidr_prefix_length', 32)}"
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        draft.tell(address, f"{text} is no network: left out")
        return None
    is_one = network.prefixlen == network.max_prefixlen
    friendly = _friendly(draft, address, 255)
    return {
        "cidr": str(network.network_address) if is_one else str(network),
        **({"friendlyName": friendly} if friendly else {}),
    }


def _credential_lists(draft: _Draft, password_of: PasswordOf) -> Iterator[Manifest]:
    members = draft.export.of(Sort.CREDENTIAL)
    for sid, found in _by_sid(draft.export.of(Sort.CREDENTIAL_LIST)).items():
        name = draft.names[sid]
        own = _by_sid(each for each in members if each.get("credential_list_sid") == sid)
        if not own:
            draft.tell(
                found, f"none of its users is among the files: export .../CredentialLists/{sid}/Credentials"
            )
        secret = f"{name}-passwords"
        users = [str(each["username"]) for each in own.values()]
        keys = {user: f"user-{number}" for number, user in enumerate(users, 1)}
        refs = [
            {"username": user, "passwordSecretRef": {"name": secret, "key": key}}
            for user, key in keys.items()
        ]
        yield draft.manifest(
            "CredentialList", name, {"friendlyName": _friendly(draft, found, 64), "credentials": refs}
        )
        for user, key in keys.items():
            draft.notes.append(
                f"Secret {draft.namespace}/{secret}, key {key}: a new password for user {user} of {name}, "
                "since Twilio tells no password: give it to the PBX, or put the PBX's own in its place"
            )
        if keys:
            yield _secret(
                draft.namespace, secret, {key: password_of(name, user) for user, key in keys.items()}
            )


def _secret(namespace: str, name: str, passwords: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": "Opaque",
        "stringData": dict(passwords),
    }


# ------------------------------------------------------------------------------------- the whole


def _is_good(draft: _Draft, manifest: Manifest) -> bool:
    """Whether the object is one; if not, each fault is told."""
    if manifest["apiVersion"] != API_VERSION:
        return True
    try:
        decode(manifest)
    except FieldErrors as error:
        for fault in error.errors:
            draft.notes.append(f"{manifest['kind']} {manifest['metadata']['name']} is left out: {fault}")
        return False
    return True


def _account_note(namespace: str, manifests: Iterable[Manifest]) -> str:
    """What the platform has to permit."""
    domains, numbers = set(), 0
    for manifest in manifests:
        if manifest["kind"] == "Trunk" and "termination" in manifest["spec"]:
            domains.add(manifest["spec"]["termination"]["domainName"])
        numbers += manifest["kind"] == "Number"
    return (
        f"an Account must let namespace {namespace} claim them: domainNames [{', '.join(sorted(domains))}], "
        f"numberPrefixes for {counted(numbers, 'number')}"
    )

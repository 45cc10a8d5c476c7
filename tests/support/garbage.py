"""Garbage of one tenant: manifests and Secrets damaged by a seed, to be put among good ones."""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

NAMESPACE: Final = "garbage"
LATE: Final = "2027-01-01T00:00:00Z"
"""Younger than everything good: an older claim of whatever is decoded would rightly win."""

TENANT_KINDS: Final = (
    "Trunk",
    "OriginationUri",
    "Number",
    "CredentialList",
    "IpAccessControlList",
    "HeaderManipulationPolicy",
)
SECRET_TEXTS: Final = ("-Pass-", "2026x")
"""Parts of every password that stands in garbage Secrets."""

TEXTS: Final = (
    "", " ", "\x00", "\n", "\r\nX: y", "\x1b[2J", "\x7f", "\x85", "\u2028", "\ud800", "\udcff",
    "\ufeff", "\u202e",
    "é" * 300, "x" * 5000, "+", "+1", "+14155550100", "+" + "9" * 15, "911", "*", ".", "-", "a..b",
    "default",
    "acme-hq", "xn--", "sip:", "sip:a", "sips:a;transport=udp", "sip:[::1", "sip:[fe80::1%25eth0]",
    "sip:a:99999",
    "sip:%00@a", "0.0.0.0/0", "::/0", "999.1.1.1", "1.2.3.4/33", "{x}", "%s%n", "${PATH}", "[key]",
    "null", "y",
)  # fmt: skip
VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 2**31, 2**64, 10**400, 0.5, float("nan"), float("inf"), [], {}, [[]],
    [None], {"a": 1},
    [{"name": "a"}] * 3, ["x"] * 2000, {"name": {"name": {}}}, {"": ""}, {1: 2}, {None: None},
    {True: "x"}, b"\xff",
)  # fmt: skip
RAW: Final = (
    b"", b"\x00", b"\xff\xfe", b"Field\xff\xfe-Pass-2026x", b"Field-Pass-2026x\n",
    b" Field-Pass-2026x", b"\x1b[2J",
    b"Field-Pass-2026x\x00", b"Field-Pass-2026x", b"A" * 70_000, bytes(range(256)),
    "Fäld-Pass-2026x".encode("latin-1"),
)  # fmt: skip


def garbage_manifests(seed: int, whole: Sequence[Mapping[str, Any]], count: int) -> list[dict[str, Any]]:
    """`count` of the tenant's own objects, each made of one of `whole` by one to four changes."""
    die = Random(seed)
    found = []
    for number in range(count):
        manifest: dict[str, Any] = copy.deepcopy(dict(die.choice(whole)))
        spec = manifest["spec"]
        for _ in range(die.randint(1, 4)):
            _damage(die, spec)
        metadata: dict[str, Any] = {"name": f"g{number}", "namespace": NAMESPACE, "creationTimestamp": LATE}
        if die.random() < 0.1:
            metadata[die.choice(("name", "uid", "generation", "labels"))] = die.choice((*TEXTS, *VALUES))
        found.append({**manifest, "metadata": metadata})
        if die.random() < 0.05:
            found[-1][die.choice(("spec", "kind", "apiVersion", "status"))] = die.choice((*TEXTS, *VALUES))
    return found


def garbage_secrets(seed: int, names: Sequence[str], keys: Sequence[str]) -> list[dict[str, Any]]:
    """A Secret of each of `names` in the tenant's namespace, with something under each of `keys`."""
    die = Random(seed)
    found = []
    for name in names:
        data: dict[Any, Any] = {key: base64.b64encode(die.choice(RAW)).decode() for key in keys}
        if die.random() < 0.3:
            data[die.choice((*keys, "", 1))] = die.choice((*TEXTS, *VALUES))
        strings = {die.choice(keys): die.choice((*TEXTS, *VALUES))} if die.random() < 0.3 else None
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "data": data if die.random() < 0.9 else die.choice((*TEXTS, *VALUES)),
        }
        found.append(secret if strings is None else {**secret, "stringData": strings})
    return found


def _damage(die: Random, value: Any) -> None:
    """Replace, add or remove something at a random depth."""
    while True:
        members: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
        inner = [key for key in members if isinstance(value[key], dict | list) and value[key]]
        if not inner or die.random() < 0.4:
            break
        value = value[die.choice(inner)]
    match die.choice(("replace", "replace", "add", "remove")):
        case "replace" if members:
            value[die.choice(members)] = copy.deepcopy(die.choice((*TEXTS, *VALUES)))
        case "add" if isinstance(value, dict):
            value[die.choice((*TEXTS, 1, None))] = die.choice((*TEXTS, *VALUES))
        case "add":
            value.append(copy.deepcopy(die.choice((*TEXTS, *VALUES))))
        case "remove" if members:
            del value[die.choice(members)]

"""Networks so wide that whoever trusts them trusts strangers: a warning, since it may be meant."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from trunkline.api.marks import is_ipv6
from trunkline.compiler import opinions
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.verdict import ConditionType, Described, Verdict

_WIDEST: Final = 8
"""Shortest prefix of a network that one organisation has: IANA's registry of IPv4 has no wider one."""


def open_to_all(
    thing: Described, networks: Sequence[str], field: str, consequence: str
) -> tuple[Verdict, ...]:
    """A warning at the first IPv4 network that no organisation has for itself.

    `field` has `{}` for the network's position; `consequence` says what follows and what to write instead.
    """
    for position, cidr in enumerate(networks):
        # No call comes over IPv6 yet, which is told by itself.
        if is_ipv6(cidr):
            continue
        length = ipaddress.ip_network(cidr, strict=False).prefixlen
        if length < _WIDEST:
            what = "every address" if length == 0 else "far more addresses than one organisation has"
            message = f"{cidr} is {what}: {consequence}"
            reason, place = ConditionReason.NETWORK_TOO_WIDE, field.format(position)
            return (opinions.unusual(thing, ConditionType.OPEN_TO_ALL, reason, place, message),)
    return ()

"""The forms in which firewalls are told of edges. Pure.

Rules are for the firewall in front of a PBX: what comes from an edge, and what goes to one. TCP from an edge
has any port, since it opens connections of its own; UDP has the ports that the edge listens on.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from trunkline.plan.firewall_needs import EdgeNetwork

Networks = Sequence[EdgeNetwork]
_FROM, _TO = "trunkline_from_edges", "trunkline_to_edges"
_UNKNOWN: Final = "not known until it runs"
_ABOUT: Final = "SIP and media of Trunkline's edges, for the firewall in front of a PBX."


def table(networks: Networks) -> str:
    """A line for each address."""
    rows = [("EDGE", "REGION", "ADDRESS", "SIP UDP", "SIP TCP", "SIP TLS", "MEDIA UDP")]
    for each in networks:
        ports = (str(each.udp), str(each.tcp), str(each.tls))
        media = f"{each.first_media_port}-{each.last_media_port}"
        rows += [
            (each.edge, each.region or "-", address, *ports, media)
            for address in each.addresses or (_UNKNOWN,)
        ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    aligned = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "\n".join(aligned)


def nftables(networks: Networks) -> str:
    """For `nft -f`: two chains to jump to. Read again it replaces them."""
    lines = [
        f"# {_ABOUT} Then, once:",
        f"#   nft add rule inet filter input jump {_FROM}; nft add rule inet filter output jump {_TO}",
        "# (forward instead of input and output, where the PBX is behind this machine)",
        "table inet filter {",
        f"\tchain {_FROM} {{",
        "\t}",
        f"\tchain {_TO} {{",
        "\t}",
        "}",
        f"flush chain inet filter {_FROM}",
        f"flush chain inet filter {_TO}",
        "table inet filter {",
        f"\tchain {_FROM} {{",
        *_each(networks, lambda each: _nft(each, "saddr", "udp sport", "meta l4proto tcp"), "\t\t"),
        "\t}",
        f"\tchain {_TO} {{",
        *_each(networks, lambda each: _nft(each, "daddr", "udp dport", _nft_tcp(each)), "\t\t"),
        "\t}",
        "}",
    ]
    return "\n".join(lines)


def _nft(each: EdgeNetwork, side: str, udp: str, tcp: str) -> Iterator[str]:
    media = f"{each.first_media_port}-{each.last_media_port}"
    ports = media if each.first_media_port <= each.udp <= each.last_media_port else f"{each.udp}, {media}"
    for family, addresses in _by_family(each).items():
        peers = f"{family} {side} {{ {', '.join(addresses)} }}"
        yield f"{peers} {udp} {{ {ports} }} accept"
        yield f"{peers} {tcp} accept"


def _nft_tcp(each: EdgeNetwork) -> str:
    return f"tcp dport {{ {', '.join(map(str, sorted({each.tcp, each.tls})))} }}"


def _by_family(each: EdgeNetwork) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for address in each.addresses:
        found.setdefault("ip" if ipaddress.ip_address(address).version == 4 else "ip6", []).append(address)
    return found


def iptables(networks: Networks) -> str:
    """For `iptables-restore --noflush`: two chains to jump to. Read again it replaces them. IPv4 alone."""
    source, destination = _FROM.upper().replace("_", "-"), _TO.upper().replace("_", "-")
    lines = [
        f"# {_ABOUT} For iptables-restore --noflush. Then, once:",
        f"#   iptables -I INPUT -j {source}; iptables -I OUTPUT -j {destination}",
        "# (FORWARD instead of INPUT and OUTPUT, where the PBX is behind this machine)",
        "*filter",
        f":{source} - [0:0]",
        f":{destination} - [0:0]",
        *_each(networks, lambda each: _iptables(each, source, destination)),
        "COMMIT",
    ]
    return "\n".join(lines)


def _iptables(each: EdgeNetwork, source: str, destination: str) -> Iterator[str]:
    media = f"{each.first_media_port}:{each.last_media_port}"
    for address in _by_family(each).get("ip", ()):
        for ports in (str(each.udp), media):
            yield f"-A {source} -s {address}/32 -p udp -m udp --sport {ports} -j ACCEPT"
            yield f"-A {destination} -d {address}/32 -p udp -m udp --dport {ports} -j ACCEPT"
        yield f"-A {source} -s {address}/32 -p tcp -j ACCEPT"
        for port in sorted({each.tcp, each.tls}):
            yield f"-A {destination} -d {address}/32 -p tcp -m tcp --dport {port} -j ACCEPT"


def _each(
    networks: Networks, rules: Callable[[EdgeNetwork], Iterator[str]], indent: str = ""
) -> Iterator[str]:
    for each in networks:
        unknown = "" if each.addresses else f": its addresses are {_UNKNOWN}"
        yield f"{indent}# Edge {each.edge}{unknown}"
        yield from (f"{indent}{rule}" for rule in rules(each))


FORMS: Final[Mapping[str, Callable[[Networks], str]]] = {
    "table": table,
    "nftables": nftables,
    "iptables": iptables,
}

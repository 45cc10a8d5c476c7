"""The native peer: a Kamailio that does Trunkline's work by its own script, with the edge's table."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from sipedge.instance_files import config_string
from sipedge.routing.attempts import DEFAULT_PORTS
from sipedge.routing.brakes import native_brakes
from sipedge.routing.dialog.native_expressions import expression_file, expression_numbers
from sipedge.routing.dialog.native_filters import SHORT_MESSAGE
from sipedge.routing.message.headers import OWN_PREFIX
from sipedge.table import (
    AccountRow,
    CallerIdRow,
    CredentialRow,
    DomainRow,
    GatewayRow,
    NumberRow,
    RouteRow,
    Section,
    SiteRow,
    TargetRow,
    TrunkRow,
)
from support.edge import ROOT
from support.tables import BASE_DOMAIN, REALM, Platform

CONFIG: Final = Path(__file__).with_name("native.cfg")
EDGE_CONFIG: Final = ROOT / "edge" / "kamailio" / "kamailio.cfg"
CARRIED: Final = EDGE_CONFIG.with_name("carried.cfg")
BRAKES: Final = EDGE_CONFIG.with_name("brakes.cfg")
"""As it is: what it reads is noted by the peer's own script."""
SECRET: Final = hashlib.sha256(b"the bench's own").hexdigest()
_CARRIERS: Final = 1
"""The group of addresses that calls from the PSTN come from; access lists have the groups above it."""


def native_config(platform: Platform, address: str, directory: Path) -> str:
    """The configuration that serves `platform` at `address`; `directory` holds what else Kamailio reads.

    Numbers must be single ones and targets addresses: the script has no look-up for ranges and names.
    Raises ValueError for a platform with others.
    """
    if platform.ranges or platform.resolved:
        raise ValueError("the native peer knows neither ranges of numbers nor names")
    table = platform.table().sections
    groups = {row.id: group for group, row in enumerate(platform.trunks, start=_CARRIERS + 1) if row.access}
    (directory / "expressions").write_text(expression_file())
    (directory / "addresses.list").write_text("".join(_addresses(platform, groups)))
    defines = {
        "OWN_ADDRESS": f'"{address}"',
        "SECRET": f'"{SECRET}"',
        "NOBODY": f'"{hashlib.md5(SECRET.encode()).hexdigest()}"',
        "REALM": f'"{REALM}"',
        "ADDRESSES": f'"{directory}/addresses.list"',
        "DENIED": config_string(_denied(platform)),
        "TLS_CONFIG": f'"{directory}/tls.cfg"',
        "EXPRESSIONS": f'"{directory}/expressions"',
        "SHORT_MESSAGE": SHORT_MESSAGE,
        **{name: f'"{number}"' for name, number in expression_numbers().items()},
        **native_brakes(),
    }
    texts = {
        "OWN_ADDRESS_TEXT": address,
        "BASE_DOMAIN": BASE_DOMAIN,
        "DOMAIN_SUFFIXES": "\n        ".join(_suffixes(platform)),
        "X_NAMES": x_names(),
        "NOW": time_of_message(),
        "PREFIX_LOOKUPS": "\n    ".join(_prefix_lookups(platform)),
    }
    script = re.sub(r"\b(" + "|".join(texts) + r")\b", lambda match: texts[match[1]], CONFIG.read_text())
    rows = [
        line for section in table.values() for key, row in section.items() for line in _row(key, row, groups)
    ]
    return "\n".join(
        (
            "#!KAMAILIO",
            *(f"#!define {name} {value}" for name, value in defines.items()),
            script,
            before_any_parser(),
            BRAKES.read_text(),
            "event_route[htable:mod-init] {",
            *rows,
            "}\n",
        )
    )


def x_names() -> str:
    """A POSIX expression for the names that begin with `x-` but not with the platform's prefix."""
    prefix = OWN_PREFIX.removeprefix("x-")
    branches = (rf"{prefix[:length]}([^{prefix[length]}].*)?" for length in range(1, len(prefix)))
    return rf"x-([^{prefix[0]}].*|{'|'.join(branches)})"


def time_of_message() -> str:
    """What an event tells as its time, as the edge writes it natively."""
    found = re.search(r"^#!define NOW \$_s\((.*)\)$", CARRIED.read_text(), re.MULTILINE)
    assert found is not None, "carried.cfg of the edge has no NOW"
    return found[1]


def before_any_parser() -> str:
    """What the edge does natively before any module reads a message: the very same text."""
    text = EDGE_CONFIG.read_text()
    names = ("MESSAGE_BYTES", "WHOLE_HEAD", "ANSWER", "OWN_VIA", "SHORT_BRANCH")
    defines = [re.search(rf"^#!define {name} .*$", text, re.MULTILINE) for name in names]
    blocks = ("event_route[core:msg-received]", "route[READ_HEAD]")
    routes = [
        re.search(rf"^{re.escape(block)} \{{\n.*?^\}}\n", text, re.MULTILINE | re.DOTALL) for block in blocks
    ]
    assert None not in routes, f"kamailio.cfg of the edge lacks one of {blocks}"
    return "\n".join(match[0] for match in (*defines, *routes) if match is not None)


def _addresses(platform: Platform, groups: dict[str, int]) -> Iterator[str]:
    """Lines for Kamailio's permissions module."""
    lists = [(_CARRIERS, source) for source in platform.sources]
    lists += [(groups[row.id], each) for row in platform.trunks for each in row.access or ()]
    for group, cidr in lists:
        network = ipaddress.ip_network(cidr)
        yield f"{group} {network.network_address} {network.prefixlen} 0 x\n"


def _denied(platform: Platform) -> str:
    """Networks that nothing is sent to because a Contact says so, as ipops reads them."""
    (site,) = platform.table().sections[Section.SITE].values()
    assert isinstance(site, SiteRow)
    return ",".join(site.denied_targets) or "255.255.255.255/32"


def _suffixes(platform: Platform) -> Iterator[str]:
    """Which part of the Request-URI's host is not the trunk's label."""
    (site,) = platform.table().sections[Section.SITE].values()
    assert isinstance(site, SiteRow)
    for number, suffix in enumerate(site.suffixes):
        pattern = suffix.replace(".", "[.]")
        yield f'{"else " if number else ""}if ($rd =~ "^[^.]+[.]{pattern}$") $var(suffix) = ".{suffix}";'


def _prefix_lookups(platform: Platform) -> Iterator[str]:
    """One look-up for each length that a carrier's prefix has, the longest first."""
    for length in sorted({len(prefix) for prefix in platform.routes if prefix[0] == "+"}, reverse=True):
        yield (
            f"if ($avp(targets) == $null) $avp(targets) = $sht(route=>$(avp(called){{s.substr,0,{length}}}));"
        )


def _row(key: str, row: object, groups: dict[str, int]) -> Iterator[str]:
    """A row of the edge's table as one of a htable, if the script asks for such."""
    match row:
        case NumberRow():
            yield _set("number", key, f"{row.account}|{row.trunk or ''}")
        case DomainRow():
            yield _set("domain", key, row.trunk)
        case CredentialRow():
            yield _set("credential", key, row.ha1.reveal())
        case RouteRow():
            yield _set("route", key, _hops(row.gateways))
        case TrunkRow():
            (credentials,) = row.credential_lists or ("",)
            fields = (
                row.account,
                int(row.secure),
                groups.get(row.id, 0),
                credentials,
                row.calls_per_second or 0,
                row.max_concurrent_calls or 0,
                _hops(row.targets),
            )
            yield _set("trunk", key, "|".join(map(str, fields)))
        case AccountRow():
            yield _set("account", key, f"{row.sid}|{int(row.suspended)}|{row.max_call_duration_seconds}")
        case CallerIdRow():
            yield _set("callerid", key, "1")


def _set(table: str, key: str, value: str) -> str:
    return f'    $sht({table}=>{key}) = "{value}";'


def _hops(targets: Iterable[TargetRow | GatewayRow]) -> str:
    """In their order of priority: equals are not drawn by weight."""
    return ",".join(_hop(each) for each in sorted(targets, key=lambda each: each.priority))


def _hop(target: TargetRow | GatewayRow) -> str:
    transport = target.transport or "udp"
    return f"{target.host}~{target.port or DEFAULT_PORTS[transport]}~{transport}"

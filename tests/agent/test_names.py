"""A real agent, a real Knot: names of targets and gateways become addresses in LMDB."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sipedge.agent.resolver import FAILING_AT_ONCE, SHORTEST_TTL
from sipedge.name_servers import QUERY_SECONDS
from sipedge.table import GatewayRow, TargetRow
from support.agents import AgentRun, Publisher, agent_of, resolved_in
from support.nameserver import Gate, NameServer, gate_before, knot
from support.patience import PATIENCE
from support.tables import Platform, make_account, make_carrier, make_gateway, make_target, make_trunk

ADDRESS, SERVER, RESOLVER, PORT = "127.20.5.1", "127.20.5.53", "127.20.5.54", 20_053

RECORDS = """
pbx A 192.0.2.1
pbx A 192.0.2.2
silent A 192.0.2.9
a.srv A 192.0.2.11
b.srv A 192.0.2.12
_sip._udp.srv SRV 20 1 5080 b.srv
_sip._udp.srv SRV 10 1 5070 a.srv
_sips._tcp.srv SRV 10 1 5443 a.srv
naptr NAPTR 10 10 "s" "SIP+D2T" "" _sip._tcp.naptr
_sip._tcp.naptr SRV 0 0 5090 a.srv
alias CNAME pbx
"""


@dataclass
class Setting:
    """An agent whose resolver is a gate before Knot."""

    agent: AgentRun
    publisher: Publisher
    server: NameServer
    gate: Gate

    def publish(self, *targets: TargetRow, gateways: tuple[GatewayRow, ...] = ()) -> None:
        platform = Platform(
            [ADDRESS],
            accounts=[make_account()],
            trunks=[make_trunk(targets=targets)],
            carriers=[make_carrier()],
            routes={"+": gateways} if gateways else {},
        )
        self.publisher.publish(platform.table())
        self.agent.until_revision(self.publisher.sequence)

    def addresses(self, host: str, port: int | None = None, transport: str | None = None) -> list[str]:
        return resolved_in(self.agent.settings, f"{host}.example.test", port, transport)


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    with (
        knot(tmp_path / "knot", SERVER, PORT, "example.test", RECORDS) as server,
        gate_before(server, RESOLVER, PORT) as gate,
        agent_of(tmp_path, ADDRESS, resolver=f"{RESOLVER}:{PORT}") as (agent, publisher),
    ):
        agent.start()
        yield Setting(agent, publisher, server, gate)


def target(host: str, port: int | None = None, transport: str | None = None) -> TargetRow:
    return make_target(f"{host}.example.test", port, transport=transport)


def eventually(fact: Callable[[], bool], what: object = "", seconds: float = PATIENCE) -> None:
    """Return once `fact` is true."""
    start = time.monotonic()
    while not fact():
        assert time.monotonic() - start < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def test_names_of_targets_and_gateways_are_found_in_the_order_of_rfc_3263(setting: Setting) -> None:
    """Address, SRV, NAPTR and CNAME records of a real server."""
    setting.publish(
        target("pbx", 5066),
        target("pbx", None, "tls"),
        target("srv", None, "udp"),
        target("srv", None, "tls"),
        target("naptr"),
        target("alias", 5060, "tcp"),
        gateways=(make_gateway("srv.example.test", None), make_gateway("pbx.example.test", 5099)),
    )
    wanted = {
        ("pbx", 5066, None): {"udp 192.0.2.1:5066", "udp 192.0.2.2:5066"},
        ("pbx", None, "tls"): {"tls 192.0.2.1:5061", "tls 192.0.2.2:5061"},
        ("srv", None, "tls"): {"tls 192.0.2.11:5443"},
        ("naptr", None, None): {"tcp 192.0.2.11:5090"},
        ("alias", 5060, "tcp"): {"tcp 192.0.2.1:5060", "tcp 192.0.2.2:5060"},
        ("pbx", 5099, "udp"): {"udp 192.0.2.1:5099", "udp 192.0.2.2:5099"},
    }
    for name, addresses in wanted.items():
        eventually(lambda: set(setting.addresses(*name)) == addresses, (name, setting.addresses(*name)))  # noqa: B023
    assert setting.addresses("srv", None, "udp") == ["udp 192.0.2.11:5070", "udp 192.0.2.12:5080"]


def test_only_names_that_are_needed_are_asked_for_exactly_as_written(setting: Setting) -> None:
    """A numeric host is never asked for, and no search domain is added."""
    setting.publish(make_target("192.0.2.77", 5060), target("pbx", 5066))
    eventually(lambda: setting.addresses("pbx", 5066) != [])
    assert set(setting.gate.asked) == {("pbx.example.test", "A")}


def test_one_silent_name_delays_no_other(setting: Setting) -> None:
    """Neither beside it nor after it: both are asked for before an answer could be missed."""
    # Names are taken up in their order: the silent ones come first.
    setting.gate.silent = {"1.example.test", "2.example.test", "silent.example.test"}
    setting.publish(target("1"), target("pbx"))
    eventually(lambda: setting.addresses("pbx") != [])
    setting.publish(target("1"), target("2"), target("silent"), target("pbx"), target("srv"))
    eventually(lambda: setting.addresses("srv") != [])
    asked = setting.gate.first_asked
    eventually(lambda: asked.keys() >= setting.gate.silent)
    apart = [
        abs(asked[f"{silent}.example.test"] - asked[f"{other}.example.test"])
        for silent, other in (("1", "pbx"), ("2", "srv"))
    ]
    # Where one waits for the other both are that far apart; on a busy machine one pair may be.
    assert min(apart) < QUERY_SECONDS
    assert setting.addresses("silent") == []
    setting.gate.silent = set()
    eventually(lambda: setting.addresses("silent") == ["udp 192.0.2.9:5060"])


def test_three_hundred_silent_names_delay_no_new_one(setting: Setting) -> None:
    """Names that failed wait in a lane of their own."""
    setting.gate.silent = {"silent.example.test"}
    many = [target(f"n{number}.silent") for number in range(300)]
    setting.publish(*many)
    # The lane is full once so many have failed and are asked for again: the others wait behind them.
    eventually(lambda: len(asked_again(setting.gate.asked)) >= FAILING_AT_ONCE)
    setting.publish(*many, target("pbx"))
    published = len(setting.gate.asked)
    eventually(lambda: setting.addresses("pbx") != [])
    before = setting.gate.asked[published : setting.gate.asked.index(("pbx.example.test", "NAPTR"))]
    assert len(looked_for(before)) < 2 * FAILING_AT_ONCE


def asked_again(asked: list[tuple[str, str]]) -> list[str]:
    """The names that were looked for more than once."""
    return [name for name, times in looked_for(asked).items() if times > 1]


def looked_for(asked: list[tuple[str, str]]) -> Counter[str]:
    """How often each name was: that is the first question of all."""
    return Counter(name for name, kind in asked if kind == "NAPTR")


@pytest.mark.parametrize("how", ("silence", "failure"))
def test_last_good_addresses_stay_while_dns_fails(setting: Setting, how: str) -> None:
    """Beyond their TTL, and over a restart of the agent; new ones are taken when DNS is back."""
    setting.publish(target("pbx", 5060), target("srv", None, "udp"))
    eventually(lambda: setting.addresses("pbx", 5060) != [] != setting.addresses("srv", None, "udp"))
    before = setting.addresses("srv", None, "udp")
    (setting.gate.silent if how == "silence" else setting.gate.failing).add("")
    asked = len(setting.gate.asked)
    eventually(lambda: len(setting.gate.asked) > asked + 1)  # the TTL of 5 s is over
    setting.agent.end()
    setting.agent.start()
    time.sleep(2.5)
    assert set(setting.addresses("pbx", 5060)) == {"udp 192.0.2.1:5060", "udp 192.0.2.2:5060"}
    assert setting.addresses("srv", None, "udp") == before
    setting.server.serve(RECORDS.replace("pbx A 192.0.2.1\n", "").replace("192.0.2.2", "192.0.2.3"))
    setting.gate.silent, setting.gate.failing = set(), set()
    eventually(lambda: setting.addresses("pbx", 5060) == ["udp 192.0.2.3:5060"])


def test_new_records_are_taken_when_the_ttl_is_over(setting: Setting) -> None:
    """And an answer that there are none takes the addresses away: that is no failure of DNS."""
    begun = time.monotonic()
    setting.publish(target("pbx", 5060))
    eventually(lambda: setting.addresses("pbx", 5060) != [])
    setting.server.serve(RECORDS.replace("pbx A 192.0.2.1\n", "").replace("192.0.2.2", "192.0.2.3"))
    eventually(lambda: setting.addresses("pbx", 5060) == ["udp 192.0.2.3:5060"])
    assert time.monotonic() - begun >= SHORTEST_TTL
    setting.server.serve("other A 192.0.2.4")
    eventually(lambda: setting.addresses("pbx", 5060) == [])


def test_name_that_is_not_needed_any_more_is_forgotten(setting: Setting) -> None:
    """Its row goes, and nobody asks for it again."""
    setting.publish(target("pbx", 5060), target("alias", 5060))
    eventually(lambda: setting.addresses("pbx", 5060) != [] != setting.addresses("alias", 5060))
    setting.publish(target("alias", 5060))
    eventually(lambda: setting.addresses("pbx", 5060) == [])
    setting.gate.asked.clear()
    eventually(lambda: ("alias.example.test", "A") in setting.gate.asked)
    assert ("pbx.example.test", "A") not in setting.gate.asked

"""RFC 3263 section 4, as a pure function from DNS answers to addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random

import pytest

from sipedge.agent.location import Ask, Name, Naptr, Question, Record, Srv, in_order, locate

ZONE: dict[tuple[str, str], tuple[Record, ...]] = {
    ("pbx.test", "A"): ("192.0.2.1", "192.0.2.2"),
    ("six.test", "AAAA"): ("2001:db8::1",),
    ("both.test", "A"): ("192.0.2.3",),
    ("both.test", "AAAA"): ("2001:db8::3",),
    ("_sip._udp.srv.test", "SRV"): (Srv(20, 1, 5080, "b.srv.test"), Srv(10, 1, 5070, "a.srv.test")),
    ("_sip._tcp.srv.test", "SRV"): (Srv(10, 1, 5090, "a.srv.test"),),
    ("_sips._tcp.srv.test", "SRV"): (Srv(10, 1, 5443, "a.srv.test"),),
    ("a.srv.test", "A"): ("192.0.2.11",),
    ("b.srv.test", "A"): ("192.0.2.12",),
    ("srv.test", "A"): ("192.0.2.99",),
    ("naptr.test", "NAPTR"): (
        Naptr(20, 1, "s", "SIP+D2U", "_sip._udp.srv.test"),
        Naptr(10, 20, "s", "SIPS+D2T", "_sips._tcp.srv.test"),
        Naptr(10, 10, "S", "sip+d2t", "_sip._tcp.srv.test"),
        Naptr(1, 1, "u", "E2U+sip", ""),
    ),
    ("tcponly.test", "SRV"): (),
    ("_sip._tcp.tcponly.test", "SRV"): (Srv(1, 1, 5062, "a.srv.test"),),
    ("_sip._udp.closed.test", "SRV"): (Srv(0, 0, 0, "."),),
    ("closed.test", "A"): ("192.0.2.66",),
    ("many.test", "A"): tuple(f"192.0.2.{each}" for each in range(100, 110)),
}


def ask_all(
    name: Name, zone: Mapping[tuple[str, str], tuple[Record, ...]] = ZONE
) -> tuple[list[str], list[str]]:
    """The addresses in words and every question that was asked, in rounds."""
    answers: dict[Question, tuple[Record, ...]] = {}
    asked: list[str] = []
    for _ in range(10):
        step = locate(name, answers, Random(1).random)
        if not isinstance(step, Ask):
            return [f"{each.transport} {each.address}:{each.port}" for each in step], asked
        assert step.questions.isdisjoint(answers), "nothing is asked twice"
        asked.append(" ".join(sorted(f"{each.type}:{each.name}" for each in step.questions)))
        answers |= {each: zone.get((each.name, each.type), ()) for each in step.questions}
    raise AssertionError(f"no end: {asked}")


@pytest.mark.parametrize(
    ("name", "addresses"),
    (
        (Name("pbx.test", 5066, None), ["udp 192.0.2.1:5066", "udp 192.0.2.2:5066"]),
        (Name("pbx.test", 5066, "tls"), ["tls 192.0.2.1:5066", "tls 192.0.2.2:5066"]),
        (Name("pbx.test", None, None), ["udp 192.0.2.1:5060", "udp 192.0.2.2:5060"]),
        (Name("pbx.test", None, "tcp"), ["tcp 192.0.2.1:5060", "tcp 192.0.2.2:5060"]),
        (Name("pbx.test", None, "tls"), ["tls 192.0.2.1:5061", "tls 192.0.2.2:5061"]),
        (Name("six.test", 5060, None), ["udp 2001:db8::1:5060"]),
        (Name("both.test", 5060, None), ["udp 192.0.2.3:5060"]),
        (Name("srv.test", None, "udp"), ["udp 192.0.2.11:5070", "udp 192.0.2.12:5080"]),
        (Name("srv.test", None, "tcp"), ["tcp 192.0.2.11:5090"]),
        (Name("srv.test", None, "tls"), ["tls 192.0.2.11:5443"]),
        (Name("srv.test", None, None), ["udp 192.0.2.11:5070", "udp 192.0.2.12:5080"]),
        (Name("srv.test", 5060, "udp"), ["udp 192.0.2.99:5060"]),
        (Name("naptr.test", None, None), ["tcp 192.0.2.11:5090"]),
        (Name("tcponly.test", None, None), ["tcp 192.0.2.11:5062"]),
        (Name("closed.test", None, "udp"), []),
        (Name("nowhere.test", None, None), []),
        (Name("many.test", 5060, None), [f"udp 192.0.2.{each}:5060" for each in range(100, 104)]),
    ),
    ids=lambda value: f"{value.host} {value.port} {value.transport}" if isinstance(value, Name) else "",
)
def test_addresses_in_the_order_of_rfc_3263(name: Name, addresses: list[str]) -> None:
    """Port, then transport, then NAPTR decide what is looked up; at most four addresses come of it."""
    assert ask_all(name)[0] == addresses


def test_a_port_needs_no_srv_and_no_naptr() -> None:
    """RFC 3263 section 4.2: with a port only the address records count."""
    assert ask_all(Name("pbx.test", 5066, None))[1] == ["A:pbx.test"]


def test_a_transport_needs_no_naptr() -> None:
    """RFC 3263 section 4.1: a transport that is given is not chosen again."""
    assert ask_all(Name("srv.test", None, "tcp"))[1] == ["SRV:_sip._tcp.srv.test", "A:a.srv.test"]


def test_hosts_of_one_srv_answer_are_asked_together() -> None:
    """Two look-ups in one round, so that a slow one costs its own time only."""
    assert ask_all(Name("srv.test", None, "udp"))[1][-1] == "A:a.srv.test A:b.srv.test"


def test_ipv6_is_asked_for_only_without_ipv4() -> None:
    """A host that has both is called by IPv4."""
    assert ask_all(Name("both.test", 1, None))[1] == ["A:both.test"]
    assert ask_all(Name("six.test", 1, None))[1] == ["A:six.test", "AAAA:six.test"]


def test_weights_decide_how_often_a_host_is_first() -> None:
    """RFC 2782: 3 to 1 over many draws, and a weight of 0 hardly ever."""
    records = [Srv(1, 30, 1, "three"), Srv(1, 10, 1, "one"), Srv(1, 0, 1, "zero"), Srv(0, 0, 1, "first")]
    dice = Random(7)
    draws = [in_order(records, dice.random) for _ in range(4000)]
    assert all(draw[0].target == "first" and len(draw) == 4 for draw in draws)
    seconds = Counter(draw[1].target for draw in draws)
    assert 0.72 < seconds["three"] / 4000 < 0.78
    assert seconds["zero"] < 40

"""Records written by signed updates into a real zone: what is written, what is left alone, what is told."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from sipedge.secret import Secret
from support.dns_installation import Installation
from support.dns_servers import OTHER_SECRET, SECRET, Primary
from trunkline.dns.records import by_key
from trunkline.plan.dns_records import EdgeSite, dns_records

ZONE = "voice.test"
ASHBURN = EdgeSite("ashburn", "us1", ("192.0.2.1", "192.0.2.2"), ("192.0.2.1", "192.0.2.2"))
DUBLIN = EdgeSite("dublin", None, ("198.51.100.1",), ("198.51.100.1",), ttl_seconds=60)


def truth(installation: Installation, *sites: EdgeSite) -> dict[str, tuple[str, str]]:
    return {edge: (each.status, each.reason) for edge, each in installation.reconcile(*sites).items()}


def without_marks(server: Primary) -> dict[tuple[str, str], list[str]]:
    return {
        key: values
        for key, values in server.records().items()
        if not key[0].startswith("_trunkline") and key[0] != "ns"
    }


def wanted(*sites: EdgeSite) -> dict[tuple[str, str], list[str]]:
    return {
        (name.removesuffix(f".{ZONE}"), kind): sorted(record.values)
        for (name, kind), record in by_key(dns_records(sites, ZONE)).items()
    }


def test_zone_becomes_as_wanted_and_then_rests(primary: Primary, installation: Installation) -> None:
    """All records are there at once; a second look sends nothing, nor does a new operator's first."""
    assert truth(installation, ASHBURN, DUBLIN) == {
        "ashburn": ("True", "Correct"),
        "dublin": ("True", "Correct"),
    }
    assert without_marks(primary) == wanted(ASHBURN, DUBLIN)
    serial, sent = primary.serial(), installation.provider.updates
    installation.reconcile(ASHBURN, DUBLIN)
    assert installation.provider.updates == sent
    installation.restart()
    assert truth(installation, ASHBURN, DUBLIN)["ashburn"] == ("True", "Correct")
    assert (installation.provider.updates, primary.serial()) == (0, serial)


def test_addresses_follow_readiness(primary: Primary, installation: Installation) -> None:
    """One that is not ready leaves all names at once; it comes back as fast."""
    installation.reconcile(ASHBURN)
    one = replace(ASHBURN, serving=("192.0.2.2",))
    assert truth(installation, one) == {"ashburn": ("True", "Correct")}
    assert primary.values(f"anything.pstn.ashburn.{ZONE}", "A") == ["192.0.2.2"]
    assert without_marks(primary) == wanted(one)
    installation.reconcile(ASHBURN)
    assert without_marks(primary) == wanted(ASHBURN)


def test_last_address_stays(primary: Primary, installation: Installation) -> None:
    """Also when the operator that published it is gone, and when the Edge knows no address any more."""
    one = replace(ASHBURN, serving=("192.0.2.2",))
    installation.reconcile(one)
    before = without_marks(primary)
    for addresses in (ASHBURN.addresses, ()):
        installation.restart()
        assert truth(installation, replace(ASHBURN, addresses=addresses, serving=())) == {
            "ashburn": ("True", "Correct")
        }
        assert primary.values(f"pstn.ashburn.{ZONE}", "A") == ["192.0.2.2"]
    installation.reconcile(replace(ASHBURN, serving=()))
    assert without_marks(primary) == before


def test_edge_without_any_address_is_told(primary: Primary, installation: Installation) -> None:
    """There is nothing to publish, and that is no success."""
    assert truth(installation, replace(ASHBURN, serving=())) == {"ashburn": ("False", "NoAddressReady")}
    assert without_marks(primary) == {}


def test_records_go_with_their_edge(primary: Primary, installation: Installation) -> None:
    """Those that it shared with others lose its addresses; with the last Edge nothing of ours is left."""
    before = primary.records()
    installation.reconcile(ASHBURN, DUBLIN)
    installation.restart()
    installation.reconcile(DUBLIN)
    assert without_marks(primary) == wanted(DUBLIN)
    installation.restart()
    assert installation.reconcile() == {}
    assert primary.records() == before


def test_foreign_record_is_never_touched(primary: Primary, installation: Installation) -> None:
    """It is told by name; everything else is written; once it is gone, its name is taken."""
    primary.update(("add", f"pstn.ashburn.{ZONE}", 60, "A", "203.0.113.9"))
    told = installation.reconcile(ASHBURN, DUBLIN)
    assert (told["ashburn"].status, told["ashburn"].reason) == ("False", "ForeignOwner")
    assert f"A pstn.ashburn.{ZONE}" in told["ashburn"].message
    assert told["dublin"].status == "True"
    assert primary.values(f"pstn.ashburn.{ZONE}", "A") == ["203.0.113.9"]
    assert primary.values(f"hq.pstn.ashburn.{ZONE}", "A") == ["192.0.2.1", "192.0.2.2"]
    installation.restart()
    installation.reconcile()
    assert without_marks(primary) == {("pstn.ashburn", "A"): ["203.0.113.9"]}, "removal spares it too"
    primary.update(("delete", f"pstn.ashburn.{ZONE}", 0, "A", ""))
    assert truth(installation, ASHBURN) == {"ashburn": ("True", "Correct")}


@pytest.mark.parametrize(
    ("name", "kind", "value", "refused"),
    (
        ("pstn.ashburn", "CNAME", "elsewhere.test.", True),
        ("pstn.ashburn", "TXT", '"a note"', False),
        ("pstn.ashburn", "AAAA", "2001:db8::1", False),
        ("*", "A", "203.0.113.1", False),
        ("*", "CNAME", "elsewhere.test.", False),
        ("*", "TXT", '"v=spf1 -all"', False),
    ),
)
def test_what_counts_as_foreign(
    primary: Primary, installation: Installation, name: str, kind: str, value: str, refused: bool
) -> None:
    """A record of another type is no obstacle, nor is a wildcard above; a CNAME of the same name is one."""
    primary.update(("add", f"{name}.{ZONE}", 60, kind, value))
    status = truth(installation, ASHBURN)["ashburn"][0]
    assert status == ("False" if refused else "True")
    assert without_marks(primary)[name, kind] == [value]
    installation.reconcile()
    assert without_marks(primary) == {(name, kind): [value]}


def test_two_installations_do_not_share_a_base_domain(primary: Primary, installation: Installation) -> None:
    """The second one touches nothing and says whose the names are, and how to take them over."""
    installation.reconcile(ASHBURN)
    before = primary.records()
    second = Installation(primary.place, owner="99999999")
    told = second.reconcile(DUBLIN)["dublin"]
    assert (told.status, told.reason) == ("False", "ForeignOwner")
    assert installation.owner in told.message
    assert "trunkline-system/trunkline-installation" in told.message
    second.reconcile()
    assert primary.records() == before
    second.owner = installation.owner
    assert truth(second, DUBLIN) == {"dublin": ("True", "Correct")}
    assert without_marks(primary) == wanted(DUBLIN)


def test_what_somebody_changed_is_put_right(primary: Primary, installation: Installation) -> None:
    """A record of ours that was edited or removed by hand, a mark that was removed."""
    installation.reconcile(ASHBURN)
    for change in (
        ("add", f"pstn.ashburn.{ZONE}", 600, "A", "203.0.113.7"),
        ("delete", f"pstn.ashburn.{ZONE}", 0, "A", ""),
        ("delete", f"_trunkline.{ZONE}", 0, "TXT", ""),
    ):
        primary.update(change)
        assert truth(installation, ASHBURN) == {"ashburn": ("True", "Correct")}
        assert without_marks(primary) == wanted(ASHBURN)


def test_wrong_key(primary: Primary, installation: Installation) -> None:
    """Told in words without the key; healed as soon as the Secret is right."""
    for secret, said in (
        ({"secret": Secret(OTHER_SECRET)}, "rejects TSIG key trunkline-key"),
        ({"secret": Secret("not base64!")}, "is not base64"),
        ({"other": Secret(SECRET)}, "has no key 'secret'"),
        (None, "Secret trunkline-system/tsig does not exist"),
    ):
        installation.secret = secret
        told = installation.reconcile(ASHBURN)["ashburn"]
        assert (told.status, told.reason) == ("False", "KeyRefused")
        assert said in told.message
        assert OTHER_SECRET not in told.message
        assert without_marks(primary) == {}
    installation.secret = {"secret": Secret(f' "{SECRET}";\n')}
    assert truth(installation, ASHBURN) == {"ashburn": ("True", "Correct")}
    installation.secret = {"secret": Secret(OTHER_SECRET)}
    told = installation.reconcile(ASHBURN)["ashburn"]
    assert told.status == "True", "the names still lead where they should"
    assert "changes cannot be written" in told.message


def test_unknown_key_name(primary: Primary) -> None:
    """The server knows no key of that name."""
    told = Installation(primary.place, key_name="stranger").reconcile(ASHBURN)["ashburn"]
    assert (told.status, told.reason) == ("False", "KeyRefused")
    assert "stranger" in told.message


def test_server_away_and_back(primary: Primary, installation: Installation) -> None:
    """It is told, looked at again at growing distances, and put right without anybody's help."""
    installation.reconcile(ASHBURN)
    primary.stop(hard=True)
    one = replace(ASHBURN, serving=("192.0.2.1",))
    waits = []
    for _ in range(3):
        began = time.monotonic()
        told = installation.reconcile(one)["ashburn"]
        assert time.monotonic() - began < 25  # of three at most; a resolver's own patience is thirty
        assert (told.status, told.reason) == ("False", "ServerSilent")
        assert primary.place in told.message
        waits.append(installation.provider.again_seconds)
    assert waits == sorted(set(waits))
    primary.start()
    assert truth(installation, one) == {"ashburn": ("True", "Correct")}
    assert installation.provider.again_seconds == 30
    assert without_marks(primary) == wanted(one)


def test_zone_that_the_server_does_not_have(primary: Primary) -> None:
    """A wrong zone, and a base domain outside of the zone, are told with the mend."""
    other = Installation(primary.place, base_domain="sub.other.test", zone="other.test")
    assert other.reconcile(ASHBURN)["ashburn"].reason == "UpdateRefused"
    outside = Installation(primary.place, base_domain="elsewhere.test", zone=ZONE)
    told = outside.reconcile(ASHBURN)["ashburn"]
    assert told.reason == "UpdateRefused"
    assert "does not lie in the zone" in told.message


def test_base_domain_below_the_zone(primary: Primary) -> None:
    """The zone may hold much else."""
    installation = Installation(primary.place, base_domain=f"sip.{ZONE}", zone=ZONE)
    assert truth(installation, ASHBURN) == {"ashburn": ("True", "Correct")}
    assert primary.values(f"x.pstn.ashburn.sip.{ZONE}", "A") == ["192.0.2.1", "192.0.2.2"]


def test_many_edges(primary: Primary, installation: Installation) -> None:
    """Twenty-five edges take a few messages."""
    sites = [
        EdgeSite(f"e{number}", f"r{number % 5}", (f"192.0.2.{number}",), (f"192.0.2.{number}",))
        for number in range(1, 26)
    ]
    assert set(truth(installation, *sites).values()) == {("True", "Correct")}
    assert installation.provider.updates < 20
    assert without_marks(primary) == wanted(*sites)
    installation.reconcile()
    assert without_marks(primary) == {}

"""Names of an edge's certificate."""

from __future__ import annotations

from trunkline.plan.certificate_names import certificate_names


def test_names_of_an_edge() -> None:
    """Its own names, the alias's and the platform's with their wildcards, single addresses, and IPs."""
    names = certificate_names("ashburn", "us1", ("192.0.2.2", "192.0.2.1"), ("hq",), "voice.example")
    assert names.dns == (
        "*.pstn.ashburn.voice.example",
        "*.pstn.us1.voice.example",
        "*.pstn.voice.example",
        "a1.sip.ashburn.voice.example",
        "a2.sip.ashburn.voice.example",
        "pstn.ashburn.voice.example",
        "pstn.us1.voice.example",
        "pstn.voice.example",
        "sip.ashburn.voice.example",
    )
    assert names.addresses == ("192.0.2.1", "192.0.2.2")


def test_trunks_of_several_labels_get_their_exact_names() -> None:
    """A wildcard does not stand for two labels."""
    names = certificate_names("dublin", None, (), ("hq", "lab.hq"), "voice.example")
    assert [name for name in names.dns if "hq" in name] == [
        "lab.hq.pstn.dublin.voice.example",
        "lab.hq.pstn.voice.example",
    ]

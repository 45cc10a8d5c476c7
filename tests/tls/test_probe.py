"""What an address really serves, from real TLS listeners."""

from __future__ import annotations

import asyncio
import datetime
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.addresses import Block, reserved_block
from support.patience import PATIENCE
from support.tls_listener import TlsListener, tls_listener
from trunkline.plan.certificate_names import CertificateNames
from trunkline.status.conditions import Opinion
from trunkline.tls.probe import ProbeError, probe
from trunkline.tls.self_signed import KeyPair, issue, make_authority
from trunkline.tls.served import AGAIN_SECONDS, GRACE_SECONDS, ServedCertificates, Wanted

PORT = 20661
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
NAMES = CertificateNames(("pstn.ashburn.x.test", "*.pstn.ashburn.x.test"), ())
SERVER_NAME = "pstn.ashburn.x.test"
GOOD = Opinion("CertificateReady", "True", "Issued", "issued")


@pytest.fixture(scope="module")
def authority() -> KeyPair:
    return make_authority("x.test", NOW)


@pytest.fixture(scope="module")
def pair(authority: KeyPair) -> KeyPair:
    return issue(authority, NAMES, NOW)


@pytest.fixture(scope="module")
def block() -> Iterator[Block]:
    with reserved_block("127.62", 100) as reserved:
        yield reserved


@pytest.fixture
def listener(block: Block, tmp_path: Path, pair: KeyPair) -> Iterator[TlsListener]:
    with tls_listener(block.address(1), PORT, tmp_path, pair) as listening:
        yield listening


def test_good_certificate(listener: TlsListener, authority: KeyPair, pair: KeyPair) -> None:
    """No fault for who trusts the CA; the chain is told whole."""
    found = probe(listener.address, PORT, SERVER_NAME, [authority.parsed])
    assert found.certificate == pair.parsed
    assert found.chain == (pair.parsed, authority.parsed)
    assert found.faults == ()
    assert found.protocol == "TLSv1.3"
    assert found.until == pair.parsed.not_valid_after_utc


def test_every_fault_is_told(listener: TlsListener) -> None:
    """Its time is over, and its CA is not known: the handshake goes on through both."""
    old = make_authority("old.test", NOW - 500 * DAY)
    listener.serve(issue(old, NAMES, NOW - 500 * DAY))
    found = probe(listener.address, PORT, SERVER_NAME)
    assert "the certificate: it has expired" in found.faults
    assert "certificate 1 above it: its chain ends in a CA that is not trusted" in found.faults


def test_no_listener(block: Block) -> None:
    with pytest.raises(ProbeError, match="refused"):
        probe(block.address(2), PORT, SERVER_NAME, timeout=1)


@pytest.mark.parametrize("answer", (b"", b"SIP/2.0 200 OK\r\n\r\n", None))
def test_what_is_no_tls(block: Block, answer: bytes | None) -> None:
    """A listener that closes, one that speaks something else, one that never answers."""
    over = threading.Event()

    def talk(listening: socket.socket) -> None:
        client, _ = listening.accept()
        with client:
            client.recv(65_536)
            if answer is None:
                over.wait(PATIENCE)
            else:
                client.sendall(answer)

    with socket.create_server((block.address(3), PORT)) as listening:
        thread = threading.Thread(target=talk, args=(listening,))
        thread.start()
        try:
            with pytest.raises(ProbeError, match=block.address(3)):
                probe(block.address(3), PORT, SERVER_NAME, timeout=1)
        finally:
            over.set()
            thread.join()


def test_address_that_goes_on_with_another_certificate(
    listener: TlsListener, authority: KeyPair, pair: KeyPair
) -> None:
    """Not told at once, since agents need a moment; told then, by address; gone when it is right."""
    served = ServedCertificates()
    new = issue(authority, NAMES, NOW)

    def look(wanted: KeyPair, now: float) -> Opinion:
        wish = Wanted("ashburn", wanted.parsed, (listener.address,), PORT, SERVER_NAME)
        asyncio.run(served.look([wish], now))
        return served.judged("ashburn", GOOD, now)

    assert look(pair, 0) == GOOD
    assert look(new, 1) == GOOD
    told = look(new, 2 + GRACE_SECONDS)
    assert (told.status, told.reason) == ("False", "OtherServed")
    assert listener.address in told.message
    listener.serve(new)
    assert look(new, 3 + GRACE_SECONDS) == GOOD


def test_probes_are_seldom_while_all_is_right(listener: TlsListener, pair: KeyPair) -> None:
    """And an address that cannot be reached is judged by nobody."""
    served = ServedCertificates()
    addresses = (listener.address, "127.62.99.99")
    wish = Wanted("ashburn", pair.parsed, addresses, PORT, SERVER_NAME)
    for now in (0.0, 10.0, 20.0):
        asyncio.run(served.look([wish], now))
    assert listener.handshakes == 1
    assert served.judged("ashburn", GOOD, 1000.0) == GOOD
    asyncio.run(served.look([wish], AGAIN_SECONDS + 1))
    assert listener.handshakes == 2

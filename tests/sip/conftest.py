"""One running edge for all tests here, on a reserved block of loopback addresses."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from support.addresses import Block, own_prefix, reserved_block
from support.b2bua import QUICK, RunningB2bua, running_b2bua
from support.edge import Edge, running_edge, write_certificate
from support.lab import EDGE, PBX, TELCO, Lab
from support.other_release import image_prefix
from support.patience import until
from support.recovery import APP, SOUNDS, Recovery, make_recovery
from support.relay import Relay, media_settings, running_relay
from support.sipua import UserAgent
from support.transfers import Scene, make_scene
from support.web_app import WebApp, running_app

_turns = count(1)


@pytest.fixture
def block() -> Iterator[Block]:
    """Addresses of this test alone: what an earlier one left unanswered is retransmitted elsewhere, and who
    was left in a call is asked there whether he is alive."""
    turn = next(_turns)
    with reserved_block(own_prefix(turn), turn) as reserved:
        yield reserved


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """The edge that most tests share; each publishes its own table."""
    spool = tmp_path_factory.mktemp("relay")
    with (
        reserved_block() as reserved,
        running_edge(
            None, reserved.address(EDGE), media=media_settings(reserved.address(EDGE), spool), b2bua=QUICK
        ) as edge,
    ):
        # Proof that a look-up would be seen below.
        with pytest.raises(RuntimeError, match="Not found"):
            edge.rpc("dns.lookup", "A", "no-such-name.invalid")
        assert names_looked_up(edge) == 1
        yield edge


def names_looked_up(edge: Edge) -> int:
    """How many names Kamailio has asked a name server for in vain; no name in these tests exists."""
    found = edge.rpc("stats.get_statistics", "dns:")
    return sum(int(each.rpartition("=")[2]) for each in found if each.startswith("dns:failed"))


@pytest.fixture
def lab(running: Edge, block: Block, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The running edge with the default platform."""
    start = len(running.log())
    failures = request.session.testsfailed
    with ExitStack() as stack:
        # Addresses are used again by later tests: what was noted of them before is forgotten.
        for table in ("silent", "wrong", "lately", "options", "braked", "served", "hosts", "clients"):
            running.rpc("htable.flush", table)
        one = Lab(running, block, stack, running.dialogs())
        one.serve()
        yield one
    if request.session.testsfailed > failures or running.process.poll() is not None:
        print(f"--- kamailio.log\n{running.log()[start:][-8000:]}")
    assert running.process.poll() is None, "Kamailio ended during the test"
    faults = [line for line in running.log()[start:].splitlines() if "fault in" in line]
    assert not faults, f"exceptions in the edge's own code: {faults}"
    # Kamailio goes on for a while with damaged memory; what fails then is another test.
    assert names_looked_up(running) == 1, "Kamailio asked a name server"
    damage = [line for line in running.log()[start:].splitlines() if re.search(r" BUG |bogus ref", line)]
    assert not damage, f"Kamailio found its memory damaged: {damage}"


@pytest.fixture(scope="session")
def b2bua(running: Edge) -> Iterator[RunningB2bua]:
    """The B2BUA beside that edge."""
    with running_b2bua(running) as one:
        yield one
        print(f"--- b2bua.log\n{one.log()[-8000:]}")


@pytest.fixture(scope="session")
def relay(running: Edge) -> Iterator[Relay]:
    """The media relay beside that edge; whose table says nothing of media, has no use for it."""
    with running_relay(running.settings) as one:
        yield one


@pytest.fixture
def relayed(lab: Lab, relay: Relay) -> Iterator[Lab]:
    """The lab, with the media of each call through the relay: none of them is there after the test."""
    lab.serve(site_changes={"relay": "Always"})
    yield lab
    try:
        until(lambda: not relay.sessions(), "sessions that nobody ends")
    finally:
        for each in relay.sessions():  # or every later test of media would fail for it
            print(f"--- a session that is left: {each} {relay.ask('query', call_id=each)}")
            relay.ask("delete", call_id=each)


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    """Closes the ends of sound with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def app(lab: Lab) -> Iterator[WebApp]:
    """An application that is asked for call instructions."""
    with running_app(lab.block.address(APP)) as one:
        one.answers |= SOUNDS
        yield one


@pytest.fixture
def recovery(
    relayed: Lab,
    relay: Relay,
    ends: ExitStack,
    pbx: UserAgent,
    telco: UserAgent,
    b2bua: RunningB2bua,
    app: WebApp,
) -> Recovery:
    """A trunk whose calls may follow instructions, and who calls it."""
    return make_recovery(relayed, app, pbx, telco, ends)


@pytest.fixture(params=("origination", "termination"))
def scene(
    request: pytest.FixtureRequest, lab: Lab, pbx: UserAgent, telco: UserAgent, b2bua: RunningB2bua
) -> Scene:
    """A call that may be transferred."""
    return make_scene(lab, pbx, telco, b2bua, outgoing=request.param == "termination")


@pytest.fixture
def in_image(tmp_path: Path) -> list[str]:
    """What goes before a command so that the programs of the edge's image run it."""
    return image_prefix(tmp_path)


@pytest.fixture
def pbx(lab: Lab) -> UserAgent:
    return lab.agent(PBX)


@pytest.fixture
def telco(lab: Lab) -> UserAgent:
    return lab.agent(TELCO)


@pytest.fixture
def own(lab: Lab, tmp_path: Path) -> Iterator[Lab]:
    """An edge of this test alone, which may be restarted."""
    with running_edge(None, lab.block.address(EDGE + 1), tmp_path) as edge:
        one = Lab(edge, lab.block, lab.stack)
        one.serve()
        yield one


@pytest.fixture(scope="session")
def server_context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A PBX's own self-signed certificate."""
    directory = tmp_path_factory.mktemp("pbx")
    write_certificate(directory, "pbx.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.crt", directory / "server.key")
    return context

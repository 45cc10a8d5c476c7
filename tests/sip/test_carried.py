"""A plain call enters Python once; what is not plain goes through the door: the wire is the same.

Two edges of one table: one as it is, one whose Kamailio carries nothing by itself. Each case is played at
both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sipedge.table.recovery import RecoveryRow
from sipedge.table.transfer import TransferRow
from support.addresses import reserved_block
from support.b2bua import QUICK
from support.dialogs import end, established
from support.edge import wait_until_hung_up
from support.entered import entries, telling_edge
from support.lab import EDGE, PBX, TELCO, Lab
from support.plays import Change, Edges, Sent, enters, played
from support.sipmessage import sdp
from support.sipua import client_context

ONCE = ["ksr_request_route INVITE"]
DIRECTIONS = pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
SIDES = pytest.mark.parametrize("by", ("caller", "callee"))


@pytest.fixture(scope="module")
def edges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edges]:
    with (
        reserved_block() as block,
        telling_edge(block.address(EDGE), tmp_path_factory.mktemp("native"), b2bua=QUICK) as native,
        telling_edge(
            block.address(EDGE + 1), tmp_path_factory.mktemp("python"), python_carries_all=True
        ) as python,
    ):
        yield Edges(block, native, python)


BY_B2BUA: dict[str, Any] = {
    "transfer": TransferRow("EnableAll"),
    "disaster_recovery": RecoveryRow("https://app.example/start", "POST"),
}


def variables(lab: Lab, call_id: str) -> dict[str, int]:
    """The names of what is remembered of a call, and how long each is."""
    (dialog,) = (each for each in lab.edge.rpc("dlg.list") if each["call-id"] == call_id)
    return {name: len(value) for each in dialog["variables"] for name, value in each.items()}


@DIRECTIONS
def test_what_the_b2bua_might_do_costs_a_call_without_it_nothing(edges: Edges, outgoing: bool) -> None:
    """The same entries, messages and memory, may its trunk transfer calls and have instructions or not."""
    found = []
    for trunk in ({}, BY_B2BUA):
        with ExitStack() as stack:
            lab = Lab(edges.native, edges.block, stack)
            lab.serve(trunk=trunk)
            pbx, telco = lab.agent(PBX), lab.agent(TELCO)
            caller, callee = (pbx, telco) if outgoing else (telco, pbx)
            near, _, _, _ = established(lab, caller, callee, outgoing=outgoing)
            remembered = variables(lab, near.call_id)
            end(near, callee)
            own = [each for agent in (pbx, telco) for each in agent.all_received]
            messages = [each.first_line.partition(" sip:")[0] for each in own if each.call_id == near.call_id]
            found.append((entries(lab.edge, near.call_id), sorted(messages), remembered))
    without, with_it = found
    assert without[0] == ONCE
    assert with_it == without


@DIRECTIONS
@SIDES
def test_a_plain_call_enters_python_once(edges: Edges, outgoing: bool, by: str) -> None:
    """At its INVITE; 18x, 2xx, ACK, BYE and the answer to that pass by themselves."""
    play, entered = played(edges, outgoing=outgoing, by=by)
    assert entered == ONCE
    assert len(play.seen) == 6 + 1, "100, 180, 200, 200 of BYE; INVITE, ACK, BYE"


def test_the_images_kamailio_carries_too(edges: Edges, tmp_path: Path, in_image: list[str]) -> None:
    """Both ways, and with the option tag that does not travel."""
    with telling_edge(edges.block.address(EDGE + 2), tmp_path, prefix=in_image) as edge:
        own = replace(edges, native=edge)
        timers = adds(("Supported", "100rel, timer"))
        for outgoing in (True, False):
            play, entered = played(
                own, outgoing=outgoing, asks_memory=False, change={"200": timers, "BYE": timers}
            )
            assert entered == ONCE
            assert len(play.seen) == 6 + 1


def adds(*more: tuple[str, str]) -> Change:
    return lambda sent, _lab: sent.add(*more)


def sets(name: str, value: str | None) -> Change:
    return lambda sent, _lab: sent.set(name, value)


def twice(name: str) -> Change:
    return lambda sent, _lab: sent.add((name, sent.get(name)))


def has_body(body: str, kind: str = "application/sdp") -> Change:
    def change(sent: Sent, lab: Lab) -> None:
        sent.body = body
        sent.set("Content-Type", kind)

    return change


def grows(name: str, text: str) -> Change:
    return lambda sent, _lab: sent.set(name, sent.get(name) + text)


def both(*changes: Change) -> Change:
    def change(sent: Sent, lab: Lab) -> None:
        for each in changes:
            each(sent, lab)

    return change


USUAL = {
    "headers that travel and that do not": adds(
        ("X-Mine", "1"), ("X-Trunkline-CallSid", "CA1"), ("User-Agent", "x"), ("Reason", "Q.850;cause=16"),
        ("Authorization", "Digest x"), ("Session-Expires", "1800"), ("WWW-Authenticate", "Digest x"),
    ),
    "session timers alone": adds(("Supported", "timer")),
    "session timers first": adds(("Supported", "timer, 100rel")),
    "session timers last": adds(("k", "100rel,timer")),
    "session timers between": adds(("Supported", "100rel, Timer, replaces")),
}  # fmt: skip


@DIRECTIONS
@pytest.mark.parametrize("which", ("180", "200", "ACK", "BYE", "200 of BYE"))
@pytest.mark.parametrize("change", USUAL.values(), ids=USUAL)
def test_what_usual_telephones_say_is_plain(edges: Edges, outgoing: bool, which: str, change: Change) -> None:
    """And leaves as Python would have sent it."""
    assert played(edges, outgoing=outgoing, change={which: change})[1] == ONCE


def elsewhere(sent: Sent, lab: Lab) -> None:
    """Another port of the same address."""
    sent.agent = lab.agent(PBX, 5070)


def to_another_contact(sent: Sent, lab: Lab) -> None:
    method, _, version = sent.first.split()
    sent.first = f"{method} sip:someone@192.0.2.9 {version}"


def with_uri_headers(sent: Sent, lab: Lab) -> None:
    method, uri, version = sent.first.split()
    sent.first = f"{method} {uri}?Subject=x {version}"


def with_another_token(sent: Sent, lab: Lab) -> None:
    route = sent.get("Route")
    at = route.index("tk=") + 3
    sent.set("Route", f"{route[:at]}{'0' if route[at] != '0' else '1'}{route[at + 1 :]}")


def to_nobody(sent: Sent, lab: Lab) -> None:
    sent.set("To", sent.get("To") + "x")


BROKEN_REQUESTS = {
    "longer than 1,500 bytes": adds(("X-Long", "x" * 1_400)),
    "more than 128 lines": adds(*(("X", "1"),) * 120),
    "three Vias": adds(*(("Via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"),) * 2),
    "a long branch": adds(("Via", f"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{'b' * 300}")),
    "an SDP": has_body("v=0\r\n"),
    "two From": twice("From"),
    "two To": twice("To"),
    "two Call-IDs": twice("Call-ID"),
    "two CSeqs": twice("CSeq"),
    "two Max-Forwards": twice("Max-Forwards"),
    "no Max-Forwards": sets("Max-Forwards", None),
    "the last hop": sets("Max-Forwards", "0"),
    "Max-Forwards that are no number": sets("Max-Forwards", "many"),
    "more hops than usual": sets("Max-Forwards", "200"),
    "two Content-Lengths": adds(("Content-Length", "0"), ("Content-Length", "0")),
    "a wrong Content-Length": adds(("Content-Length", "7")),
    "two Content-Types": adds(("Content-Type", "text/a"), ("Content-Type", "text/b")),
    "another method in its CSeq": sets("CSeq", "2 INFO"),
    "a CSeq of 2^31": sets("CSeq", "2147483648 BYE"),
    "P-Asserted-Identity": adds(("P-Asserted-Identity", "<sip:+19998887777@x>")),
    "P-Preferred-Identity": adds(("P-Preferred-Identity", "<sip:+19998887777@x>")),
    "Remote-Party-ID": adds(("Remote-Party-ID", "<sip:+19998887777@x>;privacy=full")),
    "Privacy": adds(("Privacy", "id")),
    "Require": adds(("Require", "timer")),
    "two Supported": adds(("Supported", "timer"), ("Supported", "100rel")),
    "an anonymous From": lambda sent, _lab: sent.set(
        "From", '"Anonymous" <sip:anonymous@anonymous.invalid>' + sent.get("From").partition(">")[2]
    ),
    "no Route": sets("Route", None),
    "a further Route": adds(("Route", "<sip:192.0.2.1;lr>")),
    "a token that is none": with_another_token,
    "another Request-URI": to_another_contact,
    "a Request-URI with headers": with_uri_headers,
    "another port": elsewhere,
    "another To-tag": to_nobody,
}  # fmt: skip


def by_method(method: str) -> Callable[[set[str]], bool]:
    """True of entries of which one is for a message of this method."""
    return lambda entered: any(each.endswith(f" {method}") for each in entered)


@DIRECTIONS
@pytest.mark.parametrize("change", BROKEN_REQUESTS.values(), ids=BROKEN_REQUESTS)
def test_a_bye_that_is_not_plain_goes_through_the_door(edges: Edges, outgoing: bool, change: Change) -> None:
    """One condition of route[LATER] broken: Python judges it."""
    by = "caller" if outgoing else "callee"  # the PBX, whose other port `elsewhere` takes
    enters(edges, by_method("BYE"), outgoing=outgoing, by=by, change={"BYE": change})


@pytest.mark.parametrize("change", BROKEN_REQUESTS.values(), ids=BROKEN_REQUESTS)
def test_an_ack_that_is_not_plain_goes_through_the_door(edges: Edges, change: Change) -> None:
    enters(edges, by_method("ACK"), change={"ACK": change})


def from_another_proxy(sent: Sent, lab: Lab) -> None:
    at = next(place for place, (name, _) in enumerate(sent.fields) if name == "Record-Route")
    sent.fields.insert(at, ("Record-Route", f"<sip:{lab.block.address(TELCO)}:5080;lr>"))


def contact(value: str) -> Change:
    return lambda sent, lab: sent.set("Contact", value.format(telco=lab.block.address(TELCO)))


BROKEN_ANSWERS = {
    "longer than 1,500 bytes": adds(("X-Long", "x" * 1_400)),
    "more than 128 lines": adds(*(("X", "1"),) * 120),
    "no Content-Length": lambda sent, _lab: None,
    "a wrong Content-Length": adds(("Content-Length", "1")),
    "two Content-Lengths": adds(("Content-Length", "0"), ("Content-Length", "0")),
    "tags that are the same": lambda sent, _lab: sent.set("To", "<sip:x@x>;tag=caller"),
    "a tag with a bracket": lambda sent, _lab: sent.set("To", "<sip:x@x>;tag=a(b"),
    "a long tag": lambda sent, _lab: sent.set("To", f"<sip:x@x>;tag={'a' * 256}"),
    "P-Asserted-Identity": adds(("P-Asserted-Identity", "<sip:+19998887777@x>")),
    "P-Preferred-Identity": adds(("P-Preferred-Identity", "<sip:+19998887777@x>")),
    "Remote-Party-ID": adds(("Remote-Party-ID", "<sip:+19998887777@x>")),
    "P-Charge-Info": adds(("P-Charge-Info", "<sip:+19998887777@x>")),
    "Identity": adds(("Identity", "x")),
    "Privacy": adds(("Privacy", "id")),
    "Diversion": adds(("Diversion", "<sip:+19998887777@x>;privacy=full")),
    "Require": adds(("Require", "timer")),
    "RSeq": adds(("RSeq", "1")),
    "two Supported": adds(("Supported", "timer"), ("Supported", "100rel")),
    "an anonymous From": lambda sent, _lab: sent.set("From", "<sip:anonymous@anonymous.invalid>;tag=caller"),
    "a name that is no name": adds(("X-\u00e4", "1")),
    "another CSeq": lambda sent, _lab: sent.set("CSeq", "7 " + sent.get("CSeq").split()[1]),
}  # fmt: skip
del BROKEN_ANSWERS["no Content-Length"]  # `render` would add it
BROKEN_INVITE_ANSWERS = BROKEN_ANSWERS | {
    "a proxy's Record-Route": from_another_proxy,
    "SRTP": has_body(sdp("192.0.2.1", profile="RTP/SAVP")),
    "SRTP in small letters": has_body(sdp("192.0.2.1", profile="rtp/savp")),
    "SRTP after a NUL": has_body(sdp("192.0.2.1") + "\0\r\nm=audio 4 RTP/SAVP 0\r\n"),
    "an SDP with a quote": has_body(sdp("192.0.2.1") + "a=x:\"y\"\r\n"),
    "an SDP that is no ASCII": has_body(sdp("192.0.2.1") + "a=\u00e4\r\n"),
    "another body": has_body("x", "text/plain"),
    "a body of parts": has_body("--b\r\n\r\nx\r\n--b--", "multipart/mixed;boundary=b"),
    "a body with parameters": has_body(sdp("192.0.2.1"), "application/sdp;charset=utf-8"),
    "two Content-Types": both(has_body("x"), adds(("Content-Type", "text/b"))),
    "an encoded body": both(has_body(sdp("192.0.2.1")), adds(("Content-Encoding", "gzip"))),
    "a body said to be encoded": both(
        has_body(sdp("192.0.2.1")), adds(("Content-Transfer-Encoding", "base64"))
    ),
    "a Contact that is a name": contact("<sip:x@pbx.invalid:5060>"),
    "a Contact at another address": contact("<sip:x@192.0.2.7:5060>"),
    "a Contact with a name": contact('"x" <sip:x@{telco}:5060>'),
    "a Contact with parameters": contact("<sip:x@{telco}:5060>;q=1"),
    "a Contact with two transports": contact("<sip:x@{telco}:5060;transport=udp;transport=tcp>"),
    "a Contact with a strange transport": contact("<sip:x@{telco}:5060;transport=sctp>"),
    "a Contact with headers": contact("<sip:x@{telco}:5060?a=b>"),
    "a Contact of sips": contact("<sips:x@{telco}:5060>"),
    "a Contact without brackets": contact("sip:x@{telco}:5060"),
    "a Contact that is a star": contact("*"),
    "two Contacts": contact("<sip:x@{telco}:5060>, <sip:y@{telco}:5060>"),
    "two Contact headers": twice("Contact"),
}  # fmt: skip


@pytest.mark.parametrize("which", ("180", "200"))
@pytest.mark.parametrize("change", BROKEN_INVITE_ANSWERS.values(), ids=BROKEN_INVITE_ANSWERS)
def test_an_answer_that_is_not_plain_goes_through_the_door(edges: Edges, which: str, change: Change) -> None:
    """One condition of route[AWAITED] or route[PLAIN_ANSWER_OF_CALL] broken."""
    enters(edges, {"ksr_reply_route INVITE", "ksr_onreply_call INVITE"}.intersection, change={which: change})


@DIRECTIONS
@pytest.mark.parametrize("change", BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS)
def test_an_answer_to_a_bye_that_is_not_plain_goes_through_the_door(
    edges: Edges, outgoing: bool, change: Change
) -> None:
    """One condition of route[AWAITED] or route[PLAIN_ANSWER_IN_DIALOG] broken."""
    wanted = {"ksr_reply_route BYE", "ksr_onreply_dialog BYE"}
    enters(edges, wanted.intersection, outgoing=outgoing, change={"200 of BYE": change})


def test_another_callee_goes_through_the_door(edges: Edges) -> None:
    """A proxy forks: one rings, another takes the call."""
    wanted = {"ksr_onreply_call INVITE", "ksr_request_route ACK", "ksr_request_route BYE"}
    enters(edges, wanted.issubset, change={"180": lambda sent, _: sent.set("To", sent.get("To") + "2")})


def test_a_marked_call_goes_through_the_door(edges: Edges) -> None:
    """From its first answer on; the edges of this file mark a call that asks for it."""
    wanted = {"ksr_onreply_call INVITE", "ksr_request_route ACK", "ksr_request_route BYE"}
    enters(edges, wanted.issubset, headers=[("X-Test-Mark", "media")])


CONTACTS = (
    "<sip:{telco}>",
    "<sip:{telco}:5061>",
    "<sip:+442079460000@{telco};transport=tcp>",
    "<sip:u@{telco}:5060;transport=udp;ob>",
    "<sip:u@{telco}:5070;transport=tls;x=y>",
    "<sip:u@{telco};transport=tls>",
)


@pytest.mark.parametrize("which", ("180", "200"))
@pytest.mark.parametrize("value", CONTACTS)
def test_contacts_of_the_address_that_was_called_are_plain(edges: Edges, which: str, value: str) -> None:
    """And what is remembered of them is what Python remembers."""
    play, entered = played(edges, change={which: contact(value)})
    assert [each for each in entered if "onreply" in each or "reply_route" in each] == []
    assert play.memory["callee0"].startswith("c- sip:")


@SIDES
@pytest.mark.parametrize("transport", ("tcp", "tls"))
def test_a_plain_call_over_a_connection_enters_python_once(edges: Edges, transport: str, by: str) -> None:
    """While the connection lives; once it is gone, Python tells where the side is reached."""
    with ExitStack() as stack:
        lab = Lab(edges.native, edges.block, stack)
        lab.serve()
        tls = client_context() if transport == "tls" else None
        pbx, telco = lab.agent(PBX, transport=transport, tls=tls), lab.agent(TELCO)
        near, far, _, _ = established(lab, pbx, telco, outgoing=True)
        end(*((near, telco) if by == "caller" else (far, pbx)))
        assert entries(lab.edge, near.call_id) == ONCE

        if transport == "tls":
            return  # this agent has no certificate to be called back with
        near, far, _, _ = established(lab, pbx, telco, outgoing=True)
        pbx.hang_up_connections()
        wait_until_hung_up(lab.edge, pbx.address)
        end(far, pbx)
        assert "ksr_request_route BYE" in entries(lab.edge, near.call_id)

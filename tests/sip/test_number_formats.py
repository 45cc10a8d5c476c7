"""Carriers that write numbers in a form of their own, on the wire: whole calls, each way, and a failover."""

from __future__ import annotations

from sipedge.table.rows import NumberFormatRow
from support.lab import OWN_NUMBER, PBX, Lab
from support.sipmessage import sdp
from support.sipua import UserAgent
from support.tables import make_carrier, make_gateway

BRITISH = NumberFormatRow("National", "International00", "44")


def test_a_call_in_national_form_and_its_failover(lab: Lab, pbx: UserAgent) -> None:
    """The second carrier writes E.164, and is shown nothing of what the first one was; each header once."""
    first, second = lab.agent(31), lab.agent(32)
    gateways = [
        make_gateway(first.address, 5060, carrier="one", priority=1, uri_params=";user=phone"),
        make_gateway(second.address, 5060, carrier="two", priority=2),
    ]
    carriers = [make_carrier("one", number_format=BRITISH), make_carrier("two")]
    lab.serve(carriers=carriers, sources={}, routes={"+": gateways})
    invite = lab.call_out(pbx)
    received = first.wait("INVITE")
    assert received.uri == f"sip:02079460000@{first.address}:5060;user=phone"
    assert [value.partition(";")[0] for value in received.all("From")] == [
        "<sip:0014155550100@trunkline.test>"
    ]
    assert received.all("P-Asserted-Identity") == ["<sip:0014155550100@trunkline.test>"]
    assert len(received.all("To")) == 1
    assert "sip:02079460000@" in received.header("To")
    first.respond(received, 503)
    received = second.wait("INVITE")
    assert received.uri == f"sip:+442079460000@{second.address}:5060"
    assert [value.partition(";")[0] for value in received.all("From")] == [
        f"<sip:{OWN_NUMBER}@trunkline.test>"
    ]
    assert received.all("P-Asserted-Identity") == [f"<sip:{OWN_NUMBER}@trunkline.test>"]
    assert len(received.all("To")) == 1
    second.respond(received, 200, "OK", body=sdp(second.address))
    leg = invite.leg(pbx.wait(status=200))
    leg.send("ACK")
    second.wait("ACK")
    leg.send("BYE")
    bye = second.wait("BYE")
    assert bye.header("From").startswith(f"<sip:{OWN_NUMBER}@trunkline.test>")
    second.respond(bye, 200)
    pbx.wait("BYE", status=200)


def test_calls_alike_to_carriers_that_write_numbers_differently(lab: Lab, pbx: UserAgent) -> None:
    """Whatever a worker remembers of the calls before, each carrier is shown From, To and PAI once."""
    british, other = lab.agent(31), lab.agent(32)
    gateways = {
        "+44": [make_gateway(british.address, 5060, carrier="one")],
        "+49": [make_gateway(other.address, 5060, carrier="two")],
    }
    carriers = [make_carrier("one", number_format=BRITISH), make_carrier("two")]
    lab.serve(carriers=carriers, sources={}, routes=gateways)
    for called, carrier, shown in (
        ("+442079460000", british, f"00{OWN_NUMBER[1:]}"),
        ("+493012345678", other, OWN_NUMBER),
    ) * 8:
        invite = lab.call_out(pbx, called)
        received = carrier.wait("INVITE", call_id=invite.call_id)
        sender = f"<sip:{shown}@trunkline.test>"
        assert [value.partition(";")[0] for value in received.all("From")] == [sender]
        assert received.all("P-Asserted-Identity") == [sender]
        assert len(received.all("To")) == 1
        carrier.respond(received, 486)
        assert invite.final().status == 486


def test_later_messages_have_the_numbers_of_the_first(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Each side sees its own From and To: the PBX its own, the carrier those that it was shown."""
    lab.serve(carriers=[make_carrier(number_format=BRITISH)])
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    telco.respond(received, 200, "OK", body=sdp(telco.address))
    answer = pbx.wait(status=200)
    assert OWN_NUMBER in answer.header("From")
    leg = invite.leg(answer)
    leg.send("ACK")
    telco.wait("ACK")
    leg.send("BYE")
    bye = telco.wait("BYE")
    assert "<sip:0014155550100@trunkline.test>" in bye.header("From")
    assert "sip:02079460000@" in bye.header("To")
    telco.respond(bye, 200)
    pbx.wait("BYE", status=200)


def test_a_call_that_is_brought_in_national_form(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """The PBX sees E.164 alone, and its answers come back to the carrier as that has written them."""
    own = "+442079461111"
    lab.serve(carriers=[make_carrier(number_format=BRITISH)], numbers={own: "acme/hq"})
    invite = lab.call_in(telco, "02079461111", caller="0012125550199")
    received = pbx.wait("INVITE")
    assert received.uri == f"sip:{own}@{lab.block.address(PBX)}:5060"
    assert "sip:+12125550199@" in received.header("From")
    assert len(received.all("From")) == len(received.all("To")) == 1
    pbx.respond(received, 200, "OK", body=sdp(pbx.address))
    answer = telco.wait(status=200)
    assert "sip:0012125550199@" in answer.header("From")
    leg = invite.leg(answer)
    leg.send("ACK")
    pbx.wait("ACK")
    leg.send("BYE")
    bye = pbx.wait("BYE")
    assert "sip:+12125550199@" in bye.header("From")
    pbx.respond(bye, 200)
    telco.wait("BYE", status=200)


def test_a_call_over_another_transport_is_dropped(lab: Lab, telco: UserAgent) -> None:
    """acceptTransports: what comes over UDP may be anybody's; over TCP it is the carrier."""
    lab.serve(carriers=[make_carrier(accept_transports=("tcp", "tls"))])
    lab.call_in(telco)
    assert telco.silence(0.3) == []
    over_tcp = lab.agent(30, 5062, "tcp")
    assert lab.call_in(over_tcp, "+14159999999").final().status == 404

"""From the PSTN to the PBX: which number goes where, and how the INVITE looks (S45-S61, S81, S84-S89)."""

from __future__ import annotations

import pytest

from support.lab import FAR_NUMBER, OWN_NUMBER, PBX, TELCO, Lab
from support.sipmessage import Message, sdp
from support.sipua import Invite, UserAgent, callee_leg, send_invite
from support.tables import make_account, make_carrier, make_target, make_trunk


def arrives(invite: Invite, pbx: UserAgent) -> Message:
    """The INVITE as the PBX got it; the call is then declined and over."""
    received = pbx.wait("INVITE")
    pbx.respond(received, 486, "Busy Here")
    assert invite.final().status == 486
    return received


def test_a_call_reaches_the_pbx_and_the_pbx_ends_it(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """S45, S47: a whole call whose BYE comes from the customer."""
    invite = lab.call_in(telco)
    received = pbx.wait("INVITE")
    assert received.uri == f"sip:{OWN_NUMBER}@{pbx.address}:5060"
    pbx.respond(received, 200, body=sdp(pbx.address))
    leg = invite.leg(telco.wait(status=200))
    leg.send("ACK")
    pbx.wait("ACK")
    callee_leg(pbx, received, lab.edge_at).send("BYE")
    telco.respond(telco.wait("BYE"), 200)
    pbx.wait("BYE", status=200)


def test_the_number_of_the_users_example(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """S97: `sip:mysbc.com` makes `sip:+14158675309@mysbc.com`; the name is resolved by the agent."""
    from sipedge.table import ResolvedAddress, ResolvedRow

    lab.serve(
        trunk={"targets": (make_target("mysbc.com"),)},
        numbers={"+14158675309": "acme/hq"},
        resolved={"mysbc.com||": ResolvedRow((ResolvedAddress(pbx.address, 5060, "udp"),))},
    )
    assert arrives(lab.call_in(telco, "+14158675309"), pbx).uri == "sip:+14158675309@mysbc.com"


@pytest.mark.parametrize(
    "called",
    (OWN_NUMBER, OWN_NUMBER[1:], f"{OWN_NUMBER};npdi;rn=+14155551234"),
)
def test_a_carrier_may_leave_out_the_plus_and_add_parameters(
    lab: Lab, pbx: UserAgent, telco: UserAgent, called: str
) -> None:
    """Wire rule: parameters of the user are dropped, digits without `+` get one."""
    assert arrives(lab.call_in(telco, called), pbx).uri == f"sip:{OWN_NUMBER}@{pbx.address}:5060"


@pytest.mark.parametrize("uri", (f"tel:{OWN_NUMBER}", "tel:+1-415-555-0100;ext=7", "TEL:+1(415)555.0100"))
def test_a_tel_uri_is_the_number_that_it_writes(lab: Lab, pbx: UserAgent, telco: UserAgent, uri: str) -> None:
    """RFC 3966: visual separators say nothing."""
    call = send_invite(telco, lab.edge_at, uri, caller=FAR_NUMBER)
    assert arrives(call, pbx).uri == f"sip:{OWN_NUMBER}@{pbx.address}:5060"


@pytest.mark.parametrize(
    "uri",
    (
        f"sip:{OWN_NUMBER[1:]};phone-context=+1@{{edge}};user=phone",
        f"sip:{OWN_NUMBER};Phone-Context=x@{{edge}}",
        f"sip:{OWN_NUMBER[1:]}%3Bphone-context=x@{{edge}}",
        f"sip:{OWN_NUMBER[1:]}@{{edge}};phone-context=+1",
        f"tel:{OWN_NUMBER[1:]};phone-context=+1",
        f"tel:{OWN_NUMBER[1:]}",
    ),
)
def test_a_local_number_is_nobody_s(lab: Lab, telco: UserAgent, uri: str) -> None:
    """RFC 3966 section 5.1.5: it means something in one network alone."""
    call = send_invite(telco, lab.edge_at, uri.format(edge=lab.edge.address), caller=FAR_NUMBER)
    assert call.final().status == 404


def test_a_number_that_is_not_there_gets_404(lab: Lab, telco: UserAgent) -> None:
    """S45: also for something that is no number at all."""
    for called in ("+14155550199", "nobody", "911"):
        assert lab.call_in(telco, called).final().status == 404


def test_a_held_number_gets_404(lab: Lab, telco: UserAgent) -> None:
    """S86-S89: without a trunk a number is kept, but not routed."""
    lab.serve(numbers={OWN_NUMBER: None, "+14155550101": "acme/gone"})
    assert lab.call_in(telco).final().status == 404
    assert lab.call_in(telco, "+14155550101").final().status == 404


def test_a_single_number_overrides_its_range(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """S84, S85: a DID block is one row; one number of it may go elsewhere."""
    other = lab.agent(21)
    lab.serve(
        trunks=[
            make_trunk(targets=(make_target(pbx.address, 5060),)),
            make_trunk("acme/lab", targets=(make_target(other.address, 5060),)),
        ],
        numbers={"+14155551500": "acme/lab"},
        ranges={("+14155551000", "+14155551999"): "acme/hq"},
    )
    arrives(lab.call_in(telco, "+14155551000"), pbx)
    arrives(lab.call_in(telco, "+14155551999"), pbx)
    arrives(lab.call_in(telco, "+14155551500"), other)
    assert lab.call_in(telco, "+14155552000").final().status == 404
    assert lab.call_in(telco, "+141555510000").final().status == 404


def test_a_moved_number_goes_the_new_way_and_its_call_stays(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """S86: the next call sees the new table, the call in progress does not notice."""
    other = lab.agent(21)
    invite = lab.call_in(telco)
    received = pbx.wait("INVITE")
    pbx.respond(received, 200, body=sdp(pbx.address))
    leg = invite.leg(telco.wait(status=200))
    leg.send("ACK")
    pbx.wait("ACK")
    lab.serve(trunk={"targets": (make_target(other.address, 5060),)})
    arrives(lab.call_in(telco), other)
    leg.send("BYE")
    pbx.respond(pbx.wait("BYE"), 200)
    telco.wait("BYE", status=200)


def test_a_user_part_is_used_for_every_number_and_diversion_tells_which(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """S48, S49, S81: fixed user; the dialled number in a Diversion on top of the carrier's own."""
    lab.serve(trunk={"targets": (make_target(pbx.address, 5060, uri_user="ivr"),)})
    carriers_own = ("Diversion", "<sip:+19998887777@telco.example>;reason=no-answer")
    received = arrives(lab.call_in(telco, headers=[carriers_own]), pbx)
    assert received.uri == f"sip:ivr@{pbx.address}:5060"
    assert received.all("Diversion") == [
        f"<sip:{OWN_NUMBER}@trunkline.test>;reason=unconditional",
        carriers_own[1],
    ]


def test_headers_of_the_uri_go_on_its_invites(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """S50: any X- header."""
    headers = (("X-Env", "prod"), ("X-Team", "voice one"))
    lab.serve(trunk={"targets": (make_target(pbx.address, 5060, headers=headers),)})
    received = arrives(lab.call_in(telco), pbx)
    assert received.all("X-Env") == ["prod"]
    assert received.all("X-Team") == ["voice one"]


def test_a_header_of_the_uri_cannot_bring_a_second_one(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Whatever a table says, a line break in a value stays within its line."""
    headers = (("X-Env", "prod\r\nX-Injected: 1\n\rX-Too: 2"),)
    lab.serve(trunk={"targets": (make_target(pbx.address, 5060, headers=headers),)})
    received = arrives(lab.call_in(telco), pbx)
    assert received.all("X-Injected") == []
    assert received.all("X-Too") == []
    assert received.header("X-Env").startswith("prod ")


def test_parameters_of_the_uri_stay_in_the_request_uri(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """S55: what is not the platform's own is kept."""
    lab.serve(trunk={"targets": (make_target(pbx.address, 5060, uri_params=";user=phone"),)})
    assert arrives(lab.call_in(telco), pbx).uri == f"sip:{OWN_NUMBER}@{pbx.address}:5060;user=phone"


def test_an_uri_that_leaves_from_another_edge_is_no_candidate_here(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """S55: the platform has no such edge any more, so the next URI is tried."""
    targets = (
        make_target(lab.block.address(99), 5060, egress=("dublin",), priority=1),
        make_target(pbx.address, 5060, egress=("ashburn",), priority=2),
    )
    lab.serve(trunk={"targets": targets})
    arrives(lab.call_in(telco), pbx)


def test_a_trunk_without_an_enabled_uri_gets_480(lab: Lab, telco: UserAgent) -> None:
    """S61: 32010."""
    lab.serve(trunk={"targets": ()})
    answer = lab.call_in(telco).final()
    assert (answer.status, answer.header("X-Trunkline-Error")) == (480, "32010 No Enabled Origination URI")


def test_a_suspended_account_receives_no_calls(lab: Lab, telco: UserAgent) -> None:
    """Spec 2.4: 603 both ways."""
    lab.serve(accounts=[make_account(suspended=True)])
    assert lab.call_in(telco).final().status == 603


def test_the_caller_is_shown_as_the_carrier_says(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """From is untouched; PAI, RPID and Identity of a carrier are trusted."""
    headers = [
        ("P-Asserted-Identity", f"<sip:{FAR_NUMBER}@telco.example>"),
        ("Remote-Party-ID", f"<sip:{FAR_NUMBER}@telco.example>"),
        ("Identity", "eyJ0;info=<https://cert.example/a>;alg=ES256"),
    ]
    received = arrives(lab.call_in(telco, headers=headers), pbx)
    assert f"sip:{FAR_NUMBER}@" in received.header("From")
    for name, value in headers:
        assert received.all(name) == [value]


def test_privacy_hides_the_asserted_identity_from_the_customer(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """RFC 3325: with `Privacy: id` neither PAI nor RPID reaches the PBX."""
    headers = [
        ("Privacy", "id;critical"),
        ("P-Asserted-Identity", f"<sip:{FAR_NUMBER}@telco.example>"),
        ("Remote-Party-ID", f"<sip:{FAR_NUMBER}@telco.example>"),
    ]
    received = arrives(
        lab.call_in(telco, from_header="<sip:anonymous@anonymous.invalid>;tag=1", headers=headers), pbx
    )
    assert received.all("P-Asserted-Identity") == []
    assert received.all("Remote-Party-ID") == []


def test_the_customer_gets_the_platforms_ids(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Exactly one of each on the INVITE, whatever came in; the carrier sees none in the answer."""
    invite = lab.call_in(
        telco, headers=[("X-Trunkline-AccountSid", "forged"), ("X-Trunkline-Other", "forged")]
    )
    received = pbx.wait("INVITE")
    assert received.all("X-Trunkline-AccountSid") == [make_account().sid]
    assert [value[:2] for value in received.all("X-Trunkline-CallSid")] == ["CA"]
    assert received.all("X-Trunkline-Other") == []
    pbx.respond(received, 200, headers=[("X-Trunkline-CallSid", "back")])
    answer = telco.wait(status=200)
    assert "x-trunkline" not in answer.raw.decode().lower()
    invite.leg(answer).send("ACK")
    pbx.wait("ACK")


def test_a_network_of_a_carrier_brings_calls_whatever_the_host_says(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """A call from a Carrier's source range is origination, even to a termination domain."""
    lab.serve(sources={f"{lab.block.prefix}.0/27": "telco", f"{lab.block.address(TELCO)}/32": "telco"})
    invite = lab.call_out(telco, OWN_NUMBER, caller=FAR_NUMBER)
    assert arrives(invite, pbx).header("Diversion")


def test_a_number_on_a_trunk_of_another_account_brings_that_accounts_id(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """Two tenants on one edge."""
    other = lab.agent(21)
    lab.serve(
        accounts=[make_account(), make_account("other")],
        trunks=[
            make_trunk(targets=(make_target(lab.block.address(PBX), 5060),)),
            make_trunk("other/lab", targets=(make_target(other.address, 5060),)),
        ],
        carriers=[make_carrier()],
        numbers={OWN_NUMBER: "acme/hq", "+493012345678": "other/lab"},
    )
    received = arrives(lab.call_in(telco, "+493012345678"), other)
    assert received.all("X-Trunkline-AccountSid") == [make_account("other").sid]

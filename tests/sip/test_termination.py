"""From the customer's PBX to the PSTN: who may call whom, and what the carrier is told (S26-S44, S83)."""

from __future__ import annotations

import pytest

from support.lab import FAR_NUMBER, OWN_NUMBER, PBX, TELCO, Lab
from support.sipmessage import Message, digest_answer, sdp
from support.sipua import Invite, UserAgent
from support.tables import make_account, make_carrier, make_gateway, make_trunk

LISTS = ("acme/users",)
PASSWORD = "Correct-Horse-9"


def refusal(invite: Invite) -> tuple[int, str, str]:
    """Status, text and X-Trunkline-Error of a refused call."""
    answer = invite.final()
    return answer.status, answer.reason, answer.header("X-Trunkline-Error")


def sent_on(lab: Lab, telco: UserAgent, invite: Invite) -> Message:
    """The INVITE as the carrier got it; the call is then declined and over."""
    received = telco.wait("INVITE")
    telco.respond(received, 486, "Busy Here")
    assert invite.final().status == 486
    return received


def test_a_call_reaches_the_carrier_and_its_answer_the_pbx(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """S43: INVITE, 180, 200, ACK, BYE; the number is dialled at the carrier's gateway."""
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    assert received.uri == f"sip:{FAR_NUMBER}@{telco.address}:5060"
    telco.respond(received, 180, "Ringing")
    assert pbx.wait(status=180).reason == "Ringing"
    telco.respond(received, 200, "OK", body=sdp(telco.address))
    answer = pbx.wait(status=200)
    leg = invite.leg(answer)
    leg.send("ACK")
    telco.wait("ACK")
    leg.send("BYE")
    telco.respond(telco.wait("BYE"), 200)
    pbx.wait("BYE", status=200)


@pytest.mark.parametrize(
    "host",
    (
        "acme-hq.pstn.trunkline.test",
        "acme-hq.pstn.ashburn.trunkline.test",
        "acme-hq.pstn.us1.trunkline.test",
        "ACME-HQ.PSTN.Trunkline.TEST",
        "acme-hq.pstn.trunkline.test:5099",
    ),
)
def test_every_form_of_the_termination_domain_is_known(
    lab: Lab, pbx: UserAgent, telco: UserAgent, host: str
) -> None:
    """S27, S30: general, by edge, by region; any case, any port."""
    sent_on(lab, telco, lab.call_out(pbx, host=host))


@pytest.mark.parametrize(
    "host",
    (
        "pstn.trunkline.test",
        "nobody.pstn.trunkline.test",
        "acme-hq.pstn.dublin.example",
        "example.com",
        "127.0.0.99",
    ),
)
def test_an_unknown_host_is_dropped_without_an_answer(
    lab: Lab, pbx: UserAgent, telco: UserAgent, host: str
) -> None:
    """Spec 0.2(2): no 4xx for a Request-URI that is none of ours."""
    lab.call_out(pbx, host=host)
    assert pbx.silence() == []
    assert telco.silence(0.1) == []


def test_a_suspended_account_is_declined(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Spec 2.4: 603 with 32005."""
    lab.serve(accounts=[make_account(suspended=True)])
    assert refusal(lab.call_out(pbx)) == (603, "Decline", "32005 Decline")
    assert telco.silence(0.1) == []


def test_a_trunk_without_any_authentication_takes_no_calls(lab: Lab, pbx: UserAgent) -> None:
    """S26, S34."""
    lab.serve(trunk={"access": None})
    assert refusal(lab.call_out(pbx)) == (403, "No Valid Authentication", "32200 No Valid Authentication")


def test_a_source_outside_the_access_list_is_refused_before_any_challenge(lab: Lab, telco: UserAgent) -> None:
    """S36: 403 to the INVITE without digest, never 407."""
    lab.serve(trunk={"credential_lists": LISTS}, credentials={("acme/users", "pbx"): PASSWORD})
    stranger = lab.agent(66)
    status, _, error = refusal(lab.call_out(stranger))
    assert (status, error) == (403, "32201 Source Address Not Allowed")
    assert telco.silence(0.1) == []


def test_an_access_list_takes_networks(lab: Lab, telco: UserAgent) -> None:
    """S36: an entry may be a range."""
    lab.serve(trunk={"access": ("192.0.2.0/24", f"{lab.block.prefix}.64/28")})
    sent_on(lab, telco, lab.call_out(lab.agent(66)))
    assert refusal(lab.call_out(lab.agent(80)))[0] == 403


def with_credentials(lab: Lab) -> None:
    lab.serve(
        trunk={"credential_lists": LISTS},
        credentials={("acme/users", "pbx"): PASSWORD, ("other/users", "spy"): PASSWORD},
    )


def challenge_of(lab: Lab, pbx: UserAgent, called: str = FAR_NUMBER) -> tuple[Invite, str]:
    """A call without credentials, and the challenge that it got."""
    invite = lab.call_out(pbx, called)
    answer = invite.final()
    assert answer.status == 407
    return invite, answer.header("Proxy-Authenticate")


def answer_challenge(
    lab: Lab,
    invite: Invite,
    challenge: str,
    *,
    username: str = "pbx",
    password: str = PASSWORD,
    called: str = FAR_NUMBER,
    call_id: str | None = None,
) -> Invite:
    value = digest_answer(
        challenge, username, password, "INVITE", f"sip:{called}@acme-hq.pstn.trunkline.test"
    )
    return lab.call_out(
        invite.agent,
        called,
        headers=[("Proxy-Authorization", value)],
        call_id=call_id or invite.call_id,
        from_header=invite.local,
        cseq=2,
    )


def test_credentials_are_asked_for_and_taken(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """S37, S38: 407 with realm sip.<base>, qop auth, MD5; the digest never travels on."""
    with_credentials(lab)
    first, challenge = challenge_of(lab, pbx)
    assert 'realm="sip.trunkline.test"' in challenge
    assert 'qop="auth"' in challenge
    assert "algorithm" not in challenge
    received = sent_on(lab, telco, answer_challenge(lab, first, challenge))
    assert received.all("Proxy-Authorization") == []
    assert received.cseq == 2


@pytest.mark.parametrize(
    ("username", "password"), (("pbx", "Wrong-Horse-99"), ("nobody", PASSWORD), ("spy", PASSWORD))
)
def test_a_wrong_password_an_unknown_user_and_a_foreign_user_get_the_same_answer(
    lab: Lab, pbx: UserAgent, telco: UserAgent, username: str, password: str
) -> None:
    """S37: 403 with 32202, whatever was wrong."""
    with_credentials(lab)
    first, challenge = challenge_of(lab, pbx)
    again = answer_challenge(lab, first, challenge, username=username, password=password)
    assert refusal(again) == (403, "Forbidden", "32202 Forbidden")
    assert telco.silence(0.1) == []


def test_either_of_two_lists_may_hold_the_password(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """S37: the same user in two lists may have two passwords; both pass."""
    lab.serve(
        trunk={"credential_lists": ("acme/old", "acme/new")},
        credentials={("acme/old", "pbx"): "Old-Password-1", ("acme/new", "pbx"): PASSWORD},
    )
    for password in ("Old-Password-1", PASSWORD):
        first, challenge = challenge_of(lab, pbx)
        sent_on(lab, telco, answer_challenge(lab, first, challenge, password=password))


def test_a_captured_answer_is_worth_nothing_for_another_number_or_call(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """The nonce holds for one Request-URI and Call-ID: anything else is challenged anew."""
    with_credentials(lab)
    first, challenge = challenge_of(lab, pbx)
    other_number = answer_challenge(lab, first, challenge, called="+4912345678")
    answer = other_number.final()
    assert answer.status == 407
    assert "stale=true" in answer.header("Proxy-Authenticate")
    other_call = answer_challenge(lab, first, challenge, call_id="another-call")
    assert other_call.final().status == 407
    assert telco.silence(0.1) == []


def test_a_digest_for_another_realm_counts_as_none(lab: Lab, pbx: UserAgent) -> None:
    """A PBX behind another proxy may send that one's credentials too."""
    with_credentials(lab)
    foreign = (
        'Digest username="pbx", realm="elsewhere", nonce="x", uri="sip:x@y", response="' + "0" * 32 + '"'
    )
    invite = lab.call_out(pbx, headers=[("Proxy-Authorization", foreign)])
    assert invite.final().status == 407


def test_both_kinds_of_list_are_enforced_together(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """S35: the right address without credentials is challenged."""
    with_credentials(lab)
    challenge_of(lab, pbx)
    assert telco.silence(0.1) == []


@pytest.mark.parametrize(
    "called", ("14155550199", "+0155550199", "+", "+1415555019912345", "anonymous", "+1-415")
)
def test_a_number_that_is_no_e164_is_refused(lab: Lab, pbx: UserAgent, telco: UserAgent, called: str) -> None:
    """S44: 400 for what is not `+` and 2 to 15 digits."""
    assert refusal(lab.call_out(pbx, called)) == (400, "Invalid Phone Number", "")
    assert telco.silence(0.1) == []


def test_the_shortest_and_the_longest_number_pass(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """S44: 2 and 15 digits."""
    for called in ("+12", "+123456789012345"):
        sent_on(lab, telco, lab.call_out(pbx, called))


def test_emergency_numbers_need_no_plus_and_a_number_of_the_same_trunk(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """Spec 0.2(1), 2.9: 911 goes to an emergency-capable carrier, from a number of this trunk alone."""
    lab.serve(
        routes={"emergency": [make_gateway(telco.address, 5060)]},
        caller_ids=[("acme", "+442079460999")],
    )
    for dialled in ("911", "+1911"):
        received = sent_on(lab, telco, lab.call_out(pbx, dialled))
        assert received.uri == f"sip:911@{telco.address}:5060"
    assert refusal(lab.call_out(pbx, "911", caller="+442079460999"))[2] == "32204 Invalid Caller ID"


def test_a_caller_id_that_is_not_owned_is_refused(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """S40: 403 Invalid Caller ID with 32204."""
    status, text, error = refusal(lab.call_out(pbx, caller="+14155550999"))
    assert (status, text, error) == (403, "Invalid Caller ID", "32204 Invalid Caller ID")
    assert telco.silence(0.1) == []


def test_owned_ranges_and_verified_numbers_are_caller_ids(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """S40: single numbers, DID ranges, and CallerIds of the same account."""
    lab.serve(
        ranges={("+14155551000", "+14155551999"): "acme/hq"},
        caller_ids=[("acme", "+442079460999"), ("other", "+33123456789")],
    )
    for caller in (OWN_NUMBER, "+14155551500", "+442079460999", OWN_NUMBER[1:]):
        sent_on(lab, telco, lab.call_out(pbx, caller=caller))
    assert refusal(lab.call_out(pbx, caller="+33123456789"))[0] == 403
    assert refusal(lab.call_out(pbx, caller="+14155552000"))[0] == 403


@pytest.mark.parametrize(
    "headers",
    (
        [("Remote-Party-ID", f"<sip:{OWN_NUMBER}@pbx.example>;party=calling")],
        [("P-Asserted-Identity", f'"HQ" <sip:{OWN_NUMBER}@pbx.example>')],
        [("P-Asserted-Identity", f"<tel:{OWN_NUMBER}>")],
    ),
)
def test_without_a_number_in_from_the_other_headers_are_read(
    lab: Lab, pbx: UserAgent, telco: UserAgent, headers: list[tuple[str, str]]
) -> None:
    """S41: From, then Remote-Party-ID, then P-Asserted-Identity."""
    sent_on(lab, telco, lab.call_out(pbx, caller="anonymous", headers=headers))


def test_from_comes_before_the_other_headers(lab: Lab, pbx: UserAgent) -> None:
    """S41: a number in From decides, even beside a better one elsewhere."""
    headers = [("P-Asserted-Identity", f"<sip:{OWN_NUMBER}@pbx.example>")]
    assert refusal(lab.call_out(pbx, caller="+14155550999", headers=headers))[2] == "32204 Invalid Caller ID"


def test_a_call_without_any_calling_number_is_refused(lab: Lab, pbx: UserAgent) -> None:
    """S41: 403 with 32206."""
    assert refusal(lab.call_out(pbx, caller="anonymous"))[2] == "32206 Invalid Caller ID"


def test_the_carrier_sees_one_asserted_identity_and_no_claimed_one(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """Identity headers of a PBX are replaced by one PAI of the number that was checked; Privacy passes."""
    claimed = [
        ("P-Asserted-Identity", "<sip:+19999999999@x>"),
        ("P-Preferred-Identity", "<sip:+19999999999@x>"),
        ("Remote-Party-ID", "<sip:+19999999999@x>"),
        ("P-Charge-Info", "<sip:+19999999999@x>"),
        ("Privacy", "id"),
    ]
    received = sent_on(lab, telco, lab.call_out(pbx, headers=claimed))
    assert received.all("P-Asserted-Identity") == [f"<sip:{OWN_NUMBER}@trunkline.test>"]
    for name in ("P-Preferred-Identity", "Remote-Party-ID", "P-Charge-Info"):
        assert received.all(name) == []
    assert received.header("Privacy") == "id"


def test_diversions_of_others_pass_and_forged_ones_of_the_platform_do_not(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """S82, S83: in the platform's own domain the number must be the account's."""
    diversions = [
        ("Diversion", "<sip:+19998887777@pbx.example>;reason=no-answer"),
        ("Diversion", "<sip:+19998887777@trunkline.test>;reason=no-answer"),
        ("Diversion", f"<sip:{OWN_NUMBER}@sub.trunkline.test>"),
    ]
    received = sent_on(lab, telco, lab.call_out(pbx, headers=diversions))
    assert received.all("Diversion") == [
        "<sip:+19998887777@pbx.example>;reason=no-answer",
        f"<sip:{OWN_NUMBER}@sub.trunkline.test>",
    ]


def test_only_headers_of_the_allow_list_travel(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Spec 2.6, 0.2(9): the rest is dropped, session timers included."""
    received = sent_on(
        lab,
        telco,
        lab.call_out(
            pbx,
            headers=[
                ("X-Mine", "kept"),
                ("User-to-User", "56a390f3d2b7310023a2;encoding=hex"),
                ("Subject", "dropped"),
                ("User-Agent", "dropped"),
                ("P-Foo", "dropped"),
                ("Session-Expires", "1800"),
                ("x", "1800"),
                ("Min-SE", "90"),
                ("Supported", "timer, 100rel, replaces"),
                ("Require", "timer"),
                ("Allow", "INVITE, ACK"),
            ],
        ),
    )
    assert received.header("X-Mine") == "kept"
    assert received.header("User-to-User") == "56a390f3d2b7310023a2;encoding=hex"
    assert received.all("Supported") == ["100rel, replaces"]
    assert received.header("Allow") == "INVITE, ACK"
    for name in ("Subject", "User-Agent", "P-Foo", "Session-Expires", "x", "Min-SE", "Require"):
        assert received.all(name) == [], name


def test_no_carrier_takes_the_number(lab: Lab, pbx: UserAgent) -> None:
    """Spec 2.4: 503 without a number."""
    lab.serve(routes={"+1": [make_gateway(lab.block.address(TELCO), 5060)]})
    assert refusal(lab.call_out(pbx, "+4912345678")) == (503, "No Route to Destination", "")


def test_the_longest_prefix_decides(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """The carrier with the longest matching prefix takes the call."""
    other = lab.agent(31)
    lab.serve(
        carriers=[make_carrier(), make_carrier("far")],
        routes={
            "+": [make_gateway(telco.address, 5060)],
            "+44": [make_gateway(other.address, 5060, carrier="far")],
            "+4420": [make_gateway(telco.address, 5060)],
        },
    )
    sent_on(lab, other, lab.call_out(pbx, "+44161000000"))
    sent_on(lab, telco, lab.call_out(pbx, "+442000000"))


@pytest.mark.parametrize(
    ("secure", "profile", "error"),
    ((False, "RTP/SAVP", "32207 Secure Media Not Enabled"),),
)
def test_srtp_on_a_trunk_that_is_not_secure_is_refused(
    lab: Lab, pbx: UserAgent, secure: bool, profile: str, error: str
) -> None:
    """Spec 0.2(4): not best effort."""
    lab.serve(trunk={"secure": secure})
    assert refusal(lab.call_out(pbx, body=sdp(pbx.address, profile=profile))) == (488, error[6:], error)


def test_a_secure_trunk_refuses_udp(lab: Lab, pbx: UserAgent) -> None:
    """S20."""
    lab.serve(trunk={"secure": True})
    assert refusal(lab.call_out(pbx))[2] == "32208 Secure Transport Required"


def test_2xx_answers_carry_the_platforms_ids_and_carriers_never_see_them(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """X-Trunkline-AccountSid and -CallSid go to the customer alone; forged ones are removed both ways."""
    invite = lab.call_out(pbx, headers=[("X-Trunkline-CallSid", "forged")])
    received = telco.wait("INVITE")
    assert "x-trunkline" not in received.raw.decode().lower()
    telco.respond(received, 183, headers=[("X-Trunkline-CallSid", "forged")])
    assert pbx.wait(status=183).all("X-Trunkline-CallSid") == []
    telco.respond(received, 200, headers=[("X-Trunkline-CallSid", "forged")])
    answer = pbx.wait(status=200)
    assert answer.all("X-Trunkline-AccountSid") == [make_account().sid]
    assert [len(value) for value in answer.all("X-Trunkline-CallSid")] == [34]
    leg = invite.leg(answer)
    leg.send("ACK")
    assert "x-trunkline" not in telco.wait("ACK").raw.decode().lower()
    leg.send("BYE")
    telco.respond(telco.wait("BYE"), 200)


def test_two_trunks_are_told_apart_by_their_domain(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """The domain of one trunk does not open the other's access list."""
    pbx_only = (f"{lab.block.address(PBX)}/32",)
    lab.serve(
        accounts=[make_account(), make_account("other")],
        trunks=[
            make_trunk(access=pbx_only),
            make_trunk("other/lab", access=("192.0.2.1/32",)),
        ],
    )
    sent_on(lab, telco, lab.call_out(pbx))
    assert refusal(lab.call_out(pbx, host="other-lab.pstn.trunkline.test"))[2].startswith("32201")

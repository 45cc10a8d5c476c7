"""What one caller can do with one Call-ID and From-tag."""

from __future__ import annotations

from support.dialogs import end, established
from support.events import events
from support.lab import OWN_NUMBER, PBX, Lab
from support.patience import until
from support.sipmessage import new_token, sdp
from support.sipua import Invite, UserAgent

LIMIT = 2


def with_limit(lab: Lab) -> None:
    lab.serve(trunk={"access": (f"{lab.block.address(PBX)}/32",), "max_concurrent_calls": LIMIT})


def counted(lab: Lab) -> dict[str, int]:
    """Calls in progress, by what they count for."""
    rows = lab.edge.rpc("htable.dump", "calls")
    return {each["name"]: each["value"] for row in rows for each in row["slot"]}


def two_alike(lab: Lab, pbx: UserAgent, cseq: int = 1) -> tuple[Invite, Invite]:
    """Two INVITEs of one Call-ID and From-tag: other number, other branch, the same or the next CSeq."""
    call_id, caller = new_token(), f"<sip:{OWN_NUMBER}@x.example>;tag={new_token()}"
    first = lab.call_out(pbx, called="+442079460011", call_id=call_id, from_header=caller)
    pbx.wait("INVITE", status=100)
    second = lab.call_out(pbx, called="+442079460012", call_id=call_id, cseq=cseq, from_header=caller)
    return first, second


def test_calls_that_share_call_id_and_from_tag_are_all_counted(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """Kamailio takes an INVITE with the Call-ID and From-tag of one that still rings for a spiral of it: both
    would be one dialog, and when the one ends nobody counts, times or records the other."""
    with_limit(lab)
    up = 0
    for _ in range(LIMIT + 1):
        legs = []
        sent = two_alike(lab, pbx, cseq=2)
        came = [telco.wait("INVITE")]
        while any(each.is_request and each.method == "INVITE" for each in telco.silence()):
            came.append(telco.wait("INVITE"))
        for received in came:
            telco.respond(received, 200, body=sdp(telco.address), tag=new_token())
            answer = pbx.wait("INVITE", status=200)
            leg = sent[int(answer.header("CSeq").split()[0]) - 1].leg(answer)
            leg.send("ACK", cseq=leg.cseq)
            telco.wait("ACK")
            legs.append(leg)
        leg = legs.pop(0)
        leg.send("BYE")
        telco.respond(telco.wait("BYE"), 200)
        pbx.wait("BYE", status=200)
        up += len(legs)
    assert up <= LIMIT


def test_the_second_of_two_alike_is_refused_and_the_first_goes_on(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """RFC 3261 section 8.2.2.2. The first call is counted once, and given back once."""
    with_limit(lab)
    before = counted(lab)
    for cseq in (1, 2, 1, 2):
        first, second = two_alike(lab, pbx, cseq)
        refusal = pbx.wait("INVITE", status=482)
        second.ack_refusal(refusal)
        telco.respond(telco.wait("INVITE"), 200, body=sdp(telco.address))
        leg = first.leg(pbx.wait("INVITE", status=200))
        leg.send("ACK")
        telco.wait("ACK")
        leg.send("BYE")
        telco.respond(telco.wait("BYE"), 200)
        pbx.wait("BYE", status=200)
    # Calls that earlier tests have left up may end meanwhile; none may be more.
    assert all(number <= before.get(key, 0) for key, number in counted(lab).items())


def test_a_call_may_be_tried_again_with_its_own_call_id(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """RFC 3261 section 8.1.3.5: after a refusal, at once, with the next CSeq."""
    with_limit(lab)
    call_id, caller = new_token(), f"<sip:{OWN_NUMBER}@x.example>;tag={new_token()}"
    for cseq in (1, 2, 3):
        invite = lab.call_out(pbx, call_id=call_id, cseq=cseq, from_header=caller)
        telco.respond(telco.wait("INVITE"), 488)
        assert invite.final().status == 488


def test_two_calls_after_one_another_have_two_ids(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Of events of one CallSid the first of each kind counts: the second call would leave no record."""
    call_id, caller = new_token(), f"<sip:{OWN_NUMBER}@x.example>;tag={new_token()}"
    for _ in range(2):
        options = {"call_id": call_id, "from_header": caller}
        leg, _, _, _ = established(lab, pbx, telco, outgoing=True, **options)
        end(leg, telco)
        pbx.silence(0.3)

    def begun() -> list[str]:
        """The id of each of them."""
        return [each["callSid"] for each in events(lab.edge) if each.get("sipCallId") == call_id]

    until(lambda: len(begun()) == 2, "both are told")
    assert len(set(begun())) == 2

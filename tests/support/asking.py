"""Asks an edge too much: by OPTIONS, and by digests that are wrong."""

from __future__ import annotations

from support.lab import FAR_NUMBER, Lab
from support.patience import until
from support.sipmessage import digest_answer, new_token, render
from support.sipua import Invite, UserAgent

PASSWORD = "Correct-Horse-9"
HOST = "acme-hq.pstn.trunkline.test"


def serve_users(lab: Lab) -> None:
    """The trunk asks any source for the digest of `pbx` or `desk`."""
    users = {("acme/users", "pbx"): PASSWORD, ("acme/users", "desk"): PASSWORD}
    lab.serve(trunk={"access": None, "credential_lists": ("acme/users",)}, credentials=users)


def shown(lab: Lab, agent: UserAgent, password: str, user: str = "pbx") -> Invite:
    """A call with this password, after its challenge."""
    first = lab.call_out(agent)
    answer = first.final()
    assert answer.status == 407
    uri = f"sip:{FAR_NUMBER}@{HOST}"
    value = digest_answer(answer.header("Proxy-Authenticate"), user, password, "INVITE", uri=uri)
    return lab.call_out(
        agent,
        headers=[("Proxy-Authorization", value)],
        call_id=first.call_id,
        from_header=first.local,
        cseq=2,
    )


def is_silent(lab: Lab, agent: UserAgent, password: str, user: str = "pbx") -> bool:
    """True if a call with this password gets silence after its challenge: the edge says that it brakes."""
    before = braked(lab)
    invite = shown(lab, agent, password, user)

    def is_answered() -> bool:
        heard = [each for each in agent.silence(0.02) if each.call_id == invite.call_id]
        return any(each.status >= 200 for each in heard)

    until(lambda: is_answered() or braked(lab) > before, "the call is judged")
    return not is_answered()


def goes_on(lab: Lab, telco: UserAgent, agent: UserAgent, user: str = "pbx") -> bool:
    """A call with the right password reaches the carrier, which is busy."""
    invite = shown(lab, agent, PASSWORD, user)
    telco.respond(telco.wait("INVITE", call_id=invite.call_id), 486)
    return invite.final().status == 486


def refused(lab: Lab, *reasons: str) -> int:
    """How often the edge refused or dropped for one of these reasons; without any, for whatever reason."""
    dump = lab.edge.rpc("htable.dump", "count")
    slots = {slot["name"]: int(slot["value"]) for entry in dump for slot in entry["slot"]}
    of_nobody = {name[2:]: count for name, count in slots.items() if name.startswith("-|")}
    return sum(count for reason, count in of_nobody.items() if not reasons or reason in reasons)


def braked(lab: Lab) -> int:
    """How many requests got silence for having been too many."""
    return refused(lab, "OptionsTooOften", "SourceScans", "WrongDigestsTooOften")


def ask(lab: Lab, agent: UserAgent, host: str = HOST) -> str:
    """Sends an OPTIONS; gives its Call-ID."""
    call_id = new_token()
    fields = [
        agent.via(),
        ("Max-Forwards", "70"),
        ("From", "<sip:pbx@pbx.example>;tag=1"),
        ("To", f"<sip:{host}>"),
        ("Call-ID", call_id),
        ("CSeq", "1 OPTIONS"),
    ]
    agent.send(render(f"OPTIONS sip:{host} SIP/2.0", fields), lab.edge_at)
    return call_id


def answered(lab: Lab, agent: UserAgent, times: int, host: str = HOST) -> int:
    """How many of so many OPTIONS get their 200; each of the others is braked."""
    before = braked(lab)
    ids = {ask(lab, agent, host) for _ in range(times)}

    def served() -> int:
        return len(ids & {each.call_id for each in agent.silence(0.02) if each.status == 200})

    until(lambda: served() + braked(lab) - before >= times, "each is answered or braked")
    return served()

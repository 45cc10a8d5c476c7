"""Who answers, told by headers that no request may bring."""

from __future__ import annotations

import pytest

from support.dialogs import established
from support.lab import FAR_NUMBER, Lab
from support.sipua import UserAgent

OTHER = "<sip:+12025550199@bank.example>"
TELLING = ("History-Info", "Reply-To", "P-Associated-URI", "P-Called-Party-ID")


@pytest.mark.parametrize("name", TELLING)
def test_a_customers_answer_asserts_nobody(lab: Lab, pbx: UserAgent, telco: UserAgent, name: str) -> None:
    lab.call_in(telco)
    pbx.respond(pbx.wait("INVITE"), 180, headers=[(name, OTHER)])
    assert telco.wait("INVITE", status=180).all(name) == []


@pytest.mark.parametrize("name", TELLING)
def test_the_answer_of_a_hidden_caller_does_not_tell_it(
    lab: Lab, pbx: UserAgent, telco: UserAgent, name: str
) -> None:
    """The caller asked its carrier to stay unknown; its answers in the dialog must not tell the number."""
    _, far, _, _ = established(lab, telco, pbx, outgoing=False, headers=[("Privacy", "id")])
    far.send("INFO")
    telco.respond(telco.wait("INFO"), 200, headers=[(name, f"<sip:{FAR_NUMBER}@telco.example>")])
    assert pbx.wait("INFO", status=200).all(name) == []

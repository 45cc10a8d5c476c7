"""What `explain` tells of a REFER, and of what follows it in its call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipedge.routing.dialog.decisions import DialogDecision, RefuseInDialog
from sipedge.routing.dialog.judge import within_dialog
from sipedge.routing.dialog.memory import ADOPTED
from sipedge.routing.reasons import Reason
from sipedge.table.transfer import TransferRow
from support.calls import known_user_passes, make_platform, make_request, table_of
from support.memories import make_facts, make_memory
from trunkline.cli.explain.document import later_document
from trunkline.cli.explain.later import LaterPassage
from trunkline.cli.explain.message import SipText
from trunkline.cli.explain.text import later_text
from trunkline.cli.terminal import PLAIN

MEMORY = make_memory(make_facts())
TABLE = table_of(make_platform(trunk={"transfer": TransferRow("EnableAll")}))


def judged(method: str, refer_to: str = "", mark: str = "") -> tuple[str, object]:
    """The sentence and `transferTo` of a request of the PBX, which called."""
    memory = replace(MEMORY, mark=mark)
    request = make_request(method=method, source="192.0.2.1", headers={"refer-to": (refer_to,)})
    decision: DialogDecision = within_dialog(TABLE, request, memory, by_caller=True, digest=known_user_passes)
    passage = LaterPassage(decision, True, SipText(method), memory)
    return later_text(passage, PLAIN), later_document(passage)["transferTo"]


@pytest.mark.parametrize(
    ("refer_to", "told", "target"),
    (
        ("<sip:bob@pbx.example>", "calls sip:bob@pbx.example for the other side", "sip:bob@pbx.example"),
        ("<tel:+442079460001>", "calls +442079460001 for the other side", "+442079460001"),
        (
            "<sip:b@p.example?Replaces=x%3Bto-tag%3Da%3Bfrom-tag%3Db>",
            "that Replaces names",
            "sip:b@p.example",
        ),
        ("<tel:911>", "Refused with 403", None),
        ("", "Refused with 400", None),
    ),
)
def test_whom_a_refer_has_called(refer_to: str, told: str, target: str | None) -> None:
    text, named = judged("REFER", refer_to)
    assert told in text
    assert named == target


def test_an_emergency_call_stays_where_it_is() -> None:
    memory = make_memory(make_facts(emergency=True))
    request = make_request(
        method="REFER", source="192.0.2.1", headers={"refer-to": ("<sip:bob@pbx.example>",)}
    )
    decision = within_dialog(TABLE, request, memory, by_caller=True, digest=known_user_passes)
    assert isinstance(decision, RefuseInDialog)
    assert decision.reason is Reason.TransferNotAllowed


def test_what_follows_goes_to_the_b2bua() -> None:
    text, named = judged("BYE", mark=ADOPTED[True])
    assert "B2BUA, which stands between the two sides" in text
    assert named is None

"""What an agent would have found for a message, drawn and put where the edge and `explain` both read it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from sipedge.routing.authenticate import DigestResult
from sipedge.routing.lookups import CallerNameQuestion, Lookups, Question
from sipedge.routing.route import route
from sipedge.routing.stir.questions import SignQuestion, VerifyQuestion
from sipedge.store.writer import Change
from sipedge.table import MemoryRows, Section, Table
from sipedge.table.codec import pack_row
from sipedge.table.rows import AnswerRow
from support.explained import Peered
from support.odd_messages import Case
from trunkline.cli.explain.message import read_message
from trunkline.cli.explain.request import Arrival, request_of

_UNKNOWN = 0.06
"""So many questions nobody answers in time: the call waits for nothing, and goes on."""


def learn(peered: Peered, case: Case) -> None:
    """Answers to all that this message asks."""
    table = Table(MemoryRows(peered.table))
    site = table.site()
    arrival = Arrival(
        case.sender.address, 5060, case.sender.transport, peered.lab.edge.address, case.username
    )
    request = request_of(read_message(case.raw), arrival, site.realm if site else "")
    asked = route(table, request, digest=lambda _: DigestResult.OK, dice=lambda: 0.0)
    if not isinstance(asked, Lookups):
        return
    dice = Random(f"answers {case.number}")
    drawn = ((each.key, _answer(dice, each)) for each in asked.questions)
    found = {key: AnswerRow(text) for key, text in drawn if text is not None}
    learned = peered.lab.edge.learned
    assert learned is not None
    rows = {key.encode(): pack_row(row) for key, row in found.items()}
    learned.apply(Change({Section.ANSWER: rows}, {}))
    known = peered.table.sections.get(Section.ANSWER, {})
    sections = {**peered.table.sections, Section.ANSWER: {**known, **found}}
    peered.table = replace(peered.table, sections=sections)


def _answer(dice: Random, question: Question) -> str | None:
    if dice.random() < _UNKNOWN:
        return None
    match question:
        case CallerNameQuestion():
            return dice.choice(("JANE ROE", "ACME 24 & <CO>", "Zoë", ""))
        case SignQuestion():
            made = f"eyJh.{dice.getrandbits(64):x}.c2ln"
            return f"{made};info=<https://certificates.example/1>;alg=ES256;ppt=shaken"
        case VerifyQuestion(is_customers=True):
            return dice.choice(
                ("TN-Validation-Passed-A-Passthrough good", "TN-Validation-Failed-B-Passthrough bad key")
            )
        case VerifyQuestion():
            return dice.choice(
                ("TN-Validation-Passed-A good", "TN-Validation-Failed-C expired", "No-TN-Validation stale")
            )
    return None

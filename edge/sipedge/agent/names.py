"""Answers what calls ask of names that no table has: by DNS, as the resolver does for those that one has."""

from __future__ import annotations

from typing import Final

from sipedge.agent.kept_answers import Share
from sipedge.agent.location import Name
from sipedge.agent.lookups import Answer
from sipedge.agent.questions import Dns, NoAnswerError
from sipedge.agent.resolver import Resolver, find, holding_seconds
from sipedge.routing.lookups import NameQuestion
from sipedge.table.rows import ResolvedRow, Section

SILENT_SECONDS: Final = 5.0
"""For how long a name is not asked again of which DNS said nothing."""


class NameAnswerer:
    """`resolver` follows the names that the table itself has: their rows are its own."""

    section = Section.RESOLVED
    share = Share(at_once=64, at_once_of_account=8, kept=2_000, kept_of_account=100)
    seconds = NameQuestion.MILLISECONDS / 1000

    def __init__(self, dns: Dns, resolver: Resolver) -> None:
        self._dns, self._resolver = dns, resolver

    def is_kept_elsewhere(self, question: NameQuestion) -> bool:
        return self._resolver.is_followed(name_of(question))

    async def answer(self, question: NameQuestion) -> Answer:
        name = name_of(question)
        if self._resolver.is_followed(name):
            await self._resolver.first_answer(name)
            return Answer(None, 0)
        try:
            found = await find(name, self._dns, lenient=True)
        except NoAnswerError:
            return Answer(None, SILENT_SECONDS)
        return Answer(ResolvedRow(found.addresses) if found.addresses else None, holding_seconds(found))


def name_of(question: NameQuestion) -> Name:
    """The name as DNS is asked for it."""
    return Name(question.host, question.port, question.transport)

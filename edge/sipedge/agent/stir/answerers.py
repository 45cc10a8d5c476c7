"""Answers what calls ask of STIR/SHAKEN, from the files of a directory for as long as there are some."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sipedge.agent.faults import Faults
from sipedge.agent.kept_answers import Share
from sipedge.agent.lookups import Answer, Answerer
from sipedge.agent.questions import Dns
from sipedge.contract import STIR_KEYS
from sipedge.routing.stir.questions import SignQuestion, VerifyQuestion
from sipedge.table import SiteRow
from sipedge.table.rows import AnswerRow, Section

if TYPE_CHECKING:
    from sipedge.agent.stir.desk import Desk

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
SIGNED_SECONDS: Final = 5.0
"""A signature is for one call, which reads it at once."""
JUDGED_SECONDS: Final = 5.0
"""A verdict, for the same INVITE that comes again by another address of the edge's."""
TOPIC: Final = "STIR/SHAKEN"


class StirFiles:
    """Keeps a desk that signs by the files as they are now; None while they cannot be used."""

    def __init__(
        self, directory: Path | None, dns: Dns, site: Callable[[], SiteRow | None], faults: Faults
    ) -> None:
        self._directory, self._dns, self._site, self._faults = directory, dns, site, faults
        self._seen: object = None
        self._fault: str | None = None
        self.desk: Desk | None = None

    def answerers(self) -> dict[str, Answerer]:
        """By the kind of question; none where no call will ask."""
        if self._directory is None:
            return {}
        return {SignQuestion.KIND: SignAnswerer(self), VerifyQuestion.KIND: VerifyAnswerer(self)}

    async def run(self) -> None:
        """Look at the files again and again, until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Take the files as they are now. Faults are told; what is in use stays so while new ones are bad."""
        if self._directory is None:
            return
        seen = _signature(self._directory)
        if not any(seen):
            self._seen, self.desk, self._fault = seen, None, self._fault_of_absence()
        elif seen != self._seen:
            self._seen, self._fault = seen, self._load(self._directory)
        self._faults.set(TOPIC, self._fault or (self.desk.fault() if self.desk else None))

    def _fault_of_absence(self) -> str | None:
        site = self._site()
        if site is None or not site.stir_shaken:
            return None
        return "the certificate is missing: calls go on without a signature, and none is judged"

    def _load(self, directory: Path) -> str | None:
        # Where the platform has none, nobody pays for these libraries.
        try:
            from sipedge.agent.stir.desk import Desk
            from sipedge.agent.stir.fetching import Certificates
            from sipedge.agent.stir.material import MaterialError, read_material
        except ImportError as error:
            return f"python3-jwt or python3-openssl is missing ({error}): install it"
        try:
            desk = Desk(read_material(directory), Certificates(self._dns, self._site))
        except MaterialError as error:
            return f"{error}; {'the last ones stay in use' if self.desk else 'nothing is signed or judged'}"
        self.desk = desk
        log.info("the STIR/SHAKEN certificate is in use")
        return None


class SignAnswerer:
    """Signs at once, or not at all."""

    section = Section.ANSWER
    share = Share(at_once=256, at_once_of_account=256, kept=8_000, kept_of_account=4_000)
    seconds = 1.0

    def __init__(self, files: StirFiles) -> None:
        self._files = files

    def is_kept_elsewhere(self, question: SignQuestion) -> bool:
        return False

    async def answer(self, question: SignQuestion) -> Answer:
        desk = self._files.desk
        signed = None if desk is None else desk.sign(question)
        return Answer(None if signed is None else AnswerRow(signed), SIGNED_SECONDS)


class VerifyAnswerer:
    """Judges, after it has fetched what it needs for that."""

    section = Section.ANSWER
    share = Share(at_once=128, at_once_of_account=16, kept=500, kept_of_account=100)
    seconds = 8.0

    def __init__(self, files: StirFiles) -> None:
        self._files = files

    def is_kept_elsewhere(self, question: VerifyQuestion) -> bool:
        return False

    async def answer(self, question: VerifyQuestion) -> Answer:
        desk = self._files.desk
        return Answer(None if desk is None else AnswerRow(await desk.judge(question)), JUDGED_SECONDS)


def _signature(directory: Path) -> tuple[tuple[int, ...], ...]:
    """Changes with every change of one of the files; () for one that is not there."""
    found: list[tuple[int, ...]] = []
    for name in STIR_KEYS:
        try:
            status = (directory / name).stat()
        except OSError:
            found.append(())
        else:
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)

"""What STIR/SHAKEN is to one call: what is asked of the agent first, and what is made of its answer. Pure.

A carrier's PASSporT is judged, passed on, and the customer told the verdict. A customer's call is signed; a
customer who has signed it already is let through if all of that is proven, and refused if it is not. What
nobody could judge or sign in time goes on as if it had never been asked. Emergency calls are left alone.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from sipedge.e164 import is_e164
from sipedge.routing.call import Call, TrunkPlan
from sipedge.routing.decision import UNCHANGED, Direction, HeaderChanges, Parties
from sipedge.routing.findings import Finding, failed, passed, skipped
from sipedge.routing.reasons import Reason
from sipedge.routing.stir.questions import SignQuestion, VerifyQuestion, verify_question
from sipedge.routing.stir.verdicts import (
    HEADER,
    NOT_VALIDATED,
    attested,
    bound_fault,
    has_passed,
    judged_identities,
)
from sipedge.sha256 import sha256_hex
from sipedge.table import SiteRow

IDENTITY: Final = "Identity"
_UUID: Final = re.compile(r"(.{8})(.{4})(.{4})(.{4})(.{12})")


def is_signed(plan: TrunkPlan, site: SiteRow) -> bool:
    """True where calls are signed and signatures judged."""
    return site.stir_shaken


def questions_of(call: Call) -> tuple[VerifyQuestion | SignQuestion, ...]:
    """What is asked before the call goes on: nothing, or one, unless its answer is known."""
    if not call.site.stir_shaken:
        return ()
    question = _question(call)
    return () if question is None or call.table.answer(question.key) is not None else (question,)


def _question(call: Call) -> VerifyQuestion | SignQuestion | None:
    if call.is_emergency:
        return None
    values = _judged(call)
    if values:
        is_customers = call.direction is Direction.TERMINATION
        return (
            None
            if bound_fault(values)
            else verify_question(values, call.calling, call.called, is_customers=is_customers)
        )
    if call.direction is Direction.ORIGINATION or not (is_e164(call.calling) and is_e164(call.called)):
        return None
    request = call.request
    return SignQuestion(
        attestation_of(customer_known=True, number_known=_owns_number(call)),
        call.calling,
        call.called,
        _origin(call.trunk.sid),
        _hash_of(request.call_id, request.from_tag, request.header("cseq")),
    )


@lru_cache(maxsize=1)  # as that of a question
def _hash_of(call_id: str, tag: str, cseq: str) -> str:
    return sha256_hex(f"{call_id}\n{tag}\n{cseq}")


def attestation_of(*, customer_known: bool, number_known: bool) -> str:
    """How much of a call is known (RFC 8588 section 4): the customer and the right to the number; the
    customer alone; neither, so that only where it came in is told.
    """
    if not customer_known:
        return "C"
    return "A" if number_known else "B"


def customers_passport(call: Call) -> Finding:
    """A customer's own PASSporT must be good, where it could be judged."""
    if call.direction is Direction.ORIGINATION or call.is_emergency or not _judged(call):
        return skipped("the customer has signed nothing")
    verdict, why = _verdict(call)
    if verdict is None:
        return skipped("it could not be judged in time, and is left out")
    return passed(verdict) if has_passed(verdict) else failed(Reason.PassportInvalid, why or verdict)


def verstat_of(call: Call) -> str | None:
    """The verdict on the PASSporTs that the call bears; None if it bears none, or nobody could judge."""
    return _verdict(call)[0] if call.site.stir_shaken else None


def has_proven_number(call: Call) -> bool:
    """True if the call bears a PASSporT that has passed, and whose signer knows the right to the number."""
    verdict = verstat_of(call) or ""
    return has_passed(verdict) and attested(verdict) == "A"


def attestation_told(call: Call) -> str | None:
    """What the carrier is told of the call, by us or by its customer: A, B or C; None if nothing is."""
    if not call.site.stir_shaken or call.direction is Direction.ORIGINATION:
        return None
    question = _question(call)
    if isinstance(question, SignQuestion):
        return question.attestation if call.table.answer(question.key) else None
    verdict = verstat_of(call) or ""
    return attested(verdict) if has_passed(verdict) else None


def change_signature(call: Call, parties: Parties) -> HeaderChanges:
    """The verdict for a PBX; for a carrier our PASSporT, or the customer's own if it is good."""
    if not call.site.stir_shaken:
        return UNCHANGED
    if call.direction is Direction.ORIGINATION:
        verdict = verstat_of(call)
        return UNCHANGED if verdict is None else HeaderChanges(insert=((HEADER, verdict),))
    question = _question(call)
    if isinstance(question, SignQuestion):
        signed = call.table.answer(question.key)
        return HeaderChanges(append=((IDENTITY, signed),)) if signed else UNCHANGED
    if has_passed(verstat_of(call) or ""):
        return HeaderChanges(append=tuple((IDENTITY, value) for value in _judged(call)))
    return UNCHANGED


def tell_signature(call: Call, parties: Parties, changes: HeaderChanges) -> Finding | None:
    if not call.site.stir_shaken:
        return None
    if call.direction is Direction.ORIGINATION:
        verdict, why = _verdict(call)
        if not _judged(call):
            return skipped("the caller's carrier has signed nothing")
        return passed(f"{verdict}: {why}") if verdict else skipped("it could not be judged in time")
    question = _question(call)
    if isinstance(question, SignQuestion):
        known = "customer and number" if question.attestation == "A" else "customer alone"
        how = f"attestation {question.attestation}: {known} known"
        return passed(how) if changes.append else skipped(f"not signed in time ({how})")
    return passed("the customer's own PASSporT") if changes.append else skipped("nothing is signed")


def _verdict(call: Call) -> tuple[str | None, str]:
    """The verdict, and why in words."""
    values = _judged(call)
    if not values or call.is_emergency:
        return None, ""
    if fault := bound_fault(values):
        return NOT_VALIDATED, fault
    is_customers = call.direction is Direction.TERMINATION
    question = verify_question(values, call.calling, call.called, is_customers=is_customers)
    answer = call.table.answer(question.key)
    if not answer:
        return None, ""
    verdict, _, why = answer.partition(" ")
    return verdict, why


def _judged(call: Call) -> tuple[str, ...]:
    values = call.request.headers.get("identity")
    return judged_identities(values) if values else ()


def _owns_number(call: Call) -> bool:
    return call.table.is_caller_id(call.trunk.account, call.calling)


def _origin(sid: str) -> str:
    """The UUID that a trunk's SID holds."""
    return "-".join(_UUID.fullmatch(sid[2:]).groups()) if len(sid) == 34 else ""  # type: ignore[union-attr]

"""`trunkline validate --fetch`: are call instructions there, and can they be followed?

They are asked for as an edge asks, but from this machine: whether an edge may reach the URL, its platform
says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sipedge.b2bua.twiml.asking import CallParameters, request
from sipedge.b2bua.twiml.read import DocumentError, read
from sipedge.b2bua.voice.documents import signing
from sipedge.b2bua.voice.fetch import HttpFetcher
from sipedge.b2bua.voice.guard import Rules
from sipedge.b2bua.voice.names import DnsNames
from sipedge.b2bua.voice.parts import Failure
from sipedge.secret import Secret
from sipedge.table import SiteRow
from trunkline.api import Account, ObjectRef, Resources, Trunk
from trunkline.api.trunk import DisasterRecovery
from trunkline.cli.finding import Finding
from trunkline.compiler.sids import account_sid

FIELD: Final = "spec.origination.disasterRecovery.url"
_AT_ONCE: Final = 8
_CALL_SID: Final = f"CA{'0' * 32}"
"""By which an application can tell that nobody calls."""
_CALLER, _CALLED = "+15005550006", "+15005550007"
"""Numbers that are nobody's."""
_ANYWHERE: Final = Rules(SiteRow("", None, "", (), (), (), False), ("0.0.0.0/0", "::/0"))


PlaceOf = Callable[[ObjectRef], tuple[str, int]]
"""File and line of a trunk's URL."""


def nowhere(ref: ObjectRef) -> tuple[str, int]:
    """Of a trunk in a cluster."""
    return "-", 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an edge would ask for a trunk."""

    trunk: Trunk
    recovery: DisasterRecovery
    account_sid: str
    token: Secret | None


@dataclass(frozen=True, slots=True)
class _Told:
    """One thing to be said of an answer."""

    reason: str
    message: str
    severity: str


def instruction_findings(resources: Resources, place_of: PlaceOf = nowhere) -> tuple[Finding, ...]:
    """What is wrong with the instructions of every trunk that has any."""
    asked = tuple(_all_asked(resources))
    answers = asyncio.run(_ask_all(asked))
    return tuple(
        _finding(each.trunk.ref, told, *place_of(each.trunk.ref))
        for each, found in zip(asked, answers, strict=True)
        for told in found
    )


def _all_asked(resources: Resources) -> Iterator[_Asked]:
    accounts = [
        each for each in resources.objects.get(Account.kind, {}).values() if isinstance(each, Account)
    ]
    for trunk in resources.objects.get(Trunk.kind, {}).values():
        if not isinstance(trunk, Trunk) or trunk.spec.origination.disaster_recovery is None:
            continue
        namespace = trunk.metadata.namespace or ""
        account = next((each for each in accounts if namespace in each.spec.namespaces), None)
        name = f"default/{namespace}" if account is None else account.metadata.name
        yield _Asked(
            trunk,
            trunk.spec.origination.disaster_recovery,
            account_sid(resources.platform.base_domain, name),
            None if account is None else _token(resources, account),
        )


def _token(resources: Resources, account: Account) -> Secret | None:
    ref = account.spec.auth_token_secret_ref
    if ref is None:
        return None
    values = resources.secrets.get((resources.platform.system_namespace, ref.name), {})
    value = values.get(ref.key)
    return value if isinstance(value, Secret) else None


async def _ask_all(asked: tuple[_Asked, ...]) -> list[tuple[_Told, ...]]:
    fetcher, room = HttpFetcher(DnsNames(None)), asyncio.Semaphore(_AT_ONCE)

    async def ask(each: _Asked) -> tuple[_Told, ...]:
        async with room:
            return await _ask(fetcher, each)

    return await asyncio.gather(*map(ask, asked))


async def _ask(fetcher: HttpFetcher, asked: _Asked) -> tuple[_Told, ...]:
    call = CallParameters(_CALL_SID, asked.account_sid, _CALLER, _CALLED)
    wanted = request(asked.recovery.method, asked.recovery.url, call.fields("ringing"), None)
    answer = await fetcher.ask(wanted, _ANYWHERE, sign=signing(asked.token))
    if isinstance(answer, Failure):
        message = (
            f"no call instructions can be fetched from here: {answer.why} (callers will hear an apology: "
            "correct the URL, or what answers there)"
        )
        return (_Told("InstructionsNotFetched", message, "error"),)
    try:
        document = read(answer.body)
    except DocumentError as error:
        message = (
            f"the answer is not a document of call instructions: {error} (answer with XML whose root is "
            "<Response>)"
        )
        return (_Told("InstructionsNotReadable", message, "error"),)
    notes = tuple(_Told("InstructionPassedOver", note, "warning") for note in document.notes)
    if document.verbs:
        return notes
    message = "no instruction is left to follow, so callers are refused with 603 (write <Say> or <Dial>)"
    return (*notes, _Told("InstructionsEmpty", message, "warning"))


def _finding(ref: ObjectRef, told: _Told, file: str, line: int) -> Finding:
    return Finding(file, line, FIELD, told.reason, told.message, told.severity, ref=ref)

"""The transfer of a test call: its REFER, what the edge told of it, and how that is put in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sipedge.printable import printable
from trunkline.cli.call.request import CallRequest
from trunkline.cli.call.trace import SipMessage

_STATUS_LINE: Final = re.compile(r"SIP/2\.0 ([1-6]\d\d)\b *(.*)")
HANG_UP_SECONDS: Final = 8.0
"""How much longer than it may ring the edge is given to tell how the transfer ended."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one NOTIFY says of the target (a message/sipfrag, RFC 3515 section 2.4.5)."""

    status: int | None
    """None: its body has no status line."""
    text: str
    """The status and its phrase."""
    over: bool
    """It is the last one."""


@dataclass(frozen=True, slots=True)
class TransferResult:
    """How the transfer of a call went."""

    to: str
    asked: bool
    """A REFER was sent: else the call was over before."""
    answer: SipMessage | None
    """The final response to the REFER; None = none came."""
    told: tuple[Told, ...]

    @property
    def succeeded(self) -> bool:
        """The target has answered, and no more is to come."""
        last = self.told[-1] if self.told else None
        return last is not None and last.over and last.status is not None and 200 <= last.status < 300


def transfer_result(to: str, messages: Iterable[SipMessage]) -> TransferResult:
    """What the call's messages tell of its transfer."""
    passed = tuple(messages)
    asked = any(each.sent and each.status is None and each.method == "REFER" for each in passed)
    answers = [
        each for each in passed if not each.sent and each.method == "REFER" and (each.status or 0) >= 200
    ]
    notified = [each for each in passed if not each.sent and each.method == "NOTIFY" and each.status is None]
    distinct = {each.header("CSeq"): each for each in notified}  # a NOTIFY that came again is told once
    return TransferResult(to, asked, next(iter(answers), None), tuple(map(told_by, distinct.values())))


def told_by(notify: SipMessage) -> Told:
    """What a NOTIFY says, whatever it holds."""
    line = notify.body.strip().partition("\n")[0].strip()
    found = _STATUS_LINE.match(line)
    over = notify.header("Subscription-State").lower().startswith("terminated")
    if found is None:
        return Told(None, "nothing that can be read", over)
    return Told(int(found[1]), f"{found[1]} {found[2]}".strip(), over)


def transfer_told(request: CallRequest, result: TransferResult, reasons: str) -> str:
    """One sentence; `reasons` are those of a REFER that was refused, "" if none is known."""
    to, answer = printable(result.to), result.answer
    if result.succeeded:
        return f"Transferred to {to}: {printable(result.told[-1].text)}."
    if not result.asked:
        return f"Not transferred to {to}: the call was over before."
    if answer is None and not result.told:
        return f"Not transferred to {to}: the REFER got no answer."
    if answer is not None and (answer.status or 0) >= 300:
        said = printable(f"{answer.status} {answer.reason_phrase}".strip())
        return f"Not transferred to {to}: the REFER was refused with {said}{reasons}."
    if result.told and result.told[-1].over:
        return f"Not transferred to {to}: {printable(result.told[-1].text)}."
    last = f"; the last was {printable(result.told[-1].text)}" if result.told else ""
    return f"Not transferred to {to}: how it ended was not told within {wait_seconds(request):g} s{last}."


def wait_seconds(request: CallRequest) -> float:
    """How long to wait for each NOTIFY."""
    return request.ring + HANG_UP_SECONDS


def transfer_document(result: TransferResult) -> dict[str, object]:
    """Of `call -o json`."""
    return {
        "to": result.to,
        "succeeded": result.succeeded,
        "referStatus": result.answer.status if result.answer else None,
        "told": [each.text for each in result.told],
    }


def transfer_steps(refer: str, ok: str, refusals: Sequence[int], seconds: float) -> str:
    """The part of a sipp scenario that transfers: from REFER to the NOTIFY that ends it, then `hangup`.

    `refer` and `ok` are messages in sipp's words; an answer of `refusals` ends it. A BYE ends the call.
    The 202 may come after a NOTIFY (RFC 6665 section 4.1.2.4). sipp answers
    none before it, so that the edge tells it again.
    """
    wait = max(1, round(seconds * 1000))
    refused = "\n".join(
        f'  <recv response="{each}" response_txn="refer" optional="true" next="hangup"/>' for each in refusals
    )
    return f"""  <send retrans="500" start_txn="refer">{refer}</send>
  <recv response="100" response_txn="refer" optional="true"/>
  <recv response="202" response_txn="refer" optional="true" next="told"/>
{refused}
  <recv request="BYE" optional="true" next="ended"/>
  <recv request="NOTIFY" timeout="{wait}" ontimeout="hangup"/>
  <recv response="202" response_txn="refer" timeout="{wait}" ontimeout="hangup"/>
  <label id="told"/>
  <recv request="BYE" optional="true" next="ended"/>
  <recv request="NOTIFY" timeout="{wait}" ontimeout="hangup">
    <action>
      <ereg regexp="^ *terminated" search_in="hdr" header="Subscription-State:"
            case_indep="true" assign_to="over"/>
    </action>
  </recv>
  <send next="hangup" test="over">{ok}</send>
  <nop next="told"/>
"""

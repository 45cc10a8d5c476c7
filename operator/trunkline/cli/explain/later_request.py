"""The later message that `explain --in-dialog` is asked about: of options and a call's memory. Pure."""

from __future__ import annotations

from dataclasses import replace

from sipedge.routing.dialog.memory import CallMemory, SideMemory
from sipedge.routing.message.headers import long_name
from sipedge.routing.message.messages import SipAnswer
from trunkline.cli.explain.message import SipText
from trunkline.cli.explain.request import Arrival, CallOptions, MessageOptions, message_of, sender_is_caller

_UNKNOWN = "<sip:unknown.invalid>"


def later_message_of(options: MessageOptions, call: CallOptions, arrival: Arrival) -> SipText:
    """The message as this side of the call would send it, with the headers that each has.

    Raises UsageError for what is no header.
    """
    memory, status, by_caller = call.memory, call.status, sender_is_caller(call)
    if options.whole is not None:
        return options.whole
    sender, receiver = memory.side(caller=by_caller), memory.side(caller=not by_caller)
    own, other = _parties(memory, by_caller=by_caller, is_answer=status is not None)
    ordinary = {"From": own, "To": other}
    if sender.contact and options.method.upper() in ("INVITE", "UPDATE"):
        ordinary["Contact"] = f"<{sender.contact}>"
    given = {long_name(text.partition(":")[0]) for text in options.headers}
    if options.from_uri:
        del ordinary["From"]
    added = [f"{name}: {value}" for name, value in ordinary.items() if name.lower() not in given]
    text = message_of(
        replace(
            options,
            headers=(*added, *options.headers),
            request_uri=options.request_uri or _target(receiver),
        ),
        arrival,
    )
    if status is None:
        return text
    # What an asking side is answered has no hop count.
    headers = tuple(each for each in text.headers if long_name(each[0]) != "max-forwards")
    return replace(text, request_uri="", status=status, phrase="Answer", headers=headers)


def answer_of(text: SipText, arrival: Arrival) -> SipAnswer:
    """The facts that a decision reads of an answer."""
    return SipAnswer(
        source=arrival.source,
        source_port=arrival.source_port,
        transport=arrival.transport,
        connection=None if arrival.transport == "udp" else 1,
        call_id=text.first("call-id"),
        from_tag=text.from_tag,
        to_tag=text.to_tag,
        headers=text.values,
        body=text.body,
        status=text.status,
        phrase=text.phrase,
        method=text.method,
    )


def _target(side: SideMemory) -> str:
    return side.contact or side.hop.uri


def _parties(memory: CallMemory, *, by_caller: bool, is_answer: bool) -> tuple[str, str]:
    """From and To as this side writes them. An answer repeats those of the request."""
    facts = memory.facts
    if facts is None:
        caller, callee = _UNKNOWN, _UNKNOWN
    elif by_caller:
        caller, callee = facts.from_received, facts.to_received
    else:
        caller, callee = facts.from_sent, facts.to_sent
    pair = (f"{caller or _UNKNOWN};tag=caller", f"{callee or _UNKNOWN};tag=callee")
    return pair if by_caller is not is_answer else (pair[1], pair[0])

"""Requests of which a test names only what it is about."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from sipedge.routing.message.messages import SipRequest
from sipedge.routing.message.wellformed import MAXIMUM_HOPS
from sipedge.uri import address_of, bracketed

_TAG: Final = re.compile(r";\s*tag\s*=\s*([^;\s]+)", re.IGNORECASE)


def completed(request: SipRequest) -> SipRequest:
    """The request with what every request has and this one does not say."""
    headers = dict(request.headers)
    usual = {
        "from": "<sip:anonymous@anonymous.invalid>",
        "to": f"<{request.request_uri}>",
        "call-id": request.call_id or "explained",
        "cseq": f"1 {request.method}",
        "max-forwards": str(MAXIMUM_HOPS),
    }
    if request.method == "INVITE":
        usual["contact"] = f"<sip:{bracketed(str(address_of(request.source) or 'contact.invalid'))}>"
    if request.body:
        usual["content-type"] = "application/sdp"
    for name, value in usual.items():
        headers.setdefault(name, (value,))
    whole = replace(request, headers=headers)
    tag = _TAG.search(whole.header("from"))
    return replace(
        whole,
        call_id=request.call_id or whole.header("call-id"),
        from_tag=request.from_tag or (tag[1] if tag else "explained"),
    )

"""What an SDP offer says of encryption (RFC 4568, RFC 8866), as far as a decision needs it."""

from __future__ import annotations

from sipedge.routing.call import Call, Finding, failed, passed, skipped
from sipedge.routing.reasons import Reason


def offered_profiles(body: str) -> tuple[str, ...]:
    """The transport profile of each media line: `RTP/AVP`, `RTP/SAVP`, ...; without refused ones (port 0)."""
    lines = (line.split() for line in body.splitlines() if line.startswith("m="))
    return tuple(line[2].upper() for line in lines if len(line) > 2 and line[1].partition("/")[0] != "0")


def media_allowed(call: Call) -> Finding:
    """S20 and its mirror: a secure trunk takes SRTP alone, any other plain RTP alone."""
    profiles = offered_profiles(call.request.body)
    if not profiles:
        return skipped("no media offered yet")
    if call.trunk.secure:
        plain = next((profile for profile in profiles if "SAVP" not in profile), None)
        if plain is not None:
            return failed(Reason.MediaNotSecure, f"the trunk is secure; {plain} was offered")
    else:
        encrypted = next((profile for profile in profiles if "SAVP" in profile), None)
        if encrypted is not None:
            return failed(Reason.MediaSecureRefused, f"the trunk is not secure; {encrypted} was offered")
    return passed(", ".join(profiles))

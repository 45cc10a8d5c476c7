"""Why a request is nobody's, in words: for the edge's log, for `explain` and for `call`. Pure."""

from __future__ import annotations


def nobodys(source: str, host: str, *, own: bool) -> str:
    """Of a request from no carrier, to a host that is no trunk's; `own` says that it is the platform's.

    "" as host: the Request-URI cannot be read.
    """
    if own:
        return (
            f"{source} is in no Carrier's sourceRanges, and {host} is the platform's: only carriers call it"
        )
    named = f"{host} is no Trunk's termination domain" if host else "the Request-URI cannot be read"
    return f"{named}, and {source} is in no Carrier's sourceRanges"

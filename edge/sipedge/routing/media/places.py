"""Where media may be sent: an SDP names any address, and the relay sends there without a question. Pure."""

from __future__ import annotations

from sipedge.routing.attempts import allowed_targets, is_refused
from sipedge.routing.media.judge import MayBeSentTo
from sipedge.table import Table


def places_of(table: Table, account: str | None, *, is_customer: bool, source: str) -> MayBeSentTo:
    """Whether one side may name an address for its media.

    A customer may name where its message came from (`source`), and else what its calls may be sent to: no
    denied network, and no edge, which would feed the relay to itself. A carrier, which the platform has
    named, and another edge may name any: a carrier may bring a call of this very edge back to it.
    """
    site = table.site()

    def may_be_sent_to(address: str) -> bool:
        if not is_customer or address == source:
            return True
        allowed = allowed_targets(table, account, is_carrier=False)
        return site is not None and not is_refused(site, address, allowed)

    return may_be_sent_to

"""What the B2BUA reads in the edge's table, each time anew."""

from __future__ import annotations

from sipedge.b2bua.voice.guard import rules_of
from sipedge.b2bua.voice.parts import Tenant
from sipedge.store import LmdbRows
from sipedge.table import Table
from sipedge.table.recovery import RecoveryRow


class Tables:
    """The table as it is at the moment of each question."""

    def __init__(self, rows: LmdbRows) -> None:
        self._rows = rows

    def recovery(self, trunk: str) -> RecoveryRow | None:
        """Where a trunk's instructions are asked for; None if it has none any more."""
        with self._rows.transaction() as rows:
            found = Table(rows).trunk(trunk)
        return found.disaster_recovery if found is not None else None

    def base_domain(self) -> str:
        """Of the platform; "" without a table."""
        with self._rows.transaction() as rows:
            site = Table(rows).site()
        return site.base_domain if site is not None else ""

    def recordings_url(self, account: str) -> str:
        """Where an account's recordings go; "" if it does not say so itself."""
        with self._rows.transaction() as rows:
            found = Table(rows).account(account)
        return "" if found is None or found.recordings is None else found.recordings.url

    def tenant(self, account: str) -> Tenant | None:
        """An account of the table, if it may have calls."""
        with self._rows.transaction() as rows:
            table = Table(rows)
            found = table.account(account)
            if found is None or found.suspended:
                return None
            return Tenant(rules_of(table, account), found.auth_token)

"""The edge table: what an edge knows, row by row. The edge owns this schema; the compiler fills it.

`rows` says what a row of each section holds, `codec` how it is stored, `lookup` how a call asks,
`kept` what is made of rows and holds as long as they do, `publication` how a table travels from the control
plane to an edge.
"""

from sipedge.table.kept import Kept
from sipedge.table.lookup import MemoryRows, Rows, Table
from sipedge.table.rows import (
    SCHEMA,
    AccountRow,
    CallerIdRow,
    CarrierRow,
    CredentialRow,
    DomainRow,
    EdgeTable,
    GatewayRow,
    Generation,
    NumberRow,
    ResolvedAddress,
    ResolvedRow,
    RouteRow,
    Row,
    Section,
    SiteRow,
    SourceRow,
    SourcesRow,
    TargetRow,
    TrunkRow,
)

__all__ = [
    "SCHEMA",
    "AccountRow",
    "CallerIdRow",
    "CarrierRow",
    "CredentialRow",
    "DomainRow",
    "EdgeTable",
    "GatewayRow",
    "Generation",
    "Kept",
    "MemoryRows",
    "NumberRow",
    "ResolvedAddress",
    "ResolvedRow",
    "RouteRow",
    "Row",
    "Rows",
    "Section",
    "SiteRow",
    "SourceRow",
    "SourcesRow",
    "Table",
    "TargetRow",
    "TrunkRow",
]

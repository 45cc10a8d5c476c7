"""The edge table: what an edge knows, row by row. The edge owns this schema; the compiler fills it.

`rows` says what a row of each section holds (`carriers`, `site` and others hold some), `codec` how it is
stored, `lookup` how a call asks, `kept` what is made of rows and holds as long as they do, `publication` how
a table travels from the control plane to an edge, `revision` whether what has arrived is one whole revision.
A new row need not be exported here: whoever knows of it imports it from `rows`.
"""

from sipedge.table.kept import Kept
from sipedge.table.lookup import MemoryRows, Rows, Table
from sipedge.table.rows import (
    OLDEST_SCHEMA,
    SCHEMA,
    SECTIONS,
    AccountRow,
    AnswerRow,
    CallerIdRow,
    CaptureRow,
    CarrierRow,
    CredentialRow,
    DomainRow,
    EdgeTable,
    GatewayRow,
    Generation,
    NumberRow,
    Owner,
    ResolvedAddress,
    ResolvedRow,
    RouteRow,
    Row,
    Section,
    SectionSpec,
    SiblingRow,
    SiteRow,
    SourceRow,
    SourcesRow,
    TargetRow,
    TrunkRow,
)

__all__ = [
    "OLDEST_SCHEMA",
    "SCHEMA",
    "SECTIONS",
    "AccountRow",
    "AnswerRow",
    "CallerIdRow",
    "CaptureRow",
    "CarrierRow",
    "CredentialRow",
    "DomainRow",
    "EdgeTable",
    "GatewayRow",
    "Generation",
    "Kept",
    "MemoryRows",
    "NumberRow",
    "Owner",
    "ResolvedAddress",
    "ResolvedRow",
    "RouteRow",
    "Row",
    "Rows",
    "Section",
    "SectionSpec",
    "SiblingRow",
    "SiteRow",
    "SourceRow",
    "SourcesRow",
    "Table",
    "TargetRow",
    "TrunkRow",
]

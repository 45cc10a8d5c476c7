"""What the agent of an edge pod and the operator agree upon beside the table.

On the pod's Lease both sides keep to these bounds: the agent writes nothing beyond them, and the operator
believes nothing else.
"""

from __future__ import annotations

from typing import Final

REVISION: Final = "trunkline.dev/revision"
"""Annotation: the sequence of the table in use, in decimal digits; absent while there is none."""
ADDRESS: Final = "trunkline.dev/address"
"""Annotation: the address that callers are told, an IP address literal; absent while there is none."""
READY: Final = "trunkline.dev/ready"
"""Annotation: `true` while Kamailio serves that sequence and takes calls; anything else means no."""
ERROR: Final = "trunkline.dev/error"
"""Annotation: what is wrong now, in words; absent if nothing is."""

CALLS_PER_SECOND: Final = "TRUNKLINE_CALLS_PER_SECOND"
CALLS_IN_PROGRESS: Final = "TRUNKLINE_CALLS_IN_PROGRESS"
"""Variables of the agent: the pod's `Capacity`, in decimal digits; absent means the default."""
SHARED_MEMORY: Final = "TRUNKLINE_SHARED_MEMORY_MB"
"""Variable of the agent: the most that Kamailio's shared memory may have; absent means no bound."""

LONGEST_ERROR: Final = 512
"""Characters of an error."""
HIGHEST_SEQUENCE: Final = 2**63 - 1
"""Of a table: it stays a signed integer of 64 bits wherever it is stored."""

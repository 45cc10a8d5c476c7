"""What the agent of an edge pod and the operator agree upon beside the table.

On the pod's Lease both sides keep to these bounds: the agent writes nothing beyond them, and the operator
believes nothing else.
"""

from __future__ import annotations

from typing import Final

EDGE_LABEL: Final = "trunkline.dev/edge"
"""Label: the Edge that a pod or Lease belongs to."""

REVISION: Final = "trunkline.dev/revision"
"""Annotation: the sequence of the table in use, in decimal digits; absent while there is none."""
ADDRESS: Final = "trunkline.dev/address"
"""Annotation: the address that callers are told, an IP address literal; absent while there is none."""
READY: Final = "trunkline.dev/ready"
"""Annotation: `true` while Kamailio serves that sequence and takes calls; anything else means no."""
ERROR: Final = "trunkline.dev/error"
"""Annotation: what is wrong now, in words; absent if nothing is."""

RECORDINGS: Final = "trunkline.dev/recordings"
"""Annotation: a JSON object, account to why its recordings wait; absent if none does."""

SCHEMAS: Final = "trunkline.dev/table-schemas"
"""Annotation: `<schema>[,<schema>...] <renewTime>`: the schemas of tables that the agent reads, and the
`renewTime` of the Lease that was written with them. An older agent renews the Lease and leaves this as it
was: then it is the word of an agent before it."""

TOLD: Final = "trunkline.dev/told"
"""Annotation: what the pod says of Carriers and Accounts, as JSON: `registrations` has pairs of a Carrier's
name and why the pod is not registered with it, "" if it is; `minutes_reached` pairs of an account and
percent. Absent if it has nothing to say."""

TALLIES: Final = "trunkline.dev/tallies"
"""Annotation: what the pod counts, as `sipedge.tallies.records` writes it, with the `renewTime` of the Lease.
Agents write and read it; the operator does neither."""

CALLS_PER_SECOND: Final = "TRUNKLINE_CALLS_PER_SECOND"
CALLS_IN_PROGRESS: Final = "TRUNKLINE_CALLS_IN_PROGRESS"
"""Variables of the agent: the pod's `Capacity`, in decimal digits; absent means the default."""
SHARED_MEMORY: Final = "TRUNKLINE_SHARED_MEMORY_MB"
"""Variable of the agent: the most that Kamailio's shared memory may have; absent means no bound."""

STIR_FILES: Final = "TRUNKLINE_STIR_SHAKEN_FILES"
"""Variable of the agent: the directory with what calls are signed with; absent means that none is."""
STIR_SECRET: Final = "stir-shaken"  # noqa: S105 -- the name of a Secret
"""In the edge namespace: the operator's copy of what it was given, the same for all edges."""
STIR_CERTIFICATE: Final = "tls.crt"
"""Key of that Secret, and file of that directory: the certificate, then what leads to its CA."""
STIR_KEY: Final = "tls.key"
STIR_URL: Final = "x5u"
"""The https URL where the certificate is published."""
STIR_AUTHORITIES: Final = "ca.crt"
"""The CAs whose certificates are believed, in PEM."""
STIR_KEYS: Final = (STIR_CERTIFICATE, STIR_KEY, STIR_URL, STIR_AUTHORITIES)
OTLP_ENDPOINT: Final = "TRUNKLINE_OTLP_ENDPOINT"
"""Variable of the agent: where call records are sent by OTLP (`sipedge.calls.otlp.read_endpoint`)."""

MEDIA_PORTS: Final = "TRUNKLINE_MEDIA_PORTS"
"""Variable of the agent: `FIRST-LAST`, the ports of the pod's media relay; absent means that it has none."""
MEDIA_SPOOL: Final = "TRUNKLINE_MEDIA_SPOOL"
"""Variable of the agent: the directory where recorded packets wait for the recorder."""
MEDIA_SPOOL_BYTES: Final = "TRUNKLINE_MEDIA_SPOOL_BYTES"
"""Variable of the agent: the most that this directory may hold; absent means no bound but its disk's."""

RECOVERY_CALLS: Final = "TRUNKLINE_RECOVERY_CALLS"
"""Variable of the agent: calls of the pod that follow instructions at a time; absent means the default."""
RECORDINGS_URL: Final = "TRUNKLINE_RECORDINGS_URL"
"""Variable of the agent: where recordings go whose account says nothing of it; absent means unknown."""
SPEECH_COMMAND: Final = "TRUNKLINE_SPEECH_COMMAND"
"""Variable of the agent: the program that speaks a language in place of espeak-ng; absent means none does."""

LONGEST_ERROR: Final = 512
"""Characters of an error."""
LONGEST_TOLD: Final = 16_384
"""Characters of what a pod says of Carriers and Accounts."""
LONGEST_RECORDINGS: Final = 4_096
"""Characters of that object."""
HIGHEST_SEQUENCE: Final = 2**63 - 1
"""Of a table: it stays a signed integer of 64 bits wherever it is stored."""

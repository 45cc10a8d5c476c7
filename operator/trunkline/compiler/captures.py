"""Where an edge sends copies of its SIP messages, with the key that the collector wants."""

from __future__ import annotations

from sipedge.secret import Secret
from sipedge.table import CaptureRow
from trunkline.api import Edge
from trunkline.api.secret_value import ValueFault, mend_line
from trunkline.compiler.access import describe_value, line_of
from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import View
from trunkline.compiler.reasons import ConditionReason

_FIELD = "spec.capture.hep.authKeySecretRef"


def capture_of(view: View, edge: Edge) -> tuple[CaptureRow | None, Fault | None]:
    """What is captured, and why it is not although the Edge asks for it.

    Without the key that a collector wants nothing is sent: it would take nothing.
    """
    hep = edge.spec.capture.hep
    if hep is None:
        return None, None
    named = hep.auth_key_secret_ref
    key = None if named is None else _key(view, named.name, named.key)
    if isinstance(key, Fault):
        return None, key
    return CaptureRow(hep.host.lower(), hep.port, hep.transport.lower(), hep.capture_id, key), None


def _key(view: View, name: str, key: str) -> Secret | Fault:
    namespace = view.platform().system_namespace
    value = line_of(view, namespace, name, key)
    if isinstance(value, ValueFault):
        told, mend = describe_value(value, namespace, name, key), mend_line(namespace, name, key, "the key")
        return Fault(ConditionReason.SECRET_NOT_VALID, _FIELD, f"nothing is captured: {told}: {mend}")
    if not value:
        message = f"Secret {namespace}/{name} lacks {key}: add it; until then nothing is captured"
        return Fault(ConditionReason.SECRET_NOT_FOUND, _FIELD, message)
    return value

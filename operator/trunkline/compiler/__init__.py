"""The pure heart: resources to edge tables and verdicts."""

from trunkline.compiler.compile import Compilation, compile_resources
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.verdict import ConditionType, Verdict

__all__ = ["Compilation", "ConditionReason", "ConditionType", "Verdict", "compile_resources"]

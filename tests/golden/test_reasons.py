"""Every reason of the vocabulary stands in a golden file, so that each was read by someone at least once."""

from __future__ import annotations

from pathlib import Path

import yaml

from sipedge.routing.reasons import Reason
from trunkline.compiler.reasons import ConditionReason

HERE = Path(__file__).parent

NOT_ROUTED = {
    Reason.NoTable: "an edge without a table has no resources to write down",
    Reason.Overloaded: "kamailio.cfg sheds calls before anything is asked",
    Reason.MessageTooLarge: "as above",
    Reason.OptionsTooOften: "as above, in brakes.cfg: tests/sip/test_brakes.py",
    Reason.SourceScans: "as above",
    Reason.WrongDigestsTooOften: "as above",
    Reason.RequestUriTooLong: "bounds come before a decision: tests/sip/test_bounds.py",
    Reason.BoundExceeded: "as above",
    Reason.DialogRateExceeded: "in-dialog requests are the SIP shell's",
    Reason.PeerNotReachable: "as above",
    Reason.VersionNotSupported: "no golden call says its version: tests/unit/routing/test_wellformed.py",
    Reason.TransferNotAllowed: "a REFER comes inside a dialog",
    Reason.TransferUnavailable: "a REFER comes inside a dialog",
    Reason.TrunkCpsExceeded: "a decision names its limits, the SIP shell counts",
    Reason.AccountCpsExceeded: "as above",
    Reason.CarrierCpsExceeded: "as above",
    Reason.TrunkConcurrencyExceeded: "as above",
    Reason.AccountConcurrencyExceeded: "as above",
    Reason.CarrierConcurrencyExceeded: "as above",
    Reason.PassportInvalid: "files have no certificate to judge by: tests/unit/routing/test_stir_calls.py",
    Reason.ForwardedCallBlocked: "follows an attempt: tests/unit/routing/test_permissions.py",
    Reason.DailyMinutesReached: "what was used is no part of resources: tests/unit/routing/test_access.py",
    Reason.RedirectFailed: "follows an attempt: tests/unit/routing/test_failover.py",
    Reason.NoReachableTarget: "as above",
    Reason.NoAnswer: "as above",
    Reason.RingTimeout: "as above",
    Reason.InstructionsUnavailable: "as above: tests/unit/routing/test_call_instructions.py",
    Reason.EndRequested: "as above: tests/sip/test_asked_to_end.py",
    Reason.TargetFailed: "as above",
    Reason.PostDialDelayExceeded: "as above",
    Reason.MediaUnavailable: "the media relay's word: tests/sip/test_media_faults.py",
    Reason.MediaFull: "as above",
    Reason.InternalError: "a fault of the edge itself",
}
"""Reasons that no decision about an initial request has, and why."""

NOT_IN_FILES = {
    ConditionReason.INTERNAL_ERROR: "a fault of our own code, which nobody can write down; a property has it",
    ConditionReason.SECRET_NOT_READABLE: "files need no right to read; a unit test has it",
    ConditionReason.NO_MEDIA_RELAY: "files are judged as where there is one; a unit test has it",
    ConditionReason.TARGET_DENIED: "files deny no networks; a unit test has it",
}
"""Reasons that no compilation of files has, and why."""


def routing_reasons() -> set[str]:
    documents = (
        document
        for path in (HERE / "routing").glob("*.yaml")
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    )
    decisions = (decision for document in documents if isinstance(document, list) for decision in document)
    return {decision["reason"] for decision in decisions if "reason" in decision}


def condition_reasons() -> set[str]:
    compiled = (
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in (HERE / "compile").glob("*.out.yaml")
    )
    return {
        verdict["reason"]
        for each in compiled
        for verdicts in each["verdicts"].values()
        for verdict in verdicts
    }


def test_every_reason_of_a_decision_stands_in_a_golden_file() -> None:
    assert routing_reasons() == {reason.name for reason in Reason if reason not in NOT_ROUTED}


def test_every_reason_of_a_condition_stands_in_a_golden_file() -> None:
    assert condition_reasons() == {reason.value for reason in ConditionReason if reason not in NOT_IN_FILES}

"""What becomes of a call of which Kamailio has no dialog."""

from __future__ import annotations

import pytest

from sipedge.routing.dialog.missing import without_dialog
from sipedge.routing.reasons import Reason


@pytest.mark.parametrize(
    ("has_begun", "has_waited", "refusal"),
    (
        (False, False, Reason.MalformedRequest),
        (False, True, Reason.MalformedRequest),
        (True, False, None),
        (True, True, Reason.NoDialog),
    ),
)
def test_a_call_without_a_dialog_is_refused_or_its_targets_answer_goes_on(
    has_begun: bool, has_waited: bool, refusal: Reason | None
) -> None:
    """Nothing is left to go on where it has waited for a look-up."""
    assert without_dialog(has_begun=has_begun, has_waited=has_waited) is refusal

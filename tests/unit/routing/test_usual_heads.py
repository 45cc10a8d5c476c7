"""What telephone systems usually write goes the cheap way: read at one go, or carried without a decision."""

from __future__ import annotations

import pytest

from sipedge.routing.dialog.memory import PLAIN_TAG
from sipedge.routing.dialog.native_expressions import plain_head
from sipedge.routing.message.heads import plain_request
from support import usual_heads
from support.pcre import matches
from support.usual_heads import Telephones

by_telephones = pytest.mark.parametrize("telephones", usual_heads.ALL, ids=lambda each: each.name)


@by_telephones
def test_a_call_is_read_at_one_go(telephones: Telephones) -> None:
    head = plain_request(telephones.initial())
    assert head is not None
    (sender,) = head.headers["from"]
    # The messages of a call whose caller has another tag are Python's.
    assert PLAIN_TAG.fullmatch(sender.partition(";tag=")[2])


@by_telephones
def test_what_changes_a_call_is_read_at_one_go(telephones: Telephones) -> None:
    """A session timer's UPDATE, and a re-INVITE."""
    for _, message in telephones.later():
        assert plain_request(message) is not None, message


CARRIED = [
    pytest.param(message, id=f"{telephones.name}, {name}")
    for telephones in usual_heads.ALL
    for name, message in telephones.carried()
]


@pytest.mark.parametrize("message", CARRIED)
def test_what_needs_no_decision_is_told_by_one_expression(message: str) -> None:
    assert matches(plain_head(), message.encode())

"""A secret is never printed by accident."""

from __future__ import annotations

import dataclasses
import json
import logging
import pickle

import pytest

from sipedge.secret import REDACTED, Secret
from sipedge.table import CredentialRow

WORD = "correct horse battery staple"


@pytest.mark.parametrize(
    "shown",
    (
        str(Secret(WORD)),
        repr(Secret(WORD)),
        f"{Secret(WORD)}",
        f"{Secret(WORD):>40}",
        f"{Secret(WORD)!r:.5}",
        "%s" % Secret(WORD),  # noqa: UP031  old code prints this way
        str([Secret(WORD)]),
        str({Secret(WORD): Secret(WORD)}),
        str(CredentialRow("pbx", Secret(WORD))),
        str(dataclasses.asdict(CredentialRow("pbx", Secret(WORD)))),
        str(ValueError(Secret(WORD))),
    ),
)
def test_no_way_of_printing_shows_it(shown: str) -> None:
    assert WORD not in shown
    assert REDACTED[:5] in shown


def test_a_log_record_does_not_hold_it() -> None:
    record = logging.LogRecord("x", logging.INFO, "x", 1, "password %s", (Secret(WORD),), None)
    assert record.getMessage() == f"password {REDACTED}"


def test_json_refuses_it() -> None:
    with pytest.raises(TypeError):
        json.dumps({"password": Secret(WORD)})


def test_it_has_no_dict_to_look_into() -> None:
    assert not hasattr(Secret(WORD), "__dict__")


def test_reveal_is_the_way_to_it() -> None:
    assert Secret(WORD).reveal() == WORD


def test_secrets_compare_by_their_text() -> None:
    assert Secret(WORD) == Secret(WORD)
    assert hash(Secret(WORD)) == hash(Secret(WORD))
    assert Secret(WORD) != Secret("other")
    assert Secret(WORD) != WORD


def test_an_empty_secret_is_false() -> None:
    assert not Secret("")
    assert Secret(WORD)


def test_it_travels_between_processes_of_the_same_program() -> None:
    assert pickle.loads(pickle.dumps(Secret(WORD))) == Secret(WORD)

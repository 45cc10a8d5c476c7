"""How the memory of a media relay is configured."""

from __future__ import annotations

from sipedge.relay_memory import memory_configuration, memory_password
from sipedge.secret import Secret

SECRET = Secret("ab" * 32)


def test_it_listens_in_one_place_and_writes_nothing() -> None:
    """What it keeps are keys of calls."""
    lines = memory_configuration("127.84.31.154:6380/0", Secret("word")).splitlines()
    for line in (
        *("bind 127.84.31.154", "port 6380", "requirepass word", 'save ""', "appendonly no"),
        *("slowlog-log-slower-than -1", "crash-log-enabled no"),
    ):
        assert line in lines


def test_each_pod_has_a_password_of_its_own() -> None:
    """It follows from the platform's secret, and tells nothing of it."""
    one, other = (memory_password(SECRET, address).reveal() for address in ("192.0.2.1", "192.0.2.2"))
    assert len({one, other, SECRET.reveal()}) == 3
    assert memory_password(SECRET, "192.0.2.1").reveal() == one
    assert "word" not in repr(Secret("word"))

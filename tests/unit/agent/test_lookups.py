"""What calls have had looked up: how much of it is kept, and for whom."""

from __future__ import annotations

from pathlib import Path

from sipedge.agent.location import Name
from sipedge.agent.lookups import KEPT, KEPT_OF_ACCOUNT, LookupServer
from sipedge.agent.questions import Dns
from support.edge import make_settings


def name(text: str) -> Name:
    return Name(f"{text}.example.test", None, None)


def test_an_account_fills_its_own_share_alone_and_the_oldest_goes(tmp_path: Path) -> None:
    """Rows of what goes are taken away; those that the table names are not ours to take."""
    gone: list[bytes] = []
    followed = name("acme-0")
    server = LookupServer(
        make_settings(tmp_path, "127.0.0.1"),
        Dns("127.0.0.1:53"),
        lambda key, row: gone.append(key) if row is None else None,
        lambda: None,
        lambda each: each == followed,
    )
    server._keep(name("beta"), "beta", 60)
    for number in range(KEPT_OF_ACCOUNT + 2):
        server._keep(name(f"acme-{number}"), "acme", 60)
    assert gone == [name("acme-1").key]
    assert len(server.keys) == KEPT_OF_ACCOUNT + 1
    assert name("beta").key in server.keys
    for number in range(KEPT):
        server._keep(name(f"other-{number}"), f"account-{number}", 60)
    assert len(server.keys) == KEPT

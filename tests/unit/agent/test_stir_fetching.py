"""Certificates are fetched from where strangers say: what is fetched, and what never is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

import pytest

from sipedge.agent.location import Question, Record
from sipedge.agent.questions import Dns, NoAnswerError
from sipedge.agent.stir import fetching
from sipedge.agent.stir.fetching import Certificates, FetchError
from sipedge.table import SiteRow
from support.https_server import HttpsServer, https_server, ok
from support.stir import StirAuthority
from support.tables import make_site

HOST = "certificates.example.test"
AUTHORITY = StirAuthority()
SERVER = AUTHORITY.issue(HOST, tn_auth_list=None, hosts=(HOST,))
SITE = make_site(["192.0.2.1"])


class Names:
    """Stands in for DNS."""

    def __init__(self, *addresses: str) -> None:
        self.addresses, self.asked = addresses, 0

    async def ask(self, question: Question) -> tuple[tuple[Record, ...], float]:
        self.asked += 1
        if not self.addresses:
            raise NoAnswerError("no answer")
        return (self.addresses if question.type == "A" else ()), 60.0


def certificates(
    names: Names, excepted: tuple[str, ...] = ("127.0.0.1/32",), site: SiteRow | None = SITE
) -> Certificates:
    made = Certificates(cast("Dns", names), lambda: site, excepted)
    made.become(None, AUTHORITY.pem)
    return made


def served(
    directory: Path,
    answer: bytes,
    then: Callable[[HttpsServer, str], Awaitable[None]],
    *,
    seconds: float = 0,
) -> None:
    """Have a server answer this, and do `then` with it and the URL."""

    async def run() -> None:
        async with https_server(directory, SERVER, lambda path: answer, seconds=seconds) as server:
            await then(server, f"https://{HOST}:{server.port}/a.pem")

    asyncio.run(run())


async def fault(found: Certificates, url: str) -> str:
    """Why there is nothing at the URL."""
    with pytest.raises(FetchError) as caught:
        await found.fetch(url)
    return str(caught.value)


def test_it_is_fetched_once_and_kept(tmp_path: Path) -> None:
    async def then(server: HttpsServer, url: str) -> None:
        found = certificates(Names("127.0.0.1"))
        assert set(await asyncio.gather(found.fetch(url), found.fetch(url))) == {b"pem"}
        assert await found.fetch(url) == b"pem"
        assert server.asked == ["/a.pem"]

    served(tmp_path, ok(b"pem"), then)


@pytest.mark.parametrize(
    ("answer", "told"),
    (
        (b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", "302"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404"),
        (b"rubbish\r\n\r\n", "BadStatusLine"),
        (b"", "RemoteDisconnected"),
        (ok(b"x" * (fetching.LARGEST + 1)), "larger than"),
        (ok(b"x" * 10)[:-5], "cut off"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000, "more than"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", "HTTPException"),
    ),
)
def test_what_is_no_certificate_is_none_and_not_asked_for_again(
    tmp_path: Path, answer: bytes, told: str
) -> None:
    async def then(server: HttpsServer, url: str) -> None:
        found = certificates(Names("127.0.0.1"))
        assert told in await fault(found, url)
        assert told in await fault(found, url)
        assert server.asked == ["/a.pem"]

    served(tmp_path, answer, then)


def test_a_body_in_chunks_is_put_together(tmp_path: Path) -> None:
    async def then(server: HttpsServer, url: str) -> None:
        assert await certificates(Names("127.0.0.1")).fetch(url) == b"pem chain"

    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npem \r\n5\r\nchain\r\n0\r\n\r\n"
    served(tmp_path, chunks, then)


@pytest.mark.parametrize(
    ("addresses", "excepted"),
    (
        (("127.0.0.1",), ()),
        (("127.0.0.1",), ("127.0.0.2/32",)),
        (("127.0.0.1", "192.0.2.1"), ("127.0.0.1/32",)),
        (("192.0.2.1",), ()),
        (("169.254.169.254",), ()),
    ),
)
def test_nobody_is_asked_where_nothing_may_be_fetched_from(
    tmp_path: Path, addresses: tuple[str, ...], excepted: tuple[str, ...]
) -> None:
    """Loopback, this platform's edges, a cloud's metadata: also as one of several addresses of a name."""

    async def then(server: HttpsServer, url: str) -> None:
        assert "may be fetched from" in await fault(certificates(Names(*addresses), excepted), url)
        assert not server.connections

    served(tmp_path, ok(b"pem"), then)


def test_the_address_that_was_judged_is_the_one_that_is_asked(tmp_path: Path) -> None:
    """A name that answers otherwise the next time is not asked for a next time."""

    async def then(server: HttpsServer, url: str) -> None:
        names = Names("127.0.0.1")
        await certificates(names).fetch(url)
        assert names.asked == 1

    served(tmp_path, ok(b"pem"), then)


def test_a_server_with_another_name_or_of_another_ca_is_not_believed(tmp_path: Path) -> None:
    async def then(server: HttpsServer, url: str) -> None:
        found = certificates(Names("127.0.0.1"))
        assert "not believed" in await fault(found, url.replace(HOST, "other.example.test"))
        found.become(None, StirAuthority("another").pem)
        assert "not believed" in await fault(found, url)
        assert not server.asked

    served(tmp_path, ok(b"pem"), then)


def test_a_silent_server_is_waited_for_within_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "FETCH_SECONDS", 0.3)

    async def then(server: HttpsServer, url: str) -> None:
        assert "in time" in await fault(certificates(Names("127.0.0.1")), url)

    served(tmp_path, ok(b"pem"), then, seconds=5)


def test_without_a_table_or_an_address_nobody_is_asked(tmp_path: Path) -> None:
    async def then(server: HttpsServer, url: str) -> None:
        assert "no table" in await fault(certificates(Names("127.0.0.1"), site=None), url)
        assert "resolved" in await fault(certificates(Names()), url)
        assert not server.connections

    served(tmp_path, ok(b"pem"), then)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "KEPT", 3)

    async def run() -> None:
        names = Names()
        found = certificates(names)
        for number in range(9):
            await fault(found, f"https://{HOST}/{number}")
        assert names.asked == 9
        await fault(found, f"https://{HOST}/8")
        assert names.asked == 9  # it is among the last three
        await fault(found, f"https://{HOST}/5")
        assert names.asked == 10

    asyncio.run(run())


def test_what_has_proven_a_call_is_not_pushed_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger may name one URL after another."""
    monkeypatch.setattr(fetching, "KEPT", 3)

    async def then(server: HttpsServer, url: str) -> None:
        found = certificates(Names("127.0.0.1"))
        await found.fetch(url)
        found.commend(url)
        for number in range(9):
            await found.fetch(f"{url}?{number}")
        assert await found.fetch(url) == b"pem"
        assert server.asked.count("/a.pem") == 1

    served(tmp_path, ok(b"pem"), then)


def test_the_platforms_own_certificate_is_known() -> None:
    async def run() -> None:
        found = certificates(Names())
        found.become(("https://own.example/a.pem", b"own"), AUTHORITY.pem)
        assert await found.fetch("https://own.example/a.pem") == b"own"

    asyncio.run(run())

"""How documents are asked for: a real web server, and what it may do to the edge."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

import pytest

from sipedge.b2bua.twiml.asking import SIGNATURE_HEADER, HttpRequest, signature
from sipedge.b2bua.twiml.events import Fetched, NotFetched
from sipedge.b2bua.twiml.places import shown
from sipedge.b2bua.twiml.verbs import Say
from sipedge.b2bua.voice.documents import HttpDocuments, signing
from sipedge.b2bua.voice.fetch import LARGEST, HttpFetcher
from sipedge.b2bua.voice.guard import Rules
from sipedge.b2bua.voice.parts import Answer, Failure, Tenant
from sipedge.secret import Secret
from support.tables import make_site
from support.web import Handler, WebServer, body, drip, flood, status, web_server

EDGE: Final = "127.0.0.2"
OPEN: Final = Rules(make_site((EDGE,)))
CLOSED: Final = Rules(make_site((EDGE,), denied_targets=("127.0.0.0/8",)))
SLOW_SECONDS: Final = 20.0
"""For what shall not be late."""


class Names:
    """DNS: each question is answered by the next of these, the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def addresses(self, host: str) -> tuple[str, ...]:
        self.asked.append(host)
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return tuple(found)


HERE: Final = Names(("127.0.0.1",))
Asking = tuple[Answer | Failure, WebServer]


def ask(
    path: str,
    answers: dict[str, Handler],
    *,
    method: str = "GET",
    form: tuple[tuple[str, str], ...] = (),
    rules: Rules = OPEN,
    names: Names = HERE,
    host: str = "app.example",
    seconds: float = SLOW_SECONDS,
    token: Secret | None = None,
) -> Asking:
    async def run() -> Asking:
        async with web_server(answers) as server:
            fetcher = HttpFetcher(names, seconds)
            request = HttpRequest(method, server.url(path, host), form)
            return await fetcher.ask(request, rules, sign=signing(token)), server

    return asyncio.run(run())


def why(found: Answer | Failure) -> str:
    assert isinstance(found, Failure), found
    return found.why


def test_a_document_is_posted_for_with_the_form_and_its_signature() -> None:
    token, form = Secret("12345"), (("From", "+14155550100"), ("To", "+1 415"))
    found, server = ask(
        "/v?a=1", {"/v": body(b"<Response/>", Content_Type="text/xml; charset=utf-8")},
        method="POST", form=form, token=token,
    )  # fmt: skip
    assert isinstance(found, Answer)
    assert (found.body, found.content_type) == (b"<Response/>", "text/xml")
    (asked,) = server.asked
    assert (asked.method, asked.path, tuple(asked.form)) == ("POST", "/v?a=1", form)
    assert asked.headers[SIGNATURE_HEADER] == signature(token, server.url("/v?a=1", "app.example"), form)
    assert "Cookie" not in asked.headers


def test_a_url_is_asked_as_it_is_written() -> None:
    _, server = ask("/v?To=%2B1+x&b=%41", {"/v": body(b"")})
    assert server.asked[0].path == "/v?To=%2B1+x&b=%41"


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.3:9")
    assert isinstance(ask("/v", {"/v": body(b"x")})[0], Answer)


@pytest.mark.parametrize(
    ("host", "reason"),
    (
        ("127.0.0.1", "127.0.0.1 may not be asked"),
        ("127.0.0.2", "127.0.0.2 may not be asked"),
        ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1 may not be asked"),
        ("2130706433", "neither a name nor an address"),
        ("0x7f000001", "neither a name nor an address"),
        ("127.1", "neither a name nor an address"),
        ("app.example", "none of its addresses may be asked"),
        ("u:p@app.example", "none that can be asked"),
    ),
)
def test_nobody_is_asked_who_may_not_be(host: str, reason: str) -> None:
    found, server = ask("/v", {"/v": body(b"x")}, rules=CLOSED, host=host)
    assert reason in why(found)
    assert server.asked == []


def test_a_name_without_an_address_is_told() -> None:
    assert why(ask("/v", {}, names=Names(()))[0]) == "it has no address"


def test_the_port_of_a_mail_server_is_not_asked() -> None:
    found = asyncio.run(HttpFetcher(HERE).ask(HttpRequest("GET", "http://app.example:25/"), OPEN))
    assert why(found) == "the URL is none that can be asked"


def test_a_name_is_resolved_once_and_that_address_is_connected_to() -> None:
    """Whoever changes his records between judging and connecting gains nothing."""
    names = Names(("127.0.0.1",), (EDGE,))
    found, server = ask("/v", {"/v": body(b"x")}, names=names)
    assert isinstance(found, Answer)
    assert (len(server.asked), names.asked) == (1, ["app.example"])


def test_of_several_addresses_those_that_may_be_asked_are() -> None:
    assert isinstance(ask("/v", {"/v": body(b"x")}, names=Names((EDGE, "127.0.0.1")))[0], Answer)


@pytest.mark.parametrize(("code", "method"), ((302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")))
def test_redirects_are_followed(code: int, method: str) -> None:
    token = Secret("t")
    answers = {"/a": status(code, Location="/b/c"), "/b/c": body(b"there")}
    found, server = ask("/a", answers, method="POST", form=(("x", "1"),), token=token)
    assert isinstance(found, Answer)
    assert found.url.endswith("/b/c")
    second = server.asked[1]
    assert (second.method, bool(second.form)) == (method, method == "POST")
    assert second.headers[SIGNATURE_HEADER] == signature(token, found.url, second.form)


def test_each_redirect_is_judged() -> None:
    for target in (
        f"http://{EDGE}:8000/",
        "http://other.example:8000/",
        "file:///etc/passwd",
        "http://0x7f.1/",
    ):
        names = Names(("127.0.0.1",), (EDGE,))
        found, server = ask("/a", {"/a": status(302, Location=target)}, names=names)
        assert isinstance(found, Failure), target
        assert len(server.asked) == 1


def test_redirects_end() -> None:
    found, server = ask("/a", {"/a": status(302, Location="/a")})
    assert (why(found), len(server.asked)) == ("more than 5 redirects", 6)


def test_what_drips_is_cut() -> None:
    assert "no whole answer" in why(ask("/d", {"/d": drip}, seconds=0.5)[0])


def test_what_is_huge_is_cut() -> None:
    assert why(ask("/f", {"/f": flood})[0]) == f"more than {LARGEST} bytes"


def test_what_is_compressed_is_not_unpacked() -> None:
    assert "compressed" in why(ask("/z", {"/z": body(b"x", Content_Encoding="gzip")})[0])


@pytest.mark.parametrize("code", (401, 404, 500, 503))
def test_other_answers_are_none(code: int) -> None:
    assert why(ask("/v", {"/v": status(code)})[0]) == f"HTTP status {code}"


def test_a_server_that_speaks_something_else_is_told() -> None:
    async def run() -> str:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mail.example ESMTP very-secret\r\n")
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return why(await HttpFetcher(HERE).ask(HttpRequest("GET", f"http://app.example:{port}/"), OPEN))

    told = asyncio.run(run())
    assert "HTTP" in told or "breaks off" in told
    assert "very-secret" not in told


# ---------------------------------------------------------------------------------------------- documents


def document(answer: Handler, path: str = "/v") -> Fetched | NotFetched:
    async def run() -> Fetched | NotFetched:
        async with web_server({"/v": answer}) as server:
            documents = HttpDocuments(HttpFetcher(HERE))
            return await documents.ask("POST", server.url(path), (("From", "+1"),), Tenant(OPEN))

    return asyncio.run(run())


def test_a_document_is_read_and_its_notes_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    found = document(body(b"<Response><Say>Hello</Say><Enqueue/></Response>"), "/v?token=very-secret")
    assert isinstance(found, Fetched)
    assert found.document.verbs == (Say("Hello"),)
    assert "<Enqueue>" in caplog.text
    assert "very-secret" not in caplog.text


@pytest.mark.parametrize(
    "content",
    (
        b"",
        b"\x00\xff\xfe" * 99,
        b"<Response>",
        b"<html/>",
        b'<!DOCTYPE r [<!ENTITY a "b">]><Response/>',
        b"a" * LARGEST,
    ),
)
def test_what_is_no_document_is_none(content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    assert document(body(content)) == NotFetched()
    assert "call instructions" in caplog.text


def test_a_url_in_the_log_has_no_secrets() -> None:
    assert shown("https://u:p@a.example/v?token=1#2") == "https://a.example/v"
    assert shown("https://[") == "a URL that cannot be read"

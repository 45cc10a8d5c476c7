"""The client of rtpengine's control protocol, at a real rtpengine: answers, errors, silence, death."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sipedge.ng.client import TRIES, TRY_SECONDS, NgClient, NgError, NgRefusedError, NgUnreachableError
from sipedge.ng.packets import packet_of
from support.addresses import reserved_block
from support.edge import make_settings
from support.freezing import frozen
from support.patience import PATIENCE, until
from support.relay import Relay, media_settings, running_relay

SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
values = st.recursive(
    st.one_of(st.integers(-(2**31), 2**31), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=9), inner)),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    directory = tmp_path_factory.mktemp("relay")
    with reserved_block() as block:
        address = block.address(1)
        settings = make_settings(directory, address, media=media_settings(address, directory))
        with running_relay(settings) as one:
            yield one


@pytest.fixture
def client(relay: Relay) -> Iterator[NgClient]:
    one = relay.client()
    yield one
    one.close()


def ask(client: NgClient, command: dict[str, Any]) -> dict[str, Any]:
    """Its answer, for which a test waits longer than a call may."""
    return client.ask(command, try_seconds=PATIENCE)


def test_a_session_is_made_and_deleted(relay: Relay, client: NgClient) -> None:
    answer = ask(client, {"command": "offer", "call-id": "one.0", "from-tag": "a", "sdp": SDP})
    assert "m=audio 3" in str(answer["sdp"])
    assert relay.sessions() == ["one.0"]
    ask(client, {"command": "delete", "call-id": "one.0"})
    assert relay.sessions() == []


def test_media_is_shown_at_the_address_that_is_advertised(tmp_path: Path) -> None:
    with reserved_block() as block:
        address = block.address(1)
        settings = make_settings(tmp_path, address, media=media_settings(address, tmp_path))
        with running_relay(replace(settings, advertised="203.0.113.1")) as relay:
            told = relay.ask("offer", call_id="one.0", from_tag="a", sdp=SDP, replace=["session-connection"])
    assert "c=IN IP4 203.0.113.1\r\n" in str(told["sdp"])
    assert address not in str(told["sdp"])


def test_what_is_told_is_done_without_an_answer(relay: Relay, client: NgClient) -> None:
    ask(client, {"command": "offer", "call-id": "two.0", "from-tag": "a", "sdp": SDP})
    with frozen(relay.pid):
        client.tell({"command": "delete", "call-id": "two.0"})
    until(lambda: relay.sessions() == [])
    assert ask(client, {"command": "ping"})["result"] == "pong"
    with closing(NgClient(1)) as nobody:
        nobody.tell({"command": "ping"})


def test_an_error_is_told_in_rtpengine_s_words(client: NgClient) -> None:
    with pytest.raises(NgRefusedError, match="Failed to parse SDP"):
        ask(client, {"command": "offer", "call-id": "bad", "from-tag": "a", "sdp": "hello"})
    with pytest.raises(NgRefusedError, match="Unknown call-id"):
        ask(client, {"command": "query", "call-id": "nobody"})


def test_what_it_refuses_is_not_in_its_log_with_the_keys_in_it(relay: Relay, client: NgClient) -> None:
    key = "K" * 40
    secure = SDP.replace("RTP/AVP", "RTP/SAVP") + f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n"
    for sdp, tags in ((secure, {"from-tag": "a", "to-tag": "b"}), (secure, {}), (f"hello {key}", {})):
        with pytest.raises(NgRefusedError):
            ask(client, {"command": "answer", "call-id": "unknown", "sdp": sdp, **tags})
    assert key not in relay.log()


@hypothesis_settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.dictionaries(st.sampled_from(["sdp", "flags", "codec", "SDES", "from-tag", "x"]), values))
def test_whatever_it_is_asked_it_answers_and_lives(client: NgClient, fields: dict[str, Any]) -> None:
    with pytest.raises(NgRefusedError):
        ask(client, {**fields, "command": "answer", "call-id": "no such call"})
    assert ask(client, {"command": "ping"})["result"] == "pong"


def test_one_that_hangs_costs_two_tries_and_comes_back(relay: Relay, client: NgClient) -> None:
    with frozen(relay.pid):
        began = time.monotonic()
        with pytest.raises(NgUnreachableError) as fault:
            client.ask({"command": "ping"})
        took = time.monotonic() - began
    assert fault.value.hangs
    assert took > 0.99 * TRIES * TRY_SECONDS
    # It answers what it was asked before as well: that is no answer to this.
    assert ask(client, {"command": "offer", "call-id": "late", "from-tag": "a", "sdp": SDP})["result"] == "ok"
    ask(client, {"command": "delete", "call-id": "late"})


def test_one_that_is_dead_costs_no_time_and_is_found_when_it_is_back(relay: Relay, client: NgClient) -> None:
    ask(client, {"command": "ping"})
    relay.end()
    for _ in range(3):
        with pytest.raises(NgUnreachableError) as fault:
            client.ask({"command": "ping"})
        assert not fault.value.hangs
    relay.start()
    assert ask(client, {"command": "ping"})["result"] == "pong"


def test_a_lost_answer_is_asked_for_again_under_the_same_cookie() -> None:
    heard: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))

        def answer_the_second() -> None:
            for turn in range(2):
                packet, sender = deaf.recvfrom(65_535)
                heard.append(packet)
                deaf.sendto(b"garbage", sender)
                deaf.sendto(packet.split(b" ")[0] + b" no JSON", sender)
                if turn:
                    deaf.sendto(packet_of(packet.split(b" ")[0] + b" ", {"result": "ok"}), sender)

        thread = threading.Thread(target=answer_the_second)
        thread.start()
        with closing(NgClient(deaf.getsockname()[1])) as client:
            assert client.ask({"command": "x"}, try_seconds=2.0) == {"result": "ok"}
        thread.join()
    assert heard[0] == heard[1]


def test_a_port_that_nobody_can_have_is_an_error_as_well() -> None:
    with pytest.raises(NgError):
        NgClient(1).ask({"command": "ping"})

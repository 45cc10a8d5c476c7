"""When something happened, as Kamailio writes it into a call event."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from support.addresses import Block
from support.edge import ROOT, make_settings, started
from support.other_release import image_prefix
from support.patience import PATIENCE, until
from support.sipmessage import new_token, render
from support.sipua import UserAgent, user_agent

IDLE = """
class Routes:
    def child_init(self, rank):
        return 0


def mod_init():
    return Routes()
"""
ROUTES = """
loadmodule "cfgutils.so"
%s
request_route {
    usleep("200000");
    append_to_reply("X-At: " + NOW + "\\r\\n");
    sl_send_reply("200", "OK");
    exit;
}
"""
WAYS_INTO_A_SECOND = (0.0005, 0.07, 0.5, 0.9)
"""A sender's clock when it sends; the last is read again after the second has ended."""


@pytest.mark.parametrize("release", ("Debian's", "the image's"))
def test_a_time_is_of_one_reading_of_the_clock(release: str, block: Block, tmp_path: Path) -> None:
    """It lies between the sender's clock before and after, also where a second ends meanwhile."""
    kamailio = ROOT / "edge" / "kamailio"
    own, carried = (kamailio / "kamailio.cfg").read_text(), (kamailio / "carried.cfg").read_text()
    (now,) = re.findall(r"^#!define NOW .*$", carried, re.MULTILINE)
    directory = tmp_path / "kamailio"
    directory.mkdir()
    (directory / "kamailio.cfg").write_text(own[: own.index("# --- routes.")] + ROUTES % now)
    (directory / "kemi_main.py").write_text(IDLE)
    settings = make_settings(tmp_path, block.address(2), kamailio_dir=directory)
    prefix = image_prefix(tmp_path) if release == "the image's" else []
    with started(settings, prefix), user_agent(block.address(20)) as agent:
        until(lambda: told_time(agent, settings.address, 0.4), "it has started")
        for way in WAYS_INTO_A_SECOND:
            time.sleep((way - time.time()) % 1)
            before = datetime.now(UTC)
            at = told_time(agent, settings.address)
            assert re.fullmatch(r"[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}[.][0-9]{3}Z", at)
            assert before - timedelta(milliseconds=1) < datetime.fromisoformat(at) < datetime.now(UTC)


def told_time(agent: UserAgent, address: str, seconds: float = PATIENCE) -> str:
    """What the answer to an OPTIONS says, or ""."""
    call_id = new_token()
    fields = [
        agent.via(),
        ("From", "<sip:a@b>;tag=1"),
        ("To", "<sip:c@d>"),
        ("Call-ID", call_id),
        ("CSeq", "1 OPTIONS"),
    ]
    agent.send(render("OPTIONS sip:c@d SIP/2.0", fields), (address, 5060))
    try:
        return agent.wait(status=200, call_id=call_id, seconds=seconds).header("X-At")
    except TimeoutError:
        return ""

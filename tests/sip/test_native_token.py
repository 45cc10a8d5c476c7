"""What Kamailio's own transformations make of a token's key and text is the MAC that the edge writes."""

from __future__ import annotations

from pathlib import Path

from sipedge.routing.decision import Direction
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.memory import SideKind
from sipedge.routing.dialog.tokens import DialogToken, TokenKeeper, token_key
from sipedge.secret import Secret
from support.edge import ROOT, make_settings, started
from support.lab import Lab
from support.patience import until
from support.sipmessage import new_token, render

IDLE = """
class Routes:
    def child_init(self, rank):
        return 0


def mod_init():
    return Routes()
"""
ROUTES = """
request_route {
    $var(signed) = "%(key)s" + "%(address_length)s:%(address)s" + $(ci{s.len}) + ":" + $ci
        + $(ft{s.len}) + ":" + $ft + $(hdr(X-Text){s.len}) + ":" + $hdr(X-Text);
    append_to_reply("X-Mac: $(var(signed){s.sha256}{s.sha256}{s.substr,0,32})\\r\\n");
    sl_send_reply("200", "OK");
    exit;
}
"""


def test_kamailio_makes_the_same_mac(lab: Lab, tmp_path: Path) -> None:
    """Over key, address, Call-ID, caller's tag and text, each with its length."""
    address, secret, call_id = lab.block.address(2), Secret("5" * 64), new_token()
    own = (ROOT / "edge" / "kamailio" / "kamailio.cfg").read_text()
    modules = own[: own.index("# --- routes.")]
    values = {
        "key": token_key(secret).reveal(),
        "address": address,
        "address_length": len(address),
    }
    directory = tmp_path / "kamailio"
    directory.mkdir()
    (directory / "kamailio.cfg").write_text(modules + ROUTES % values)
    (directory / "kemi_main.py").write_text(IDLE)
    hop = Hop("192.0.2.1", 5060, "udp")
    token = DialogToken(
        Direction.TERMINATION, 2**31, hop, hop, SideKind.CUSTOMER, SideKind.CARRIER, secure=True
    )
    written = TokenKeeper(secret, address).route_parameter(call_id, "a-tag", token).removeprefix(";tk=")
    agent = lab.agent(20)
    fields = [
        agent.via(),
        ("From", "<sip:a@b>;tag=a-tag"),
        ("To", "<sip:c@d>"),
        ("Call-ID", call_id),
        ("CSeq", "1 OPTIONS"),
        ("X-Text", written[32:]),
    ]
    with started(make_settings(tmp_path, address, kamailio_dir=directory)):

        def is_told() -> bool:
            agent.send(render(f"OPTIONS sip:x@{address} SIP/2.0", fields), (address, 5060))
            return agent.silence(0.25) != []

        until(is_told, "it has started")
    assert agent.wait("OPTIONS", status=200).header("X-Mac") == written[:32]

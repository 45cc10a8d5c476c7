"""Two edges, a carrier, two trunks and a number as manifests, and the telephones at their ends."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from support.addresses import Block
from support.sipmessage import Message
from support.sipua import Invite, UserAgent, send_invite

NUMBER = "+14155550100"
ASHBURN = (1, 2, 3, 4)
DUBLIN = (11, 12, 13)
HQ, LAB, CARRIER = 20, 21, 100
"""Last bytes of addresses: those of the edges, of the PBXs of trunks hq and lab, and of the carrier."""


def write_manifests(directory: Path, block: Block) -> None:
    """platform.yaml, tenant/trunks.yaml and tenant/number.yaml below `directory`."""
    (directory / "tenant").mkdir(parents=True)
    (directory / "platform.yaml").write_text(platform_yaml(block))
    (directory / "tenant" / "trunks.yaml").write_text(trunks_yaml(block))
    (directory / "tenant" / "number.yaml").write_text(number_yaml("hq"))


def edge_yaml(name: str, block: Block, numbers: tuple[int, ...], region: str = "") -> str:
    addresses = ", ".join(block.address(number) for number in numbers)
    alias = f"\n  region: {region}" if region else ""
    return f"""apiVersion: trunkline.dev/v1alpha1
kind: Edge
metadata: {{name: {name}}}
spec:{alias}
  advertise: {{type: Static, addresses: [{addresses}]}}
---
"""


def platform_yaml(block: Block) -> str:
    return f"""{edge_yaml("ashburn", block, ASHBURN, "us1")}{edge_yaml("dublin", block, DUBLIN)}\
apiVersion: trunkline.dev/v1alpha1
kind: Carrier
metadata: {{name: telco}}
spec:
  sourceRanges: [{block.address(CARRIER)}/32]
"""


def trunks_yaml(block: Block) -> str:
    return (
        "---\n".join(
            f"""apiVersion: trunkline.dev/v1alpha1
kind: Trunk
metadata: {{name: {name}, namespace: acme}}
spec:
  termination:
    domainName: {domain}
    ipAccessControlListRefs: [{{name: pbxs}}]
---
apiVersion: trunkline.dev/v1alpha1
kind: OriginationUri
metadata: {{name: {name}-pbx, namespace: acme}}
spec: {{trunkRef: {{name: {name}}}, sipUri: "sip:{block.address(host)}:5070"}}
"""
            for name, domain, host in (("hq", "acme-hq", HQ), ("lab", "lab.acme-hq", LAB))
        )
        + f"""---
apiVersion: trunkline.dev/v1alpha1
kind: IpAccessControlList
metadata: {{name: pbxs, namespace: acme}}
spec: {{entries: [{{cidr: {block.address(HQ)}}}, {{cidr: {block.address(LAB)}}}]}}
"""
    )


def number_yaml(trunk: str) -> str:
    return f"""apiVersion: trunkline.dev/v1alpha1
kind: Number
metadata: {{name: main-line, namespace: acme}}
spec: {{number: "{NUMBER}", trunkRef: {{name: {trunk}}}}}
"""


RINGS, _AGAIN = 180, 20
"""How often a PBX that rings is looked for, ten times a second; after so many the INVITE is repeated."""
_REPEATS = 8


@dataclass
class Telephones:
    """A carrier and the PBXs of two trunks."""

    carrier: UserAgent
    hq: UserAgent
    lab: UserAgent

    def ring(self, edge_address: str) -> str:
        """Call the number through one edge address; the name of the PBX that rang, which refuses as busy.

        "nobody ..." where no PBX rang, or an edge that was killed meanwhile lost the PBX's answer.
        """
        sent = send_invite(
            self.carrier, (edge_address, 5060), f"sip:{NUMBER}@{edge_address}", caller="+12125550199"
        )
        for turn in range(RINGS):
            if turn % _AGAIN == _AGAIN - 1:
                sent.send_again()  # over UDP: the edge may have begun anew
            for name, pbx in (("hq", self.hq), ("lab", self.lab)):
                try:
                    invite = pbx.wait("INVITE", call_id=sent.call_id, seconds=0.05)
                except TimeoutError:
                    continue
                return name if _answered(sent, pbx, invite) else "nobody: the answer was lost"
            answers = self.carrier.silence(0.01)
            refused = [each for each in answers if each.call_id == sent.call_id and each.status >= 300]
            if refused:
                return f"nobody: {refused[0].first_line}"
        return "nobody"

    def close(self) -> None:
        for agent in (self.carrier, self.hq, self.lab):
            agent.close()


def _answered(sent: Invite, pbx: UserAgent, invite: Message) -> bool:
    """True if the PBX's answer comes back. It repeats it, as over UDP."""
    for _ in range(_REPEATS):
        pbx.respond(invite, 486)
        try:
            final = sent.final(2)
        except TimeoutError:
            continue
        assert final.status == 486
        return True
    return False


def telephones(block: Block) -> Telephones:
    """Agents at the addresses that the manifests name; their owner closes them."""
    return Telephones(
        UserAgent(block.address(CARRIER), 5060),
        UserAgent(block.address(HQ), 5070),
        UserAgent(block.address(LAB), 5070),
    )
